"""An origin that answers each path by a script, and bodies that prove what they are.

A body is lines of 32 bytes, `digest of the path:version:offset`: any piece of one tells whose it is, which version, and where it
lies. `version` is the number of the request that it answered, or 1000 and more for representations with an ETag, by their order.
"""

import dataclasses
import email.utils
import hashlib
import re
import threading
import time

import h2.config
import h2.connection
import h2.events

from support.origin import RawOrigin, Request, read_request

LINE = 32


def http_date(offset_s: float = 0) -> str:
    """A date so many seconds from now."""
    return email.utils.formatdate(time.time() + offset_s, usegmt=True)


def digest(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:12]


def proof(path: str, version: int, size: int = 3 * LINE) -> bytes:
    """The body of that version of the path."""
    return piece(path, version, 0, size)


def piece(path: str, version: int, first: int, size: int) -> bytes:
    """Those bytes of that version."""
    start = first - first % LINE
    prefix = f"{digest(path)}:{version:06d}:"
    return "".join(f"{prefix}{at:011d}\n" for at in range(start, first + size, LINE)).encode()[first - start :][:size]


def proved(body: bytes, path: str, first: int = 0) -> int:
    """The version of which `body` is the piece that begins at `first`; AssertionError when it is of no version, or of several.

    A piece that is too short to name its version is looked for among those that a test may have made.
    """
    named = body[-first % LINE + 13 :][:6]
    versions = [int(named)] if len(named) == 6 and named.isdigit() else [*range(1000, 1020), *range(100)]
    version = next((one for one in versions if piece(path, one, first, len(body)) == body), None)
    assert version is not None and body, f"{path}: {len(body)} bytes from {first} are of no version: {body[:200]!r}..."
    return version


@dataclasses.dataclass
class Reply:
    """One answer of the origin. `body` None: the proof of the page's version, `size` bytes of it.

    `validates`: requests whose If-None-Match or If-Modified-Since holds get a 304 with these fields, and `fields_304` beside.
    `ranges`: Range and If-Range are obeyed. `held`: an Event that is waited for before the head; `held_half`: after half of the
    body. `cut_at`: the connection ends after so many bytes of the body; with `reset`, by RST. `lacks`: fields not to add.
    """

    status: int = 200
    fields: tuple = ()
    body: bytes = None
    size: int = 3 * LINE
    version: int = None
    chunked: bool = False
    trailers: tuple = ()
    interim: tuple = ()  # of (status, fields)
    validates: bool = False
    fields_304: tuple = ()
    ranges: bool = False
    held: threading.Event = None
    held_half: threading.Event = None
    cut_at: int = None
    reset: bool = False
    close: bool = False  # framed by the end of the connection
    length: int = None  # what Content-Length says instead of the truth
    dropped: bool = False  # the connection ends without any answer
    lacks: tuple = ()

    def field(self, name: str):
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


def fields(**pairs) -> tuple:
    """fields(cache_control="max-age=60") -> (("Cache-Control", "max-age=60"),)"""
    return tuple((name.replace("_", "-").title(), value) for name, value in pairs.items())


