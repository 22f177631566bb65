"""An HTTP/2 client over python3-h2 that a test can steer frame by frame. One thread."""

import h2.config
import h2.connection
import h2.events

from support.client import TIMEOUT_S, Answer, RawClient


class H2Client:
    """Over cleartext with prior knowledge, or over TLS when `tls` (a context that offers h2) is given.

    `h2` is the h2.connection.H2Connection for everything special; call `flush()` after using it.
    `events` lists all events received; `answers` the streams' answers so far by stream id.
    `validate=False` lets it send what the RFC forbids.
    """

    def __init__(self, port: int, tls=None, name: str = "localhost", validate: bool = True,
                 timeout_s: float = TIMEOUT_S, settings: dict = None, auto_window: bool = True):
        self.raw = RawClient(port, tls=tls, name=name, timeout_s=timeout_s)
        self.scheme, self.authority = ("https" if tls else "http"), f"{name}:{port}"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=validate,
            normalize_outbound_headers=validate))
        self.auto_window, self.events, self.answers = auto_window, [], {}
        self.ended, self.resets, self.goaway, self.closed = set(), {}, None, False
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings(settings)
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.raw.sock.close()

    def flush(self):
        if data := self.h2.data_to_send():
            self.raw.send(data)

    def open(self, method: str = "GET", path: str = "/", fields=(), end: bool = True, authority: str = None) -> int:
        """Sends a request head and returns its stream id."""
        stream = self._begin(method, path, fields, end, authority)
        self.flush()
        return stream

    def open_many(self, paths) -> list:
        """Sends requests for all of `paths` at once, and returns their stream ids."""
        streams = [self._begin("GET", path, (), True, None) for path in paths]
        self.flush()
        return streams

    def _begin(self, method: str, path: str, fields, end: bool, authority: str) -> int:
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", self.scheme), (":path", path),
                (":authority", authority or self.authority), *fields]
        self.h2.send_headers(stream, head, end_stream=end)
        return stream

    def send_data(self, stream: int, data: bytes, end: bool = False):
        """Sends all of it, waiting for window where needed."""
        sent = 0
        while sent < len(data):
            self.wait(lambda: self.h2.local_flow_control_window(stream) > 0)
            size = min(len(data) - sent, self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            piece = data[sent : sent + size]
            sent += size
            self.h2.send_data(stream, piece, end_stream=end and sent == len(data))
            self.flush()

    def request(self, method: str = "GET", path: str = "/", fields=(), body: bytes = b"", authority: str = None) -> Answer:
        stream = self.open(method, path, fields, end=not body, authority=authority)
        if body:
            self.send_data(stream, body, end=True)
        return self.answer(stream)

    def answer(self, stream: int) -> Answer:
        """Waits for the end of the stream; AssertionError when it was reset."""
        self.wait(lambda: stream in self.ended or stream in self.resets)
        assert stream not in self.resets, f"stream {stream} was reset with {self.resets[stream]}"
        return self.answers[stream]

    def wait(self, condition):
        """Reads until the condition holds; EOFError when the peer closes first."""
        while not condition():
            if self.closed:
                raise EOFError(f"connection closed; goaway={self.goaway}")
            self.read_once()

    def read_once(self):
        try:
            data = self.raw.sock.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()

    def read_to_end(self):
        while not self.closed:
            self.read_once()

    def _take(self, event):
        self.events.append(event)
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.InformationalResponseReceived):
            self._answer(stream).interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.ResponseReceived):
            self._answer(stream).status = int(dict(event.headers)[":status"])
            self._answer(stream).fields = [(n, v) for n, v in event.headers if not n.startswith(":")]
        elif isinstance(event, h2.events.DataReceived):
            self._answer(stream).body += event.data
            if self.auto_window and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.TrailersReceived):
            self._answer(stream).trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(stream)
        elif isinstance(event, h2.events.StreamReset):
            self.resets[stream] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event

    def _answer(self, stream: int) -> Answer:
        return self.answers.setdefault(stream, Answer(0, [], b"", "HTTP/2"))
