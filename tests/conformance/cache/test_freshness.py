"""How long a response is fresh and how old it is: RFC 9111 sections 4.2, 5.1, 5.3; RFC 8246.

Time passes in the fields: a response that says it is old is stale when it arrives.
"""

import datetime
import threading

import pytest

from support.cache_origin import Reply, fields, http_date
from support.wait import wait_until

POLICIES = {
    "floor": {"ttl": {"min": "100s"}},
    "ceiling": {"ttl": {"max": "100s"}},
    "fallback": {"ttl": {"default": "100s"}},
    "negative": {"ttl": {"byStatus": [{"status": 404, "ttl": "100s"}, {"status": 503, "ttl": "50s"}]}},
    "nothing": {"ttl": {"heuristicPercent": 0}},
    "half": {"ttl": {"heuristicPercent": 50, "heuristicMax": "200s"}},
}
DAY = 86400


def obsolete_date(offset_s: float, form: str) -> str:
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset_s)
    return at.strftime({"rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %e %H:%M:%S %Y"}[form])


def reused(page, **asked) -> bool:
    """Whether the second request is answered from the store. Each response has a validator, so that all are stored."""
    first = page.stored(**asked)
    second = page.ask(**asked)
    assert second.body == first.body
    return second.how == "stored"


def with_tag(*pairs, **named) -> Reply:
    return Reply(fields=(*pairs, *fields(etag='"a"', **named)), validates=True, lacks=tuple(name.lower() for name, v in pairs if v is None))


