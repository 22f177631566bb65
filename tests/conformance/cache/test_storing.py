"""What is stored: RFC 9111 section 3, and which of its fields: 3.1, 5.2.2.4, 5.2.2.7."""

import pytest

from support.cache_origin import Reply, fields, http_date

POLICIES = {
    "strip": {"setCookie": "Strip"},
    "keep": {"setCookie": "Keep"},
    "small": {"maxObjectBytes": 1000},
    "second": {"admission": "SecondRequest"},
}
TOKEN = ("Authorization", "Bearer abc")


def is_stored(page, *request, expected: bool, **asked):
    """Asks twice: the first is fetched, the second from the store, or fetched once more."""
    first = page.stored(*request, **asked)
    second = page.ask(*request, **asked)
    assert (second.how == "stored") is expected, (second.how, second.answer)
    if expected:
        assert second.body == first.body and second.status == first.status
    else:
        assert len(page.requests) == 2
    return first, second


STATUSES = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]


@pytest.mark.parametrize("status", STATUSES)
def test_rfc9110_s15_1_a_status_that_is_heuristically_cacheable_is_stored_without_being_told(cache, status):
    page = cache.page().answers(Reply(status, fields(last_modified=http_date(-864000))))
    is_stored(page, expected=True)


@pytest.mark.parametrize("status", [201, 202, 205, 302, 303, 307, 400, 401, 403, 409, 418, 451, 500, 502, 503, 504, 299, 599])
def test_rfc9111_s3_another_status_is_not_stored_without_being_told(cache, status):
    page = cache.page().answers(Reply(status, fields(last_modified=http_date(-864000), etag='"a"')))
    first, second = is_stored(page, expected=False)
    assert second.how == "fetched", "a condition was sent about what must not be stored"


@pytest.mark.parametrize("status", [*STATUSES, 302, 303, 307, 403, 451, 500, 503, 299, 599])
@pytest.mark.parametrize("control", ["max-age=60", "s-maxage=60"])
def test_rfc9111_s3_a_final_status_with_a_lifetime_is_stored(cache, status, control):
    is_stored(cache.page().answers(Reply(status, fields(cache_control=control))), expected=True)


@pytest.mark.parametrize("status", [302, 307, 403, 500])
def test_rfc9111_s3_a_final_status_with_expires_is_stored(cache, status):
    is_stored(cache.page().answers(Reply(status, fields(expires=http_date(60)))), expected=True)


@pytest.mark.parametrize("control, expected", [
    ("max-age=60", True), ("MAX-AGE=60", True), ("public, max-age=60", True), ("max-age=60,public", True),
    ("max-age=60, x-unknown", True), ('max-age=60, x-unknown="no-store"', True), ("max-age=60, x-unknown=no-store", True),
    ('max-age=60, x-unknown="a, no-store, b"', True), ("max-age=60,,", True), ("  max-age=60  ", True),
    ("no-transform, max-age=60", True), ("must-revalidate, max-age=60", True), ("proxy-revalidate, max-age=60", True),
    ("no-store", False), ("max-age=60, no-store", False), ("no-store, max-age=60", False), ("max-age=60,No-Store", False),
    ("max-age=60 , no-store", False), ("max-age=60,\tno-store", False), ('max-age=60, x="a", no-store', False),
    ("public, no-store, max-age=60", False), ("max-age=60, no-store=1", False), ('max-age=60, no-store=""', False),
    ("private", False), ("private, max-age=60", False), ("max-age=60, PRIVATE", False), ("public, private, max-age=60", False),
    ("private, s-maxage=60", False), ("max-age=60, private=", False),
])
def test_rfc9111_s5_2_2_response_directives_decide_on_storing(cache, control, expected):
    is_stored(cache.page().answers(cache_control=control), expected=expected)


@pytest.mark.parametrize("second", ["no-store", "private"])
def test_rfc9110_s5_3_a_directive_in_the_second_of_two_lines_counts(cache, second):
    page = cache.page().answers(Reply(fields=(("Cache-Control", "max-age=60"), ("Cache-Control", second))))
    is_stored(page, expected=False)


