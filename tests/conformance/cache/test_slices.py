"""Large objects: fetched in slices of a mebibyte (RFC 9110 section 14, RFC 9111 sections 3.3 and 3.4), and served out of them."""

import dataclasses
import json
import re
import subprocess
import threading

import pytest

from support.cache_config import cached_edge
from support.cache_crowd import Crowd
from support.cache_origin import Reply, ScriptedOrigin, fields, piece, proved
from support.cache_page import Site, request_text
from support.client import RawClient
from support.config import upstream
from support.edge import binary
from support.wait import wait_until

pytestmark = pytest.mark.ours
SLICE = 1 << 20
SIZE = 4 * SLICE + 1000  # five slices; larger than an object may be in memory of that size
ARGUMENTS = ("--cache-memory", "16Mi")


@pytest.fixture
def site(headgate, free_port):
    origin, port = ScriptedOrigin(), free_port()
    made = Site(origin, port)
    made.edge = headgate(cached_edge(port, origin.port, {"plain": {}}), args=(*ARGUMENTS, "--cache-disk", "256Mi"))
    yield made
    origin.close()
    assert not origin.errors


def large(tag: str = '"a"', size: int = SIZE, **named) -> Reply:
    named = {"cache_control": "max-age=600", "accept_ranges": "bytes", **named}
    return Reply(fields=fields(etag=tag, **named), size=size, ranges=True, validates=True)


def page_of(site, *replies):
    return site.page().answers(*(replies or [large()]))


def get(page, *sent, method: str = "GET"):
    """An answer of which not all need be stored, so what Cache-Status says of its beginning is not held against it."""
    with RawClient(page.site.port) as client:
        return client.request(request_text(method, page.host, page.path, sent), method)


def wait_until_it_stays(count) -> int:
    """`count()` once it is above zero and the same for half a second."""
    seen = []
    wait_until(lambda: seen.append(count()) or len(seen) > 10 and seen[-1] == seen[-10] > 0, 30, "a count that stays", step_s=0.05)
    return seen[-1]


def headgate_said(page, *command) -> str:
    """What an operator's command about the page answers."""
    line = [str(binary()), *command, f"http://{page.host}{page.path}", "--admin", f"127.0.0.1:{page.site.edge.admin_port}"]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=True).stdout


