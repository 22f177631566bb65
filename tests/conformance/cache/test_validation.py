"""Validation: RFC 9111 section 4.3, RFC 9110 section 13."""

import datetime
import email.utils

import pytest

from support.cache_origin import Reply, fields, http_date

DAY = 86400
POLICIES = {"past": {"bypass": {"headers": [{"name": "X-Past"}]}}}


def stale(*pairs, **named) -> Reply:
    """A response that is stale when it comes and that the origin validates."""
    return Reply(fields=(*pairs, *fields(cache_control="max-age=60", age="100", **named)), validates=True)


def kept(cache, *pairs, status: int = 200, **named):
    """A page whose fresh response with these fields is stored."""
    page = cache.page().answers(Reply(status, (("Cache-Control", "max-age=600"), *pairs, *fields(**named)), version=7))
    page.stored()
    return page


# --- 4.3.1: the question

@pytest.mark.parametrize("validators, sent, absent", [
    (("ETag",), ("if-none-match",), ("if-modified-since",)), (("Last-Modified",), ("if-modified-since",), ("if-none-match",)),
    (("ETag", "Last-Modified"), ("if-none-match",), ("if-match", "if-range", "if-unmodified-since")),
])
def test_rfc9111_s4_3_1_the_validators_of_what_is_stored_are_asked_about(cache, validators, sent, absent):
    values = {"ETag": '"a"', "Last-Modified": http_date(-DAY)}
    page = cache.page().answers(stale(*((name, values[name]) for name in validators)))
    page.stored()
    assert page.ask().status == 200
    asked = page.requests[1]
    own = {"if-none-match": values["ETag"], "if-modified-since": values["Last-Modified"]}
    assert all(asked.all(name) == [own[name]] for name in sent), asked.fields
    assert all(asked.field(name) is None for name in absent), asked.fields


def test_rfc9110_s13_1_3_a_date_without_a_tag_is_sent_exactly_as_it_came(cache):
    odd = "Sunday, 06-Nov-94 08:49:37 GMT"
    page = cache.page().answers(stale(("Last-Modified", odd)))
    page.stored()
    assert page.ask().status == 200
    assert page.requests[1].field("if-modified-since") in (odd, "Sun, 06 Nov 1994 08:49:37 GMT")


@pytest.mark.parametrize("tag", ['"a"', 'W/"a"', '""', '"a,b"'])
def test_rfc9111_s4_3_3_a_304_answers_with_what_is_stored(cache, tag):
    page = cache.page().answers(stale(("ETag", tag)))
    first = page.stored()
    second = page.ask()
    assert (second.how, second.status, second.body) == ("validated", 200, first.body)
    assert page.requests[1].all("if-none-match") == [tag]
    assert second.field("content-length") == str(len(first.body))


@pytest.mark.parametrize("sent", [{"if_none_match": '"mine"'}, {"if_modified_since": http_date(-5 * DAY)}, {"if_none_match": "*"},
                                  {"if_none_match": '"mine"', "if_modified_since": http_date(-5 * DAY)}])
def test_rfc9111_s4_3_1_a_condition_of_the_client_does_not_take_the_place_of_ours(cache, sent):
    page = cache.page().answers(stale(etag='"a"'))
    first = page.stored()
    second = page.ask(**sent)
    assert '"a"' in page.requests[1].field("if-none-match")
    assert second.status in ((200, 304) if sent.get("if_none_match") == "*" else (200,))
    third = page.ask()
    assert (third.status, third.body) == (200, first.body), "what is stored is still whole"


@pytest.mark.parametrize("sent", [{"if_none_match": '"a"'}, {"if_modified_since": http_date(3600)}])
def test_rfc9111_s4_3_1_a_client_with_a_condition_does_not_spoil_what_is_stored_by_his_miss(cache, sent):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", etag='"a"', last_modified=http_date(-DAY)), validates=True))
    first = page.ask(**sent)
    assert first.status in (200, 304)
    second = page.ask()
    assert (second.status, second.version) == (200, 1000)
    if not cache.is_peer:
        assert second.how == "stored", "the whole was fetched and stored although he wanted none of it"
        assert first.status == 304, "his own condition is answered"


