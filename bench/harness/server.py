"""Contenders as processes: start pinned, wait until they answer, read their CPU time and memory, stop."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

from . import configs, wait

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 5


class BenchError(Exception):
    """Something under test or needed for the test did not do its part."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def process_tree(root: int) -> list[int]:
    """The process and all of its descendants that live now."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue  # it ended meanwhile
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents.setdefault(int(parent), []).append(int(entry))
    tree, at = [root], 0
    while at < len(tree):
        tree += parents.get(tree[at], [])
        at += 1
    return tree


def cpu_seconds(pid: int) -> float:
    """Run time of all threads of a process, ended ones too, from the scheduler's own nanosecond clock."""
    return time.clock_gettime((~pid << 3) | 2)


def memory_bytes(pid: int, kind: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{kind}:\s+(\d+) kB", rollup, re.M).group(1)) * 1024


def answers(port: int, host: str = "127.0.0.1") -> bool:
    request = f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(request)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def count_lines(path: Path) -> int:
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


class Server:
    """One running process tree of a contender. The directory below its root goes when it stops."""

    def __init__(self, name: str, cpu: int, root: str = ""):
        self.name, self.cpu, self.root = name, cpu, root
        self.directory = Path(tempfile.mkdtemp(prefix="headgate-bench-", dir=f"{root}/tmp" if root else None))
        self.directory.chmod(0o755)
        self.process: Optional[subprocess.Popen] = None
        self.work: Optional[configs.Work] = None

    @property
    def inside(self) -> str:
        """The directory as the server sees it."""
        return str(self.directory)[len(self.root) :]

    def launch(self, command: list[str]) -> None:
        prefix = ["taskset", "-c", str(self.cpu)] + (["chroot", self.root] if self.root else [])
        with open(self.directory / "stdout", "wb") as out, open(self.directory / "stderr", "wb") as err:
            self.process = subprocess.Popen(
                prefix + command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )

    def wait_until_ready(self, port: int, host: str = "127.0.0.1") -> None:
        self.wait_until(lambda: answers(port, host))

    def wait_until_listening(self, port: int) -> None:
        self.wait_until(lambda: accepts(port))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        def has_ended() -> bool:
            return self.process.poll() is not None

        if not wait.until(lambda: has_ended() or condition(), START_SECONDS_MAX) or has_ended():
            raise BenchError(f"{self.name} does not answer: {self.last_words()}")

    def last_words(self) -> str:
        said = (self.directory / "stderr").read_text(errors="replace") or (
            self.directory / "stdout"
        ).read_text(errors="replace")
        return said[-800:].strip() or "it said nothing"

    def pids(self) -> list[int]:
        return process_tree(self.process.pid)

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self.pids())

    def resident_bytes(self) -> int:
        return sum(memory_bytes(pid, "Rss") for pid in self.pids())

    def proportional_bytes(self) -> int:
        """Resident memory in which a page that several of the processes share counts once."""
        return sum(memory_bytes(pid, "Pss") for pid in self.pids())

    def log_lines(self) -> int:
        """Access log lines so far, whichever of its files the server writes them to."""
        logs = [self.directory / name for name in ("access.log", "stdout")]
        return sum(count_lines(path) for path in logs if path.exists())

    def stop(self) -> None:
        if self.process is not None:
            mine = self.pids()
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass
            # Workers that outlived their master, children of it alone; a recycled id is in no tree of ours.
            for pid in mine if self.process.poll() is None else session_members(self.process.pid, mine):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
            self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)


def session_members(session: int, candidates: list[int]) -> list[int]:
    """Those of the candidates that still belong to the session that we opened for them."""

    def in_session(pid: int) -> bool:
        try:
            return os.getsid(pid) == session
        except ProcessLookupError:
            return False

    return [pid for pid in candidates if in_session(pid)]
