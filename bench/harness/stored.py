"""The row of memory for each stored object: many small objects are asked for once, and what the processes hold by then is
compared with what they held before."""

import re
import urllib.request

from . import load, wait
from .behaviour import MEMORY_SLACK, add
from .contenders import Contender
from .hits import requests_at_origin
from .measure import Row, Series
from .rows import Run, alone
from .server import BenchError, Server

OBJECTS = 50_000
OBJECTS_A_SECOND = 10_000
BODY_BYTES = 1024
CONNECTIONS = 64


def memory(run: Run) -> list[Row]:
    series = [memory_of(run, contender) for contender in run.of("objects")]
    note = (
        "Resident memory of all processes (shared pages once), after minus before, in a fresh process; body and head (about 200 "
        "bytes) included. nginx and Traffic Server keep the index there and the objects in files, which are not counted. "
        "Own account: what the store says that it holds, which its limit is compared with."
    )
    return [Row("memory", f"Memory of a cached object with a body of {BODY_BYTES} bytes, {OBJECTS} of them", series, note)]


def accounted_bytes(server: Server) -> float:
    """What Headgate's store says that it holds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.work.admin_port}/metrics", timeout=10) as answer:
        found = re.search(r"^headgate_cache_bytes (\S+)$", answer.read().decode(), re.M)
    if not found:
        raise BenchError("there is no metric headgate_cache_bytes")
    return float(found.group(1))


def memory_of(run: Run, contender: Contender) -> Series:
    series = Series(contender.name, contender.version)

    def step(server: Server) -> None:
        held, asked = wait.settled(server.proportional_bytes, slack=MEMORY_SLACK), requests_at_origin(run)
        load.objects(run.site.tools, run.site.load_cpu, server.work.http_port, OBJECTS, OBJECTS_A_SECOND, CONNECTIONS)
        grown = wait.settled(server.proportional_bytes, slack=MEMORY_SLACK) - held
        fetched = requests_at_origin(run) - asked
        if fetched < OBJECTS:
            raise BenchError(f"{OBJECTS - fetched} of {OBJECTS} objects were not fetched")
        add(series, bytes_per_object=grown / OBJECTS, base_mb=held / 1e6)
        if contender.kind == "headgate":
            add(series, own_account=accounted_bytes(server) / OBJECTS)

    alone(run, contender, series, step)
    return series
