"""The cache beside the other parts of the edge: access, limits, compression, CORS, filters, listeners, changes of configuration."""

import gzip

import pytest

from support.cache_config import cache_policy, cached_edge
from support.cache_origin import Reply, ScriptedOrigin, fields
from support.cache_page import Site, request_text
from support.client import RawClient
from support.config import backend, documents, gateway, http_listener, https_listener, route, rule, tls_secret, upstream
from support.h2client import H2Client
from support.traps import SWITCH, UPGRADE, policy
from support.wait import wait_until

pytestmark = pytest.mark.ours
POLICIES = {"guarded": {}, "denied": {}, "limited": {}, "packed": {}, "shared": {}, "edited": {}, "rewritten": {}, "one": {}, "two": {}}
RULES = {
    "shared": {"filters": [{"type": "CORS", "cors": {"allowOrigins": ["https://a.example", "https://b.example"]}}]},
    "edited": {"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-Set", "value": "1"}], "remove": ["X-Gone"]}}]},
    "rewritten": {"filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/inner"}}}]},
}


def of_route(kind: str, name: str, **spec) -> dict:
    return policy(kind, spec, name, "HTTPRoute", name)


RESOURCES = [
    of_route("AccessPolicy", "guarded", apiKeys={"header": "X-Key", "secretRefs": [{"name": "keys"}]}),
    of_route("AccessPolicy", "denied", deny=["127.0.0.2/32"]),
    of_route("RateLimit", "limited", limits=[{"name": "few", "requests": 3, "period": "1h"}]),
    of_route("TrafficPolicy", "packed", compression={"algorithms": ["gzip"]}),
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "default"}, "type": "Opaque",
     "stringData": {"alice": "a" * 32, "bob": "b" * 32}},
]
ALICE, BOB = ("X-Key", "a" * 32), ("X-Key", "b" * 32)


def raw(cache, page, *sent, method="GET", **options):
    with RawClient(cache.port, **options) as client:
        return client.request(request_text(method, page.host, page.path, sent), method)


# --- access and limits

def test_what_is_stored_is_given_to_nobody_who_may_not_come_in(cache):
    page = cache.page("guarded").answers(cache_control="public, max-age=600")
    page.stored(ALICE)
    assert page.ask(BOB).how == "stored"
    for sent in ([], [("X-Key", "c" * 32)]):
        assert raw(cache, page, *sent).status == 401
    assert len(page.requests) == 1


def test_an_address_that_is_denied_gets_nothing_from_the_store(cache):
    page = cache.page("denied").answers(cache_control="public, max-age=600")
    page.stored()
    assert raw(cache, page, source="127.0.0.2").status == 403


@pytest.mark.parametrize("control, shared", [("max-age=600", False), ("public, max-age=600", True), ("s-maxage=600", True)])
def test_rfc9111_s3_5_what_one_who_is_known_to_the_origin_got_is_shared_only_when_told(cache, control, shared):
    page = cache.page("guarded").answers(cache_control=control)
    page.stored(ALICE)
    assert (page.ask(BOB).how == "stored") is shared


def test_a_limit_of_requests_counts_answers_from_the_store_too(cache):
    page = cache.page("limited").answers(cache_control="max-age=600")
    assert [raw(cache, page).status for _ in range(5)] == [200, 200, 200, 429, 429]


# --- compression

TEXT = b"the same words again and again, " * 400


@pytest.mark.parametrize("order", [("gzip", None), (None, "gzip"), ("gzip", "identity")])
def test_each_client_gets_the_coding_that_he_can_read_from_one_entry(cache, order):
    page = cache.page("packed").answers(Reply(fields=fields(cache_control="max-age=600", content_type="text/plain", etag='"a"'), body=TEXT))
    for accepted in order * 2:
        answer = page.ask(*([("Accept-Encoding", accepted)] if accepted else []))
        body = gzip.decompress(answer.body) if answer.field("content-encoding") == "gzip" else answer.body
        assert body == TEXT and (answer.field("content-encoding") == "gzip") == (accepted == "gzip")
        assert "accept-encoding" in (answer.field("vary") or "").lower()
    assert len(page.requests) == 1


def test_rfc9110_s8_8_3_a_coded_answer_and_a_plain_one_do_not_share_a_strong_tag(cache):
    page = cache.page("packed").answers(Reply(fields=fields(cache_control="max-age=600", content_type="text/plain", etag='"a"'), body=TEXT))
    page.stored()
    coded, plain = page.ask(accept_encoding="gzip"), page.ask()
    assert plain.field("etag") == '"a"' and coded.field("etag") != '"a"'
    assert page.ask(accept_encoding="gzip", if_none_match=coded.field("etag")).status == 304
    part = page.ask(accept_encoding="gzip", range="bytes=0-99", if_range='"a"')
    assert part.status == 206 and part.body == TEXT[:100] and part.field("content-encoding") is None