class Script:
    """What is said about one path: `replies` in turn, the last one for ever, or what `choose(request)` returns."""

    def __init__(self, path: str):
        self.path, self.requests, self._tags = path, [], {}
        self.replies, self.choose = [Reply()], None
        self.broken = []  # connections that ended before the whole reply was sent
        self._turn, self._lock = 0, threading.Lock()

    def answers(self, *replies: Reply):
        with self._lock:
            self.replies, self.choose, self._turn = list(replies), None, 0

    def _version_of(self, reply: Reply) -> int:
        """Representations of one ETag are the same one; without, each answer is another."""
        if (tag := reply.field("etag")) is not None:
            return 1000 + self._tags.setdefault(tag, len(self._tags))
        return len(self.requests)

    def next(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self.choose:
                reply = self.choose(request)
            else:
                reply = self.replies[min(self._turn, len(self.replies) - 1)]
                self._turn += 1
            version = reply.version or self._version_of(reply)
        body = proof(self.path, version, reply.size) if reply.body is None else reply.body
        return dataclasses.replace(reply, body=body)


def _is_not_modified(request: Request, reply: Reply) -> bool:
    tags, since = request.field("if-none-match"), request.field("if-modified-since")
    if tags is not None:
        own = (reply.field("etag") or "").removeprefix("W/")
        return tags == "*" or own != "" and own in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    return since is not None and since == reply.field("last-modified")


def _range_of(request: Request, reply: Reply):
    """(first, last) to send as a 206, "unsatisfiable", or None for the whole."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.field("range") or "")
    condition = request.field("if-range")
    if not found or found.groups() == ("", "") or condition not in (None, reply.field("etag"), reply.field("last-modified")):
        return None
    first, last = found.groups()
    size = len(reply.body)
    if not first:
        first, last = max(size - int(last), 0), size - 1
    first, last = int(first), min(int(last) if last else size - 1, size - 1)
    return (first, last) if first <= last else "unsatisfiable"


class ScriptedOrigin(RawOrigin):
    """`script(path)` says what is answered for a path (whatever its query); paths without one get a 404 that is not kept."""

    def __init__(self, **listen):
        self.scripts, self.strays = {}, []
        super().__init__(self._converse, **listen)

    def script(self, path: str) -> Script:
        return self.scripts.setdefault(path, Script(path))

    def _converse(self, connection):
        while True:
            request = read_request(connection)
            script = self.scripts.get(re.sub(r"^https?://[^/]+", "", request.target).split("?")[0])
            if script is None:
                self.strays.append(request)
                reply = Reply(404, fields(cache_control="no-store"), b"no script")
            else:
                reply = script.next(request)
            try:
                stays = _send(connection, request, reply)
            except OSError:
                if script:
                    script.broken.append(request)
                raise
            if not stays:
                return


def _send(connection, request: Request, reply: Reply) -> bool:
    """Sends it; false when the connection ends with it."""
    if reply.held:
        reply.held.wait(30)
    if reply.dropped:
        return False
    for status, more in reply.interim:
        connection.send(_head(status, more, "Interim"))
    if reply.status == 200 and reply.validates and _is_not_modified(request, reply):
        kept = [pair for pair in reply.fields if not pair[0].lower().startswith("content-")]
        replaced = {name.lower() for name, _ in reply.fields_304}
        kept = [pair for pair in kept if pair[0].lower() not in replaced]
        connection.send(_head(304, _dated(kept + list(reply.fields_304), reply), "Not Modified"))
        return True
    return _send_body(connection, request, _ranged(request, reply))


def _ranged(request: Request, reply: Reply) -> Reply:
    """The reply, or the part of it that the request asks for, when ranges are obeyed."""
    part = _range_of(request, reply) if reply.ranges and reply.status == 200 and request.method == "GET" else None
    if part is None:
        return reply
    total = len(reply.body)
    if part == "unsatisfiable":
        return dataclasses.replace(reply, status=416, body=b"", fields=(*reply.fields, ("Content-Range", f"bytes */{total}")))
    first, last = part
    return dataclasses.replace(reply, status=206, body=reply.body[first : last + 1],
                               fields=(*reply.fields, ("Content-Range", f"bytes {first}-{last}/{total}")))


def _dated(pairs, reply: Reply) -> list:
    has_date = any(name.lower() == "date" for name, _ in pairs)
    return list(pairs) if has_date or "date" in reply.lacks else [("Date", http_date()), *pairs]


def _head(status: int, pairs, reason: str) -> bytes:
    return "".join([f"HTTP/1.1 {status} {reason}\r\n", *(f"{name}: {value}\r\n" for name, value in pairs), "\r\n"]).encode("latin-1")


def _send_body(connection, request: Request, reply: Reply) -> bool:
    has_body = request.method != "HEAD" and reply.status not in (204, 304)
    pairs = _dated(reply.fields, reply)
    if reply.chunked:
        pairs += [("Transfer-Encoding", "chunked")]
    elif reply.close:
        pairs += [("Connection", "close")]
    elif reply.status not in (204, 304):
        pairs += [("Content-Length", str(len(reply.body) if reply.length is None else reply.length))]
    connection.send(_head(reply.status, pairs, "Scripted"))
    if has_body:
        body = reply.body if reply.cut_at is None else reply.body[: reply.cut_at]
        half = len(body) // 2
        for piece, hold in ((body[:half], reply.held_half), (body[half:], None)):
            if piece:
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
            if hold:
                hold.wait(30)
        if reply.cut_at is not None:
            if reply.reset:
                connection.reset()
            return False
        if reply.chunked:
            connection.send(b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in reply.trailers).encode() + b"\r\n")
    return not reply.close and (request.field("connection") or "").lower() != "close"


class CutH2Origin(RawOrigin):
    """Over HTTP/2 with prior knowledge. `how` each answer ends: "whole", "reset", "closed" or "ended early"."""

    SIZE = 5000

    def __init__(self, how: str, **listen):
        self.how, self.targets, self.scripts = how, [], {}
        super().__init__(self._converse, **listen)

    def script(self, path: str) -> Script:
        return self.scripts.setdefault(path, Script(path))

    def _converse(self, connection):
        peer = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_outbound_headers=False))
        peer.initiate_connection()
        connection.send(peer.data_to_send())
        while data := connection.receive():
            for event in peer.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self._answer(peer, event.stream_id, dict(event.headers)[":path"])
            connection.send(peer.data_to_send())
            if self.targets and self.how == "closed":
                return

    def _answer(self, peer, stream: int, path: str):
        self.targets.append(path)
        body, is_whole = proof(path, 1000, self.SIZE), self.how == "whole"
        length = [("content-length", str(self.SIZE))] if self.how != "closed" else []
        peer.send_headers(stream, [(":status", "200"), ("cache-control", "max-age=600"), *length])
        peer.send_data(stream, body if is_whole else body[:3000], end_stream=is_whole or self.how == "ended early")
        if self.how == "reset":
            peer.reset_stream(stream, 2)
