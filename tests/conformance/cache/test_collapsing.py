"""One fetch for many: collapsed forwarding (RFC 9111 section 4, RFC 9211 section 2.6) that streams."""

import threading

import pytest

from support.cache_config import cached_edge
from support.cache_crowd import Crowd
from support.cache_origin import Reply, ScriptedOrigin, fields, http_date, proved
from support.cache_page import Site, request_text
from support.h2client import H2Client
from support.wait import wait_until

pytestmark = pytest.mark.ours
POLICIES = {"strip": {"setCookie": "Strip"}}
CACHED = fields(cache_control="max-age=600")


def crowd_at(cache, page, count: int, *sent, query: str = ""):
    return Crowd(cache.port, [request_text("GET", page.host, page.path + query, sent)] * count)


def held(page, **reply):
    """The page answers when the returned event is set."""
    gate = threading.Event()
    page.answers(Reply(**{"fields": CACHED, **reply}, held=gate))
    return gate


def half_held(page, size: int, **reply):
    gate = threading.Event()
    page.answers(Reply(**{"fields": CACHED, **reply}, size=size, held_half=gate))
    return gate


def test_a_thousand_clients_of_one_cold_object_are_one_request_to_the_origin(cache):
    page = cache.page()
    gate = held(page, size=20_000)
    with crowd_at(cache, page, 1000) as crowd:
        crowd.send()
        wait_until(lambda: page.requests, 20, "the fetch")
        gate.set()
        crowd.read_all()
        for client in crowd.clients:
            assert client.answer().status == 200 and proved(client.body(), page.path) == 1 and len(client.body()) == 20_000
    assert len(page.requests) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_those_who_wait_read_while_it_fills(cache, chunked):
    page = cache.page()
    gate = half_held(page, 400_000, chunked=chunked)
    with crowd_at(cache, page, 20) as crowd:
        crowd.send()
        crowd.read_until(lambda: all(len(client.body()) >= 190_000 for client in crowd.clients), what="the first half, for everybody")
        assert not any(client.is_done() for client in crowd.clients)
        with crowd_at(cache, page, 5) as late:
            late.send()
            late.read_until(lambda: all(len(client.body()) >= 190_000 for client in late.clients), what="the first half, for who came late")
            gate.set()
            late.read_all()
            crowd.read_all()
            if not chunked:
                assert all(proved(client.body(), page.path) == 1 and len(client.body()) == 400_000 for client in crowd.clients + late.clients)
    assert len(page.requests) == 1
    assert page.ask().version == 1


def test_over_http2_those_who_wait_share_the_fetch_of_http1(cache):
    page = cache.page()
    gate = half_held(page, 100_000)
    with crowd_at(cache, page, 3) as crowd, H2Client(cache.port) as client:
        crowd.send()
        wait_until(lambda: page.requests, 20, "the fetch")
        streams = [client.open("GET", page.path, authority=page.host) for _ in range(10)]
        client.wait(lambda: all(len(client.answers[s].body) >= 49_000 for s in streams if s in client.answers) and len(client.answers) == 10)
        gate.set()
        assert {proved(client.answer(stream).body, page.path) for stream in streams} == {1}
        crowd.read_all()
    assert len(page.requests) == 1


def test_different_variants_are_fetched_each_for_itself(cache):
    page = cache.page()
    page.chooses(lambda request: Reply(fields=fields(cache_control="max-age=600", vary="X-A"), held=gate))
    gate = threading.Event()
    requests = [request_text("GET", page.host, page.path, [("X-A", str(n % 4))]) for n in range(40)]
    with Crowd(cache.port, requests) as crowd:
        crowd.send()
        wait_until(lambda: page.requests, 20, "the first fetch")
        gate.set()
        crowd.read_all()
        versions = {}
        for n, client in enumerate(crowd.clients):
            versions.setdefault(n % 4, set()).add(proved(client.body(), page.path))
    assert all(len(of_one) == 1 for of_one in versions.values()), versions
    assert len(set.union(*versions.values())) == 4 == len(page.requests)