def test_what_the_origin_coded_itself_is_kept_by_its_vary(cache):
    def choose(request):
        is_gzip = "gzip" in (request.field("accept-encoding") or "")
        return Reply(fields=fields(cache_control="max-age=600", vary="Accept-Encoding", **({"content_encoding": "gzip"} if is_gzip else {})),
                     body=gzip.compress(TEXT, mtime=0) if is_gzip else TEXT)

    page = cache.page().chooses(choose)
    for accepted in ("gzip", None, "gzip", None, "br"):
        answer = page.ask(*([("Accept-Encoding", accepted)] if accepted else []))
        assert (gzip.decompress(answer.body) if answer.field("content-encoding") == "gzip" else answer.body) == TEXT
        assert (answer.field("content-encoding") == "gzip") == (accepted == "gzip")


# --- filters of the route

def test_cors_fields_are_those_of_each_request_and_not_of_the_first(cache):
    page = cache.page("shared").answers(cache_control="max-age=600")
    assert page.stored(origin="https://a.example").field("access-control-allow-origin") == "https://a.example"
    second = page.ask(origin="https://b.example")
    assert second.how == "stored" and second.field("access-control-allow-origin") == "https://b.example"
    assert page.ask(origin="https://evil.example").field("access-control-allow-origin") is None
    assert page.ask().field("access-control-allow-origin") is None


def test_edits_of_response_fields_hold_once_for_misses_and_hits_alike(cache):
    page = cache.page("edited").answers(cache_control="max-age=600", x_gone="1", x_set="0")
    for how in ("fetched", "stored"):
        reading = page.ask()
        assert (reading.how, reading.all("x-set"), reading.field("x-gone")) == (how, ["1"], None)


def test_the_key_is_of_the_url_that_the_client_asked_for(cache):
    page = cache.page("rewritten")
    inner = cache.origin.script("/inner" + page.path)
    inner.answers(Reply(fields=fields(cache_control="max-age=600")))
    first = raw(cache, page)
    assert first.status == 200 and raw(cache, page).body == first.body
    assert len(inner.requests) == 1
    other = cache.page("one", "/inner" + page.path)
    assert other.ask().fetches, "the same path at the origin, for another host"


def test_routes_of_one_origin_keep_apart_what_their_hosts_keep_apart(cache):
    one = cache.page("one").answers(cache_control="max-age=600")
    two = cache.page("two", one.path)
    assert one.ask().version != two.ask().version


# --- protocols and listeners

