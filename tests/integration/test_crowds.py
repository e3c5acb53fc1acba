"""Crowds: thousands who only hold a connection, send half a request, or do not read what they asked for."""
import resource
import socket
import time

import pytest

from panier_process import Panier
from waiting import eventually

IDLE_CROWD = 2_000
# Two threads' ticks of 50 ms are far below; a loop that spins takes 100 % or more.
CALM_CPU_PERCENT = 20
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


class Crowd:
    """`count` open connections; each sends `data`, and nobody reads."""

    def __init__(self, port, count, data=b""):
        self._wires = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]
        for wire in self._wires:
            wire.setblocking(False)
            try:
                wire.sendall(data)
            except BlockingIOError:  # takes no more: what is there is enough
                pass

    def leave(self):
        for wire in self._wires:
            wire.close()


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


def test_readers_that_do_not_read_are_cut_off(started):
    panier = started({"PANIER_MIRROR_TIMEOUT_MS": 500, "PANIER_RESERVATION_TTL_MS": 1000,
                      "PANIER_REQUEST_TIMEOUT_MS": 3000})
    client = panier.client()
    for line in range(150):
        assert client.add("large", f"article-{line}-{'x' * 40}", 1).status == 201
    before = panier.descriptors()
    crowd = Crowd(panier.port, 20, b"GET /paniers/large HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000)
    serves(panier)
    eventually(lambda: panier.descriptors() < before + 10, 30.0, "they are closed without leaving")
    crowd.leave()


def test_a_crowd_that_takes_every_descriptor(started):
    panier = started(descriptors_max=256)
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
