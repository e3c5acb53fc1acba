"""Stores that are missing when the service starts, or hang when it stops; secrets that stay secret throughout."""
import re
import signal
import threading
import time

import pytest

from load import in_parallel
from panier_process import STOP_TIMEOUT_S
from preload import library, preloading
from test_stores import FAULTS, RECOVERY_S, REFUSALS, assert_definite_refusal, writable
from waiting import eventually

pytestmark = pytest.mark.servers_only

# Each store is asked once before the service listens; one that hangs costs a driver's timeout, not more.
READY_WITHOUT_A_STORE_S = 6.0
# PANIER_RESERVATION_TTL_MS: what a life could not settle any more stays reserved for so long.
RESERVATION_LIFE_S = 5.0
STUCK_RETRY_S = 10.0


@pytest.mark.parametrize("break_it, heal_it", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", ["mariadb", "mongodb"])
def test_a_store_that_comes_later(own_shop, name, break_it, heal_it):
    store = getattr(own_shop.stores, name)
    getattr(store, break_it)()
    try:
        panier = own_shop.start()
        assert panier.ready_s < READY_WITHOUT_A_STORE_S
        client = panier.client()
        health = eventually(lambda: client.health().json["status"] == "degraded" and client.health(), RECOVERY_S,
                            "health says what is missing")
        assert health.json["stores"][name]["last_error"]
        assert_definite_refusal(client.add("u", "a", 1), REFUSALS[name])
        if name == "mongodb":
            assert client.get("u").status == 404
    finally:
        getattr(store, heal_it)()
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "it finds the store, and makes what it needs there")
    assert own_shop.stores.mariadb.query("SHOW TABLES LIKE 'panier_lane'")
    assert own_shop.stores.mongodb.collection().index_information()["user_id_1"]["unique"] is True
    own_shop.settle_and_verify(panier)


def unanswered_writes(panier):
    return int(re.search(r"^panier_queue_depth (\d+)$", panier.ops().request("GET", "/metrics").text, re.M)[1])


@pytest.mark.parametrize("frozen", [("mariadb",), ("mongodb",), ("mariadb", "mongodb")], ids="-".join)
def test_sigterm_while_a_store_hangs(own_shop, frozen):
    """A write is under way: it is answered all the same, and the service ends in time."""
    panier = own_shop.start()
    panier.client().add("u", "a", 1)
    # The gauge is told every 20 ms: what it still says of that write must not pass for the next one.
    eventually(lambda: unanswered_writes(panier) == 0, RECOVERY_S, "nothing is under way")
    stores = [getattr(own_shop.stores, name) for name in frozen]
    answers = []
    write = threading.Thread(target=lambda: answers.append(panier.client().add("u", "a", 1)), daemon=True)
    for store in stores:
        store.freeze()
    try:
        write.start()
        eventually(lambda: unanswered_writes(panier), RECOVERY_S, "the write is under way")
        started = time.monotonic()
        panier.signal(signal.SIGTERM)
        assert panier.wait(STOP_TIMEOUT_S) == 0
        assert time.monotonic() - started < STOP_TIMEOUT_S
        write.join(STOP_TIMEOUT_S)
        assert [answer.status in (503, 504) for answer in answers] == [True], answers
    finally:
        for store in stores:
            store.thaw()
    panier.start()
    eventually(lambda: writable(panier, "u"), RECOVERY_S + RESERVATION_LIFE_S, "the next life serves")
    if answers[0].status == 503:
        assert panier.client().quantities("u")["a"] == 1, "a refused write shows"
    own_shop.settle_and_verify(panier)


def test_sigterm_while_a_table_is_locked(own_shop):
    """The lanes try again until the write's deadline, which is later than the service's end."""
    panier = own_shop.start()
    panier.client().add("u", "a", 1)
    eventually(lambda: unanswered_writes(panier) == 0, RECOVERY_S, "nothing is under way")
    answers = []
    write = threading.Thread(target=lambda: answers.append(panier.client().add("u", "a", 1)), daemon=True)
    with own_shop.stores.mariadb.connected() as other:
        other.execute("LOCK TABLES panier WRITE")
        write.start()
        eventually(lambda: unanswered_writes(panier), RECOVERY_S, "the write is under way")
        panier.signal(signal.SIGTERM)
        assert panier.wait(STOP_TIMEOUT_S) == 0
    write.join(STOP_TIMEOUT_S)
    assert [answer.status in (503, 504) for answer in answers] == [True], answers