def test_different_urls_do_not_wait_for_each_other(cache):
    slow, quick = cache.page(), cache.page().answers(cache_control="max-age=600")
    gate = held(slow)
    with crowd_at(cache, slow, 3) as crowd:
        crowd.send()
        wait_until(lambda: slow.requests, 20, "the fetch")
        assert quick.ask().version == 1
        gate.set()
        crowd.read_all()


@pytest.mark.parametrize("reply", [{"fields": fields(cache_control="no-store")}, {"fields": fields(cache_control="private")},
                                   {"fields": fields(cache_control="max-age=600", set_cookie="a=1")}, {"status": 503, "fields": ()}])
def test_an_outcome_that_is_for_one_alone_releases_all_at_once(cache, reply):
    page = cache.page()
    first, others = threading.Event(), threading.Event()
    page.chooses(lambda request: Reply(**reply, held=first if len(page.requests) == 1 else others))
    with crowd_at(cache, page, 30) as crowd:
        crowd.send()
        wait_until(lambda: page.requests, 20, "the first fetch")
        first.set()
        wait_until(lambda: len(page.requests) == 30, 20, "everybody's own request, beside the others")
        others.set()
        crowd.read_all()
        versions = [proved(client.body(), page.path) for client in crowd.clients]
        assert len(set(versions)) == 30, "nobody got what is another's"


def test_that_an_outcome_was_for_one_alone_is_remembered(cache):
    page = cache.page().answers(cache_control="no-store")
    page.stored()
    others = held(page, fields=fields(cache_control="no-store"))
    with crowd_at(cache, page, 10) as crowd:
        crowd.send()
        wait_until(lambda: len(page.requests) == 11, 20, "ten requests beside each other, without waiting for the first of them")
        others.set()
        crowd.read_all()


def test_what_was_for_one_alone_can_be_stored_when_that_changes(cache):
    page = cache.page().answers(cache_control="no-store")
    page.stored()
    page.answers(cache_control="max-age=600")
    page.ask()
    assert page.ask().how == "stored"


@pytest.mark.parametrize("when", ["before the head", "within the body"])
def test_when_the_first_client_leaves_the_others_still_get_everything(cache, when):
    page = cache.page()
    gate = held(page, size=200_000) if when == "before the head" else half_held(page, 200_000)
    with crowd_at(cache, page, 10) as crowd:
        leader = crowd.clients[0]
        crowd.send([leader])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[1:])
        if when == "within the body":
            crowd.read_until(lambda: all(len(client.body()) >= 90_000 for client in crowd.clients), what="half of it")
        crowd.leave(leader)
        gate.set()
        crowd.read_all()
        versions = {proved(client.body(), page.path) for client in crowd.clients}
        assert len(versions) == 1 and all(len(client.body()) == 200_000 for client in crowd.clients)
    assert len(page.requests) <= 2
    if when == "within the body":
        assert len(page.requests) == 1, "the fetch goes on for the others"


def test_when_all_clients_leave_the_next_one_still_gets_everything(cache):
    page = cache.page()
    gate = half_held(page, 200_000)
    with crowd_at(cache, page, 5) as crowd:
        crowd.send()
        crowd.read_until(lambda: all(len(client.body()) >= 90_000 for client in crowd.clients), what="half of it")
        for client in list(crowd.clients):
            crowd.leave(client)
    gate.set()
    reading = page.ask()
    assert len(reading.body) == 200_000 and reading.version >= 1


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_rfc9111_s3_3_when_the_origin_fails_within_the_body_everybody_is_cut_and_nothing_is_stored(cache, reset, chunked):
    page = cache.page()
    gate = half_held(page, 200_000, cut_at=150_000, reset=reset, chunked=chunked)
    with crowd_at(cache, page, 20) as crowd:
        crowd.send()
        crowd.read_until(lambda: all(len(client.body()) >= 60_000 for client in crowd.clients), what="the beginning")
        gate.set()
        crowd.read_until(lambda: all(client.ended for client in crowd.clients), what="the end of all connections")
        for client in crowd.clients:
            assert len(client.body()) < 200_000 and not client.body().endswith(b"0\r\n\r\n")
    assert len(page.requests) == 1
    page.answers(Reply(fields=CACHED, size=200_000))
    reading = page.ask()
    assert reading.how == "fetched" and reading.version == 2 and len(reading.body) == 200_000


