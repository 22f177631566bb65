"""Origins for tests: `RawOrigin` runs a function per connection, `HttpOrigin` a function per request."""

import dataclasses
import socket
import ssl
import threading

IDLE_S = 30  # a connection that says nothing for so long is given up


class Connection:
    """One accepted connection, buffered. Ends of stream give b'' or raise EOFError where a whole piece was asked for."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self._held = b""

    def receive(self, size: int = 65536) -> bytes:
        if self._held:
            data, self._held = self._held[:size], self._held[size:]
            return data
        return self.sock.recv(size)

    def read_until(self, end: bytes) -> bytes:
        """Everything up to and with `end`."""
        data = b""
        while end not in data:
            more = self.receive()
            if not more:
                self._held = data
                raise EOFError(f"connection ended before {end!r}, after {data[-200:]!r}")
            data += more
        at = data.index(end) + len(end)
        self._held = data[at:] + self._held
        return data[:at]

    def read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.receive(size - len(data))
            if not more:
                raise EOFError(f"connection ended after {len(data)} of {size} bytes")
            data += more
        return data

    def send(self, data: bytes):
        self.sock.sendall(data)

    def reset(self):
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()


class RawOrigin:
    """Listens on `port`; each connection runs `handler(Connection)` in a thread and is closed when it returns.

    `accepted` counts connections; `errors` holds what handlers raised other than ends of connections.
    """

    def __init__(self, handler, tls: ssl.SSLContext = None, host: str = "127.0.0.1", port: int = 0, path: str = None):
        self.handler, self.tls = handler, tls
        self.accepted, self.errors, self._open = 0, [], set()
        self._lock = threading.Lock()
        self._closing = False
        if path:  # a Unix socket
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
        else:
            self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((host, port))
        self._listener.listen(1024)
        self.port = None if path else self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, plain: socket.socket):
        sock = plain
        try:
            plain.settimeout(IDLE_S)
            if plain.family != socket.AF_UNIX:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(plain, server_side=True)
            self.handler(Connection(sock))
        except (OSError, EOFError, ssl.SSLError):
            pass  # the other end went away, which is what many tests are about
        except Exception as error:  # reported by the fixture: a handler's own mistake fails the test
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(plain)
            sock.close()

    def open_connections(self) -> int:
        with self._lock:
            return len(self._open)

    def close(self):
        """Stops listening and cuts every open connection."""
        self._closing = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for sock in still_open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@dataclasses.dataclass
class Request:
    """What an HTTP/1.1 origin received. `fields` keeps order and case; `field(name)` is the first value or None."""

    method: str
    target: str
    version: str
    fields: list
    body: bytes = b""
    raw_head: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)

    def field(self, name: str):
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list:
        return [value for key, value in self.fields if key.lower() == name.lower()]


def _parse_fields(lines) -> list:
    return [(name.decode("latin-1"), value.strip().decode("latin-1"))
            for name, _, value in (line.partition(b":") for line in lines if line)]


def _read_chunks(connection: Connection):
    body = b""
    while True:
        size = int(connection.read_until(b"\r\n").split(b";")[0], 16)
        if size == 0:
            break
        body += connection.read_exactly(size)
        assert connection.read_exactly(2) == b"\r\n", "chunk without its end"
    trailers = []
    while (line := connection.read_until(b"\r\n")) != b"\r\n":
        trailers.append(line.rstrip(b"\r\n"))
    return body, _parse_fields(trailers)


def read_request(connection: Connection) -> Request:
    """Reads one strict HTTP/1.1 request; EOFError when the connection ends first."""
    head = connection.read_until(b"\r\n\r\n")
    first, *lines = head[:-4].split(b"\r\n")
    method, target, version = first.decode("latin-1").split(" ")
    request = Request(method, target, version, _parse_fields(lines), raw_head=head)
    if (request.field("transfer-encoding") or "").lower() == "chunked":
        request.body, request.trailers = _read_chunks(connection)
    elif request.field("content-length"):
        request.body = connection.read_exactly(int(request.field("content-length")))
    return request


def response(status: int = 200, body: bytes = b"", fields=(), reason: str = "OK") -> bytes:
    """A response with Content-Length, as bytes to send."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields),
             f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class HttpOrigin(RawOrigin):
    """HTTP/1.1 with keep-alive: `answer(Request)` returns the bytes of the response, or (status, body, fields).

    `requests` lists everything received. Without `answer` it says 200 with `name` as the body.
    """

    def __init__(self, answer=None, name: str = "origin", **listen):
        self.requests, self._requests_lock = [], threading.Lock()
        self.answer = answer or (lambda request: response(body=name.encode()))
        super().__init__(self._converse, **listen)

    def _converse(self, connection: Connection):
        while True:
            request = read_request(connection)
            with self._requests_lock:
                self.requests.append(request)
            answer = self.answer(request)
            if isinstance(answer, tuple):
                status, body, fields = (*answer, (), ())[:3]
                answer = response(status, body or b"", fields)
            if request.method == "HEAD":
                answer = answer.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n"
            connection.send(answer)
            if (request.field("connection") or "").lower() == "close":
                return
