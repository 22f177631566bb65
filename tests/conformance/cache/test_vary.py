"""Vary: RFC 9111 section 4.1, RFC 9110 section 12.5.5."""

import pytest

from support.cache_origin import Reply, fields, http_date


def varying(cache, vary, *more, **named):
    """A page with a Vary, whose every fetch is another version."""
    lines = [vary] if isinstance(vary, str) else vary
    return cache.page().answers(Reply(fields=(("Cache-Control", "max-age=600"), *(("Vary", line) for line in lines), *more,
                                              *fields(**named))))


# Vary, the first request, the second, and whether it gets the first one's answer
SELECTION = [
    ("X-A", {"x_a": "1"}, {"x_a": "1"}, True), ("X-A", {"x_a": "1"}, {"x_a": "2"}, False), ("X-A", {"x_a": "1"}, {}, False),
    ("X-A", {}, {"x_a": "1"}, False), ("X-A", {}, {}, True), ("X-A", {}, {"x_b": "1"}, True), ("x-a", {"x_a": "1"}, {"x_a": "1"}, True),
    ("X-A", {"x_a": ""}, {}, False), ("X-A", {"x_a": "a"}, {"x_a": "A"}, False),
    ("X-A, X-B", {"x_a": "1", "x_b": "1"}, {"x_a": "1", "x_b": "1"}, True),
    ("X-A, X-B", {"x_a": "1", "x_b": "1"}, {"x_a": "1", "x_b": "2"}, False),
    ("X-A, X-B", {"x_a": "1", "x_b": "1"}, {"x_a": "2", "x_b": "1"}, False),
    ("X-A,X-B", {"x_a": "1", "x_b": "2"}, {"x_a": "2", "x_b": "1"}, False),
    ("X-A,,X-B ", {"x_b": "1"}, {"x_b": "2"}, False), ("X-A, X-B", {"x_a": "1x_b2"}, {"x_a": "1", "x_b": "2"}, False),
    ("X-A, X-A", {"x_a": "1"}, {"x_a": "1"}, True), (["X-A", "X-B"], {"x_b": "1"}, {"x_b": "2"}, False),
    (["X-A", "X-B"], {"x_a": "1"}, {"x_a": "1"}, True), ("Host", {}, {}, True), ("User-Agent", {"user_agent": "a"}, {"user_agent": "b"}, False),
    ("Cookie", {"cookie": "a=1"}, {"cookie": "a=2"}, False), ("Cookie", {"cookie": "a=1"}, {"cookie": "a=1"}, True),
    ("Origin", {"origin": "https://a"}, {"origin": "https://b"}, False), ("Accept", {"accept": "text/html"}, {"accept": "image/*"}, False),
]


@pytest.mark.parametrize("vary, first, second, same", SELECTION)
def test_rfc9111_s4_1_vary_selects_by_the_fields_that_it_names(cache, vary, first, second, same):
    page = varying(cache, vary)
    one = page.stored(**first)
    two = page.ask(**second)
    assert (two.how == "stored") is same
    assert (two.version == one.version) is same


@pytest.mark.parametrize("vary", ["*", "X-A, *", "*, X-A", ["X-A", "*"], " * "])
def test_rfc9111_s4_1_vary_with_a_star_selects_for_nobody(cache, vary):
    page = varying(cache, vary, etag='"a"')
    page.stored(x_a="1")
    assert page.ask(x_a="1").fetches


def test_rfc9111_s4_1_many_variants_are_kept_beside_each_other(cache):
    page = varying(cache, "X-A")
    made = {number: page.stored(x_a=str(number)).version for number in range(12)}
    assert len(set(made.values())) == 12
    for number, version in reversed(made.items()):
        again = page.ask(x_a=str(number))
        assert (again.how, again.version) == ("stored", version)


def test_rfc9111_s4_1_lines_of_a_field_are_one_value_in_their_order(cache):
    page = varying(cache, "X-A")
    one = page.stored(("X-A", "1"), ("X-A", "2"))
    assert page.ask(("X-A", "2"), ("X-A", "1")).version != one.version
    assert page.ask(("X-A", "1"), ("X-A", "2")).version == one.version


# forms that mean the same, and forms that do not
SAME = [
    ("Accept-Encoding", "gzip, br", "gzip,br"), ("Accept-Encoding", "gzip, br", "GZIP, br"), ("Accept-Encoding", "gzip;q=1.0", "gzip"),
    ("Accept-Encoding", "gzip, deflate", "deflate, gzip"), ("Accept-Language", "de, en;q=0.5", "de,en;q=0.500"),
    ("Accept-Language", "de", "DE"), ("Accept", "text/html", "text/html "), ("Accept", "text/html;q=0.5", "text/html; q=0.5"),
]
OTHER = [
    ("Accept-Encoding", "gzip", "br"), ("Accept-Encoding", "gzip", "gzip, br"), ("Accept-Encoding", "gzip", "gzip;q=0"),
    ("Accept-Encoding", "gzip", "identity"), ("Accept-Encoding", "gzip;q=0.5, br", "gzip, br;q=0.5"), ("Accept-Encoding", "gzip", "*"),
    ("Accept-Encoding", "gzip, identity;q=0", "gzip"), ("Accept-Language", "de", "en"), ("Accept-Language", "de, en", "en, de"),
    ("Accept-Language", "de", "de-CH"), ("Accept-Language", "de;q=0", "de"), ("Accept", "text/html", "text/plain"),
    ("Accept", "text/html;level=1", "text/html;level=2"), ("Accept", "text/html;q=0.1, a/b", "text/html, a/b"),
    ("X-A", "1, 2", "1,2"), ("X-A", "a b", "a  b"), ("Cookie", "a=1; b=2", "a=2; b=1"),
]