def test_when_the_origin_drops_the_fetch_nobody_hangs(cache):
    page = cache.page()
    gate = threading.Event()
    page.answers(Reply(dropped=True, held=gate))
    with crowd_at(cache, page, 20) as crowd:
        crowd.send()
        wait_until(lambda: page.requests, 20, "the fetch")
        gate.set()
        crowd.read_all()
        assert all(client.answer().status in (502, 503, 504) for client in crowd.clients)


def test_a_validation_is_one_for_all_who_wait(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True))
    first = page.stored()
    gate = threading.Event()
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True, held=gate))
    with crowd_at(cache, page, 20) as crowd:
        crowd.send()
        wait_until(lambda: len(page.requests) == 2, 20, "the validation")
        gate.set()
        crowd.read_all()
        assert all(client.body() == first.body for client in crowd.clients)
    assert len(page.requests) == 2


def test_each_who_waits_gets_the_shape_that_he_asked_for(cache):
    page = cache.page()
    gate = held(page, fields=fields(cache_control="max-age=600", etag='"a"', last_modified=http_date(-86400)), size=1000)
    texts = [request_text("GET", page.host, page.path, sent) for sent in (
        (), [("Range", "bytes=100-199")], [("If-None-Match", '"a"')], [("Range", "bytes=5000-")])]
    with Crowd(cache.port, [texts[0]] * 3 + texts) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[1:])
        gate.set()
        crowd.read_until(lambda: all(b"\r\n\r\n" in client.data for client in crowd.clients))
        plain, part, unchanged, beyond = (client.answer() for client in crowd.clients[3:])
    assert [a.status for a in (plain, part, unchanged, beyond)] == [200, 206, 304, 416]
    assert len(page.requests) == 1


def test_requests_that_must_not_share_do_not_wait(cache):
    page = cache.page()
    gate = held(page)
    texts = [request_text("GET", page.host, page.path, sent) for sent in ((), [("Cache-Control", "no-store")], [("Authorization", "x")])]
    texts.append(request_text("POST", page.host, page.path, (), b"x"))
    with Crowd(cache.port, texts) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[3:])
        wait_until(lambda: any(request.method == "POST" for request in page.requests), 20, "the POST, beside the fetch")
        gate.set()
        crowd.send(crowd.clients[1:3])
        crowd.read_all()


PERSONAL = {"Set-Cookie": ("strip", "max-age=600"), "X-Own": ("plain", 'max-age=600, private="x-own"'), "X-Hop": ("plain", "max-age=600")}


@pytest.mark.parametrize("name", PERSONAL)
def test_rfc9111_s5_2_2_7_what_is_the_first_ones_own_does_not_go_to_those_who_wait(cache, name):
    policy, control = PERSONAL[name]
    page = cache.page(policy)
    gate = held(page, fields=(("Cache-Control", control), (name, "secret=1"), ("Connection", "X-Hop")))
    with crowd_at(cache, page, 10) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[1:])
        gate.set()
        crowd.read_all()
        got = [client.answer().field(name) for client in crowd.clients]
    assert len(page.requests) == 1 and got[1:] == [None] * 9
    assert got[0] == (None if name == "X-Hop" else "secret=1")


