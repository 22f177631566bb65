"""Where one contender's time goes in one row: perf stat, system calls an operation, hottest functions. Each tool looks at a
load of its own, and what is not installed is left out. Figures under strace are slowed: read its counts, not its times."""

import re
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

from . import wait
from .load import Done
from .server import BenchError, Server, say

LEAD_SECONDS = 1  # the load begins before the tool and ends after it: time is all that tells how long it has run
ATTACH_SECONDS_MAX = 20
HOT_FUNCTIONS = 40


def watch(offer: Callable[[int], Done], command: list[str], seconds: int) -> tuple[Done, str]:
    """Runs a tool for some seconds in the middle of a load."""
    done: list[Done] = []
    load = threading.Thread(target=lambda: done.append(offer(seconds + 2 * LEAD_SECONDS)))
    load.start()
    time.sleep(LEAD_SECONDS)
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    load.join()
    if not done:
        raise SystemExit("the load failed")
    return done[0], result.stdout + result.stderr


def profile(server: Server, offer: Callable[[int], Done], seconds: int) -> None:
    offer(1)
    pids = ",".join(map(str, server.pids()))
    if shutil.which("perf"):
        perf_stat(offer, pids, seconds)
        perf_record(server, offer, pids, seconds)
    else:
        say("perf is not installed (apt-get install linux-perf)")
    if shutil.which("strace"):
        system_calls(server, lambda: offer(seconds))
    else:
        say("strace is not installed (apt-get install strace)")


def perf_stat(offer: Callable[[int], Done], pids: str, seconds: int) -> None:
    done, text = watch(offer, ["perf", "stat", "-p", pids, "--", "sleep", str(seconds)], seconds)
    print(f"\nperf stat, {done.operations / done.seconds:.0f} operations/s\n{text.rstrip()}")


def perf_record(server: Server, offer: Callable[[int], Done], pids: str, seconds: int) -> None:
    data = str(server.directory / "perf.data")
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", data, "-p", pids]
    watch(offer, [*record, "--", "sleep", str(seconds)], seconds)
    report = ["perf", "report", "-i", data, "--stdio", "--no-children", "--percent-limit", "0.5"]
    text = subprocess.run(report, capture_output=True, text=True, timeout=120, check=False).stdout
    hot = [line for line in text.splitlines() if re.match(r"\s+\d", line)][:HOT_FUNCTIONS]
    print("\nhottest functions\n" + "\n".join(hot))


def system_calls(server: Server, offer: Callable[[], Done]) -> None:
    done, counts = count_system_calls(server, offer)
    print("\nsystem calls an operation (under strace, which slows, so a wake-up may handle other numbers of events)")
    for name, count in counts.items():
        if count / done.operations >= 0.005:
            print(f"  {count / done.operations:6.2f} {name}")


def threads_of(pids: list[int]) -> list[int]:
    return [int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").glob("*")]


def tracer_of(thread: int) -> int:
    try:
        return int(re.search(r"^TracerPid:\s+(\d+)$", Path(f"/proc/{thread}/status").read_text(), re.M).group(1))
    except OSError:
        return -1  # it ended meanwhile


def count_system_calls(server: Server, offer: Callable[[], Done]) -> tuple[Done, dict[str, int]]:
    """The whole load runs under strace, so that the calls and the operations are of the same time."""
    targets = [part for pid in server.pids() for part in ("-p", str(pid))]
    command = ["strace", "-f", "-c", "-U", "calls,name", *targets]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as strace:
        try:
            if not wait.until(lambda: all(map(tracer_of, threads_of(server.pids()))), ATTACH_SECONDS_MAX):
                raise BenchError(f"strace has not attached to {server.name} after {ATTACH_SECONDS_MAX} s")
            done = offer()
        finally:
            strace.send_signal(signal.SIGINT)  # it detaches and prints
        text = strace.stderr.read()
    return done, calls_in(text)


def calls_in(summary: str) -> dict[str, int]:
    """How often each call was made, the most frequent first as strace prints them; its own total is left out."""
    found = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", summary, re.M)
    return {name: int(count) for count, name in found if name != "total"}
