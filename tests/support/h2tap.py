"""A relay between an HTTP/2 client and an edge, both in cleartext, that notes what was asked and what was answered."""

import selectors
import socket
import threading

from support.ports import free_port

PREFACE_BYTES = 24
DATA, HEADERS, RST_STREAM, GOAWAY = 0, 1, 3, 7
END_STREAM = 1


class _Direction:
    """Bytes of one sender: passed on, and cut into frames on the way."""

    def __init__(self, source, target, on_frame, skip: int):
        self.source, self.target, self._on_frame, self._skip, self._held = source, target, on_frame, skip, b""

    def pass_on(self) -> bool:
        """False at the end of what the sender says."""
        try:
            data = self.source.recv(1 << 16)
            if data:
                self.target.sendall(data)
        except OSError:
            data = b""
        if not data:
            return False
        self._scan(data)
        return True

    def _scan(self, data: bytes):
        while data:
            if self._skip:
                part = min(self._skip, len(data))
                self._skip, data = self._skip - part, data[part:]
                continue
            need = 9 - len(self._held)
            self._held, data = self._held + data[:need], data[need:]
            if len(self._held) == 9:
                head, self._held = self._held, b""
                self._skip = int.from_bytes(head[:3], "big")
                self._on_frame(head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF)


class _Connection:
    def __init__(self, client, edge):
        self.asked, self.ended, self.resets, self.goaways = set(), set(), 0, 0
        self.directions = [_Direction(client, edge, self._of_client, PREFACE_BYTES), _Direction(edge, client, self._of_edge, 0)]

    def _of_client(self, kind: int, flags: int, stream: int):
        if kind == HEADERS:
            self.asked.add(stream)

    def _of_edge(self, kind: int, flags: int, stream: int):
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)
        self.resets += kind == RST_STREAM
        self.goaways += kind == GOAWAY


class H2Tap:
    """Listens on `port` until the end of its `with`; then the sums can be asked for."""

    def __init__(self, target: int):
        self.port, self._target, self._connections = free_port(), target, []
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stopping = True
        self._thread.join(20)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()

    def _run(self):
        while not self._stopping:
            for key, _ in self._selector.select(0.2):
                if key.data is None:
                    self._accept()
                elif not key.data.pass_on():
                    self._selector.unregister(key.fileobj)
                    _shut_down(key.data.target)

    def _accept(self):
        client, edge = self._listener.accept()[0], socket.create_connection(("127.0.0.1", self._target))
        for end in (client, edge):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(client, edge)
        self._connections.append(connection)
        for direction in connection.directions:
            self._selector.register(direction.source, selectors.EVENT_READ, direction)

    def asked(self) -> int:
        return sum(len(connection.asked) for connection in self._connections)

    def unanswered(self) -> list:
        return [sorted(rest) for connection in self._connections if (rest := connection.asked - connection.ended)]

    def resets(self) -> int:
        return sum(connection.resets for connection in self._connections)

    def told_to_go(self) -> int:
        """Connections on which a GOAWAY came."""
        return sum(connection.goaways > 0 for connection in self._connections)


def _shut_down(end):
    try:
        end.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it is gone already
