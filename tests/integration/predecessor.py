"""What the service before panier leaves behind in both stores, in its own shape, with everything that went wrong there.

Seeded: the same seed gives the same rows and documents, so that two runs can be compared.
"""
import copy
import datetime
import json
import random

import bson

TABLE = """CREATE TABLE panier (
  id_maria   INT(11) UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id         VARCHAR(24) NOT NULL,
  user_id    VARCHAR(24) NOT NULL,
  articles   LONGTEXT,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE KEY uq_panier_id (id),
  KEY idx_panier_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"""
EXACT_FIELDS = {"_id", "user_id", "id_maria", "articles"}
CREATED_AT, UPDATED_AT = "2026-01-02 03:04:05", "2026-02-03 04:05:06"
PAGE = 1000


def line(article, quantity):
    return {"article_id": article, "quantite": quantity}


class Predecessor:
    """rows: (id_maria, id, user_id, articles text or None); documents: as MongoDB gets them; carts: {user: {article: quantity}}
    as panier must have them afterwards."""

    def __init__(self, users=0, seed=1):
        self.random = random.Random(seed)
        self.rows, self.documents, self.carts = [], [], {}
        for _ in range(users):
            lines = [line(f"a{n}", float(self.random.randint(1, 9)))
                     for n in self.random.sample(range(500), self.random.randint(0, 4))]
            self.user(self.new_id(), lines)

    def new_id(self):
        """An ObjectId of January 2026."""
        return "6957" + self.random.randbytes(10).hex()

    def user(self, user, lines=()):
        """A cart on which both stores agree; returns its row and its document, to be spoilt."""
        cart_id = self.new_id()
        row = self.row(user, json.dumps(list(lines)), cart_id)
        document = {"_id": bson.ObjectId(cart_id), "user_id": user, "id_maria": row[0], "articles": copy.deepcopy(list(lines))}
        self.documents.append(document)
        self.carts[user] = {one["article_id"]: one["quantite"] for one in lines}
        return row, document

    def row(self, user, articles, cart_id=None):
        row = [len(self.rows) + 1, self.new_id() if cart_id is None else cart_id, user, articles]
        self.rows.append(row)
        return row

    def document(self, user, lines, **fields):
        document = {"_id": bson.ObjectId(self.new_id()), "user_id": user, "id_maria": 0, "articles": list(lines), **fields}
        self.documents.append(document)
        return document

    def spoil_everything(self):
        """Every defect that the platform's README names, and what a careless hand adds, under users named after it."""
        two = [line("x", 2.0), line("y", 1.0)]

        self.user("twice", two)
        self.row("twice", json.dumps([line("x", 3.0)]))
        self.row("TWICE  ", json.dumps([line("z", 1.0)]))
        self.carts["twice"] = {"x": 5.0, "y": 1.0, "z": 1.0}

        row, _ = self.user("emptied", two)  # emptying never reached MariaDB
        self.documents[-1]["articles"] = []
        _, document = self.user("disagrees", two)
        document["articles"] = [line("x", 5.0), line("w", 1.0)]
        self.carts["disagrees"] = {"x": 5.0, "y": 1.0, "w": 1.0}

        self.user("row-lost", two)
        self.rows.pop()
        self.user("document-lost", two)
        self.documents.pop()

        row, document = self.user("row-id-missing", two)
        row[1] = ""
        row, document = self.user("row-id-odd", two)
        row[1] = "no ObjectId"
        row, document = self.user("ids-differ", two)
        row[1] = self.new_id()
        row, document = self.user("id-of-another", two)
        self.documents.pop()
        row[1] = str(self.documents[0]["_id"])
        self.rows[0][1] = self.new_id()
        _, document = self.user("id-maria-differs", two)
        document["id_maria"] = 4_000_000_000
        _, document = self.user("id-maria-missing", two)
        del document["id_maria"]
        _, document = self.user("odd-document-id", two)
        document["_id"] = "a text"

        for name, articles in {"null": None, "empty": "", "broken": '[{"article_id": "x", "quan', "no-list": '{"x": 2}'}.items():
            row, document = self.user(f"articles-{name}", two)
            row[3] = articles
        row, _ = self.user("articles-broken-alone", [])
        row[3] = '[{"article_id"'
        _, document = self.user("list-missing", two)
        del document["articles"]

        odd = [line("s", "2.5"), line("m", -3.0), line("z", 0.0), {"quantite": 4.0}, line("f", 0.30000000000000004),
               line("no good", 1.0), line("text", "beaucoup")]
        row, document = self.user("odd-lines", two)
        row[3] = json.dumps(two + odd)
        document["articles"] = two + odd
        self.carts["odd-lines"] = {"x": 2.0, "y": 1.0, "s": 2.5, "f": 0.3}
        row, document = self.user("negative-alone", two)
        row[3] = json.dumps(two + [line("m", -3.0)])
        document["articles"] = two + [line("m", -3.0)]
        _, document = self.user("odd-field", two)
        document["coupon"] = "x"

        self.row("chloé", json.dumps(two))
        self.row(" leading", json.dumps(two))
        self.row("", "not even JSON")
        self.document("two words", two)
        self.document(5, two)
        document = self.document("", two)
        del document["user_id"]

    def write_to(self, stores, numbered_0=False):
        stores.mariadb.execute(TABLE)
        with stores.mariadb.connected() as cursor:
            if numbered_0:
                cursor.execute("SET sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')")
            cursor.executemany("INSERT INTO panier (id_maria, id, user_id, articles, created_at, updated_at)"
                               " VALUES (%s, %s, %s, %s, %s, %s)", [[*row, CREATED_AT, UPDATED_AT] for row in self.rows])
        collection = stores.mongodb.collection()
        collection.create_index("user_id", unique=True)
        for start in range(0, len(self.documents), PAGE):
            collection.insert_many(copy.deepcopy(self.documents[start:start + PAGE]))