def test_rfc9110_s13_1_1_if_match_on_a_miss_is_left_to_the_origin(cache):
    page = cache.page().answers(Reply(412, fields(etag='"a"')))
    assert page.ask(if_match='"b"').status == 412
    assert page.requests[0].field("if-match") == '"b"'


# --- 4.3.3 and 4.3.4: the answer

def test_rfc9111_s4_3_4_a_304_updates_the_fields_of_what_is_stored(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"', x_new="1", x_old="1",
                                                    content_type="text/plain"), validates=True,
                                      fields_304=fields(cache_control="max-age=900", age="0", x_new="2", x_more="3",
                                                        content_type="text/html")))
    page.stored()
    for how in ("validated", "stored"):
        reading = page.ask()
        assert reading.how == how, "a fresh lifetime in the 304 makes it fresh"
        assert reading.all("x-new") == ["2"] and reading.field("x-more") == "3", reading.fields
        assert reading.field("x-old") == "1", "what the 304 does not speak of stays"
        assert reading.all("cache-control") == ["max-age=900"] and reading.version == 1000
        assert int(reading.field("age") or 0) < 10
    assert reading.all("content-type") == ["text/html"]


@pytest.mark.parametrize("name, value", [("Content-Length", "5"), ("Content-Encoding", "gzip"), ("Content-Range", "bytes 0-1/9")])
def test_rfc9111_s3_2_a_304_does_not_change_what_describes_the_stored_content(cache, name, value):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True,
                                      fields_304=((name, value), ("Cache-Control", "max-age=900"), ("Age", "0"))))
    page.stored()
    for how in ("validated", "stored"):
        reading = page.ask()
        assert (reading.how, reading.status, reading.version, len(reading.body)) == (how, 200, 1000, 96)
        assert reading.field("content-length") in ("96", None)
        assert reading.field("content-encoding") is None and reading.field("content-range") is None


def test_rfc9111_s3_1_hop_by_hop_fields_of_a_304_are_not_stored(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True, fields_304=(
        ("Connection", "X-Hop"), ("X-Hop", "secret"), ("Keep-Alive", "timeout=1"), ("Cache-Control", "max-age=900"), ("Age", "0"))))
    page.stored()
    for _ in range(2):
        reading = page.ask()
        assert reading.field("x-hop") is None and reading.field("keep-alive") is None
    assert reading.how == "stored"


def test_rfc9111_s7_3_a_cookie_in_a_304_is_not_given_to_others(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True,
                                      fields_304=fields(set_cookie="session=1", cache_control="max-age=900", age="0")))
    page.stored()
    assert page.ask().how == "validated"
    for _ in range(2):
        reading = page.ask()
        assert reading.fetches or reading.field("set-cookie") is None


@pytest.mark.parametrize("control", ["no-store", "private"])
def test_rfc9111_s4_3_4_what_a_304_forbids_to_store_is_not_served_again_without_asking(cache, control):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), validates=True,
                                      fields_304=fields(cache_control=control, age="0")))
    page.stored()
    second = page.ask()
    assert (second.status, second.version) == (200, 1000)
    assert page.ask().how != "stored"


def test_rfc9111_s4_3_3_a_full_answer_takes_the_place_of_what_was_stored(cache):
    page = cache.page().answers(stale(etag='"a"'), Reply(fields=fields(cache_control="max-age=60", etag='"b"', x_b="1")))
    page.stored()
    second, third = page.ask(), page.ask()
    assert (second.how, second.version, third.how, third.version) == ("validated", 1001, "stored", 1001)
    assert third.field("etag") == '"b"' and third.field("x-b") == "1"


