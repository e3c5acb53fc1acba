"""What clients did and were told, attempt by attempt; kept as JSON, so that a run can be judged again."""
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from model import Event

# Why an attempt has no status.
NOT_SENT = "not sent"  # nobody listened
CUT = "cut"  # the connection ended
GAVE_UP = "gave up"  # this client waits less long than the service may take
SILENT = "silent"  # nothing came for longer than the service may take

ACKNOWLEDGED = (200, 201)
REFUSED = (404, 412)
NOTHING_CHANGED = 503
OUTCOME_UNKNOWN = 504


@dataclass
class Attempt:
    """One request. Attempts of the same `operation` carry the same Idempotency-Key, if they carry one."""
    operation: int
    cart: str
    kind: str  # as in model.Event
    instance: int
    began: float  # seconds of one monotonic clock
    article: str = None
    quantity: int = 0  # thousandths
    if_match: int = None
    if_none_match: int = None
    key: str = None
    misuse: bool = False  # another request under a key that was acknowledged: it has to be refused
    ended: float = None
    status: int = None
    no_status: str = None
    body: dict = None
    degraded: bool = False

    @property
    def is_open(self):
        """Nobody told whether it took effect."""
        return self.status == OUTCOME_UNKNOWN or (self.status is None and self.no_status != NOT_SENT)

    @property
    def rs(self):
        return self.body["rs"]

    def event(self, told, began=None, ended=None):
        label = f"(operation {self.operation}, instance {self.instance})"
        return Event(self.kind, self.began if began is None else began, self.ended if ended is None else ended, told,
                     self.article, self.quantity, self.if_match, label)


@dataclass
class Trouble:
    """An instance was frozen or dead: of its requests in that time nothing is promised."""
    instance: int
    began: float
    ended: float = float("inf")


@dataclass
class StoredCart:
    """A cart as a store holds it. version is None where it holds nothing."""
    exists: bool = False
    version: int = None
    lines: tuple = ()
    id: str = None


@dataclass
class History:
    deadline_s: float  # within which a request is answered, margin included
    attempts: list = field(default_factory=list)
    troubles: list = field(default_factory=list)
    ledger: dict = field(default_factory=dict)  # cart -> StoredCart
    mirror: dict = field(default_factory=dict)

    def save(self, path):
        Path(path).write_text(json.dumps(asdict(self), indent=0))

    @classmethod
    def load(cls, path):
        raw = json.loads(Path(path).read_text())
        stored = {name: {cart: StoredCart(**{**value, "lines": _lines(value["lines"])})
                         for cart, value in raw[name].items()} for name in ("ledger", "mirror")}
        return cls(raw["deadline_s"], [Attempt(**attempt) for attempt in raw["attempts"]],
                   [Trouble(**trouble) for trouble in raw["troubles"]], **stored)


def _lines(pairs):
    return tuple((article, quantity) for article, quantity in pairs)


def thousandths(quantity):
    return round(quantity * 1000)


def lines_told(articles, name="quantite_utilisateur"):
    """Of a GET's articles, or (name="quantite") of a store's."""
    return tuple((line["article_id"], thousandths(line[name])) for line in articles)


def told_of(attempt):
    """What an answered attempt says of its cart, as model.Event has it."""
    if attempt.kind == "read":
        if attempt.status == 404:
            return {"exists": False}
        if attempt.status == 304:
            return {"exists": True, "version": attempt.if_none_match}
        return {"exists": True, "version": attempt.rs["version"], "lines": lines_told(attempt.rs["articles"])}
    told = {"status": attempt.status}
    if attempt.status in ACKNOWLEDGED and attempt.kind in ("add", "edit", "remove"):
        told |= {"version": attempt.rs["version"], "quantity": thousandths(attempt.rs["quantite"])}
    if attempt.status in ACKNOWLEDGED and attempt.kind == "erase":
        told["existed"] = attempt.body["existait"]
    return told
