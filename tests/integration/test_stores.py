"""A store dies or freezes: definite answers in time, reads from the survivor, recovery by itself, nothing lost."""
import re
import time

import pytest

from health_watch import HealthWatch
from load import Adder, run_adders
from waiting import eventually

pytestmark = pytest.mark.servers_only

REQUEST_DEADLINE_S = 10.0
MARGIN_S = 1.0  # scheduling on a busy machine
RECOVERY_S = 2.0
# A lane that was writing to the mirror when it fell silent holds its carts through the bulk (PANIER_MIRROR_TIMEOUT_MS)
# and the read-back (read_back_timeout, lane.cpp); both can end in silence.
CARTS_HELD_S = 2.0 + 1.0
CATCH_UP_S = 10.0  # of the mirror, after writes that it missed
HEALTH_S = 0.1
OUTAGE_S = 4.0  # longer than each driver's timeout, shorter than a request's deadline
FAILURE_LINE = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \| (MARIADB_CART|MONGO_CART) "
    r"(INSERT|PATCH ADD|PATCH EDIT|PATCH REMOVE|DELETE CART|PATCH VIDER) FAILED \| data=.* \| error=.+$")

FAULTS = {"killed": ("kill", "restart"), "frozen": ("freeze", "thaw")}
UNAVAILABLE = {"mariadb": "ledger_unavailable", "mongodb": "mirror_unavailable"}
REFUSALS = {name: {code, "cart_busy"} for name, code in UNAVAILABLE.items()}

# Every kind of write, and how the failure log tells it.
WRITES = {
    "INSERT": (lambda client: client.create("new"), '{"user_id": "new"}'),
    "PATCH ADD": (lambda client: client.add("u", "b", 7), '{"user_id": "u", "article_id": "b", "quantite": 7}'),
    "PATCH EDIT": (lambda client: client.edit("u", "a", 1.5), '{"user_id": "u", "article_id": "a", "quantite": 1.5}'),
    "PATCH REMOVE": (lambda client: client.remove("u", "a"), '{"user_id": "u", "article_id": "a"}'),
    "PATCH VIDER": (lambda client: client.empty("u"), '{"user_id": "u"}'),
    "DELETE CART": (lambda client: client.delete("u"), '{"user_id": "u"}'),
}


@pytest.fixture(params=["mariadb", "mongodb"])
def store(request, own_shop):
    return getattr(own_shop.stores, request.param)


@pytest.fixture(params=FAULTS)
def fault(request):
    return FAULTS[request.param]


def writable(panier, user):
    return panier.client().add(user, "after", 1).status == 201


def all_written_again(adders):
    """A check for eventually(): every one of them got a write through since now."""
    before = [adder.acknowledged for adder in adders]
    return lambda: all(now.acknowledged > then for now, then in zip(adders, before))


def assert_definite_refusal(answer, codes):
    assert answer.status in (503, 504), answer
    assert answer.seconds < REQUEST_DEADLINE_S + MARGIN_S
    assert answer.json["error"] is True
    if answer.status == 503:
        assert answer.code in codes
        assert int(answer.headers["retry-after"]) >= 1
    else:
        assert answer.code == "outcome_unknown"


def assert_told_in_failure_log(panier, store, refused):
    """A line for each kind of write that was refused, and no line of another format."""
    table = "MARIADB_CART" if store.name == "mariadb" else "MONGO_CART"

    def all_told():
        lines = panier.failed_log.read_text().splitlines()
        wanted = [f" | {table} {kind} FAILED | data={WRITES[kind][1]} | error=" for kind in refused]
        return all(any(one in line for line in lines) for one in wanted) and lines

    for line in eventually(all_told, RECOVERY_S, f"failed_cart_requests.log tells of {refused}"):
        assert FAILURE_LINE.match(line), line


