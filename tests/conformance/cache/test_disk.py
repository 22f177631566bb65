"""The disk tier: what it keeps over restarts and kills is right to the byte, and what was taken out does not come back."""

import math
import os
import random
import signal
import time

import pytest

from support.cache_config import cached_edge
from support.cache_origin import Reply, ScriptedOrigin, fields, http_date
from support.cache_page import Site
from support.cache_stress import Book, H1Stress, H2Stress, Purger, StressOrigin
from support.wait import wait_until

pytestmark = pytest.mark.ours
DISK = ("--cache-memory", "2Mi", "--cache-disk", "256Mi")


@pytest.fixture
def site(headgate, free_port):
    """Site with a disk; `site.restart()` ends the edge and starts it anew with what it left."""
    origin, port = ScriptedOrigin(), free_port()
    made = Site(origin, port)
    made.edge = headgate(cached_edge(port, origin.port, {"plain": {}, "long": {"ttl": {"staleIfError": "1000s"}}}), args=DISK)

    def restart(sig=signal.SIGTERM):
        probes = [kept(made, size=10) for _ in range(20)]
        if sig == signal.SIGKILL:
            made.edge.kill()
        else:
            assert made.edge.stop() == 0
        made.edge.start()
        # Nothing waits for the disk to be open; each probe is asked once, since a fetch replaces it.
        wait_until(lambda: probes.pop().ask().how == "stored", 20, "an answer from the disk", step_s=0.25)

    made.restart = restart
    yield made
    origin.close()
    assert not origin.errors


def kept(site, *pairs, size: int = 5000, policy: str = "plain", **named):
    """A page that is on the disk: it was used twice, and comes back after a restart."""
    page = site.page(policy).answers(Reply(fields=(*pairs, *fields(**{"cache_control": "max-age=600", **named})), size=size))
    page.stored()
    for _ in range(3):
        assert page.ask().how == "stored"
    return page


def forget_memory(site):
    """So much is asked for, and so often, that the memory holds nothing else."""
    for _ in range(60):  # keys spread over the parts of the memory by a secret, so some get fewer
        filler = site.page().answers(Reply(fields=fields(cache_control="max-age=600"), size=200_000))
        for _ in range(5):
            filler.ask()


def test_without_a_disk_what_was_pushed_out_of_memory_is_gone(headgate, free_port):
    """So that the tests that push out are known to do it."""
    origin, port = ScriptedOrigin(), free_port()
    headgate(cached_edge(port, origin.port, {"plain": {}}), args=DISK[:2])
    site = Site(origin, port)
    page = kept(site)
    forget_memory(site)
    assert page.ask().how == "fetched"
    origin.close()


@pytest.mark.parametrize("size", [0, 1, 5000, 200_000])
def test_what_was_used_twice_comes_back_after_a_restart_with_all_its_fields(site, size):
    page = kept(site, ("Link", "</a>"), ("Link", "</b>"), size=size, etag='"a"', date=http_date(-50), age="70")
    first = page.ask()
    site.restart()
    again = page.ask()
    assert (again.how, again.body) == ("stored", first.body), "the disk was not asked"
    own = ("age", "cache-status")
    assert [f for f in again.fields if f[0] not in own] == [f for f in first.fields if f[0] not in own]
    assert int(again.field("age")) >= 70, "it is as old as it is"
    assert page.ask(if_none_match='"a"').status == 304
    assert len(page.requests) == 1


def test_variants_come_back_each_for_itself(site):
    page = site.page().answers(cache_control="max-age=600", vary="X-A")
    first = {}
    for value in "123":
        for _ in range(3):
            first[value] = page.ask(x_a=value).version
    site.restart()
    for value, version in first.items():
        assert page.ask(x_a=value).version == version
    assert page.ask(x_a="4").version not in first.values()


def test_what_was_pushed_out_of_memory_is_answered_from_the_disk(site):
    page = kept(site)
    forget_memory(site)
    assert page.ask().version == 1
    assert len(page.requests) == 1


