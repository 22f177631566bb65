"""Request mirroring: another upstream gets copies, and the client never notices."""

import threading

import pytest

from support.client import RawClient, fetch
from support.config import backend, documents, gateway, http_listener, route, rule, upstream
from support.wait import wait_until


def mirror(name: str = "copy", **more) -> dict:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": backend(name), **more}}


@pytest.fixture
def mirrored(headgate, origin, free_port):
    """start(copy_port, **mirror fields) -> (edge, url, origin)"""

    def start(copy_port: int, **more):
        made, port = origin(), free_port()
        config = documents(gateway(http_listener(port)), upstream("origin", made.port), upstream("copy", copy_port),
                           route(rule("origin", filters=[mirror(**more)])))
        return headgate(config), f"http://127.0.0.1:{port}", made

    return start


def test_the_copy_has_the_same_head_and_body(mirrored, origin):
    copy = origin(lambda request: (500, b"from the copy", []))
    _, url, made = mirrored(copy.port)
    answer = fetch(url + "/a?b=1", "-H", "X-Mine: 1", "-d", "body")
    assert answer.status == 200 and b"copy" not in answer.body
    wait_until(lambda: copy.requests, 10, "the copy")
    first, second = made.requests[-1], copy.requests[-1]
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert sorted(first.fields) == sorted(second.fields)
    assert second.body == b"body" and second.field("x-mine") == "1"


def test_a_client_does_not_wait_for_a_copy_that_is_not_answered(mirrored, raw_origin):
    silent = raw_origin(lambda connection: connection.read_until(b"never"))
    _, url, made = mirrored(silent.port)
    for _ in range(3):
        assert fetch(url, timeout_s=5).status == 200
    wait_until(lambda: silent.accepted >= 3, 10, "three copies")


def test_a_client_does_not_wait_for_a_copy_that_does_not_take_its_body(mirrored, raw_origin):
    release = threading.Event()
    stuck = raw_origin(lambda connection: release.wait(30))  # never reads
    _, url, made = mirrored(stuck.port)
    body = b"x" * (8 << 20)
    with RawClient(int(url.rsplit(":", 1)[1])) as client:
        head = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert client.request(head + body).status == 200
    release.set()
    assert made.requests[-1].body == body


def test_a_copy_that_cannot_be_delivered_is_nobodys_problem(mirrored, free_port):
    _, url, made = mirrored(free_port())
    assert fetch(url, "-d", "body").status == 200
    assert made.requests[-1].body == b"body"


def test_a_share_of_nothing_copies_nothing(mirrored, origin):
    copy = origin()
    _, url, _ = mirrored(copy.port, percent=0)
    for _ in range(10):
        assert fetch(url).status == 200
    assert not copy.requests


def test_a_fraction_copies_about_its_share(mirrored, origin):
    copy = origin()
    _, url, _ = mirrored(copy.port, fraction={"numerator": 1, "denominator": 2})
    with RawClient(int(url.rsplit(":", 1)[1])) as client:
        for _ in range(200):
            assert client.request(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").status == 200
    wait_until(lambda: len(copy.requests) > 43, 10, "eight standard deviations below half")
    assert len(copy.requests) < 157
