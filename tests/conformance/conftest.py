"""What the tests of the Gateway API share: backends v1, v2 and v3, and one edge for the cases of a module."""

import pytest

from support.echo import ask, echo
from support.edge import Edge
from support.ports import free_port


class World:
    """Backends `origins[name]` and an edge in front of them. `port` and `tls_port` are free for its listeners."""

    def __init__(self, directory, authority):
        self.directory, self.authority, self.edges = directory, authority, []
        self.port, self.tls_port = free_port(), free_port()
        self.origins = {name: echo(name) for name in ("v1", "v2", "v3")}

    def start(self, config: str) -> Edge:
        self.edges.append(Edge(self.directory / f"edge{len(self.edges)}", config))
        return self.edges[-1].start()

    def ask(self, target: str = "/", **request):
        """One request to `port`; support/echo.py says what may be given and what comes back."""
        return ask(self.port, target, **request)

    def upstreams(self) -> str:
        """v1, v2 and v3 in the namespace default, as YAML."""
        return "".join(self.upstream(name) for name in self.origins)

    def upstream(self, name: str, namespace: str = "default") -> str:
        return f"""
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{endpoints: [{{address: 127.0.0.1, port: {self.origins[name].port}}}]}}
"""

    def close(self):
        try:
            for edge in self.edges:
                edge.close()
        finally:
            for origin in self.origins.values():
                origin.close()


@pytest.fixture(scope="module")
def world(request, tmp_path_factory, authority):
    """World with an edge that serves what the module's `resources(world)` returns; stopped and checked at the end."""
    made = World(tmp_path_factory.mktemp(request.module.__name__.rsplit(".", 1)[-1]), authority)
    try:
        made.edge = made.start(request.module.resources(made) + made.upstreams())
        yield made
    finally:
        made.close()
