"""Fixtures: a shop is a place to start panier in one mode (embedded, or on MariaDB and MongoDB) with stores of its own.

PANIER_BIN names the binary, PANIER_SOURCE_DIR the checkout; ctest sets both.
"""
import copy
import itertools
import os
from pathlib import Path

import pytest

import panier_process
from databases import Stores, WireDouble
from panier_process import Panier
from tcp_gate import TcpGate
from waiting import eventually

MODES = ("embedded", "servers")
CATCH_UP_S = 15.0  # of the mirror, after writes that it missed


def pytest_configure(config):
    config.addinivalue_line("markers", "servers_only: runs on MariaDB and MongoDB only")
    assert Path(panier_process.BINARY).is_file(), "PANIER_BIN must name the panier executable"


class Shop:
    """stores: None in embedded mode, where each started name has its own data directory."""

    def __init__(self, mode, directory, stores):
        self.mode, self.stores = mode, stores
        self.directory = directory
        self._started = []
        self._gates = []

    def settings(self, gates=None):
        if self.mode == "embedded":
            return {}
        return self.stores.settings({name: gate.port for name, gate in (gates or {}).items()})

    def start(self, settings=None, name="panier", gates=None):
        panier = Panier(self.directory / name, {**self.settings(gates), **(settings or {})})
        self._started.append(panier)
        return panier.start()

    def gates(self):
        """A TcpGate in front of each store."""
        gates = {"mariadb": TcpGate(self.stores.mariadb.port), "mongodb": TcpGate(self.stores.mongodb.port)}
        self._gates += gates.values()
        return gates

    def settle_and_verify(self, panier):
        """Once both stores are up and nothing is behind: SIGTERM, then `panier verify`: they tell the same story.

        Without the gates: verify's wires are not under test.
        """
        if self.stores:
            eventually(self.stores.settled, CATCH_UP_S, "no batch is outstanding and no cart is behind")
        panier.stop()
        panier.settings.update(self.settings())
        panier.assert_stores_agree()

    def end(self):
        for panier in self._started:
            panier.end()
        for gate in self._gates:
            gate.stop()


@pytest.fixture(scope="session")
def source_dir():
    return Path(os.environ.get("PANIER_SOURCE_DIR", Path(__file__).parents[2]))


@pytest.fixture(scope="session")
def servers(tmp_path_factory, source_dir):
    """One MariaDB and one MongoDB for all tests of a file; each shop gets a database of its own in both."""
    stores = Stores(tmp_path_factory.mktemp("stores"), source_dir)
    try:
        stores.start()
        yield stores
    finally:
        stores.stop()


_database_numbers = itertools.count(1)


def _open_shop(mode, directory, request):
    if mode == "embedded":
        return Shop(mode, directory, None)
    stores = request.getfixturevalue("servers")
    stores.use_database(f"t{os.getpid()}_{next(_database_numbers)}")
    return Shop(mode, directory, stores)


def pytest_generate_tests(metafunc):
    servers_only = any(metafunc.definition.iter_markers("servers_only"))
    modes = ("servers",) if servers_only else MODES
    if "shop" in metafunc.fixturenames:
        metafunc.parametrize("shop", modes, indirect=True)
    if "module_shop" in metafunc.fixturenames:
        metafunc.parametrize("module_shop", modes, indirect=True, scope="module")


@pytest.fixture
def shop(request, tmp_path):
    shop = _open_shop(request.param, tmp_path, request)
    yield shop
    shop.end()


@pytest.fixture
def double_shop(shop):
    """With the wire double for a MongoDB: it is fast (FerretDB looks at every document for every page that verify reads),
    and it has faults that no real server has on demand."""
    shop.stores = copy.copy(shop.stores)
    shop.stores.mongodb = WireDouble()
    shop.stores.mongodb.use_database(shop.stores.mariadb.database)
    yield shop
    shop.stores.mongodb.stop()


@pytest.fixture(scope="module")
def module_shop(request, tmp_path_factory):
    shop = _open_shop(request.param, tmp_path_factory.mktemp(request.param), request)
    yield shop
    shop.end()


@pytest.fixture(scope="module")
def embedded_module_shop(tmp_path_factory):
    shop = Shop("embedded", tmp_path_factory.mktemp("embedded"), None)
    yield shop
    shop.end()


@pytest.fixture
def own_shop(request, tmp_path):
    """On servers; the test may break them, and they are whole again afterwards."""
    shop = _open_shop("servers", tmp_path, request)
    yield shop
    shop.end()
    shop.stores.heal()
