"""Cache-Status: RFC 9211, on every answer of a route with a policy and on no other."""

import threading

import pytest

from support.cache_origin import Reply, fields, http_date
from support.cache_page import parse_cache_status, request_text
from support.client import RawClient
from support.wait import wait_until

pytestmark = pytest.mark.ours
POLICIES = {
    "bare": None,
    "keyed": {"keyInCacheStatus": True, "key": {"query": {"mode": "Only", "names": ["id"]}}},
    "passing": {"bypass": {"headers": [{"name": "X-Preview"}], "cookies": ["session"], "query": ["nocache"]}},
    "small": {"maxObjectBytes": 10},
    "swr": {"ttl": {"staleWhileRevalidate": "1000s"}},
}


def said(reading) -> dict:
    return reading.status_of_cache


def fresh(cache, policy="plain", **named):
    page = cache.page(policy).answers(cache_control="max-age=600", **named)
    page.stored()
    return page


def test_rfc9211_s2_a_miss_that_is_stored(cache):
    page = cache.page().answers(cache_control="max-age=600")
    status = said(page.ask())
    assert (status["fwd"], status.get("stored"), status.get("fwd-status", 200)) == ("uri-miss", True, 200)
    assert "collapsed" not in status


def test_rfc9211_s2_1_a_hit_has_its_remaining_lifetime_and_no_fwd(cache):
    status = said(fresh(cache, age="100").ask())
    assert status["hit"] is True and 490 <= status["ttl"] <= 500
    assert not {"fwd", "fwd-status", "stored", "collapsed"} & set(status)


def test_rfc9211_s2_2_another_variant_is_a_vary_miss(cache):
    page = fresh(cache, vary="X-A")
    assert said(page.ask(x_a="2"))["fwd"] == "vary-miss"


@pytest.mark.parametrize("asked", [{"cache_control": "no-cache"}, {"pragma": "no-cache"}, {"cache_control": "max-age=0"},
                                   {"cache_control": "min-fresh=5000"}])
def test_rfc9211_s2_2_a_request_that_refuses_what_is_stored_is_fwd_request(cache, asked):
    assert said(fresh(cache, age="10", etag='"a"').ask(**asked))["fwd"] == "request"


def test_rfc9211_s2_2_what_is_stale_is_fwd_stale_with_a_negative_ttl_and_the_status_of_the_origin(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True))
    page.stored()
    status = said(page.ask())
    assert (status["fwd"], status["fwd-status"]) == ("stale", 304)


def test_rfc9211_s2_3_fwd_status_is_that_of_the_origin_where_ours_differs(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60, stale-if-error=500", age="100", etag='"a"')),
                                Reply(503))
    page.stored()
    reading = page.ask()
    assert reading.status == 200 and said(reading).get("fwd-status") == 503, said(reading)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_rfc9211_s2_2_other_methods_are_fwd_method(cache, method):
    page = cache.page().answers(cache_control="max-age=60")
    assert said(page.ask(method=method))["fwd"] == "method"


@pytest.mark.parametrize("asked", [{"x_preview": "1"}, {"cookie": "session=1"}, {"query": "?nocache=1"}])
def test_rfc9211_s2_2_what_the_policy_passes_by_is_fwd_bypass(cache, asked):
    page = fresh(cache, "passing")
    status = said(page.ask(**asked))
    assert status["fwd"] == "bypass" and status["detail"].startswith("bypass-") and "stored" not in status


@pytest.mark.parametrize("reply, detail", [
    (Reply(fields=fields(cache_control="no-store")), "response-no-store"), (Reply(fields=fields(cache_control="private")), "response-private"),
    (Reply(fields=fields(cache_control="max-age=60", set_cookie="a=1")), "set-cookie"),
    (Reply(fields=fields(cache_control="max-age=60", vary="*")), "vary-star"),
    (Reply(503), "nothing-allows-it"), (Reply(400, fields(cache_control="max-age=60")), "request-fault"),
    (Reply(fields=fields(cache_control="max-age=0")), "never-reusable"),
])
def test_rfc9211_s2_8_the_detail_says_why_a_miss_was_not_stored(cache, reply, detail):
    page = cache.page().answers(reply)
    status = said(page.ask())
    assert status["fwd"] in ("uri-miss", "miss") and "stored" not in status and status.get("detail") == detail, status


