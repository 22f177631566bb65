"""Ranges: RFC 9110 sections 13.1.5, 14 and 15.3.7, RFC 9111 sections 3.3 and 3.4."""

import re

import pytest

from support.cache_origin import Reply, fields, http_date, proved

DAY = 86400
SIZE = 1000


def whole(cache, *pairs, size: int = SIZE, **named):
    """A page that is stored whole."""
    named = {"etag": '"a"', "last_modified": http_date(-DAY), **named}
    page = cache.page().answers(Reply(fields=(("Cache-Control", "max-age=600"), *pairs, *fields(content_type="text/x", **named)),
                                      size=size, ranges=True))
    page.stored()
    return page


def assert_part(reading, first: int, last: int, size: int = SIZE):
    assert reading.status == 206, (reading.status, reading.fields)
    assert reading.all("content-range") == [f"bytes {first}-{last}/{size}"]
    assert len(reading.body) == last - first + 1 and reading.field("content-length") in (str(len(reading.body)), None)
    assert proved(reading.body, reading.path, first) >= 1000


SINGLE = [
    ("bytes=0-0", 0, 0), ("bytes=0-31", 0, 31), ("bytes=5-77", 5, 77), ("bytes=999-999", 999, 999), ("bytes=0-999", 0, 999),
    ("bytes=0-", 0, 999), ("bytes=990-", 990, 999), ("bytes=990-5000", 990, 999), ("bytes=-1", 999, 999), ("bytes=-40", 960, 999),
    ("bytes=-5000", 0, 999), ("Bytes=0-9", 0, 9), ("bytes= 0-9", 0, 9), ("bytes=0-9 ", 0, 9),
    ("bytes=0-99999999999999999999999", 0, 999), ("bytes=-99999999999999999999999", 0, 999), ("bytes=0-9,", 0, 9),
]


@pytest.mark.parametrize("asked, first, last", SINGLE)
def test_rfc9110_s14_1_2_a_range_is_served_from_what_is_stored(cache, asked, first, last):
    reading = whole(cache).ask(range=asked)
    assert reading.fetches == []
    if (asked in ("Bytes=0-9", "bytes= 0-9", "bytes=0-9,") or "99999" in asked) and reading.status == 200:
        return  # a server may ignore a Range (14.2), and these are on the edge of the grammar
    assert_part(reading, first, last)
    assert reading.field("content-type") == "text/x" and reading.field("etag") == '"a"'


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=99999999999999999999-", "bytes=1000-,2000-"])
def test_rfc9110_s15_5_17_a_range_beyond_what_is_stored_is_answered_416_with_its_length(cache, asked):
    page = whole(cache)
    reading = page.ask(range=asked)
    assert (reading.status, reading.fetches) == (416, [])
    assert reading.all("content-range") == ["bytes */1000"]
    assert page.ask().version == 1000


IGNORED = ["bytes=5-1", "bytes=a-b", "bytes=", "bytes=-", "bytes", "lines=0-9", "bytes=0-9;x", "bytes=0x0-9", "bytes=+0-9", "bytes=0--9", "",
           "bytes=0.5-9", "=0-9"]


@pytest.mark.parametrize("asked", IGNORED)
def test_rfc9110_s14_2_a_range_that_is_no_range_is_ignored(cache, asked):
    reading = whole(cache).ask(range=asked)
    assert (reading.status, reading.fetches, len(reading.body)) == (200, [], SIZE)
    assert reading.version == 1000 and reading.field("content-range") is None


def parts_of(reading):
    """[(first, last, size, bytes)] of a multipart/byteranges answer, which is checked to be well formed."""
    found = re.fullmatch(r'multipart/byteranges; *boundary="?([^";]+)"?', reading.field("content-type"), re.I)
    assert found, reading.field("content-type")
    mark = b"--" + found.group(1).encode()
    pieces = reading.body.split(mark)
    assert pieces[0] in (b"", b"\r\n") and pieces[-1] in (b"--", b"--\r\n"), (pieces[0], pieces[-1])
    parts = []
    for piece in pieces[1:-1]:
        head, _, body = piece.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
        assert lines["content-type"] == "text/x"
        first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", lines["content-range"]).groups())
        assert body.endswith(b"\r\n")
        parts.append((first, last, size, body[:-2]))
    return parts


SEVERAL = [
    ("bytes=0-9,500-509", [(0, 9), (500, 509)]), ("bytes=0-9, 500-509", [(0, 9), (500, 509)]), ("bytes=0-0,-1", [(0, 0), (999, 999)]),
    ("bytes=500-599,0-9", [(500, 599), (0, 9)]), ("bytes=0-9,990-2000,-3", [(0, 9), (990, 999), (997, 999)]),
]


