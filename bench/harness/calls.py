"""The row of system calls for each short connection, as strace counts them. Under strace everything is slower, so a wake-up may
find more to do than it would otherwise: the counts are of the same load for everybody, and are no times."""

import shutil

from .behaviour import add
from .contenders import Contender
from .measure import Row, Series
from .profile import count_system_calls
from .rows import Run, alone, connect
from .server import Server, say

SHOWN_MIN = 0.05  # a connection; what is rarer is in the sum alone


def calls(run: Run) -> list[Row]:
    if not shutil.which("strace"):
        say("  no strace (apt-get install strace): row left out")
        return []
    series = [calls_of(run, contender) for contender in run.of("h1")]
    note = "Counted by strace -f -c over all threads and processes; every connection asks once and is closed by the server."
    return [Row("calls", "System calls for each new HTTP/1.1 connection with one request", series, note)]


def calls_of(run: Run, contender: Contender) -> Series:
    series = Series(contender.name, contender.version)
    offer = connect(False)

    def step(server: Server) -> None:
        offer(run, server, 1)  # warm: pools
        for _ in range(run.rounds):
            done, counts = count_system_calls(server, lambda: offer(run, server, run.seconds))
            add(series, **figures(counts, done.operations))

    alone(run, contender, series, step)
    return series


def figures(counts: dict[str, int], operations: int) -> dict[str, float]:
    """The sum first, then what is often called, the most frequent first."""
    each = {name: count / operations for name, count in sorted(counts.items(), key=lambda one: -one[1])}
    return {"all": sum(each.values())} | {name: share for name, share in each.items() if share >= SHOWN_MIN}
