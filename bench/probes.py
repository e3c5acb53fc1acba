"""One measurement each: what is loaded, by what, how hard. key: its name in results.json."""
from dataclasses import dataclass

import generators
from carts import Carts
from systems import Spec

BATCH_CARTS_MAX = 128  # commit/limits.hpp
# Instead of a system: a route that answers at once, which shows what the generator and HTTP cost by themselves.
NULL_ROUTE = None


@dataclass(frozen=True)
class Closed:
    """wrk: so many connections, each sends when it was answered."""
    system: Spec | None
    operation: str
    carts: Carts
    connections: int

    @property
    def key(self):
        return f"{name(self.system)}/{self.operation}/{_carts(self.carts)}/c{self.connections}"

    def run(self, run, seconds):
        port = run.systems.port(self.system)
        return generators.wrk(port, self.operation, self.carts, self.connections, seconds)


@dataclass(frozen=True)
class LedgerLimit:
    """The lanes' ledger statements, saturated, without a mirror or HTTP."""
    system: Spec
    operation: str
    connections: int

    @property
    def key(self):
        return f"{self.system.name}/ledger-alone/{self.operation}/c{self.connections}"

    def run(self, run, seconds):
        arguments = ["ledger", "--store", "sqlite" if self.system.ledger == "sqlite" else "mariadb", "--clients",
                     self.connections, "--carts", self.system.carts[0].count, "--mix", self.operation,
                     "--lanes", min(self.connections, run.lanes(self.system))]
        return _alone(self, run, arguments, seconds)


@dataclass(frozen=True)
class MirrorLimit:
    """The lanes' bulks, saturated, without a ledger or HTTP; each as large as so many clients can make it."""
    system: Spec
    connections: int

    @property
    def key(self):
        return f"{self.system.name}/mirror-alone/c{self.connections}"

    def run(self, run, seconds):
        lanes = min(self.connections, run.lanes(self.system))
        arguments = ["mirror", "--store", "sqlite" if self.system.mirror == "sqlite" else "mongodb", "--lanes", lanes,
                     "--batch", min(BATCH_CARTS_MAX, self.connections // lanes),
                     "--carts", self.system.carts[0].count]
        return _alone(self, run, arguments, seconds)


@dataclass(frozen=True)
class Open:
    """vegeta: so many requests a second, however long the answers take."""
    system: Spec | None
    operation: str
    carts: Carts
    rate: int

    @property
    def key(self):
        return f"{name(self.system)}/{self.operation}/{_carts(self.carts)}/r{self.rate}"

    def run(self, run, seconds):
        port = run.systems.port(self.system)
        return run.vegeta.attack(port, self.operation, self.carts, self.rate, seconds)


def name(system):
    return "null route" if system is NULL_ROUTE else system.name


def _carts(carts):
    return f"{carts.count}x{carts.lines}"


def _alone(probe, run, arguments, seconds):
    settings = run.systems.get(probe.system).settings
    return generators.limit(run.systems.programs["panier-limit"], settings, arguments, seconds)


def describe(probe):
    """For results.json: everything that makes this measurement what it is."""
    known = {"probe": type(probe).__name__, "system": name(probe.system)}
    known |= {field: getattr(probe, field) for field in ("operation", "connections", "rate") if hasattr(probe, field)}
    if hasattr(probe, "carts"):
        known |= {"carts": probe.carts.count, "lines": probe.carts.lines}
    return known
