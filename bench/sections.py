"""What `make bench` measures, a section at a time: which probes, how long, how often."""
import os
from dataclasses import dataclass, replace

import catalog
import shows
from catalog import (ALONE_EMBEDDED, AVAILABLE, CONNECTIONS, COUNTS, EMBEDDED, EMBEDDED_AVAILABLE, HOT, MAIN, MILLION,
                     ONE_STORE, OPERATIONS, POINT_READS, SIZES, SQLITE_PEER, STRICT, TEN_THOUSAND, TWO_STORES)
from probes import NULL_ROUTE, Closed, LedgerLimit, MirrorLimit, Open

OPEN_RATES = (500, 1_000, 2_000, 4_000, 8_000)
LANES = (1, 2, 4, 8)
DELAYS_US = (500, 2_000, 5_000)
SYNC_DELAYS_US = (0, 200, 1_000, 5_000)


@dataclass(frozen=True)
class Section:
    """probes are interleaved: each once a round, in slices of so many seconds."""
    name: str
    title: str
    probes: tuple
    rounds: int
    seconds: int
    restarts: tuple = ()  # systems whose start-up time is taken at the end
    verified: tuple = ()  # systems whose stores must agree at the end


def unique(probes):
    return tuple(dict.fromkeys(probes))


def shows_section(rows, rounds, seconds):
    probes = unique(probe for row in rows for probe in row.probes)
    systems = {probe.system for probe in probes}
    return Section("shows", "The figures that are wanted", probes, rounds, seconds,
                   restarts=(), verified=tuple(one for one in (TEN_THOUSAND, EMBEDDED) if one in systems))


def _matrix():
    served = (STRICT, AVAILABLE, EMBEDDED, EMBEDDED_AVAILABLE)
    for connections in CONNECTIONS:
        for operation in OPERATIONS:
            yield from (Closed(system, operation, MAIN, connections) for system in served)
        for peer in (ONE_STORE, TWO_STORES, SQLITE_PEER):
            yield Closed(peer, "add", MAIN, connections)
        yield Closed(POINT_READS, "get", MAIN, connections)
        yield from shows.limit_probes(connections)
        yield Closed(NULL_ROUTE, "get", MAIN, connections)
        yield LedgerLimit(ALONE_EMBEDDED, "add", connections)
        yield MirrorLimit(ALONE_EMBEDDED, connections)


def _mirrors():
    for connections in (64, 256, 1024):
        for policy in ("strict", "available"):
            for delay_us in DELAYS_US:
                yield Closed(catalog.with_mirror(policy, "double", delay_us), "add", MAIN, connections)
            yield Closed(catalog.with_mirror(policy, "sqlite"), "add", MAIN, connections)


def _binlog():
    for connections in (64, 256, 1024):
        for system in (STRICT, AVAILABLE, ONE_STORE, TWO_STORES):
            yield Closed(catalog.with_binlog(system), "add", MAIN, connections)
            yield Closed(system, "add", MAIN, connections)


def _disk():
    for delay_us in SYNC_DELAYS_US:
        for connections in (64, 256):
            yield from (Closed(catalog.on_slow_disk(system, delay_us), "add", MAIN, connections)
                        for system in (EMBEDDED, SQLITE_PEER))


def _open():
    for rate in OPEN_RATES:
        for system in (STRICT, AVAILABLE, ONE_STORE, TWO_STORES, EMBEDDED, NULL_ROUTE):
            yield Open(system, "add", MAIN, rate)
        for system in (STRICT, POINT_READS, NULL_ROUTE):
            yield Open(system, "get", MAIN, rate)


def _growth():
    for system, carts in ((TEN_THOUSAND, COUNTS[10_000]), (STRICT, MAIN), (MILLION, COUNTS[1_000_000])):
        yield from (Closed(system, operation, carts, 256) for operation in ("add", "edit", "get"))
    for carts in SIZES.values():
        yield from (Closed(STRICT, operation, carts, 256) for operation in ("add", "edit", "get"))
    for lanes in LANES:
        yield from (Closed(catalog.with_lanes(lanes), "add", MAIN, connections) for connections in (64, 256, 1024))
    yield from (Closed(system, "add", HOT, 256) for system in (STRICT, AVAILABLE))


def _mongodb():
    for connections in (64, 256, 1024):
        yield from (Closed(catalog.with_mirror(policy, "mongodb"), "add", MAIN, connections)
                    for policy in ("strict", "available"))


def all_sections():
    """In the order in which they are measured: those that share the million carts follow one another."""
    yield shows_section(shows.ROWS, rounds=5, seconds=3)
    yield Section("growth", "Growth", unique(_growth()), rounds=3, seconds=2,
                  restarts=(TEN_THOUSAND, STRICT, MILLION), verified=(MILLION,))
    yield Section("matrix", "Throughput over connections", unique(_matrix()), rounds=2, seconds=2)
    yield Section("mirrors", "The mirror's delay", unique(_mirrors()), rounds=3, seconds=2)
    yield Section("binlog", "With a synced binlog", unique(_binlog()), rounds=3, seconds=2)
    yield Section("disk", "Embedded, on slower disks", unique(_disk()), rounds=3, seconds=2)
    yield Section("open", "Latency at a fixed rate", unique(_open()), rounds=2, seconds=4)
    if os.environ.get("PANIER_TEST_MONGO_URI"):
        yield Section("mongodb", "A real MongoDB as the mirror", unique(_mongodb()), rounds=3, seconds=2)


def changed(section, rounds, seconds):
    return replace(section, rounds=rounds or section.rounds, seconds=seconds or section.seconds)
