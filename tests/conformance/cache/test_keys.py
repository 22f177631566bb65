"""What tells entries apart: RFC 9111 section 2, the key of a policy, and inputs that nobody keys (cache poisoning, deception, CPDoS)."""

import json
import urllib.parse

import pytest

from support.cache_config import cached_edge
from support.cache_origin import Reply, ScriptedOrigin, fields
from support.cache_page import Site, request_text
from support.client import RawClient
from support.edge import Edge
from support.ports import free_port
from support.traps import policy

pytestmark = pytest.mark.ours
POLICIES = {
    "nothing": {"key": {"query": {"mode": "None"}}},
    "only": {"key": {"query": {"mode": "Only", "names": ["id", "p_*"]}}},
    "except": {"key": {"query": {"mode": "Except", "names": ["utm_*", "gclid"]}}},
    "sorted": {"key": {"query": {"mode": "All", "sorted": True}}},
    "headers": {"key": {"headers": ["X-Tenant", "X-Original-Host"]}},
    "hosts": {"key": {"headers": ["X-Forwarded-Host"]}},
    "cookies": {"key": {"cookies": ["lang"]}},
    "device": {"key": {"deviceClass": True}},
    "passing": {"bypass": {"headers": [{"name": "X-Preview"}, {"name": "X-Mode", "value": "draft"}], "cookies": ["session"], "query": ["nocache"]}},
    "bare": None,
}
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
TABLET = "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"


def pair(cache, policy, one: dict, other: dict):
    """(page, whether the second request is answered by what the first one fetched)."""
    page = cache.page(policy).answers(cache_control="max-age=600")
    first = page.stored(**one)
    second = page.ask(**other)
    assert (second.version == first.version) == (second.how == "stored")
    again = page.ask(**one)
    assert (again.how, again.version) == ("stored", first.version), "beside each other, or one"
    return page, second.how == "stored"


QUERIES = [
    ("plain", "?a=1", "?a=1", True), ("plain", "?a=1", "?a=2", False), ("plain", "?a=1&b=2", "?b=2&a=1", False), ("plain", "", "?", False),
    ("plain", "?a", "?a=", False), ("plain", "?a=1", "?A=1", False), ("plain", "?a=%31", "?a=%32", False), ("plain", "?a=1", "?a=1&", False),
    ("plain", "?a=b%26c", "?a=b&c", False), ("plain", "?a=b%2Fc", "?a=b%2fd", False),
    ("nothing", "?a=1", "?b=2", True), ("nothing", "", "?x", True),
    ("only", "?id=1&x=1", "?id=1&x=2", True), ("only", "?id=1", "?id=2", False), ("only", "?id=1&p_a=1", "?id=1&p_a=2", False),
    ("only", "?x=1", "", True), ("only", "?%69d=1", "?id=2", False), ("only", "?ID=1", "?ID=2", True), ("only", "?id=1&id=2", "?id=2&id=1", False),
    ("except", "?a=1&utm_source=x", "?a=1&utm_medium=y", True), ("except", "?a=1&utm_x=1", "?a=2&utm_x=1", False),
    ("except", "?gclid=1", "?gclid=2", True), ("except", "?gclid2=1", "?gclid2=2", False), ("except", "?utm%5fa=1&b=1", "?b=1", True),
    ("sorted", "?a=1&b=2", "?b=2&a=1", True), ("sorted", "?a=1&a=2", "?a=2&a=1", False), ("sorted", "?a=1", "?a=2", False),
]


@pytest.mark.parametrize("policy, one, other, same", QUERIES)
def test_rfc9111_s2_queries_are_told_apart_as_the_policy_says(cache, policy, one, other, same):
    assert pair(cache, policy, {"query": one}, {"query": other})[1] is same


@pytest.mark.parametrize("policy, query, sent", [
    ("nothing", "?a=1", ""), ("only", "?id=1&evil=<script>", "?id=1"), ("only", "?evil=1", ""), ("except", "?a=1&utm_source=evil&b=2", "?a=1&b=2"),
    ("plain", "?b=1&a=2", "?b=1&a=2"), ("only", "?id=1;evil=1", "?id=1;evil=1"),
])
def test_what_is_no_part_of_the_key_is_not_sent_to_the_origin(cache, policy, query, sent):
    page = cache.page(policy).answers(cache_control="max-age=600")
    page.ask(query=query)
    assert page.requests[0].target == page.path + sent


