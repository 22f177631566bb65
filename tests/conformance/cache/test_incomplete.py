"""What ended early is never served as whole: RFC 9111 section 3.3, RFC 9112 section 8; and what is larger than we keep passes."""

import dataclasses
import json
import threading
import urllib.parse

import pytest

from support.cache_config import cached_edge
from support.cache_origin import CutH2Origin, Reply, fields, proof, proved
from support.cache_page import Page, Site, request_text
from support.client import RawClient
from support.wait import wait_until

POLICIES = {"small": {"maxObjectBytes": 1000}}
CONTROL = fields(cache_control="max-age=600", etag='"a"')
CUTS = {
    "a length that is not reached": Reply(fields=CONTROL, size=5000, cut_at=3000),
    "a length of which one byte is missing": Reply(fields=CONTROL, size=5000, cut_at=4999),
    "a length of which nothing comes": Reply(fields=CONTROL, size=5000, cut_at=0),
    "a length that is not reached, by reset": Reply(fields=CONTROL, size=200_000, cut_at=100_000, reset=True),
    "chunks without the last one": Reply(fields=CONTROL, size=5000, chunked=True, cut_at=5000),
    "chunks cut in the middle": Reply(fields=CONTROL, size=5000, chunked=True, cut_at=2500),
    "chunks ended by reset": Reply(fields=CONTROL, size=5000, chunked=True, cut_at=2500, reset=True),
    "the end of the connection by reset": Reply(fields=CONTROL, size=200_000, close=True, cut_at=100_000, reset=True),
}


def cut_off(cache, page, *sent) -> bytes:
    """What comes of an answer that is cut: all bytes until the connection ends."""
    with RawClient(cache.port) as client:
        client.send(request_text("GET", page.host, page.path, sent))
        return client.read_to_end()


def is_seen_as_cut(data: bytes) -> bool:
    """Whether a client can tell that what it got is not the whole."""
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    if not data or b" 502 " in head.split(b"\r\n")[0] or b" 504 " in head.split(b"\r\n")[0]:
        return True
    if b"transfer-encoding: chunked" in head:
        return not body.endswith(b"0\r\n\r\n")
    length = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(length) and len(body) < int(length[0].split(b":")[1])


@pytest.mark.parametrize("case", CUTS)
def test_rfc9111_s3_3_what_was_cut_off_is_not_stored_nor_ended_as_if_it_were_whole(cache, case):
    page = cache.page().answers(CUTS[case])
    data = cut_off(cache, page)
    if case != "the end of the connection by reset" or data:
        assert is_seen_as_cut(data), data[-200:]
    page.answers(Reply(fields=CONTROL, size=5000))
    reading = page.ask()
    assert reading.fetches, "the part was kept"
    assert (reading.status, len(reading.body)) == (200, 5000) and reading.version == 1000
    if reading.how != "fetched":
        assert reading.requests[-1].field("range"), "nothing was stored that could be validated"


def test_rfc9111_s3_3_what_was_cut_off_while_it_replaces_leaves_nothing_wrong(cache):
    page = cache.page().answers(Reply(fields=fields(cache_control="max-age=60", age="100", etag='"a"'), size=5000),
                                Reply(fields=fields(cache_control="max-age=600", etag='"b"'), size=5000, cut_at=2500))
    page.stored()
    assert is_seen_as_cut(cut_off(cache, page))
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"b"'), size=5000))
    reading = page.ask()
    assert reading.fetches and len(reading.body) == 5000 and reading.version == 1001


@pytest.mark.parametrize("case", ["a length that is not reached", "chunks without the last one"])
def test_rfc9111_s3_3_nobody_who_waits_for_it_takes_the_part_for_the_whole(cache, case):
    hold = threading.Event()
    page = cache.page().answers(dataclasses.replace(CUTS[case], held_half=hold))
    got, count = [], 8
    threads = [threading.Thread(target=lambda: got.append(cut_off(cache, page, ("Connection", "close")))) for _ in range(count)]
    for one in threads:
        one.start()
    wait_until(lambda: page.requests, 10, "the fetch")
    page.script.answers(CUTS[case])
    hold.set()
    for one in threads:
        one.join(30)
    assert len(got) == count and all(map(is_seen_as_cut, got)), [data[-60:] for data in got]
    page.answers(Reply(fields=CONTROL, size=5000))
    assert page.ask().version == 1000


def test_rfc9110_s8_6_more_bytes_than_content_length_says_are_not_kept_for_others(cache):
    page = cache.page()
    page.answers(Reply(fields=CONTROL, body=proof(page.path, 1000) + b"EXTRA", length=96))
    cut_off(cache, page, ("Connection", "close"))
    for _ in range(2):
        reading = page.ask()
        assert reading.version == 1000 and len(reading.body) == 96


@pytest.mark.ours
@pytest.mark.parametrize("how", ["reset", "closed", "ended early"])
def test_rfc9113_s8_1_1_a_stream_of_the_origin_that_does_not_end_well_is_not_stored(headgate, free_port, how):
    origin, port = CutH2Origin(how), free_port()
    try:
        headgate(cached_edge(port, origin.port, {"plain": {}}, protocol="HTTP2"))
        site = Site(origin, port)
        data = cut_off(site, Page(site, "plain", "/cut"), ("Connection", "close"))
        assert is_seen_as_cut(data), data[-100:]
        origin.how = "whole"
        with RawClient(port) as client:
            answer = client.request(request_text("GET", "plain.test", "/cut", ()))
        assert answer.status == 200 and proved(answer.body, "/cut") == 1000 and len(answer.body) == CutH2Origin.SIZE
        assert len(origin.targets) >= 2
    finally:
        origin.close()
    assert not origin.errors


# --- what grows beyond what is kept

def passed(cache):
    """A page whose answer turned out too large after its head had gone out."""
    page = cache.page("small").answers(Reply(fields=CONTROL, size=50_000, chunked=True))
    assert page.ask().status_of_cache.get("stored"), "nobody knew its length then"
    return page


@pytest.mark.ours
def test_the_log_the_metrics_and_the_explanation_know_that_it_was_too_large(cache):
    stored, large = [f"headgate_cache_{name}_total" for name in ("stored", "passed_through")]
    before = {name: cache.edge.metric(name) for name in (stored, large)}
    page = passed(cache)
    line = cache.edge.wait_log(lambda line: line.get("path") == page.path)
    assert "stored" not in line["cache"] and "detail=too-large" in line["cache"], line["cache"]
    assert cache.edge.metric(large) == before[large] + 1 and cache.edge.metric(stored) == before[stored]
    url = urllib.parse.quote(f"http://small.test{page.path}", safe="")
    status, text = cache.edge.admin(f"/cache/explain?url={url}")
    assert status == 200 and json.loads(text)["notKept"]["reason"] == "too-large", text


@pytest.mark.ours
def test_nobody_waits_for_the_next_one_of_what_was_too_large(cache):
    page, hold = passed(cache), threading.Event()
    page.answers(Reply(fields=CONTROL, size=50_000, chunked=True, held=hold))
    with RawClient(cache.port) as one, RawClient(cache.port) as other:
        for client in (one, other):
            client.send(request_text("GET", page.host, page.path, ()))
        try:
            wait_until(lambda: len(page.requests) == 3, 10, "a fetch for each of both")
        finally:
            hold.set()
        for client in (one, other):
            assert len(client.read_response().body) == 50_000
