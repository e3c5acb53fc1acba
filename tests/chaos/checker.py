"""Judges a history: was every promise kept? `python3 checker.py FILE` judges one that a run left behind."""
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from history import (ACKNOWLEDGED, CUT, GAVE_UP, NOTHING_CHANGED, OUTCOME_UNKNOWN, REFUSED, SILENT, History, lines_told,
                     told_of)
from linear import WAYS_MAX, find_order
from model import Event

LOST, DOUBLED, SHOWN = "lost", "doubled", "shown though failed"
STALE, REUSED, UNEXPLAINED, UNDECIDED = "stale read", "version reused", "unexplained", "undecided"
DIFFERENT, KEY, STATUS, LATE, UNANSWERED, IDENTITY = (
    "stores differ", "key answered differently", "unexpected status", "late", "unanswered", "identity changed")
SUSPECTS_MAX = 60  # events that a diagnosis tries to leave out or to double, nearest to the contradiction first
DIAGNOSIS_WAYS_MAX = 3_000  # of each such attempt
SHOWN_OF_ORDER = 12  # events before a contradiction that a report shows


@dataclass
class Violation:
    kind: str
    text: str

    def __str__(self):
        return f"{self.kind}: {self.text}"


def check(history):
    """All violations of a history."""
    by_cart = defaultdict(list)
    for attempt in history.attempts:
        by_cart[attempt.cart].append(attempt)
    violations = _check_answers(history)
    for cart, attempts in by_cart.items():
        violations += _check_keys(attempts) + _check_identity(history, cart, attempts)
        violations += _check_stores(history, cart) + check_cart(cart, *cart_events(history, cart, attempts))
    return violations


# --- each answer by itself ---

def _check_answers(history):
    violations = []
    for attempt in history.attempts:
        allowed = {422} if attempt.misuse else {*ACKNOWLEDGED, *REFUSED, 304}
        if attempt.status is not None and attempt.status not in allowed | {NOTHING_CHANGED, OUTCOME_UNKNOWN}:
            violations.append(Violation(STATUS, str(attempt)))
        if any(trouble.instance == attempt.instance and trouble.began <= attempt.ended
               and trouble.ended >= attempt.began for trouble in history.troubles):
            continue
        if attempt.no_status in (CUT, SILENT):
            violations.append(Violation(UNANSWERED, str(attempt)))
        elif attempt.ended - attempt.began > history.deadline_s and attempt.no_status != GAVE_UP:
            violations.append(Violation(LATE, f"{attempt.ended - attempt.began:.2f} s: {attempt}"))
    return violations


def _check_keys(attempts):
    """Whatever comes after an acknowledgement under the same key is told the same."""
    violations = []
    for first, later in _operations(attempts):
        success = next((attempt for attempt in [first, *later] if attempt.status in ACKNOWLEDGED), None)
        for attempt in later:
            told = attempt.status not in (None, NOTHING_CHANGED, OUTCOME_UNKNOWN)
            if success and told and attempt.began > success.ended and (
                    (attempt.status, attempt.body) != (success.status, success.body)):
                violations.append(Violation(KEY, f"{success}\nthen {attempt}"))
    return violations


def _operations(attempts):
    """(first attempt, [its repetitions]) of each operation."""
    by_operation = defaultdict(list)
    for attempt in attempts:
        if not attempt.misuse:
            by_operation[attempt.operation].append(attempt)
    return [(first, later) for first, *later in by_operation.values()]


def _check_identity(history, cart, attempts):
    """A cart's id stays the same, deletion and re-creation included."""
    told = {attempt.rs for attempt in attempts if attempt.kind == "create" and attempt.status in ACKNOWLEDGED}
    told |= {attempt.rs["id"] for attempt in attempts if attempt.kind == "read" and attempt.status == 200}
    told |= {stores[cart].id for stores in (history.ledger, history.mirror) if cart in stores and stores[cart].id}
    return [Violation(IDENTITY, f"{cart}: {sorted(told)}")] if len(told) > 1 else []


def _check_stores(history, cart):
    ledger, mirror = history.ledger.get(cart), history.mirror.get(cart)
    if ledger == mirror:
        return []
    if mirror is None and not ledger.exists and ledger.version == 0:
        return []  # a cart that never was: the mirror need not know
    return [Violation(DIFFERENT, f"{cart}: ledger {ledger}, mirror {mirror}")]


# --- the history of a cart ---

