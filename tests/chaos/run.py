"""Chaos: two instances of the real service on a real MariaDB and a FerretDB, clients that record what they are told,
faults from a seed; then everything is healed and the histories are judged.

    run.py [--rounds N] [--seed S] [--first N] [--keep DIRECTORY]     PANIER_BIN names the binary

A round that breaks a promise leaves its history, schedule and logs behind and prints where. The same seed gives the
same schedule and the same clients, though not the same interleaving.
"""
import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

import pymongo.errors
import pymysql

import faults
from checker import DIFFERENT, DOUBLED, LOST, SHOWN, Violation, check
from clients import ChaosClient, Instance, KnownVersions
from conftest import Shop
from databases import Stores
from history import History, StoredCart, lines_told
from waiting import eventually

INSTANCES = 2
# Clients, carts, and the share of operations on the first cart, in turn: few who meet all the time; and so many that lanes
# carry batches of 16 carts and more, which MariaDB's ledger writes in bulk, and settles without locking them first. No more
# carts than a cursor's first batch holds: FerretDB has been seen to hang, for everybody, where clients die at a second one.
FEW, MANY = (10, 8, 0.4), (128, 96, 0.0)
CROWDS = [FEW, FEW, MANY]
LOAD_S = 8.0
MIRROR_S, RESERVATION_S, REQUEST_S = 0.6, 1.5, 4.0  # shorter than in production: more of a round is about recovery
# What a busy machine, or a sanitizer, may add to a deadline.
MARGIN_S = float(os.environ.get("CHAOS_MARGIN_S") or (6.0 if os.environ.get("PANIER_SANITIZED") else 2.0))
SETTLE_S = 30.0  # after everything is healed
SETTINGS = {"PANIER_MIRROR_TIMEOUT_MS": int(MIRROR_S * 1000), "PANIER_RESERVATION_TTL_MS": int(RESERVATION_S * 1000),
            "PANIER_REQUEST_TIMEOUT_MS": int(REQUEST_S * 1000), "PANIER_LANES": 2, "PANIER_THREADS": 2}
POLICIES = [("strict", "strict")] * 6 + [("available", "available"), ("strict", "available")]  # one is drawn a round
NOT_HEALED, VERIFY, CRASH, NOT_DONE = "not healed", "verify", "crash", "fault not carried out"


class Round:
    def __init__(self, stores, directory, seed, number):
        self._stores, self._number = stores, number
        self._rng = random.Random(f"{seed}:{number}")
        self.directory = directory / f"round-{number}"
        self.policies = self._rng.choice(POLICIES)
        # Mostly off: a forgotten lag row has to show, and continuous verify would mend it in a moment.
        self._verify_rows_per_s = self._rng.choice([0, 0, 200])
        self.schedule = faults.draw(self._rng, number, INSTANCES, LOAD_S, RESERVATION_S)
        self._clients_seed = self._rng.getrandbits(64)
        self.clients, carts, self._meeting = CROWDS[number % len(CROWDS)]
        self._carts = [f"cart-{n}" for n in range(carts)]
        self.history = History(REQUEST_S + MARGIN_S)
        self.violations, self.happened = [], Counter()
        self.answers_lost = 0

    def run(self):
        self.directory.mkdir()
        self._stores.use_database(f"chaos_{os.getpid()}_{self._number}")
        shop = Shop("servers", self.directory, self._stores)
        try:
            self._run(shop)
        finally:
            shop.end()
            self._stores.heal()
        self.history.save(self.directory / "history.json")
        self.violations += check(self.history)

    def _run(self, shop):
        gates = [shop.gates() for _ in range(INSTANCES)]
        instances = [Instance(self._start(shop, number, gates[number])) for number in range(INSTANCES)]
        scene = faults.Scene(instances, {"mariadb": self._stores.mariadb, "mongodb": self._stores.mongodb}, gates,
                             self.history.troubles, threading.Lock())
        self._load(instances, faults.Injector(scene, self.schedule))
        self.answers_lost = sum(gate.answers_lost for pair in gates for gate in pair.values())
        self._settle([instance.panier for instance in instances])
        self._verify(instances[0].panier, shop)
        self.history.ledger = _ledger(self._stores)
        self.history.mirror = _mirror(self._stores)

    def _start(self, shop, number, gates):
        settings = {**SETTINGS, "PANIER_WRITE_POLICY": self.policies[number],
                    "PANIER_VERIFY_ROWS_PER_S": self._verify_rows_per_s}
        panier = shop.start(settings, f"instance-{number}", gates)
        panier.settings["PANIER_PORT"] = panier.port  # the clients find the next life on the same port
        return panier

    def _load(self, instances, injector):
        known = KnownVersions()
        clients = [ChaosClient(n, self._clients_seed, instances, self._carts, self._meeting, known, REQUEST_S + MARGIN_S + 1)
                   for n in range(self.clients)]
        for client in clients:
            client.start()
        injector.start()
        time.sleep(LOAD_S)
        # While the last faults go on: of some carts an abort is the last that happens.
        for client in clients:
            client.stop()
        injector.join()
        until = time.monotonic() + SETTLE_S
        for client in clients:
            client.join(max(0.0, until - time.monotonic()))
            if client.is_alive():
                self._violates(NOT_HEALED, f"{client.name} has no definite answer, {SETTLE_S} s after the last fault")
            if client.error:
                raise client.error
            self.history.attempts += client.attempts
        self.happened = Counter(fault.kind for fault in injector.happened)
        for fault, error in injector.errors:
            self._violates(NOT_DONE, f"{fault}: {error!r}")

    def _settle(self, instances):
        """Nothing outstanding, nothing behind, both healthy; then a SIGTERM is answered by exit 0."""
        try:
            for panier in instances:
                if not panier.running():
                    self._violates(CRASH, f"{panier.directory.name} ended by itself: {panier.process.returncode}")
                    return
                eventually(lambda: _is_well(panier), SETTLE_S, f"{panier.directory.name} is well")
            eventually(self._settled, SETTLE_S, "no batch is outstanding and no cart is behind")
            for panier in instances:
                panier.stop()
        except AssertionError as error:
            self._violates(NOT_HEALED, str(error))

    def _settled(self):
        try:
            return self._stores.settled()
        except (pymysql.Error, pymongo.errors.PyMongoError) as error:
            raise AssertionError(repr(error)) from error

    def _verify(self, panier, shop):
        panier.settings.update(shop.settings())
        result = panier.verify()
        (self.directory / "verify.txt").write_text(f"{result.returncode}\n{result.stdout}\n{result.stderr}")
        if result.returncode != 0:
            self._violates(VERIFY, f"exit {result.returncode}\n{result.stdout}{result.stderr}")

    def _violates(self, kind, text):
        self.violations.append(Violation(kind, text))

    def keep(self):
        """What whoever looks into a violation needs."""
        (self.directory / "schedule.txt").write_text("\n".join(map(str, [self.policies, *self.schedule])) + "\n")
        (self.directory / "violations.txt").write_text("\n\n".join(map(str, self.violations)) + "\n")


