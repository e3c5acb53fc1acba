"""The mirror changed behind the service's back: `panier verify` names it, the running service notices and repairs it."""
import collections
import contextlib
import datetime
import sqlite3
import time

import bson
import pymongo
import pytest

from conftest import Shop
from load import Adder, run_adders
from panier_process import run_command
from predecessor import Predecessor, everything
from test_stores import RECOVERY_S, all_written_again, writable
from waiting import eventually

pytestmark = pytest.mark.servers_only

ROUND_S = 10.0  # a few carts at 200 rows a second: one page, looked at a few times, and a lag repair


def updated(**fields):
    return lambda mirror, user: mirror.update_one({"user_id": user}, {"$set": fields})


def replaced(change):
    """The document with another identity: MongoDB changes no _id in place."""
    def edit(mirror, user):
        document = mirror.find_one({"user_id": user})
        mirror.delete_one({"_id": document["_id"]})
        mirror.insert_one({**document, **change(document)})
    return edit


def removed(mirror, user):
    mirror.delete_one({"user_id": user})


def recast(field, new_type):
    return lambda mirror, user: mirror.update_one(
        {"user_id": user}, {"$set": {field: new_type(mirror.find_one({"user_id": user})[field])}})


def edited_lines(*lines):
    return updated(articles=[{"article_id": article, "quantite": quantity} for article, quantity in lines])


# What a hand, a GUI or an import does to one document, and the words in which verify tells it.
EDITS = {
    "a quantity": (edited_lines(("a", 9.0)), "lines differ"),
    "a line more": (edited_lines(("a", 2.0), ("b", 1.0)), "lines differ"),
    "no line": (edited_lines(), "lines differ"),
    "double to int": (edited_lines(("a", 2)), "lines of other types"),
    "double to text": (edited_lines(("a", "2")), "lines of other types"),
    "an article as int": (edited_lines((7, 2.0)), "lines of other types"),
    "articles as text": (updated(articles='[{"article_id": "a", "quantite": 2.0}]'), "lines of other types"),
    "version to double": (recast("version", float), "fields of other types"),
    "version to text": (recast("version", str), "version: ledger"),
    "version raised": (updated(version=bson.Int64(9_000_000_000_000)), "version: ledger"),
    "version gone": (lambda mirror, user: mirror.update_one({"user_id": user}, {"$unset": {"version": ""}}),
                     "version: ledger"),
    "id_maria to text": (updated(id_maria="1"), "id_maria differs"),
    "a date as text": (updated(updated_at="2026-11-25"), "fields of other types"),
    "deleted": (updated(deleted_at="yes"), "deleted in one store only"),
    "document removed": (removed, "missing in the mirror"),
    "another _id": (replaced(lambda document: {"_id": bson.ObjectId()}), "_id: ledger"),
    "_id as text": (replaced(lambda document: {"_id": str(document["_id"])}), "missing in the mirror"),
    "user_id as int": (replaced(lambda document: {"user_id": int(document["user_id"])}), "missing in the mirror"),
    "another user's": (replaced(lambda document: {"user_id": "somebody"}), "missing in the mirror"),
}
USERS = {name: str(4200 + n) for n, name in enumerate(EDITS)}  # which an import takes for numbers
LINES = {"a": 2}


def edited(own_shop, settings=None):
    """A service with a cart for each edit, and all of them done to the mirror."""
    panier = own_shop.start(settings)
    for user in USERS.values():
        assert panier.client().add(user, "a", 2).status == 201
    for name, user in USERS.items():
        EDITS[name][0](own_shop.stores.mongodb.collection(), user)
    return panier


def whole(own_shop):
    """A check for eventually(): one document a cart, of the types that we write, with the ledger's content."""
    rows = own_shop.stores.mariadb.query("SELECT user_id, id, id_maria, version FROM panier")
    documents = {document["user_id"]: document for document in own_shop.stores.mongodb.collection().find()}
    assert own_shop.stores.mongodb.collection().count_documents({}) == len(rows) == len(EDITS)
    for row in rows:
        assert row["user_id"] in documents, documents.keys()  # or removed, and about to be written anew
        document = documents[row["user_id"]]
        assert document["_id"] == bson.ObjectId(row["id"]), document
        assert (document["version"], type(document["version"])) == (row["version"], bson.Int64), document
        assert (document["id_maria"], type(document["id_maria"])) == (row["id_maria"], int), document
        assert isinstance(document["updated_at"], datetime.datetime) and "deleted_at" not in document, document
        assert document["articles"] == [{"article_id": "a", "quantite": 2.0}], document
        assert isinstance(document["articles"][0]["quantite"], float), document
    return True