@pytest.mark.parametrize("policy, kept, changed", [
    ("except", "?a=1&utm_source=x", "?utm_source=y&a=1"), ("except", "", "?gclid=1"), ("nothing", "?a=1", "?b=2"), ("sorted", "?a=1&b=2", "?b=2&a=1"),
])
def test_rfc9111_s4_4_an_unsafe_request_invalidates_by_the_part_of_its_query_that_is_kept(cache, policy, kept, changed):
    page = cache.page(policy).chooses(lambda request: Reply(200, fields(cache_control="max-age=600")) if request.method == "GET" else Reply(200))
    assert page.ask(query=kept).fetches and page.ask(query=kept).is_hit
    page.ask(query=changed, method="POST", body=b"x")
    assert page.ask(query=kept).fetches


KEYED = [
    ("headers", {"x_tenant": "1"}, {"x_tenant": "1"}, True), ("headers", {"x_tenant": "1"}, {"x_tenant": "2"}, False),
    ("headers", {"x_tenant": "1"}, {}, False), ("headers", {"x_tenant": ""}, {}, False), ("headers", {"x_other": "1"}, {"x_other": "2"}, True),
    ("headers", {"x_original_host": "a"}, {"x_original_host": "b"}, False),
    ("cookies", {"cookie": "lang=de"}, {"cookie": "lang=en"}, False), ("cookies", {"cookie": "lang=de; s=1"}, {"cookie": "s=2; lang=de"}, True),
    ("cookies", {"cookie": "lang=de"}, {}, False), ("cookies", {"cookie": "language=de"}, {"cookie": "language=en"}, True),
    ("device", {"user_agent": PHONE}, {"user_agent": DESKTOP}, False), ("device", {"user_agent": TABLET}, {"user_agent": DESKTOP}, False),
    ("device", {"user_agent": TABLET}, {"user_agent": PHONE}, False), ("device", {"user_agent": PHONE}, {"user_agent": PHONE + " x"}, True),
    ("device", {"user_agent": DESKTOP}, {"user_agent": DESKTOP.replace("120", "121")}, True),
    ("plain", {"user_agent": PHONE}, {"user_agent": DESKTOP}, True), ("plain", {"cookie": "lang=de"}, {"cookie": "lang=en"}, True),
]


@pytest.mark.parametrize("policy, one, other, same", KEYED)
def test_headers_cookies_and_device_classes_are_told_apart_as_the_policy_says(cache, policy, one, other, same):
    assert pair(cache, policy, one, other)[1] is same


def test_parts_of_the_key_cannot_be_shifted_into_each_other(cache):
    page = cache.page("headers").answers(cache_control="max-age=600")
    versions = {page.ask(query=query, **asked).version for query, asked in [
        ("?a", {"x_tenant": "b"}), ("?ab", {}), ("?", {"x_tenant": "ab"}), ("", {"x_tenant": "?ab"}), ("?a", {"x_original_host": "b"}),
        ("", {"x_tenant": "a", "x_original_host": "b"}), ("", {"x_tenant": "ab"}), ("", {"x_original_host": "ab"})]}
    assert len(versions) == 8


@pytest.mark.parametrize("form", ["/a/../{p}", "/./{p}", "/%7e/../{p}"])
def test_rfc3986_s6_paths_that_mean_the_same_share_an_entry(cache, form):
    page = cache.page().answers(cache_control="max-age=600")
    first = page.stored()
    assert page.ask(path=form.format(p=page.path[1:])).version == first.version
    assert len(page.requests) == 1


@pytest.mark.parametrize("suffix", ["/", "//", "/x.css", ";a.css", "%2fx.css", "%00.css", "%3fa.css", "%23a.css", "%0ax", ".css", "/..%2fx", "\\x.css"])
def test_cache_deception_another_spelling_of_a_path_is_not_answered_by_the_entry_of_the_path(cache, suffix):
    page = cache.page().answers(cache_control="max-age=600")
    first = page.stored()
    with RawClient(cache.port) as client:
        answer = client.request(request_text("GET", page.host, page.path + suffix, ()))
    assert answer.body != first.body
    assert page.ask().version == first.version


@pytest.mark.parametrize("path", ["/me.css", "/me/x.js", "/me;x.png"])
def test_cache_deception_an_extension_stores_nothing_that_the_origin_forbids(cache, path):
    page = cache.page(path=f"/deception{path}").answers(cache_control="private, no-store")
    page.stored()
    assert page.ask().how == "fetched"


