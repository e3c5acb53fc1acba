"""kill -9 of the service under load: nothing acknowledged is lost, nothing is applied twice, carts are writable again."""
import http.client
import time

import pytest

from http_client import ANSWER_TIMEOUT_S
from load import Adder, run_adders
from waiting import eventually

LOAD_BEFORE_KILL_S = (0.7, 0.4, 1.1)  # not a wait for anything: how much work each life gets
# A dead process leaves reservations behind. They run out after PANIER_RESERVATION_TTL_MS (5 s) and are looked for every
# 200 ms. An SQLite ledger knows at start that nobody else lives; an available write reserves nothing.
MARGIN_S = 1.5
WRITABLE_AGAIN_S = {("servers", "strict"): 5.0 + MARGIN_S}


def write(panier, user):
    try:
        answer = panier.client().add(user, "after", 1)
    except (OSError, http.client.HTTPException):
        return False
    return answer.status == 201


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_acknowledged_writes_survive_kill_9(shop, policy):
    panier = shop.start({"PANIER_WRITE_POLICY": policy})
    panier.settings["PANIER_PORT"] = panier.port  # the clients find the next life on the same port
    sure = [Adder(lambda: panier.port, f"sure-{n}") for n in range(6)]
    plain = [Adder(lambda: panier.port, f"plain-{n}", retry=False) for n in range(6)]
    acknowledged_before = 0

    def kill_again_and_again():
        nonlocal acknowledged_before
        for seconds in LOAD_BEFORE_KILL_S:
            time.sleep(seconds)
            panier.kill()
            acknowledged = sum(adder.acknowledged for adder in sure + plain)
            assert acknowledged > acknowledged_before, "no load between two kills: nothing was tested"
            acknowledged_before = acknowledged
            panier.start()
            started = time.monotonic()
            for adder in sure + plain:
                eventually(lambda: write(panier, adder.user), ANSWER_TIMEOUT_S, f"{adder.user} is writable again")
            assert time.monotonic() - started < WRITABLE_AGAIN_S.get((shop.mode, policy), MARGIN_S)

    run_adders(sure + plain, kill_again_and_again)

    client = panier.client()
    for adder in sure:
        assert client.quantities(adder.user)["a1"] == adder.acknowledged, adder.user
    for adder in plain:
        kept = client.quantities(adder.user)["a1"]
        assert adder.acknowledged <= kept <= adder.acknowledged + adder.unknown, adder.user
    shop.settle_and_verify(panier)


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_a_power_cut_takes_the_service_and_both_stores(own_shop, policy):
    panier = own_shop.start({"PANIER_WRITE_POLICY": policy})
    panier.settings["PANIER_PORT"] = panier.port
    stores = [own_shop.stores.mariadb, own_shop.stores.mongodb]
    adders = [Adder(lambda: panier.port, f"cut-{n}") for n in range(6)]

    def cut():
        eventually(lambda: all(adder.acknowledged > 5 for adder in adders), ANSWER_TIMEOUT_S, "the load runs")
        for victim in [*stores, panier]:
            victim.kill()
        before = [adder.acknowledged for adder in adders]
        for store in stores:
            store.restart()
        panier.start()
        eventually(lambda: all(now.acknowledged > then for now, then in zip(adders, before)), ANSWER_TIMEOUT_S,
                   "every cart is written again")

    run_adders(adders, cut)

    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
    own_shop.settle_and_verify(panier)


def test_verify_repair_mends_what_a_dead_service_left(shop):
    """Nobody serves: its reservations run out, then both stores tell the ledger's story."""
    panier = shop.start()
    adders = [Adder(lambda: panier.port, f"left-{n}", retry=False) for n in range(12)]

    def kill():
        eventually(lambda: all(adder.acknowledged for adder in adders), ANSWER_TIMEOUT_S, "the load runs")
        panier.kill()

    run_adders(adders, kill)

    repaired = panier.verify("--repair")
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    panier.assert_stores_agree()
    panier.start()
    for adder in adders:
        kept = panier.client().quantities(adder.user)["a1"]
        assert adder.acknowledged <= kept <= adder.acknowledged + adder.unknown
        assert write(panier, adder.user), "nothing is reserved any more"


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_the_same_key_after_a_restart_gives_the_first_answer(shop, policy, request_count=20):
    panier = shop.start({"PANIER_WRITE_POLICY": policy})
    first = [panier.client().add("keys", f"a{n}", n + 1, idempotency_key=f"key-{n}") for n in range(request_count)]
    panier.kill()
    panier.start()

    again = [panier.client().add("keys", f"a{n}", n + 1, idempotency_key=f"key-{n}") for n in range(request_count)]

    assert [answer.status for answer in again] == [201] * request_count
    assert [answer.rs for answer in again] == [answer.rs for answer in first]
    assert panier.client().quantities("keys") == {f"a{n}": n + 1 for n in range(request_count)}
    shop.settle_and_verify(panier)
