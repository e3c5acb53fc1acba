"""HTTP as it comes over the wire: old clients, odd framing, slow senders."""
import json
import re
import socket
import time

import pytest

from http_client import raw_exchange, read_to_end

JSON_BODY = b'{"article_id":"a"}'


@pytest.fixture(scope="module")
def panier(embedded_module_shop):
    return embedded_module_shop.start({"PANIER_REQUEST_TIMEOUT_MS": 6000, "PANIER_IDLE_TIMEOUT_MS": 7000})


def head(*lines):
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def statuses(received):
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def only_error(received, status):
    assert statuses(received) == [status], received
    headers, body = received.split(b"\r\n\r\n", 1)
    assert b"application/json" in headers.lower()
    error = json.loads(body)
    assert error["error"] is True and error["code"] and error["message"]
    return error


def patch(user, *more, body=JSON_BODY):
    return head(f"PATCH /paniers/add_to_cart/{user} HTTP/1.1", "Host: x", "Content-Type: application/json", *more) + body


CLOSE = "Connection: close"
LENGTH = f"Content-Length: {len(JSON_BODY)}"


def test_http_1_0_is_answered_and_closed(panier):
    received = raw_exchange(panier.port, head("GET /paniers/health HTTP/1.0"))
    assert statuses(received) == [200]


def test_http_1_0_keep_alive(panier):
    request = head("GET /paniers/health HTTP/1.0", "Connection: keep-alive")
    last = head("GET /paniers/health HTTP/1.0")
    assert statuses(raw_exchange(panier.port, request + last)) == [200, 200]


def test_connection_close_is_honoured(panier):
    received = raw_exchange(panier.port, head("GET /paniers/health HTTP/1.1", "Host: x", CLOSE))
    assert statuses(received) == [200]
    assert b"connection: close" in received.lower()


def test_pipelined_requests_are_answered_in_order(panier):
    adds = b"".join(patch("pipe", LENGTH) for _ in range(9)) + patch("pipe", LENGTH, CLOSE)
    received = raw_exchange(panier.port, adds)
    assert statuses(received) == [201] * 10
    assert [int(q) for q in re.findall(rb'"quantite": ?(\d+)', received)] == list(range(1, 11))


def test_chunked_body(panier):
    chunks = b"5\r\n" + JSON_BODY[:5] + b"\r\n" + b"d;ext=1\r\n" + JSON_BODY[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n"
    assert len(JSON_BODY) - 5 == 0xD
    received = raw_exchange(panier.port, patch("chunked", "Transfer-Encoding: chunked", CLOSE, body=chunks))
    assert statuses(received) == [201]


def test_expect_100_continue(panier):
    with socket.create_connection(("127.0.0.1", panier.port), timeout=5) as wire:
        wire.sendall(patch("expect", LENGTH, "Expect: 100-continue", CLOSE, body=b""))
        assert wire.recv(4096).startswith(b"HTTP/1.1 100 ")
        wire.sendall(JSON_BODY)
        assert statuses(read_to_end(wire)) == [201]


def test_unknown_expectation(panier):
    only_error(raw_exchange(panier.port, patch("x", LENGTH, "Expect: tea", CLOSE)), 417)


@pytest.mark.parametrize("lines", [
    [LENGTH, "Transfer-Encoding: chunked"],
    [LENGTH, LENGTH],
    [LENGTH, "Content-Length: 3"],
    ["Content-Length: -1"],
    ["Content-Length: 0x12"],
    ["Content-Length: 18, 18"],
    ["Host: y", LENGTH],
    ["Content-Length: 99999999999999999999999"],
    ["Transfer-Encoding: chunked, chunked"],
], ids=str)
def test_framing_that_two_servers_may_read_differently_is_refused(panier, lines):
    received = raw_exchange(panier.port, patch("smuggle", *lines))
    assert statuses(received)[:1] in ([400], [413], [501]), received
    assert len(statuses(received)) == 1  # and the connection is closed: the rest is never read as a request


@pytest.mark.parametrize("coding", ["gzip", "xchunked", "gzip, chunked", "identity"])
def test_transfer_codings_that_we_do_not_know(panier, coding):
    received = raw_exchange(panier.port, patch("coding", f"Transfer-Encoding: {coding}"))
    assert statuses(received) in ([400], [501]), received


def test_host_is_needed_in_1_1(panier):
    only_error(raw_exchange(panier.port, head("GET /paniers/health HTTP/1.1")), 400)


@pytest.mark.parametrize("data", [b"\r\n\r\n\r\n\r\n", b"hello\r\n\r\n", b"GET  /paniers/health HTTP/1.1\r\nHost: x\r\n\r\n",
                                  b"GET /paniers/health HTTP/2.0\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_what_is_not_http_gets_400_or_a_close(panier, data):
    with socket.create_connection(("127.0.0.1", panier.port), timeout=15) as wire:
        wire.sendall(data)
        wire.shutdown(socket.SHUT_WR)
        received = read_to_end(wire)
    assert statuses(received) in ([], [400], [505]), received


def test_unknown_method(panier):
    only_error(raw_exchange(panier.port, head("BREW /paniers/x HTTP/1.1", "Host: x", CLOSE)), 501)


def test_too_many_headers(panier):
    lines = [f"X-{n}: {'y' * 100}" for n in range(200)]
    only_error(raw_exchange(panier.port, head("GET /paniers/x HTTP/1.1", "Host: x", *lines)), 431)


def test_the_413_is_seen_by_a_client_that_is_still_sending(panier):
    body = b'{"article_id":"a"' + b" " * 3_000_000 + b"}"
    received = raw_exchange(panier.port, patch("big", f"Content-Length: {len(body)}", body=body))
    only_error(received, 413)


def test_a_slow_sender_is_answered_408_and_closed(panier):
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", panier.port), timeout=20) as wire:
        wire.sendall(patch("slow", LENGTH, body=JSON_BODY[:4]))
        received = read_to_end(wire)
    assert statuses(received) in ([408], [])
    assert time.monotonic() - started < 15


def test_a_drip_of_bytes_does_not_prolong_the_deadline(panier):
    """A total deadline, not one from byte to byte."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", panier.port), timeout=20) as wire:
        try:
            while time.monotonic() - started < 18:
                wire.sendall(b"G" if time.monotonic() - started < 0.1 else b"E")
                wire.settimeout(0.5)
                try:
                    if wire.recv(4096) in (b"",):
                        break
                except socket.timeout:
                    continue
                break
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert time.monotonic() - started < 15


def test_an_idle_connection_is_closed(panier):
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", panier.port), timeout=20) as wire:
        wire.sendall(head("GET /paniers/health HTTP/1.1", "Host: x"))
        assert statuses(read_to_end(wire)) == [200]
    assert 4 < time.monotonic() - started < 15


def test_many_idle_connections_do_not_stop_service(panier):
    wires = [socket.create_connection(("127.0.0.1", panier.port), timeout=5) for _ in range(400)]
    try:
        assert panier.client().health().status == 200
    finally:
        for wire in wires:
            wire.close()
