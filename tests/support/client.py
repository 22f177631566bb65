"""Clients: curl as a user has it, and raw sockets that say exactly what they are told."""

import dataclasses
import socket
import ssl
import subprocess

TIMEOUT_S = 20


@dataclasses.dataclass
class Answer:
    """A response: `fields` are (name, value) pairs in order with names in lower case."""

    status: int
    fields: list
    body: bytes
    version: str = ""
    interim: list = dataclasses.field(default_factory=list)  # status codes of 1xx before it
    trailers: list = dataclasses.field(default_factory=list)

    def field(self, name: str):
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list:
        return [value for key, value in self.fields if key == name.lower()]


def curl(*args, timeout_s: int = TIMEOUT_S, check: bool = True) -> subprocess.CompletedProcess:
    """Runs curl quietly and without its configuration file; stdout and stderr are bytes."""
    command = ["curl", "-q", "-sS", "--max-time", str(timeout_s), "--noproxy", "*", *map(str, args)]
    done = subprocess.run(command, capture_output=True, timeout=timeout_s + 10, stdin=subprocess.DEVNULL)
    assert not check or done.returncode == 0, f"{command}: exit {done.returncode}: {done.stderr.decode()}"
    return done


def fetch(url: str, *args, host: str = None, ca=None, resolve: str = "127.0.0.1", **options) -> Answer:
    """GET, or what `args` for curl say, with the final answer parsed. Names in the URL go to `resolve`."""
    authority = url.split("/")[2]
    name, _, port = authority.partition(":")
    extra = ["--resolve", f"{name}:{port or (443 if url.startswith('https') else 80)}:{resolve}"]
    extra += ["-H", f"Host: {host}"] if host else []
    extra += ["--cacert", ca] if ca else []
    done = curl("-i", *extra, *args, url, **options)
    return parse_curl(done.stdout)


def parse_curl(output: bytes) -> Answer:
    """The output of `curl -i`: interim answers first, then the final one."""
    interim, rest = [], output
    while True:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status = first.split(" ")[:2]
        if status.startswith("1") and status != "101":
            interim.append(int(status))
            continue
        fields = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
        return Answer(int(status), fields, rest, version, interim)


class RawClient:
    """A TCP or TLS connection that sends bytes as given. Use as a context manager."""

    def __init__(self, port: int, host: str = "127.0.0.1", tls: ssl.SSLContext = None, name: str = None,
                 timeout_s: float = TIMEOUT_S, source: str = None, receive_bytes: int = None):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.sock.settimeout(timeout_s)
        if receive_bytes:  # before connect: a small window is agreed on then
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.sock.bind((source, 0))
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=name or host)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def send(self, data: bytes):
        self.sock.sendall(data)
        return self

    def finish_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def read_until(self, end: bytes) -> bytes:
        while end not in self.held:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError(f"closed before {end!r}, after {self.held[-300:]!r}")
            self.held += more
        at = self.held.index(end) + len(end)
        data, self.held = self.held[:at], self.held[at:]
        return data

    def read_exactly(self, size: int) -> bytes:
        pieces, taken = [self.held], len(self.held)
        try:
            while taken < size:
                more = self.sock.recv(65536)
                if not more:
                    raise EOFError(f"closed after {taken} of {size} bytes")
                pieces.append(more)
                taken += len(more)
        finally:
            self.held = b"".join(pieces)  # once: the time of a large body grows with its size, not with the square of it
        data, self.held = self.held[:size], self.held[size:]
        return data

    def read_to_end(self) -> bytes:
        """Everything until the peer closes; a reset counts as an end. Times out if the peer keeps the connection."""
        pieces = [self.held]
        try:
            while more := self.sock.recv(65536):
                pieces.append(more)
        except ConnectionError:
            pass
        finally:
            self.held = b"".join(pieces)
        data, self.held = self.held, b""
        return data

    def is_closed(self) -> bool:
        """Waits until the peer closes or sends; true when it closed."""
        try:
            more = self.sock.recv(65536)
        except ConnectionError:
            return True
        self.held += more
        return not more

    def read_response(self, method: str = "GET") -> Answer:
        """One HTTP/1.1 response, by Content-Length, chunks, or to the end of the connection."""
        interim = []
        while True:
            first, *lines = self.read_until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
            version, status = first.split(" ")[0], int(first.split(" ")[1])
            fields = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
            answer = Answer(status, fields, b"", version, interim)
            if status >= 200 or status == 101:
                break
            interim.append(status)
        if method == "HEAD" or status in (101, 204, 304):
            return answer
        if (answer.field("transfer-encoding") or "").lower() == "chunked":
            answer.body, answer.trailers = self._read_chunks()
        elif answer.field("content-length") is not None:
            answer.body = self.read_exactly(int(answer.field("content-length")))
        else:
            answer.body = self.read_to_end()
        return answer

    def _read_chunks(self):
        body = bytearray()
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n", "chunk without its end"
        trailers = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            trailers.append((name.lower(), value.strip()))
        return bytes(body), trailers

    def request(self, data: bytes, method: str = "GET") -> Answer:
        return self.send(data).read_response(method)


def exchange(port: int, data: bytes, **options) -> bytes:
    """Sends `data`, and returns all that comes until the peer closes."""
    with RawClient(port, **options) as client:
        return client.send(data).read_to_end()
