"""What goes wrong in a round, and when: drawn from the round's seed alone, so that a seed repeats it.

To add a fault: a line in KINDS (what it befalls, for how long, and the two functions that begin and end it), and its
share in EXTRA, or a place in draw() if every run must have it.
"""
import signal
import threading
import time
from dataclasses import dataclass

from history import Trouble

STORES = ("mariadb", "mongodb")
START_S = 0.4  # the clients come first
END_S = 0.3  # before their end; what a fault leaves behind then is for upkeep alone
EXTRA_PER_ROUND = (3, 6)  # faults besides those that every round has


@dataclass(frozen=True)
class Fault:
    kind: str
    target: tuple  # ("instance", number), ("store", name) or ("gate", number of the instance, name of the store)
    at_s: float
    for_s: float  # until it is healed; 0: it heals by itself
    amount: float = 0  # of some kinds: a delay's seconds, the answers to lose

    def __str__(self):
        amount = f" {self.amount:.3g}" if self.amount else ""
        return f"{self.at_s:5.2f} s +{self.for_s:.2f} s  {self.kind}{amount} {' '.join(map(str, self.target))}"


@dataclass
class Scene:
    """Where faults happen. troubles: grows while they do; guarded by lock."""
    instances: list  # clients.Instance
    stores: dict  # by name
    gates: list  # of each instance: {store: TcpGate}
    troubles: list
    lock: object

    def instance(self, fault):
        return self.instances[fault.target[1]]

    def store(self, fault):
        return self.stores[fault.target[1]]

    def gate(self, fault):
        return self.gates[fault.target[1]][fault.target[2]]


def _kill_instance(scene, fault):
    _begin_trouble(scene, fault)
    scene.instance(fault).lives += 1
    scene.instance(fault).panier.kill()


def _start_instance(scene, fault):
    scene.instance(fault).panier.start()
    _end_trouble(scene, fault)


def _freeze_instance(scene, fault):
    _begin_trouble(scene, fault)
    scene.instance(fault).panier.signal(signal.SIGSTOP)


def _thaw_instance(scene, fault):
    scene.instance(fault).panier.signal(signal.SIGCONT)
    _end_trouble(scene, fault)


def _kill_frozen_instance(scene, fault):
    scene.instance(fault).lives += 1
    scene.instance(fault).panier.kill()
    _start_instance(scene, fault)


def _begin_trouble(scene, fault):
    with scene.lock:
        scene.troubles.append(Trouble(fault.target[1], time.monotonic()))


def _end_trouble(scene, fault):
    with scene.lock:
        next(trouble for trouble in scene.troubles if trouble.instance == fault.target[1]
             and trouble.ended == float("inf")).ended = time.monotonic()


def _set_policy(policy):
    def put(scene, fault):
        answer = scene.instance(fault).panier.ops().request("PUT", "/policy", {"policy": policy})
        assert answer.status == 200, answer
    return put


def _pass(scene, fault):
    scene.gate(fault).pass_()


def _nothing(_scene, _fault):
    pass


@dataclass(frozen=True)
class Kind:
    befalls: str  # "instance", "store" or "gate"
    for_s: tuple  # from, to; a reservation's life is added where outlives_reservation
    begin: object
    end: object = _nothing
    amount: tuple = (0, 0)
    outlives_reservation: bool = False