def test_strict_writes_are_refused_and_reads_go_on(own_shop, store, fault):
    break_it, heal_it = fault
    panier = own_shop.start()
    client = panier.client()
    client.add("u", "a", 3)
    in_doubt = []

    with HealthWatch(panier) as health:
        getattr(store, break_it)()
        try:
            for kind, (write, _) in WRITES.items():
                answer = write(client)
                assert_definite_refusal(answer, REFUSALS[store.name])
                if answer.status == 504:
                    in_doubt.append(kind)
            read = client.get("u")
            assert (read.status, read.rs["articles"][0]["quantite_utilisateur"]) == (200, 3)
            assert read.seconds < REQUEST_DEADLINE_S + MARGIN_S
            assert read.headers.get("x-panier-degraded") == ("mirror" if store.name == "mariadb" else None)
            assert client.health().json["status"] == "degraded"
            assert client.health().json["stores"][store.name]["last_error"]
            assert panier.ops().request("GET", "/livez").status == 200
            ready = panier.ops().request("GET", "/readyz")
            assert (ready.status, ready.code) == (503, UNAVAILABLE[store.name])
        finally:
            getattr(store, heal_it)()
        eventually(lambda: writable(panier, "u"), RECOVERY_S, "writes work again, without a restart")
        eventually(lambda: client.health().json["status"] == "ok", RECOVERY_S, "health is ok again")
    assert health.slowest_s < HEALTH_S
    assert "down" not in {answer["status"] for answer in health.answers}

    assert panier.ops().request("GET", "/readyz").status == 200
    if not in_doubt:
        assert client.quantities("u") == {"a": 3, "after": 1}, "a refused write shows"
        assert client.get("new").status == 404
    assert_told_in_failure_log(panier, store, set(WRITES) - set(in_doubt))
    own_shop.settle_and_verify(panier)


@pytest.mark.parametrize("policy", ["strict", "available"])
def test_load_over_an_outage_loses_nothing(own_shop, store, fault, policy):
    break_it, heal_it = fault
    panier = own_shop.start({"PANIER_WRITE_POLICY": policy})
    adders = [Adder(lambda: panier.port, f"load-{n}") for n in range(8)]

    def outage():
        eventually(all_written_again(adders), RECOVERY_S, "the load runs")
        getattr(store, break_it)()
        time.sleep(OUTAGE_S)
        getattr(store, heal_it)()
        eventually(all_written_again(adders), RECOVERY_S, "every cart is written again")

    run_adders(adders, outage)

    assert max(adder.slowest_s for adder in adders) < REQUEST_DEADLINE_S + MARGIN_S
    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
        eventually(lambda: own_shop.stores.mirror_lines(adder.user) == {"a1": adder.acknowledged}, CATCH_UP_S,
                   "the mirror has all that was acknowledged")
    own_shop.settle_and_verify(panier)


def test_a_ledger_frozen_for_longer_than_a_request_may_take(own_shop):
    """What was under way is answered 503 or 504 at its deadline; its retry under the same key counts once."""
    panier = own_shop.start()
    adders = [Adder(lambda: panier.port, f"long-{n}") for n in range(8)]

    def outage():
        eventually(all_written_again(adders), RECOVERY_S, "the load runs")
        own_shop.stores.mariadb.freeze()
        time.sleep(REQUEST_DEADLINE_S + MARGIN_S)
        own_shop.stores.mariadb.thaw()
        eventually(all_written_again(adders), RECOVERY_S, "every cart is written again")

    run_adders(adders, outage)

    assert max(adder.slowest_s for adder in adders) < REQUEST_DEADLINE_S + MARGIN_S
    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
    own_shop.settle_and_verify(panier)


@pytest.mark.parametrize("break_it, heal_it", FAULTS.values(), ids=FAULTS)
def test_both_stores_down(own_shop, break_it, heal_it):
    panier = own_shop.start()
    client = panier.client()
    client.add("u", "a", 1)
    stores = [own_shop.stores.mariadb, own_shop.stores.mongodb]
    with HealthWatch(panier) as health:
        for store in stores:
            getattr(store, break_it)()
        try:
            refusals = {"stores_unavailable", "ledger_unavailable", "mirror_unavailable"}
            assert_definite_refusal(client.add("u", "a", 1), refusals)
            read = client.get("u")
            assert (read.status, read.json["error"]) == (503, True)
            assert read.seconds < REQUEST_DEADLINE_S + MARGIN_S
            down = eventually(lambda: client.health().status == 503 and client.health(), 5.0, "health says down")
            assert down.json["status"] == "down"
        finally:
            for store in stores:
                getattr(store, heal_it)()
        eventually(lambda: writable(panier, "u"), RECOVERY_S, "writes work again")
    assert health.slowest_s < HEALTH_S
    own_shop.settle_and_verify(panier)


