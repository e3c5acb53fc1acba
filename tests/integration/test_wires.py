"""The wire between the service and a store goes silent, deaf, late or is cut, under load: nothing lost, nothing twice."""
import time

import pytest

from load import Adder, run_adders
from test_stores import CATCH_UP_S, MARGIN_S, RECOVERY_S, REQUEST_DEADLINE_S, all_written_again
from waiting import eventually

pytestmark = pytest.mark.servers_only

SILENCE_S = 2.5  # longer than the mirror's timeout
# A connection whose answers were swallowed is noticed by the driver's own timeout (3 s for MariaDB) and a new one made.
WIRE_RECOVERY_S = RECOVERY_S + 3.0
CUTS = 25


@pytest.mark.parametrize("policy, verb", [("strict", "drop"), ("strict", "deafen"), ("strict", "hold"),
                                          ("strict", "close"), ("available", "deafen"), ("available", "close")])
@pytest.mark.parametrize("name", ["mariadb", "mongodb"])
def test_a_broken_wire(own_shop, name, policy, verb):
    gates = own_shop.gates()
    panier = own_shop.start({"PANIER_WRITE_POLICY": policy}, gates=gates)
    adders = [Adder(lambda: panier.port, f"wire-{n}") for n in range(6)]

    def break_and_heal():
        eventually(all_written_again(adders), RECOVERY_S, "the load runs")
        getattr(gates[name], verb)()
        time.sleep(SILENCE_S)
        gates[name].pass_()
        eventually(all_written_again(adders), WIRE_RECOVERY_S, "every cart is written again")

    run_adders(adders, break_and_heal)

    assert max(adder.slowest_s for adder in adders) < REQUEST_DEADLINE_S + MARGIN_S
    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
        eventually(lambda: own_shop.stores.mirror_lines(adder.user) == {"a1": adder.acknowledged}, CATCH_UP_S,
                   "the mirror has all that was acknowledged")
    own_shop.settle_and_verify(panier)


@pytest.mark.parametrize("name", ["mariadb", "mongodb"])
def test_connections_cut_again_and_again_under_load(own_shop, name):
    gates = own_shop.gates()
    panier = own_shop.start(gates=gates)
    adders = [Adder(lambda: panier.port, f"cuts-{n}") for n in range(6)]

    def cut_often():
        for n in range(CUTS):
            time.sleep(0.05 + 0.01 * n)  # so that each cut finds another step of a round
            gates[name].cut_once()
        eventually(all_written_again(adders), RECOVERY_S, "every cart is written again")

    run_adders(adders, cut_often)

    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
    own_shop.settle_and_verify(panier)


def test_a_slow_wire_is_only_slow(own_shop):
    gates = own_shop.gates()
    panier = own_shop.start(gates=gates)
    for gate in gates.values():
        gate.delay(0.05)
    answer = panier.client().add("u", "a", 1)
    assert answer.status == 201 and answer.seconds < RECOVERY_S
    own_shop.settle_and_verify(panier)
