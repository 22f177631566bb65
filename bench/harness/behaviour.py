"""Rows that are more than CPU an operation: latency at a fixed rate, memory of idle connections, a change of 10,000 routes
under load."""

import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import threading
import time
from typing import Optional

from . import configs, load, wait
from .contenders import Contender
from .measure import Row, Series, sample
from .rows import Run, alone, h1, interleave, running
from .server import BenchError, Server, say

PACE_CONNECTIONS = 128  # enough that a request that is due hardly ever finds all of them busy
IDLE_CONNECTIONS = 10_000
DESCRIPTORS_SPARE = 500
ROUTES = 10_000
PHASE_SECONDS = 1.0
MEMORY_SLACK = 0.001  # what servers do by themselves moves it that much
CHANGE_SECONDS_MAX = 20
PROBE_PERIOD_SECONDS = 0.01


def reference(run: Run) -> Contender:
    """The newest nginx, by whose maximum the rates are set; without one, whoever is first."""
    order = [one for name in ("nginx-new", "nginx") for one in run.contenders if one.name == name]
    return (order + run.contenders)[0]


def maximum_rate(run: Run) -> float:
    contender = reference(run)
    server = contender.start(run.site)
    try:
        rates = []
        for _ in range(4):
            done = h1("/1k")(run, server, max(1, run.seconds // 2))
            rates.append(done.operations / done.seconds)
        say(f"  maximum of {contender.name}: {statistics.median(rates[1:]):.0f} requests/s")
        return statistics.median(rates[1:])  # the first one warms
    finally:
        server.stop()


def add(series: Series, **figures: float) -> None:
    for name, value in figures.items():
        series.figures.setdefault(name, []).append(value)


def latency(run: Run) -> list[Row]:
    maximum = maximum_rate(run)
    rows = []
    with running(run, "h1") as pairs:
        for share in (0.5, 0.8):
            rate = int(maximum * share)
            own = [(Series(one.name, one.version, error=one.error), server) for one, server in pairs]

            def step(series: Series, server: Server, rate: int = rate) -> None:
                phase = {}

                def offer() -> load.Done:
                    site = run.site
                    phase.update(load.pace(site.tools, site.load_cpu, server.work.http_port, rate,
                                           run.seconds, PACE_CONNECTIONS))  # fmt: skip
                    return load.Done(phase["completed"], phase["seconds"])

                cpu = sample(server, run.origin_pid, offer)
                add(series, p50_us=phase["p50_us"], p99_us=phase["p99_us"], p999_us=phase["p999_us"],
                    cpu_us=cpu.cpu_us, send_delay_p99_us=phase["send_delay_p99_us"])  # fmt: skip

            interleave(own, run.rounds, step)
            percent = round(share * 100)
            title = f"Latency at {rate} requests/s, {percent} % of {reference(run).name}'s maximum (HTTP/1.1, 1 KB)"
            note = "send_delay: how late the load program itself was; where it comes near p99, the machine was not quiet."
            rows.append(Row(f"latency-{percent}", title, [one for one, _ in own], note))
    return rows


# Idle connections ----------------------------------------------------------------------------------------------------


def idle(run: Run) -> list[Row]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE_CONNECTIONS, hard - DESCRIPTORS_SPARE)
    rows = []
    try:
        for name, secure in (("idle", False), ("idle-tls", True)):
            kind = "TLS 1.3" if secure else "HTTP/1.1"
            series = [idle_of(run, contender, count, secure) for contender in run.of("idle")]
            rows.append(Row(name, f"Memory of an idle {kind} keep-alive connection, {count} of them", series))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return rows


def idle_of(run: Run, contender: Contender, count: int, secure: bool) -> Series:
    """A fresh process, since memory that was freed once is not given back in an honest measure."""
    series = Series(contender.name, contender.version)

    def step(server: Server) -> None:
        port = server.work.https_port if secure else server.work.http_port
        load.open_idle(port, 1, secure)[0].close()
        before = wait.settled(server.resident_bytes, slack=MEMORY_SLACK)
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(one) for one in load.open_idle(port, count, secure)]
            after = wait.settled(server.resident_bytes, slack=MEMORY_SLACK)
            # TLS servers have sent tickets that nobody read; what counts is that none was closed.
            if not secure and load.still_open(connections) != count:
                raise BenchError(f"only {load.still_open(connections)} of {count} connections were kept")
        add(series, bytes_per_connection=(after - before) / count, base_mb=before / 1e6)

    alone(run, contender, series, step)
    return series


