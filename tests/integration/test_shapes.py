"""What the rest of the platform reads in the two stores: shapes and types, not only values."""
import re

import bson
import pytest

pytestmark = pytest.mark.servers_only


@pytest.fixture
def cart(shop):
    panier = shop.start()
    client = panier.client()
    created = client.create("66f1a2b3c4d5e6f708192a3b")
    client.add("66f1a2b3c4d5e6f708192a3b", "12", 2)
    client.add("66f1a2b3c4d5e6f708192a3b", "chaise", 1.5)
    return client.get("66f1a2b3c4d5e6f708192a3b").rs | {"created": created.rs}


def test_columns_of_the_table(shop, cart):
    columns = {row["Field"]: row for row in shop.stores.mariadb.query("SHOW FULL COLUMNS FROM panier")}
    assert re.match(r"int(\(\d+\))? unsigned", columns["id_maria"]["Type"])
    assert (columns["id_maria"]["Key"], columns["id_maria"]["Extra"]) == ("PRI", "auto_increment")
    assert columns["id"]["Type"] == "varchar(24)"
    assert (columns["user_id"]["Type"], columns["user_id"]["Collation"]) == ("varchar(64)", "ascii_bin")
    assert columns["articles"]["Type"] == "longtext"
    assert columns["version"]["Type"].startswith("bigint")
    assert "on update" not in columns["updated_at"]["Extra"].lower()
    for name in ("created_at", "updated_at", "token", "deleted_at"):
        assert name in columns
    unique = {row["Key_name"] for row in shop.stores.mariadb.query("SHOW INDEX FROM panier WHERE Non_unique = 0")}
    assert "uq_panier_user" in unique


def test_row_of_a_cart(shop, cart):
    (row,) = shop.stores.mariadb.query("SELECT * FROM panier WHERE user_id = %s", cart["user_id"])
    assert (row["id"], row["id_maria"], row["version"]) == (cart["id"], cart["id_maria"], cart["version"])
    assert row["deleted_at"] is None
    text = row["articles"].replace(" ", "")
    assert text == '[{"article_id":"12","quantite":2.0},{"article_id":"chaise","quantite":1.5}]'


def test_document_of_a_cart(shop, cart):
    document = shop.stores.mongodb.find_one(cart["user_id"])
    assert set(document) == {"_id", "user_id", "id_maria", "articles", "version", "token", "updated_at"}
    assert isinstance(document["_id"], bson.ObjectId)
    assert str(document["_id"]) == cart["id"] == cart["created"]
    assert document["id_maria"] == cart["id_maria"]
    assert document["version"] == cart["version"]
    assert document["articles"] == [{"article_id": "12", "quantite": 2.0}, {"article_id": "chaise", "quantite": 1.5}]
    assert all(isinstance(line["quantite"], float) for line in document["articles"])
    assert "datetime" in type(document["updated_at"]).__name__


def test_unique_index_of_the_collection(shop, cart):
    index = shop.stores.mongodb.collection().index_information()["user_id_1"]
    assert index["unique"] is True
    assert index["key"] == [("user_id", 1)]


def test_a_deleted_cart_is_a_tombstone_in_both(shop):
    panier = shop.start()
    client = panier.client()
    cart_id = client.create("gone").rs
    client.add("gone", "a", 1)
    client.delete("gone")
    (row,) = shop.stores.mariadb.query("SELECT * FROM panier WHERE user_id = 'gone'")
    document = shop.stores.mongodb.find_one("gone")
    assert row["deleted_at"] is not None and document["deleted_at"] is not None
    assert row["version"] == document["version"]
    assert row["id"] == str(document["_id"]) == cart_id
    shop.settle_and_verify(panier)


def test_sessions_leave_nothing_open(shop):
    panier = shop.start()
    panier.client().add("u", "a", 1)
    panier.stop()
    left = shop.stores.mariadb.query("SELECT COUNT(*) AS n FROM panier_lane WHERE token IS NOT NULL")
    assert left[0]["n"] == 0
    assert shop.stores.mariadb.query("SELECT COUNT(*) AS n FROM panier_mirror_lag")[0]["n"] == 0


def test_the_predecessors_table_is_left_alone(own_shop, source_dir):
    """A table `panier` without `version` is not ours to change: exit 2 and the way out."""
    from panier_process import run_command
    own_shop.stores.mariadb.execute(
        "CREATE TABLE panier (id_maria INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, id VARCHAR(24) NOT NULL,"
        " user_id VARCHAR(24) NOT NULL, articles LONGTEXT)")
    before = own_shop.stores.mariadb.query("SHOW CREATE TABLE panier")
    settings = {**own_shop.settings(), "PANIER_PORT": 0, "PANIER_OPS_PORT": 0}
    result = run_command(["serve"], settings, timeout_s=20)
    assert result.returncode == 2
    assert "panier migrate" in result.stderr
    assert own_shop.stores.mariadb.query("SHOW CREATE TABLE panier") == before
