"""300 people (or one very fast one) add 1 to the same line at the same time."""
import pytest

from load import in_parallel

ADDS = 300


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_each_of_300_concurrent_adds_counts_once(shop, policy):
    panier = shop.start({"PANIER_WRITE_POLICY": policy})
    user = f"hot-{policy}"

    answers = in_parallel(ADDS, lambda _: panier.client().add(user, "a1", 1))

    assert [answer.status for answer in answers] == [201] * ADDS
    assert len({answer.rs["version"] for answer in answers}) == ADDS
    assert sorted(answer.rs["quantite"] for answer in answers) == list(range(1, ADDS + 1))
    # The one that was told the greatest version was told the final quantity.
    assert max(answers, key=lambda answer: answer.rs["version"]).rs["quantite"] == ADDS
    assert panier.client().quantities(user) == {"a1": ADDS}
    shop.settle_and_verify(panier)