@pytest.mark.parametrize("status, named, how", [
    (404, {"cache_control": "max-age=60"}, "stored"), (410, {"cache_control": "max-age=60"}, "stored"),
    (404, {"cache_control": "no-store"}, "validated"), (302, {"location": "/x", "cache_control": "max-age=60"}, "stored"),
])
def test_rfc9111_s4_3_3_another_final_answer_goes_to_the_client_and_replaces_by_its_own_rules(cache, status, named, how):
    page = cache.page().answers(stale(etag='"a"'), Reply(status, fields(**named)))
    page.stored()
    assert page.ask().status == status
    third = page.ask()
    assert third.status == status, "the old response is not heard of again"
    assert (third.how == "stored") == (how == "stored")


def test_rfc9111_s4_3_3_an_error_of_the_origin_does_not_end_what_is_stored(cache):
    page = cache.page().answers(stale(etag='"a"'), Reply(503, fields(cache_control="no-store")), stale(etag='"a"'))
    first = page.stored()
    assert page.ask().status == 503
    third = page.ask()
    assert (third.how, third.status, third.body) == ("validated", 200, first.body)


def test_rfc9111_s4_3_4_a_304_about_a_tag_that_is_not_stored_serves_nothing_old(cache):
    wrong = Reply(304, fields(etag='"other"', cache_control="max-age=900"))
    page = cache.page().answers(stale(etag='"a"'), wrong, Reply(fields=fields(cache_control="max-age=60", etag='"c"')))
    page.stored()
    second = page.ask()
    assert second.status == 200 and second.version == 1002, "fetched once more, without conditions"
    assert page.requests[2].field("if-none-match") is None


@pytest.mark.parametrize("asked", [{}, {"if_none_match": '"z"'}])
def test_rfc9110_s15_4_5_a_304_to_a_request_without_conditions_is_not_stored(cache, asked):
    page = cache.page().answers(Reply(304, fields(cache_control="max-age=60", etag='"z"')), Reply(fields=fields(cache_control="max-age=60")))
    page.ask(**asked)
    reading = page.ask()
    assert (reading.how, reading.status, reading.version) == ("fetched", 200, 2)


@pytest.mark.ours
@pytest.mark.parametrize("asked", [{}, {"if_none_match": '"z"'}, {"method": "HEAD"}])
def test_rfc9110_s15_4_5_a_304_that_nobody_asked_for_is_a_fault_of_the_origin(cache, asked):
    page = cache.page().answers(Reply(304, fields(cache_control="max-age=60", etag='"z"')))
    reading = page.ask(**asked)
    assert reading.status == 502 and reading.status_of_cache["fwd-status"] == 304
    assert cache.edge.wait_log(lambda line: line.get("path") == page.path)["reason"] == "upstream_not_modified"


@pytest.mark.ours
@pytest.mark.parametrize("control, status", [("max-age=60, stale-if-error=500", 200), ("max-age=60", 502)])
def test_rfc5861_s4_what_is_stored_stands_in_for_a_304_that_nobody_asked_for(cache, control, status):
    wrong = Reply(304, fields(etag='"other"', cache_control="max-age=900"))
    page = cache.page().answers(Reply(fields=fields(cache_control=control, age="100", etag='"a"')), wrong, wrong)
    first = page.stored()
    second = page.ask()
    assert second.status == status and len(second.fetches) == 2, "validated, then asked for without conditions"
    assert status == 502 or second.body == first.body


@pytest.mark.ours
@pytest.mark.parametrize("asked", [{"method": "HEAD"}, {"x_past": "1", "policy": "past"}])
def test_rfc9110_s15_4_5_a_304_to_conditions_of_the_client_that_were_passed_on_is_his(cache, asked):
    policy, sent = asked.get("policy", "plain"), {name: value for name, value in asked.items() if name != "policy"}
    page = cache.page(policy).answers(Reply(304, fields(cache_control="max-age=60", etag='"z"')))
    reading = page.ask(if_none_match='"z"', **sent)
    assert reading.status == 304 and reading.fetches[0].field("if-none-match") == '"z"'


