"""A seed's schedule: the same each time, what every run must have, and nothing befalls one target twice at once."""
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

import faults

LOAD_S, RESERVATION_S = 8.0, 1.5


def schedule(seed, number):
    return faults.draw(random.Random(f"{seed}:{number}"), number, 2, LOAD_S, RESERVATION_S)


def test_a_seed_repeats_its_schedule():
    assert [schedule(7, n) for n in range(10)] == [schedule(7, n) for n in range(10)]
    assert schedule(7, 0) != schedule(8, 0)


def test_a_hundred_rounds_reach_the_totals_and_know_every_fault():
    drawn = [fault for n in range(100) for fault in schedule(1, n)]
    counts = Counter(fault.kind for fault in drawn)
    stores = Counter(fault.target[1] for fault in drawn if fault.kind == "kill -9 store")
    assert counts["kill -9 service"] >= 100 and counts["freeze service"] >= 50 and counts["lose answers"] >= 200
    assert stores == {"mariadb": 50, "mongodb": 50}
    assert set(counts) == set(faults.KINDS)


def test_a_freeze_outlives_the_reservation():
    for n in range(1, 100, 2):
        assert all(fault.for_s > RESERVATION_S for fault in schedule(3, n) if fault.kind == "freeze service")


def test_one_thing_at_a_time_befalls_a_target():
    for n in range(200):
        by_target = {}
        for fault in schedule(5, n):
            ends = by_target.get(fault.target, 0.0)
            assert fault.at_s > ends, schedule(5, n)
            by_target[fault.target] = fault.at_s + fault.for_s
