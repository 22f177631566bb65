"""Load that looks for wrong bodies: an origin whose every body proves whose it is, and clients that check each one they get.

A page has variants by X-A, and an epoch that a change at the origin raises: the version of a body is the epoch that it was made in.
What a client gets must be of its page and variant, whole or visibly cut, and of no epoch before the last change whose
invalidation was complete when the request began.
"""

import collections
import contextlib
import http.client
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request

from support.cache_origin import Reply, ScriptedOrigin, piece
from support.cache_page import parse_cache_status, request_text
from support.client import RawClient
from support.h2client import H2Client
from support.wait import wait_until

VARIANTS = ("a", "b", "c")


class Purger:
    """Purges by every scope through the operators' port. `host`, `name_space`: of the pages of the book, which are tagged."""

    def __init__(self, book, admin_port: int, host: str = "plain.test", name_space: str = "default"):
        self.book, self.admin_port, self.host, self.name_space = book, admin_port, host, name_space

    def __call__(self, chosen: random.Random):
        path, every = chosen.choice(self.book.paths), self.book.paths
        order, paths = chosen.choice([
            ({"url": f"http://{self.host}{path}"}, [path]), ({"tag": path[1:], "namespace": self.name_space}, [path]),
            ({"prefix": f"http://{self.host}{path}"}, [one for one in every if one.startswith(path)]),
            ({"host": self.host}, every), ({"tag": "all", "namespace": self.name_space}, every), ({"namespace": self.name_space}, every),
            ({"everything": True}, every)])
        is_soft = chosen.random() < 0.2
        epochs = self.book.change(paths)
        receipt = self.order({**order, **({"soft": True} if is_soft else {})})
        if receipt and not is_soft:
            self.book.is_invalidated(epochs, is_written_down=receipt["durable"])
        self.book.count("purges" if receipt else "purges without receipt")

    def order(self, order: dict):
        """The receipt; None when nobody answers."""
        text = json.dumps(order).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}/cache/purge", text, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{order}: {refused.code} {refused.read()!r}") from None
        except (OSError, http.client.HTTPException):
            return None


class Book:
    """What is true: the epoch of each page now, and the oldest one that a request that begins now may still get."""

    def __init__(self, seed: int, pages: int, size_max: int):
        self.seed, self.lock = seed, threading.Lock()
        self.paths = [f"/s{number}" for number in range(pages)]
        sizes = [size_max, 3000, 500, 0, 40, 20_000, 1]  # few pages have the sizes in front, which have parts
        self.sizes = {path: sizes[number % len(sizes)] for number, path in enumerate(self.paths)}
        self.epoch = dict.fromkeys(self.paths, 1)
        self.floor = dict.fromkeys(self.paths, 1)
        self.lasting = dict.fromkeys(self.paths, 1)
        self.counts, self.wrong = collections.Counter(), []
        self._history, self._trusts = [], True

    def change(self, paths) -> dict:
        """The origin's side of a change: answers made from now on are of the next epoch."""
        with self.lock:
            for path in paths:
                self.epoch[path] += 1
            return {path: self.epoch[path] for path in paths}

    def is_invalidated(self, epochs: dict, is_written_down: bool = False):
        """The edge has said that what is older is not served any more; written down: not after a kill either."""
        with self.lock:
            for path, epoch in epochs.items():
                if is_written_down:
                    self.lasting[path] = max(self.lasting[path], epoch)
                if is_written_down or self._trusts:
                    self._history.append((time.monotonic(), path, self.floor[path]))
                    self.floor[path] = max(self.floor[path], epoch)

    def doubt_changes_of_the_last(self, seconds: float):
        """The edge is about to be killed, and may not have written them down; nor what follows until `trust_changes`."""
        with self.lock:
            self._trusts = False
            while self._history and self._history[-1][0] > time.monotonic() - seconds:
                _, path, floor = self._history.pop()
                self.floor[path] = max(floor, self.lasting[path])

    def trust_changes(self):
        with self.lock:
            self._trusts = True

    def count(self, what: str):
        with self.lock:
            self.counts[what] += 1

    def report(self, what: str):
        with self.lock:
            self.wrong.append(what)


def key_of(path: str, variant: str) -> str:
    return f"{path}|{variant}"