FRESH = {
    "max-age": lambda: fields(cache_control="max-age=60"),
    "max-age quoted": lambda: fields(cache_control='max-age="60"'),
    "max-age in capitals": lambda: fields(cache_control="Max-Age=60"),
    "max-age with an age below it": lambda: fields(cache_control="max-age=60", age="20"),
    "s-maxage": lambda: fields(cache_control="s-maxage=60"),
    "s-maxage over a max-age of 0": lambda: fields(cache_control="max-age=0, s-maxage=60"),
    "s-maxage over a max-age of 0 after it": lambda: fields(cache_control="s-maxage=60, max-age=0"),
    "s-maxage over Expires": lambda: fields(cache_control="s-maxage=60", expires=http_date(-60)),
    "max-age over Expires in the past": lambda: fields(cache_control="max-age=60", expires=http_date(-60)),
    "max-age over an Expires that is no date": lambda: fields(cache_control="max-age=60", expires="0"),
    "Expires": lambda: fields(expires=http_date(60)),
    "Expires with a Cache-Control that says nothing of time": lambda: fields(expires=http_date(60), cache_control="public"),
    "Expires in the form of RFC 850": lambda: fields(expires=obsolete_date(600, "rfc850")),
    "Expires in the form of asctime": lambda: fields(expires=obsolete_date(600, "asctime")),
    "Expires as far after a Date in the future": lambda: fields(date=http_date(600), expires=http_date(660)),
    "max-age above 2^31": lambda: fields(cache_control="max-age=2147483649"),
    "max-age above 2^64": lambda: fields(cache_control="max-age=99999999999999999999999"),
    "a max-age and an Age that is no number": lambda: fields(cache_control="max-age=60", age="old"),
    "a max-age and a negative Age": lambda: fields(cache_control="max-age=60", age="-100"),
    "a max-age and a broken Age": lambda: fields(cache_control="max-age=60", age="100.5"),
    "the first of two Age values": lambda: fields(cache_control="max-age=60", age="1, 100"),
    "heuristics": lambda: fields(last_modified=http_date(-10 * DAY)),
    "heuristics for public": lambda: fields(last_modified=http_date(-10 * DAY), cache_control="public"),
    "heuristics for what is older than itself": lambda: fields(last_modified=http_date(-10 * DAY), age="3600"),
    "max-age with a Date in the future": lambda: fields(date=http_date(3600), cache_control="max-age=60"),
    "max-age with a Date that is none": lambda: fields(date="yesterday", cache_control="max-age=60"),
    "immutable": lambda: fields(cache_control="max-age=60, immutable"),
}
STALE = {
    "max-age of 0": lambda: fields(cache_control="max-age=0"),
    "max-age below the age": lambda: fields(cache_control="max-age=60", age="61"),
    "max-age equal to the age": lambda: fields(cache_control="max-age=60", age="60"),
    "max-age below the time since Date": lambda: fields(cache_control="max-age=60", date=http_date(-100)),
    "max-age below the greater of Age and time since Date": lambda: fields(cache_control="max-age=60", date=http_date(-100), age="1"),
    "max-age below Age though Date is now": lambda: fields(cache_control="max-age=60", age="100", date=http_date()),
    "s-maxage of 0 over max-age": lambda: fields(cache_control="s-maxage=0, max-age=60"),
    "s-maxage of 0 after max-age": lambda: fields(cache_control="max-age=60, s-maxage=0"),
    "s-maxage of 0 over Expires": lambda: fields(cache_control="s-maxage=0", expires=http_date(60)),
    "max-age of 0 over Expires": lambda: fields(cache_control="max-age=0", expires=http_date(60)),
    "the first of two max-ages": lambda: fields(cache_control="max-age=0, max-age=60"),
    "the first of two max-ages in two lines": lambda: (("Cache-Control", "max-age=0"), ("Cache-Control", "max-age=60")),
    "Expires in the past": lambda: fields(expires=http_date(-60)),
    "Expires before Date": lambda: fields(expires=http_date(3000), date=http_date(3600)),
    "Expires at Date": lambda: fields(date=http_date(), expires=http_date()),
    "Expires of 0": lambda: fields(expires="0"),
    "Expires of -1": lambda: fields(expires="-1"),
    "Expires that is no date": lambda: fields(expires="tomorrow"),
    "Expires that is empty": lambda: fields(expires=""),
    "Expires that is no date over heuristics": lambda: fields(expires="0", last_modified=http_date(-10 * DAY)),
    "Expires in the past over heuristics": lambda: fields(expires=http_date(-1), last_modified=http_date(-10 * DAY)),
    "Expires in another zone": lambda: fields(expires=http_date(600).replace("GMT", "+0200")),
    "the first of two Expires": lambda: (("Expires", http_date(-60)), ("Expires", http_date(60))),
    "Expires as far after a Date long ago": lambda: fields(date=http_date(-3600), expires=http_date(-3000)),
    "no max-age over heuristics": lambda: fields(cache_control="max-age=x", last_modified=http_date(-10 * DAY)),
    "no max-age over Expires": lambda: fields(cache_control="max-age=x", expires=http_date(60)),
    "max-age below 0": lambda: fields(cache_control="max-age=-1", expires=http_date(60)),
    "max-age with a fraction": lambda: fields(cache_control="max-age=60.5", expires=http_date(60)),
    "max-age with nothing": lambda: fields(cache_control="max-age=", expires=http_date(60)),
    "max-age without a value": lambda: fields(cache_control="max-age", expires=http_date(60)),
    "max-age in apostrophes": lambda: fields(cache_control="max-age='60'"),
    "max-age with a space before the number": lambda: fields(cache_control="max-age= 60"),
    "max-age with a unit": lambda: fields(cache_control="max-age=60s"),
    "an Age above 2^64": lambda: fields(cache_control="max-age=60", age="99999999999999999999999"),
    "the first of two Age fields": lambda: (("Cache-Control", "max-age=60"), ("Age", "100"), ("Age", "1")),
    "no-cache": lambda: fields(cache_control="no-cache, max-age=60"),
    "no-cache after max-age": lambda: fields(cache_control="max-age=60, no-cache"),
    "no-cache with an empty list": lambda: fields(cache_control='max-age=60, no-cache=""'),
    "no-cache in capitals": lambda: fields(cache_control="max-age=60, NO-CACHE"),
    "no-cache with immutable": lambda: fields(cache_control="max-age=60, immutable, no-cache"),
    "nothing but an ETag": lambda: (),
    "public alone": lambda: fields(cache_control="public"),
    "Last-Modified of now": lambda: fields(last_modified=http_date()),
    "Last-Modified in the future": lambda: fields(last_modified=http_date(DAY)),
    "Last-Modified that is no date": lambda: fields(last_modified="long ago"),
    "heuristics that have run out": lambda: fields(last_modified=http_date(-10 * DAY), age=str(2 * DAY)),
    "immutable beyond its lifetime": lambda: fields(cache_control="max-age=60, immutable", age="100"),
    "immutable alone": lambda: fields(cache_control="immutable"),
    "Pragma": lambda: fields(pragma="no-cache"),
}


