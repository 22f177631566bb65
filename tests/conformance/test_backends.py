"""HTTPRoute: shares of backends, rules that have none, and time-outs."""

import collections
import math
import threading
import time

import pytest

from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.origin import read_request, response

REQUESTS = 1200


def resources(world) -> str:
    ref = "group: headgate.io, kind: Upstream, name"
    return documents(gateway(http_listener(world.port)), f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: weights}}
spec:
  parentRefs: [{{name: edge}}]
  rules:
  - matches: [{{path: {{value: /weights}}}}]
    backendRefs: [{{{ref}: v1, weight: 70}}, {{{ref}: v2, weight: 30}}, {{{ref}: v3, weight: 0}}]
  - {{matches: [{{path: {{value: /none}}}}]}}
  - {{matches: [{{path: {{value: /zero}}}}], backendRefs: [{{{ref}: v1, weight: 0}}]}}
""")


def test_backends_get_their_share_within_what_chance_allows(world):
    seen = collections.Counter()
    with RawClient(world.port) as client:
        for _ in range(REQUESTS):
            answer = client.request(b"GET /weights HTTP/1.1\r\nHost: a.example\r\n\r\n")
            assert answer.status == 200
            seen[answer.body.split(b'"')[3].decode()] += 1
    # Five standard deviations: a right edge fails once in a million runs.
    bound = 5 * math.sqrt(REQUESTS * 0.7 * 0.3)
    assert abs(seen["v1"] - 0.7 * REQUESTS) < bound and seen["v3"] == 0 and seen["v1"] + seen["v2"] == REQUESTS


@pytest.mark.parametrize("target", ["/none", "/zero"])
def test_a_rule_without_anybody_to_send_to_answers_500(world, target):
    assert world.ask(target).status == 500


def slow_edge(port: int, origin_port: int) -> str:
    return documents(gateway(http_listener(port)), upstream("slow", origin_port, outlierDetection={"enabled": False}), route(
        rule("slow", path="/request", timeouts={"request": "500ms"}),
        rule("slow", path="/backend", timeouts={"backendRequest": "300ms"}, retry={"attempts": 0}),
        rule("slow", path="/both", timeouts={"request": "400ms", "backendRequest": "400ms"}),
        rule("slow", path="/off", timeouts={"request": "0s", "backendRequest": "0s"})))


@pytest.fixture
def slow(headgate, raw_origin, free_port):
    """(ask(target), release): a backend that answers heads once `release` is set, and a body never ends under /request/body."""
    release = threading.Event()

    def serve(connection):
        while True:
            request = read_request(connection)
            if request.target.endswith("/body"):
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
            release.wait(30)
            connection.send(response(body=b"late"))

    origin, port = raw_origin(serve), free_port()
    headgate(slow_edge(port, origin.port))
    yield port, release
    release.set()


def timed(port: int, target: str):
    began = time.monotonic()
    with RawClient(port) as client:
        answer = client.request(f"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n".encode())
    return answer.status, time.monotonic() - began


@pytest.mark.parametrize("target, limit_s", [("/request", 0.5), ("/backend", 0.3), ("/both", 0.4)])
def test_a_backend_that_is_too_slow_is_answered_for_with_504(slow, target, limit_s):
    port, _ = slow
    status, took_s = timed(port, target)
    assert status == 504
    assert took_s >= limit_s * 0.95, "given up too early"
    assert took_s < limit_s + 5, "given up too late"


def test_a_response_that_outlives_the_request_timeout_is_cut(slow):
    port, _ = slow
    with RawClient(port) as client:
        with pytest.raises((EOFError, ConnectionError)):
            client.request(b"GET /request/body HTTP/1.1\r\nHost: a.example\r\n\r\n")


def test_the_time_of_a_backend_ends_with_its_head(slow):
    port, release = slow
    with RawClient(port) as client:
        client.send(b"GET /backend/body HTTP/1.1\r\nHost: a.example\r\n\r\n")
        client.read_until(b"begun")
        client.sock.settimeout(1)
        with pytest.raises(TimeoutError):  # it goes on although 300 ms are long over
            client.read_exactly(95)


def test_no_timeout_waits(slow):
    port, release = slow
    threading.Timer(0.7, release.set).start()
    assert timed(port, "/off")[0] == 200


def test_the_late_answer_of_a_backend_that_was_given_up_reaches_nobody(headgate, raw_origin, free_port):
    second_came, first_answered = threading.Event(), threading.Event()

    def serve(connection):
        name = read_request(connection).target.rsplit("/", 1)[1]
        if name == "first":
            second_came.wait(30)
            connection.send(response(body=b"first"))
            first_answered.set()
        else:
            second_came.set()
            first_answered.wait(30)
            connection.send(response(body=b"second"))

    origin, port = raw_origin(serve), free_port()
    headgate(slow_edge(port, origin.port))
    assert timed(port, "/backend/first")[0] == 504
    with RawClient(port) as client:
        answer = client.request(b"GET /off/second HTTP/1.1\r\nHost: a.example\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"second")
