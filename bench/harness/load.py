"""Load programs, each bounded in time, and what they report."""

import json
import os
import re
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .server import BenchError

RUSH_SECONDS_MAX = 25
FILL_SECONDS_MAX = 60  # beyond what the rate asks for
GRACE_SECONDS = 30  # beyond its own duration, before a load program is taken for hung


@dataclass
class Done:
    """Operations that were completed, all of them well, and the time they took."""

    operations: int
    seconds: float


def pinned(cpu: int, *command: object) -> list[str]:
    return ["taskset", "-c", str(cpu), *map(str, command)]


def run(command: list[str], seconds: float) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as hung:
        raise BenchError(f"{command[3]} hangs") from hung
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command[3:])}: {done.stderr.strip()[-300:]}")
    return done.stdout


def find(pattern: str, text: str, what: str) -> re.Match:
    found = re.search(pattern, text)
    if not found:
        raise BenchError(f"{what} printed no such line as {pattern}: {text.strip()[-300:]}")
    return found


def wrk(cpu: int, url: str, seconds: int, connections: int) -> Done:
    text = run(pinned(cpu, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url), seconds)
    for trouble in ("Non-2xx", "Socket errors"):
        if trouble in text:
            raise BenchError(next(line.strip() for line in text.splitlines() if trouble in line))
    total = find(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text, "wrk")
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}[total.group(3)]
    return Done(int(total.group(1)), float(total.group(2)) * unit)


def h2load(cpu: int, url: str, seconds: int, connections: int, streams: int) -> Done:
    windows = ("-w", 20, "-W", 24)  # 1 MB a stream, 16 MB a connection: never what limits
    command = pinned(cpu, "h2load", "-t1", "-c", connections, "-m", streams, *windows, "-D", seconds, url)
    text = run(command, seconds)
    find(r"Application protocol: h2\b", text, "h2load")
    find(r"TLS Protocol: TLSv1\.3", text, "h2load")
    counts = find(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", text, "h2load")
    done, succeeded, failed, errored = map(int, counts.groups())
    if succeeded != done or failed or errored:
        raise BenchError(f"h2load: {counts.group(0)}")
    return Done(done, seconds)


def pace_command(tools: Path, cpu: int, port: int, rate: int, seconds: int, connections: int, hosts: int = 0):
    program = tools / "bench_pace"
    return pinned(cpu, program, "--port", port, "--rate", rate, "--seconds", seconds,
                  "--connections", connections, "--hosts", hosts)  # fmt: skip


def pace(tools: Path, cpu: int, port: int, rate: int, seconds: int, connections: int) -> dict:
    report = json.loads(run(pace_command(tools, cpu, port, rate, seconds, connections), seconds))
    phase = report["phases"][0]
    if report["unanswered"] or phase["dropped"] or phase["bad_status"]:
        raise BenchError(f"{report['unanswered']} unanswered, {phase['dropped']} dropped, "
                         f"{phase['bad_status']} not 2xx at {rate} requests/s")  # fmt: skip
    return phase


def objects(tools: Path, cpu: int, port: int, count: int, rate: int, connections: int) -> None:
    """Asks once for each of many objects of 1 KB, at a rate or slower."""
    seconds = -(-count // rate)
    command = [*pace_command(tools, cpu, port, rate, seconds, connections),
               "--objects", str(count), "--patience", str(FILL_SECONDS_MAX)]  # fmt: skip
    report = json.loads(run(command, seconds + FILL_SECONDS_MAX))
    phase = report["phases"][0]
    if phase["completed"] < count or phase["dropped"] or phase["bad_status"]:
        raise BenchError(f"of {count} objects {phase['completed']} came, {phase['dropped']} dropped, "
                         f"{phase['bad_status']} not 2xx")  # fmt: skip


def rush(tools: Path, cpu: int, port: int, path: str, clients: int) -> dict:
    command = pinned(cpu, tools / "bench_rush", "--port", port, "--path", path, "--clients", clients)
    return json.loads(run(command, RUSH_SECONDS_MAX))


def handshakes(tools: Path, cpu: int, port: int, seconds: int, tls: bool) -> Done:
    command = pinned(cpu, tools / "bench_handshake", "--port", port, "--tls", int(tls), "--seconds", seconds)
    report = json.loads(run(command, seconds))
    if report["failed"] or report["resumed"] or not report["completed"]:
        raise BenchError(f"connections failed: {report}")
    return Done(report["completed"], report["seconds"])


def open_idle(port: int, count: int, tls: bool) -> list[socket.socket]:
    """Connections that have had one answer each and now do nothing."""
    request = b"GET /1k HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    context = ssl._create_unverified_context() if tls else None  # pylint: disable=protected-access
    idle = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        if context:
            connection = context.wrap_socket(connection)
        idle.append(connection)
        connection.sendall(request)
        got = b""
        while len(got) < 1024 or b"\r\n\r\n" not in got or len(got.partition(b"\r\n\r\n")[2]) < 1024:
            piece = connection.recv(4096)
            if not piece:
                raise BenchError(f"connection {len(idle)} of {count} was closed")
            got += piece
        connection.settimeout(0)
    return idle


def still_open(connections: list[socket.socket]) -> int:
    """How many of them the server has not closed."""

    def alive(connection: socket.socket) -> bool:
        try:
            return os.read(connection.fileno(), 1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    return sum(alive(connection) for connection in connections)
