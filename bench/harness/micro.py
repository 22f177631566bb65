"""Rows that ask a program of micro-benchmarks: one series a case. They are about Headgate alone."""

import json
from typing import Callable

from . import load
from .behaviour import add
from .measure import Row, Series
from .rows import Run
from .server import say

SECONDS_MAX = 300
MICROSECONDS = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
Figures = Callable[[dict], dict[str, float]]


def micro(name: str, title: str, program: str, cases: str, figures: Figures) -> Callable[[Run], list[Row]]:
    """A row of the cases whose names match; nothing when the program was not built."""

    def measure(run: Run) -> list[Row]:
        found = [path for path in places(run, program) if path.exists()]
        if not found:
            say(f"  no {program} in the build directory: row left out")
            return []
        command = load.pinned(run.site.server_cpu, found[0], f"--benchmark_filter={cases}",
                              "--benchmark_format=json", "--benchmark_min_time=0.2")  # fmt: skip
        report = json.loads(load.run(command, SECONDS_MAX) or '{"benchmarks": []}')
        series = []
        for case in report["benchmarks"]:
            series.append(Series(case["name"].partition("/iterations:")[0], ""))
            add(series[-1], **figures(case))
        return [Row(name, title, series)]

    return measure


def places(run: Run, program: str) -> list:
    build = run.site.tools.parent
    return [build / program, build / "bench" / program]


def cpu_ns(case: dict) -> dict[str, float]:
    return {"cpu_ns": case["cpu_time"] * MICROSECONDS[case["time_unit"]] * 1e3}


def elapsed(case: dict) -> dict[str, float]:
    return {"ms": case["real_time"] * MICROSECONDS[case["time_unit"]] / 1e3}


def elapsed_us(case: dict) -> dict[str, float]:
    return {"us": case["real_time"] * MICROSECONDS[case["time_unit"]]}


def reload(case: dict) -> dict[str, float]:
    return {**elapsed(case), "index_bytes_per_object": case.get("index_bytes_per_object", float("nan"))}


def hit_ratio(case: dict) -> dict[str, float]:
    return {name: case[name] for name in ("s3fifo_%", "lru_%", "gain_points", "misses_saved_%")}


def overhead(case: dict) -> dict[str, float]:
    return {"overhead_bytes": case["overhead_bytes"]}


LOOKUP = {"lookup": micro("lookup", "Route look-up, CPU-ns", "hg_decide_bench", "^by_", cpu_ns)}
OF_STORES = {
    "account": micro("account", "Bytes of the store for each object, beyond key, head and body",
                     "hg_store_bench", "^overhead_of_an_object", overhead),
    "purge": micro("purge", "Purge of 1,000,000 tagged objects", "hg_store_bench", "^purge_|^sweep_", elapsed_us),
    "reload": micro("reload", "Restart with 1,000,000 objects on disk", "hg_store_bench", "^BM_ReloadMillion", reload),
    "hit-ratio": micro("hit-ratio", "Hit ratio, percent of requests", "hg_store_bench",
                       "^hit_ratio/.*sizes:1", hit_ratio),
}  # fmt: skip
