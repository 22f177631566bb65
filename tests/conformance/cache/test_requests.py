"""What a request asks of the cache: RFC 9111 sections 5.2.1 and 5.4, RFC 8246."""

import pytest

from support.cache_origin import Reply, fields

POLICIES = {"deaf": {"honourRequestDirectives": False}}


def page_of(cache, control: str, age: int, policy: str = "plain"):
    """Stored with that lifetime and age, with a validator."""
    page = cache.page(policy).answers(Reply(fields=fields(cache_control=control, age=str(age), etag='"a"'), validates=True))
    page.stored()
    return page


# lifetime and age of what is stored, the request, and how it is answered
FRESH_ENOUGH = [
    ("max-age=600", 100, "max-age=600", "stored"), ("max-age=600", 100, "max-age=110", "stored"),
    ("max-age=600", 100, "max-age=50", "validated"), ("max-age=600", 100, "max-age=0", "validated"),
    ("max-age=600", 100, "max-age=99999999999999999999", "stored"),
    ("max-age=600", 100, "min-fresh=100", "stored"), ("max-age=600", 100, "min-fresh=490", "stored"),
    ("max-age=600", 100, "min-fresh=550", "validated"), ("max-age=600", 100, "min-fresh=0", "stored"),
    ("max-age=600", 100, "min-fresh=99999999999999999999", "validated"),
    ("max-age=600", 100, "no-cache", "validated"), ("max-age=600", 100, "NO-CACHE", "validated"),
    ("max-age=600", 100, "max-age=600, no-cache", "validated"), ("max-age=600", 100, "no-transform", "stored"),
    ("max-age=600", 100, "x-unknown", "stored"), ("max-age=600", 100, "only-if-cached", "stored"),
    ("max-age=600", 100, "max-stale", "stored"), ("max-age=600", 100, "max-age=50, max-stale", "validated"),
    ("max-age=100", 200, "max-age=300", "validated"), ("max-age=100", 200, "", "validated"),
    ("max-age=100", 200, "max-stale", "stored"), ("max-age=100", 200, "max-stale=150", "stored"),
    ("max-age=100", 200, "max-stale=50", "validated"), ("max-age=100", 200, "max-stale=0", "validated"),
    ("max-age=100", 200, "max-stale=150, no-cache", "validated"), ("max-age=100", 200, "max-stale=150, min-fresh=10", "validated"),
    ("max-age=100, must-revalidate", 200, "max-stale", "validated"), ("max-age=100, proxy-revalidate", 200, "max-stale", "validated"),
    ("s-maxage=100", 200, "max-stale", "validated"), ("no-cache, max-age=100", 0, "max-stale", "validated"),
    ("max-age=600, immutable", 100, "max-age=0", "stored"), ("max-age=600, immutable", 100, "no-cache", "validated"),
    ("max-age=100, immutable", 200, "max-age=0", "validated"),
]


@pytest.mark.parametrize("kept, age, asked, how", FRESH_ENOUGH)
def test_rfc9111_s5_2_1_what_a_request_asks_decides_on_what_is_stored(cache, kept, age, asked, how):
    reading = page_of(cache, kept, age).ask(cache_control=asked)
    assert (reading.how, reading.status) == (how, 200)
    assert reading.version == 1000


@pytest.mark.parametrize("kept, age, asked, status", [
    ("max-age=600", 100, "only-if-cached", 200), ("max-age=100", 200, "only-if-cached", 504),
    ("max-age=100", 200, "only-if-cached, max-stale", 200), ("max-age=600", 100, "only-if-cached, no-cache", 504),
    ("max-age=600", 100, "only-if-cached, max-age=50", 504), ("no-cache", 0, "only-if-cached", 504),
    ("max-age=600", 100, "Only-If-Cached", 200),
])
def test_rfc9111_s5_2_1_7_only_if_cached_gets_what_needs_no_origin_or_504(cache, kept, age, asked, status):
    page = page_of(cache, kept, age)
    reading = page.ask(cache_control=asked)
    assert (reading.status, reading.fetches) == (status, [])


def test_rfc9111_s5_2_1_7_only_if_cached_for_what_is_not_stored_gets_504_and_the_origin_sees_nothing(cache):
    page = cache.page().answers(cache_control="max-age=60")
    reading = page.ask(cache_control="only-if-cached")
    assert reading.status == 504 and page.requests == []
    assert page.ask().how == "fetched", "the 504 is not stored"


def test_rfc9111_s5_2_1_7_only_if_cached_does_not_end_in_an_answer_of_another_variant(cache):
    page = cache.page().answers(cache_control="max-age=60", vary="X-A")
    page.stored(x_a="1")
    assert page.ask(x_a="2", cache_control="only-if-cached").status == 504
    assert len(page.requests) == 1


def test_rfc9111_s4_2_4_a_stale_answer_for_max_stale_says_how_old_it_is(cache):
    reading = page_of(cache, "max-age=100", 200).ask(cache_control="max-stale")
    assert int(reading.field("age")) >= 200


@pytest.mark.parametrize("fields_of_request, how", [
    ({"pragma": "no-cache"}, "validated"), ({"pragma": "No-Cache"}, "validated"), ({"pragma": "x, no-cache"}, "validated"),
    ({"pragma": "no-store"}, "stored"), ({"pragma": "x"}, "stored"),
    ({"pragma": "no-cache", "cache_control": "max-age=600"}, "stored"),
])
def test_rfc9111_s5_4_pragma_no_cache_counts_where_there_is_no_cache_control(cache, fields_of_request, how):
    assert page_of(cache, "max-age=600", 100).ask(**fields_of_request).how == how


@pytest.mark.ours
@pytest.mark.parametrize("asked", ["no-cache", "max-age=0", "min-fresh=5000", "no-store"])
def test_a_policy_can_leave_the_directives_of_clients_out(cache, asked):
    page = page_of(cache, "max-age=600", 100, "deaf")
    assert page.ask(cache_control=asked).how == "stored"
    assert page.ask(pragma="no-cache").how == "stored"


@pytest.mark.ours
def test_a_policy_that_leaves_directives_out_stores_for_no_store_and_asks_for_only_if_cached(cache):
    page = cache.page("deaf").answers(cache_control="max-age=60")
    assert page.ask(cache_control="only-if-cached, no-store").status == 200
    assert page.ask().how == "stored"


def test_rfc9111_s5_2_1_4_what_no_cache_fetched_is_stored_for_others(cache):
    page = cache.page().answers(cache_control="max-age=60")
    page.stored(cache_control="no-cache")
    page.stored(cache_control="no-cache")
    third = page.ask()
    assert third.how == "stored" and third.version == 2


def test_rfc9111_s5_2_1_5_no_store_in_a_request_may_be_answered_from_the_store_and_changes_nothing_there(cache):
    page = page_of(cache, "max-age=600", 100)
    assert page.ask(cache_control="no-store").version == 1000
    assert page.ask().how == "stored"


@pytest.mark.parametrize("header", ["Cache-Control", "Pragma"])
def test_rfc9111_s5_2_directives_of_the_request_are_passed_to_the_origin(cache, header):
    page = cache.page().answers(cache_control="max-age=60")
    page.ask((header, "no-cache"))
    assert page.requests[0].field(header) == "no-cache"
