"""Waiting for something to become true, with a deadline: the only place in the tests that sleeps."""

import time


def wait_until(condition, timeout_s: float = 10, what: str = "condition", step_s: float = 0.02):
    """Returns the first true value of `condition()`; raises AssertionError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(step_s)


def wait_until_still(measure, timeout_s: float = 30, quiet_s: float = 0.5):
    """Returns `measure()` once it has not changed for `quiet_s`; for "nothing moves any more", which no condition tells."""
    seen, since, deadline = measure(), time.monotonic(), time.monotonic() + timeout_s
    while time.monotonic() - since < quiet_s:
        assert time.monotonic() < deadline, f"still changing after {timeout_s} s: {seen}"
        time.sleep(0.02)
        if (value := measure()) != seen:
            seen, since = value, time.monotonic()
    return seen
