"""Who takes part: Headgate, nginx, HAProxy, the same two from newer Debian roots, and the relay as the floor."""

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import configs
from .server import BenchError, Server, free_port

TLS_FILES = ("cert.pem", "key.pem", "both.pem")


@dataclass
class Site:
    """What all contenders of a run share."""

    tools: Path  # directory of bench_origin and its like
    tls: Path  # directory with TLS_FILES
    server_cpu: int
    load_cpu: int
    origin_port: int = 0


@dataclass
class Contender:
    name: str
    kind: str  # headgate, nginx, haproxy, relay
    program: str
    version: str
    root: str = ""
    speaks: frozenset = frozenset({"h1", "tls", "h2", "logs", "fields", "routes", "idle"})

    def start(
        self, site: Site, access_log: bool = False, client_fields: bool = False, routes: int = 0
    ) -> Server:
        server = Server(self.name, site.server_cpu, self.root)
        try:
            for name in TLS_FILES:
                shutil.copy(site.tls / name, server.directory)
            server.work = configs.Work(
                server.inside, site.origin_port, free_port(), free_port(), access_log, client_fields, routes
            )
            self.write_config(server)
            server.launch(self.command(server))
            server.wait_until_ready(server.work.http_port, "h0.bench" if routes else "127.0.0.1")
            return server
        except BaseException:
            server.stop()
            raise

    def write_config(self, server: Server) -> None:
        work, directory = server.work, server.directory
        if self.kind == "nginx":
            (directory / "nginx.conf").write_text(configs.nginx(work, numbers(self.version)))
        elif self.kind == "haproxy":
            (directory / "routes.map").write_text(configs.haproxy_map(work))
            (directory / "haproxy.cfg").write_text(configs.haproxy(work))
        elif self.kind == "headgate":
            cert, key = (directory / "cert.pem").read_text(), (directory / "key.pem").read_text()
            # Replaced in one step, so that a watcher never sees half of it.
            (directory / "edge.yaml.new").write_text(configs.headgate(work, cert, key))
            (directory / "edge.yaml.new").rename(directory / "edge.yaml")

    def command(self, server: Server) -> list[str]:
        directory = server.inside
        if self.kind == "nginx":
            return [self.program, "-c", f"{directory}/nginx.conf", "-e", f"{directory}/error.log"]
        if self.kind == "haproxy":
            return [self.program, "-W", "-db", "-f", f"{directory}/haproxy.cfg"]
        if self.kind == "relay":
            return [self.program, str(server.work.http_port), str(server.work.origin_port)]
        admin = f"127.0.0.1:{free_port()}"
        return [self.program, "up", "-f", f"{directory}/edge.yaml", "--state", f"{directory}/state"] + [
            "--workers", "1", "--admin", admin, "--api", f"127.0.0.1:{free_port()}",
        ]  # fmt: skip

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


def peer(kind: str, flag: str, root: str = "", label: str = "") -> Contender:
    program = f"/usr/sbin/{kind}"
    if not Path(root + program).exists():
        raise BenchError(f"{root}{program} is missing (apt-get install {kind}, or bench/peers.sh for newer ones)")
    version = version_of(program, root, flag)
    return Contender(f"{kind}{label}", kind, program, version, root)


def relay(site: Site) -> Contender:
    return Contender("floor", "relay", str(site.tools / "bench_relay"), "", speaks=frozenset({"h1"}))


def headgate(program: Path) -> Contender:
    return Contender("headgate", "headgate", str(program), version_of(str(program), "", "--version"))


def newest_root(peers: Path) -> str:
    """The Debian root of bench/peers.sh that holds both peers."""
    root = peers / "sid"
    if not (root / "usr/sbin/nginx").exists():
        raise BenchError(f"{root} holds no nginx: make it with bench/peers.sh {peers}")
    return str(root)
