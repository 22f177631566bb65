"""Ports for servers that tests start. No two processes of tests hand out the same one, whatever runs on the machine.

They lie below the range of outgoing connections, so the kernel gives them to no client. Each process has a block of them to
itself for as long as it lives: it holds the block's first port bound, which ends with the process however that ends.
"""

import itertools
import os
import pathlib
import socket

FIRST_PORT, END_PORT = 16000, 32000
BLOCK_PORTS = 250  # the first one is the guard; far more than the servers of any one test

_block = None


def first_outgoing_port() -> int:
    """The lowest port that the kernel picks for connections and for sockets bound to port 0."""
    return int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _hold(port: int, kind: socket.SocketKind, host: str):
    """A socket bound to the port, or None when somebody else has it."""
    sock = socket.socket(socket.AF_INET, kind)
    try:
        sock.bind((host, port))
        return sock
    except OSError:
        sock.close()
        return None


class _Block:
    def __init__(self):
        end = min(END_PORT, first_outgoing_port())
        firsts = list(range(FIRST_PORT, end - BLOCK_PORTS + 1, BLOCK_PORTS))
        # Not where the process before was: some of its connections may still be on their way out.
        at = os.getpid() % max(len(firsts), 1)
        for first in firsts[at:] + firsts[:at]:
            self.guard = _hold(first, socket.SOCK_STREAM, "127.0.0.1")
            if self.guard:
                self.ports = itertools.cycle(range(first + 1, first + BLOCK_PORTS))
                return
        raise RuntimeError(f"no block of {BLOCK_PORTS} ports from {FIRST_PORT} to {end} is free for another run of the tests; "
                           "net.ipv4.ip_local_port_range says where outgoing connections begin")


def _is_free(port: int, host: str) -> bool:
    probes = [_hold(port, kind, host) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    for probe in filter(None, probes):
        probe.close()
    return all(probes)


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nothing listens, over TCP or UDP, and that no test in any process has been given lately."""
    global _block
    _block = _block or _Block()
    for port in itertools.islice(_block.ports, BLOCK_PORTS):
        if _is_free(port, host):
            return port
    raise RuntimeError(f"all {BLOCK_PORTS} ports of this process are in use")