def test_rfc9211_s2_8_too_large_and_authorization_and_no_store(cache):
    assert said(cache.page("small").answers(cache_control="max-age=60").ask())["detail"] == "too-large"
    assert said(cache.page().answers(cache_control="max-age=60").ask(authorization="x"))["detail"] == "authorization"
    assert said(cache.page().answers(cache_control="max-age=60").ask(cache_control="no-store"))["detail"] == "request-no-store"


def test_rfc9211_s2_504_of_only_if_cached(cache):
    status = said(cache.page().ask(cache_control="only-if-cached"))
    assert "hit" not in status and "fwd" not in status and status["detail"]


def test_rfc9211_s2_stale_while_revalidate_is_a_hit_that_is_stale(cache):
    page = cache.page("swr").answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True))
    page.stored()
    status = said(page.ask())
    assert status["hit"] is True and status["ttl"] < 0 and status["detail"] == "stale-while-revalidate"


def test_rfc9211_s2_6_requests_that_joined_a_fetch_are_collapsed(cache):
    hold = threading.Event()
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600"), held=hold))
    got = []
    threads = [threading.Thread(target=lambda: got.append(page.ask())) for _ in range(4)]
    for one in threads:
        one.start()
    wait_until(lambda: page.requests, 10, "the fetch")
    wait_until(lambda: cache.edge.admin("/metrics")[0] == 200, 10)
    hold.set()
    for one in threads:
        one.join(20)
    assert len(page.requests) == 1
    joined = [one for one in map(said, got) if one.get("collapsed")]
    assert all(one["fwd"] in ("uri-miss", "miss") for one in joined)
    assert sum("stored" in one for one in map(said, got) if not one.get("collapsed") and "fwd" in one) == 1


def test_rfc9211_s2_7_the_key_is_shown_when_the_policy_says_so(cache):
    page = cache.page("keyed").answers(cache_control="max-age=600")
    key = said(page.ask(query="?id=1&utm=2"))["key"]
    assert page.path in key and "keyed.test" in key and "id=1" in key and "utm" not in key
    assert said(page.ask(query="?utm=3&id=1"))["key"] == key


def test_rfc9211_s2_7_the_key_is_not_shown_otherwise(cache):
    page = fresh(cache)
    assert "key" not in said(page.ask())


def test_rfc9211_s2_the_member_of_a_cache_before_us_stays_in_front_of_ours(cache):
    page = cache.page().answers(cache_control="max-age=600", cache_status="Origin; hit; ttl=3")
    first = page.stored()
    members = parse_cache_status(", ".join(first.all("cache-status")))
    assert [name for name, _ in members] == ["Origin", "headgate"]
    second = page.ask()
    members = parse_cache_status(", ".join(second.all("cache-status")))
    assert members[-1][0] == "headgate" and "hit" in members[-1][1]
    assert [name for name, _ in members].count("headgate") == 1, "that of the first answer was stored with it"


def test_rfc9211_s2_a_client_cannot_write_into_it(cache):
    page = cache.page().answers(cache_control="max-age=600")
    assert len(parse_cache_status(", ".join(page.ask(cache_status="evil; hit").all("cache-status")))) == 1


def test_a_route_without_a_policy_keeps_nothing_and_says_nothing(cache):
    page = cache.page("bare").answers(cache_control="max-age=600", age="7")
    for _ in range(2):
        with RawClient(cache.port) as client:
            answer = client.request(request_text("GET", page.host, page.path, ()))
        assert answer.status == 200 and answer.field("cache-status") is None and answer.field("age") == "7"
    assert len(page.requests) == 2


TAGGED = Reply(fields=fields(cache_control="max-age=60", etag='"x"'), interim=((103, ()),))


@pytest.mark.parametrize("answer, asked, status", [
    (Reply(204, fields(cache_control="max-age=60")), {}, 204), (TAGGED, {"if_none_match": '"x"'}, 304), (TAGGED, {}, 200),
    (TAGGED, {"method": "HEAD"}, 200), (Reply(dropped=True), {}, 502), (Reply(404), {}, 404), (TAGGED, {"method": "POST"}, 200),
])
def test_rfc9211_s2_every_answer_has_it_whatever_it_is(cache, answer, asked, status):
    reading = cache.page().answers(answer).ask(**asked)
    assert reading.status == status and said(reading)


@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc9211_s2_it_is_the_same_over_each_protocol(cache, over):
    page = cache.page().answers(cache_control="max-age=600", last_modified=http_date(-5))
    assert said(page.ask(over=over))["fwd"] == "uri-miss"
    assert said(page.ask(over=over))["hit"] is True
