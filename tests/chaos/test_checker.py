"""The checker notices: histories that a sound service could have told pass, and each kind of forgery is named."""
import random

import pytest

import checker
from checker import check, check_cart
from history import Attempt, History, StoredCart, Trouble
from model import NEW, Event, already_done, apply

FOREVER = float("inf")


def write(kind, began, ended, told=None, **what):
    return Event(kind, began, ended, told or {}, **what)


def add(began, ended, version, quantity, total, article="a"):
    told = {"status": 201, "version": version, "quantity": total}
    return Event("add", began, ended, told, article=article, quantity=quantity)


def unknown(event):
    return Event(event.kind, event.began, FOREVER, {}, event.article, event.quantity, event.if_match)


def read(began, ended, version, *lines):
    return Event("read", began, ended, {"exists": True, "version": version, "lines": lines})


def no_cart(began, ended):
    return Event("read", began, ended, {"exists": False})


def stored(version, *lines):
    return Event("store", 1e6, 1e6 + 1, {"exists": True, "version": version, "lines": lines})


def kinds(events, failed=()):
    return [violation.kind for violation in check_cart("c", events, failed)]


# --- what a sound service may tell ---

def test_concurrent_adds_in_the_order_of_their_versions():
    assert kinds([add(0, 9, 12, 2, 3), add(1, 8, 11, 1, 1), read(0, 9, 11, ("a", 1)), stored(12, ("a", 3))]) == []


@pytest.mark.parametrize("took_effect", [True, False])
def test_an_unknown_outcome_is_either_way_right(took_effect):
    lines = ("a", 3) if took_effect else ("a", 1)
    assert kinds([add(0, 1, 10, 1, 1), unknown(add(2, 3, 0, 2, 3)), read(9, 10, 20, lines)]) == []


def test_an_abort_gives_old_content_a_new_version():
    assert kinds([add(0, 1, 10, 1, 1), read(2, 3, 10, ("a", 1)), read(4, 5, 14, ("a", 1)), stored(15, ("a", 1))]) == []


def test_a_version_that_an_abort_took_away_no_longer_matches():
    refused = write("empty", 2, 3, {"status": 412}, if_match=10)
    assert kinds([add(0, 1, 10, 1, 1), refused, stored(11, ("a", 1))]) == []
    assert kinds([add(0, 1, 10, 1, 1), refused, read(4, 5, 10, ("a", 1))]) != []


def test_wishes_that_are_fulfilled_already():
    assert kinds([write("erase", 0, 1, {"status": 200, "existed": False}, if_match=3),
                  write("create", 2, 3, {"status": 201}), write("create", 4, 5, {"status": 200}),
                  write("empty", 6, 7, {"status": 200}, if_match=3),
                  write("erase", 8, 9, {"status": 200, "existed": True}), no_cart(10, 11)]) == []


# --- forgeries ---

def test_a_lost_add():
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 11, 2, 3), stored(12, ("a", 1))]) == [checker.LOST]


def test_a_lost_update_between_two_clients():
    assert kinds([add(0, 5, 10, 1, 1), add(0, 5, 11, 2, 2), stored(11, ("a", 2))]) == [checker.LOST]


def test_a_doubled_add():
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 11, 2, 3), stored(12, ("a", 5))]) == [checker.DOUBLED]


def test_a_failure_that_shows():
    failed = [unknown(add(2, 3, 0, 2, 3))]
    assert kinds([add(0, 1, 10, 1, 1), stored(12, ("a", 3))], failed) == [checker.SHOWN]
    assert kinds([add(0, 1, 10, 1, 1), stored(10, ("a", 1))], failed) == []


def test_a_write_that_shows_before_it_was_sent():
    assert kinds([add(0, 1, 10, 1, 1), read(2, 3, 11, ("a", 3)), unknown(add(4, 5, 0, 2, 3))]) != []


@pytest.mark.parametrize("version", [10, 11])
def test_a_stale_read(version):
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 11, 2, 3), read(4, 5, version, ("a", 1)),
                  stored(11, ("a", 3))]) == [checker.STALE]


def test_a_read_of_what_came_back_from_the_dead():
    gone = write("erase", 2, 3, {"status": 200, "existed": True})
    assert kinds([add(0, 1, 10, 1, 1), gone, read(4, 5, 12, ("a", 1)), no_cart(6, 7)]) == [checker.STALE]