class StressOrigin(ScriptedOrigin):
    """Serves the pages of a Book: sound, slow, chunked, cut, reset, failing, dropped, in an order that the seed decides."""

    def __init__(self, book: Book, troubles: bool = True):
        self.book, self.troubles, self._random = book, troubles, random.Random(book.seed + 1)
        super().__init__()
        for path in book.paths:
            self.script(path).choose = self._choose

    def _choose(self, request) -> Reply:
        path = request.target.split("?")[0]
        if request.method == "POST":
            epochs = self.book.change([path])
            return Reply(200, (("X-Epoch", str(epochs[path])), ("Cache-Control", "no-store")), b"changed")
        variant = request.field("x-a") or "a"
        with self.book.lock:
            epoch, chance = self.book.epoch[path], self._random.random()
            freshness = self._random.choice(["max-age=600", "max-age=1", "s-maxage=30", "max-age=600", "max-age=1, stale-while-revalidate=30",
                                             "max-age=0", "max-age=1, stale-if-error=30", "no-cache"])
        size = self.book.sizes[path]
        sound = Reply(fields=(("Cache-Control", freshness), ("Vary", "X-A"), ("ETag", f'"{epoch}-{variant}"'), ("Cache-Tag", f"all {path[1:]}"),
                              ("Accept-Ranges", "bytes")),
                      body=piece(key_of(path, variant), epoch, 0, size), validates=True, ranges=True)
        return self._troubled(sound, chance, size) if self.troubles else sound

    def _troubled(self, sound: Reply, chance: float, size: int) -> Reply:
        if chance < 0.05:
            return Reply(503, (("Cache-Control", "no-store"),), b"down")
        if chance < 0.08:
            return Reply(dropped=True)
        if chance < 0.16 and size > 100:
            sound.cut_at, sound.reset, sound.validates, sound.ranges = int(size * chance * 5), chance < 0.11, False, False
            sound.chunked = chance > 0.13
        elif chance < 0.3:
            sound.chunked, sound.ranges = True, False
        elif chance < 0.4:
            gate = threading.Event()
            threading.Timer((chance - 0.3) / 2, gate.set).start()
            sound.held_half = gate
        return sound


class StressClient(threading.Thread):
    """Asks for random pages in random ways until `until` (monotonic), and reports to the book what is wrong.

    A `patient` one tries again where nobody listens, for a while.
    """

    patient = False

    def __init__(self, book: Book, port: int, number: int, until: float, host: str = "plain.test", purge=None):
        super().__init__(daemon=True)
        self.book, self.port, self.until, self.host, self.purge = book, port, until, host, purge
        self.random, self.connection, self.tags = random.Random(book.seed * 1000 + number), None, {}

    def run(self):
        try:
            while time.monotonic() < self.until and not self.book.wrong:
                self._once()
        except Exception as error:  # a thread that dies unseen would be load that is not there
            self.book.report(f"{type(self).__name__}: {error!r}")
        finally:
            self.close()

    def _connected(self, kind):
        def connected():
            try:
                return kind(self.port, timeout_s=60)
            except ConnectionError:
                if not self.patient:
                    raise
                return None

        return wait_until(connected, timeout_s=30, what=f"somebody listens on {self.port}")

    def _once(self):
        path, variant, chance = self.random.choice(self.book.paths), self.random.choice(VARIANTS), self.random.random()
        if chance < 0.02:
            return self._change(path)
        sent, method = [("X-A", variant)], "GET"
        size = self.book.sizes[path]
        if chance < 0.2 and size > 1:
            sent.append(("Range", self._ranges(size)))
        elif chance < 0.3:
            sent.append(("If-None-Match", self.tags.get((path, variant), '"0-x"')))
        elif chance < 0.35:
            method = "HEAD"
        elif chance < 0.38:
            sent.append(("Cache-Control", "no-cache"))
        elif chance < 0.44:
            return self._leave(path, sent)
        floor = self.book.floor[path]
        answer = self.ask(method, path, sent)
        if answer is None:
            return self.book.count("cut")
        self._check(answer, method, path, variant, dict(sent), floor)

    def _ranges(self, size: int) -> str:
        def one():
            first = self.random.randrange(size)
            return self.random.choice([f"{first}-{self.random.randrange(first, size + 10)}", f"{first}-", f"-{first + 1}"])
        return "bytes=" + ",".join(one() for _ in range(self.random.choice([1, 1, 1, 3])))

    def _change(self, path: str):
        if self.purge and self.random.random() < 0.5:
            return self.purge(self.random)
        answer = self.ask("POST", path, [], b"change")
        if answer is not None and answer.status == 200:
            self.book.is_invalidated({path: int(answer.field("x-epoch"))})
            self.book.count("changes")

    def _check(self, answer, method, path, variant, sent, floor):
        said = parse_cache_status(", ".join(answer.all("cache-status")))[-1][1] if answer.all("cache-status") else {}
        self.book.count("hits" if "hit" in said else said.get("fwd", "unsaid"))
        for name in ("collapsed", "stored"):
            if name in said:
                self.book.count(name)
        self.book.count(f"status {answer.status}")
        if answer.status in (502, 503, 504):
            return
        try:
            epoch = self._epoch_of(answer, method, path, variant, sent)
            with self.book.lock:
                newest = self.book.epoch[path]
            assert epoch is None or floor <= epoch <= newest, f"epoch {epoch}, but it must be from {floor} to {newest}"
        except AssertionError as wrong:
            self.book.report(f"{method} {path} {sent} -> {answer.status} {answer.fields}: {wrong}")

    def _epoch_of(self, answer, method, path, variant, sent):
        """The epoch that the answer is of; AssertionError when it is of another page, variant or shape."""
        size, key = self.book.sizes[path], key_of(path, variant)
        if answer.status == 416:
            assert answer.field("content-range") == f"bytes */{size}" and "Range" in sent
            return None
        tag = answer.field("etag")
        named = re.fullmatch(r'"(\d+)-([abc])"', tag or "")
        assert named and named.group(2) == variant, f"the tag {tag} of another variant"
        epoch = int(named.group(1))
        if answer.status == 304:
            assert sent.get("If-None-Match") == tag, "304 about another tag"
        elif answer.status == 200 and method == "HEAD":
            assert answer.field("content-length") in (None, str(size))
        elif answer.status == 200:
            assert answer.body == piece(key, epoch, 0, size), f"{len(answer.body)} of {size} bytes: {answer.body[:100]!r}"
            self.tags[path, variant] = tag
        else:
            assert answer.status == 206 and "Range" in sent, "not asked for"
            for first, last, body in parts_of(answer):
                assert last < size and body == piece(key, epoch, first, last - first + 1), f"part {first}-{last}: {body[:100]!r}"
        return epoch


