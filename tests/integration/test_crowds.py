"""Crowds: thousands who only hold a connection, send half a request, or do not read what they asked for."""
import collections
import resource
import socket
import threading
import time

import pytest

from panier_process import Panier
from waiting import eventually

IDLE_CROWD = 2_000
SLOW_CROWD = 1_000
SLOW_TIMES = {"PANIER_MIRROR_TIMEOUT_MS": 500, "PANIER_RESERVATION_TTL_MS": 1000, "PANIER_REQUEST_TIMEOUT_MS": 8000}
SLOW_PACE_S = 0.2  # between two bytes of one slow sender
# Two threads' ticks of 50 ms are far below; a loop that spins takes 100 % or more.
CALM_CPU_PERCENT = 20
# 5,000 single bytes a second are 5,000 reads: work, but not a thread's whole time.
BUSY_CPU_PERCENT = 60
WATCH_S = 1.0


@pytest.fixture(autouse=True)
def own_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def started(tmp_path):
    all_started = []

    def start(settings=None, **how):
        all_started.append(Panier(tmp_path, settings, **how))
        return all_started[-1].start()

    yield start
    for panier in all_started:
        panier.end()


def connect(port, small_buffers=False):
    wire = socket.socket()
    wire.settimeout(10)
    if small_buffers:
        # Small segments keep the service's send buffer small as well: an answer or two fill it, and a thousand of them
        # are not all the memory that the kernel has for TCP.
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
    wire.connect(("127.0.0.1", port))
    wire.setblocking(False)
    return wire


class Crowd:
    """`count` open connections; each sends `data`, and nobody reads."""

    def __init__(self, port, count, data=b"", small_buffers=False):
        self._wires = [connect(port, small_buffers) for _ in range(count)]
        for wire in self._wires:
            try:
                wire.sendall(data)
            except BlockingIOError:  # takes no more: what is there is enough
                pass

    def leave(self):
        for wire in self._wires:
            wire.close()


class SlowSenders(Crowd):
    """Each goes on with one byte after the other, for ever; whoever is answered takes the answer and leaves."""

    def __init__(self, port, count, data):
        super().__init__(port, count, data)
        self.answers = collections.Counter()  # by status line; whole once the thread has ended
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self):
        left = self._wires
        while left and not self._stopped.wait(SLOW_PACE_S):
            left = [wire for wire in left if not self._next_byte(wire)]

    def _next_byte(self, wire):
        """Whether it is over."""
        try:
            try:
                answer = wire.recv(4096)
            except BlockingIOError:
                wire.send(b"a")
                return False
        except ConnectionError as broken:
            answer = str(broken).encode()
        self.answers[answer.partition(b"\r\n")[0].decode()] += 1
        wire.close()
        return True

    def wait_for_answers(self):
        self._thread.join(10)

    def leave(self):
        self._stopped.set()
        self._thread.join()
        super().leave()


def cpu_percent(panier):
    used, started = panier.cpu_s(), time.monotonic()
    time.sleep(WATCH_S)  # the length of the measurement, nothing is waited for
    return 100 * (panier.cpu_s() - used) / (time.monotonic() - started)


def serves(panier):
    client = panier.client()
    answer = client.add("u", "a", 1)
    assert (answer.status, client.get("u").status) == (201, 200), answer
    assert answer.seconds < 2, answer


def test_idle_connections_cost_little(started):
    panier = started()
    before = panier.descriptors()
    crowd = Crowd(panier.port, IDLE_CROWD)
    eventually(lambda: panier.descriptors() >= before + IDLE_CROWD, 10.0, "all are let in")
    assert cpu_percent(panier) < CALM_CPU_PERCENT
    serves(panier)
    crowd.leave()
    eventually(lambda: panier.descriptors() < before + 10, 10.0, "their descriptors are given back")


@pytest.mark.parametrize("data", [
    b"PATCH /paniers/add_to_cart/u HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 12_000,
    b"PATCH /paniers/add_to_cart/u HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + b"a" * 50_000,
], ids=["half a head", "half a body"])
def test_half_requests_hold_up_nobody_and_end(started, data):
    panier = started({"PANIER_MIRROR_TIMEOUT_MS": 500, "PANIER_RESERVATION_TTL_MS": 1000,
                      "PANIER_REQUEST_TIMEOUT_MS": 3000})
    before = panier.descriptors()
    crowd = Crowd(panier.port, 500, data)
    serves(panier)
    # 3 s for the request, 2 s to take the 408.
    eventually(lambda: panier.descriptors() < before + 10, 10.0, "they are closed without leaving")
    crowd.leave()


@pytest.mark.parametrize("data", [
    b"PATCH /paniers/add_to_cart/u HTTP/1.1\r\nHost: x\r\nX: ",
    b"PATCH /paniers/add_to_cart/u HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n",
], ids=["head", "body"])
def test_a_thousand_who_send_byte_by_byte(started, data):
    panier = started(SLOW_TIMES)
    before = panier.descriptors()
    crowd = SlowSenders(panier.port, SLOW_CROWD, data)
    eventually(lambda: panier.descriptors() >= before + SLOW_CROWD, 10.0, "all are let in")
    serves(panier)
    assert cpu_percent(panier) < BUSY_CPU_PERCENT
    serves(panier)
    # A byte now and then does not prolong the 8 s of a request.
    eventually(lambda: panier.descriptors() < before + 10, 20.0, "they are answered and closed")
    crowd.wait_for_answers()  # the last few may still be about to take theirs
    crowd.leave()
    assert crowd.answers == {"HTTP/1.1 408 Request Timeout": SLOW_CROWD}
    assert cpu_percent(panier) < CALM_CPU_PERCENT
    serves(panier)


def test_a_thousand_who_never_read_their_answer(started):
    panier = started(SLOW_TIMES)
    client = panier.client()
    for line in range(200):
        assert client.add("large", f"article-{line}-{'x' * 48}", 1).status == 201
    before = panier.descriptors()
    crowd = Crowd(panier.port, SLOW_CROWD, b"GET /paniers/large HTTP/1.1\r\nHost: x\r\n\r\n" * 12, small_buffers=True)
    # When the first answers have filled what they fill, nothing moves.
    eventually(lambda: cpu_percent(panier) < CALM_CPU_PERCENT, 6.0, "the service waits for them, it does not spin")
    assert panier.descriptors() >= before + SLOW_CROWD
    serves(panier)
    eventually(lambda: panier.descriptors() < before + 10, 20.0, "they are cut off without leaving")
    crowd.leave()
    assert cpu_percent(panier) < CALM_CPU_PERCENT
    serves(panier)


def test_a_crowd_that_takes_every_descriptor(started):
    panier = started(limits=["--nofile=256"])
    kept = panier.client()
    assert kept.add("u", "a", 1).status == 201
    crowd = Crowd(panier.port, 300)
    assert cpu_percent(panier) < CALM_CPU_PERCENT
    # Who is there goes on, the stores can be opened, the operator gets in.
    assert (kept.get("u").status, kept.add("u", "a", 1).status) == (200, 201)
    assert panier.ops().request("GET", "/readyz").status == 200
    assert any("cannot accept" in line.get("detail", "") for line in panier.log() if isinstance(line, dict))
    # Who comes late waits until those that are idle make room, not until they leave.
    late = panier.client()
    assert late.add("u", "a", 1).status == 201
    assert late.health().json["status"] == "ok"
    crowd.leave()
    serves(panier)
    panier.stop()
    panier.assert_stores_agree()