@pytest.mark.ours
@pytest.mark.parametrize("asked, expected", SEVERAL)
@pytest.mark.parametrize("over", ["h1", "h2"])
def test_rfc9110_s15_3_7_2_several_ranges_are_served_as_parts(cache, asked, expected, over):
    reading = whole(cache).ask(range=asked, over=over)
    assert (reading.status, reading.fetches) == (206, [])
    assert reading.field("content-range") is None, "it is in the parts"
    covered = set()
    for first, last, size, body in parts_of(reading):
        assert size == SIZE and proved(body, reading.path, first) == 1000 and len(body) == last - first + 1
        covered |= set(range(first, last + 1))
    assert covered == {at for first, last in expected for at in range(first, last + 1)}
    assert reading.field("content-length") in (str(len(reading.body)), None)


@pytest.mark.ours
@pytest.mark.parametrize("asked, first, last", [("bytes=0-9,5000-6000", 0, 9), ("bytes=0-9,20-29", 0, 29), ("bytes=0-19,10-29", 0, 29)])
def test_rfc9110_s15_3_7_2_ranges_that_come_to_one_are_a_single_part(cache, asked, first, last):
    reading = whole(cache).ask(range=asked)
    assert_part(reading, first, last)
    assert reading.field("content-type") == "text/x"


@pytest.mark.ours
@pytest.mark.parametrize("asked", ["bytes=" + ",".join(["0-"] * 100), "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 900, 2)),
                                   "bytes=0-999,0-999,0-999,0-999,0-999,0-999"])
def test_rfc9110_s17_15_many_small_or_overlapping_ranges_do_not_multiply_the_answer(cache, asked):
    reading = whole(cache).ask(range=asked)
    assert reading.fetches == [] and reading.status in (200, 206, 416)
    assert len(reading.body) < 20 * SIZE, "a small request makes a large answer"


@pytest.mark.parametrize("method", ["HEAD"])
def test_rfc9110_s14_2_range_is_for_get_alone(cache, method):
    reading = whole(cache).ask(range="bytes=0-9", method=method)
    assert (reading.status, reading.body) == (200, b"") and reading.field("content-length") == "1000"


def test_rfc9110_s14_2_range_of_what_is_stored_as_an_error_is_ignored(cache):
    page = cache.page().answers(Reply(404, fields(cache_control="max-age=600"), size=SIZE))
    page.stored()
    reading = page.ask(range="bytes=0-9")
    assert (reading.status, len(reading.body), reading.fetches) == (404, SIZE, [])


# --- If-Range

LONG_AGO = http_date(-DAY)
CONDITIONS = [
    ({"etag": '"a"'}, '"a"', 206), ({"etag": '"a"'}, '"b"', 200), ({"etag": 'W/"a"'}, 'W/"a"', 200), ({"etag": '"a"'}, 'W/"a"', 200),
    ({"etag": 'W/"a"'}, '"a"', 200), ({"etag": '"a"'}, "date", 206), ({"etag": '"a"'}, "other date", 200),
    ({"etag": '"a"'}, '"a", "b"', 200), ({"etag": '"a"'}, "a", 200), ({"etag": '"a"'}, "*", 200), ({"etag": '"a"'}, "", 200),
]


@pytest.mark.parametrize("named, condition, status", CONDITIONS)
def test_rfc9110_s13_1_5_if_range_is_compared_strongly_with_what_is_stored(cache, named, condition, status):
    page = whole(cache, last_modified=LONG_AGO, **named)
    reading = page.ask(range="bytes=0-9", if_range={"date": LONG_AGO, "other date": http_date(-2 * DAY)}.get(condition, condition))
    assert (reading.status, reading.fetches, len(reading.body)) == (status, [], 10 if status == 206 else SIZE)


def test_rfc9110_s8_8_2_2_a_last_modified_of_just_now_is_too_weak_for_if_range(cache):
    now = http_date()
    page = whole(cache, last_modified=now, date=now)
    assert page.ask(range="bytes=0-9", if_range=now).status == 200


def test_rfc9110_s14_2_if_range_without_range_means_nothing(cache):
    reading = whole(cache).ask(if_range='"b"')
    assert (reading.status, reading.fetches) == (200, [])


def test_rfc9110_s13_2_2_conditions_come_before_the_range(cache):
    page = whole(cache)
    assert page.ask(range="bytes=0-9", if_none_match='"a"').status == 304
    assert page.ask(range="bytes=5000-", if_none_match='"a"').status == 304
    assert_part(page.ask(range="bytes=0-9", if_none_match='"b"'), 0, 9)


# --- misses and parts

def test_rfc9111_s3_3_a_range_on_a_miss_gets_its_part(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), size=SIZE, ranges=True))
    assert_part(page.ask(range="bytes=100-199"), 100, 199)
    reading = page.ask()
    assert (reading.status, len(reading.body), reading.version) == (200, SIZE, 1000), "a part is never the whole"
    assert page.ask(range="bytes=0-").status == 206


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("size", [SIZE, 300_000])
def test_rfc9110_s14_2_a_miss_with_a_range_is_right_whether_the_origin_knows_ranges_or_not(cache, ranges, size):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), size=size, ranges=ranges))
    for first, last in ((100, 199), (150, 299), (0, 9), (size - 7, size - 1)):
        reading = page.ask(range=f"bytes={first}-{last}")
        if reading.status == 206:
            assert_part(reading, first, last, size)
        else:
            assert (reading.status, len(reading.body), reading.version) == (200, size, 1000)
    whole_one = page.ask()
    assert (whole_one.status, len(whole_one.body), whole_one.version) == (200, size, 1000)


