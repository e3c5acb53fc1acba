"""Clients of few carts that collide: each does one thing at a time and records what it was told."""
import http.client
import random
import threading
import time
from dataclasses import dataclass, replace

import history
from history import ACKNOWLEDGED, NOT_SENT, NOTHING_CHANGED, Attempt
from http_client import Client

ARTICLES = ("a1", "a2", "a3")
KINDS = {"add": 38, "read": 24, "edit": 12, "remove": 8, "empty": 6, "erase": 6, "create": 6}  # of 100 operations
KEYED = 0.6  # of writes: with a key, and repeated under it until the outcome is known
CONDITIONAL = 0.15  # of writes: If-Match, of reads: If-None-Match
HURRIED = 0.06  # of attempts: the client waits for HURRY_S at most
HURRY_S = (0.01, 0.5)
REPEATED = 0.12  # of acknowledged writes with a key: sent again, to be told the same
MISUSED = 0.05  # and so many: the key is used for another request
PAUSE_AFTER_REFUSAL_S = 0.03
QUANTITY_MAX = 999_999  # thousandths; so many that two operations hardly ever look alike


@dataclass
class Instance:
    """lives: counts its kills, so that no client takes a connection of a former life for one of this."""
    panier: object
    lives: int = 0


class KnownVersions:
    """Of each cart the last versions that anybody was told, for conditions that often hold."""

    def __init__(self):
        self._lock = threading.Lock()
        self._last = {}

    def tell(self, cart, version):
        with self._lock:
            self._last[cart] = max(version, self._last.get(cart, 0))

    def get(self, cart):
        with self._lock:
            return self._last.get(cart)


class ChaosClient(threading.Thread):
    """attempts: all of its requests. It stops by itself after stop(), with every keyed write's outcome known."""

    def __init__(self, number, seed, instances, carts, meeting, known, patience_s):
        super().__init__(name=f"client-{number}", daemon=True)
        self._number, self._random = number, random.Random(f"{seed}:client:{number}")
        self._instances, self._carts, self._known, self._patience_s = instances, carts, known, patience_s
        self._meeting = meeting  # of operations: on the first cart; the others are spread over all
        self._stop_requested = threading.Event()
        self._connections = {}  # instance number -> (its life, Client)
        self._operations = 0
        self.attempts = []
        self.error = None

    def stop(self):
        self._stop_requested.set()

    def run(self):
        try:
            while not self._stop_requested.is_set():
                self._operate(self._draw())
        except Exception as error:  # told by whoever joins
            self.error = error
        for _, client in self._connections.values():
            client.close()

    def _draw(self):
        rng = self._random
        self._operations += 1
        cart = self._carts[0] if rng.random() < self._meeting else rng.choice(self._carts)
        kind = rng.choices(list(KINDS), KINDS.values())[0]
        attempt = Attempt(self._number * 1_000_000 + self._operations, cart, kind, 0, 0.0)
        if kind in ("add", "edit", "remove"):
            attempt.article = rng.choice(ARTICLES)
        if kind in ("add", "edit"):
            attempt.quantity = rng.randint(1, QUANTITY_MAX)
        if kind == "add" and rng.random() < 0.2:
            attempt.quantity = -attempt.quantity
        if kind == "edit" and rng.random() < 0.2:
            attempt.quantity = 0
        version = self._known.get(cart) if rng.random() < CONDITIONAL else None
        if kind == "read":
            attempt.if_none_match = version
        else:
            attempt.if_match = version
            attempt.key = f"key-{attempt.operation}" if rng.random() < KEYED else None
        return attempt

    def _operate(self, operation):
        attempt = self._try(operation)
        while operation.key and (attempt.is_open or attempt.status == NOTHING_CHANGED or attempt.no_status == NOT_SENT):
            if self._stop_requested.is_set() and not any(one.is_open for one in self._attempts_of(operation)):
                return
            attempt = self._try(operation)
        if operation.key and attempt.status in ACKNOWLEDGED:
            if self._random.random() < REPEATED:
                self._try(operation)
            if self._random.random() < MISUSED:
                self._try(replace(operation, kind="add", article="other", quantity=1000, if_match=None, misuse=True))

    def _attempts_of(self, operation):
        return [one for one in self.attempts if one.operation == operation.operation]

    def _try(self, operation):
        number = self._random.randrange(len(self._instances))
        hurried = self._random.random() < HURRIED
        patience_s = self._random.uniform(*HURRY_S) if hurried else self._patience_s
        attempt = replace(operation, instance=number, began=time.monotonic())
        try:
            self._answered(attempt, self._send(attempt, self._client(number, hurried, patience_s)))
        except ConnectionRefusedError:
            attempt.no_status = NOT_SENT
        except TimeoutError:
            attempt.no_status = history.GAVE_UP if hurried else history.SILENT
        except (OSError, http.client.HTTPException):
            attempt.no_status = history.CUT
        attempt.ended = time.monotonic()
        if attempt.status is None:
            self._connections.pop(number, None)
        if attempt.status is None or attempt.status >= 500:
            time.sleep(PAUSE_AFTER_REFUSAL_S)
        self.attempts.append(attempt)
        return attempt

    def _client(self, number, hurried, patience_s):
        instance = self._instances[number]
        life, client = self._connections.get(number, (None, None))
        if hurried or life != instance.lives:
            if client:
                client.close()
            life, client = instance.lives, Client(instance.panier.port, patience_s, sends_again=False)
            self._connections[number] = (None if hurried else life, client)
        return client

    def _send(self, attempt, client):
        headers = {"if_match": f'"{attempt.if_match}"'} if attempt.if_match is not None else {}
        if attempt.if_none_match is not None:
            headers["if_none_match"] = f'"{attempt.if_none_match}"'
        if attempt.key:
            headers["idempotency_key"] = attempt.key
        cart, article, quantity = attempt.cart, attempt.article, attempt.quantity / 1000
        if attempt.kind in ("add", "edit"):
            return getattr(client, attempt.kind)(cart, article, quantity, **headers)
        if attempt.kind == "remove":
            return client.remove(cart, article, **headers)
        method = {"read": client.get, "create": client.create, "empty": client.empty, "erase": client.delete}
        return method[attempt.kind](cart, **headers)

    def _answered(self, attempt, answer):
        attempt.status, attempt.body = answer.status, answer.json
        attempt.degraded = "x-panier-degraded" in answer.headers
        rs = answer.json.get("rs") if isinstance(answer.json, dict) and answer.status in ACKNOWLEDGED else None
        if isinstance(rs, dict) and "version" in rs:
            self._known.tell(attempt.cart, rs["version"])
