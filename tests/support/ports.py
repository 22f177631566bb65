"""Free ports. Each pytest-xdist worker draws from a range of its own, below the range of outgoing connections."""

import itertools
import os
import socket

FIRST_PORT = 12000
PORTS_PER_WORKER = 1500

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_base = FIRST_PORT + _worker * PORTS_PER_WORKER
# Starting at a place of this process's own keeps two runs on one machine apart.
_order = itertools.count(os.getpid() * 37)


def _is_free(port: int, host: str) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nothing listens, over TCP or UDP, and that this process has not handed out lately."""
    for _ in range(PORTS_PER_WORKER):
        port = _base + next(_order) % PORTS_PER_WORKER
        if _is_free(port, host):
            return port
    raise RuntimeError(f"no free port in {_base}..{_base + PORTS_PER_WORKER}")
