"""UDP: an origin that says datagrams back, clients that keep apart what is whose, and the edge between them."""

import json
import pathlib
import socket
import threading

from support.config import backend, documents, gateway, route, upstream


class UdpEcho:
    """Answers each datagram with `name` and its text; `senders` are the addresses it saw: one for each flow."""

    def __init__(self, name: bytes = b""):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port, self.name, self.senders = self.sock.getsockname()[1], name, set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            data, sender = self.sock.recvfrom(65536)
            if data == b"stop" and sender[1] == self.port:
                return
            self.senders.add(sender)
            self.sock.sendto(self.name + data, sender)

    def close(self):
        self.sock.sendto(b"stop", ("127.0.0.1", self.port))
        self._thread.join(5)
        self.sock.close()


def udp_client(port: int, address: str = "127.0.0.1", source: str = None) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if source:
        sock.bind((source, 0))
    sock.settimeout(10)
    sock.connect((address, port))
    return sock


class UdpClients:
    """Clients with a socket each. At most IN_FLIGHT of them wait at once, which is far less than a receive buffer holds: what is
    lost then was lost by the edge."""

    IN_FLIGHT = 32

    def __init__(self, port: int, count: int):
        self.socks = [udp_client(port) for _ in range(count)]
        self._turn = 0

    def send(self, numbers=None) -> bytes:
        """One datagram of each client; the text that is the turn's."""
        self._turn += 1
        for number in range(len(self.socks)) if numbers is None else numbers:
            self.socks[number].send(b"%d of client %d" % (self._turn, number))
        return b"%d of client " % self._turn

    def receive(self, text: bytes, numbers=None, timeout_s: float = 20):
        """Each client hears its own text, and nothing else."""
        for number in range(len(self.socks)) if numbers is None else numbers:
            self.socks[number].settimeout(timeout_s)
            assert self.socks[number].recv(65536) == text + b"%d" % number

    def ask(self):
        """Each client says something new and hears it, once: no datagram is sent twice, none may be lost."""
        for first in range(0, len(self.socks), self.IN_FLIGHT):
            numbers = range(first, min(first + self.IN_FLIGHT, len(self.socks)))
            self.receive(self.send(numbers), numbers)

    def close(self):
        for sock in self.socks:
            sock.close()


class UdpLoad:
    """Clients that ask without a pause until `stop()`; `turns` were answered in full, `failures` were not."""

    def __init__(self, port: int, count: int):
        self.clients, self.turns, self.failures = UdpClients(port, count), 0, []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopping.is_set() and not self.failures:
            try:
                self.clients.ask()
                self.turns += 1
            except Exception as error:  # every kind of failure is one
                self.failures.append(repr(error))

    def stop(self):
        self._stopping.set()
        self._thread.join(60)
        self.clients.close()


def udp_route(name: str, section: str) -> dict:
    made = route({"backendRefs": [backend(name)]}, name=section, kind="UDPRoute")
    made["spec"]["parentRefs"][0]["sectionName"] = section
    return made


def udp_edge(port: int, *origin_ports: int, address: str = "127.0.0.1", more=(), listeners=()) -> str:
    """A UDP port in front of the Upstream `dgrams`. Flows are kept for long, however slow the machine is."""
    patient = {"apiVersion": "headgate.io/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "patient", "namespace": "default"},
               "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "UDPRoute", "name": "dgram"}],
                        "timeouts": {"bodyIdle": "1h"}}}
    return documents(gateway({"name": "dgram", "protocol": "UDP", "port": port}, *listeners, address=address),
                     upstream("dgrams", *origin_ports), udp_route("dgrams", "dgram"), patient, *more)


def sockets_of(port: int) -> int:
    """UDP sockets of this machine that are bound to `port` and take datagrams of anybody."""
    rows = [line.split() for file in ("udp", "udp6") for line in pathlib.Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[2].endswith(":0000") for row in rows)


def flows_of_workers(edge) -> list:
    """Open flows of each worker, as /status tells."""
    return [worker["udpFlows"] for worker in json.loads(edge.admin("/status/workers")[1])]