def test_rfc9111_s2_hosts_are_told_apart_but_not_by_case_or_default_port(cache):
    page = cache.page().answers(cache_control="max-age=600")
    first = page.stored()
    assert page.ask(host="PLAIN.test").version == first.version
    assert page.ask(host="plain.test:8081").version != first.version


# --- what origins are known to reflect or to obey, and no cache keys

REFLECTED = ["X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Host", "X-Original-URL",
             "X-Rewrite-URL", "X-Original-Host", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Forwarded-Port", "Forwarded",
             "X-Original-URI", "X-Url-Scheme", "Front-End-Https", "X-Forwarded-SSL", "X-HTTP-Host-Override"]


@pytest.mark.parametrize("name", REFLECTED)
def test_poisoning_a_field_that_origins_reflect_does_not_reach_them_by_a_fetch_for_the_cache(cache, name):
    page = cache.page().chooses(lambda request: Reply(
        fields=fields(cache_control="max-age=600"), body=b"|".join(f"{n}:{v}".encode() for n, v in request.fields)))
    assert b"evil" not in page.stored((name, "evil.example")).body
    second = page.ask()
    assert second.how == "stored" and b"evil" not in second.body


def test_poisoning_a_reflected_field_that_is_keyed_is_sent_on(cache):
    page = cache.page("headers").answers(cache_control="max-age=600")
    page.stored(x_original_host="one.example")
    assert "one.example" in ",".join(page.requests[0].all("x-original-host"))


def test_without_a_policy_such_fields_are_none_of_our_business(cache):
    page = cache.page("bare").answers(cache_control="max-age=600")
    with RawClient(cache.port) as client:
        client.request(request_text("GET", page.host, page.path, [("X-Original-URL", "/x")]))
    assert page.requests[0].field("x-original-url") == "/x"


def test_poisoning_the_host_of_a_fetch_is_that_of_the_key(cache):
    page = cache.page().answers(cache_control="max-age=600")
    with RawClient(cache.port) as client:
        client.request(b"GET http://plain.test%s HTTP/1.1\r\nHost: plain.test\r\n\r\n" % page.path.encode())
    assert page.requests[0].field("host") == "plain.test"
    with RawClient(cache.port) as client:
        answer = client.request(b"GET http://plain.test%s HTTP/1.1\r\nHost: evil.test\r\n\r\n" % page.path.encode())
    assert all(request.field("host") == "plain.test" for request in page.requests)
    assert answer.status in (200, 400)


def test_poisoning_the_scheme_of_the_key_is_that_of_the_connection(cache):
    page = cache.page().answers(cache_control="max-age=600")
    with RawClient(cache.port) as client:
        client.request(b"GET https://plain.test%s HTTP/1.1\r\nHost: plain.test\r\n\r\n" % page.path.encode())
    assert page.requests[0].field("x-forwarded-proto") == "http"
    assert page.ask().how == "stored", "what the origin was told is what the key has"


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """Site whose clients are proxies that are believed."""
    origin, port = ScriptedOrigin(), free_port()
    trusting = policy("TrafficPolicy", {"connection": {"trustedProxies": ["127.0.0.0/8"]}})
    policies = {"plain": {}, "keyed": {"key": {"headers": ["X-Forwarded-Host"]}}, "past": {"bypass": {"query": ["past"]}}}
    running = Edge(tmp_path_factory.mktemp("behind"), cached_edge(port, origin.port, policies, more=[trusting])).start()
    site = Site(origin, port)
    site.edge = running
    yield site
    origin.close()
    running.close()
    assert not origin.errors


def test_the_scheme_that_a_trusted_proxy_names_is_that_of_the_key(behind):
    page = behind.page().answers(cache_control="max-age=600")
    for proto, version in (("https", 1), ("http", 2), ("HTTPS", 1), ("https, http", 1), ("http,https", 2)):
        assert page.ask(x_forwarded_proto=proto).version == version
    assert page.ask().version == 2, "this connection has no TLS"
    assert [request.field("x-forwarded-proto") for request in page.requests] == ["https", "http"]
    status, text = behind.edge.admin(f"/cache/explain?url={urllib.parse.quote(f'https://plain.test{page.path}', safe='')}")
    assert status == 200 and json.loads(text)["verdict"]["reason"] == "fresh", text
    page.ask(x_forwarded_proto="https", method="POST", body=b"x")
    assert page.ask(x_forwarded_proto="http").version == 2, "https is what was changed"
    assert page.ask(x_forwarded_proto="https").fetches