@pytest.mark.ours
@pytest.mark.parametrize("name, one, other", SAME)
def test_rfc9111_s4_1_values_that_mean_the_same_select_the_same_variant(cache, name, one, other):
    page = varying(cache, name)
    first = page.stored((name, one))
    assert page.ask((name, other)).version == first.version
    assert len(page.requests) == 1


@pytest.mark.parametrize("name, one, other", OTHER)
def test_rfc9111_s4_1_values_that_may_mean_something_else_select_another_variant(cache, name, one, other):
    page = varying(cache, name)
    first = page.stored((name, one))
    assert page.ask((name, other)).version != first.version
    assert page.ask((name, one)).version == first.version
    assert page.ask((name, other)).how == "stored"


def test_rfc9111_s4_1_each_variant_is_judged_by_its_own_vary(cache):
    def choose(request):
        vary = "X-A" if request.field("x-a") else "X-A, X-B"
        return Reply(fields=fields(cache_control="max-age=600", vary=vary))

    page = cache.page().chooses(choose)
    with_a = page.stored(x_a="1")
    without = page.stored(x_b="1")
    assert page.ask(x_a="1", x_b="9").version == with_a.version, "its Vary does not name X-B"
    assert page.ask(x_b="1").version == without.version
    assert page.ask(x_b="2").how == "fetched"


def test_rfc9111_s4_1_a_response_without_vary_after_one_with_it_is_not_lost(cache):
    def choose(request):
        return Reply(fields=fields(cache_control="max-age=600", **({"vary": "X-A"} if request.field("x-a") == "1" else {})))

    page = cache.page().chooses(choose)
    one = page.stored(x_a="1")
    two = page.stored(x_a="2")
    assert page.ask(x_a="2").version == two.version
    assert page.ask(x_a="1").version in (one.version, two.version)
    assert page.ask(x_a="3").version == two.version


def test_rfc9111_s4_1_the_most_recent_of_several_that_match_is_used(cache):
    def choose(request):
        if request.field("x-a"):
            return Reply(fields=fields(cache_control="max-age=9000", vary="X-B", date=http_date(-100)))
        return Reply(fields=fields(cache_control="max-age=9000", vary="X-A", date=http_date()))

    page = cache.page().chooses(choose)
    old = page.stored(x_a="1", x_b="1")
    new = page.stored()  # matches every request without X-A
    assert page.ask().version == new.version
    assert page.ask(x_b="1").version in (old.version, new.version)
    assert page.ask(x_b="1").version == new.version, "it is the more recent one"


def test_rfc9111_s4_1_a_validation_does_not_cross_variants(cache):
    def choose(request):
        tag = '"%s"' % request.field("x-a")
        return Reply(fields=fields(cache_control="max-age=60", age="100", vary="X-A", etag=tag), validates=True)

    page = cache.page().chooses(choose)
    one, two = page.stored(x_a="1"), page.stored(x_a="2")
    assert one.version != two.version
    for _ in range(2):
        assert page.ask(x_a="1").body == one.body
        assert page.ask(x_a="2").body == two.body


@pytest.mark.ours
def test_rfc9111_s4_3_4_a_304_with_another_vary_moves_the_variant(cache):
    def choose(request):
        if len(page.requests) == 1:
            return Reply(fields=fields(cache_control="max-age=60", age="100", vary="X-A", etag='"a"'))
        return Reply(fields=fields(cache_control="max-age=600", vary="X-B", etag='"a"'), validates=True)

    page = cache.page()
    page.chooses(choose)
    page.stored(x_a="1", x_b="1")
    assert page.ask(x_a="1", x_b="1").how == "validated"
    assert page.ask(x_a="1", x_b="2").fetches, "it now varies on X-B"
    assert page.ask(x_a="1", x_b="1").how == "stored"


@pytest.mark.ours
def test_rfc9111_s4_1_what_the_edge_itself_sends_to_the_origin_may_be_varied_on(cache):
    page = varying(cache, "X-Forwarded-Proto")
    page.stored()
    assert page.ask().how == "stored"


@pytest.mark.ours
@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc9111_s4_1_variants_are_the_same_over_each_protocol(cache, over):
    page = varying(cache, "X-A")
    first = page.stored(x_a="1")
    assert page.ask(x_a="1", over=over).version == first.version
    assert page.ask(x_a="2", over=over).version != first.version
