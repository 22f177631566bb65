"""Waiting for a condition, with a deadline: where time itself is not what is measured, nothing else here sleeps."""

import time
from typing import Callable

STEP_SECONDS = 0.02
QUIET_SECONDS = 0.5
SETTLE_SECONDS_MAX = 10


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(STEP_SECONDS)
    return True


def settled(measure: Callable[[], float], quiet: float = QUIET_SECONDS, slack: float = 0) -> float:
    """The measure once it has not moved for a while by more than this share of it, or as it is in the end: some never rest."""
    seen = since = None

    def is_still() -> bool:
        nonlocal seen, since
        value, now = measure(), time.monotonic()
        if seen is None or abs(value - seen) > seen * slack:
            seen, since = value, now
        return now - since >= quiet

    until(is_still, SETTLE_SECONDS_MAX)
    return measure()
