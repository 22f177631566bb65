"""The row of a thousand clients on one cold object: how often the origin is asked, and how much later than the first client
the others get their first byte. The origin begins to answer 0.3 s after it was asked and ends 0.3 s later."""

from . import load
from .behaviour import add
from .hits import requests_at_origin
from .measure import Row, Series
from .rows import Run, interleave, running
from .server import BenchError, Server

CLIENTS = 1000


def cold(run: Run) -> list[Row]:
    objects = iter(range(1_000_000))

    def step(series: Series, server: Server) -> None:
        before = requests_at_origin(run)
        rush = load.rush(run.site.tools, run.site.load_cpu, server.work.http_port, f"/cold/{next(objects)}", CLIENTS)
        if rush["right"] != CLIENTS:
            raise BenchError(f"{CLIENTS - rush['right']} of {CLIENTS} clients did not get the right bytes")
        add(series, origin_fetches=requests_at_origin(run) - before, lag_p50_ms=rush["lag_p50_ms"],
            lag_p99_ms=rush["lag_p99_ms"], first_byte_ms=rush["leader_first_byte_ms"],
            all_served_ms=rush["last_complete_ms"])  # fmt: skip

    with running(run, "collapse") as pairs:
        interleave(pairs, run.rounds, step)
        note = (
            "Lag: a waiter's first byte after the first client's (negative: before). The first client asks 100 ms before the "
            "others; the origin's first byte comes 300 ms after it is asked, its last 300 ms later."
        )
        return [Row("cold", f"{CLIENTS} clients ask for one cold object of 64 KB", [one for one, _ in pairs], note)]