def test_a_version_that_is_used_twice():
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 10, 2, 3), stored(10, ("a", 3))]) == [checker.REUSED]


def test_a_version_that_falls():
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 9, 2, 3), stored(10, ("a", 3))]) == [checker.REUSED]


def test_an_if_match_that_was_not_asked():
    blind = write("empty", 4, 5, {"status": 200}, if_match=10)
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 11, 2, 3), blind, stored(12)]) != []


def test_a_total_that_adds_up_nowhere():
    assert kinds([add(0, 1, 10, 1, 1), add(2, 3, 11, 2, 4), stored(11, ("a", 3))]) != []


# --- attempts: keys, answers, stores ---

def attempt(operation, began, ended, status=None, **more):
    values = {"cart": "c", "kind": "add", "instance": 0, "article": "a", "quantity": 1000, **more}
    if status == 201:
        values.setdefault("body", {"error": False, "rs": {"version": 10 + operation, "quantite": 1 + operation}})
    return Attempt(operation, began=began, ended=ended, status=status, **values)


def found(attempts, lines=None, version=10, **history):
    stores = {}
    if lines is not None:
        stores = {name: {"c": StoredCart(True, version, lines, "id")} for name in ("ledger", "mirror")}
    judged = check(History(**{"deadline_s": 5.0, **stores, **history}, attempts=attempts))
    return [violation.kind for violation in judged]


def test_a_repetition_counts_once_from_its_first_attempt_on():
    cut = attempt(0, 0, 1, no_status="cut", key="k")
    lines = [{"article_id": "a", "quantite_utilisateur": 1}]
    seen_early = Attempt(7, "c", "read", 0, 2, ended=3, status=200,
                         body={"rs": {"id": "id", "version": 10, "articles": lines}})
    trouble = [Trouble(0, 0.5)]
    assert found([cut, seen_early, attempt(0, 4, 5, 201, key="k")], (("a", 1000),), troubles=trouble) == []
    assert found([cut, attempt(0, 4, 5, 201, key="k")], (("a", 2000),), 11, troubles=trouble) == [checker.DOUBLED]


def test_a_refusal_after_a_cut_leaves_the_outcome_open():
    attempts = [attempt(0, 0, 1, 504, key="k"), attempt(0, 2, 3, 503, key="k"), attempt(1, 4, 5, 503)]
    assert found(attempts, (("a", 1000),)) == []
    assert found(attempts[1:], (("a", 1000),)) == [checker.SHOWN]


def test_a_key_is_answered_the_same():
    other = {"error": False, "rs": {"version": 11, "quantite": 2}}
    assert found([attempt(0, 0, 1, 201, key="k"), attempt(0, 2, 3, 201, key="k", body=other)],
                 (("a", 1000),)) == [checker.KEY]


def test_a_key_is_for_one_request():
    assert found([attempt(0, 0, 1, 201, key="k"), attempt(1, 2, 3, 422, key="k", misuse=True)], (("a", 1000),)) == []
    assert found([attempt(0, 0, 1, 201, key="k"), attempt(1, 2, 3, 201, key="k", misuse=True)],
                 (("a", 1000),)) == [checker.STATUS]


def test_every_request_is_answered_in_time_unless_its_instance_was_in_trouble():
    late, silent = attempt(0, 0, 9, 503), attempt(1, 0, 9, no_status="silent")
    assert found([late, silent]) == [checker.LATE, checker.UNANSWERED]
    assert found([late, silent], troubles=[Trouble(1, 0, 9)]) == [checker.LATE, checker.UNANSWERED]
    assert found([late, silent], troubles=[Trouble(0, 8, 8.5)]) == []
    assert found([attempt(0, 0, 1, no_status="gave up"), attempt(1, 0, 1, no_status="not sent")]) == []


def test_an_answer_that_nobody_expects():
    assert found([attempt(0, 0, 1, 500)]) == [checker.STATUS]


def test_stores_that_differ():
    ledger, mirror = ({"c": StoredCart(True, version, (("a", 1000),), "id")} for version in (10, 9))
    assert found([attempt(0, 0, 1, 201)], ledger=ledger, mirror=mirror) == [checker.DIFFERENT]