@pytest.mark.parametrize("break_it, heal_it", FAULTS.values(), ids=FAULTS)
def test_available_keeps_writing_without_the_mirror(own_shop, break_it, heal_it):
    panier = own_shop.start({"PANIER_WRITE_POLICY": "available"})
    client = panier.client()
    client.add("u", "a", 1)
    mirror = own_shop.stores.mongodb
    getattr(mirror, break_it)()
    try:
        for expected in (2, 3, 4):
            answer = client.add("u", "a", 1)
            assert (answer.status, answer.rs["quantite"]) == (201, expected)
        assert answer.headers["x-panier-mirror"] == "pending"
        assert answer.rs["mongo"] is None
        again = client.edit("u", "a", 4)  # what changes nothing claims no more
        assert (again.rs["version"], again.rs["mongo"]) == (answer.rs["version"], None)
        assert again.headers["x-panier-mirror"] == "pending"
        assert client.add("new", "a", 1).status == 201
        assert client.delete("new").status == 200
        behind = eventually(lambda: client.health().json["lag"] == 2 and client.health(), 5.0, "health tells the lag")
        assert behind.json["status"] == "degraded"
        assert "panier_lag_carts 2\n" in panier.ops().request("GET", "/metrics").text
        assert panier.ops().request("GET", "/readyz").status == 200
    finally:
        getattr(mirror, heal_it)()
    eventually(lambda: own_shop.stores.mirror_lines("u") == {"a": 4}, CATCH_UP_S, "the mirror catches up by itself")
    eventually(lambda: client.health().json["lag"] == 0, CATCH_UP_S, "no cart is behind")
    own_shop.settle_and_verify(panier)


def set_policy(panier, policy):
    answer = panier.ops().request("PUT", "/policy", {"policy": policy})
    assert (answer.status, answer.json["policy"]) == (200, policy)


@pytest.mark.parametrize("break_it, heal_it", FAULTS.values(), ids=FAULTS)
def test_policy_switch_rides_out_a_mirror_outage(own_shop, break_it, heal_it):
    """strict refuses, available goes on under the same load, strict again after the catch-up: every add counts once."""
    panier = own_shop.start()
    mirror = own_shop.stores.mongodb
    adders = [Adder(lambda: panier.port, f"switch-{n}") for n in range(4)]

    def outage():
        eventually(all_written_again(adders), RECOVERY_S, "the load runs")
        getattr(mirror, break_it)()
        try:
            refused = eventually(lambda: panier.client().health().json["status"] == "degraded", 5.0, "it is noticed")
            assert refused and panier.client().add("other", "a", 1).status == 503
            set_policy(panier, "available")
            eventually(all_written_again(adders), CARTS_HELD_S + MARGIN_S, "writes go on without the mirror")
        finally:
            getattr(mirror, heal_it)()
        set_policy(panier, "strict")
        eventually(all_written_again(adders), RECOVERY_S, "strict writes again")

    run_adders(adders, outage)

    eventually(own_shop.stores.settled, CATCH_UP_S, "no cart is behind")  # health's lag is a sample, it may be older
    for adder in adders:
        assert panier.client().quantities(adder.user) == {"a1": adder.acknowledged}
        assert own_shop.stores.mirror_lines(adder.user) == {"a1": adder.acknowledged}
    own_shop.settle_and_verify(panier)


def test_the_policy_switches_under_load(own_shop):
    panier = own_shop.start()
    adders = [Adder(lambda: panier.port, f"both-{n % 2}") for n in range(6)]

    def switch_often():
        for n in range(20):
            set_policy(panier, ("available", "strict")[n % 2])
            eventually(all_written_again(adders), RECOVERY_S, "every worker got a write through")

    run_adders(adders, switch_often)

    assert not set().union(*(adder.refusal_codes for adder in adders)), "a switch is nobody's trouble"
    for cart in ("both-0", "both-1"):
        acknowledged = sum(adder.acknowledged for adder in adders if adder.user == cart)
        assert own_shop.stores.ledger_lines(cart) == {"a1": acknowledged}
    own_shop.settle_and_verify(panier)
