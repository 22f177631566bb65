"""Origins that keep requests until the test answers them, and notice when the edge gives one up."""

import contextlib
import functools
import select
import socket
import threading
import time

import h2.config
import h2.connection
import h2.events

from support.origin import RawOrigin, read_request, response
from support.wait import wait_until


class HeldRequest:
    """A request that waits: `method`, `target`, when it `arrived` (monotonic), `cancelled` when the edge gave it up."""

    def __init__(self, method: str, target: str, send):
        self.method, self.target, self.arrived = method, target, time.monotonic()
        self.cancelled, self.answered, self._send = threading.Event(), False, send

    def answer(self, status: int = 200, body: bytes = b"ok"):
        if not self.answered:
            self.answered = True
            with contextlib.suppress(OSError):  # it was given up
                self._send(status, body)


class _Holding(RawOrigin):
    """`requests` lists what came. Requests wait for their `answer`, or for `let_go`, which is for later ones too."""

    def __init__(self, handler, **listen):
        self.requests, self._gone, self._requests_lock = [], None, threading.Lock()
        super().__init__(handler, **listen)

    def targets(self) -> list:
        return [request.target for request in self.requests]

    def wait_for(self, count: int, timeout_s: float = 20) -> list:
        """The first `count` requests, once they are there."""
        wait_until(lambda: len(self.requests) >= count, timeout_s, f"{count} requests at the origin, not {self.targets()}")
        return self.requests[:count]

    def let_go(self, status: int = 200, body: bytes = b"ok"):
        with self._requests_lock:
            self._gone = (status, body)
        for request in list(self.requests):
            request.answer(status, body)

    def hold(self):
        """Requests wait again from now on, and `requests` begins anew."""
        with self._requests_lock:
            self._gone, self.requests = None, []

    def _take(self, request: HeldRequest):
        with self._requests_lock:
            self.requests.append(request)
            gone = self._gone
        if gone:
            request.answer(*gone)


class HeldOrigin(_Holding):
    """Over HTTP/1.1: a request is given up by the end of its connection."""

    def __init__(self, **listen):
        super().__init__(self._converse, **listen)

    def _converse(self, connection):
        wake, woken = socket.socketpair()
        with wake, woken:
            poll = select.poll()
            for one in (connection.sock, woken):
                poll.register(one, select.POLLIN)
            while True:
                read = read_request(connection)
                request = HeldRequest(read.method, read.target, lambda status, body: wake.sendall(response(status, body)))
                self._take(request)
                poll.poll()
                if not request.answered:
                    return request.cancelled.set()
                connection.send(woken.recv(65536))


class HeldH2Origin(_Holding):
    """Over HTTP/2 with prior knowledge: a request is given up by RST_STREAM, whose code is in `resets` by target."""

    def __init__(self, **listen):
        self.resets = {}
        super().__init__(self._converse, **listen)

    def _converse(self, connection):
        peer, streams = _H2Peer(connection), {}
        for event in peer.events():
            if isinstance(event, h2.events.RequestReceived):
                stream, head = event.stream_id, dict(event.headers)
                streams[stream] = HeldRequest(head[":method"], head[":path"], functools.partial(peer.answer, stream))
                self._take(streams[stream])
            elif isinstance(event, h2.events.StreamReset):
                given_up = streams[event.stream_id]
                self.resets[given_up.target] = event.error_code
                given_up.cancelled.set()


class _H2Peer:
    """The serving side of one HTTP/2 connection. Answers come from other threads than events are read on."""

    def __init__(self, connection):
        self._connection, self._lock = connection, threading.Lock()
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._h2.initiate_connection()
        self._flush()

    def _flush(self):
        self._connection.send(self._h2.data_to_send())

    def events(self):
        while data := self._connection.receive():
            with self._lock:
                events = self._h2.receive_data(data)
                self._flush()
            yield from events

    def answer(self, stream: int, status: int, body: bytes):
        with self._lock:
            self._h2.send_headers(stream, [(":status", str(status)), ("content-length", str(len(body)))])
            self._h2.send_data(stream, body, end_stream=True)
            self._flush()
