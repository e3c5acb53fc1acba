"""Carts made in bulk, in the stores' own format: a range of numbers is a population, all of one size."""
import contextlib
import datetime
import hashlib
import sqlite3
import struct
from dataclasses import dataclass

import bson
import pymongo
import pymysql
from bson.raw_bson import RawBSONDocument

ROWS_A_STATEMENT = 50_000
DOCUMENTS_A_BULK = 2_000
USER_BASE, ARTICLE_BASE = 10_000_000, 1_000  # names of one width; the generators count alike (wrk/carts.lua)
QUANTITY = 500.0
WRITTEN_AT = "2026-01-01 00:00:00.000"
WRITTEN_AT_MS = 1_767_225_600_000
VERSION = WRITTEN_AT_MS
PANIER_TEXT_STEP = 64  # articles_text_step of src/store/lines/lines_json.hpp
PEER_TEXT_STEP = 1


@dataclass(frozen=True)
class Carts:
    """count carts of so many lines, numbered from first."""
    first: int
    count: int
    lines: int

    @property
    def numbers(self):
        return range(self.first, self.first + self.count)

    def articles_text(self, step):
        """As the service writes it that is going to: filled up with spaces to a multiple of so many characters."""
        text = "[" + ", ".join(f'{{"article_id": "{article}", "quantite": {QUANTITY}}}' for article in self.articles) + "]"
        return text.ljust(-(-len(text) // step) * step)

    @property
    def articles(self):
        return [f"a{ARTICLE_BASE + line}" for line in range(1, self.lines + 1)]


def user(number):
    return f"u{USER_BASE + number}"


def _token(number):
    return hashlib.md5(str(number).encode()).digest()


def _chunks(carts, size):
    for start in range(carts.first, carts.first + carts.count, size):
        yield start, min(start + size, carts.first + carts.count) - 1


def fill_mariadb(connection, carts, step):
    """The server makes the rows itself, from its sequence engine."""
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone='+00:00', unique_checks=0")
        for first, last in _chunks(carts, ROWS_A_STATEMENT):
            cursor.execute(
                "INSERT INTO panier (id_maria,id,user_id,articles,created_at,updated_at,version,token)"
                f" SELECT seq,LPAD(LOWER(HEX(seq)),24,'0'),CONCAT('u',{USER_BASE}+seq),%s,%s,%s,%s,UNHEX(MD5(seq))"
                f" FROM seq_{first}_to_{last}", (carts.articles_text(step), WRITTEN_AT, WRITTEN_AT, VERSION))
            connection.commit()


def _document(carts, number):
    articles = [{"article_id": article, "quantite": QUANTITY} for article in carts.articles]
    return {"_id": bson.ObjectId(f"{number:024x}"), "user_id": user(number), "id_maria": number, "articles": articles,
            "version": bson.Int64(VERSION), "token": _token(number).hex(),
            "updated_at": datetime.datetime.fromisoformat(WRITTEN_AT)}  # UTC, as every naive one


def _documents(carts, first, last):
    """Encoded once, then only what differs is put in: encoding a million takes a minute, this some seconds."""
    text = bytes(bson.BSON.encode(_document(carts, first)))
    parts = (bytes.fromhex(f"{first:024x}"), user(first).encode(), b"id_maria\0" + struct.pack("<i", first),
             _token(first).hex().encode())
    pieces = []
    for part in parts:
        piece, part_found, text = text.partition(part)
        assert part_found
        pieces.append(piece)
    head, after_id, after_user, after_number = pieces
    for number in range(first, last + 1):
        yield RawBSONDocument(b"".join((head, bytes.fromhex(f"{number:024x}"), after_id, user(number).encode(), after_user,
                                        b"id_maria\0", struct.pack("<i", number), after_number,
                                        _token(number).hex().encode(), text)))


def fill_mongodb(collection, carts):
    for first, last in _chunks(carts, DOCUMENTS_A_BULK):
        collection.insert_many(_documents(carts, first, last), ordered=False)


def fill_sqlite(path, carts, step, mirror):
    columns = "_id,user_id,id_maria,articles,version,token,updated_at" if mirror else \
        "id,user_id,id_maria,articles,version,token,updated_at,created_at"
    marks = ",".join("?" * len(columns.split(",")))
    tail = () if mirror else (WRITTEN_AT_MS,)
    text = carts.articles_text(step)
    rows = ((f"{number:024x}", user(number), number, text, VERSION, _token(number), WRITTEN_AT_MS, *tail)
            for number in carts.numbers)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executemany(f"INSERT INTO panier ({columns}) VALUES ({marks})", rows)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect_mariadb(server, database):
    return pymysql.connect(host="127.0.0.1", port=server.port, user=server.login, password=server.password,
                           database=database, charset="utf8mb4")


def mongo_collection(uri, database):
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=5000)[database]["panier"]