def test_rfc9111_s7_3_a_cookie_in_a_304_does_not_go_to_those_who_wait_for_it(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True))
    page.stored()
    gate = threading.Event()
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True, held=gate,
                       fields_304=fields(set_cookie="secret=1")))
    with crowd_at(cache, page, 10) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: len(page.requests) == 2, 20, "the validation")
        crowd.send(crowd.clients[1:])
        gate.set()
        crowd.read_all()
        with_cookie = [client for client in crowd.clients if client.answer().field("set-cookie")]
        assert len(with_cookie) <= len(page.requests) - 1, "each cookie was made for one request"


TOKEN = ("Authorization", "Bearer one")


@pytest.mark.parametrize("leader, other", [([TOKEN], []), ([], [TOKEN]), ([TOKEN], [("Authorization", "Bearer two")])])
def test_rfc9111_s3_5_who_waits_does_not_get_what_another_ones_credentials_fetched(cache, leader, other):
    page = cache.page()
    gate = threading.Event()
    page.chooses(lambda request: Reply(fields=CACHED, held=gate, body=b"for " + (request.field("authorization") or "nobody").encode()))
    with Crowd(cache.port, [request_text("GET", page.host, page.path, sent) for sent in [leader] + [other] * 5]) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[1:])
        gate.set()
        crowd.read_all()
        bodies = [client.body() for client in crowd.clients]
    assert bodies[0] == (b"for Bearer one" if leader else b"for nobody")
    own = b"for " + (other[0][1].encode() if other else b"nobody")
    assert all(body == own or not leader and body == b"for nobody" for body in bodies[1:]), bodies


def test_rfc9111_s3_5_a_validation_with_credentials_does_not_put_its_answer_into_the_store(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"')))
    page.stored()
    page.chooses(lambda request: Reply(fields=CACHED, body=b"for " + (request.field("authorization") or "nobody").encode()))
    assert page.ask(TOKEN).body == b"for Bearer one"
    assert page.ask().body == b"for nobody"


def test_a_head_and_an_old_client_who_wait_for_a_get_get_their_shape(cache):
    page = cache.page()
    gate = half_held(page, 50_000, chunked=True)
    head = request_text("HEAD", page.host, page.path, ())
    old = b"GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (page.path.encode(), page.host.encode())
    with Crowd(cache.port, [request_text("GET", page.host, page.path, ()), head, old]) as crowd:
        crowd.send(crowd.clients[:1])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.send(crowd.clients[1:])
        gate.set()
        crowd.read_until(lambda: crowd.clients[2].ended and b"\r\n\r\n" in crowd.clients[1].data)
        assert crowd.clients[1].body() == b""
        assert b"chunked" not in crowd.clients[2].data.lower() and proved(crowd.clients[2].body(), page.path) == 1
        assert len(crowd.clients[2].body()) == 50_000
    assert len(page.requests) == 1


def test_a_slow_reader_does_not_hold_up_the_others(cache):
    page = cache.page()
    page.answers(Reply(fields=CACHED, size=8_000_000))
    with crowd_at(cache, page, 2) as crowd:
        slow, quick = crowd.clients
        crowd.send([slow])
        wait_until(lambda: page.requests, 20, "the fetch")
        crowd.stop_reading(slow)
        crowd.send([quick])
        crowd.read_until(quick.is_done, 60, "the whole, for the quick one")
        assert proved(quick.body(), page.path) == 1
        crowd.read_again(slow)
        crowd.read_all()
        assert proved(slow.body(), page.path) == 1
    assert len(page.requests) == 1


@pytest.mark.scale
@pytest.mark.parametrize("workers", [2, 4])
def test_a_thousand_clients_over_several_workers_are_one_request_to_the_origin(headgate, free_port, workers):
    origin, port = ScriptedOrigin(), free_port()
    try:
        headgate(cached_edge(port, origin.port, {"plain": {}}), workers=workers)
        for _ in range(3):
            test_a_thousand_clients_of_one_cold_object_are_one_request_to_the_origin(Site(origin, port))
    finally:
        origin.close()
