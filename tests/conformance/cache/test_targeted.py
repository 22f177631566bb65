"""Targeted cache control: RFC 9213, with structured fields read strictly (RFC 8941), and Surrogate-Control."""

import pytest

from support.cache_origin import Reply, fields, http_date

pytestmark = pytest.mark.ours
POLICIES = {
    "list": {"targetedFields": ["Headgate-Cache-Control", "CDN-Cache-Control"]},
    "none": {"targetedFields": []},
    "surrogate": {"surrogateControl": True},
}


def reused(page) -> bool:
    """Every response has a validator, so what may be stored is stored."""
    first = page.stored()
    second = page.ask()
    assert second.status == first.status
    return second.how == "stored"


def targeted(cache, control, policy="plain", name="CDN-Cache-Control", **named):
    lines = [control] if isinstance(control, str) else control
    return cache.page(policy).answers(Reply(fields=(*((name, line) for line in lines), *fields(etag='"a"', **named)), validates=True))


@pytest.mark.parametrize("control, named, expected", [
    ("max-age=60", {"cache_control": "no-store"}, True), ("max-age=60", {"cache_control": "private"}, True),
    ("max-age=60", {"cache_control": "max-age=0"}, True), ("max-age=60", {"cache_control": "no-cache"}, True),
    ("max-age=0", {"cache_control": "max-age=60"}, False), ("no-store", {"cache_control": "max-age=60"}, False),
    ("private", {"cache_control": "max-age=60"}, False), ("no-cache", {"cache_control": "max-age=60"}, False),
    ("max-age=60", {"cache_control": "s-maxage=0"}, True), ("s-maxage=60", {"cache_control": "max-age=0"}, True),
    ("max-age=0, s-maxage=60", {}, True), ("max-age=60", {"expires": "0"}, True), ("max-age=60", {"age": "100"}, False),
    ("max-age=60", {"pragma": "no-cache"}, True), ("max-age=60, x-unknown", {}, True), ("max-age=60;x=1", {}, True),
    ("max-age=60, x=(a b);c", {"cache_control": "no-store"}, True), ("max-age=60, no-store=?1", {}, False),
    ("max-age=60, no-cache=?1", {}, False), (["max-age=60", "x"], {"cache_control": "no-store"}, True),
    (["max-age=0", "max-age=60"], {}, True), ("max-age=0, max-age=60", {}, True), ("max-age=60, max-age=0", {}, False),
])
def test_rfc9213_s2_2_a_targeted_field_stands_for_cache_control_and_expires(cache, control, named, expected):
    assert reused(targeted(cache, control, **named)) is expected


@pytest.mark.parametrize("named", [{"expires": http_date(600)}, {}])
def test_rfc9213_s2_2_expires_does_not_count_where_a_targeted_field_says_nothing_of_time(cache, named):
    assert not reused(targeted(cache, "public", **named))


# what is no Dictionary of RFC 8941, or has another type than it should: the field is ignored
BROKEN = ["max-age=60,", "max-age=60,,no-cache", "max-age=60;", "Max-Age=60", "max-age = 60", 'max-age="60', "max-age=60 no-store",
          "max-age=60, No-Store", "=60", "max-age=60, x=(", "max-age=60, 1a", "max-age=60, x=1.", "\"max-age\"=60"]


@pytest.mark.parametrize("control", BROKEN)
@pytest.mark.parametrize("fallback, expected", [("max-age=60", True), ("no-store", False)])
def test_rfc9213_s2_2_a_field_that_is_no_dictionary_is_ignored(cache, control, fallback, expected):
    assert reused(targeted(cache, control, cache_control=fallback)) is expected


@pytest.mark.parametrize("control", ['max-age="60"', "max-age=sixty", "max-age=60.0", "max-age=?1", "max-age", "max-age=(60)", "max-age=:YQ==:"])
def test_rfc9213_s2_1_a_max_age_that_is_no_integer_does_not_make_it_fresh(cache, control):
    page = targeted(cache, control)
    assert not reused(page)


def test_rfc9213_s2_2_an_empty_targeted_field_is_ignored(cache):
    assert reused(targeted(cache, "", cache_control="max-age=60"))
    assert not reused(targeted(cache, "", cache_control="no-store"))


@pytest.mark.parametrize("own, cdn, plain, expected", [
    ("max-age=60", "no-store", "no-store", True), ("no-store", "max-age=60", "max-age=60", False),
    (None, "max-age=60", "no-store", True), (None, None, "max-age=60", True), (None, "no-store", "max-age=60", False),
    ("Broken,", "max-age=60", "no-store", True), ("Broken,", "no-store", "max-age=60", False),
])
def test_rfc9213_s2_2_the_first_field_of_the_list_that_is_there_counts(cache, own, cdn, plain, expected):
    said = {"headgate_cache_control": own, "cdn_cache_control": cdn, "cache_control": plain}
    page = cache.page("list").answers(Reply(fields=fields(etag='"a"', **{k: v for k, v in said.items() if v is not None}), validates=True))
    assert reused(page) is expected


def test_rfc9213_s2_2_a_field_that_is_not_in_the_list_is_no_word_to_us(cache):
    assert reused(cache.page().answers(Reply(fields=fields(cache_control="max-age=60", headgate_cache_control="no-store", etag='"a"'))))
    assert not reused(cache.page("none").answers(Reply(fields=fields(cache_control="no-store", cdn_cache_control="max-age=60", etag='"a"'))))


def test_rfc9213_s2_2_targeted_fields_are_passed_on_with_what_is_stored(cache):
    page = targeted(cache, "max-age=60", cache_control="no-store")
    page.stored()
    second = page.ask()
    assert second.how == "stored"
    assert (second.field("cdn-cache-control"), second.field("cache-control")) == ("max-age=60", "no-store")


def test_rfc9213_s2_2_must_revalidate_and_authorization_are_read_from_the_targeted_field(cache):
    page = targeted(cache, "s-maxage=60", cache_control="no-store")
    page.stored(authorization="x")
    assert page.ask(authorization="x").how == "stored"
    page = targeted(cache, "max-age=60", cache_control="public, s-maxage=60")
    page.stored(authorization="x")
    assert page.ask(authorization="x").fetches


# --- Surrogate-Control

def test_surrogate_control_means_nothing_by_default(cache):
    assert not reused(targeted(cache, "max-age=60", name="Surrogate-Control", cache_control="no-store"))
    assert reused(targeted(cache, "no-store", name="Surrogate-Control", cache_control="max-age=60"))


@pytest.mark.parametrize("control, named, expected", [
    ("max-age=60", {"cache_control": "no-store"}, True), ("no-store", {"cache_control": "max-age=60"}, False),
    ("no-store-remote", {"cache_control": "max-age=60"}, False), ("max-age=60+30", {"cache_control": "no-store"}, True),
    ('content="ESI/1.0", max-age=60', {"cache_control": "no-store"}, True), ("max-age=60", {"cdn_cache_control": "no-store"}, True),
    ('content="ESI/1.0"', {"cache_control": "max-age=60"}, True), ("max-age=0", {"cache_control": "max-age=60"}, False),
])
def test_surrogate_control_stands_before_all_when_the_policy_says_so(cache, control, named, expected):
    assert reused(targeted(cache, control, "surrogate", "Surrogate-Control", **named)) is expected
