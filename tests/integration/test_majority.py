"""A mirror that answers, but has no majority that would confirm a write: secondaries are down or far behind."""
import os
import subprocess
import time

import pymongo
import pytest

from test_stores import RECOVERY_S, writable
from waiting import eventually

pytestmark = pytest.mark.servers_only

WRITES = ("update", "delete", "findAndModify")
WATCHED_S = 2.0  # four questions of the probe's
REFUSED_S = 1.0  # well below PANIER_MIRROR_TIMEOUT_MS: nobody waits for a majority that is known to be gone


class Double:
    """The wire double. Faults stay until they are cleared."""

    def __init__(self):
        self._process = subprocess.Popen([os.environ["PANIER_WIRE_DOUBLE"]], stdout=subprocess.PIPE, text=True)
        self.uri = self._process.stdout.readline().strip().partition("=")[2]
        self._client = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=5000)

    def lose_majority(self):
        for command in WRITES:
            self._client.admin.command({"panierFault": command, "kind": "write_concern_error", "times": -1, "code": 64})

    def regain_majority(self):
        self._client.admin.command({"panierFault": "clear"})

    def documents(self):
        return {one["user_id"]: one for one in self._client.get_default_database()["panier"].find()}

    def end(self):
        self._client.close()
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def double():
    double = Double()
    yield double
    double.end()


def times_down(panier):
    return sum(line.get("msg") == "store down" and line.get("store") == "mongodb"
               for line in panier.log() if isinstance(line, dict))


def mirror_status(panier):
    return panier.client().health().json["stores"]["mongodb"]


def start_and_lose_majority(own_shop, double, policy):
    panier = own_shop.start({"MONGO_URI_PANIERS": double.uri, "PANIER_WRITE_POLICY": policy})
    panier.client().add("u", "a", 3)
    double.lose_majority()
    eventually(lambda: mirror_status(panier)["last_error"], RECOVERY_S, "the mirror is known to be down")
    return panier


def test_strict_writes_are_refused_at_once_until_there_is_a_majority(own_shop, double):
    panier = start_and_lose_majority(own_shop, double, "strict")
    until = time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        refused = panier.client().add("u", "a", 1)
        assert (refused.status, refused.code) == (503, "mirror_unavailable")
        assert refused.seconds < REFUSED_S
    assert times_down(panier) == 1, "down for good, not again with every write"
    assert "code 64" in mirror_status(panier)["last_error"]

    double.regain_majority()
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "strict writes again")
    assert panier.client().quantities("u") == {"a": 3, "after": 1}
    panier.stop()
    panier.assert_stores_agree()


def test_available_writes_do_not_wait_for_it(own_shop, double):
    panier = start_and_lose_majority(own_shop, double, "available")
    added = 3
    until = time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        taken = panier.client().add("u", "a", 1)
        assert (taken.status, taken.headers.get("x-panier-mirror")) == (201, "pending")
        assert taken.seconds < REFUSED_S
        added += 1
    assert times_down(panier) == 1

    double.regain_majority()
    eventually(lambda: double.documents()["u"]["articles"][0]["quantite"] == added, 5 * RECOVERY_S, "it catches up")
    panier.stop()
    panier.assert_stores_agree()
