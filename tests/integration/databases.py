"""A real MariaDB and a MongoDB (FerretDB, or the one named in PANIER_TEST_MONGO_URI), to be used, broken and looked into.

The servers are started by scripts/stack-*: each keeps its pid in DIR/pid, and starts again on the same port.
"""
import contextlib
import functools
import json
import os
import re
import select
import signal
import subprocess
from pathlib import Path

import pymongo
import pymysql
import pytest

from panier_process import BINARY

START_TIMEOUT_S = 120
BUILD_TIMEOUT_S = 600  # of FerretDB, from its modules
KILL_TIMEOUT_S = 10


class _Server:
    """name: as the service calls the store in health."""

    name = script = ""

    def __init__(self, directory, source_dir):
        self._directory = Path(directory)
        self._script = source_dir / "scripts" / self.script

    def start(self, *arguments):
        output = subprocess.run([self._script, "start", self._directory, *arguments], stdout=subprocess.PIPE, text=True,
                                timeout=START_TIMEOUT_S, check=True).stdout
        self._env = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

    def stop(self):
        subprocess.run([self._script, "stop", self._directory], timeout=START_TIMEOUT_S, check=True)

    @property
    def _pid(self):
        return int((self._directory / "pid").read_text())

    def kill(self):
        """SIGKILL, and waits until the process is gone, its port and locks with it."""
        pid = self._pid
        handle = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGKILL)
            gone, _, _ = select.select([handle], [], [], KILL_TIMEOUT_S)
            assert gone, f"{self.name} survived SIGKILL"
            # Until its parent collects it, a dead process still looks alive to whoever asks by pid.
            (self._directory / "pid").unlink()
        finally:
            os.close(handle)

    def restart(self):
        self.start()

    def freeze(self):
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self._pid, signal.SIGCONT)

    def heal(self):
        """Running and awake again, whatever a test did to it."""
        try:
            self.thaw()
        except (ProcessLookupError, FileNotFoundError):
            self.restart()


class MariaDb(_Server):
    name, script = "mariadb", "stack-mariadb"

    def start(self):
        super().start()
        self.port = int(self._env["DB_LOCAL_PORT"])
        self.login, self.password = self._env["DB_LOCAL_LOGIN"], self._env["DB_LOCAL_PASSWORD"]

    def use_database(self, name):
        self.database = name
        with self._connect(user="root", password="", unix_socket=self._socket()) as root, root.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"GRANT ALL ON {name}.* TO '{self.login}'@'%'")

    def _socket(self):
        command = Path(f"/proc/{self._pid}/cmdline").read_text().split("\0")
        return next(word.removeprefix("--socket=") for word in command if word.startswith("--socket="))

    def _connect(self, **options):
        return pymysql.connect(connect_timeout=5, autocommit=True, cursorclass=pymysql.cursors.DictCursor,
                               charset="utf8mb4", **options)

    @contextlib.contextmanager
    def connected(self):
        """A cursor of the service's own user."""
        with self._connect(host="127.0.0.1", port=self.port, user=self.login, password=self.password,
                           database=self.database) as connection, connection.cursor() as cursor:
            yield cursor

    def query(self, sql, *values):
        """Rows as dictionaries."""
        with self.connected() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()

    execute = query


class FerretDb(_Server):
    name, script = "mongodb", "stack-mongo"

    def start(self):
        # Once in a checkout it is built, which is no part of a start.
        subprocess.run([self._script.with_name("build-ferretdb")], stdout=subprocess.DEVNULL, timeout=BUILD_TIMEOUT_S,
                       check=True)
        super().start()
        self._uri = re.match(r"mongodb://[^/]+/", self._env["MONGO_URI_PANIERS"]).group(0)
        self.port = int(re.search(r":(\d+)/", self._uri).group(1))

    def restart(self):
        super().start(str(self.port))

    def use_database(self, name):
        self.database = name

    def uri(self, port=None):
        return f"mongodb://127.0.0.1:{port or self.port}/{self.database}"

    @functools.cached_property
    def _client(self):
        return pymongo.MongoClient(self.uri(), serverSelectionTimeoutMS=5000, socketTimeoutMS=5000)

    def stop(self):
        if "_client" in self.__dict__:  # a server that did not start has none
            self._client.close()
        super().stop()

    def collection(self):
        return self._client[self.database]["panier"]

    def find_one(self, user):
        return self.collection().find_one({"user_id": user})


