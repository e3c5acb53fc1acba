"""The rows that the benchmark has to show: what is wanted, from which measurements, in ratios only."""
import statistics
from dataclasses import dataclass
from typing import Callable

from catalog import (ALONE, AVAILABLE, COUNTS, EMBEDDED, HOT, MAIN, MILLION, ONE_STORE, POINT_READS, SIZES, SQLITE_PEER,
                     STRICT, TEN_THOUSAND, TWO_STORES)
from probes import NULL_ROUTE, Closed, LedgerLimit, MirrorLimit

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Figure:
    """per_round(results) gives one ratio a round; the measured one is their median."""
    what: str
    relation: str
    wanted: float
    per_round: Callable
    percent: bool = False
    limit: bool = False  # a share of the machine's own limit: above 1, the inputs do not match


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    probes: tuple
    figures: tuple


def rates(results, probe):
    return results.values(probe, "rate")


def ratio(of, to):
    return lambda results: [a / b for a, b in zip(rates(results, of), rates(results, to))]


def saturated(sample):
    """A part's rate had it left no processor idle: alone, a part's clients may all wait for a store."""
    return sample["rate"] / (1 - sample["idle"])


def the_limit(parts, connections, lone_p50_us):
    """min(1 / (1/R_ledger + 1/R_mirror + 1/R_http), C / p50 at C = 1), of the parts' rates."""
    return min(1 / sum(1 / rate for rate in parts), connections / (lone_p50_us / 1e6))


def limit_rates(results, connections):
    """A round at a time."""
    rounds = zip(*(results.samples(probe) for probe in limit_probes(connections)), results.values(LONE, "p50_us"))
    return [the_limit([saturated(part) for part in parts], connections, p50_us) for *parts, p50_us in rounds]


def limit_probes(connections, operation="add", alone=ALONE):
    return (LedgerLimit(alone, operation, connections), MirrorLimit(alone, connections),
            Closed(NULL_ROUTE, operation, MAIN, connections))


LONE = Closed(STRICT, "add", MAIN, 1)


def share_of_limit(of):
    return lambda results: [rate / limit for rate, limit in
                            zip(rates(results, of), limit_rates(results, of.connections))]


def tail_over_median(of):
    return lambda results: [p99 / p50 for p99, p50 in zip(results.values(of, "p99_us"), results.values(of, "p50_us"))]


def memory_ratio(of, to):
    return lambda results: [results.memory(of) / results.memory(to)]


def lone_over_its_parts(results):
    """A request's mean time at one connection over that of two ledger commits and one mirror write."""
    ledger, mirror = LedgerLimit(ALONE, "add", 1), MirrorLimit(ALONE, 1)
    return [(1 / lone) / (1 / commits + 1 / write)
            for lone, commits, write in zip(rates(results, LONE), rates(results, ledger), rates(results, mirror))]


def add(system, connections, carts=MAIN):
    return Closed(system, "add", carts, connections)


def _strict(connections, figures, *more):
    title = f"strict, {connections} connections"
    return Row(f"strict-{connections}", title, (add(STRICT, connections), add(ONE_STORE, connections), *more), figures)


def _rows():
    strict = {connections: add(STRICT, connections) for connections in (64, 256, 1024)}
    yield _strict(64, (Figure("x one-store", AT_LEAST, 1.0, ratio(strict[64], add(ONE_STORE, 64))),
                       Figure("x two-stores", AT_LEAST, 2.3, ratio(strict[64], add(TWO_STORES, 64)))),
                  add(TWO_STORES, 64))
    yield _strict(256, (Figure("x one-store", AT_LEAST, 2.5, ratio(strict[256], add(ONE_STORE, 256))),
                        Figure("x two-stores", AT_LEAST, 5.5, ratio(strict[256], add(TWO_STORES, 256))),
                        Figure("of the limit", AT_LEAST, 0.7, share_of_limit(strict[256]), percent=True, limit=True),
                        Figure("p99 / p50", AT_MOST, 4.0, tail_over_median(strict[256]))),
                  add(TWO_STORES, 256), LONE, *limit_probes(256))
    yield _strict(1024, (Figure("x one-store", AT_LEAST, 3.5, ratio(strict[1024], add(ONE_STORE, 1024))),
                         Figure("of the limit", AT_LEAST, 0.8, share_of_limit(strict[1024]), percent=True,
                                limit=True)),
                  LONE, *limit_probes(1024))
    yield Row("available", "available, 64 / 256 connections",
              tuple(add(system, c) for c in (64, 256) for system in (AVAILABLE, ONE_STORE)),
              (Figure("x one-store at 64", AT_LEAST, 1.7, ratio(add(AVAILABLE, 64), add(ONE_STORE, 64))),
               Figure("x one-store at 256", AT_LEAST, 2.8, ratio(add(AVAILABLE, 256), add(ONE_STORE, 256)))))
    read, point, null = (Closed(system, "get", MAIN, 256) for system in (STRICT, POINT_READS, NULL_ROUTE))
    yield Row("reads", "reads, 256 connections", (read, point, null),
              (Figure("x point reads", AT_LEAST, 2.5, ratio(read, point)),
               Figure("of the null route", AT_LEAST, 0.7, ratio(read, null), percent=True)))
    yield Row("embedded", "embedded strict, 64 connections", (add(EMBEDDED, 64), add(SQLITE_PEER, 64)),
              (Figure("x sqlite", AT_LEAST, 6.0, ratio(add(EMBEDDED, 64), add(SQLITE_PEER, 64))),))
    hot = add(STRICT, 256, HOT)
    yield Row("hot", "one hot cart, 256 connections", (hot, strict[256]),
              (Figure("x the rate of 100,000 carts", AT_LEAST, 1.0, ratio(hot, strict[256])),))
    million, few = (add(system, 256, COUNTS[count]) for system, count in ((MILLION, 1_000_000), (TEN_THOUSAND, 10_000)))
    yield Row("million", "1,000,000 carts against 10,000, 5 lines, 256 connections", (million, few),
              (Figure("x the rate", AT_LEAST, 0.8, ratio(million, few)),
               Figure("x the service's memory", AT_MOST, 1.25, memory_ratio(MILLION, TEN_THOUSAND))))
    long, short = (Closed(STRICT, "edit", SIZES[lines], 256) for lines in (200, 5))
    yield Row("long", "edit of a 200-line cart against a 5-line cart, 256 connections", (long, short),
              (Figure("x the rate", AT_LEAST, 0.25, ratio(long, short)),))
    yield Row("lone", "a lone request, strict", (LONE, LedgerLimit(ALONE, "add", 1), MirrorLimit(ALONE, 1)),
              (Figure("x (two commits + one mirror write)", AT_MOST, 1.3, lone_over_its_parts),))


ROWS = tuple(_rows())


def judge(results, row):
    """[{figure, wanted, measured, ..}] of one row."""
    judged = []
    for figure in row.figures:
        values = figure.per_round(results)
        measured = statistics.median(values)
        met = measured >= figure.wanted if figure.relation == AT_LEAST else measured <= figure.wanted
        judged.append({"row": row.name, "title": row.title, "figure": figure.what, "relation": figure.relation,
                       "wanted": figure.wanted, "percent": figure.percent, "measured": measured, "lowest": min(values),
                       "highest": max(values), "rounds": len(values), "met": met,
                       "errors": any(results.errors(probe) for probe in row.probes),
                       "above_limit": figure.limit and measured > 1})
    return judged
