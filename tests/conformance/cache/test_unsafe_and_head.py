"""Invalidation by unsafe methods: RFC 9111 section 4.4; HEAD: RFC 9110 section 9.3.2, RFC 9111 sections 4 and 4.3.5."""

import threading

import pytest

from support.cache_origin import Reply, fields, http_date
from support.cache_page import request_text
from support.client import RawClient
from support.wait import wait_until


def fresh(cache, *pairs, policy: str = "plain", path: str = None, **named):
    page = cache.page(policy, path)
    page.chooses(lambda request: Reply(fields=(("Cache-Control", "max-age=600"), *pairs, *fields(**named)))
                 if request.method in ("GET", "HEAD") else Reply(200, body=b"done"))
    page.stored()
    return page


def change(page, status: int = 200, method: str = "POST", fields_of_answer=(), body: bytes = b"x", **asked):
    """An unsafe request to the page, answered so."""
    reads = page.script.choose
    page.chooses(lambda request: reads(request) if request.method in ("GET", "HEAD")
                 else Reply(status, tuple(fields_of_answer), None if status == 204 else b"done"))
    return page.ask(method=method, body=body, **asked)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO"])
@pytest.mark.parametrize("status", [200, 201, 204, 303, 302])
def test_rfc9111_s4_4_a_successful_unsafe_request_invalidates_its_url(cache, method, status):
    page = fresh(cache)
    change(page, status, method)
    second = page.ask()
    assert second.fetches and second.version == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
def test_rfc9111_s4_4_an_unsafe_request_that_failed_invalidates_nothing(cache, status):
    page = fresh(cache)
    assert change(page, status).status == status
    assert page.ask().how == "stored"


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "GET", "PROPFIND", "REPORT", "SEARCH"])
def test_rfc9111_s4_4_a_safe_method_invalidates_nothing(cache, method):
    page = fresh(cache)
    page.ask(method=method)
    assert page.ask().how == "stored"


def test_rfc9111_s4_4_all_variants_are_invalidated(cache):
    page = fresh(cache, vary="X-A")
    page.stored(x_a="1")
    page.stored(x_a="2")
    change(page, x_a="1")
    assert all(page.ask(x_a=value).fetches for value in ("1", "2", "3"))


def test_rfc9111_s4_4_other_urls_stay(cache):
    page = fresh(cache)
    other = fresh(cache, path=page.path + "/below")
    page.stored(query="?b")
    change(page)
    assert other.ask().how == "stored"
    assert page.ask(query="?b").how == "stored"


@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize("form", ["{path}", "http://{host}{path}", "{name}", "./{name}", "//{host}{path}", "/x/..{path}", "HTTP://{upper}{path}",
                                  "{path}#fragment"])
def test_rfc9111_s4_4_location_and_content_location_of_the_same_origin_are_invalidated(cache, field, form):
    target, acted = fresh(cache), fresh(cache)
    host = f"{target.host}:{cache.port}"
    place = form.format(path=target.path, host=host, upper=host.upper(), name=target.path[1:])
    at = f"{acted.host}:{cache.port}"
    target.host = at
    assert target.ask().status == 200
    change(acted, 201, fields_of_answer=[(field, place)], host=at)
    assert target.ask().fetches


@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize("form", ["http://plain.test.example{path}", "https://{host}{path}", "http://plain.test:1{path}", "http://other.test{path}",
                                  "ftp://{host}{path}", "http://user@evil.example{path}", "http:{path}x", "{path}/", "{path}?q", "http://[broken{path}"])
def test_rfc9111_s4_4_a_location_of_another_origin_or_url_is_left_alone(cache, field, form):
    target, acted = fresh(cache), fresh(cache)
    change(acted, 201, fields_of_answer=[(field, form.format(path=target.path, host=target.host))])
    assert target.ask().how == "stored"


@pytest.mark.ours
def test_rfc9111_s4_4_a_location_with_an_error_invalidates_nothing(cache):
    target, acted = fresh(cache), fresh(cache)
    change(acted, 404, fields_of_answer=[("Location", target.path)])
    assert target.ask().how == "stored"


@pytest.mark.ours
def test_rfc9111_s4_4_what_was_fetched_before_the_change_and_came_after_it_is_not_served(cache):
    hold = threading.Event()
    page = cache.page()
    page.chooses(lambda request: Reply(body=b"done") if request.method == "POST" else
                 Reply(fields=fields(cache_control="max-age=600"), held=hold if len(page.requests) == 1 else None))
    slow = threading.Thread(target=page.ask)
    slow.start()
    wait_until(lambda: page.requests, 10, "the fetch")
    page.ask(method="POST", body=b"x")
    hold.set()
    slow.join(20)
    assert page.ask().version == 3, "the origin may have read before it wrote"


