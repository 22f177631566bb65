"""Asking the edge for pages of a ScriptedOrigin, and reading what its cache says of the answers."""

import dataclasses
import itertools
import re

from support.cache_origin import Reply, fields, proved
from support.client import Answer, RawClient
from support.h2client import H2Client

_TOKEN = r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*"
_PARAMETER = re.compile(rf'\s*;\s*([a-z*][a-z0-9_\-.*]*)(?:=(?:(-?\d{{1,15}})(?![\d.])|({_TOKEN})|"((?:[ !#-\[\]-~]|\\["\\])*)"))?')
_NAME = re.compile(rf'({_TOKEN})|"((?:[ !#-\[\]-~]|\\["\\])*)"')
_FORWARDS = {"bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"}
_TYPES = {"hit": bool, "fwd": str, "fwd-status": int, "ttl": int, "stored": bool, "collapsed": bool, "key": str, "detail": str}


def parse_cache_status(value: str) -> list:
    """[(cache, {parameter: value})] of a list as RFC 9211 section 2 has it; AssertionError where RFC 8941 forbids the text."""
    members, at = [], 0
    while True:
        name = _NAME.match(value, at)
        assert name, f"no member at {at} of {value!r}"
        at, parameters = name.end(), {}
        while found := _PARAMETER.match(value, at):
            key, number, token, string = found.groups()
            parameters[key] = int(number) if number else token or string if (token or string) is not None else True
            at = found.end()
        members.append((name.group(1) or name.group(2), parameters))
        if at == len(value):
            return members
        comma = re.compile(r"[ \t]*,[ \t]*").match(value, at)
        assert comma, f"neither a parameter nor a member at {at} of {value!r}"
        at = comma.end()


def check_cache_status(parameters: dict):
    """What RFC 9211 says of the parameters of one member."""
    for name, value in parameters.items():
        wanted = _TYPES.get(name)
        assert wanted is None or isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)), (name, value)
    assert ("hit" in parameters) + ("fwd" in parameters) == 1 or "detail" in parameters, f"neither hit nor fwd: {parameters}"
    assert not ("hit" in parameters and "fwd" in parameters), f"hit and fwd exclude each other (2.1): {parameters}"
    assert parameters.get("fwd", "miss") in _FORWARDS, parameters
    for name in ("fwd-status", "stored", "collapsed"):
        assert name not in parameters or "fwd" in parameters, f"{name} without fwd (2.3 to 2.6): {parameters}"


@dataclasses.dataclass
class Reading:
    """An answer with what happened for it. `fetches`: requests that the origin saw meanwhile; `status_of_cache`: our member."""

    answer: Answer
    path: str
    fetches: list
    status_of_cache: dict

    def __getattr__(self, name):
        return getattr(self.answer, name)

    @property
    def version(self) -> int:
        """That of the body, which is checked to be whole proof of its path."""
        return proved(self.answer.body, self.path)

    @property
    def is_hit(self) -> bool:
        return "hit" in self.status_of_cache and not self.fetches

    @property
    def how(self) -> str:
        """"stored", "validated" or "fetched", by what the origin saw and nothing else."""
        if not self.fetches:
            return "stored"
        asked = [name.lower() for name, _ in self.fetches[-1].fields]
        return "validated" if {"if-none-match", "if-modified-since"} & set(asked) else "fetched"


_numbers = itertools.count(1)


class Page:
    """One path of the origin, behind the policy of that name. Each has a path of its own."""

    def __init__(self, site, policy: str, path: str = None):
        self.site, self.host = site, f"{policy}.test"
        self.path = path or f"/p{next(_numbers)}"
        self.script = site.origin.script(self.path)
        self.cuts = 0

    @property
    def requests(self) -> list:
        return self.script.requests

    def answers(self, *replies, **one):
        """Reply objects in turn, or the fields of the only one: answers(cache_control="max-age=60")."""
        self.script.answers(*(replies or [Reply(fields=fields(**one))]))
        return self

    def chooses(self, choose):
        """`choose(request)` returns the Reply."""
        self.script.choose = choose
        return self

    def ask(self, *pairs, method: str = "GET", query: str = "", body: bytes = None, over: str = "h1", host: str = None,
            path: str = None, **named) -> Reading:
        """One request with these fields: ask(("Range", "bytes=0-1")), or ask(range="bytes=0-1")."""
        before = len(self.requests)
        target = (path or self.path) + query
        sent = [*pairs, *fields(**named)]
        answer = (_over_h2 if over == "h2" else _over_h1)(self.site, method, host or self.host, target, sent, body)
        reading = Reading(answer, self.path, self.requests[before:], self.site.own_status(answer))
        self.site.check(reading)
        return reading

    def reading(self, answer: Answer, fetches=()) -> Reading:
        """What another client of the tests received, read as `ask` does."""
        return Reading(answer, self.path, list(fetches), self.site.own_status(answer))

    def stored(self, *pairs, **named) -> Reading:
        """The first request, which must reach the origin."""
        reading = self.ask(*pairs, **named)
        assert reading.fetches, f"answered without asking the origin: {reading.answer}"
        return reading


def request_text(method: str, host: str, target: str, sent, body: bytes = None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in sent)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def _over_h1(site, method, host, target, sent, body) -> Answer:
    with RawClient(site.port) as client:
        return client.request(request_text(method, host, target, sent, body), method)


def _over_h2(site, method, host, target, sent, body) -> Answer:
    with H2Client(site.port) as client:
        lower = [(name.lower(), value) for name, value in sent]
        return client.request(method, target, lower, body or b"", authority=host)


class Site:
    """An origin and the port of the edge before it. `is_peer`: another cache than ours is tried, to find mistakes in the tests."""

    def __init__(self, origin, port: int, is_peer: bool = False):
        self.origin, self.port, self.is_peer = origin, port, is_peer

    def page(self, policy: str = "plain", path: str = None) -> Page:
        return Page(self, policy, path)

    def own_status(self, answer: Answer) -> dict:
        """The parameters of the last member of Cache-Status, which is of the cache nearest to the client (RFC 9211 section 2)."""
        if self.is_peer:
            return {}
        value = ", ".join(answer.all("cache-status"))
        assert value, f"no Cache-Status: {answer.status} {answer.fields}"
        cache, parameters = parse_cache_status(value)[-1]
        assert cache == "headgate", value
        return parameters

    def check(self, reading: Reading):
        """What holds of every answer, whatever is tested."""
        if self.is_peer:
            return
        said = reading.status_of_cache
        check_cache_status(said)
        if reading.fetches and "background" not in said:
            assert "hit" not in said or said.get("ttl", 0) < 0, f"called a hit, but the origin was asked: {said}"
        if "hit" in said:
            assert (reading.field("age") or "").isdigit(), f"a hit without Age (RFC 9111 5.1): {reading.fields}"
            assert len(reading.all("age")) == 1, reading.fields
        if "fwd" in said and reading.status != 504:
            assert reading.fetches or said.get("collapsed"), f"called forwarded, but the origin saw nothing: {said}"
