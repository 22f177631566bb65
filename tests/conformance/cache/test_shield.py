"""Shielding: edges that ask a parent edge before the origin (RFC 8586 keeps them from going round)."""

import base64
import concurrent.futures
import subprocess

import pytest

from support.cache_config import cached_edge
from support.cache_origin import Reply, ScriptedOrigin, fields
from support.cache_page import Site, parse_cache_status, request_text
from support.client import RawClient
from support.config import upstream
from support.edge import Edge, binary
from support.ports import free_port

pytestmark = pytest.mark.ours
REWRITE = {"filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/inner"}}},
                       {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "X-Edited", "value": "1"}]}}]}
KEPT = Reply(fields=fields(cache_control="max-age=600", etag='"a"'))


@pytest.fixture(scope="module")
def tier(tmp_path_factory):
    """Two parents and two children, each with the same configuration but for its port; all of them may be asked by clients."""
    origin, ports = ScriptedOrigin(), [free_port() for _ in range(4)]
    edges = []
    policies = {"plain": {"shield": {"upstream": {"name": "parents"}}}, "rewritten": {"shield": {"upstream": {"name": "parents"}}}}
    try:
        for number, port in enumerate(ports):
            config = cached_edge(port, origin.port, policies, {"rewritten": REWRITE}, [upstream("parents", *ports[:2])])
            edges.append(Edge(tmp_path_factory.mktemp(f"edge{number}"), config).start())
        yield [Site(origin, port) for port in ports], edges
    finally:
        origin.close()
        for edge in edges:
            edge.close()
    assert not origin.errors, f"the origin's handler failed: {origin.errors!r}"


def asked(site, page, *sent):
    with RawClient(site.port) as client:
        return client.request(request_text("GET", page.host, page.path, sent))


def members(answer) -> list:
    return parse_cache_status(", ".join(answer.all("cache-status")))


def test_the_origin_is_asked_once_however_many_edges_want_it(tier):
    sites, _ = tier
    for number in range(8):
        page = sites[2].page().answers(KEPT)
        first, second = asked(sites[2], page), asked(sites[3], page)
        assert first.status == second.status == 200 and first.body == second.body
        assert len(page.requests) == 1, "the second child was answered by the parent"
        assert [("hit" in said) for _, said in members(second)] == [True, False], f"the parent had it, the child had not: {second.fields}"
        assert "hit" in members(asked(sites[3], page))[-1][1], "the child keeps it too"


def test_each_url_has_one_parent_and_the_urls_are_shared_among_them(tier):
    sites, edges = tier
    before = [edge.metric("headgate_cache_stored_total") for edge in edges[:2]]
    for number in range(16):
        page = sites[2].page().answers(KEPT)
        asked(sites[2], page), asked(sites[3], page)
        assert len(page.requests) == 1
    kept = [edge.metric("headgate_cache_stored_total") - old for edge, old in zip(edges[:2], before)]
    assert sum(kept) == 16 and min(kept) > 0, kept


def test_rfc8586_s2_a_parent_that_a_client_asks_does_not_go_round(tier):
    sites, _ = tier
    for site in sites[:2]:
        for number in range(4):
            page = site.page().answers(KEPT)
            assert asked(site, page).status == 200
            assert len(page.requests) == 1
            loop = page.requests[0].field("cdn-loop") or ""
            assert loop.count("headgate") <= 1, loop


def test_many_clients_of_one_url_do_not_wait_for_each_other_in_a_circle(tier):
    sites, _ = tier
    page = sites[0].page().answers(KEPT)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = [answer.result(30) for answer in [pool.submit(asked, sites[number % 4], page) for number in range(12)]]
    assert {answer.status for answer in answers} == {200}
    assert len(page.requests) <= 2, "one fetch of the parent, and at most its own round"


def test_what_a_rule_changes_for_its_backends_is_changed_once(tier):
    sites, _ = tier
    page = sites[2].page("rewritten")
    inner = sites[2].page("rewritten", "/inner" + page.path).answers(KEPT)
    assert asked(sites[2], page).status == 200
    assert len(inner.requests) == 1 and [value for name, value in inner.requests[0].fields if name.lower() == "x-edited"] == ["1"]


def test_what_is_not_for_the_cache_goes_to_the_backends(tier):
    sites, _ = tier
    page = sites[2].page().answers(Reply(fields=fields(cache_control="no-store")))
    with RawClient(sites[2].port) as client:
        assert client.request(request_text("POST", page.host, page.path, (), b"x")).status == 200
    assert page.requests[0].field("cdn-loop") is None and page.requests[0].method == "POST"


# --- signed URLs: parents and children let in by the same keys

KEY = b"a key of thirty-two bytes or more"
SIGNED = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "urls", "namespace": "default"},
           "data": {"key": base64.b64encode(KEY).decode()}},
          {"apiVersion": "headgate.io/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "signed", "namespace": "default"},
           "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "plain"}],
                    "signedUrls": {"keys": [{"id": "one", "secretRef": {"name": "urls", "key": "key"}}]}}}]


@pytest.fixture
def signed_tier(tmp_path):
    """One parent and two children; sign(path) makes what may be asked for."""
    origin, ports = ScriptedOrigin(), [free_port() for _ in range(3)]
    key = tmp_path / "key"
    key.write_bytes(KEY)
    edges = []

    def sign(target: str, seconds: int) -> str:
        command = [binary(), "sign-url", "--key-id", "one", "--key-file", key, "--expires-in", f"{seconds}s", f"http://plain.test{target}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().removeprefix("http://plain.test")

    try:
        for number, port in enumerate(ports):
            config = cached_edge(port, origin.port, {"plain": {"shield": {"upstream": {"name": "parents"}}}},
                                 more=[upstream("parents", ports[0]), *SIGNED])
            edges.append(Edge(tmp_path / f"edge{number}", config).start())
        yield [Site(origin, port) for port in ports], sign
    finally:
        origin.close()
        for edge in edges:
            edge.close()
    assert not origin.errors


def asked_for(site, target):
    with RawClient(site.port) as client:
        return client.request(request_text("GET", "plain.test", target, ()))


@pytest.mark.parametrize("query", ["", "?a=1&b=%2f"])
def test_a_signed_url_goes_through_child_and_parent_and_is_kept_without_its_signature(signed_tier, query):
    sites, sign = signed_tier
    parent, one, other = sites
    page = parent.page().answers(KEPT)
    answers = [asked_for(site, sign(page.path + query, seconds)) for site, seconds in ((one, 100), (one, 200), (other, 300), (parent, 400))]
    assert [answer.status for answer in answers] == [200] * 4 and len({answer.body for answer in answers}) == 1
    assert [request.target for request in page.requests] == [page.path + query]
    hits = [["hit" in said for _, said in members(answer)] for answer in answers]
    assert hits[0] == [False, False] and hits[1][-1] and hits[2] == [True, False] and hits[3][-1], hits
    good = sign(page.path + query, 100)
    for site in sites:
        assert asked_for(site, page.path + query).status == 403
        assert asked_for(site, good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")).status == 403
    assert len(page.requests) == 1