# --- 4.3.2: conditions of clients, answered from the store

TAGS = [
    ('"a"', '"a"', 304), ('"a"', 'W/"a"', 304), ('W/"a"', '"a"', 304), ('W/"a"', 'W/"a"', 304), ('"a"', '"b"', 200), ('"a"', '"A"', 200),
    ('"a"', '"x", "a"', 304), ('"a"', '"x","a"', 304), ('"a"', '"x" , W/"a" ,"y"', 304), ('"a"', "*", 304), ('"a"', '"x, a"', 200),
    ('"a,b"', '"a,b"', 304), ('"a"', "a", 200), ('""', '""', 304), ('"a"', '"aa"', 200), ('"a"', 'w/"a"', 200), ('"a"', '"a', 200),
    ('"a"', '"*"', 200), (None, '"a"', 200), (None, "*", 304),
]


@pytest.mark.parametrize("tag, asked, status", TAGS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rfc9110_s13_1_2_if_none_match_is_compared_weakly_with_what_is_stored(cache, tag, asked, status, method):
    page = kept(cache, *([("ETag", tag)] if tag else []))
    reading = page.ask(if_none_match=asked, method=method)
    assert (reading.status, reading.fetches) == (status, [])
    if status == 304:
        assert reading.body == b""
    elif method == "GET":
        assert reading.version == 7


def test_rfc9110_s5_3_if_none_match_in_two_lines_is_one_list(cache):
    page = kept(cache, etag='"a"')
    reading = page.ask(("If-None-Match", '"x"'), ("If-None-Match", '"a"'))
    assert (reading.status, reading.fetches) == (304, [])


MODIFIED = http_date(-DAY)
# seconds after MODIFIED, or text that is no date
DATES = [
    (True, 0, 304), (True, 60, 304), (True, -1, 200), (True, -60, 200), (True, "yesterday", 200), (True, "", 200),
    (True, DAY + 3600, 304), (False, DAY + 3600, 304), (False, 0, 200),
]


def after_modified(since) -> str:
    if isinstance(since, str):
        return since
    return email.utils.formatdate(email.utils.parsedate_to_datetime(MODIFIED).timestamp() + since, usegmt=True)


@pytest.mark.parametrize("modified, since, status", DATES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rfc9110_s13_1_3_if_modified_since_is_compared_with_last_modified_or_date(cache, modified, since, status, method):
    page = kept(cache, *([("Last-Modified", MODIFIED)] if modified else []))
    reading = page.ask(if_modified_since=after_modified(since), method=method)
    assert (reading.status, reading.fetches) == (status, [])


@pytest.mark.parametrize("form", ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"])
def test_rfc9110_s5_6_7_if_modified_since_is_read_in_its_old_forms(cache, form):
    page = kept(cache, last_modified=MODIFIED)
    since = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).strftime(form)
    assert page.ask(if_modified_since=since).status == 304


@pytest.mark.parametrize("tags, since, status", [
    ('"x"', DAY, 200), ('"a"', -5 * DAY, 304), ('"a"', "no date", 304), ('"x"', 0, 200)])
def test_rfc9110_s13_2_2_if_none_match_stands_over_if_modified_since(cache, tags, since, status):
    page = kept(cache, etag='"a"', last_modified=MODIFIED)
    reading = page.ask(if_none_match=tags, if_modified_since=after_modified(since))
    assert (reading.status, reading.fetches) == (status, [])


def test_rfc9110_s15_4_5_a_304_from_the_store_has_the_fields_that_it_must_and_none_of_the_content(cache):
    page = kept(cache, etag='"a"', vary="X-A", expires=http_date(600), content_location="/c", content_type="text/plain",
                content_language="de", x_kept="1")
    reading = page.ask(if_none_match='"a"')
    assert reading.status == 304
    for name in ("cache-control", "content-location", "date", "etag", "expires", "vary", "age"):
        assert len(reading.all(name)) == 1, name
    for name in ("content-type", "content-encoding", "content-range", "transfer-encoding"):
        assert reading.field(name) is None, name
    assert reading.field("content-length") in (None, "96")


@pytest.mark.ours
def test_rfc9110_s15_4_5_a_304_from_the_store_has_no_content_language(cache):
    page = kept(cache, etag='"a"', content_language="de")
    assert page.ask(if_none_match='"a"').field("content-language") is None


@pytest.mark.parametrize("status", [404, 301, 410])
@pytest.mark.parametrize("condition", [("If-None-Match", "*"), ("If-None-Match", '"a"'), ("If-Modified-Since", http_date(3600))])
def test_rfc9110_s13_2_1_conditions_count_for_a_stored_200_alone(cache, status, condition):
    page = kept(cache, status=status, etag='"a"', last_modified=MODIFIED)
    reading = page.ask(condition)
    assert (reading.status, reading.fetches) == (status, [])


@pytest.mark.parametrize("condition", [("If-Match", '"x"'), ("If-Unmodified-Since", http_date(-5 * DAY))])
def test_rfc9111_s4_3_2_if_match_and_if_unmodified_since_are_not_for_the_cache(cache, condition):
    page = kept(cache, etag='"a"', last_modified=MODIFIED)
    reading = page.ask(condition)
    assert (reading.status, reading.fetches) == (200, [])


def test_rfc9110_s13_1_2_a_post_with_if_none_match_is_not_answered_by_the_cache(cache):
    page = kept(cache, etag='"a"')
    assert page.ask(if_none_match='"a"', method="POST", body=b"x").how == "validated", "it goes to the origin as it is"


def test_rfc9111_s4_3_2_a_condition_is_answered_after_the_stale_response_was_validated(cache):
    page = cache.page().answers(stale(etag='"a"'))
    page.stored()
    reading = page.ask(if_none_match='"a"')
    assert (reading.how, reading.status, reading.body) == ("validated", 304, b"")
    other = page.ask(if_none_match='"b"')
    assert (other.status, other.version) == (200, 1000)


def test_rfc9111_s4_3_2_a_condition_holds_for_the_new_response_when_the_old_one_is_replaced(cache):
    page = cache.page().answers(stale(etag='"a"'), Reply(fields=fields(cache_control="max-age=60", etag='"b"')))
    page.stored()
    assert page.ask(if_none_match='"b"').status == 304
    third = page.ask()
    assert (third.status, third.version, third.how) == (200, 1001, "stored")


@pytest.mark.ours
def test_rfc9111_s4_3_1_the_tags_of_all_variants_are_asked_about_and_the_304_selects_one(cache):
    def choose(request):
        tag = {"one": '"1"', "two": '"2"', "three": '"2"'}[request.field("x-a")]
        return Reply(fields=fields(cache_control="max-age=600", vary="X-A", etag=tag), validates=True)

    page = cache.page().chooses(choose)
    one, two = page.stored(x_a="one"), page.stored(x_a="two")
    three = page.ask(x_a="three")
    asked = page.requests[2].field("if-none-match") or ""
    assert one.version != two.version and three.version == two.version
    assert asked == "" or {t.strip() for t in asked.split(",")} == {'"1"', '"2"'}, asked
    assert page.ask(x_a="one").body == one.body and page.ask(x_a="two").body == two.body


@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.ours
def test_rfc9110_s15_4_5_a_304_from_the_store_over_each_protocol(cache, over):
    page = kept(cache, etag='"a"')
    reading = page.ask(if_none_match='"a"', over=over)
    assert (reading.status, reading.body, reading.fetches) == (304, b"", [])
    assert page.ask(over=over).version == 7
