"""Everything at once: changes and purges, variants, ranges, clients that leave, an origin that fails, over HTTP/1.1 and HTTP/2."""

import random
import time

import pytest

from support.cache_config import cached_edge
from support.cache_stress import Book, H1Stress, H2Stress, Purger, StressOrigin

pytestmark = pytest.mark.ours


def run(headgate, free_port, seed: int, seconds: float, workers: int, pages: int = 12, clients: int = 8, arguments=(),
        purges: bool = False, size_max: int = 60_000):
    book, port = Book(seed, pages, size_max), free_port()
    origin = StressOrigin(book)
    try:
        edge = headgate(cached_edge(port, origin.port, {"plain": {}}), workers=workers, args=arguments)
        until = time.monotonic() + seconds
        purge = Purger(book, edge.admin_port) if purges else None
        crowd = [(H2Stress if number % 3 == 2 else H1Stress)(book, port, number, until, purge=purge) for number in range(clients)]
        for client in crowd:
            client.start()
        for client in crowd:
            client.join(seconds + 90)
        assert not any(client.is_alive() for client in crowd), "an answer never came"
    finally:
        origin.close()
    assert not book.wrong, f"seed {seed}: " + "\n".join(book.wrong[:5])
    assert not origin.errors, origin.errors
    return book.counts


def assert_that_much_was_tried(counts):
    """The load would prove nothing if all of it were misses, or errors."""
    for what, at_least in {"hits": 100, "stale": 10, "stored": 20, "status 200": 100, "status 206": 20, "status 304": 5, "changes": 3,
                           "left": 10, "cut": 3}.items():
        assert counts[what] >= at_least, (what, counts)


def test_rfc9111_s4_no_wrong_body_under_changes_ranges_aborts_and_failures(headgate, free_port):
    assert_that_much_was_tried(run(headgate, free_port, seed=9111, seconds=12, workers=3))


def test_rfc9111_s4_no_wrong_body_where_memory_is_small_and_a_disk_lies_below(headgate, free_port):
    assert_that_much_was_tried(run(headgate, free_port, seed=5861, seconds=12, workers=2, pages=40,
                                   arguments=("--cache-memory", "1Mi", "--cache-disk", "64Mi")))


def test_rfc9111_s4_no_wrong_body_out_of_slices(headgate, free_port):
    counts = run(headgate, free_port, seed=9110, seconds=15, workers=3, pages=6, size_max=1_300_000, purges=True,
                 arguments=("--cache-memory", "8Mi", "--cache-disk", "64Mi"))
    assert_that_much_was_tried(counts)
    assert counts["partial"] >= 3, counts


def test_no_body_from_before_a_purge_under_the_same_load(headgate, free_port):
    counts = run(headgate, free_port, seed=9211, seconds=12, workers=3, purges=True)
    assert_that_much_was_tried(counts)
    assert counts["purges"] >= 5 and not counts["purges without receipt"], counts


@pytest.mark.scale
@pytest.mark.timeout(900)
def test_rfc9111_s4_no_wrong_body_for_minutes_with_other_seeds(headgate, free_port):
    for round_ in range(8):
        seed = random.SystemRandom().randrange(1 << 30)
        assert_that_much_was_tried(run(headgate, free_port, seed, seconds=30, workers=1 + round_ % 4, pages=random.Random(seed).choice([3, 12, 60]),
                                       clients=16))
