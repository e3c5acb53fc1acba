"""A client of the cart service: one keep-alive connection, answers with their JSON, and a raw socket for odd requests."""
import http.client
import json
import socket
import time
from dataclasses import dataclass, field

from waiting import eventually

# Longer than any deadline of the service: a client that gives up first could not tell a late answer from none.
ANSWER_TIMEOUT_S = 20.0
LEDGER_BACK_S_MAX = 10.0


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    text: str
    seconds: float
    json: object = field(default=None)

    @property
    def rs(self):
        assert isinstance(self.json, dict) and "rs" in self.json, f"{self.status}: {self.text}"
        return self.json["rs"]

    @property
    def code(self):
        return self.json.get("code") if isinstance(self.json, dict) else None


class Client:
    def __init__(self, port, timeout_s=ANSWER_TIMEOUT_S, sends_again=True):
        self.port = port
        self._timeout_s = timeout_s
        self._sends_again = sends_again
        self._connection = None

    def request(self, method, path, body=None, headers=None):
        """Sends on the kept connection; one that the server closed while idle is replaced once if sends_again."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        started = time.monotonic()
        fresh = self._connection is None
        try:
            raw = self._exchange(method, path, body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.close()
            # A request that may have arrived is not sent again behind the caller's back.
            if fresh or not self._sends_again or method in ("PATCH", "POST", "PUT"):
                raise
            raw = self._exchange(method, path, body, headers)
        except OSError:
            self.close()
            raise
        return self._answer(raw, time.monotonic() - started)

    def _exchange(self, method, path, body, headers):
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self._timeout_s)
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response, response.read()

    def _answer(self, raw, seconds):
        response, data = raw
        if response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        text = data.decode()
        is_json = headers.get("content-type", "").startswith("application/json") and text
        return Answer(response.status, headers, text, seconds, json.loads(text) if is_json else None)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # The routes, as the shop calls them.
    def create(self, user, **headers):
        return self.request("POST", f"/paniers/create_cart/{user}", headers=_named(headers))

    def get(self, user, **headers):
        return self.request("GET", f"/paniers/{user}", headers=_named(headers))

    def add(self, user, article, quantity=None, **headers):
        return self._patch("add_to_cart", user, article, quantity, headers)

    def edit(self, user, article, quantity=None, **headers):
        return self._patch("edit_cart", user, article, quantity, headers)

    def remove(self, user, article, **headers):
        return self._patch("remove_from_cart", user, article, None, headers)

    def _patch(self, route, user, article, quantity, headers):
        body = {"article_id": article}
        if quantity is not None:
            body["quantite"] = quantity
        return self.request("PATCH", f"/paniers/{route}/{user}", body, _named(headers))

    def empty(self, user, **headers):
        return self.request("DELETE", f"/paniers/vider_panier/{user}", headers=_named(headers))

    def delete(self, user, **headers):
        return self.request("DELETE", f"/paniers/delete_cart/{user}", headers=_named(headers))

    def health(self):
        return self.request("GET", "/paniers/health")

    def quantities(self, user):
        """{article_id: quantity} of a cart that exists, by the ledger's word: where the ledger has just failed, a read may
        come from the mirror, which may be behind; that is awaited to end."""
        def read():
            answer = self.get(user)
            return None if "x-panier-degraded" in answer.headers else answer

        answer = eventually(read, LEDGER_BACK_S_MAX, f"{user} is read from the ledger")
        assert answer.status == 200, answer
        return {line["article_id"]: line["quantite_utilisateur"] for line in answer.rs["articles"]}


def _named(headers):
    """if_match="x" -> {"If-Match": "x"}"""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


def raw_exchange(port, data, timeout_s=ANSWER_TIMEOUT_S):
    """Sends bytes as they are and returns all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as wire:
        wire.sendall(data)
        return read_to_end(wire)


def read_to_end(wire):
    received = b""
    while True:
        try:
            chunk = wire.recv(65536)
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk
