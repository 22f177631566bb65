"""The row of system calls for each short connection, as strace counts them. Under strace everything is slower, so a wake-up may
find more to do than it would otherwise: the counts are of the same load for everybody, and are no times."""

import shutil
import statistics

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
        rounds = [count_system_calls(server, lambda: offer(run, server, run.seconds)) for _ in range(run.rounds)]
        for figures in shares([(counts, done.operations) for done, counts in rounds]):
            add(series, **figures)

    alone(run, contender, series, step)
    return series


def shares(rounds: list[tuple[dict[str, int], int]]) -> list[dict[str, float]]:
    """Of each round the sum for an operation, then what is often called, the most frequent first."""

    def usual(name: str) -> float:
        return statistics.median(counts.get(name, 0) / operations for counts, operations in rounds)

    names = sorted({name for counts, _ in rounds for name in counts}, key=usual, reverse=True)
    shown = [name for name in names if usual(name) >= SHOWN_MIN]
    return [
        {"all": sum(counts.values()) / operations} | {name: counts.get(name, 0) / operations for name in shown}
        for counts, operations in rounds
    ]
