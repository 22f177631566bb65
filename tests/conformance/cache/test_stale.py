"""Serving what is stale: RFC 5861, RFC 9111 sections 4.2.4, 5.2.2.2, 5.2.2.8 and 5.2.2.10."""

import threading

import pytest

from support.cache_origin import Reply, fields
from support.wait import wait_until

pytestmark = pytest.mark.ours
POLICIES = {
    "swr": {"ttl": {"staleWhileRevalidate": "1000s"}},
    "sie": {"ttl": {"staleIfError": "1000s"}},
    "despite": {"ttl": {"staleIfError": "1000s", "staleWhileRevalidate": "1000s", "staleDespiteSMaxage": True}},
    "error-despite": {"ttl": {"staleIfError": "1000s", "staleDespiteSMaxage": True}},
    "both": {"ttl": {"staleIfError": "1000s", "staleWhileRevalidate": "1000s"}},
}


def old(control: str, age: int = 100, **named) -> Reply:
    return Reply(fields=fields(cache_control=control, age=str(age), **named), validates=True)


FRESH = Reply(fields=fields(cache_control="max-age=600"))
DROPPED = Reply(dropped=True)

# what is stored with an age of 100 s, the policy, and whether it is served while it is validated
WHILE = [
    ("max-age=50, stale-while-revalidate=500", "plain", True), ("max-age=50, Stale-While-Revalidate=500", "plain", True),
    ("max-age=50, stale-while-revalidate=20", "plain", False), ("max-age=50, stale-while-revalidate=x", "plain", False),
    ("max-age=50, stale-while-revalidate=0", "swr", False), ("max-age=50", "swr", True), ("max-age=50", "plain", False),
    ("max-age=50, stale-while-revalidate=500, must-revalidate", "plain", False),
    ("max-age=50, stale-while-revalidate=500, proxy-revalidate", "plain", False),
    ("max-age=50, stale-while-revalidate=500, no-cache", "plain", False), ("s-maxage=50, stale-while-revalidate=500", "plain", False),
    ("s-maxage=50", "swr", False), ("s-maxage=50, stale-while-revalidate=500", "despite", True),
    ("s-maxage=50, must-revalidate", "despite", False),
]


@pytest.mark.parametrize("control, policy, served", WHILE)
def test_rfc5861_s3_stale_while_revalidate_serves_at_once_and_validates_behind(cache, control, policy, served):
    hold = threading.Event()
    page = cache.page(policy).answers(old(control, etag='"a"'), Reply(fields=fields(cache_control="max-age=600", etag='"b"'),
                                                                     held=hold if served else None))
    first = page.stored()
    second = page.ask()  # answered although the origin is held
    if not served:
        assert second.how == "validated" and second.version == 1001
        return
    assert second.body == first.body and "hit" in second.status_of_cache
    assert second.status_of_cache["ttl"] < 0 and int(second.field("age")) >= 100
    wait_until(lambda: len(page.requests) == 2, 10, "the validation behind")
    assert page.requests[1].field("if-none-match") == '"a"'
    for _ in range(3):
        assert page.ask().body == first.body
    assert len(page.requests) == 2, "one validation at a time"
    hold.set()
    fresh = wait_until(lambda: (a := page.ask()).version == 1001 and a, 10, "the new response")
    assert fresh.how == "stored" and len(page.requests) == 2


def test_rfc5861_s3_a_304_behind_makes_it_fresh_again(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=50, stale-while-revalidate=500", age="100", etag='"a"'),
                                      validates=True, fields_304=fields(age="0", x_new="1")))
    page.stored()
    page.ask()
    wait_until(lambda: len(page.requests) == 2, 10, "the validation behind")
    again = wait_until(lambda: (a := page.ask()).field("x-new") and a, 10, "the fields of the 304")
    assert again.status_of_cache["ttl"] > 0 and again.version == 1000 and len(page.requests) == 2


def test_rfc5861_s3_a_failure_behind_is_nobodys_answer(cache):
    page = cache.page().answers(old("max-age=50, stale-while-revalidate=500", etag='"a"'), Reply(503), Reply(500),
                                old("max-age=50, stale-while-revalidate=500", etag='"a"'))
    first = page.stored()
    for _ in range(8):
        reading = page.ask()
        assert reading.status == 200 and reading.body == first.body