# A change of many routes ---------------------------------------------------------------------------------------------


class Probe(threading.Thread):
    """Asks on fresh connections which revision answers, and remembers when the old one was last seen."""

    def __init__(self, port: int, hosts: list[str]):
        super().__init__(daemon=True)
        self.port, self.hosts = port, hosts
        self.seen: list[tuple[float, Optional[int]]] = []  # time asked, revision; None: no answer
        self.over = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.over.wait(PROBE_PERIOD_SECONDS):
            asked = time.monotonic()
            self.seen.append((asked, self.ask(self.hosts[number % len(self.hosts)])))
            number += 1

    def ask(self, host: str) -> Optional[int]:
        request = f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(request)
                head = b""
                while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
                    head += piece
        except OSError:
            return None
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == configs.ROUTED_REVISION_HEADER:
                return int(value)
        return None

    def settled(self, revision: int) -> bool:
        return len(self.seen) >= 10 and all(seen == revision for _, seen in self.seen[-10:])

    def last_other(self, revision: int) -> float:
        return max((at for at, seen in self.seen if seen != revision), default=0.0)


def routes(run: Run) -> list[Row]:
    rate = int(maximum_rate(run) * 0.5)
    series = [Series(one.name, one.version) for one in run.of("routes")]
    for number in range(min(run.rounds, 5)):
        for one, contender in zip(series, run.of("routes")):
            if one.error is None:
                change_once(run, contender, one, rate, number)
    note = (
        "p99 in steady state before the change, and from the signal until one second after the last answer of the "
        "old revision on a fresh connection. Dropped: connections that ended under a request."
    )
    return [Row("routes", f"{ROUTES} routes changed at {rate} requests/s", series, note)]


def change_once(run: Run, contender: Contender, series: Series, rate: int, number: int) -> None:
    say(f"  round {number + 1}: {contender.name}")
    alone(run, contender, series,
          lambda server: add(series, **change_under_load(run, contender, server, rate)), routes=ROUTES)  # fmt: skip


def change_under_load(run: Run, contender: Contender, server: Server, rate: int) -> dict[str, float]:
    seconds = run.seconds + CHANGE_SECONDS_MAX + 2
    site, hosts = run.site, configs.routed_hosts(server.work)
    command = load.pace_command(site.tools, site.load_cpu, server.work.http_port, rate, seconds,
                                PACE_CONNECTIONS, ROUTES)  # fmt: skip
    probe = Probe(server.work.http_port, [hosts[0], hosts[len(hosts) // 2], hosts[-1]])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pace:
        try:
            reload_signal = contender.change_routes(server)
            probe.start()
            time.sleep(PHASE_SECONDS)  # until the load is steady; then a phase of that long to compare with
            tell(pace, "\n")
            time.sleep(max(PHASE_SECONDS, run.seconds))
            tell(pace, "\n")
            signalled = time.monotonic()
            os.kill(server.process.pid, reload_signal)
            settled = wait_settled(probe, server.work.revision, signalled)
            tell(pace, "q")
            report = json.loads(pace.stdout.read())
        finally:
            probe.over.set()
            if pace.poll() is None:
                pace.kill()
    _, before, during = report["phases"]
    if before["dropped"] or before["bad_status"]:
        raise BenchError(f"requests failed before the change: {before}")
    return {
        "dropped": during["dropped"],
        "not_2xx": during["bad_status"],
        "closed": during["closed_idle"] + during["closed_announced"],
        "p99_before_us": before["p99_us"],
        "p99_during_us": during["p99_us"],
        "max_during_us": during["max_us"],
        "visible_ms": (settled - signalled) * 1000,
    }


def tell(pace: subprocess.Popen, word: str) -> None:
    pace.stdin.write(word)
    pace.stdin.flush()


def wait_settled(probe: Probe, revision: int, signalled: float) -> float:
    """When the old revision was last seen; returns one second later, so that the phase covers the aftermath."""
    if not wait.until(lambda: probe.settled(revision), signalled + CHANGE_SECONDS_MAX - time.monotonic()):
        raise BenchError(f"the change was not visible after {CHANGE_SECONDS_MAX} s")
    time.sleep(PHASE_SECONDS)
    return max(signalled, probe.last_other(revision))


BEHAVIOURS = {"latency": latency, "idle": idle, "routes": routes}