def _is_well(panier):
    health = panier.client().health().json
    return health["status"] == "ok" and health["lag"] == 0


def _ledger(stores):
    rows = stores.mariadb.query("SELECT user_id, id, version, articles, deleted_at FROM panier")
    return {row["user_id"]: _stored(row["deleted_at"] is None, row, json.loads(row["articles"] or "[]"), row["id"])
            for row in rows}


def _mirror(stores):
    return {found["user_id"]: _stored("deleted_at" not in found, found, found["articles"], str(found["_id"]))
            for found in stores.mongodb.collection().find()}


def _stored(exists, row, articles, identity):
    return StoredCart(exists, int(row["version"]), lines_told(articles, "quantite"), identity)


class Summary:
    def __init__(self):
        self.rounds = 0
        self.faults, self.answers, self.violations = Counter(), Counter(), Counter()
        self.answers_lost = 0

    def add(self, one):
        self.rounds += 1
        self.faults += one.happened
        self.answers_lost += one.answers_lost
        self.answers += Counter(str(attempt.status or attempt.no_status) for attempt in one.history.attempts)
        self.violations += Counter(violation.kind for violation in one.violations)

    def __str__(self):
        def listed(counter):
            return "\n".join(f"  {count:7}  {name}" for name, count in sorted(counter.items())) or "        0"
        promised = {kind: self.violations[kind] for kind in (LOST, DOUBLED, SHOWN, DIFFERENT)}
        others = {kind: count for kind, count in self.violations.items() if kind not in promised}
        vanished = f"  {self.answers_lost:7}  store answers that vanished"
        return (f"{self.rounds} rounds\nfaults\n{listed(self.faults)}\n{vanished}\nrequests, by answer\n"
                f"{listed(self.answers)}\nviolations\n{listed(promised | others)}")


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="repeats a schedule; default: a random one, printed")
    parser.add_argument("--first", type=int, default=0, help="number of the first round, to repeat one of a longer run")
    parser.add_argument("--keep", type=Path, default=None, help="where a round that breaks a promise is kept")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.first < 0:
        parser.error("--rounds is at least 1, --first at least 0")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().getrandbits(32)
    return arguments


def main():
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("chaos: stopped"))  # so that no server is left behind
    print(f"chaos: {arguments.rounds} rounds, seed {arguments.seed}", flush=True)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"seed-{arguments.seed}-", dir=arguments.keep))
    stores = Stores(directory / "stores", Path(__file__).parents[2])
    (directory / "stores").mkdir()
    summary = Summary()
    try:
        stores.start()
        for number in range(arguments.first, arguments.first + arguments.rounds):
            _one_round(stores, directory, arguments.seed, number, summary)
    finally:
        stores.stop()
        shutil.rmtree(directory / "stores")
        print(summary, flush=True)
    failed = bool(summary.violations)
    if not failed:
        shutil.rmtree(directory)
    sys.exit(failed)


def _one_round(stores, directory, seed, number, summary):
    one = Round(stores, directory, seed, number)
    began = time.monotonic()
    try:
        one.run()
    except BaseException:
        print(f"round {number} of seed {seed} was not finished; its schedule:", *one.schedule, sep="\n  ", flush=True)
        raise
    summary.add(one)
    print(f"round {number}: {time.monotonic() - began:.1f} s, {'/'.join(one.policies)},"
          f" {one.clients} clients, {len(one.history.attempts)} requests, {sum(one.happened.values())} faults,"
          f" {len(one.violations)} violations", flush=True)
    if one.violations:
        one.keep()
        print(*one.violations, *one.schedule, f"kept in {one.directory}",
              f"again: make chaos ROUNDS=1 CHAOS_SEED={seed} CHAOS_FIRST={number}", sep="\n", flush=True)
    else:
        shutil.rmtree(one.directory)


if __name__ == "__main__":
    main()