def test_ranges_and_heads_of_what_is_on_the_disk(site):
    page = kept(site, size=100_000)
    site.restart()
    part = page.ask(range="bytes=50000-50999")
    assert part.status == 206 and len(part.body) == 1000 and part.field("content-range") == "bytes 50000-50999/100000"
    assert page.ask(method="HEAD").field("content-length") == "100000"
    assert len(page.requests) == 1


def test_what_has_many_tags_comes_back(site):
    page = kept(site, cache_tag=",".join(f"tag-{number}" for number in range(200)))
    site.restart()
    assert page.ask().how == "stored"
    assert len(page.requests) == 1


def test_rfc9111_s4_2_time_counts_while_nobody_runs(site):
    page = kept(site, cache_control="max-age=3", etag='"a"')
    assert site.edge.stop() == 0
    time.sleep(3.1)  # nothing runs that could be asked whether the time is over
    site.edge.start()
    assert page.ask().how != "stored"  # whether the disk is open yet or not


@pytest.mark.parametrize("how", ["restart", "kill", "memory"])
def test_rfc9111_s4_4_what_an_unsafe_request_invalidated_does_not_come_back_from_the_disk(site, how):
    page = kept(site)
    page.ask(method="POST", body=b"x")
    if how == "memory":
        forget_memory(site)
    else:
        site.restart(signal.SIGKILL if how == "kill" else signal.SIGTERM)
    reading = page.ask()
    assert reading.fetches, f"version {reading.version} is of before the change"


def test_rfc9111_s4_4_what_was_invalidated_before_a_kill_at_once_stays_so(site):
    for _ in range(4):
        pages = [kept(site) for _ in range(3)]
        (data_plane,) = site.edge.children()
        for page in pages:
            page.ask(method="POST", body=b"x")
        os.kill(data_plane, signal.SIGKILL)
        wait_until(lambda: site.edge.children() not in ([], [data_plane]) and site.edge.admin("/readyz")[0] == 200, 20, "another data plane")
        for page in pages:
            reading = page.ask()
            assert reading.fetches, f"version {reading.version} is of before the change"


@pytest.mark.parametrize("how", ["restart", "memory"])
def test_rfc9111_s4_the_newer_of_memory_and_disk_is_served(site, how):
    page = kept(site)
    newer = page.ask(cache_control="no-cache").version
    assert newer > 1
    if how == "memory":
        forget_memory(site)
    else:
        site.restart()
    assert page.ask().version >= newer


@pytest.mark.parametrize("how", ["restart", "memory"])
def test_rfc9111_s4_3_4_what_a_304_forbade_to_store_does_not_come_back(site, how):
    page = site.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True))
    for _ in range(3):
        page.ask()
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True, fields_304=fields(cache_control="no-store")))
    assert page.ask(cache_control="no-cache").how == "validated"
    if how == "memory":
        forget_memory(site)
    else:
        site.restart()
    assert page.ask().fetches


@pytest.mark.parametrize("control", ["no-cache", "max-age=0"])
def test_rfc9111_s4_3_4_what_a_304_says_holds_for_what_is_on_the_disk_too(site, control):
    page = site.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True))
    for _ in range(3):
        page.ask()
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"'), validates=True, fields_304=fields(cache_control=control)))
    assert page.ask(cache_control="no-cache").how == "validated"
    site.restart()
    assert page.ask().fetches, "the disk has the fields of before"


def test_rfc9111_s4_3_4_the_fields_of_a_304_are_those_that_come_back(site):
    page = site.page().answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"', x_new="1"), validates=True))
    for _ in range(3):
        page.ask()
    page.answers(Reply(fields=fields(cache_control="max-age=600", etag='"a"', x_new="2"), validates=True))
    assert page.ask(cache_control="no-cache").field("x-new") == "2"
    for _ in range(3):
        page.ask()
    site.restart()
    reading = page.ask()
    assert reading.field("x-new") == "2"


def test_rfc9111_s4_3_5_what_a_head_outdated_does_not_come_back(site):
    page = site.page()
    page.chooses(lambda request: Reply(fields=fields(cache_control="max-age=600", etag='"b"' if request.method == "HEAD" else '"a"')))
    for _ in range(3):
        page.ask()
    assert page.ask(method="HEAD", cache_control="no-cache").fetches
    site.restart()
    assert page.ask().fetches


