"""TcpGate: a TCP proxy in front of a store, with verbs for what wires do to us."""
import socket
import threading
import time

CHUNK_BYTES = 65536
CONNECT_TIMEOUT_S = 5.0


class TcpGate:
    """Listens on a free port of 127.0.0.1. The verbs hold for open and for later connections:

    pass_()      bytes go through at once
    drop()       bytes vanish, connections stay open: a silent network
    delay(s)     each piece is s seconds late
    deafen()     requests arrive, answers vanish: the store did it, nobody ever hears of it
    hold()       requests arrive, answers wait until pass_(): the store did it, nobody hears of it
    close()      open connections are cut with a reset, new ones are refused
    cut_once()   open connections are cut with a reset, new ones pass
    lose_answers(n)  the next n answers vanish, and the connection of each is cut: the store did it, we hear a reset
    half_open(dead)  of open connections one side dies, "service" or "store", without a word to the other, for which
                     the wire is silent from now on; new ones pass
    """

    def __init__(self, target_port):
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._mode = "pass"  # guarded by _changed, as are all below
        self._delay_s = 0.0
        self._open = set()  # (wire, is it the service's side)
        self._orphans = set()  # wires whose other side died without a word
        self._answers_to_lose = 0
        self.answers_lost = 0
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def pass_(self):
        self._set("pass")

    def drop(self):
        self._set("drop")

    def deafen(self):
        self._set("deafen")

    def hold(self):
        self._set("hold")

    def delay(self, seconds):
        with self._changed:
            self._delay_s = seconds
        self._set("delay")

    def close(self):
        self._set("close")
        self._cut_all()

    def cut_once(self):
        self._set("pass")
        self._cut_all()

    def lose_answers(self, count):
        with self._changed:
            self._answers_to_lose = count

    def half_open(self, dead):
        with self._changed:
            wires, self._open = self._open, set()
            dying = {wire for wire, is_service in wires if is_service == (dead == "service")}
            self._orphans |= {wire for wire, _ in wires} - dying
        for wire in dying:
            _reset(wire)

    def stop(self):
        with self._changed:
            self._stopped = True
            self._open |= {(wire, False) for wire in self._orphans}
            self._changed.notify_all()
        # shutdown() wakes the accepting thread; close() alone would leave it waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()

    def _set(self, mode):
        with self._changed:
            self._mode = mode
            self._changed.notify_all()

    def _cut_all(self):
        with self._changed:
            wires, self._open = self._open, set()
        for wire, _ in wires:
            _reset(wire)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                refused = self._mode == "close" or self._stopped
            if refused:
                _reset(client)
                continue
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self._target_port), CONNECT_TIMEOUT_S)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        for wire in (client, server):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._open |= {(client, True), (server, False)}
        threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
        threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, is_answer):
        while True:
            try:
                data = source.recv(CHUNK_BYTES)
            except OSError:
                data = b""
            if not data:
                break
            if is_answer and self._loses_answer():
                _reset(sink)
                break
            if not self._may_pass(source, is_answer):
                continue
            try:
                sink.sendall(data)
            except OSError:
                if self._is_orphan(source):
                    continue
                break
        with self._changed:
            self._open -= {(wire, side) for wire in (source, sink) for side in (True, False)}
            self._orphans.discard(source)
            over = [wire for wire in (source, sink) if wire not in self._orphans]
        for wire in over:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _loses_answer(self):
        with self._changed:
            if not self._answers_to_lose:
                return False
            self._answers_to_lose -= 1
            self.answers_lost += 1
            return True

    def _is_orphan(self, wire):
        with self._changed:
            return wire in self._orphans

    def _swallows(self, is_answer):
        return self._mode == "drop" or (self._mode == "deafen" and is_answer)

    def _may_pass(self, source, is_answer):
        with self._changed:
            if source in self._orphans:
                return False
            if self._swallows(is_answer):
                self.answers_lost += is_answer and self._mode == "deafen"
                return False
            if self._mode == "delay":
                wait_s = self._delay_s
            else:
                wait_s = 0.0
                while self._mode == "hold" and is_answer and not self._stopped:
                    self._changed.wait()
                if self._swallows(is_answer):
                    return False
        if wait_s:
            time.sleep(wait_s)
        return True


def _reset(wire):
    """Closes with a RST, as a dying host does, and wakes whoever is reading."""
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    wire.close()
