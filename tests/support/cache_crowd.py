"""Many clients at once in one thread: each sends a request of its own connection and reads what comes, in whatever order it comes."""

import selectors
import socket
import time

from support.client import Answer


class Client:
    """`data`: all bytes so far; `first_byte`: when the first came (monotonic); `ended`: the edge closed the connection."""

    def __init__(self, port: int, request: bytes):
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self.sock.setblocking(False)
        self.request, self.data, self.first_byte, self.ended = request, bytearray(), None, False

    def body(self) -> bytes:
        return bytes(self.data.partition(b"\r\n\r\n")[2])

    def is_done(self) -> bool:
        """All of a response with Content-Length is there, or the connection has ended."""
        head, end, body = bytes(self.data).partition(b"\r\n\r\n") if not self.ended else (b"", b"", b"")
        if not end:
            return self.ended
        if b"transfer-encoding: chunked" in head.lower():
            return body.endswith(b"0\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return bool(length) and len(body) >= int(length[0].split(b":")[1])

    def answer(self) -> Answer:
        head, _, body = bytes(self.data).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return Answer(int(first.split(" ")[1]), pairs, body)


class Crowd:
    """Clients of one edge; `requests` are their bytes. Use as a context manager."""

    def __init__(self, port: int, requests):
        self._selector = selectors.DefaultSelector()
        self.clients = [Client(port, request) for request in requests]
        for client in self.clients:
            self._selector.register(client.sock, selectors.EVENT_READ, client)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for client in self.clients:
            client.sock.close()
        self._selector.close()

    def send(self, clients=None):
        for client in self.clients if clients is None else clients:
            client.sock.sendall(client.request)
        return self

    def leave(self, client: Client):
        """The client closes."""
        self._selector.unregister(client.sock)
        client.sock.close()
        self.clients.remove(client)

    def stop_reading(self, client: Client):
        self._selector.unregister(client.sock)

    def read_again(self, client: Client):
        self._selector.register(client.sock, selectors.EVENT_READ, client)

    def read_until(self, condition, timeout_s: float = 40, what: str = "what the clients wait for"):
        """Reads for everybody until `condition()` holds."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
            for key, _ in self._selector.select(0.05):
                self._read(key.data)

    def _read(self, client: Client):
        try:
            data = client.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            client.ended = True
            self._selector.unregister(client.sock)
            return
        client.first_byte = client.first_byte or time.monotonic()
        client.data += data

    def read_all(self, timeout_s: float = 60):
        waiting = set(self.clients)

        def is_over():
            waiting.difference_update([client for client in waiting if client.is_done()])
            return not waiting

        self.read_until(is_over, timeout_s, "the end of all answers")
        return self