def test_rfc9111_s5_2_1_5_what_a_request_with_no_store_fetched_is_not_stored(cache):
    page = cache.page().answers(cache_control="max-age=60")
    page.stored(cache_control="no-store")
    assert page.ask().how == "fetched"


@pytest.mark.parametrize("status, control, expected", [
    (200, "must-understand, no-store, max-age=60", True), (404, "no-store, must-understand, max-age=60", True),
    (200, "must-understand, max-age=60", True), (599, "must-understand, max-age=60", False),
    (599, "must-understand, no-store, max-age=60", False), (299, "must-understand, no-store, max-age=60", False),
    (200, "must-understand, private, max-age=60", False),
])
def test_rfc9111_s5_2_2_3_must_understand_stands_for_no_store_where_the_status_is_not_understood(cache, status, control, expected):
    is_stored(cache.page().answers(Reply(status, fields(cache_control=control))), expected=expected)


@pytest.mark.parametrize("control, expected", [
    ("max-age=60", False), ("proxy-revalidate, max-age=60", False), ("immutable, max-age=60", False),
    ("public, max-age=60", True), ("s-maxage=60", True), ("must-revalidate, max-age=60", True),
    ("public, private, max-age=60", False), ("public, no-store, max-age=60", False),
])
def test_rfc9111_s3_5_an_answer_to_authorization_is_shared_only_when_told(cache, control, expected):
    is_stored(cache.page().answers(cache_control=control), TOKEN, expected=expected)


def test_rfc9111_s3_5_an_answer_to_authorization_is_not_shared_by_heuristics(cache):
    is_stored(cache.page().answers(last_modified=http_date(-864000)), TOKEN, expected=False)


def test_rfc9111_s3_5_an_answer_to_authorization_is_not_given_to_others(cache):
    page = cache.page().answers(cache_control="max-age=60")
    page.stored(TOKEN)
    assert page.ask().how == "fetched"
    assert page.ask(("Authorization", "Bearer other")).how == "stored", "what was fetched without credentials is public"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "PROPFIND", "REPORT"])
def test_rfc9111_s3_an_answer_to_another_method_is_not_stored(cache, method):
    page = cache.page().answers(cache_control="public, max-age=60")
    page.stored(method=method, body=b"x" if method in ("POST", "PUT", "PATCH", "QUERY") else None)
    assert page.ask(method=method, body=b"x" if method in ("POST", "PUT", "PATCH", "QUERY") else None).how == "fetched"
    assert page.ask().how == "fetched", "a GET is not answered with it"


def test_rfc9110_s9_1_methods_are_case_sensitive_and_get_in_lower_case_is_another(cache):
    page = cache.page().answers(cache_control="max-age=60")
    page.stored()
    assert page.ask(method="get").how != "stored"


def test_rfc9110_s9_3_1_an_answer_to_a_get_with_content_is_not_stored_nor_served(cache):
    page = cache.page().answers(cache_control="max-age=60")
    page.stored(body=b"q=1")
    stored = page.ask()
    assert stored.how == "fetched"
    assert page.ask().how == "stored"
    assert page.ask(body=b"q=2").version != stored.version


def test_rfc9111_s3_nothing_is_stored_that_is_stale_at_once_and_cannot_be_validated(cache):
    page = cache.page().answers(cache_control="max-age=0")
    is_stored(page, expected=False)


# --- 3.1: fields

HOP_BY_HOP = [("Keep-Alive", "timeout=9"), ("Proxy-Connection", "x"), ("Proxy-Authenticate", "Basic"),
              ("Proxy-Authentication-Info", "x=1"), ("Upgrade", "x")]


@pytest.mark.parametrize("name, value", HOP_BY_HOP)
def test_rfc9111_s3_1_a_field_of_one_connection_or_of_the_proxy_is_not_stored(cache, name, value):
    page = cache.page().answers(Reply(fields=(("Cache-Control", "max-age=60"), ("X-Kept", "1"), (name, value))))
    _, second = is_stored(page, expected=True)
    assert second.field(name) is None and second.field("x-kept") == "1"