def test_rfc9112_s7_1_an_http10_client_gets_no_chunks_from_the_store(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600"), chunked=True, size=5000))
    first = page.stored()
    with RawClient(cache.port) as client:
        data = client.send(b"GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (page.path.encode(), page.host.encode())).read_to_end()
    head, _, body = data.partition(b"\r\n\r\n")
    assert body == first.body and b"chunked" not in head.lower()
    assert len(page.requests) == 1


def test_rfc9112_s9_3_2_pipelined_hits_and_misses_are_answered_in_order(cache):
    kept, new = cache.page().answers(cache_control="max-age=600"), cache.page().answers(cache_control="max-age=600")
    first = kept.stored()
    with RawClient(cache.port) as client:
        client.send(b"".join(request_text(method, page.host, page.path, ()) for method, page in
                             (("GET", kept), ("GET", new), ("HEAD", kept), ("GET", new), ("GET", kept))))
        answers = [client.read_response(method) for method in ("GET", "GET", "HEAD", "GET", "GET")]
    assert [a.status for a in answers] == [200] * 5 and answers[0].body == answers[4].body == first.body
    assert answers[1].body == answers[3].body != first.body
    assert len(kept.requests) == len(new.requests) == 1


def test_a_protocol_switch_is_none_of_the_caches_business(cache, raw_origin, headgate, free_port):
    def switch(connection):
        connection.read_until(b"\r\n\r\n")
        connection.send(SWITCH)
        connection.send(connection.receive())

    made, port = raw_origin(switch), free_port()
    headgate(cached_edge(port, made.port, {"plain": {}}))
    for _ in range(2):
        with RawClient(port) as client:
            sent = [tuple(line.split(": ", 1)) for line in UPGRADE]
            assert client.request(request_text("GET", "plain.test", "/socket", sent)).status == 101
            client.send(b"line")
            assert client.read_exactly(4) == b"line"


@pytest.fixture
def elsewhere(headgate, free_port):
    """start(*resources) with an origin of its own: Site."""
    origins = []

    def start(config, **options):
        origin, port = ScriptedOrigin(), free_port()
        origins.append(origin)
        site = Site(origin, port)
        site.edge = headgate(config(port, origin.port), **options)
        return site

    yield start
    for origin in origins:
        origin.close()
        assert not origin.errors


def test_rfc9111_s2_http_and_https_are_told_apart_and_tls_protocols_are_not(elsewhere, authority, free_port):
    tls_port, leaf = free_port(), authority.issue("plain.test")

    def config(port, origin_port):
        return documents(gateway(http_listener(port), https_listener(tls_port, "local-tls")), tls_secret(leaf), upstream("origin", origin_port),
                         route(rule("origin"), name="plain", hostnames=["plain.test"]), cache_policy("plain", {}))

    site = elsewhere(config)
    page = site.page().answers(cache_control="max-age=600")
    plain = page.stored()
    context = authority.client_context(["http/1.1"])
    with RawClient(tls_port, tls=context, name="plain.test") as client:
        secure = client.request(request_text("GET", f"plain.test:{tls_port}", page.path, ()))
    assert secure.status == 200 and secure.body != plain.body
    with H2Client(tls_port, tls=authority.client_context(["h2"]), name="plain.test") as client:
        assert client.request("GET", page.path).body == secure.body
    assert len(page.requests) == 2


@pytest.mark.parametrize("workers", [1, 3])
def test_what_one_worker_stored_all_serve(elsewhere, workers):
    site = elsewhere(lambda port, origin: cached_edge(port, origin, {"plain": {}}), workers=workers)
    page = site.page().answers(cache_control="max-age=600")
    first = page.stored()
    assert all(page.ask().body == first.body for _ in range(30))
    assert len(page.requests) == 1
    page.ask(method="POST", body=b"x")
    versions = {page.ask().version for _ in range(30)}
    assert len(versions) == 1 and versions != {first.version}, "an invalidation holds for all workers at once"


# --- changes of configuration

def test_an_unrelated_change_of_the_configuration_keeps_what_is_stored(elsewhere):
    made = {}

    def config(port, origin, more=()):
        made.update(port=port, origin=origin)
        return cached_edge(port, origin, {"plain": {}, **dict.fromkeys(more, {})})

    site = elsewhere(config)
    page = site.page().answers(cache_control="max-age=600")
    page.stored()
    site.edge.reload(config(made["port"], made["origin"], ["another"]))
    wait_until(lambda: raw(site, site.page("another")).status == 200, 20, "the new route")
    assert page.ask().how == "stored"


@pytest.mark.parametrize("what", ["policy", "backend"])
def test_a_change_of_policy_or_backend_does_not_serve_what_the_old_one_stored(elsewhere, what):
    made = {}
    second = ScriptedOrigin()

    def config(port, origin, spec=None, target="origin"):
        made.update(port=port, origin=origin)
        return documents(gateway(http_listener(port)), upstream("origin", origin), upstream("second", second.port),
                         route({"backendRefs": [backend(target)]}, name="plain", hostnames=["plain.test"]), cache_policy("plain", spec or {}))

    site = elsewhere(config)
    try:
        page = site.page().answers(cache_control="max-age=600")
        other = second.script(page.path)
        other.answers(Reply(fields=fields(cache_control="max-age=600"), body=b"second"))
        page.stored()
        if what == "policy":
            site.edge.reload(config(made["port"], made["origin"], {"key": {"headers": ["X-Tenant"]}}))
            wait_until(lambda: page.ask().fetches, 20, "a fetch under the new policy")
        else:
            site.edge.reload(config(made["port"], made["origin"], None, "second"))
            wait_until(lambda: raw(site, page).body == b"second", 20, "the new backend's answer")
    finally:
        second.close()


def test_a_policy_that_is_switched_off_stores_and_serves_nothing(elsewhere):
    made = {}

    def config(port, origin, spec=None):
        made.update(port=port, origin=origin)
        return cached_edge(port, origin, {"plain": spec or {}})

    site = elsewhere(config)
    page = site.page().answers(cache_control="max-age=600")
    page.stored()
    site.edge.reload(config(made["port"], made["origin"], {"enabled": False}))
    wait_until(lambda: raw(site, page).field("cache-status") is None, 20, "the policy is off")
    count = len(page.requests)
    raw(site, page)
    assert len(page.requests) == count + 1
