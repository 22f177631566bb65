"""One edge with a cache for the tests of a module. `POLICIES` of the module: specs of CachePolicy by name, each served at NAME.test, with
`RULES` for its rule and `RESOURCES` beside."""

import os

import pytest

from support.cache_config import cached_edge
from support.cache_origin import ScriptedOrigin
from support.cache_page import Site
from support.cache_peers import PEERS
from support.edge import Edge
from support.ports import free_port

PEER = os.environ.get("HEADGATE_CACHE_PEER")  # "varnish": the tables are tried on it, to find mistakes in them


@pytest.fixture(scope="module")
def cache(request, tmp_path_factory):
    """Site: `cache.page()` is a new path behind the policy "plain", RFC 9111 as written."""
    policies = {"plain": {}, **getattr(request.module, "POLICIES", {})}
    origin, port = ScriptedOrigin(), free_port()
    directory = tmp_path_factory.mktemp("cache")
    if PEER:
        running = PEERS[PEER](directory, port, origin.port)
    else:
        rules, more = getattr(request.module, "RULES", {}), getattr(request.module, "RESOURCES", ())
        running = Edge(directory, cached_edge(port, origin.port, policies, rules, more),
                       workers=int(os.environ.get("HEADGATE_WORKERS", 1)))
        running.start()
    try:
        site = Site(origin, port, bool(PEER))
        site.edge = running
        yield site
    finally:
        origin.close()
        running.close()
    assert not origin.errors, f"the origin's handler failed: {origin.errors!r}"


@pytest.fixture(autouse=True)
def only_ours(request):
    """Tests marked `ours` look at what other caches do not have."""
    if PEER and request.node.get_closest_marker("ours"):
        pytest.skip("not of other caches")