@pytest.mark.parametrize("connection", ["X-Hop", "x-hop, keep-alive", "keep-alive , X-HOP", "close, x-hop"])
def test_rfc9111_s3_1_a_field_named_by_connection_is_not_stored(cache, connection):
    page = cache.page().answers(Reply(fields=(
        ("Cache-Control", "max-age=60"), ("Connection", connection), ("X-Hop", "secret"), ("X-Kept", "1"))))
    first, second = is_stored(page, expected=True)
    assert second.field("x-hop") is None and second.field("x-kept") == "1"
    assert first.field("x-hop") is None
    assert "x-hop" not in (second.field("connection") or "").lower()


def test_rfc9111_s3_1_fields_that_nobody_knows_are_stored_with_all_their_lines_in_order(cache):
    page = cache.page().answers(Reply(fields=(
        ("Cache-Control", "max-age=60"), ("Link", "</a>; rel=x"), ("X-Unknown", "ä".encode().decode("latin-1")), ("Link", "</b>; rel=y"),
        ("X-Empty", ""), ("Content-Type", "text/x; charset=utf-8"))))
    first, second = is_stored(page, expected=True)
    ours = {"age", "cache-status", "date", "via"}
    assert [f for f in second.fields if f[0] not in ours] == [f for f in first.fields if f[0] not in ours]
    assert second.all("link") == ["</a>; rel=x", "</b>; rel=y"]


@pytest.mark.parametrize("directive", ["no-cache", "private"])
@pytest.mark.parametrize("form", ['{}="x-own"', '{}="X-Own, x-other"', '{}=" x-other ,x-own "', "{}=x-own", '{}="x-o\\wn"'])
def test_rfc9111_s5_2_2_fields_that_no_cache_and_private_name_are_not_given_to_others(cache, directive, form):
    control = form.format(directive)
    page = cache.page().answers(Reply(fields=(("Cache-Control", f"max-age=60, {control}"), ("X-Own", "one"), ("X-Kept", "1"))))
    assert page.stored().field("x-own") == "one"
    second = page.ask()
    assert second.how != "stored" or second.field("x-own") is None
    assert second.field("x-kept") == "1"


@pytest.mark.parametrize("directive", ["no-cache", "private"])
@pytest.mark.ours
def test_rfc9111_s5_2_2_the_rest_of_a_response_whose_fields_are_named_is_stored(cache, directive):
    page = cache.page().answers(Reply(fields=(("Cache-Control", f'max-age=60, {directive}="x-own"'), ("X-Own", "one"))))
    is_stored(page, expected=True)


@pytest.mark.parametrize("value", ["a=1", "a=1; Secure; HttpOnly"])
def test_rfc9111_s7_3_a_response_that_sets_a_cookie_is_not_stored_unless_the_policy_says_so(cache, value):
    is_stored(cache.page().answers(cache_control="max-age=60", set_cookie=value), expected=False)
    is_stored(cache.page().answers(cache_control="public, s-maxage=60", set_cookie=value), expected=False)


@pytest.mark.ours
def test_rfc9111_s7_3_a_policy_that_strips_stores_without_the_cookie(cache):
    page = cache.page("strip").answers(cache_control="max-age=60", set_cookie="a=1", x_kept="1")
    first, second = is_stored(page, expected=True)
    assert first.field("set-cookie") == "a=1", "the one who asked gets his cookie"
    assert second.field("set-cookie") is None and second.field("x-kept") == "1"


