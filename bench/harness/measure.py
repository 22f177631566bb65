"""One sample: run a load, read what the server spent on it, and how much of the machine others used meanwhile."""

import os
import resource
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from .load import Done
from .server import BenchError, Server, cpu_seconds

NOISE_SHARE_MAX = 0.05  # of both cores; above it a sample is marked


@dataclass
class Sample:
    cpu_us: float  # server CPU an operation
    rate: float  # operations a second, second in rank: load and origin share a core
    noise: float  # share of the machine that others used
    operations: int


@dataclass
class Series:
    """What one contender got in one row."""

    name: str
    version: str
    samples: list[Sample] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)  # rows that measure something else
    error: Optional[str] = None


@dataclass
class Row:
    name: str
    title: str
    series: list[Series]
    note: str = ""


def machine_busy_seconds() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """This program and the load programs that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def sample(server: Server, origin_pid: int, load: Callable[[], Done]) -> Sample:
    """Once more when a process came or went: nginx has one that ends a minute after the start."""
    return sample_once(server, origin_pid, load) or sample_once(server, origin_pid, load, last=True)


def sample_once(server: Server, origin_pid: int, load: Callable[[], Done], last: bool = False) -> Optional[Sample]:
    pids = server.pids()
    cpu, ours = server.cpu_seconds(), own_seconds() + cpu_seconds(origin_pid)
    busy, start = machine_busy_seconds(), time.monotonic()
    done = load()
    seconds, busy = time.monotonic() - start, machine_busy_seconds() - busy
    if server.pids() != pids:
        if not last:
            return None
        raise BenchError(f"processes of {server.name} came or went under load")
    cpu = server.cpu_seconds() - cpu
    ours = own_seconds() + cpu_seconds(origin_pid) - ours + cpu
    if done.operations == 0:
        raise BenchError(f"{server.name} completed nothing")
    noise = max(0.0, (busy - ours) / (seconds * (os.cpu_count() or 1)))
    return Sample(cpu * 1e6 / done.operations, done.operations / done.seconds, noise, done.operations)


def ratio(ours: list[float], theirs: list[float]) -> Optional[float]:
    """Median of the ratios round by round, so that a slow moment of the machine hits both sides."""
    pairs = [a / b for a, b in zip(ours, theirs) if b > 0]
    return statistics.median(pairs) if pairs else None
