"""A mirror that answers, but has no majority that would confirm a write: secondaries are down or far behind."""
import time

import pytest

from test_stores import RECOVERY_S, writable
from waiting import eventually

pytestmark = pytest.mark.servers_only

WRITES = ("update", "delete", "findAndModify")
WATCHED_S = 2.0  # four questions of the probe's
REFUSED_S = 1.0  # well below PANIER_MIRROR_TIMEOUT_MS: nobody waits for a majority that is known to be gone


def times_down(panier):
    return sum(line.get("msg") == "store down" and line.get("store") == "mongodb"
               for line in panier.log() if isinstance(line, dict))


def mirror_status(panier):
    return panier.client().health().json["stores"]["mongodb"]


def start_and_lose_majority(double_shop, policy):
    panier = double_shop.start({"PANIER_WRITE_POLICY": policy})
    panier.client().add("u", "a", 3)
    for command in WRITES:
        double_shop.stores.mongodb.order(command, kind="write_concern_error", times=-1, code=64)
    eventually(lambda: mirror_status(panier)["last_error"], RECOVERY_S, "the mirror is known to be down")
    return panier


def test_strict_writes_are_refused_at_once_until_there_is_a_majority(double_shop):
    panier = start_and_lose_majority(double_shop, "strict")
    until = time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        refused = panier.client().add("u", "a", 1)
        assert (refused.status, refused.code) == (503, "mirror_unavailable")
        assert refused.seconds < REFUSED_S
    assert times_down(panier) == 1, "down for good, not again with every write"
    assert "code 64" in mirror_status(panier)["last_error"]

    double_shop.stores.mongodb.order("clear")
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "strict writes again")
    assert panier.client().quantities("u") == {"a": 3, "after": 1}
    double_shop.settle_and_verify(panier)


def test_available_writes_do_not_wait_for_it(double_shop):
    panier = start_and_lose_majority(double_shop, "available")
    added = 3
    until = time.monotonic() + WATCHED_S
    while time.monotonic() < until:
        taken = panier.client().add("u", "a", 1)
        assert (taken.status, taken.headers.get("x-panier-mirror")) == (201, "pending")
        assert taken.seconds < REFUSED_S
        added += 1
    assert times_down(panier) == 1

    double_shop.stores.mongodb.order("clear")
    eventually(lambda: double_shop.stores.mirror_lines("u") == {"a": added}, 5 * RECOVERY_S, "it catches up")
    double_shop.settle_and_verify(panier)