@pytest.mark.parametrize("name, value", [
    ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "evil"), ("Forwarded", "for=1.2.3.4;host=evil"),
    ("X-Forwarded-Port", "81")])
def test_poisoning_what_a_trusted_proxy_passes_on_and_no_key_holds_does_not_reach_the_origin(behind, name, value):
    page = behind.page().answers(cache_control="max-age=600")
    assert page.stored((name, value)).version == page.ask().version == 1
    assert value not in (page.requests[0].field(name) or "")
    past = behind.page("past").answers(cache_control="max-age=600")
    past.ask((name, value), query="?past")
    assert name == "X-Forwarded-Port" or value in past.requests[0].field(name), "what is not for the cache goes as it came"


def test_a_host_that_a_trusted_proxy_names_counts_when_it_is_keyed(behind):
    page = behind.page("keyed").answers(cache_control="max-age=600")
    for host, version in (("a.example", 1), ("b.example", 2), ("a.example", 1)):
        assert page.ask(x_forwarded_host=host).version == version
    assert [request.field("x-forwarded-host") for request in page.requests] == ["a.example", "b.example"]


def test_a_host_that_a_stranger_names_does_not_count_though_it_is_keyed(cache):
    page = cache.page("hosts").answers(cache_control="max-age=600")
    assert page.stored(x_forwarded_host="a.example").version == page.ask(x_forwarded_host="b.example").version
    assert page.requests[0].field("x-forwarded-host") == "hosts.test"


def test_poisoning_content_of_a_get_neither_reads_nor_writes_an_entry(cache):
    page = cache.page().chooses(lambda request: Reply(fields=fields(cache_control="max-age=600"), body=b"got " + request.body))
    assert page.ask(body=b"evil").body == b"got evil"
    assert page.ask().body == b"got "
    assert page.ask(body=b"evil").body == b"got evil", "nor is it answered by the entry"
    assert page.ask().how == "stored"


@pytest.mark.parametrize("status", [400, 406, 408, 411, 412, 413, 415, 417, 421, 425, 426, 428, 429, 431])
def test_cpdos_an_error_that_one_clients_fields_caused_is_not_kept_for_others(cache, status):
    page = cache.page().chooses(lambda request: Reply(status, fields(cache_control="max-age=600"))
                                if request.field("x-oversized") else Reply(fields=fields(cache_control="max-age=600")))
    page.ask(x_oversized="y" * 4000)
    assert page.ask().status == 200


@pytest.mark.parametrize("bad", [b"X-Bad: a\x01b", b"X-Bad : x", b"X\x00: y", b" X-Fold: y"])
def test_cpdos_a_head_that_we_refuse_leaves_nothing_behind(cache, bad):
    page = cache.page().answers(cache_control="max-age=600")
    with RawClient(cache.port) as client:
        client.send(b"GET %s HTTP/1.1\r\nHost: plain.test\r\n%s\r\n\r\n" % (page.path.encode(), bad))
        client.read_to_end()
    assert page.ask().status == 200


def test_rfc9110_s7_6_1_a_client_cannot_take_fields_from_a_fetch_by_connection(cache):
    page = cache.page("headers").answers(cache_control="max-age=600", vary="X-Tenant")
    page.ask(("Connection", "X-Tenant"), ("X-Tenant", "1"))
    told = page.requests[0].field("x-tenant")
    reading = page.ask(x_tenant="1")
    assert reading.fetches or told == "1", "it is stored for X-Tenant 1 though the origin was not told of it"


# --- bypass

PASSED = [{"x_preview": "1"}, {"x_preview": ""}, {"x_mode": "draft"}, {"cookie": "a=1; session=2"}, {"query": "?nocache"}, {"query": "?a=1&nocache=0"}]


@pytest.mark.parametrize("asked", PASSED)
def test_a_request_that_meets_a_bypass_is_neither_answered_from_the_cache_nor_stored(cache, asked):
    page = cache.page("passing").answers(cache_control="max-age=600")
    page.stored(**asked)
    kept = page.ask()
    assert kept.fetches
    assert page.ask(**asked).fetches
    assert page.ask().version == kept.version, "nor does it change what is stored"


@pytest.mark.parametrize("asked", [{"x_mode": "live"}, {"cookie": "sessions=1"}, {"query": "?nocaches"}, {}])
def test_other_requests_do_not_pass_by(cache, asked):
    page = cache.page("passing").answers(cache_control="max-age=600")
    page.stored(**asked)
    assert page.ask(**asked).how == "stored"