@pytest.mark.parametrize("case", FRESH)
def test_rfc9111_s4_2_a_response_is_fresh_by(cache, case):
    assert reused(cache.page().answers(with_tag(*FRESH[case]())))


@pytest.mark.parametrize("case", STALE)
def test_rfc9111_s4_2_a_response_is_stale_by(cache, case):
    page = cache.page().answers(with_tag(*STALE[case]()))
    assert not reused(page)
    assert page.requests[1].field("if-none-match") == '"a"', "what is stale is validated"


def test_rfc9111_s5_4_pragma_in_a_response_means_nothing(cache):
    assert reused(cache.page().answers(with_tag(pragma="no-cache", cache_control="max-age=60")))


@pytest.mark.parametrize("status", [302, 307, 403, 500])
def test_rfc9111_s4_2_2_public_allows_heuristics_for_other_statuses(cache, status):
    page = cache.page().answers(Reply(status, fields(cache_control="public", last_modified=http_date(-10 * DAY))))
    page.stored()
    assert page.ask().how == "stored"


# --- Age

@pytest.mark.parametrize("said, low", [
    (lambda: fields(age="20"), 20), (lambda: fields(date=http_date(-30)), 30), (lambda: fields(date=http_date(-30), age="10"), 30),
    (lambda: fields(date=http_date(-10), age="30"), 30), (lambda: (), 0), (lambda: fields(date=http_date(500)), 0),
    (lambda: fields(age="x", date=http_date(-30)), 30), (lambda: fields(age="30, 90"), 30),
])
def test_rfc9111_s4_2_3_age_of_an_answer_from_the_store_is_the_greater_of_age_and_time_since_date(cache, said, low):
    page = cache.page().answers(Reply(fields=(*said(), ("Cache-Control", "max-age=600"))))
    page.stored()
    second = page.ask()
    assert second.how == "stored" and low <= int(second.field("age")) <= low + 5, second.fields


def test_rfc9111_s4_2_3_age_grows_in_the_store_and_not_beyond_the_time_that_passed(cache):
    page = cache.page().answers(cache_control="max-age=600", age="20")
    page.stored()
    grown = wait_until(lambda: (a := page.ask()) and int(a.field("age")) >= 21 and a, 5)
    assert int(grown.field("age")) <= 25 and grown.how == "stored"
    assert len(page.requests) == 1


def test_rfc9111_s4_2_3_the_time_that_the_origin_took_to_answer_counts_as_age(cache):
    hold = threading.Event()
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600"), held=hold))
    timer = threading.Timer(2.1, hold.set)
    timer.start()
    page.stored()
    assert int(page.ask().field("age")) >= 2


def test_rfc9111_s4_2_a_response_becomes_stale_when_its_time_is_over(cache):
    page = cache.page().answers(with_tag(("Cache-Control", "max-age=60"), ("Age", "58")))
    page.stored()
    assert page.ask().how == "stored"
    wait_until(lambda: page.ask().how == "validated", 5)


