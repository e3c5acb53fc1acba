"""Two instances on the same stores, hammering the same carts: no add is lost, none counts twice."""
import time

import pytest

from load import Adder, run_adders

CARTS = 5
ADDERS_PER_CART_AND_INSTANCE = 2
LOAD_S = 6.0

pytestmark = pytest.mark.servers_only


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_what_was_acknowledged_is_what_both_stores_hold(shop, policy):
    instances = [shop.start({"PANIER_WRITE_POLICY": policy}, name=f"instance-{n}") for n in range(2)]
    adders = [Adder(lambda instance=instance: instance.port, f"shared-{policy}-{cart}")
              for instance in instances for cart in range(CARTS) for _ in range(ADDERS_PER_CART_AND_INSTANCE)]

    run_adders(adders, lambda: time.sleep(LOAD_S))

    assert all(adder.acknowledged for adder in adders), "a worker starved: some cart never got through"
    instances[1].stop()
    shop.settle_and_verify(instances[0])
    for cart in range(CARTS):
        user = f"shared-{policy}-{cart}"
        acknowledged = sum(adder.acknowledged for adder in adders if adder.user == user)
        assert shop.stores.ledger_lines(user) == {"a1": acknowledged}
        assert shop.stores.mirror_lines(user) == {"a1": acknowledged}


def test_one_instance_is_killed_while_the_other_serves(shop):
    """The survivor takes over the carts that the dead one had reserved, and aborts rather than finishes for it."""
    victim, survivor = (shop.start(name=name) for name in ("victim", "survivor"))
    through_victim = [Adder(lambda: victim.port, f"taken-{n}", retry=False) for n in range(CARTS)]
    through_survivor = [Adder(lambda: survivor.port, f"taken-{n}") for n in range(CARTS)]

    def kill_one():
        time.sleep(1.5)
        victim.kill()
        before = [adder.acknowledged for adder in through_survivor]
        deadline = time.monotonic() + 15.0
        while time.monotonic() < deadline:
            if all(now.acknowledged > then + 5 for now, then in zip(through_survivor, before)):
                return
            time.sleep(0.05)
        raise AssertionError("the dead instance's carts stay locked")

    run_adders(through_victim + through_survivor, kill_one)

    shop.settle_and_verify(survivor)
    for n in range(CARTS):
        acknowledged = through_victim[n].acknowledged + through_survivor[n].acknowledged
        kept = shop.stores.ledger_lines(f"taken-{n}")["a1"]
        assert acknowledged <= kept <= acknowledged + through_victim[n].unknown
        assert shop.stores.mirror_lines(f"taken-{n}") == {"a1": kept}