def test_rfc5861_s3_a_request_that_asks_for_validation_waits_for_it(cache):
    page = cache.page().answers(old("max-age=50, stale-while-revalidate=500", etag='"a"'), FRESH)
    page.stored()
    reading = page.ask(cache_control="no-cache")
    assert reading.how == "validated" and reading.version == 2


# what is stored with an age of 100 s, the policy, the request, how the origin fails, and whether the stored one is served
ERROR = [
    ("max-age=50, stale-if-error=500", "plain", {}, 500, True), ("max-age=50, stale-if-error=500", "plain", {}, 502, True),
    ("max-age=50, stale-if-error=500", "plain", {}, 503, True), ("max-age=50, stale-if-error=500", "plain", {}, 504, True),
    ("max-age=50, stale-if-error=500", "plain", {}, "dropped", True),
    ("max-age=50, stale-if-error=500", "plain", {}, 404, False), ("max-age=50, stale-if-error=500", "plain", {}, 501, False),
    ("max-age=50, stale-if-error=20", "plain", {}, 500, False), ("max-age=50", "plain", {}, 500, False), ("max-age=50", "plain", {}, "dropped", False),
    ("max-age=50", "sie", {}, 500, True), ("max-age=50", "sie", {}, "dropped", True), ("max-age=50, stale-if-error=0", "sie", {}, 500, False),
    ("max-age=50, stale-if-error=500, must-revalidate", "plain", {}, 500, False), ("max-age=50, must-revalidate", "sie", {}, 500, False),
    ("max-age=50, stale-if-error=500, proxy-revalidate", "plain", {}, 500, False), ("s-maxage=50, stale-if-error=500", "plain", {}, 500, False),
    ("s-maxage=50", "error-despite", {}, 500, True), ("max-age=50, stale-if-error=500, no-cache", "plain", {}, 500, False),
    ("max-age=50, stale-if-error=500", "plain", {"cache_control": "no-cache"}, 500, False),
    ("max-age=50", "plain", {"cache_control": "stale-if-error=500"}, 500, True),
    ("max-age=50, must-revalidate", "plain", {"cache_control": "stale-if-error=500"}, 500, False),
]


@pytest.mark.parametrize("control, policy, asked, failure, served", ERROR)
def test_rfc5861_s4_stale_if_error_serves_what_is_stored_when_the_origin_fails(cache, control, policy, asked, failure, served):
    failing = DROPPED if failure == "dropped" else Reply(failure, fields(cache_control="no-store"))
    page = cache.page(policy).answers(old(control, etag='"a"'), failing)
    first = page.stored()
    second = page.ask(**asked)
    assert second.fetches, "the origin was asked"
    if served:
        assert (second.status, second.body) == (200, first.body) and int(second.field("age")) >= 100
    elif isinstance(failure, str):
        assert second.status in (502, 503, 504)
    else:
        assert second.status == failure


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate"])
def test_rfc9111_s5_2_2_2_what_must_be_revalidated_is_answered_504_when_the_origin_is_out_of_reach(cache, directive):
    page = cache.page("both").answers(old(f"max-age=50, {directive}", etag='"a"'))
    first = page.stored()
    page.answers(DROPPED)
    assert page.ask().status == 504
    page.answers(old("max-age=600", age=0, etag='"a"'))
    assert page.ask().body == first.body, "and it is stored still"


def test_rfc5861_s4_a_stale_answer_does_not_make_it_fresh(cache):
    page = cache.page().answers(old("max-age=50, stale-if-error=500", etag='"a"'), Reply(503), Reply(503), FRESH)
    first = page.stored()
    assert [page.ask().body == first.body for _ in range(2)] == [True, True]
    assert page.ask().version == 4


def test_rfc5861_s4_an_error_without_anything_stored_is_passed_on(cache):
    page = cache.page("sie").answers(Reply(503))
    assert page.ask().status == 503


@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc5861_s3_over_each_protocol(cache, over):
    page = cache.page().answers(old("max-age=50, stale-while-revalidate=500", etag='"a"'))
    first = page.stored(over=over)
    assert page.ask(over=over).body == first.body
