"""Rows of server CPU an operation, and what every row needs. Each takes a Run and returns Rows; a contender that fails in a row loses that row alone."""

import contextlib
from dataclasses import dataclass
from typing import Callable, Iterator

from . import load, wait
from .contenders import Contender, Site
from .measure import Row, Series, sample
from .server import BenchError, Server, say

LOG_QUIET_SECONDS = 2  # longer than any of them buffers


@dataclass
class Run:
    site: Site
    origin_pid: int
    contenders: list[Contender]
    rounds: int
    seconds: int
    connections: int

    def of(self, feature: str) -> list[Contender]:
        return [one for one in self.contenders if feature in one.speaks]


def rotated(items: list, by: int) -> list:
    by %= max(1, len(items))
    return items[by:] + items[:by]


@contextlib.contextmanager
def running(run: Run, feature: str, **how) -> Iterator[list[tuple[Series, Server]]]:
    """Every contender that can take part, all up at once: who is not loaded sleeps."""
    with contextlib.ExitStack() as stack:
        pairs = []
        for contender in run.of(feature):
            series = Series(contender.name, contender.version)
            try:
                server = contender.start(run.site, **how)
            except BenchError as error:
                say(f"  {contender.name}: {error}")
                series.error, server = str(error), None
            else:
                stack.callback(server.stop)
            pairs.append((series, server))
        yield pairs


def alone(run: Run, contender: Contender, series: Series, step: Callable[[Server], None], **how) -> None:
    """The step with a process of its own; what goes wrong is the error of the series."""
    server = None
    try:
        server = contender.start(run.site, **how)
        step(server)
    except (BenchError, OSError) as error:
        say(f"  {contender.name}: {error}")
        series.error = str(error)
    finally:
        if server:
            server.stop()


def interleave(pairs: list, rounds: int, step: Callable[[Series, Server], None]) -> None:
    """The step for every healthy contender in every round; the order rotates, so nobody always follows the same one."""
    for number in range(rounds):
        for series, server in rotated(pairs, number):
            if series.error:
                continue
            try:
                step(series, server)
            except BenchError as error:
                say(f"  {series.name}: {error}")
                series.error = str(error)


Load = Callable[[Run, Server, int], load.Done]


def h1(path: str) -> Load:
    return lambda run, server, seconds: load.wrk(
        run.site.load_cpu, f"http://127.0.0.1:{server.work.http_port}{path}", seconds, run.connections
    )


def tls(path: str) -> Load:
    return lambda run, server, seconds: load.wrk(
        run.site.load_cpu, f"https://127.0.0.1:{server.work.https_port}{path}", seconds, run.connections
    )


def h2(path: str) -> Load:
    url = "https://127.0.0.1:{}" + path
    return lambda run, server, seconds: load.h2load(
        run.site.load_cpu, url.format(server.work.https_port), seconds, connections=4, streams=32
    )


def connect(secure: bool) -> Load:
    def one(run: Run, server: Server, seconds: int) -> load.Done:
        port = server.work.https_port if secure else server.work.http_port
        return load.handshakes(run.site.tools, run.site.load_cpu, port, seconds, secure)

    return one


def cost(
    name: str, title: str, feature: str, offer: Load, access_log: bool = False, client_fields: bool = False
) -> Callable[[Run], list[Row]]:
    """A row of server CPU an operation at full load."""

    def measure(run: Run) -> list[Row]:
        with running(run, feature, access_log=access_log, client_fields=client_fields) as pairs:
            interleave(pairs, 1, lambda _, server: offer(run, server, 1))  # warm: pools, caches, page faults
            lines = settled_log_lines(pairs) if access_log else []
            interleave(
                pairs,
                run.rounds,
                lambda series, server: series.samples.append(
                    sample(server, run.origin_pid, lambda: offer(run, server, run.seconds))
                ),
            )
            note = logged(pairs, lines) if access_log else ""
            return [Row(name, title, [series for series, _ in pairs], note)]

    return measure


def settled_log_lines(pairs: list) -> list[int]:
    def lines() -> list[int]:
        return [server.log_lines() if server else 0 for _, server in pairs]

    wait.settled(lambda: sum(lines()), quiet=LOG_QUIET_SECONDS)
    return lines()


def logged(pairs: list, before: list[int]) -> str:
    """Shows that everybody did the work of logging."""
    shares = []
    for (series, _), old, new in zip(pairs, before, settled_log_lines(pairs)):
        if series.samples:
            share = (new - old) / sum(one.operations for one in series.samples)
            shares.append(f"{series.name} {share:.2f}")
    return "Lines logged for each operation: " + ", ".join(shares)


COSTS = {
    "h1-1k": cost("h1-1k", "HTTP/1.1, 1 KB", "h1", h1("/1k")),
    "h1-64k": cost("h1-64k", "HTTP/1.1, 64 KB", "h1", h1("/64k")),
    "tls-1k": cost("tls-1k", "HTTP/1.1 + TLS 1.3, 1 KB", "tls", tls("/1k")),
    "tls-64k": cost("tls-64k", "HTTP/1.1 + TLS 1.3, 64 KB", "tls", tls("/64k")),
    "h2-1k": cost("h2-1k", "HTTP/2 + TLS 1.3, 1 KB, 32 streams", "h2", h2("/1k")),
    "h2-64k": cost("h2-64k", "HTTP/2 + TLS 1.3, 64 KB, 32 streams", "h2", h2("/64k")),
    "h1-1k-logs": cost("h1-1k-logs", "HTTP/1.1, 1 KB, access log on", "logs", h1("/1k"), access_log=True),
    "h1-1k-fields": cost("h1-1k-fields", "HTTP/1.1, 1 KB, peers add the client fields too", "fields", h1("/1k"), client_fields=True),
    "connections": cost("connections", "New HTTP/1.1 connection with one request", "h1", connect(False)),
    "handshakes": cost("handshakes", "Full TLS 1.3 handshake with one request", "tls", connect(True)),
}
