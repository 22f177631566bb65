"""Fixtures of the whole-process tests; tests/README.md tells how to use them."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.certs import Authority  # noqa: E402
from support.config import simple_edge  # noqa: E402
from support.edge import Edge, binary  # noqa: E402
from support.held import HeldH2Origin, HeldOrigin  # noqa: E402
from support.origin import HttpOrigin, RawOrigin  # noqa: E402
from support.ports import free_port as next_free_port  # noqa: E402

WORKERS = int(os.environ.get("HEADGATE_WORKERS", 1))  # of edges whose test does not say; more, to look for races


@pytest.fixture
def free_port():
    """A function that returns another free port at each call."""
    return next_free_port


@pytest.fixture
def headgate(tmp_path):
    """start(config, workers=WORKERS, args=(), env=None, ready=True) -> Edge; every edge is stopped and checked at the end."""
    assert binary().exists(), f"{binary()} is not built: script/build makes it, HEADGATE_BINARY names another"
    edges = []

    def start(config: str, workers: int = WORKERS, args=(), env=None, ready: bool = True) -> Edge:
        edge = Edge(tmp_path / f"edge{len(edges)}", config, workers, args, env)
        edges.append(edge)
        return edge.start(ready)

    yield start
    _close_all(edges)


@pytest.fixture
def origin():
    """make(answer=None, name="origin", tls=None, port=0, path=None) -> HttpOrigin; closed at the end."""
    yield from _makers(HttpOrigin)


@pytest.fixture
def raw_origin():
    """make(handler, tls=None, port=0, path=None) -> RawOrigin; closed at the end."""
    yield from _makers(RawOrigin)


@pytest.fixture
def held_origin():
    """make(tls=None, port=0) -> HeldOrigin: its requests wait for the test; closed at the end."""
    yield from _makers(HeldOrigin)


@pytest.fixture
def held_h2_origin():
    """make() -> HeldH2Origin, for upstreams of protocol HTTP2; closed at the end."""
    yield from _makers(HeldH2Origin)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """A certificate authority for the whole run: authority.issue("shop.localhost"), authority.ca."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxied(headgate, origin, free_port):
    """(edge, port, origin): an edge with one HTTP listener in front of one origin that says 200."""
    made, port = origin(), free_port()
    return headgate(simple_edge(port, made.port)), port, made


def _makers(kind):
    made = []

    def make(*args, **options):
        made.append(kind(*args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    errors = [error for one in made for error in one.errors]
    assert not errors, f"an origin's handler failed: {errors!r}"


def _close_all(edges):
    failures = []
    for edge in edges:
        try:
            edge.close()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)
