"""kill -9 of the service under load: nothing acknowledged is lost, nothing is applied twice, carts are writable again."""
import http.client
import time

import pytest

from load import Adder, run_adders
from waiting import eventually

KILLS = 3
LOAD_BEFORE_KILL_S = (0.7, 0.4, 1.1)  # not a wait for anything: how much work each life gets
# A dead process leaves reservations behind; they run out after PANIER_RESERVATION_TTL_MS (5 s). An SQLite ledger knows
# at start that nobody else lives.
WRITABLE_AGAIN_S = {"embedded": 3.0, "servers": 12.0}


def write(panier, user):
    try:
        answer = panier.client().add(user, "after", 1)
    except (OSError, http.client.HTTPException):
        return False
    return answer.status == 201


def test_acknowledged_writes_survive_kill_9(shop):
    panier = shop.start()
    panier.settings["PANIER_PORT"] = panier.port  # the clients find the next life on the same port
    sure = [Adder(lambda: panier.port, f"sure-{n}") for n in range(6)]
    plain = [Adder(lambda: panier.port, f"plain-{n}", retry=False) for n in range(6)]
    acknowledged_before = 0

    def kill_again_and_again():
        nonlocal acknowledged_before
        for seconds in LOAD_BEFORE_KILL_S[:KILLS]:
            time.sleep(seconds)
            panier.kill()
            acknowledged = sum(adder.acknowledged for adder in sure + plain)
            assert acknowledged > acknowledged_before, "no load between two kills: nothing was tested"
            acknowledged_before = acknowledged
            panier.start()
            for adder in sure + plain:
                eventually(lambda: write(panier, adder.user), WRITABLE_AGAIN_S[shop.mode],
                           f"{adder.user} is writable again")

    run_adders(sure + plain, kill_again_and_again)

    client = panier.client()
    for adder in sure:
        assert client.quantities(adder.user)["a1"] == adder.acknowledged, adder.user
    for adder in plain:
        kept = client.quantities(adder.user)["a1"]
        assert adder.acknowledged <= kept <= adder.acknowledged + adder.unknown, adder.user
    shop.settle_and_verify(panier)


@pytest.mark.parametrize("request_count", [20])
def test_the_same_key_after_a_restart_gives_the_first_answer(shop, request_count):
    panier = shop.start()
    first = [panier.client().add("keys", f"a{n}", n + 1, idempotency_key=f"key-{n}") for n in range(request_count)]
    panier.kill()
    panier.start()

    again = [panier.client().add("keys", f"a{n}", n + 1, idempotency_key=f"key-{n}") for n in range(request_count)]

    assert [answer.status for answer in again] == [201] * request_count
    assert [answer.rs for answer in again] == [answer.rs for answer in first]
    assert panier.client().quantities("keys") == {f"a{n}": n + 1 for n in range(request_count)}
    shop.settle_and_verify(panier)