def test_the_mirror_need_not_know_a_cart_that_never_was_but_nothing_else_is_missing():
    nothing = [attempt(0, 0, 1, 404, kind="remove")]
    never_was, deleted = ({"c": StoredCart(False, version, (), "id")} for version in (0, 10))
    assert found(nothing, ledger=never_was) == []
    assert checker.DIFFERENT in found(nothing, ledger=deleted)
    assert checker.DIFFERENT in found(nothing, mirror=deleted)


def test_an_id_that_changed():
    ids = [attempt(n, n, n + 0.5, 201 - n, kind="create", body={"rs": name}) for n, name in enumerate("xy")]
    assert found(ids) == [checker.IDENTITY]


def test_a_degraded_read_may_be_early_but_one_version_has_one_content():
    def degraded(version, quantity):
        lines = [{"article_id": "a", "quantite_utilisateur": quantity}]
        return Attempt(9, "c", "read", 0, 2, ended=3, status=200, degraded=True,
                       body={"rs": {"id": "id", "version": version, "articles": lines}})
    assert found([attempt(0, 0, 1, 201), degraded(12, 7)], (("a", 1000),)) == []
    assert found([attempt(0, 0, 1, 201), degraded(10, 7)], (("a", 1000),)) == [checker.STALE]


def test_a_history_survives_its_file(tmp_path):
    history = History(5.0, [attempt(0, 0, 1, 201)], [Trouble(0, 1)], {"c": StoredCart(True, 10, (("a", 1000),), "id")})
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json") == history


# --- many histories of a service that is sound by construction ---

def sound_history(rng, count=300, clients=10):
    """What clients of one cart are told by a service that does one thing at a time, aborts, and loses answers."""
    events, exists, lines, version = [], *NEW
    failed = []
    free_at = [rng.random() for _ in range(clients)]
    for moment in range(count):
        client = rng.randrange(clients)
        effect = max(free_at[client] + 0.01, moment)
        effect = max(effect, events[-1][0] if events else 0) + 0.001
        began, ended = max(free_at[client], effect - rng.random() * 4), effect + rng.random() * 4
        free_at[client] = ended
        if rng.random() < 0.1:
            version += rng.randint(1, 3)  # an abort
        event, exists, lines, version = one_event(rng, began, ended, exists, lines, version)
        if rng.random() < 0.05:
            failed.append(unknown(write("add", began, ended, article=rng.choice("abc"), quantity=rng.randint(1, 9999))))
        events.append((effect, event))
    end = Event("store", 1e6, 1e6 + 1, {"exists": exists, "version": version, "lines": lines})
    return [event for _, event in events] + [end], failed


def one_event(rng, began, ended, exists, lines, version):
    kind = rng.choice(["add"] * 6 + ["read"] * 4 + ["edit", "edit", "remove", "empty", "erase", "create"])
    if kind == "read":
        told = {"exists": True, "version": version, "lines": lines} if exists else {"exists": False}
        return Event("read", began, ended, told), exists, lines, version
    event = Event(kind, began, ended, {}, rng.choice("abc"), rng.randint(1, 9999),
                  rng.choice([version, version, version - 1]) if rng.random() < 0.15 else None)
    if event.if_match is not None and not already_done(exists, lines, event) and (
            not exists or event.if_match != version):
        event.told = {"status": 412}
        return event, exists, lines, version
    status, changed, exists, lines, quantity = apply(exists, lines, event)
    version += rng.randint(1, 3) if changed else 0
    event.told = {"status": status}
    if status == 201 and quantity is not None:
        event.told |= {"version": version, "quantity": quantity}
    if kind == "erase":
        event.told["existed"] = changed
    if rng.random() < 0.1:
        event = unknown(event)
    return event, exists, lines, version


@pytest.mark.parametrize("seed", range(15))
def test_sound_histories_pass_and_forged_ones_do_not(seed, monkeypatch):
    rng = random.Random(seed)
    events, failed = sound_history(rng)
    assert kinds(events, failed) == []
    monkeypatch.setattr(checker, "WAYS_MAX", 2_000)  # forged, it need not be proved: not to find an order is enough
    monkeypatch.setattr(checker, "DIAGNOSIS_WAYS_MAX", 0)
    adds = [event for event in events if event.kind == "add" and event.told.get("status") == 201]
    forged = rng.choice(adds)
    forged.told["quantity"] += 1
    assert len(kinds(events, failed)) == 1