def slices_of(page) -> list:
    """The numbers of the slices that the origin was asked for, in order."""
    numbers = []
    for request in page.requests:
        if asked := request.field("range"):
            first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", asked).groups())
            assert first % SLICE == 0 and last == min(first + SLICE, SIZE) - 1, asked
            assert request.field("if-range") == '"a"'
            numbers.append(first // SLICE)
    return numbers


def is_all(page, answer, version: int = 1000) -> bool:
    return answer.status == 200 and len(answer.body) == SIZE and proved(answer.body, page.path) == version


@pytest.mark.parametrize("over", ["h1", "h2"])
def test_a_large_object_is_fetched_slice_by_slice_once_and_kept(site, over):
    page = page_of(site)
    first = page.ask(over=over)
    assert is_all(page, first) and first.status_of_cache["fwd"] == "uri-miss" and "stored" in first.status_of_cache
    assert slices_of(page) == [0, 1, 2, 3, 4] and len(page.requests) == 6
    again = page.ask(over=over)
    assert is_all(page, again) and again.how == "stored" and "hit" in again.status_of_cache


def test_rfc9110_s14_2_a_range_fetches_the_slices_that_it_touches(site):
    page = page_of(site)
    first = 2 * SLICE + 5
    part = get(page, ("Range", f"bytes={first}-{first + 9}"))
    assert part.status == 206 and part.body == piece(page.path, 1000, first, 10)
    assert part.field("content-range") == f"bytes {first}-{first + 9}/{SIZE}" and slices_of(page) == [2]
    border = get(page, ("Range", f"bytes={3 * SLICE - 5}-{3 * SLICE + 4}"))
    assert border.body == piece(page.path, 1000, 3 * SLICE - 5, 10) and slices_of(page) == [2, 3]
    assert get(page, ("Range", "bytes=-7")).body == piece(page.path, 1000, SIZE - 7, 7)
    assert sorted(slices_of(page)) == [2, 3, 4]
    assert is_all(page, get(page)) and sorted(slices_of(page)) == [0, 1, 2, 3, 4]


def test_rfc9110_s14_6_several_ranges_come_out_of_their_slices(site):
    page = page_of(site)
    wanted = [(4 * SLICE - 3, 4 * SLICE + 3), (10, 19), (SIZE - 5, SIZE - 1)]
    answer = get(page, ("Range", "bytes=" + ",".join(f"{first}-{last}" for first, last in wanted)))
    assert answer.status == 206 and answer.field("content-type").startswith("multipart/byteranges")
    at = -1
    for first, last in wanted:
        at = answer.body.index(f"bytes {first}-{last}/{SIZE}\r\n\r\n".encode() + piece(page.path, 1000, first, last - first + 1), at + 1)
    assert sorted(slices_of(page)) == [0, 3, 4]


def test_rfc9110_s14_4_a_range_that_lies_behind_the_end_asks_for_no_slice(site):
    page = page_of(site)
    answer = get(page, ("Range", f"bytes={SIZE}-"))
    assert answer.status == 416 and answer.field("content-range") == f"bytes */{SIZE}" and slices_of(page) == []


def test_rfc9110_s13_1_5_if_range_and_conditions_are_answered_from_the_head(site):
    page = page_of(site)
    page.stored()
    fetched = len(page.requests)
    assert page.ask(("Range", "bytes=0-9"), if_range='"a"').status == 206
    assert page.ask(("Range", "bytes=0-9"), if_range='"b"').status == 200
    assert page.ask(if_none_match='"a"').status == 304
    assert page.ask(method="HEAD").field("content-length") == str(SIZE)
    assert len(page.requests) == fetched


def test_many_clients_of_a_cold_large_object_fetch_each_slice_once(site):
    page = page_of(site)
    with Crowd(site.port, [request_text("GET", page.host, page.path, [])] * 12) as crowd:
        crowd.send()
        crowd.read_all()
        for client in crowd.clients:
            assert len(client.body()) == SIZE and proved(client.body(), page.path) == 1000
    assert sorted(slices_of(page)) == [0, 1, 2, 3, 4] and len(page.requests) == 6


def test_rfc9111_s4_3_4_a_validated_head_keeps_its_slices(site):
    page = page_of(site, large(cache_control="max-age=0"))
    page.stored()
    assert is_all(page, page.ask())
    assert page.requests[-1].field("if-none-match") == '"a"' and sorted(slices_of(page)) == [0, 1, 2, 3, 4]


def test_rfc9110_s15_3_7_3_a_representation_that_changed_before_the_first_slice_is_answered_whole(site):
    page = page_of(site)
    assert get(page, ("Range", "bytes=0-9")).status == 206
    page.answers(large('"b"'))
    ranged = get(page, ("Range", f"bytes={2 * SLICE}-{2 * SLICE + 9}"))
    assert ranged.status == 206 and ranged.field("etag") == '"b"' and ranged.body == piece(page.path, 1001, 2 * SLICE, 10)
    whole = get(page)
    assert whole.field("etag") == '"b"' and is_all(page, whole, 1001)


def test_rfc9110_s15_3_7_3_a_representation_that_changed_behind_the_first_slice_cuts_the_answer(site):
    page = page_of(site)
    assert get(page, ("Range", "bytes=0-9")).status == 206
    page.answers(large('"b"'))
    with RawClient(site.port) as client:
        client.send(request_text("GET", page.host, page.path, []))
        client.read_until(b"\r\n\r\n")
        body = client.read_to_end()
    assert len(body) <= SLICE and proved(body, page.path) == 1000  # nothing of the other one
    assert is_all(page, get(page), 1001)


def test_rfc9111_s4_3_a_client_without_conditions_gets_no_304_when_the_slices_of_what_changed_fail(site):
    page = page_of(site, Reply(fields=fields(cache_control="max-age=0", etag='"small"'), validates=True))
    page.stored()

    def choose(request):
        if request.field("range"):
            return Reply(status=503, fields=(), body=b"no")
        tag = '"a"' if len(page.requests) == 2 else '"small"'
        return dataclasses.replace(large(tag, size=SIZE if tag == '"a"' else 96, cache_control="max-age=0"))

    page.chooses(choose)
    answer = get(page)
    assert page.requests[1].field("if-none-match") == '"small"'
    assert answer.status == 200 and answer.field("etag") == '"small"' and proved(answer.body, page.path)


@pytest.mark.parametrize("reply", [
    large(accept_ranges="none"), large('W/"a"'), Reply(fields=fields(cache_control="max-age=600", accept_ranges="bytes"), size=SIZE)])
def test_what_cannot_be_fetched_in_parts_passes_through(site, reply):
    page = page_of(site, reply)
    answer = get(page)
    assert answer.status == 200 and len(answer.body) == SIZE and proved(answer.body, page.path)
    assert len(page.requests) == 1


def test_an_origin_that_promises_ranges_and_sends_none_costs_no_client_its_answer(site):
    page = page_of(site, Reply(fields=large().fields, size=SIZE, ranges=False))
    for _ in range(3):
        assert is_all(page, get(page))
    assert get(page, ("Range", "bytes=0-9")).status in (200, 206)


def test_a_slice_whose_fetch_breaks_off_is_asked_for_once_more(site):
    page, broken = page_of(site), []

    def choose(request):
        if request.field("range") == f"bytes={SLICE}-{2 * SLICE - 1}" and not broken:
            broken.append(request)
            return Reply(fields=large().fields, size=SIZE, ranges=True, cut_at=1000)
        return large()

    page.chooses(choose)
    assert is_all(page, get(page))
    assert broken and sorted(slices_of(page)) == [0, 1, 1, 2, 3, 4]


def test_an_origin_that_fails_for_good_cuts_the_answer_and_no_other(site):
    page = page_of(site)
    assert get(page, ("Range", "bytes=0-9")).status == 206
    page.chooses(lambda request: Reply(status=503, fields=(), body=b"no"))
    with RawClient(site.port) as client:
        client.send(request_text("GET", page.host, page.path, []))
        client.read_until(b"\r\n\r\n")
        assert proved(client.read_to_end(), page.path) == 1000
    assert get(page, ("Range", "bytes=10-19")).body == piece(page.path, 1000, 10, 10)
    page.answers(large())
    assert is_all(page, get(page))


def test_a_client_that_reads_slowly_or_goes_fetches_little_ahead(site):
    slices = 24  # the kernel takes some mebibytes for the client, too
    page = page_of(site, dataclasses.replace(large(), body=bytes(slices * SLICE)))
    with RawClient(site.port, receive_bytes=4096) as client:
        client.send(request_text("GET", page.host, page.path, []))
        client.read_until(b"\r\n\r\n")
        fetched = wait_until_it_stays(lambda: len(page.requests) - 1)
    assert 0 < fetched <= slices // 2
    get(site.page().answers(large()))  # what had been asked for has come by now
    assert len(page.requests) - 1 <= fetched + 1


@pytest.mark.parametrize("how", ["purged", "changed"])
def test_what_is_purged_or_invalidated_is_fetched_anew_with_all_its_slices(site, how):
    page = page_of(site)
    page.stored()
    # The tag stays, so that who keeps the slices does not notice.
    assert headgate_said(page, "purge", "--url") if how == "purged" else page.ask(method="POST", body=b"x").status == 200
    fetched = len(page.requests)
    assert is_all(page, get(page)) and len(page.requests) == fetched + 6


def test_slices_that_were_used_twice_come_back_after_a_restart(site):
    page = page_of(site)
    page.stored()
    for _ in range(3):
        assert page.ask().how == "stored"
    small = site.page().answers(cache_control="max-age=600")
    small.stored()
    for _ in range(3):
        small.ask()
    fetched = len(page.requests)
    assert site.edge.stop() == 0
    site.edge.start()
    wait_until(lambda: small.ask().how == "stored", 20, "the disk", step_s=0.25)
    assert is_all(page, get(page))
    assert len(page.requests) == fetched


def test_an_edge_behind_a_parent_edge_fetches_its_slices_there(headgate, free_port):
    origin, child, parent = ScriptedOrigin(), free_port(), free_port()
    policy = {"plain": {"shield": {"upstream": {"name": "parents"}}}}
    for port in (parent, child):
        headgate(cached_edge(port, origin.port, policy, {}, [upstream("parents", parent)]), args=ARGUMENTS)
    page = page_of(Site(origin, child))
    assert is_all(page, get(page)) and sorted(slices_of(page)) == [0, 1, 2, 3, 4] and len(page.requests) == 6
    page.site = Site(origin, parent)
    assert is_all(page, get(page)) and len(page.requests) == 6, "the parent keeps them"
    origin.close()


def test_a_memory_that_holds_no_slice_lets_large_objects_pass(headgate, free_port):
    origin, port = ScriptedOrigin(), free_port()
    headgate(cached_edge(port, origin.port, {"plain": {}}), args=("--cache-memory", "4Mi"))
    page = page_of(Site(origin, port))
    assert is_all(page, get(page)) and slices_of(page) == [] and len(page.requests) == 1
    origin.close()


def test_a_first_slice_that_does_not_come_in_time_costs_no_client_its_answer(headgate, free_port):
    origin, port, gate = ScriptedOrigin(), free_port(), threading.Event()
    rules = {"plain": {"timeouts": {"request": "20s", "backendRequest": "1s"}}}
    headgate(cached_edge(port, origin.port, {"plain": {}}, rules), args=ARGUMENTS)
    page = Site(origin, port).page()
    page.chooses(lambda request: dataclasses.replace(large(), held=gate) if request.field("range") else large())
    try:
        assert is_all(page, get(page))
    finally:
        gate.set()
        origin.close()


def test_explain_tells_the_length_of_all_of_it(site):
    page = page_of(site)
    get(page, ("Range", "bytes=0-9"))
    told = json.loads(headgate_said(page, "cache", "explain", "--json"))
    assert told["variants"][0]["bytes"] == SIZE and told["variants"][0]["complete"]
