"""Load whose outcome can be checked: every worker knows what it was told."""
import http.client
import threading
import time
import uuid

from http_client import Client

PAUSE_AFTER_REFUSAL_S = 0.02
ANSWERS_WITHOUT_EFFECT = (429, 503)


class Adder(threading.Thread):
    """Adds 1 to one line, again and again, one request at a time.

    acknowledged: adds that were answered 201.
    unknown: adds whose outcome nobody told: the connection broke or the answer was 504. With `retry`, such an add is
    repeated under its Idempotency-Key until there is a definite answer, so that `unknown` ends at 0.
    refused: answers that promise "nothing changed".
    unexpected: everything else; a test asserts that it is empty.
    """

    def __init__(self, port_of, user, article="a1", retry=True):
        super().__init__(daemon=True)
        self.user, self.article = user, article
        self._port_of, self._retry = port_of, retry
        self._stop_requested = threading.Event()
        self._client = None
        self.acknowledged = self.unknown = self.refused = 0
        self.unexpected = []
        self.slowest_s = 0.0
        self.refusal_codes = set()

    def run(self):
        while not self._stop_requested.is_set():
            self._add_once()
        if self._client:
            self._client.close()

    def finish(self, within_s=30.0):
        self._stop_requested.set()
        self.join(within_s)
        assert not self.is_alive(), f"{self.user}: still waiting for a definite answer after {within_s} s"

    def _add_once(self):
        headers = {"idempotency_key": uuid.uuid4().hex} if self._retry else {}
        in_doubt = False
        while True:
            status = self._try(headers)
            if status == 201:
                self.acknowledged += 1
                return
            if status in ANSWERS_WITHOUT_EFFECT:
                self.refused += 1
                # "Nothing changed" speaks of this attempt; an earlier one without an answer may still have counted.
                if not in_doubt:
                    if self._stop_requested.wait(PAUSE_AFTER_REFUSAL_S) or not self._retry:
                        return
                    continue
            elif status in (None, 504):
                if not self._retry:
                    self.unknown += 1
                    return
                in_doubt = True
            else:
                return
            time.sleep(PAUSE_AFTER_REFUSAL_S)

    def _try(self, headers):
        """The status; None where the connection ended without an answer."""
        started = time.monotonic()
        try:
            if self._client is None or self._client.port != self._port_of():
                self._client = Client(self._port_of())
            answer = self._client.add(self.user, self.article, 1, **headers)
        except ConnectionRefusedError:
            self._client = None
            return 503  # nothing was sent
        except (OSError, http.client.HTTPException):
            self._client = None
            return None
        self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        if answer.status in ANSWERS_WITHOUT_EFFECT:
            self.refusal_codes.add(answer.code)
        elif answer.status not in (201, 504):
            self.unexpected.append(answer)
        return answer.status


def run_adders(adders, until):
    """Starts them, runs until(), stops them all, and checks that nobody was told anything odd."""
    for adder in adders:
        adder.start()
    try:
        until()
    finally:
        for adder in adders:
            adder._stop_requested.set()
    for adder in adders:
        adder.finish()
    unexpected = [answer for adder in adders for answer in adder.unexpected]
    assert not unexpected, unexpected[:3]


def in_parallel(count, work):
    """[work(0), .. work(count - 1)], all started together; the first exception is raised."""
    barrier = threading.Barrier(count)
    results, errors = [None] * count, []

    def one(index):
        try:
            barrier.wait(60)
            results[index] = work(index)
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    threads = [threading.Thread(target=one, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads)
    return results