KINDS = {
    "kill -9 service": Kind("instance", (0.0, 1.5), _kill_instance, _start_instance),
    "freeze service": Kind("instance", (0.4, 1.5), _freeze_instance, _thaw_instance, outlives_reservation=True),
    "nap service": Kind("instance", (0.05, 0.9), _freeze_instance, _thaw_instance),
    "freeze, then kill -9 service": Kind("instance", (0.4, 1.5), _freeze_instance, _kill_frozen_instance),
    "available for a while": Kind("instance", (0.3, 2.0), _set_policy("available"), _set_policy("strict")),
    "kill -9 store": Kind("store", (0.0, 1.2), lambda s, f: s.store(f).kill(), lambda s, f: s.store(f).restart()),
    "freeze store": Kind("store", (0.2, 3.5), lambda s, f: s.store(f).freeze(), lambda s, f: s.store(f).thaw()),
    "lose answers": Kind("gate", (0.0, 0.0), lambda s, f: s.gate(f).lose_answers(int(f.amount)), amount=(2, 5)),
    "cut": Kind("gate", (0.0, 0.0), lambda s, f: s.gate(f).cut_once()),
    "refuse": Kind("gate", (0.2, 2.0), lambda s, f: s.gate(f).close(), _pass),
    "delay": Kind("gate", (0.5, 2.5), lambda s, f: s.gate(f).delay(f.amount), _pass, amount=(0.02, 0.8)),
    "hold answers": Kind("gate", (0.3, 3.5), lambda s, f: s.gate(f).hold(), _pass),
    "swallow answers": Kind("gate", (0.3, 3.0), lambda s, f: s.gate(f).deafen(), _pass),
    "silence": Kind("gate", (0.3, 3.0), lambda s, f: s.gate(f).drop(), _pass),
    "half-open, service gone": Kind("gate", (0.0, 0.0), lambda s, f: s.gate(f).half_open("service")),
    "half-open, store gone": Kind("gate", (0.0, 0.0), lambda s, f: s.gate(f).half_open("store")),
}
EXTRA = {"nap service": 2, "freeze, then kill -9 service": 1, "available for a while": 1, "freeze store": 2,
         "lose answers": 2, "cut": 3, "refuse": 2, "delay": 3, "hold answers": 3, "swallow answers": 2, "silence": 2,
         "half-open, service gone": 3, "half-open, store gone": 2}


def draw(rng, round_number, instance_count, load_s, reservation_s):
    """The faults of a round. Two rounds have 2 kills of the service, 1 of each store, 1 freeze past a reservation's life
    and 4 times lost answers; each has some of all the others."""
    faults = []

    def add(kind, target):
        fault = _fit(rng, faults, kind, target, load_s, reservation_s)
        if fault:
            faults.append(fault)
        return fault

    def instance():
        return "instance", rng.randrange(instance_count)

    def gate():
        return "gate", rng.randrange(instance_count), rng.choice(STORES)

    store = ("store", STORES[round_number % 2])
    must = [("kill -9 service", instance()), ("kill -9 store", store)]
    must += [("freeze service", instance())] if round_number % 2 else []
    for kind, target in must:
        assert add(kind, target), "the must-haves fit into a round"
    for store in STORES:
        assert add("lose answers", ("gate", rng.randrange(instance_count), store))
    for kind in rng.choices(list(EXTRA), EXTRA.values(), k=rng.randint(*EXTRA_PER_ROUND)):
        draw_target = {"instance": instance, "gate": gate, "store": lambda: ("store", rng.choice(STORES))}
        add(kind, draw_target[KINDS[kind].befalls]())
    return sorted(faults, key=lambda fault: fault.at_s)


def _fit(rng, faults, kind, target, load_s, reservation_s):
    """At a moment when nothing else befalls the target, or None where none was found."""
    known = KINDS[kind]
    for _ in range(50):
        for_s = rng.uniform(*known.for_s) + (reservation_s if known.outlives_reservation else 0)
        at_s = rng.uniform(START_S, load_s - END_S)
        fault = Fault(kind, target, at_s, for_s, rng.uniform(*known.amount))
        if all(other.target != target or _apart(fault, other) for other in faults):
            return fault
    return None


def _apart(one, other):
    """Each is over, restarts included, before the next begins."""
    first, second = sorted((one, other), key=lambda fault: fault.at_s)
    return second.at_s > first.at_s + first.for_s + 0.5


class Injector:
    """Carries a schedule out, each fault on a thread of its own. happened: the faults that did."""

    def __init__(self, scene, faults):
        self._scene = scene
        self._lock = threading.Lock()
        self._busy = {}  # target -> a lock: where a restart took longer than foreseen, the next fault waits
        for fault in faults:
            self._busy.setdefault(fault.target, threading.Lock())
        self.happened, self.errors = [], []
        self._threads = [threading.Thread(target=self._run, args=(fault,), daemon=True) for fault in faults]

    def start(self):
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _run(self, fault):
        try:
            self._wait_until(self._began + fault.at_s)
            with self._busy[fault.target]:
                KINDS[fault.kind].begin(self._scene, fault)
                self._wait_until(time.monotonic() + fault.for_s)
                KINDS[fault.kind].end(self._scene, fault)
            with self._lock:
                self.happened.append(fault)
        except Exception as error:  # of the harness: the round tells it
            with self._lock:
                self.errors.append((fault, error))

    @staticmethod
    def _wait_until(moment):
        time.sleep(max(0.0, moment - time.monotonic()))