# --- RFC 9875

@pytest.mark.ours
def test_rfc9875_s3_an_unsafe_request_invalidates_the_groups_that_its_answer_names(cache):
    member, acted = fresh(cache, cache_groups='"g1", "g2"'), fresh(cache)
    change(acted, fields_of_answer=[("Cache-Group-Invalidation", '"g2"')])
    assert member.ask().fetches


@pytest.mark.ours
@pytest.mark.parametrize("method, named", [("POST", '"other"'), ("GET", '"g1"'), ("POST", "g1")])
def test_rfc9875_s3_other_groups_and_safe_methods_invalidate_nothing(cache, method, named):
    member, acted = fresh(cache, cache_groups='"g1"'), fresh(cache)
    if method == "GET":
        acted.answers(cache_group_invalidation=named, cache_control="no-store")
        acted.ask(query="?again")
    else:
        change(acted, fields_of_answer=[("Cache-Group-Invalidation", named)])
    assert member.ask().how == "stored"


# --- HEAD

def test_rfc9110_s9_3_2_head_is_answered_from_a_stored_get(cache):
    page = fresh(cache, etag='"a"', x_kept="1", content_type="text/x")
    reading = page.ask(method="HEAD")
    assert (reading.status, reading.fetches, reading.body) == (200, [], b"")
    assert reading.field("content-length") == "96" and reading.field("x-kept") == "1" and reading.field("etag") == '"a"'


@pytest.mark.ours
@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc9110_s9_3_2_head_leaves_the_connection_usable(cache, over):
    page = fresh(cache)
    reading = page.ask(method="HEAD", over=over)
    assert (reading.body, reading.fetches) == (b"", [])
    if over == "h1":
        with RawClient(cache.port) as client:
            client.request(request_text("HEAD", page.host, page.path, ()), "HEAD")
            assert client.request(request_text("GET", page.host, page.path, ())).status == 200


@pytest.mark.ours
@pytest.mark.parametrize("status", [404, 301])
def test_rfc9110_s9_3_2_head_of_a_stored_error_is_that_error(cache, status):
    page = cache.page().answers(Reply(status, fields(cache_control="max-age=600")))
    page.stored()
    reading = page.ask(method="HEAD")
    assert (reading.status, reading.fetches) == (status, [])


def test_rfc9111_s4_the_answer_to_head_is_no_answer_to_get(cache):
    page = cache.page().answers(cache_control="max-age=600", etag='"a"')
    assert page.ask(method="HEAD").status == 200
    reading = page.ask()
    assert reading.fetches and reading.version == 1000 and len(reading.body) == 96


def head_of(cache, *, status: int = 200, length: int = 96, **named):
    """A page whose stored response must be validated by a HEAD that the origin answers so."""
    page = cache.page()

    def choose(request):
        if request.method == "HEAD":
            return Reply(status, fields(**{"etag": '"a"', "cache_control": "max-age=600", **named}), size=length)
        return Reply(fields=fields(cache_control="max-age=600", etag='"a"', last_modified="Sun, 06 Nov 1994 08:49:37 GMT"))

    page.chooses(choose)
    page.stored()
    return page


@pytest.mark.ours
def test_rfc9111_s4_3_5_a_head_that_agrees_updates_what_is_stored(cache):
    page = head_of(cache, x_new="1")
    assert page.ask(method="HEAD", cache_control="no-cache").status == 200
    reading = page.ask()
    assert (reading.how, reading.field("x-new"), reading.version) == ("stored", "1", 1000)


@pytest.mark.parametrize("named", [{"length": 97}, {"etag": '"b"'}, {"last_modified": http_date(-5)}])
def test_rfc9111_s4_3_5_a_head_that_differs_makes_what_is_stored_stale(cache, named):
    page = head_of(cache, **named)
    reading = page.ask(method="HEAD", cache_control="no-cache")
    if reading.fetches and [name for name, _ in reading.fetches[-1].fields if name.lower() == "if-none-match"]:
        assert reading.status == 200
    assert page.ask().fetches


@pytest.mark.ours
@pytest.mark.parametrize("status", [404, 500])
def test_rfc9111_s4_3_5_a_head_that_is_no_200_changes_nothing(cache, status):
    page = head_of(cache, status=status)
    assert page.ask(method="HEAD", cache_control="no-cache").fetches
    reading = page.ask()
    assert (reading.how, reading.version) == ("stored", 1000)
