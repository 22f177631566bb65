"""The yardsticks of bench/ tell the truth: what is no hit, or not the origin's bytes, is not measured as a cache's answer."""

import pathlib
import re
import sys
import types

import pytest

from support.origin import response

BENCH = pathlib.Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from harness import calls, configs, contenders, hits, measure, micro, profile, report, wait  # noqa: E402 pylint: disable=wrong-import-position
from harness.server import BenchError  # noqa: E402 pylint: disable=wrong-import-position

BODY = b"the origin's bytes"


class CountingOrigin:
    """The origin of a run, which tells how often it was asked."""

    def __init__(self, origin):
        self.asked = 0
        self.made = origin(self.answer)

    def answer(self, request):
        if request.target == "/requests":
            return response(body=str(self.asked).encode())
        self.asked += 1
        return response(body=BODY)


@pytest.fixture
def site(origin):
    """The origin, and check(cache) for the answers of a cache before it, which is a function of the request."""
    counting = CountingOrigin(origin)
    run = types.SimpleNamespace(site=types.SimpleNamespace(origin_port=counting.made.port), origin_pid=0, seconds=1)

    def check(cache):
        made = origin(cache, name="cache")
        server = types.SimpleNamespace(work=types.SimpleNamespace(http_port=made.port), name="cache")
        hits.check_hit(run, server, "h1", "/1k")

    return types.SimpleNamespace(run=run, origin=counting, check=check)


def test_an_answer_from_a_cache_is_a_hit(site):
    site.check(lambda _: response(body=BODY))


def test_other_bytes_than_the_origins_are_refused(site):
    with pytest.raises(BenchError, match="not the 18 of the origin"):
        site.check(lambda _: response(body=BODY.replace(b"o", b"0")))


def test_an_answer_that_is_fetched_each_time_is_no_hit(site, monkeypatch):
    monkeypatch.setattr(hits, "STORED_SECONDS_MAX", 0)

    def fetching(_):
        site.origin.asked += 1
        return response(body=BODY)

    with pytest.raises(BenchError, match="not answered from the cache"):
        site.check(fetching)


def test_a_cache_may_store_a_little_later(site):
    left = iter(range(3))

    def storing_late(_):
        site.origin.asked += next(left, None) is not None
        return response(body=BODY)

    site.check(storing_late)


def test_another_status_is_refused_even_with_the_right_bytes(site):
    with pytest.raises(BenchError, match="expected '1.1 200'"):
        site.check(lambda _: (203, BODY, []))


def test_a_sample_in_which_the_origin_was_asked_does_not_count(site, monkeypatch):
    def load_with_a_miss(*_):
        site.origin.asked += 1
        return measure.Sample(cpu_us=1, rate=1, noise=0, operations=10)

    monkeypatch.setattr(hits, "sample", load_with_a_miss)
    with pytest.raises(BenchError, match="1 of 10 requests reached the origin"):
        hits.hit_sample(site.run, None, None)


def test_tables_go_between_the_marks_of_their_own_bench(tmp_path):
    document = tmp_path / "performance.md"
    marks = "<!-- script/bench {0}: begin -->\nold {0}\n<!-- script/bench {0}: end -->\n"
    document.write_text(marks.format("proxy") + "between\n" + marks.format("cache"))
    series = measure.Series("headgate", "1", figures={"ms": [2.0]})
    report.fill(document, "cache", [measure.Row("cold", "A row", [series])], "one round")
    text = document.read_text()
    assert "old proxy" in text and "between" in text and "old cache" not in text
    assert re.search(r"cache: begin -->\none round, .*### A row.*\| headgate 1 \| 2\.00 \|.*cache: end", text, re.S)


def test_a_figure_that_one_contender_alone_has_leaves_the_others_a_gap():
    series = [measure.Series(name, "", figures=figures) for name, figures in (("a", {"x": [1.0], "own": [2.0]}), ("b", {"x": [3.0]}))]
    assert report.figure_table(measure.Row("memory", "", series))[1:] == [["a", "1.00", "2.00"], ["b", "3.00", ""]]


def test_a_document_without_marks_is_refused(tmp_path):
    (tmp_path / "a.md").write_text("nothing")
    with pytest.raises(SystemExit, match="script/bench cache: begin"):
        report.fill(tmp_path / "a.md", "cache", [], "one round")


def test_every_rival_is_set_up_as_a_cache_where_that_is_asked():
    signs = {"nginx": "proxy_cache bench", "haproxy": "cache-use", "headgate": "kind: CachePolicy"}
    for kind, sign in signs.items():
        for cached in (False, True):
            assert (sign in config_of(kind, cached)) == cached, kind


def config_of(kind, cached):
    work = configs.Work("/tmp", 1, 2, 3, False, cached=cached)
    if kind == "headgate":
        return configs.headgate(work, "cert", "key")
    return "".join(contenders.KINDS[kind].files(work, (1, 30, 0)).values())



def test_system_calls_are_counted_for_each_connection_and_the_sum_has_the_rare_ones_too():
    summary = "    calls syscall\n--------- ----------------\n      200 sendto\n      101 accept4\n        1 mmap\n--------- -----\n      302 total\n"
    counts = profile.calls_in("strace: Process 7 attached\n" + summary)
    assert counts == {"sendto": 200, "accept4": 101, "mmap": 1}
    rounds = calls.shares([(counts, 100), ({"sendto": 100, "shutdown": 1}, 50)])
    assert rounds == [pytest.approx({"all": 3.02, "sendto": 2.0, "accept4": 1.01}), pytest.approx({"all": 2.02, "sendto": 2.0, "accept4": 0.0})]


def test_what_moves_is_measured_when_it_rests(monkeypatch):
    values = iter([100, 200, 300] + [300.2] * 1000)
    assert wait.settled(lambda: next(values), quiet=0.05, slack=0.001) == 300.2
    monkeypatch.setattr(wait, "SETTLE_SECONDS_MAX", 0.1)
    restless = iter(range(1000))
    assert 0 < wait.settled(lambda: next(restless), quiet=0.05) < 1000


def test_times_of_micro_benchmarks_are_of_one_unit():
    assert micro.cpu_ns({"cpu_time": 2.0, "time_unit": "us"}) == {"cpu_ns": 2000.0}
    assert micro.elapsed({"real_time": 2.0, "time_unit": "us"}) == {"ms": 0.002}
    assert micro.elapsed_us({"real_time": 2.0, "time_unit": "s"}) == {"us": 2e6}