def test_what_is_not_there_yet_is_waited_for():
    documents = iter([{}, {"version": None}, {"version": 7}])
    assert eventually(lambda: next(documents)["version"], ROUND_S, "the document has its version") == 7
    with pytest.raises(AssertionError, match="KeyError"):
        eventually(lambda: {}["version"], 0, "it never has")


def metric(panier, name):
    lines = panier.ops().request("GET", "/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[1])


def test_edits_are_named_and_repaired(own_shop):
    panier = edited(own_shop, {"PANIER_VERIFY_ROWS_PER_S": 0})
    told = panier.verify()
    assert told.returncode == 1
    for name, user in USERS.items():
        assert f"{user}: {EDITS[name][1]}" in told.stdout, f"{name}\n{told.stdout}"
    repaired = panier.verify("--repair")
    assert repaired.returncode == 0, repaired.stdout
    eventually(lambda: whole(own_shop), ROUND_S, "the mirror is what it was")
    own_shop.settle_and_verify(panier)


def test_edits_are_noticed_by_the_running_service(own_shop):
    panier = edited(own_shop)
    eventually(lambda: whole(own_shop), ROUND_S, "the mirror is what it was")
    told = collections.defaultdict(str)
    for line in panier.log():
        if isinstance(line, dict) and line["msg"].startswith("verify: "):
            told[line.get("user_id")] += line.get("what", "")
    for name, user in USERS.items():
        assert EDITS[name][1] in told[user], f"{name}: {told[user]}"
    assert metric(panier, "panier_verify_found_total") >= len(EDITS)
    for user in USERS.values():
        assert panier.client().quantities(user) == LINES
    own_shop.settle_and_verify(panier)


def restore(mirror, documents):
    mirror.delete_many({})
    try:
        mirror.insert_many(documents, ordered=False)
    except pymongo.errors.BulkWriteError:  # the service wrote a cart meanwhile
        pass


@pytest.mark.parametrize("copy", ["older", "newer", "empty"])
def test_a_restored_mirror_under_load_loses_nothing(own_shop, copy):
    """Carts at rest and carts in flight: all end as the ledger has them, and as their clients were told."""
    panier = own_shop.start({"PANIER_VERIFY_ROWS_PER_S": 1000})
    client = panier.client()
    mirror = own_shop.stores.mongodb.collection()
    at_rest = [f"rest-{n}" for n in range(30)]
    for user in at_rest:
        assert client.add(user, "a", 1).status == 201
    assert client.delete(at_rest[1]).status == 200
    saved = list(mirror.find())
    for user in at_rest[2:]:
        assert client.add(user, "a", 1).status == 201
    assert client.create(at_rest[1]).status == 201
    assert client.delete(at_rest[0]).status == 200
    if copy == "newer":
        saved = [{**document, "version": bson.Int64(document["version"] + 1_000_000),
                  "articles": [{"article_id": "lost", "quantite": 1.0}]} for document in mirror.find()]
    adders = [Adder(lambda: panier.port, f"load-{n}") for n in range(4)]

    def restored():
        eventually(all_written_again(adders), RECOVERY_S, "the load runs")
        if copy == "empty":
            mirror.delete_many({})
        else:
            restore(mirror, saved)
        eventually(all_written_again(adders), ROUND_S, "the load goes on")

    run_adders(adders, restored)
    wanted = {user: {"a": 2} for user in at_rest[2:]} | {at_rest[1]: {}, at_rest[0]: None}
    wanted |= {adder.user: {"a1": adder.acknowledged} for adder in adders}
    for user, lines in wanted.items():
        assert own_shop.stores.ledger_lines(user) == lines, user
        eventually(lambda: own_shop.stores.mirror_lines(user) == lines, 2 * ROUND_S, f"{user} is {lines} in the mirror")
    assert metric(panier, "panier_verify_found_total") >= len(at_rest) - 2
    own_shop.settle_and_verify(panier)


def test_a_document_that_panier_never_wrote_is_told_and_left(own_shop):
    """As of a predecessor whose table is not in this database: perhaps the only copy of these carts."""
    old = Predecessor(users=3)
    mirror = own_shop.stores.mongodb.collection()
    panier = own_shop.start({"PANIER_VERIFY_ROWS_PER_S": 1000})
    assert panier.client().add("u", "a", 1).status == 201
    mirror.insert_many(old.documents)
    mirror.update_one({"user_id": "u"}, {"$set": {"articles": []}})
    eventually(lambda: own_shop.stores.mirror_lines("u") == {"a": 1}, ROUND_S, "what is panier's is repaired")
    eventually(lambda: metric(panier, "panier_verify_differences") == 3, ROUND_S, "the others are counted")
    told = panier.verify("--repair")
    assert told.returncode == 1
    for user in old.carts:
        assert f"{user}: in the mirror only, not written by panier" in told.stdout
        assert any(isinstance(line, dict) and line.get("user_id") == user and "is left" in line["msg"] for line in panier.log())
    assert list(mirror.find({"user_id": {"$ne": "u"}})) == old.documents


def test_tombstones_are_counted_apart(own_shop):
    panier = own_shop.start()
    client = panier.client()
    for user in ("a", "b", "c"):
        assert client.add(user, "a", 1).status == 201
    assert client.delete("b").status == 200
    told = panier.verify()
    assert told.returncode == 0
    assert "2 carts and 1 tombstones in the ledger, 3 documents in the mirror, 0 differences" in told.stdout


def test_a_spoilt_row_of_the_ledger_is_that_carts_trouble_alone(own_shop):
    panier = own_shop.start()
    client = panier.client()
    for user in ("victim", "other"):
        assert client.add(user, "a", 1).status == 201
    ledger = own_shop.stores.mariadb
    row_id = ledger.query("SELECT id FROM panier WHERE user_id = 'victim'")[0]["id"]
    ledger.query("UPDATE panier SET id = 'spoilt' WHERE user_id = 'victim'")
    ledger.query("INSERT INTO panier (id, user_id, articles) VALUES ('x', 'jean dupont', '[]')")
    for _ in range(5):
        assert client.get("victim").status == 500
        assert client.add("victim", "a", 1).status == 500
        assert client.add("other", "a", 1).status == 201
        assert panier.ops().request("GET", "/readyz").status == 200
    told = panier.verify("--repair")
    assert told.returncode == 1
    assert "victim: unreadable in the ledger" in told.stdout and "jean dupont: in the ledger, no user_id" in told.stdout
    ledger.query("UPDATE panier SET id = %s WHERE user_id = 'victim'", row_id)
    ledger.query("DELETE FROM panier WHERE user_id = 'jean dupont'")
    assert client.quantities("victim") == {"a": 1}
    assert client.quantities("other") == {"a": 6}
    own_shop.settle_and_verify(panier)


# --- where there is nothing to compare yet: exit 2, one line that says what to do, and nothing made ---

def assert_told_what_to_do(result, *words):
    assert (result.returncode, result.stdout) == (2, ""), result
    assert len(result.stderr.splitlines()) == 1 and all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize("arguments", [[], ["--repair"]], ids=["report", "repair"])
@pytest.mark.parametrize("tables", ["none", "the predecessor's"])
def test_a_database_that_is_not_set_up_is_no_store_that_fails(own_shop, tables, arguments):
    if tables != "none":
        Predecessor(users=3).write_to(own_shop.stores)
    before = everything(own_shop.stores)
    told = run_command(["verify", *arguments], own_shop.settings())
    assert_told_what_to_do(told, "not set up or not migrated", "panier serve", "panier migrate")
    assert everything(own_shop.stores) == before


@pytest.mark.parametrize("arguments", [[], ["--repair"]], ids=["report", "repair"])
def test_a_data_directory_without_a_ledger_is_told(tmp_path, arguments):
    nowhere = run_command(["verify", *arguments], {"PANIER_DATA_DIR": tmp_path / "data"})
    assert_told_what_to_do(nowhere, "PANIER_DATA_DIR", str(tmp_path / "data"))
    empty = run_command(["verify", *arguments], {"PANIER_DATA_DIR": tmp_path})
    assert_told_what_to_do(empty, "PANIER_DATA_DIR", str(tmp_path), "panier serve")
    assert not list(tmp_path.iterdir())


# --- the ledger comes up empty: an unmounted volume, another database's name. The mirror is the last copy then ---

def assert_kept_from_writing(panier, documents):
    """documents: how many the mirror has, as a function."""
    before = documents()
    client = panier.client()
    refused = client.add("new", "a", 1)
    assert (refused.status, refused.code) == (503, "ledger_unavailable")
    health = client.health().json
    ledger = next(store for name, store in health["stores"].items() if name in ("mariadb", "sqlite_ledger"))
    assert health["status"] == "degraded" and "the mirror has documents" in ledger["notice"]
    ready = panier.ops().request("GET", "/readyz")
    assert (ready.status, ready.code) == (503, "ledger_unavailable")
    assert_told_what_to_do(panier.verify("--repair"), "the ledger has no cart", "restore it")
    told = panier.verify()
    assert told.returncode == 1 and "in the mirror only" in told.stdout
    time.sleep(ROUND_S / 4)  # more than two of continuous verify's turns
    assert documents() == before > 0


def test_a_lost_ledger_takes_nothing_from_the_mirror(own_shop):
    panier = own_shop.start()
    client = panier.client()
    for user in range(5):
        client.add(f"u{user}", "a", 2)
    panier.stop()
    ledger, right = own_shop.stores.mariadb, own_shop.stores.mariadb.database
    ledger.use_database(f"{right}_empty")
    lost = own_shop.start(name="lost")
    shown = lost.client().get("u3")
    assert (shown.status, shown.headers.get("x-panier-degraded")) == (200, "mirror"), "carts are shown as they are"
    assert_kept_from_writing(lost, lambda: own_shop.stores.mongodb.collection().count_documents({}))
    lost.stop()

    ledger.database = right
    found = own_shop.start(name="found")
    assert found.client().quantities("u3") == {"a": 2}
    assert writable(found, "u3")
    own_shop.settle_and_verify(found)


def test_an_empty_ledger_is_written_to_once_the_documents_are_gone(own_shop):
    mirror = own_shop.stores.mongodb.collection()
    mirror.insert_one({"_id": bson.ObjectId(), "user_id": "old", "articles": []})  # the predecessor's
    panier = own_shop.start()
    assert_told_what_to_do(panier.verify("--repair"), "the predecessor's", "panier migrate")
    assert panier.client().add("u", "a", 1).code == "ledger_unavailable"
    mirror.delete_many({})
    eventually(lambda: writable(panier, "u"), RECOVERY_S, "writes, without a restart")
    own_shop.settle_and_verify(panier)


def test_a_lost_embedded_ledger_takes_nothing_from_the_mirror(tmp_path):
    shop = Shop("embedded", tmp_path, None)
    try:
        panier = shop.start()
        panier.client().add("u", "a", 2)
        panier.stop()
        data, aside = tmp_path / "panier" / "data", tmp_path / "aside"
        aside.mkdir()
        for file in data.glob("ledger.sqlite3*"):
            file.rename(aside / file.name)
        panier.start()
        assert_kept_from_writing(panier, lambda: documents_in(data / "mirror.sqlite3"))
        panier.stop()
        for file in data.glob("ledger.sqlite3*"):
            file.unlink()
        for file in aside.iterdir():
            file.rename(data / file.name)
        panier.start()
        assert panier.client().quantities("u") == {"a": 2} and writable(panier, "u")
        shop.settle_and_verify(panier)
    finally:
        shop.end()


def documents_in(file):
    with contextlib.closing(sqlite3.connect(file)) as mirror:
        return mirror.execute("SELECT COUNT(*) FROM panier").fetchone()[0]
