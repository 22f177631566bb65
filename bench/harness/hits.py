"""Rows of server CPU a cache hit. What is measured is shown to be a hit first: the bytes are the origin's, over the protocol that
the row is about, and the origin is not asked again, neither then nor during any sample."""

import subprocess
import time
import urllib.request
from typing import Callable

from .measure import Row, Sample, sample
from .rows import Load, Run, h1, h2, interleave, running, tls
from .server import BenchError, Server

STORED_SECONDS_MAX = 10  # some write what they store in the background
HITS_IN_A_ROW = 3
ASK_SECONDS_MAX = 20
OFFERS: dict[str, Load] = {
    f"{protocol}-{size}": offer(f"/{size}")
    for protocol, offer in (("h1", h1), ("tls", tls), ("h2", h2))
    for size in ("1k", "64k", "1m")
}
PROTOCOLS = {"h1": "HTTP/1.1", "tls": "HTTP/1.1 + TLS 1.3", "h2": "HTTP/2 + TLS 1.3, 32 streams"}
SIZES = {"1k": "1 KB", "64k": "64 KB", "1m": "1 MB"}


def from_origin(run: Run, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{run.site.origin_port}{path}", timeout=ASK_SECONDS_MAX) as answer:
        return answer.read()


def requests_at_origin(run: Run) -> int:
    return int(from_origin(run, "/requests"))


def ask(server: Server, protocol: str, path: str) -> bytes:
    """The body over the protocol of a row; anything but a 200 by that protocol is an error."""
    url = f"http://127.0.0.1:{server.work.http_port}{path}"
    if protocol != "h1":
        url = f"https://127.0.0.1:{server.work.https_port}{path}"
    command = ["curl", "-sk", "--max-time", str(ASK_SECONDS_MAX), "--http2" if protocol == "h2" else "--http1.1",
               "-w", "%{stderr}%{http_version} %{http_code}", url]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=2 * ASK_SECONDS_MAX, check=False)
    expected = "2 200" if protocol == "h2" else "1.1 200"
    if done.returncode != 0 or done.stderr.decode() != expected:
        raise BenchError(f"{url}: curl says '{done.stderr.decode()}' ({done.returncode}), expected '{expected}'")
    return done.stdout


def check_hit(run: Run, server: Server, protocol: str, path: str) -> None:
    right = from_origin(run, path)
    hits, until = 0, time.monotonic() + STORED_SECONDS_MAX
    while hits < HITS_IN_A_ROW:
        before = requests_at_origin(run)
        body = ask(server, protocol, path)
        if body != right:
            raise BenchError(f"{path}: {len(body)} bytes that are not the {len(right)} of the origin")
        hits = hits + 1 if requests_at_origin(run) == before else 0
        if hits == 0 and time.monotonic() > until:
            raise BenchError(f"{path} is not answered from the cache after {STORED_SECONDS_MAX} s")


def hit_sample(run: Run, server: Server, offer: Load) -> Sample:
    before = requests_at_origin(run)
    got = sample(server, run.origin_pid, lambda: offer(run, server, run.seconds))
    reached = requests_at_origin(run) - before
    if reached:
        raise BenchError(f"{reached} of {got.operations} requests reached the origin")
    return got


def cost(name: str) -> Callable[[Run], list[Row]]:
    protocol, size = name.split("-")
    offer = OFFERS[name]

    def prepare(run: Run, server: Server) -> None:
        check_hit(run, server, protocol, f"/{size}")
        offer(run, server, 1)  # warm: pools, memory caches, page faults

    def measure(run: Run) -> list[Row]:
        with running(run, protocol) as pairs:
            interleave(pairs, 1, lambda _, server: prepare(run, server))
            interleave(pairs, run.rounds, lambda series, server: series.samples.append(hit_sample(run, server, offer)))
            return [Row(name, f"Hit over {PROTOCOLS[protocol]}, {SIZES[size]}", [series for series, _ in pairs])]

    return measure


COSTS = {name: cost(name) for name in OFFERS}
