"""`panier migrate`: what the service before panier left behind becomes carts, and goes back."""
import copy
import json
import os
import random
import signal
import subprocess
import time

import bson
import pytest

from panier_process import BINARY, clean_environment, run_command
from predecessor import EXACT_FIELDS, TABLE, Predecessor, carts, differences, everything, line
from waiting import eventually

pytestmark = pytest.mark.servers_only

KILLS = 20
KILLS_AT_THE_TABLES = 15
MIGRATE_S = 120.0


def migrate(shop, *arguments):
    return run_command(["migrate", *arguments], shop.settings(), timeout_s=MIGRATE_S)


def serve(shop):
    """Where it is refused."""
    settings = {**shop.settings(), "PANIER_PORT": 0, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": shop.directory / "data"}
    return run_command(["serve"], settings, timeout_s=20.0)


def refuses_to_serve(shop):
    try:
        return serve(shop).returncode == 2
    except subprocess.TimeoutExpired:  # it served
        return False


def verify(shop):
    result = run_command(["verify"], shop.settings(), timeout_s=MIGRATE_S)
    assert result.returncode == 0, result.stdout + result.stderr


def ledger(shop):
    return {row["user_id"]: {one["article_id"]: one["quantite"] for one in json.loads(row["articles"])}
            for row in shop.stores.mariadb.query("SELECT user_id, articles FROM panier")}


def report_of(result, code=0):
    assert result.returncode == code, result.stdout[-2000:] + result.stderr
    return result.stdout


@pytest.fixture
def old_shop(shop):
    """One user of each defect, and a few without."""
    shop.old = Predecessor(users=20)
    shop.old.spoil_everything()
    shop.old.write_to(shop.stores)
    return shop


@pytest.fixture(scope="module")
def ten_thousand():
    old = Predecessor(users=10_000)
    old.spoil_everything()
    return old


def kill_later(shop, arguments, seconds):
    """A run that is killed after so many seconds; False: it was done before, and well."""
    run = subprocess.Popen([BINARY, "migrate", *arguments], env=clean_environment(shop.settings()), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        code = run.wait(seconds)
        assert code in (0, 1), f"exit {code}"
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGKILL)
        run.wait()
        return True
    return False


def random_moments(run_s):
    """KILLS moments of a run that takes about so long, early ones first."""
    seed = int.from_bytes(os.urandom(4), "big")
    print("seed of the kills:", seed)
    chance = random.Random(seed)
    return sorted(chance.uniform(0.0, 0.9 * run_s) for _ in range(KILLS))


def timed(run):
    started = time.monotonic()
    result = run()
    return result, time.monotonic() - started


def test_ten_thousand_users(double_shop, ten_thousand):
    """The same report and no change from a dry run; the carts as they should be; a second run has nothing to do."""
    shop = double_shop
    ten_thousand.write_to(shop.stores)
    assert serve(shop).returncode == 2
    before = everything(shop.stores)
    dry = report_of(migrate(shop, "--dry-run"), 1)
    assert everything(shop.stores) == before

    assert report_of(migrate(shop), 1) == dry

    assert ledger(shop) == ten_thousand.carts
    verify(shop)
    once = carts(shop.stores)
    assert "nothing to do" in report_of(migrate(shop))
    assert not differences(carts(shop.stores), once)


def test_kills_change_nothing_in_the_end(double_shop, ten_thousand):
    """Not of a migration, and not of the way back."""
    shop = double_shop
    database = shop.stores.mariadb.database
    ten_thousand.write_to(shop.stores)
    report, run_s = timed(lambda: report_of(migrate(shop), 1))
    taken_over = carts(shop.stores)
    _, undo_s = timed(lambda: report_of(migrate(shop, "--undo")))
    given_back = lists_by_user(shop), documents_by_user(shop)

    killed = 0
    shop.stores.use_database(f"{database}_k")
    ten_thousand.write_to(shop.stores)
    for number, seconds in enumerate(random_moments(run_s)):
        if kill_later(shop, [], seconds) and refuses_to_serve(shop):
            killed += 1
            continue
        # It was done before the kill, if perhaps not yet gone; nobody may serve what is half taken over.
        assert not differences(carts(shop.stores), taken_over)
        shop.stores.use_database(f"{database}_k{number}")  # for the next one anew
        ten_thousand.write_to(shop.stores)
    assert killed >= KILLS // 2, f"{killed} kills: the others came too late"
    assert report_of(migrate(shop), 1) == report
    assert not differences(carts(shop.stores), taken_over)
    verify(shop)

    for seconds in random_moments(undo_s):
        if not kill_later(shop, ["--undo"], seconds):
            break
    migrate(shop, "--undo")
    assert (lists_by_user(shop), documents_by_user(shop)) == given_back


def test_every_defect_is_told_and_nothing_is_dropped(old_shop):
    report = report_of(migrate(old_shop), 1)

    assert ledger(old_shop) == old_shop.old.carts
    for told in ("twice: also spelled TWICE in MariaDB", "twice: 3 rows in MariaDB added up",
                 "emptied: the stores disagree: x: MariaDB 2, MongoDB none, kept 2",
                 "disagrees: the stores disagree: x: MariaDB 2, MongoDB 5, kept 5; y: MariaDB 1, MongoDB none, kept 1; "
                 "w: MariaDB none, MongoDB 1, kept 1",
                 "row-lost: only in MongoDB", "document-lost: only in MariaDB",
                 "row-id-missing: MariaDB: taken over, id missing", "row-id-odd: MariaDB: taken over, id is not an ObjectId",
                 "ids-differ: MariaDB: taken over, id differs from", "id-of-another: MariaDB: taken over, id is another user's",
                 "id-maria-differs: MongoDB: taken over, id_maria differs from", "id-maria-missing: MongoDB: taken over",
                 "odd-document-id: MongoDB: taken over, id is not an ObjectId",
                 "articles-broken: MariaDB: set aside, articles is not JSON", "articles-empty: MariaDB: taken over, articles empty",
                 'odd-lines: MariaDB: set aside, negative quantity: {"article_id": "m", "quantite": -3.0}',
                 'odd-lines: MongoDB: set aside, no article_id: {"quantite": 4.0}', 'user "chloé"', 'user " leading"', 'user ""',
                 'user "two words"', 'user "(none)"'):
        assert told in report, told
    kept = {(row["user_id"], row["origin"], row["reason"]): row["content"]
            for row in old_shop.stores.mariadb.query("SELECT * FROM panier_set_aside")}
    assert kept["articles-broken", "mariadb", "articles is not JSON"] == '[{"article_id": "x", "quan'
    assert kept["articles-null", "mariadb", "articles NULL"] == ""
    assert json.loads(kept["odd-lines", "mongodb", "negative quantity"]) == line("m", -3.0)
    foreign = old_shop.stores.mariadb.query("SELECT user_id, origin FROM panier_foreign_user")
    assert [row["user_id"] for row in foreign if row["origin"] == "mariadb"] == ["chloé", " leading", ""]
    assert len([row for row in foreign if row["origin"] == "mongodb"]) == 3
    ids = {row["user_id"]: row["id"] for row in old_shop.stores.mariadb.query("SELECT user_id, id FROM panier")}
    documents = {document["user_id"]: document for document in old_shop.old.documents if "user_id" in document}
    assert ids["ids-differ"] == str(documents["ids-differ"]["_id"])
    assert len(set(ids.values())) == len(ids)
    verify(old_shop)


def test_a_row_numbered_0_is_no_less_a_cart(shop):
    """A dump that is restored under NO_AUTO_VALUE_ON_ZERO has it."""
    old = Predecessor()
    old.user("zero", [line("x", 1.0)])
    old.rows[0][0] = 0
    old.documents.pop()
    old.user("seven")[0][0] = 7
    old.write_to(shop.stores, numbered_0=True)
    dry = report_of(migrate(shop, "--dry-run"))
    report = report_of(migrate(shop))
    assert report == dry and "zero: new id_maria 8" in report
    assert ledger(shop) == old.carts
    verify(shop)


def test_rows_that_cannot_be_read_by_their_number_stop_it(shop):
    old = Predecessor()
    old.user("u", [line("x", 1.0)])
    old.write_to(shop.stores)
    shop.stores.mariadb.execute("ALTER TABLE panier MODIFY id_maria INT NOT NULL AUTO_INCREMENT")
    shop.stores.mariadb.execute("UPDATE panier SET id_maria = -5")
    result = migrate(shop)
    assert result.returncode == 3 and "1 rows, and 0 of them could be read" in result.stderr, result
    report_of(migrate(shop, "--undo"))
    assert [row["id_maria"] for row in rows_by_user(shop).values()] == [-5]


def test_the_preferred_store_is_believed(old_shop):
    dry = report_of(migrate(old_shop, "--dry-run", "--prefer", "mongo"), 1)
    assert report_of(migrate(old_shop, "--prefer", "mongo"), 1) == dry
    found = ledger(old_shop)
    assert found["emptied"] == {} and found["disagrees"] == {"x": 5.0, "w": 1.0}
    assert found["document-lost"] == {"x": 2.0, "y": 1.0}, "a cart that MongoDB lacks is no cart that it has emptied"


def test_panier_serves_what_was_taken_over(old_shop):
    assert "run panier migrate" in serve(old_shop).stderr
    migrate(old_shop)
    client = old_shop.start().client()
    assert client.quantities("twice") == {"x": 5, "y": 1, "z": 1}
    assert client.add("twice", "x", 1).rs["quantite"] == 6
    assert client.create("twice").status == 200
    assert client.create("new").status == 201


def rows_by_user(shop):
    return {row["user_id"]: row for row in shop.stores.mariadb.query("SELECT * FROM panier")}


def lists_by_user(shop):
    """Without the times: a cart that MariaDB did not know is as old there as the migration."""
    return {user: (row["id_maria"], row["id"], row["articles"]) for user, row in rows_by_user(shop).items()}


def documents_by_user(shop):
    return {document.get("user_id"): document for document in shop.stores.mongodb.collection().find()}


def create_table_of(shop):
    text = shop.stores.mariadb.query("SHOW CREATE TABLE panier")[0]["Create Table"]
    return [part for part in text.split() if not part.startswith("AUTO_INCREMENT=")]


def next_id_maria(shop):
    text = shop.stores.mariadb.query("SHOW CREATE TABLE panier")[0]["Create Table"]
    return int(text.partition("AUTO_INCREMENT=")[2].split()[0])


def a_minute_later(shop):
    """As far as the lanes of a service are concerned that has stopped: undo looks no more for a sign of life."""
    shop.stores.mariadb.execute("UPDATE panier_lane SET heartbeat = heartbeat - INTERVAL 1 MINUTE")


def test_undo_gives_back_the_old_shape(old_shop):
    shape = create_table_of(old_shop)
    foreign_before = {name: rows_by_user(old_shop)[name] for name in ("chloé", " leading", "")}
    migrate(old_shop)
    panier = old_shop.start()
    client = panier.client()
    client.add("twice", "x", 0.5)
    client.add("negative-alone", "n", 1)
    client.delete("disagrees")
    client.create("u" * 30)
    panier.stop()
    a_minute_later(old_shop)

    report = report_of(migrate(old_shop, "--undo"), 1)

    assert create_table_of(old_shop) == shape
    rows, documents = rows_by_user(old_shop), documents_by_user(old_shop)
    assert json.loads(rows["twice"]["articles"]) == [line("x", 5.5), line("y", 1.0), line("z", 1.0)]
    assert "disagrees" not in rows and "disagrees" not in documents
    for user, document in documents.items():
        if user in (None, 5, "two words"):
            continue
        assert set(document) == EXACT_FIELDS, document
        for one in document["articles"]:
            assert set(one) == {"article_id", "quantite"} and isinstance(one["quantite"], float), document
    # What no cart could hold is back where nobody has written since; elsewhere it stays set aside.
    assert json.loads(rows["odd-lines"]["articles"])[-1] == line("text", "beaucoup")
    assert line("m", -3.0) in documents["odd-lines"]["articles"]
    assert rows["articles-broken-alone"]["articles"] == '[{"article_id"'
    assert line("m", -3.0) not in documents["negative-alone"]["articles"]
    left = {row["user_id"] for row in old_shop.stores.mariadb.query("SELECT user_id FROM panier_set_aside")}
    assert {"negative-alone", "articles-broken"} <= left and "articles-broken-alone" not in left
    assert {name: rows[name] for name in foreign_before} == foreign_before
    assert documents[5] == old_shop.old.documents[-2] and documents[None] == old_shop.old.documents[-1]
    # A user_id that the old column has no room for.
    assert "u" * 30 in report and "u" * 30 in documents and "u" * 30 not in rows
    tables = {next(iter(row.values())) for row in old_shop.stores.mariadb.query("SHOW TABLES")}
    assert tables == {"panier", "panier_set_aside"}
    assert old_shop.stores.mongodb.collection().database.list_collection_names() == ["panier"]
    assert old_shop.stores.mongodb.collection().index_information()["user_id_1"]["unique"]

    assert "nothing to do" in report_of(migrate(old_shop, "--undo"))
    assert serve(old_shop).returncode == 2
    report_of(migrate(old_shop), 1)
    verify(old_shop)
    found = ledger(old_shop)
    assert found["twice"] == {"x": 5.5, "y": 1.0, "z": 1.0} and "disagrees" not in found


def test_numbers_that_no_cart_holds_go_back_digit_by_digit(double_shop):
    """And a document gets none that its double does not hold: it would be another number."""
    shop = double_shop
    lines = ['{"article_id": "m", "quantite": 1E400}', '{"article_id": 123456789012345678901, "quantite": 1}',
             '{"article_id": "n", "quantite": -0.1000000000000000055511151231}']
    old = Predecessor()
    row, document = old.user("u")
    row[3] = f"[{', '.join(lines)}]"
    document["articles"] = [line("m", bson.Decimal128("1E+400")), line("n", -2.2250738585072014e-308), line("l", -(2**53 + 1))]
    old.write_to(shop.stores)
    report_of(migrate(shop))
    report_of(migrate(shop, "--undo"))
    assert rows_by_user(shop)["u"]["articles"] == row[3]
    assert documents_by_user(shop)["u"]["articles"] == [line("n", -2.2250738585072014e-308)]
    left = {row["content"] for row in shop.stores.mariadb.query("SELECT content FROM panier_set_aside")}
    assert left == {'{"article_id": "m", "quantite": 1E+400}', f'{{"article_id": "l", "quantite": -{2**53 + 1}}}'}


def test_undo_gives_no_number_out_again(shop):
    old = Predecessor(users=3)
    old.write_to(shop.stores)
    report_of(migrate(shop))
    shop.stores.mariadb.execute("ALTER TABLE panier AUTO_INCREMENT = 41")  # for carts that are purged by now
    report_of(migrate(shop, "--undo"))
    assert next_id_maria(shop) == 41
    report_of(migrate(shop))
    assert next_id_maria(shop) == 41


def test_what_an_undo_finds_no_place_for_stays_set_aside(shop):
    """Behind a text that goes back whole there is no list for a line."""
    old = Predecessor()
    old.row("bob", '[{"article_id"')
    old.row("bob", json.dumps([line("m", -3.0)]))
    old.write_to(shop.stores)
    report_of(migrate(shop))
    report = report_of(migrate(shop, "--undo"))
    assert rows_by_user(shop)["bob"]["articles"] == '[{"article_id"'
    (left,) = shop.stores.mariadb.query("SELECT content FROM panier_set_aside")
    assert json.loads(left["content"]) == line("m", -3.0)
    assert "lines and texts put back: 1" in report and "still set aside (panier_set_aside): 1" in report


def test_a_foreign_row_keeps_its_id_and_goes_back(shop):
    """A document has it too, of a user who is given another."""
    old = Predecessor()
    old.row("chloé", json.dumps([line("x", 1.0)]), "A" * 24)
    old.document("chloe", [line("x", 1.0)], _id=bson.ObjectId("a" * 24))
    old.write_to(shop.stores)
    assert "chloe: MongoDB: taken over, id is another user's" in report_of(migrate(shop), 1)
    report_of(migrate(shop, "--undo"))
    assert rows_by_user(shop)["chloé"]["id"] == "A" * 24 and set(documents_by_user(shop)) == {"chloe"}


def foreign_left(shop):
    return {row["document"] or row["user_id"] for row in shop.stores.mariadb.query("SELECT * FROM panier_foreign_user")}


def test_who_is_refused_on_the_way_back_is_named_and_stops_nobody(shop):
    """A foreign row whose id a cart has got since; documents that the unique index does not take twice."""
    old = Predecessor()
    old.user("bob", [line("x", 1.0)])
    old.row("chloé", json.dumps([line("x", 1.0)]), "b" * 24)
    old.row("zoé", json.dumps([line("x", 1.0)]))
    for number in range(3):
        old.document(5, [line(f"x{number}", 1.0)])
    old.document("two words", [line("y", 1.0)])
    documents = old.documents
    old.documents = []
    old.write_to(shop.stores)
    shop.stores.mongodb.collection().drop_index("user_id_1")
    shop.stores.mongodb.collection().insert_many(copy.deepcopy(documents))
    report_of(migrate(shop), 1)
    shop.stores.mariadb.execute("UPDATE panier SET id = %s WHERE user_id = 'bob'", "b" * 24)

    report = report_of(migrate(shop, "--undo"), 1)

    assert 'user "chloé": MariaDB does not take it back, it stays in panier_foreign_user: row 2: ' in report
    assert report.count('user "(none)": MongoDB does not take it back') == 2
    assert "other users put back: 3" in report and "were refused (panier_foreign_user): 3" in report
    assert set(rows_by_user(shop)) == {"bob", "zoé"}
    assert set(documents_by_user(shop)) == {"bob", "two words", 5}
    assert len(foreign_left(shop)) == 3 and "chloé" in foreign_left(shop)
    assert "nothing to do" in report_of(migrate(shop, "--undo"))

    report_of(migrate(shop), 1)
    report_of(migrate(shop, "--undo"), 1)
    assert set(rows_by_user(shop)) == {"bob", "zoé"} and len(foreign_left(shop)) == 3


def test_carts_whose_id_cannot_be_read_go_back_under_a_new_one(shop):
    old = Predecessor()
    for user in ("u", "w"):
        old.user(user, [line(user, 2.0)])
    old.write_to(shop.stores)
    report_of(migrate(shop))
    shop.stores.mariadb.execute("UPDATE panier SET id = CONCAT('odd ', user_id)")
    report = report_of(migrate(shop, "--undo"))
    rows, documents = rows_by_user(shop), documents_by_user(shop)
    for user in ("u", "w"):
        assert f'{user}: its id "odd {user}" cannot be read: new id {rows[user]["id"]}' in report
        assert str(documents[user]["_id"]) == rows[user]["id"]
        assert documents[user]["articles"] == json.loads(rows[user]["articles"]) == [line(user, 2.0)]


def test_great_carts_go_back_however_many_there_are(double_shop):
    """A thousand of them are more than one packet of MariaDB's and one insert of MongoDB's can hold."""
    shop = double_shop
    shop.old = Predecessor()
    for user in range(1_000):
        shop.old.user(f"u{user}", [line(f"{user * 1_000 + n:024x}", 1.0) for n in range(320)])
    for user in range(100):
        shop.old.document(f"two words {user}", [line("x" * 10_000, 1.0) for _ in range(20)])
    shop.old.write_to(shop.stores)
    limit = shop.stores.mariadb.query("SELECT @@max_allowed_packet AS bytes, SUM(LENGTH(articles)) AS sum FROM panier")[0]
    assert limit["sum"] > limit["bytes"]
    before = documents_by_user(shop)
    report_of(migrate(shop), 1)
    report_of(migrate(shop, "--undo"))
    assert documents_by_user(shop) == before
    assert {user: json.loads(row["articles"]) for user, row in rows_by_user(shop).items()} == {
        user: before[user]["articles"] for user in shop.old.carts}


@pytest.mark.parametrize("come_to", ["panier_predecessor", "panier_lane"])  # put away; our tables are made
def test_a_migration_that_was_never_finished_is_taken_back_whole(old_shop, come_to):
    before = everything(old_shop.stores)
    gates = old_shop.gates()
    gates["mongodb"].delay(0.3)  # so that a kill finds it at work
    run = subprocess.Popen([BINARY, "migrate"], env=clean_environment(old_shop.settings(gates)), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    eventually(lambda: old_shop.stores.mariadb.query("SHOW TABLES LIKE %s", come_to), 20.0, "it has come so far")
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    refused = serve(old_shop)
    assert refused.returncode == 2 and "run panier migrate again" in refused.stderr
    report_of(migrate(old_shop, "--undo"))
    assert everything(old_shop.stores) == before


def killed_once(shop, table):
    """A run that is killed when it has put the predecessor's away and this table is there; False: it was done before."""
    run = subprocess.Popen([BINARY, "migrate"], env=clean_environment(shop.settings()), stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    with shop.stores.mariadb.connected() as cursor:
        while run.poll() is None:
            cursor.execute("SHOW TABLES")
            if {table, "panier_predecessor"} <= {next(iter(row.values())) for row in cursor.fetchall()}:
                break
    run.kill()
    return run.wait() == -signal.SIGKILL


# What the server still does for a run that is gone: in a packet that made some of our tables when it was killed.
@pytest.mark.parametrize("arguments, tables", [(["--undo"], ["panier_schema", "panier", "panier_lane"]), ([], ["panier"])],
                         ids=["undo", "migrate"])
def test_the_next_run_waits_for_what_the_server_still_does_for_a_killed_one(double_shop, arguments, tables):
    shop = double_shop
    database = shop.stores.mariadb.database
    old = Predecessor(users=1)
    killed = 0
    for number in range(KILLS_AT_THE_TABLES):
        shop.stores.use_database(f"{database}_{number}")
        old.write_to(shop.stores)
        before = everything(shop.stores)
        if not killed_once(shop, tables[number % len(tables)]):
            continue
        killed += 1
        report_of(migrate(shop, *arguments))
        if arguments:
            assert everything(shop.stores) == before
        else:
            assert ledger(shop) == old.carts
    assert killed >= KILLS_AT_THE_TABLES // 2, f"{killed} kills: the others came too late"


@pytest.mark.parametrize("arguments", [["--undo"], []], ids=["undo", "migrate"])
def test_the_next_run_touches_nothing_before_that(double_shop, arguments):
    """The schema's lock, held here in the place of the killed run's session."""
    shop = double_shop
    mariadb = shop.stores.mariadb
    old = Predecessor(users=2_000)  # so that a kill finds it at work
    old.write_to(shop.stores)
    untouched = everything(shop.stores)
    assert killed_once(shop, "panier_floor")
    eventually(lambda: not mariadb.query("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND "
                                         "id <> CONNECTION_ID()"), 10.0, "the real one has come to its end")
    before = everything(shop.stores)
    with mariadb.connected() as cursor:
        cursor.execute("SELECT GET_LOCK(CONCAT('panier.', MD5(DATABASE())), 10)")
        run = subprocess.Popen([BINARY, "migrate", *arguments], env=clean_environment(shop.settings()),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        eventually(lambda: mariadb.query("SELECT id FROM information_schema.processlist WHERE state = 'User lock' AND "
                                         "id = IS_USED_LOCK(CONCAT('panier.migrate.', MD5(DATABASE())))"), 10.0,
                   "the one that has the turn waits")
        assert everything(shop.stores) == before
        cursor.execute("DO RELEASE_LOCK(CONCAT('panier.', MD5(DATABASE())))")
    _, told = run.communicate(timeout=MIGRATE_S)
    assert run.returncode == 0, told
    if arguments:
        assert everything(shop.stores) == untouched
    else:
        assert ledger(shop) == old.carts


def test_a_service_that_starts_under_a_migration_is_refused(own_shop):
    """One that waits for the schema's lock while the predecessor's table is put away finds no table, and may make none."""
    lock = "CONCAT('panier.', MD5(DATABASE()))"
    old = Predecessor(users=5)
    old.write_to(own_shop.stores)
    mariadb = own_shop.stores.mariadb
    gates = own_shop.gates()
    gates["mongodb"].hold()
    migration = subprocess.Popen([BINARY, "migrate"], env=clean_environment(own_shop.settings(gates)), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
    eventually(lambda: mariadb.query("SELECT id FROM information_schema.processlist WHERE command = 'Sleep' AND time_ms > 300 AND "
                                     "id = IS_USED_LOCK(CONCAT('panier.migrate.', MD5(DATABASE())))"), 10.0,
               "the migration has its turn, and has asked MongoDB")
    with mariadb.connected() as cursor:
        cursor.execute(f"SELECT GET_LOCK({lock}, 10)")
        settings = {**own_shop.settings(), "PANIER_PORT": 0, "PANIER_OPS_PORT": 0, "PANIER_DATA_DIR": own_shop.directory / "data"}
        service = subprocess.Popen([BINARY, "serve"], env=clean_environment(settings), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        waiting = f"SELECT id FROM information_schema.processlist WHERE db = '{mariadb.database}' AND state = 'User lock'"
        eventually(lambda: len(mariadb.query(waiting)) == 1, 10.0, "the service waits")
        gates["mongodb"].pass_()
        eventually(lambda: len(mariadb.query(waiting)) == 2, 10.0, "the migration has put all away, and waits behind it")
        cursor.execute(f"DO RELEASE_LOCK({lock})")
    try:
        _, told = service.communicate(timeout=10.0)
        migration.communicate(timeout=MIGRATE_S)
    finally:
        service.kill()
        migration.kill()
    assert service.returncode == 2 and "run panier migrate again" in told, told
    assert migration.returncode == 0
    assert ledger(own_shop) == old.carts
    verify(own_shop)


def test_undo_is_refused_while_panier_serves(old_shop):
    migrate(old_shop)
    panier = old_shop.start()
    panier.client().add("twice", "x", 1)
    before = carts(old_shop.stores)
    refused = migrate(old_shop, "--undo")
    assert refused.returncode == 2 and "stop every instance" in refused.stderr, refused
    assert not differences(carts(old_shop.stores), before)
    assert panier.client().add("twice", "x", 1).status == 201


@pytest.mark.parametrize("lost", ["mariadb", "mongodb"])
def test_a_store_that_is_lost_on_the_way(own_shop, lost):
    """Cut at its first answers, and never there at all: exit 3 says which; run again, it goes on."""
    old = Predecessor(users=1_000)
    old.spoil_everything()
    old.write_to(own_shop.stores)
    gates = own_shop.gates()
    run = subprocess.Popen([BINARY, "migrate"], env=clean_environment(own_shop.settings(gates)), stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    eventually(lambda: own_shop.stores.mariadb.query("SHOW TABLES LIKE 'panier_predecessor'"), 10.0, "it has begun")
    gates[lost].close()
    _, told = run.communicate(timeout=MIGRATE_S)
    assert run.returncode == 3 and {"mariadb": "MariaDB: ", "mongodb": "MongoDB: "}[lost] in told, told
    assert serve(own_shop).returncode == 2

    report_of(migrate(own_shop), 1)

    assert ledger(own_shop) == old.carts
    verify(own_shop)


def test_nothing_is_begun_while_a_store_is_away(old_shop):
    before = everything(old_shop.stores)
    settings = old_shop.settings()
    settings["MONGO_URI_PANIERS"] = "mongodb://127.0.0.1:1/Paniers"
    result = run_command(["migrate"], settings, timeout_s=30.0)
    assert result.returncode == 3 and "MongoDB" in result.stderr
    assert everything(old_shop.stores) == before


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]], ids=["migrate", "dry-run"])
def test_documents_without_a_table_are_not_nothing_to_do(old_shop, arguments):
    """A fresh volume, or another database than was meant: `serve` would make an empty table beside them."""
    old_shop.stores.mariadb.execute("DROP TABLE panier")
    before = everything(old_shop.stores)
    refused = migrate(old_shop, *arguments)
    database = old_shop.stores.mariadb.database
    assert (refused.returncode, refused.stdout) == (2, ""), refused
    for named in (f"MariaDB's database {database} has no table panier", f"MongoDB's database {database}",
                  f"{len(old_shop.old.documents)} documents", "DB_LOCAL_NAME"):
        assert named in refused.stderr, refused.stderr
    assert everything(old_shop.stores) == before


def test_no_table_and_no_documents_are_nothing_to_do(shop):
    assert "nothing to do" in report_of(migrate(shop))
    shop.stores.mongodb.collection().create_index("user_id", unique=True)  # as of a service that never got a cart
    assert "nothing to do" in report_of(migrate(shop))


def test_a_work_file_that_cannot_be_made_is_told_with_its_place(old_shop):
    result = run_command(["migrate", "--dry-run"], {**old_shop.settings(), "TMPDIR": "/nowhere"})
    assert result.returncode == 3 and "the work file in /nowhere (TMPDIR)" in result.stderr, result


def test_two_at_once(old_shop):
    runs = [subprocess.Popen([BINARY, "migrate"], env=clean_environment(old_shop.settings()), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) for _ in range(3)]
    codes = sorted(run.wait(MIGRATE_S) for run in runs)
    assert 1 in codes and set(codes) <= {0, 1, 3}
    assert ledger(old_shop) == old_shop.old.carts
    verify(old_shop)


def test_progress_is_a_bar_on_a_terminal_and_a_line_otherwise(old_shop):
    total = len(old_shop.old.rows) + len(old_shop.old.documents)
    lines = migrate(old_shop, "--dry-run").stderr.splitlines()
    assert f"reading: {total} of {total} (100 %)" in lines and all("\r" not in one for one in lines), lines
    terminal, stderr = os.openpty()
    with subprocess.Popen([BINARY, "migrate", "--dry-run"], env=clean_environment(old_shop.settings()),
                          stdout=subprocess.DEVNULL, stderr=stderr):
        os.close(stderr)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert "reading    [" + "#" * 40 + "] 100 %" in shown, shown


@pytest.mark.parametrize("arguments, named", [(["--prefer", "sqlite"], "--prefer"), (["--undo", "--dry-run"], "--undo"),
                                              (["--undo", "--prefer", "mongo"], "--undo"), (["--force"], "--force")])
def test_bad_usage_is_named(shop, arguments, named):
    result = migrate(shop, *arguments)
    assert result.returncode == 2 and named in result.stderr


def test_embedded_stores_have_no_predecessor(tmp_path):
    result = run_command(["migrate"], {"PANIER_DATA_DIR": tmp_path})
    assert result.returncode == 2 and "PANIER_LEDGER" in result.stderr


def test_panier_that_never_migrated_goes_back_too(shop):
    panier = shop.start()
    panier.client().add("fresh", "a", 2)
    panier.stop()
    assert "nothing to do" in report_of(migrate(shop))
    report_of(migrate(shop, "--undo"))
    (row,) = shop.stores.mariadb.query("SELECT * FROM panier")
    assert json.loads(row["articles"]) == [line("a", 2.0)]
    (document,) = shop.stores.mongodb.collection().find()
    assert set(document) == EXACT_FIELDS and str(document["_id"]) == row["id"]
    made = create_table_of(shop)
    shop.stores.mariadb.execute("DROP TABLE panier")
    shop.stores.mariadb.execute(TABLE)
    assert create_table_of(shop) == made


def test_a_lost_ledger_is_made_anew_from_the_mirror(shop):
    """Where there is no backup: the mirror's carts are taken over as if they were the predecessor's."""
    panier = shop.start()
    client = panier.client()
    for user in ("u1", "u2", "u3"):
        client.add(user, "a", 2)
        client.add(user, "b", 0.5)
    client.empty("u2")
    client.delete("u3")
    panier.stop()
    shop.stores.mariadb.use_database(f"{shop.stores.mariadb.database}_new")
    shop.stores.mariadb.execute(TABLE)
    report_of(migrate(shop))
    verify(shop)
    again = shop.start(name="again")
    assert again.client().quantities("u1") == {"a": 2, "b": 0.5}
    assert again.client().quantities("u2") == {}
    assert again.client().quantities("u3") == {}, "its document was there still: a deleted cart comes back, empty"
    assert again.client().add("u1", "a", 1).status == 201
    shop.settle_and_verify(again)
