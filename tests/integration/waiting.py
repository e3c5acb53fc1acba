"""Waiting for something to become true, bounded: the one place in these suites that sleeps."""
import time

POLL_S = 0.02


def eventually(check, within_s, what):
    """Calls check() until it returns something true, and returns that; fails the test after within_s seconds.

    What a check looks at is on its way: a field or a row that is not there yet is one more reason to ask again.
    """
    deadline = time.monotonic() + within_s
    last = None
    while True:
        try:
            last = check()
        except (OSError, AssertionError, LookupError) as error:
            last = error
        else:
            if last:
                return last
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what} (last: {last!r})")
        time.sleep(POLL_S)
