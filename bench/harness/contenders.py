"""Who takes part: Headgate, its rivals as this machine has them and from newer Debian roots, and a floor."""

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from . import caches, configs
from .configs import Work
from .server import BenchError, Server, free_port, say

TLS_FILES = ("cert.pem", "key.pem", "both.pem")
EVERYTHING = frozenset({"h1", "tls", "h2", "logs", "fields", "routes", "idle", "collapse", "objects"})


@dataclass
class Site:
    """What all contenders of a run share."""

    tools: Path  # directory of bench_origin and its like
    tls: Path  # directory with TLS_FILES
    server_cpu: int
    load_cpu: int
    cached: bool = False  # they are caches here, not relays alone
    origin_port: int = 0


@dataclass(frozen=True)
class Kind:
    """A server as it is set up and started."""

    command: Callable[[str, Work], list[str]]  # of the program and what it is asked to do
    files: Callable[[Work, tuple[int, ...]], dict[str, str]]  # what it finds in its directory, by name
    program: str = ""  # where Debian puts it
    version_flag: str = "-v"
    root: str = "sid"  # of bench/peers.sh, where the newest package is
    package: str = ""  # where it is not the name of the kind
    speaks: frozenset = EVERYTHING


KINDS = {
    "headgate": Kind(configs.headgate_command, configs.headgate_files, version_flag="--version"),
    "nginx": Kind(configs.nginx_command, configs.nginx_files, "/usr/sbin/nginx"),
    "haproxy": Kind(configs.haproxy_command, configs.haproxy_files, "/usr/sbin/haproxy"),
    "varnish": Kind(caches.varnish_command, caches.varnish_files, "/usr/sbin/varnishd", "-V", "trixie", "varnish hitch"),
    "trafficserver": Kind(
        caches.trafficserver_command, caches.trafficserver_files, "/usr/bin/traffic_server", "--version", "bookworm"
    ),
    "relay": Kind(
        lambda program, work: [program, str(work.http_port), str(work.origin_port)],
        lambda work, version: {},
        speaks=frozenset({"h1"}),
    ),
    "responder": Kind(
        lambda program, work: [program, str(work.http_port)], lambda work, version: {}, speaks=frozenset({"h1"})
    ),
}


@dataclass
class Contender:
    name: str
    kind: str  # of KINDS
    program: str
    version: str
    root: str = ""

    @property
    def speaks(self) -> frozenset:
        return KINDS[self.kind].speaks

    def start(self, site: Site, access_log: bool = False, client_fields: bool = False, routes: int = 0) -> Server:
        server = Server(self.name, site.server_cpu, self.root)
        try:
            for name in TLS_FILES:
                shutil.copy(site.tls / name, server.directory)
            server.work = Work(
                server.inside, site.origin_port, free_port(), free_port(), access_log, client_fields, routes,
                admin_port=free_port(), cached=site.cached,
            )  # fmt: skip
            self.write_config(server)
            server.launch(KINDS[self.kind].command(self.program, server.work))
            server.wait_until_ready(server.work.http_port, "h0.bench" if routes else "127.0.0.1")
            if "tls" in self.speaks and not routes:  # with routes there is no TLS port
                server.wait_until_listening(server.work.https_port)
            return server
        except BaseException:
            server.stop()
            raise

    def write_config(self, server: Server) -> None:
        for name, text in KINDS[self.kind].files(server.work, numbers(self.version)).items():
            path = server.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Replaced in one step, so that a watcher never sees half of it.
            new = path.with_name(path.name + ".new")
            new.write_text(text)
            new.rename(path)

    def change_routes(self, server: Server) -> int:
        """Writes the next revision of every route; gives the signal that makes the server take it."""
        server.work.revision += 1
        self.write_config(server)
        return signal.SIGUSR2 if self.kind == "haproxy" else signal.SIGHUP


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def version_of(program: str, root: str, *arguments: str) -> str:
    command = (["chroot", root] if root else []) + [program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    if not found:
        raise BenchError(f"{' '.join(command)} tells no version: {done.stderr.strip()[:200]}")
    return found.group(0)


def installed(kind: str, peers: Optional[Path]) -> list[Contender]:
    """The rival as this machine has it, and as the newest package that bench/peers.sh got; the same version once."""
    found: list[Contender] = []
    roots = [("", "")] + ([("-new", str(peers / KINDS[kind].root))] if peers else [])
    for label, root in roots:
        program = KINDS[kind].program
        if not Path(root + program).exists():
            remedy = f"make it with bench/peers.sh {peers}" if root else f"apt-get install {KINDS[kind].package or kind}"
            say(f"{root}{program} is missing: {kind}{label} does not take part ({remedy})")
            continue
        version = version_of(program, root, KINDS[kind].version_flag)
        if version not in [one.version for one in found]:
            found.append(Contender(f"{kind}{label}", kind, program, version, root))
    return found


def floor(kind: str, site: Site) -> Contender:
    program = {"relay": "bench_relay", "responder": "bench_origin"}[kind]
    return Contender("floor", kind, str(site.tools / program), "")


def headgate(program: Path) -> Contender:
    return Contender("headgate", "headgate", str(program), version_of(str(program), "", KINDS["headgate"].version_flag))