@pytest.mark.parametrize("damage", ["bits", "cut", "zeros", "swapped"])
def test_a_damaged_disk_loses_objects_and_never_serves_a_wrong_byte(site, damage):
    pages = [kept(site, size=size) for size in (100, 5000, 60_000, 5001, 5002, 30_000)]
    assert site.edge.stop() == 0
    files = [file for file in (site.edge.state / "cache").rglob("*") if file.is_file() and file.stat().st_size > 4096]
    assert files, "nothing is on the disk"
    chosen = random.Random(9)
    for file in files:
        data = bytearray(file.read_bytes())
        used = len(data.rstrip(b"\0"))
        if damage == "bits":
            for _ in range(40):
                data[chosen.randrange(used)] ^= 1 << chosen.randrange(8)
        elif damage == "cut":
            data = data[: used // 2]
        elif damage == "zeros":
            data[used // 3 : used // 2] = bytes(used // 2 - used // 3)
        else:
            data[used // 4 : used // 2], data[used // 2 : used // 2 + used // 4] = (
                data[used // 2 : used // 2 + used // 4], data[used // 4 : used // 4 + used // 4])
        file.write_bytes(data)
    site.edge.start()
    for page in pages:
        for _ in range(2):
            assert page.ask().status == 200 and page.ask().version >= 1


def kill_in_a_loop(headgate, free_port, seed: int, kills: int, workers: int, purges: bool = False):
    """Clients load the edge while its data plane is killed again and again."""
    book, port = Book(seed, 24, 60_000), free_port()
    origin, chosen = StressOrigin(book, troubles=False), random.Random(seed)
    try:
        edge = headgate(cached_edge(port, origin.port, {"plain": {}}), workers=workers, args=("--cache-memory", "1Mi", "--cache-disk", "64Mi"))
        purge = Purger(book, edge.admin_port) if purges else None
        crowd = [(H2Stress if number % 3 == 2 else H1Stress)(book, port, number, math.inf, purge=purge) for number in range(6)]
        for client in crowd:
            client.patient = True
            client.start()
        for number in range(1, kills + 1):
            goal = sum(book.counts.values()) + chosen.randrange(50, 600)
            wait_until(lambda: sum(book.counts.values()) >= goal or book.wrong, 60, "load between two kills")
            (data_plane,) = wait_until(lambda: len(edge.children()) == 1 and edge.children(), 20, "one data plane")
            book.doubt_changes_of_the_last(2)
            if number % 5:
                os.kill(data_plane, signal.SIGKILL)
            else:  # all of it: a supervisor waits longer after each death in a row
                edge.kill()
                edge.start()
            wait_until(lambda: edge.children() not in ([], [data_plane]), 20, "another data plane")
            book.trust_changes()
        for client in crowd:
            client.until = 0
        for client in crowd:
            client.join(90)
    finally:
        for client in crowd:
            client.until = 0
        origin.close()
    assert not book.wrong, f"seed {seed}: " + "\n".join(book.wrong[:5])
    assert book.counts["hits"] > 50 * kills / 2 and book.counts["changes"] > 0, book.counts
    assert book.counts["purges"] > 0 or not purges, book.counts


def test_a_data_plane_that_is_killed_while_it_writes_leaves_no_wrong_byte(headgate, free_port):
    kill_in_a_loop(headgate, free_port, seed=9, kills=8, workers=2)


def test_a_purge_with_a_durable_receipt_holds_after_a_kill(headgate, free_port):
    kill_in_a_loop(headgate, free_port, seed=10, kills=5, workers=2, purges=True)


@pytest.mark.scale
@pytest.mark.timeout(900)
def test_a_hundred_kills_while_it_writes_leave_no_wrong_byte(headgate, free_port):
    kill_in_a_loop(headgate, free_port, seed=random.SystemRandom().randrange(1 << 30), kills=100, workers=3)
