"""What the scripts that compare servers have in common: options, the load programs, a certificate, the origin, who takes part,
and the way from rows to text, JSON and a document. A script says what is its own in a Bench and calls main."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

from . import contenders, report, rows, server, wait
from .measure import Row
from .profile import profile

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ORIGIN_SECONDS_MAX = 10


@dataclass(frozen=True)
class Bench:
    name: str  # of the script, and of the marks in a document
    about: str
    rows: dict[str, Callable[[rows.Run], list[Row]]]
    offers: dict[str, rows.Load]  # the rows that can be profiled
    rivals: tuple[str, ...]  # kinds of contenders
    floor: str  # the kind that shows the least a server of this sort can cost
    micro: str  # the program of micro-benchmarks that its rows ask
    cached: bool = False


def parse(bench: Bench) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=bench.about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="all", help=f"comma-separated, of: {', '.join(bench.rows)}")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds a row (default 5)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one sample (default 3)")
    parser.add_argument("--connections", type=int, default=32, help="HTTP/1.1 client connections (default 32)")
    parser.add_argument("--peers", type=Path, default=os.environ.get("PEERS") or None,
                        help="directory of bench/peers.sh: adds the newest packaged rivals (or PEERS=DIR)")  # fmt: skip
    parser.add_argument("--floor", action="store_true", help="add the program that knows next to nothing")
    parser.add_argument("--only", default="", help="contenders to run, comma-separated")
    parser.add_argument("--headgate", type=Path, default=REPOSITORY / "build/release/headgate")
    parser.add_argument("--build", type=Path, default=REPOSITORY / "build/bench", help="where the load programs are built")
    parser.add_argument("--server-cpu", type=int, default=0)
    parser.add_argument("--load-cpu", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    parser.add_argument("--markdown", nargs="?", const="-", help="print Markdown, or fill the marked part of this file")
    parser.add_argument("--profile", metavar="CONTENDER", help="perf and strace of one contender in each of --rows")
    options = parser.parse_args()
    options.rows = list(bench.rows) if options.rows == "all" else options.rows.split(",")
    unknown = [name for name in options.rows if name not in bench.rows]
    if unknown or options.rounds < 1 or options.seconds < 1 or not 1 <= options.connections <= 10_000:
        parser.error(f"no such row: {', '.join(unknown)}" if unknown else "numbers must be positive")
    return options


def build_tools(bench: Bench, build: Path) -> Path:
    if not (build / "build.ninja").exists():
        rows.say("configuring the load programs")
        configure = ["cmake", "-S", str(REPOSITORY), "-B", str(build), "--preset", "bench"]
        subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(build), "--quiet", "bench_tools", bench.micro], check=True, stdout=sys.stderr)
    return build / "bench"


def make_certificate(directory: Path) -> None:
    """One ECDSA P-256 certificate for everybody."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.bench,IP:127.0.0.1",
               "-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    pair = (directory / "cert.pem").read_text() + (directory / "key.pem").read_text()
    (directory / "both.pem").write_text(pair)


def gather(bench: Bench, options: argparse.Namespace, site: contenders.Site) -> list[contenders.Contender]:
    found = []
    if options.headgate.exists():
        found.append(contenders.headgate(options.headgate.resolve()))
    else:
        rows.say(f"{options.headgate} is not built: only its rivals run (script/build makes it)")
    for kind in bench.rivals:
        found += contenders.installed(kind, options.peers.resolve() if options.peers else None)
    if options.floor or "floor" in (options.profile, *options.only.split(",")):
        found.append(contenders.floor(bench.floor, site))
    wanted = [options.profile] if options.profile else [name for name in options.only.split(",") if name]
    missing = set(wanted) - {one.name for one in found}
    if missing:
        raise server.BenchError(f"no such contender: {', '.join(missing)}; there are {', '.join(c.name for c in found)}")
    return [one for one in found if not wanted or one.name in wanted]


@contextlib.contextmanager
def origin(site: contenders.Site) -> Iterator[int]:
    site.origin_port = server.free_port()
    command = ["taskset", "-c", str(site.load_cpu), str(site.tools / "bench_origin"), str(site.origin_port)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            if not wait.until(lambda: server.answers(site.origin_port), ORIGIN_SECONDS_MAX):
                raise server.BenchError("the origin does not answer")
            yield process.pid
        finally:
            process.kill()


def profile_rows(bench: Bench, options: argparse.Namespace, run: rows.Run) -> None:
    for name in options.rows:
        if name not in bench.offers:
            rows.say(f"{name} cannot be profiled")
            continue
        print(f"\n== {name}: {options.profile}")
        with contextlib.ExitStack() as stack:
            target = run.contenders[0].start(run.site)
            stack.callback(target.stop)
            profile(target, lambda seconds, offer=bench.offers[name]: offer(run, target, seconds), options.seconds)


def measure_rows(bench: Bench, options: argparse.Namespace, run: rows.Run) -> None:
    how = f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections"
    measured = []
    for name in options.rows:
        rows.say(f"{name} ...")
        got = bench.rows[name](run)
        print(report.text(got), flush=True)
        measured += got
        if options.json:  # after each row, so that a long run that is broken off leaves what it has
            options.json.write_text(report.as_json(measured, how))
    if options.markdown == "-":
        print("\n" + report.markdown(measured, how))
    elif options.markdown:
        report.fill(Path(options.markdown), bench.name, measured, how)


def compare(bench: Bench) -> None:
    options = parse(bench)
    site = contenders.Site(build_tools(bench, options.build), Path(), options.server_cpu, options.load_cpu, bench.cached)
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as tls:
        site.tls = Path(tls)
        make_certificate(site.tls)
        takers = gather(bench, options, site)
        os.sched_setaffinity(0, {options.load_cpu})  # this program must not disturb the servers
        with origin(site) as origin_pid:
            run = rows.Run(site, origin_pid, takers, options.rounds, options.seconds, options.connections)
            (profile_rows if options.profile else measure_rows)(bench, options, run)


def stop_on_term() -> None:
    """SIGTERM unwinds like Ctrl-C, so that every server is stopped and every directory removed."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def main(bench: Bench) -> None:
    stop_on_term()
    try:
        compare(bench)
    except server.BenchError as error:
        sys.exit(f"script/bench {bench.name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
