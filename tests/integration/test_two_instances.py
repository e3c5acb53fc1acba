"""Two instances on the same stores, hammering the same carts: no add is lost, none counts twice."""
import time

import pytest

from articles_stub import ArticlesStub, article
from load import Adder, in_parallel, run_adders
from waiting import eventually

FEW = 5
MANY = 96  # so that lanes carry batches that MariaDB's ledger writes in bulk, and settles without locking them first
LOAD_S = 4.0
ADDS = 300
# A dead instance's reservations run out after PANIER_RESERVATION_TTL_MS (5 s); an available write makes none.
TAKEN_OVER_S = {"strict": 5.0 + 1.5, "available": 1.5}

pytestmark = pytest.mark.servers_only


@pytest.fixture
def articles():
    stub = ArticlesStub()
    yield stub
    stub.end()


@pytest.mark.parametrize("carts, adders_each", [(FEW, 2), (MANY, 1)])
@pytest.mark.parametrize("policies", [("strict", "strict"), ("available", "available"), ("strict", "available")],
                         ids="-".join)
def test_what_was_acknowledged_is_what_both_stores_hold(shop, policies, carts, adders_each):
    instances = [shop.start({"PANIER_WRITE_POLICY": policy}, name=f"instance-{n}") for n, policy in enumerate(policies)]
    adders = [Adder(lambda instance=instance: instance.port, f"shared-{cart}")
              for instance in instances for cart in range(carts) for _ in range(adders_each)]

    run_adders(adders, lambda: time.sleep(LOAD_S))

    assert all(adder.acknowledged for adder in adders), "a worker starved: some cart never got through"
    instances[1].stop()
    shop.settle_and_verify(instances[0])
    for cart in range(carts):
        user = f"shared-{cart}"
        acknowledged = sum(adder.acknowledged for adder in adders if adder.user == user)
        assert shop.stores.ledger_lines(user) == {"a1": acknowledged}
        assert shop.stores.mirror_lines(user) == {"a1": acknowledged}


def test_each_of_300_concurrent_adds_counts_once(shop):
    """Half of them through each instance, all to one line."""
    instances = [shop.start(name=f"instance-{n}") for n in range(2)]
    # A write that finds the cart in the other instance's hands for too long is refused and comes again.
    def add(index):
        client = instances[index % 2].client()
        return eventually(lambda: (answer := client.add("hot", "a1", 1)).status == 201 and answer, 60.0, "it is added")

    answers = in_parallel(ADDS, add)

    assert len({answer.rs["version"] for answer in answers}) == ADDS
    assert sorted(answer.rs["quantite"] for answer in answers) == list(range(1, ADDS + 1))
    assert max(answers, key=lambda answer: answer.rs["version"]).rs["quantite"] == ADDS
    instances[1].stop()
    shop.settle_and_verify(instances[0])
    assert shop.stores.ledger_lines("hot") == shop.stores.mirror_lines("hot") == {"a1": ADDS}


def test_the_last_10_pieces_go_to_10_of_50_clients(shop, articles):
    """Each adds one to the same line, half of them through each instance: the line's total never passes the stock."""
    articles.everything = article(stock=10)
    instances = [shop.start({"URL_ARTICLE_DOCKER_1": articles.url}, name=f"instance-{n}") for n in range(2)]

    def add(index):
        client = instances[index % 2].client()
        return eventually(lambda: (answer := client.add("hot", "a1", 1)).status in (201, 409) and answer, 60.0, "a verdict")

    answers = in_parallel(50, add)

    assert sorted(answer.status for answer in answers) == [201] * 10 + [409] * 40
    assert sorted(answer.rs["quantite"] for answer in answers if answer.status == 201) == list(range(1, 11))
    assert {(answer.code, answer.json["stock"], answer.json["quantite"]) for answer in answers
            if answer.status == 409} == {("stock_insufficient", 10, 11)}
    instances[1].stop()
    shop.settle_and_verify(instances[0])
    assert shop.stores.ledger_lines("hot") == shop.stores.mirror_lines("hot") == {"a1": 10}


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_one_instance_is_killed_while_the_other_serves(shop, policy):
    """The survivor takes over the carts that the dead one had reserved, and aborts rather than finishes for it."""
    victim, survivor = (shop.start({"PANIER_WRITE_POLICY": policy}, name=name) for name in ("victim", "survivor"))
    through_victim = [Adder(lambda: victim.port, f"taken-{n}", retry=False) for n in range(FEW)]
    through_survivor = [Adder(lambda: survivor.port, f"taken-{n}") for n in range(FEW)]

    def kill_one():
        time.sleep(1.5)
        victim.kill()
        before = [adder.acknowledged for adder in through_survivor]
        eventually(lambda: all(now.acknowledged > then for now, then in zip(through_survivor, before)),
                   TAKEN_OVER_S[policy], "the dead instance's carts are written again")

    run_adders(through_victim + through_survivor, kill_one)

    shop.settle_and_verify(survivor)
    for n in range(FEW):
        acknowledged = through_victim[n].acknowledged + through_survivor[n].acknowledged
        kept = shop.stores.ledger_lines(f"taken-{n}")["a1"]
        assert acknowledged <= kept <= acknowledged + through_victim[n].unknown
        assert shop.stores.mirror_lines(f"taken-{n}") == {"a1": kept}