class NamedMongo(FerretDb):
    """A server that somebody else runs: it can be used, not broken."""

    def __init__(self, uri):
        self._given = uri

    def start(self):
        pass

    def stop(self):
        self._client.close()

    heal = start

    def uri(self, port=None):
        base, _, options = self._given.partition("?")
        host = re.match(r"(mongodb(\+srv)?://[^/]+)", base).group(1)
        return f"{host}/{self.database}" + (f"?{options}" if options else "")

    def kill(self):
        pytest.skip("PANIER_TEST_MONGO_URI names a server that is not ours to break")

    freeze = kill

    @property
    def port(self):
        pytest.skip("no gate in front of a server named by its URI: the driver would go round it")


class WireDouble(NamedMongo):
    """A process of our own, with an empty memory; it shows faults on demand (tests/support/wire_fault.hpp)."""

    def __init__(self):
        self._process = subprocess.Popen([Path(BINARY).with_name("panier-wire-double")], stdout=subprocess.PIPE, text=True)
        super().__init__(self._process.stdout.readline().strip().partition("=")[2])

    def order(self, command, **fault):
        self._client.admin.command({"panierFault": command, **fault})

    def stop(self):
        super().stop()
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


class Stores:
    def __init__(self, directory, source_dir):
        named = os.environ.get("PANIER_TEST_MONGO_URI")
        self.mariadb = MariaDb(directory / "mariadb", source_dir)
        self.mongodb = NamedMongo(named) if named else FerretDb(directory / "mongo", source_dir)

    def start(self):
        self.mariadb.start()
        self.mongodb.start()

    def stop(self):
        self.mariadb.stop()
        self.mongodb.stop()

    def heal(self):
        self.mariadb.heal()
        self.mongodb.heal()

    def use_database(self, name):
        """A fresh database of this name in both."""
        self.mariadb.use_database(name)
        self.mongodb.use_database(name)

    def settings(self, ports):
        """What the service needs to use them; ports: those of gates in front, by store name."""
        return {"DB_LOCAL_HOST": "127.0.0.1", "DB_LOCAL_PORT": ports.get("mariadb", self.mariadb.port),
                "DB_LOCAL_LOGIN": self.mariadb.login, "DB_LOCAL_PASSWORD": self.mariadb.password,
                "DB_LOCAL_NAME": self.mariadb.database, "MONGO_URI_PANIERS": self.mongodb.uri(ports.get("mongodb"))}

    def settled(self):
        """No lane has a batch outstanding, and the mirror is not known to be behind anywhere; else says what is."""
        lanes = self.mariadb.query("SELECT * FROM panier_lane WHERE token IS NOT NULL")
        lag = self.mariadb.query("SELECT lag.*, cart.version AS ledger_version FROM panier_mirror_lag lag"
                                 " LEFT JOIN panier cart USING (user_id) LIMIT 20")
        behind = [(row, self.mongodb.find_one(row["user_id"])) for row in lag]
        assert not lanes and not behind, f"outstanding: {lanes}; behind: {behind}"
        return True

    def ledger_lines(self, user):
        """{article_id: quantity} as MariaDB has it; None where there is no cart."""
        rows = self.mariadb.query("SELECT articles FROM panier WHERE user_id = %s AND deleted_at IS NULL", user)
        return _lines(json.loads(rows[0]["articles"])) if rows else None

    def mirror_lines(self, user):
        document = self.mongodb.find_one(user)
        return _lines(document["articles"]) if document and "deleted_at" not in document else None


def _lines(articles):
    return {line["article_id"]: line["quantite"] for line in articles}
