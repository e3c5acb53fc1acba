"""What a cart does, in a few lines of its own: nothing of panier's code is asked.

A state is (exists, lines, at_least): lines a tuple of (article, thousandths) in the order in which they were first
added; at_least is the least version that the cart can have. It is a bound and not the version, because not every answer
tells one, and because an aborted write leaves the old content under a new version at any moment.
"""
from dataclasses import dataclass, field

WRITES = ("create", "add", "edit", "remove", "empty", "erase")
NEW = (False, (), 0)


@dataclass
class Event:
    """Something that a client did with one cart and what it was told, or what a store was found to hold at the end.

    kind: one of WRITES; "read" (a GET); "store" (the row or document of a store after everything).
    told: what the answer said. Of a write: "status", and "version", "quantity" and "existed" where it tells them; of
    the others: "exists", and "version" and "lines" where they are told. {} where nobody knows the outcome: such a write
    may have taken effect at any moment after `began`, or never.
    """
    kind: str
    began: float
    ended: float
    told: dict = field(default_factory=dict)
    article: str = None
    quantity: int = 0  # thousandths
    if_match: int = None
    label: str = ""  # how a report names it

    @property
    def is_write(self):
        return self.kind in WRITES

    @property
    def version(self):
        return self.told.get("version")

    def __str__(self):
        what = [self.kind, self.article or "", str(self.quantity / 1000) if self.kind in ("add", "edit") else ""]
        condition = f" if_match={self.if_match}" if self.if_match is not None else ""
        told = self.told or "outcome unknown"
        return f"[{self.began:.4f}..{self.ended:.4f}] {' '.join(filter(None, what))}{condition} -> {told} {self.label}"


def apply(exists, lines, event):
    """(status, changed, exists, lines, the line's quantity) of a write whose If-Match, if any, holds."""
    held = dict(lines)
    before = held.get(event.article, 0)
    if event.kind == "create":
        return (200 if exists else 201), not exists, True, lines, None
    if event.kind == "erase":
        return 200, exists, False, (), None
    makes_cart = event.kind in ("add", "edit") and event.quantity > 0 and event.if_match is None
    if not exists and not makes_cart:
        return 404, False, exists, lines, None
    if event.kind == "empty":
        return 200, bool(lines), True, (), None
    after = {"add": before + event.quantity, "edit": event.quantity, "remove": 0}[event.kind]
    after = max(after, 0)
    if after == before:
        return 201, False, True, lines, after
    if after:
        held[event.article] = after
    else:
        del held[event.article]
    return 201, True, True, tuple(held.items()), after


def already_done(exists, lines, event):
    """A wish that is fulfilled already succeeds whatever If-Match says."""
    return (event.kind == "erase" and not exists) or (event.kind == "empty" and exists and not lines)


def step(state, event):
    """The state after the event, or None where the event cannot have been told what it was told in this state.

    A write of unknown outcome is judged as one that took effect; it has to change something.
    """
    if event.is_write:
        return _write(state, event)
    exists, lines, at_least = state
    told = event.told
    if exists != told["exists"] or lines != told.get("lines", lines):
        return None
    version = told.get("version", at_least)
    return (exists, lines, version) if version >= at_least else None


def _write(state, event):
    exists, lines, at_least = state
    told_status = event.told.get("status")
    if event.if_match is not None and not already_done(exists, lines, event):
        if told_status == 412:
            # Its version was another one. Where nothing was told since that version, an abort must have raised it.
            passed = exists and event.if_match == at_least
            return exists, lines, at_least + 1 if passed else at_least
        if not exists or event.if_match < at_least:
            return None
        at_least = event.if_match
    status, changed, exists, lines, quantity = apply(exists, lines, event)
    if not event.told:
        return (exists, lines, at_least + 1) if changed else None
    predicted = {"status": status, "quantity": quantity, "existed": event.kind == "erase" and changed}
    if any(event.told[name] != value for name, value in predicted.items() if name in event.told):
        return None
    least = at_least + 1 if changed else at_least
    version = event.told.get("version", least)
    return (exists, lines, version) if version >= least else None