def parts_of(answer) -> list:
    """[(first, last, bytes)] of a 206."""
    parsed = re.match(r"bytes (\d+)-(\d+)/", answer.field("content-range") or "")
    if parsed:
        first, last = map(int, parsed.groups())
        assert len(answer.body) == last - first + 1, f"{len(answer.body)} bytes for {first}-{last}"
        return [(first, last, answer.body)]
    mark = re.search(r'boundary="?([^";]+)', answer.field("content-type") or "")
    assert mark, "a 206 without Content-Range and boundary"
    pieces = answer.body.split(b"--" + mark.group(1).encode())
    assert len(pieces) > 2 and pieces[-1].startswith(b"--"), "the parts do not end"
    parts = []
    for one in pieces[1:-1]:
        head, _, body = one.partition(b"\r\n\r\n")
        first, last = map(int, re.search(rb"bytes (\d+)-(\d+)/", head).groups())
        assert len(body) == last - first + 3 and body.endswith(b"\r\n")
        parts.append((first, last, body[:-2]))
    return parts


class H1Stress(StressClient):
    def ask(self, method, path, sent, body=None):
        """The answer, or None when it was cut so that a client sees it."""
        self.connection = self.connection or self._connected(RawClient)
        try:
            answer = self.connection.request(request_text(method, self.host, path, sent, body), method)
        except (EOFError, ConnectionError, ValueError):
            return self.close()
        has_frame = answer.field("content-length") or answer.field("transfer-encoding") or answer.status in (204, 304)
        if not has_frame and method != "HEAD":
            self.book.report(f"{method} {path}: framed by the end of the connection: {answer.fields}")
        if (answer.field("connection") or "").lower() == "close":
            self.close()
        return answer

    def _leave(self, path, sent):
        """Reads a little and goes."""
        with self._connected(RawClient) as client, contextlib.suppress(OSError):
            client.send(request_text("GET", self.host, path, sent))
            if self.random.random() < 0.5:
                client.sock.recv(1000)
        self.book.count("left")

    def close(self):
        if self.connection:
            self.connection.sock.close()
            self.connection = None


class H2Stress(StressClient):
    def _ready(self):
        """A connection that takes requests: an edge says goodbye to a client that resets many streams at once."""
        if self.connection and (self.connection.goaway or self.connection.closed):
            self.close()
        self.connection = self.connection or self._connected(H2Client)

    def ask(self, method, path, sent, body=None):
        try:
            self._ready()
            lower = [(name.lower(), value) for name, value in sent]
            stream = self.connection.open(method, path, lower, end=body is None, authority=self.host)
            if body is not None:
                self.connection.send_data(stream, body, end=True)
            return self.connection.answer(stream)
        except (EOFError, OSError):
            self.close()
        except AssertionError as reset:
            if "was reset" not in str(reset):
                raise
        return None

    def _leave(self, path, sent):
        try:
            self._ready()
            stream = self.connection.open("GET", path, [(name.lower(), value) for name, value in sent], authority=self.host)
            self.connection.h2.reset_stream(stream, 8)
            self.connection.flush()
        except (EOFError, OSError):
            self.close()
        self.book.count("left")

    def close(self):
        if self.connection:
            self.connection.raw.sock.close()
            self.connection = None
