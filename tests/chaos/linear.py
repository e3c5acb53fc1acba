"""Is there an order of a cart's events that explains all that was told? The search of Wing and Gong, with versions.

Every event whose outcome is known must stand in the order, one of unknown outcome may. An event that had ended before
another began stands before it, and told versions never fall. Two things keep the search small: versions order nearly
all events, and of two ways to the same state the one that used fewer events of unknown outcome can do all that the
other can.
"""
from dataclasses import dataclass, field

from model import NEW, step

# States looked at before the search gives up, undecided; a sound history takes little more than it has events.
WAYS_MAX = 300_000


@dataclass
class Order:
    """found: True, False, or None (given up). order: the events as they took effect, with the state after each.

    Where none was found, order is the longest that explains a part, and stuck the events that could not follow it.
    """
    found: bool
    order: list = field(default_factory=list)
    stuck: list = field(default_factory=list)

    @property
    def state(self):
        return self.order[-1][1] if self.order else NEW


class _Search:
    def __init__(self, events):
        self._must = sorted((event for event in events if event.told), key=lambda event: event.began)
        self._may = sorted((event for event in events if not event.told), key=lambda event: event.began)
        self._all = (1 << len(self._must)) - 1
        self._before = self._lower_versions()
        self._twins = [self._earlier_twin(index) for index in range(len(self._may))]
        self._seen = {}  # (the events that stand, exists, lines) -> [(unknown ones used, at_least)]
        self._in_a_row = 0
        # What a version holds, where a read told it: whoever was told that version by another answer left this behind.
        self._lines = {event.version: event.told["lines"] for event in self._must
                       if event.version is not None and "lines" in event.told}

    def _lower_versions(self):
        """Of each event those that were told a lower version, as bits."""
        before = [0] * len(self._must)
        told = sorted((event.version, n) for n, event in enumerate(self._must) if event.version is not None)
        lower = same = 0
        last = None
        for version, n in told:
            if version != last:
                lower, same, last = lower | same, 0, version
            before[n] = lower
            same |= 1 << n
        return before

    def _earlier_twin(self, index):
        """Of interchangeable events the earlier ones are used first: one order instead of many alike."""
        def what(event):
            return event.kind, event.article, event.quantity, event.if_match
        return next((n for n in range(index - 1, -1, -1) if what(self._may[n]) == what(self._may[index])), None)

    def run(self, in_a_row, ways_max):
        """in_a_row: unknown events that may take effect between two others; None: any number, in any order."""
        self._seen, self._in_a_row = {}, 0 if in_a_row is None else in_a_row
        pending = [(0, (NEW, 0, None))]  # the events that stand, as bits; (state, unknown ones used, the way there)
        best = (0, None)  # what stands, the way
        for _ in range(ways_max):
            if not pending:
                return Order(False, _unlinked(best[1]), self._next(best[0]))
            done, entry = pending.pop()
            if done == self._all:
                return Order(True, _unlinked(entry[2]))
            if not self._is_new(done, entry):
                continue
            if done.bit_count() > best[0].bit_count():
                best = (done, entry[2])
            # The last one pushed is tried first: what must stand before what may, told versions in their order.
            following = list(self._successors(done, entry))
            if in_a_row is None:
                following += [(done, after) for after in self._one_unknown(self._window(done)[1], entry)]
            pending.extend(reversed(following))
        return Order(None, _unlinked(best[1]), self._next(best[0]))

    def _is_new(self, done, entry):
        (exists, lines, at_least), used, _ = entry
        known = self._seen.setdefault((done, exists, lines), [])
        if any(other & ~used == 0 and least <= at_least for other, least in known):
            return False
        known.append((used, at_least))
        return True

    def _window(self, done):
        """Indices of the events that may stand next, and the moment before which an event must have begun for that."""
        first_end = float("inf")
        window = []
        for index in range(_trailing_ones(done), len(self._must)):
            event = self._must[index]
            if event.began > first_end:
                break
            if not done >> index & 1:
                window.append(index)
                first_end = min(first_end, event.ended)
        return [index for index in window if self._must[index].began <= first_end], first_end

    def _next(self, done):
        return [self._must[index] for index in self._window(done)[0]]

    def _successors(self, done, entry):
        """One more event that must stand; before it at most in_a_row unknown ones, all of which it needs."""
        window, first_end = self._window(done)
        window.sort(key=lambda n: (self._must[n].version is None, self._must[n].version or 0))
        allowed = [index for index in window if not self._before[index] & ~done]
        yield from self._one_more(allowed, done, entry)
        layer = [(entry, allowed)]
        for _ in range(self._in_a_row):
            layer = [(after, self._impossible(remaining, before[0])) for before, remaining in layer
                     for after in self._one_unknown(first_end, before)]
            for after, remaining in layer:
                yield from self._one_more(remaining, done, after)

    def _step(self, state, event):
        after = step(state, event)
        return after if after is None or self._lines.get(event.version, after[1]) == after[1] else None

    def _impossible(self, indices, state):
        return [index for index in indices if self._step(state, self._must[index]) is None]

    def _one_more(self, indices, done, entry):
        state, used, way = entry
        for index in indices:
            after = self._step(state, self._must[index])
            if after is not None:
                yield done | 1 << index, (after, used, (way, self._must[index], after))

    def _one_unknown(self, first_end, entry):
        state, used, way = entry
        for index, event in enumerate(self._may):
            if event.began > first_end:
                return
            twin = self._twins[index]
            if used >> index & 1 or (twin is not None and not used >> twin & 1):
                continue
            after = step(state, event)
            if after is not None:
                yield after, used | 1 << index, (way, event, after)


def _trailing_ones(bits):
    return ((bits + 1) & ~bits).bit_length() - 1


def _unlinked(way):
    order = []
    while way is not None:
        way, event, state = way
        order.append((event, state))
    return order[::-1]


def find_order(events, ways_max=WAYS_MAX):
    """Quick tries first, in which an unknown event takes effect only where the next one needs it; then every order."""
    search = _Search(events)
    for in_a_row in (1, 2):
        order = search.run(in_a_row, ways_max // 10)
        if order.found:
            return order
    return search.run(None, ways_max)