def everything(stores):
    """All tables, rows, collections, documents and indexes, as they are."""
    found = {}
    for row in stores.mariadb.query("SHOW FULL TABLES"):
        table = next(iter(row.values()))
        create = stores.mariadb.query(f"SHOW CREATE TABLE `{table}`")[0]["Create Table"]
        found[table] = create, stores.mariadb.query(f"SELECT * FROM `{table}` ORDER BY 1")
    database = stores.mongodb.collection().database
    for name in sorted(database.list_collection_names()):
        documents = sorted(database[name].find(), key=lambda document: str(document["_id"]))
        found["mongodb." + name] = database[name].index_information(), documents
    return found


def carts(stores):
    """Both stores' carts without what depends on when they were taken over."""
    rows = stores.mariadb.query(
        "SELECT id_maria, id, user_id, articles, deleted_at,"
        " IF(created_at = FROM_UNIXTIME(version / 1000), 'now', created_at) AS created_at,"
        " IF(updated_at = FROM_UNIXTIME(version / 1000), 'now', updated_at) AS updated_at FROM panier ORDER BY user_id")
    documents = list(stores.mongodb.collection().find().sort("user_id", 1))
    for document in documents:
        if round(document["updated_at"].replace(tzinfo=datetime.timezone.utc).timestamp() * 1000) == document["version"]:
            document["updated_at"] = "now"
        del document["version"]
    kept = stores.mariadb.query("SELECT user_id, origin, reason, content, whole, taken_over FROM panier_set_aside ORDER BY id")
    foreign = stores.mariadb.query("SELECT origin, user_id, id_maria, id, articles, created_at, updated_at, document"
                                   " FROM panier_foreign_user ORDER BY seq")
    return {"rows": rows, "documents": documents, "kept": kept, "foreign": foreign}


def differences(found, expected, listed_max=5):
    """Between two of what carts() gives: the first ones, as text."""
    told = []
    for name, items in expected.items():
        if len(found[name]) != len(items):
            told.append(f"{name}: {len(found[name])} and not {len(items)}")
        told += [f"{name}: {one} and not {other}" for one, other in zip(found[name], items) if one != other]
    return told[:listed_max]