def test_rfc9110_s6_6_1_a_response_without_date_gets_one_and_keeps_it(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60"), lacks=("date",)))
    page.stored()
    second = page.ask()
    assert second.how == "stored" and len(second.all("date")) == 1 and second.field("date").endswith("GMT")


def test_rfc9110_s6_6_1_the_date_of_the_origin_is_not_changed_in_the_store(cache):
    made = http_date(-40)
    page = cache.page().answers(cache_control="max-age=60", date=made)
    page.stored()
    second = page.ask()
    assert (second.how, second.all("date")) == ("stored", [made])


def test_rfc9111_s5_1_an_answer_that_was_not_stored_here_keeps_the_age_of_a_cache_before_us(cache):
    page = cache.page().answers(cache_control="no-store", age="33")
    assert page.stored().field("age") == "33"


def test_rfc9111_s5_1_the_age_of_a_cache_before_us_stays_on_the_answer_that_is_stored(cache):
    page = cache.page().answers(cache_control="max-age=600", age="33")
    first = page.stored()
    assert len(first.all("age")) == 1 and int(first.field("age")) >= 33


# --- what a policy adds

LIFETIMES = [
    ("floor", 200, fields(cache_control="max-age=1"), 100), ("floor", 200, fields(cache_control="max-age=500"), 500),
    ("floor", 200, fields(cache_control="max-age=0"), 100), ("floor", 302, fields(cache_control="max-age=5"), 5),
    ("floor", 200, fields(cache_control="max-age=50", age="10"), 100),
    ("ceiling", 200, fields(cache_control="max-age=500"), 100), ("ceiling", 200, fields(cache_control="max-age=50"), 50),
    ("ceiling", 200, fields(cache_control="s-maxage=500"), 100), ("ceiling", 200, fields(cache_control="max-age=500", age="400"), 100),
    ("fallback", 200, (), 100), ("fallback", 404, (), 100), ("fallback", 200, fields(cache_control="max-age=7"), 7),
    ("fallback", 200, fields(expires="0"), None), ("fallback", 302, (), None), ("fallback", 200, fields(age="500"), 100),
    ("fallback", 200, fields(cache_control="no-store"), None), ("fallback", 200, fields(cache_control="private"), None),
    ("fallback", 200, fields(cache_control="no-cache"), None),
    ("negative", 404, (), 100), ("negative", 503, (), 50), ("negative", 500, (), None), ("negative", 200, (), None),
    ("negative", 404, fields(cache_control="max-age=5"), 5), ("negative", 503, fields(cache_control="no-store"), None),
    ("negative", 404, fields(cache_control="max-age=0"), None), ("negative", 404, fields(expires="0"), None),
    ("floor", 200, fields(cache_control="no-store, max-age=5"), None), ("floor", 200, fields(cache_control="private, max-age=5"), None),
]


@pytest.mark.ours
@pytest.mark.parametrize("policy, status, said, seconds", LIFETIMES)
def test_the_lifetime_that_a_policy_gives(cache, policy, status, said, seconds):
    page = cache.page(policy).answers(Reply(status, said))
    page.stored()
    second = page.ask()
    assert (second.how == "stored") == (seconds is not None), second.answer
    if seconds is not None:
        assert seconds - 5 <= second.status_of_cache["ttl"] <= seconds, second.status_of_cache


@pytest.mark.ours
@pytest.mark.parametrize("policy, days, low, high", [
    ("plain", 1, DAY // 10 - 5, DAY // 10), ("plain", 1000, DAY - 5, DAY), ("half", 1, 195, 200)])
def test_rfc9111_s4_2_2_heuristics_give_a_share_of_the_time_since_last_modified_up_to_a_limit(cache, policy, days, low, high):
    page = cache.page(policy).answers(last_modified=http_date(-days * DAY))
    page.stored()
    assert low <= page.ask().status_of_cache["ttl"] <= high


@pytest.mark.ours
def test_rfc9111_s4_2_2_a_policy_can_turn_heuristics_off(cache):
    assert not reused(cache.page("nothing").answers(with_tag(last_modified=http_date(-10 * DAY))))