def cart_events(history, cart, attempts):
    """(events, failed, degraded): what took effect or may have; writes that certainly did not; reads of the mirror."""
    events, failed, degraded = [], [], []
    for first, later in _operations(attempts):
        if first.kind == "read":
            if first.degraded:
                degraded.append(first)
            elif first.status in (200, 304, 404):
                events.append(first.event(told_of(first)))
        else:
            _add_write([first, *later], events, failed)
    stored = history.ledger.get(cart)
    if stored is not None:
        end = max(attempt.ended for attempt in attempts)
        told = {"exists": stored.exists, "lines": stored.lines}
        if stored.version is not None:
            told["version"] = stored.version
        events.append(Event("store", end + 1, end + 2, told, label="(the ledger, at the end)"))
    return events, failed, degraded


def _add_write(attempts, events, failed):
    success = next((attempt for attempt in attempts if attempt.status in ACKNOWLEDGED), None)
    until = success.began if success else float("inf")
    open_since = min((one.began for one in attempts if one.is_open and one.began <= until), default=None)
    if success:
        events.append(success.event(told_of(success), began=open_since))
        return
    for attempt in attempts:
        if attempt.status in REFUSED:
            events.append(attempt.event(told_of(attempt)))
    if open_since is not None:
        events.append(attempts[0].event({}, began=open_since, ended=float("inf")))
    else:
        failed.append(attempts[0].event({}, ended=float("inf")))


def check_cart(cart, events, failed=(), degraded=()):
    result = find_order(events, WAYS_MAX)
    if result.found:
        return _check_degraded(cart, events, degraded)
    kind = _diagnose(events, failed, result) or (UNDECIDED if result.found is None else UNEXPLAINED)
    shown = "\n".join(f"    {event}  => {state}" for event, state in result.order[-SHOWN_OF_ORDER:])
    stuck = "\n".join(f"    {event}" for event in result.stuck)
    explained = sum(bool(event.told) for event, _ in result.order)
    told = sum(bool(event.told) for event in events)
    return [Violation(kind, f"{cart}: {explained} of {told} events are explained; the last ones:\n{shown}\n"
                            f"  and none of these can follow:\n{stuck}")]


def _check_degraded(cart, events, degraded):
    """The mirror may show what is undecided, but whatever was told of a version is true of it everywhere."""
    by_version = defaultdict(list)
    for event in events:
        if event.version is not None:
            by_version[event.version].append(event)
    violations = []
    for read in degraded:
        lines = lines_told(read.rs["articles"]) if read.status == 200 else None
        told = by_version[read.rs["version"]] if read.status == 200 else []
        contradicted = next((event for event in told if not _agrees(event, lines)), None)
        if contradicted:
            violations.append(Violation(STALE, f"{cart}: degraded read {read}\n  contradicts {contradicted}"))
    return violations


def _agrees(event, lines):
    if "quantity" in event.told:
        return dict(lines).get(event.article, 0) == event.told["quantity"]
    return event.told.get("lines", lines) == lines


# --- a name for a contradiction: the smallest change to the history that ends it ---

def _diagnose(events, failed, result):
    made = Counter(event.version for event in events if event.kind == "add" and event.quantity > 0 and event.version)
    if any(count > 1 for count in made.values()):
        return REUSED
    if failed and _explains([*events, *failed]):
        return SHOWN
    suspects = _suspects(events, result)
    acknowledged = [event for event in suspects if event.is_write and event.told["status"] in ACKNOWLEDGED]
    for event in acknowledged:
        if _explains([*events, replace(event, told={}, ended=float("inf"))]):
            return DOUBLED
    for event in acknowledged:
        if _explains([other for other in events if other is not event]):
            return LOST
    for event in suspects:
        if event.kind == "read" and _explains([other for other in events if other is not event]):
            return STALE
    return REUSED if _explains([_without_version(event) for event in events]) else None


def _explains(events):
    return find_order(events, DIAGNOSIS_WAYS_MAX).found


def _suspects(events, result):
    at = max((event.ended for event, _ in result.order if event.told), default=0)
    told = [event for event in events if event.told]
    return sorted(told, key=lambda event: abs(event.ended - at))[:SUSPECTS_MAX]


def _without_version(event):
    told = {name: value for name, value in event.told.items() if name != "version"}
    return replace(event, told=told, if_match=None)


if __name__ == "__main__":
    found = check(History.load(sys.argv[1]))
    print(*found, f"{len(found)} violations", sep="\n")
    sys.exit(bool(found))
