"""Very many requests from one thread: pipelined on many connections, only the statuses are read."""
import collections
import re
import selectors
import socket

CONNECTIONS = 256
PIPELINED = 4
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# The longest start of a status line that may be split between two reads.
TAIL_BYTES = 12
STALL_S = 30.0


def add_request(user, article):
    body = b'{"article_id":"%s"}' % article.encode()
    return (b"PATCH /paniers/add_to_cart/%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (user.encode(), len(body), body))


class _Lane:
    def __init__(self, port):
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=STALL_S)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting = 0
        self.tail = b""

    def send_from(self, requests):
        batch = [request for _, request in zip(range(PIPELINED), requests)]
        self.waiting = len(batch)
        if batch:
            self.wire.sendall(b"".join(batch))

    def receive(self, statuses):
        data = self.wire.recv(65536)
        if not data:
            raise AssertionError("the service closed a busy connection")
        text = self.tail + data
        end = 0
        for match in STATUS.finditer(text):
            statuses[int(match.group(1))] += 1
            self.waiting -= 1
            end = match.end()
        self.tail = text[max(end, len(text) - TAIL_BYTES):]


def send_all(port, requests):
    """{status: count} of all answers. No body may contain what looks like a status line."""
    requests = iter(requests)
    statuses = collections.Counter()
    selector = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        lane = _Lane(port)
        lane.send_from(requests)
        if lane.waiting:
            selector.register(lane.wire, selectors.EVENT_READ, lane)
        else:
            lane.wire.close()
    while selector.get_map():
        ready = selector.select(STALL_S)
        assert ready, f"no answer for {STALL_S} s; so far {dict(statuses)}"
        for key, _ in ready:
            lane = key.data
            lane.receive(statuses)
            if lane.waiting == 0:
                lane.send_from(requests)
                if lane.waiting == 0:
                    selector.unregister(lane.wire)
                    lane.wire.close()
    return dict(statuses)