@pytest.mark.ours
def test_rfc9111_s7_3_a_policy_that_keeps_cookies_gives_them_to_everybody(cache):
    page = cache.page("keep").answers(Reply(fields=(("Cache-Control", "max-age=60"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))
    _, second = is_stored(page, expected=True)
    assert second.all("set-cookie") == ["a=1", "b=2"]


@pytest.mark.ours
@pytest.mark.parametrize("directive", ["no-cache", "private"])
def test_rfc9111_s5_2_2_4_a_cookie_that_the_origin_itself_sets_apart_does_not_hinder_storing(cache, directive):
    page = cache.page().answers(cache_control=f'max-age=60, {directive}="set-cookie"', set_cookie="a=1")
    first, second = is_stored(page, expected=True)
    assert first.field("set-cookie") == "a=1" and second.field("set-cookie") is None


@pytest.mark.ours
@pytest.mark.parametrize("cookie, control, expected", [
    ("session=1", None, False), ("session=1", "max-age=60", True), ("session=1", "public", True), (None, None, True)])
def test_rfc9111_s4_2_2_heuristics_do_not_keep_what_a_request_with_cookies_got(cache, cookie, control, expected):
    named = {"cache_control": control} if control else {}
    page = cache.page().answers(last_modified=http_date(-864000), **named)
    is_stored(page, *([("Cookie", cookie)] if cookie else []), expected=expected)


# --- limits of the policy

@pytest.mark.ours
@pytest.mark.parametrize("size, expected", [(1000, True), (1001, False), (50000, False)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_response_larger_than_the_limit_of_the_policy_is_passed_whole_and_not_stored(cache, size, expected, chunked):
    page = cache.page("small").answers(Reply(fields=fields(cache_control="max-age=60"), size=size, chunked=chunked))
    first, _ = is_stored(page, expected=expected)
    assert len(first.body) == size and first.version == 1


@pytest.mark.ours
def test_admission_by_the_second_request_stores_what_is_asked_for_twice(cache):
    page = cache.page("second").answers(cache_control="max-age=60")
    assert [page.ask().how for _ in range(4)] == ["fetched", "fetched", "stored", "stored"]


@pytest.mark.parametrize("form", [{"chunked": True}, {"close": True}, {"size": 0}, {"size": 1_000_000}, {"size": 1_000_000, "chunked": True}])
@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc9112_s6_however_a_complete_body_is_framed_it_is_stored_whole(cache, form, over):
    if cache.is_peer and over == "h2":
        pytest.skip("cleartext HTTP/1.1 alone")
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60"), **form))
    first, second = is_stored(page, expected=True, over=over)
    assert len(second.body) == form.get("size", 96)
    assert not second.body or second.version == 1


def test_rfc9110_s15_3_5_a_204_is_stored_without_content(cache):
    page = cache.page().answers(Reply(204, fields(cache_control="max-age=60")))
    _, second = is_stored(page, expected=True)
    assert second.status == 204 and second.field("content-length") is None and second.field("transfer-encoding") is None


@pytest.mark.parametrize("trailers", [(("X-Sum", "1"),), (("Cache-Control", "no-store"), ("Content-Length", "1"))])
def test_rfc9111_s3_1_trailers_do_not_become_header_fields_of_what_is_stored(cache, trailers):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", trailer="X-Sum"), chunked=True, trailers=trailers))
    first, second = is_stored(page, ("TE", "trailers"), expected=True)
    assert second.field("x-sum") is None and second.version == 1 and len(second.body) == 96
    assert second.field("cache-control") == "max-age=60"


@pytest.mark.parametrize("interim", [((103, (("Link", "</a.css>; rel=preload"),)),), ((103, ()), (102, ()), (103, ()))])
def test_rfc9111_s3_interim_responses_are_passed_on_and_not_stored(cache, interim):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60"), interim=interim))
    first, second = is_stored(page, expected=True)
    if not cache.is_peer:
        assert first.interim == [status for status, _ in interim]
    assert second.interim == [] and second.status == 200


@pytest.mark.ours
@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.parametrize("more", [(), (("Via", "1.1 inner"),), (("X-Empty", ""), ("Link", "<a>"), ("Link", "<b>"))],
                         ids=["plain", "via", "several"])
def test_a_hit_has_the_fields_of_the_first_answer(cache, over, more):
    page = cache.page().answers(Reply(fields=(*fields(cache_control="max-age=600", content_type="text/css"), *more)))
    first, hit = page.stored(over=over), page.ask(over=over)
    assert hit.is_hit
    of_cache = ("age", "cache-status")
    assert [f for f in hit.fields if f[0] not in of_cache] == [f for f in first.fields if f[0] not in of_cache]
