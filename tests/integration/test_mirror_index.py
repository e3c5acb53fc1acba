"""The mirror's unique index goes away while the service runs: without it two documents of one user are possible."""
import bson
import pymongo
import pytest

from test_stores import RECOVERY_S, assert_told_in_failure_log, writable
from waiting import eventually

pytestmark = pytest.mark.servers_only

# The index is looked at every 5 s.
NOTICED_S = 5.0 + RECOVERY_S


def index(own_shop):
    return own_shop.stores.mongodb.collection().index_information().get("user_id_1")


def test_a_dropped_index_is_built_again(own_shop):
    panier = own_shop.start()
    panier.client().add("u", "a", 1)
    own_shop.stores.mongodb.collection().drop_index("user_id_1")
    eventually(lambda: index(own_shop), NOTICED_S, "the index is back")
    assert index(own_shop)["unique"] is True
    assert writable(panier, "u")
    own_shop.settle_and_verify(panier)


def drop_index_and_add_twin(own_shop, user):
    """Until it succeeds: the service may build the index again in between."""
    collection = own_shop.stores.mongodb.collection()
    twin = {**collection.find_one({"user_id": user}), "_id": bson.ObjectId()}
    if index(own_shop):
        collection.drop_index("user_id_1")
    try:
        collection.insert_one(twin)
    except pymongo.errors.DuplicateKeyError:
        return False
    return True


def test_twins_without_the_index_stop_strict_writes_until_they_are_gone(own_shop):
    panier = own_shop.start({"PANIER_VERIFY_ROWS_PER_S": 0})  # which would remove the twin by itself
    client = panier.client()
    client.add("u", "a", 2)
    eventually(lambda: drop_index_and_add_twin(own_shop, "u"), RECOVERY_S, "a twin is in the mirror")

    def named_in_health():
        answer = client.health().json
        # FerretDB calls the twins an internal error (code 1), which shows as the last error instead of a notice.
        mirror = answer["stores"]["mongodb"]
        return answer["status"] == "degraded" and "user_id_1" in f'{mirror["notice"]} {mirror["last_error"]}'

    eventually(named_in_health, NOTICED_S, "health names the index")
    refused = client.add("u", "b", 7)
    assert (refused.status, refused.code) == (503, "mirror_unavailable")
    assert client.quantities("u") == {"a": 2}
    assert_told_in_failure_log(panier, own_shop.stores.mongodb, {"PATCH ADD"})
    result = panier.verify()
    assert result.returncode == 1 and "2 documents in the mirror" in result.stdout

    assert panier.verify("--repair").returncode == 0
    eventually(lambda: index(own_shop), NOTICED_S, "the index is back")
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "strict writes again")
    assert own_shop.stores.mirror_lines("u") == {"a": 2, "after": 1}
    own_shop.settle_and_verify(panier)


def test_the_running_service_removes_a_twin_by_itself(own_shop):
    panier = own_shop.start()
    panier.client().add("u", "a", 2)
    eventually(lambda: drop_index_and_add_twin(own_shop, "u"), RECOVERY_S, "a twin is in the mirror")
    eventually(lambda: index(own_shop), 2 * NOTICED_S, "the index is back")
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "strict writes")
    assert own_shop.stores.mongodb.collection().count_documents({"user_id": "u"}) == 1
    own_shop.settle_and_verify(panier)