def test_a_lock_on_all_tables_is_told(own_shop):
    """A backup that locks: who writes is told within his deadline, and so is who is woken."""
    panier = own_shop.start()
    client = panier.client()
    client.add("u", "a", 1)
    with own_shop.stores.mariadb.connected() as other:
        other.execute("LOCK TABLES panier READ, panier_lane READ, panier_floor READ")
        answer = client.add("u", "a", 1)
        assert (answer.status, answer.code) == (503, "ledger_unavailable")
        assert answer.seconds < 8.0
        health = client.health().json
        assert health["status"] == "degraded" and "lock" in health["stores"]["mariadb"]["last_error"], health
        assert panier.ops().request("GET", "/readyz").status == 503
        assert client.quantities("u") == {"a": 1}
        assert "x-panier-degraded" not in client.get("u").headers
    eventually(lambda: client.add("u", "a", 1).status == 201, RECOVERY_S, "writes go on")
    assert client.health().json["status"] == "ok"
    assert client.quantities("u") == {"a": 2}
    own_shop.settle_and_verify(panier)


def test_a_table_that_takes_no_row_is_the_ledgers_fault(own_shop):
    """Somebody adds a column that panier does not fill: no cart pays for it once it is gone."""
    panier = own_shop.start()
    users = [f"u{n}" for n in range(6)]
    for user in users:
        assert panier.client().add(user, "a", 1).status == 201
    own_shop.stores.mariadb.execute("ALTER TABLE panier ADD COLUMN promo VARCHAR(20) NOT NULL")
    until = time.monotonic() + 1.5 * STUCK_RETRY_S  # what cannot be aborted is tried again, and refused again

    def keep_asking(number):
        client, codes = panier.client(), set()
        while time.monotonic() < until:
            codes.add(client.add(users[number], "b", 1).code)
            time.sleep(0.05)
        return codes

    codes = set().union(*in_parallel(len(users), keep_asking))
    assert codes <= {"internal", "ledger_unavailable", "cart_busy"}, codes
    health = panier.client().health().json
    assert health["status"] == "degraded" and "promo" in health["stores"]["mariadb"]["last_error"], health
    told = [line for line in panier.log() if isinstance(line, dict) and line["msg"] == "store down"]
    assert len(told) <= 3, told  # not once a write
    assert panier.client().quantities("u0") == {"a": 1}
    own_shop.stores.mariadb.execute("ALTER TABLE panier DROP COLUMN promo")
    for user in users:
        eventually(lambda: panier.client().add(user, "a", 1).status == 201, 2 * STUCK_RETRY_S, f"{user} is writable again")
        assert panier.client().quantities(user) == {"a": 2}
    assert panier.client().health().json["status"] == "ok"
    assert not any(line["msg"] == "cart quarantined" for line in panier.log() if isinstance(line, dict))
    own_shop.settle_and_verify(panier)


NO_THREADS = """
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attr, void* (*run)(void*), void* argument) {
  using Real = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "pthread_create"));
  return access(std::getenv("NO_THREADS_WHILE"), F_OK) == 0 ? EAGAIN : real(thread, attr, run, argument);
}
"""


@preloading
def test_no_thread_for_a_mirror_that_hangs(own_shop, tmp_path):
    """A call that was given up leaves its thread, and there is no other."""
    none_left = tmp_path / "none_left"
    panier = own_shop.start({"LD_PRELOAD": library(tmp_path, NO_THREADS), "NO_THREADS_WHILE": none_left})
    client = panier.client()
    assert client.add("u", "a", 1).status == 201
    none_left.touch()
    own_shop.stores.mongodb.freeze()
    try:
        for _ in range(10):
            assert_definite_refusal(client.add("u", "a", 1), REFUSALS["mongodb"])
            time.sleep(0.3)
    finally:
        own_shop.stores.mongodb.thaw()
    none_left.unlink()
    eventually(lambda: writable(panier, "u"), RECOVERY_S + RESERVATION_LIFE_S, "writes go on")
    assert client.quantities("u")["a"] == 1
    own_shop.settle_and_verify(panier)


def test_secrets_never_show(own_shop):
    """Neither in the logs nor in health, with stores that refuse us."""
    settings = own_shop.settings()
    mongo_password, mariadb_password = "mongo-s3cr3t", "mariadb-s3cr3t"
    settings["MONGO_URI_PANIERS"] = settings["MONGO_URI_PANIERS"].replace("://", f"://shop:{mongo_password}@")
    settings["DB_LOCAL_PASSWORD"] = mariadb_password
    panier = own_shop.start(settings)
    client = panier.client()
    assert client.add("u", "a", 1).status == 503
    assert client.get("u").status == 503
    health = client.health()
    assert (health.status, health.json["status"]) == (503, "down")
    told = health.text + panier.ops().request("GET", "/metrics").text
    panier.stop()
    told += panier.log_path.read_text() + panier.failed_log.read_text()
    assert "Access denied" in told
    assert mongo_password not in told and mariadb_password not in told