def test_rfc9111_s3_3_parts_of_two_representations_are_never_joined(cache):
    state = {"tag": '"a"'}
    page = cache.page().chooses(lambda request: Reply(
        fields=fields(cache_control="max-age=600", etag=state["tag"]), size=SIZE, ranges=True))
    page.ask(range="bytes=0-499")
    state["tag"] = '"b"'
    reading = page.ask(range="bytes=500-999")
    assert proved(reading.body, page.path, 500 if reading.status == 206 else 0) in (1000, 1001)
    reading = page.ask()
    assert (reading.status, len(reading.body)) == (200, SIZE) and reading.version in (1000, 1001)


def test_rfc9111_s3_4_parts_without_a_strong_validator_are_never_joined(cache):
    for tag in ({}, {"etag": 'W/"a"'}, {"last_modified": http_date(-DAY)}):
        page = cache.page()
        page.chooses(lambda request: Reply(fields=fields(cache_control="max-age=600", **tag), size=SIZE, ranges=True,
                                           version=len(page.requests)))
        page.ask(range="bytes=0-499")
        page.ask(range="bytes=500-999")
        reading = page.ask()
        assert (reading.status, len(reading.body)) == (200, SIZE)
        assert reading.version >= 1, "whole, and of one version"


@pytest.mark.ours
def test_rfc9111_s3_4_a_range_within_a_stored_part_needs_no_origin(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), size=SIZE, ranges=True))
    page.ask(range="bytes=100-499")
    reading = page.ask(range="bytes=200-299")
    assert_part(reading, 200, 299)
    assert reading.fetches == []


@pytest.mark.parametrize("content_range, body", [
    ("bytes 0-9/1000", b"x" * 5), ("bytes 5-1/1000", b"x" * 10), ("bytes 0-9/5", b"x" * 10), ("bytes x-9/1000", b"x" * 10),
    ("bytes 0-9", b"x" * 10), ("bytes */1000", b"x" * 10), ("lines 0-9/1000", b"x" * 10), (None, b"x" * 10),
    ("bytes 0-9/1000, bytes 0-9/1000", b"x" * 10),
])
def test_rfc9110_s14_4_a_206_whose_content_range_is_wrong_is_not_served_to_others(cache, content_range, body):
    wrong = Reply(206, (("Cache-Control", "max-age=600"), ("ETag", '"a"'), *([("Content-Range", content_range)] if content_range else [])),
                  body=body)
    page = cache.page().answers(wrong, Reply(fields=fields(cache_control="max-age=600", etag='"a"'), size=SIZE, ranges=True))
    page.ask(range="bytes=0-9")
    reading = page.ask()
    assert (reading.status, len(reading.body), reading.version) == (200, SIZE, 1000)
    assert_part(page.ask(range="bytes=0-9"), 0, 9)


def test_rfc9110_s15_3_7_a_206_that_nobody_asked_for_is_not_stored_as_the_whole(cache):
    unasked = Reply(206, fields(cache_control="max-age=600", etag='"a"', content_range="bytes 0-95/1000"))
    page = cache.page().answers(unasked, Reply(fields=fields(cache_control="max-age=600", etag='"a"'), size=SIZE, ranges=True))
    page.ask()
    reading = page.ask()
    assert (reading.status, len(reading.body), reading.version) == (200, SIZE, 1000)


def test_rfc9110_s15_5_17_a_416_of_the_origin_is_not_kept_for_others(cache):
    page = cache.page().answers(Reply(416, fields(cache_control="max-age=600", content_range="bytes */10"), b""),
                                Reply(fields=fields(cache_control="max-age=600"), size=SIZE))
    page.ask(range="bytes=5000-")
    assert page.ask().status == 200


@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.ours
def test_rfc9110_s14_1_2_ranges_of_a_large_body_over_each_protocol(cache, over):
    page = whole(cache, size=2_000_000)
    for first, last in ((0, 0), (65_535, 65_536), (1_000_000, 1_499_999), (1_999_999, 1_999_999)):
        reading = page.ask(range=f"bytes={first}-{last}", over=over)
        assert_part(reading, first, last, 2_000_000)
        assert reading.fetches == []


def test_rfc9110_s14_3_a_stale_response_is_validated_before_a_part_of_it_is_served(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), size=SIZE, ranges=True, validates=True))
    page.stored()
    reading = page.ask(range="bytes=10-19")
    assert_part(reading, 10, 19)
    assert reading.fetches


def test_rfc9110_s14_3_a_part_of_the_new_representation_is_served_when_the_old_one_is_replaced(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), size=SIZE, ranges=True),
                                Reply(fields=fields(cache_control="max-age=60", etag='"b"'), size=SIZE, ranges=True))
    page.stored()
    reading = page.ask(range="bytes=10-19")
    at = 10 if reading.status == 206 else 0
    assert proved(reading.body, page.path, at) == 1001
    assert page.ask().version == 1001
