"""GRPCRoute: which calls go where, with grpcio on both sides."""

import grpc
import pytest

from support.config import backend, documents, gateway, http_listener, route, rule, upstream
from support.edge import Edge
from support.grpc_peer import GrpcServer, channel
from support.ports import free_port

SERVICES = ("shop.v1.Cart", "shop.v1.Price", "other.Thing")


def matches(*methods, headers=()) -> list:
    """Each of `methods` is a dict for `method`, or None for every call."""
    made = [{"method": method} if method else {} for method in methods]
    for match in made if headers else ():
        match["headers"] = list(headers)
    return made


def grpc_rule(name: str, *methods, headers=(), filters=()) -> dict:
    return {"matches": matches(*methods, headers=headers), "filters": list(filters),
            "backendRefs": [backend(name)]}


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """(port, servers by name) of an edge with the routes below."""
    servers, port = {name: GrpcServer(*SERVICES, name=name) for name in ("v1", "v2", "v3")}, free_port()
    tag = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-tag", "value": "edge"}], "remove": ["x-gone"]}}
    routes = [
        route(grpc_rule("v1", {"service": "shop.v1.Cart", "method": "Who"}), grpc_rule("v2", {"service": "shop.v1.Price"}),
              grpc_rule("v3", {"method": "Echo"}, filters=[tag]),
              kind="GRPCRoute", name="exact", hostnames=["exact.example"]),
        route(grpc_rule("v1", {"type": "RegularExpression", "service": "shop\\.v[0-9]+\\..*", "method": "W.o"}),
              kind="GRPCRoute", name="regex", hostnames=["regex.example"]),
        route(grpc_rule("v1", None, headers=[{"name": "version", "value": "one"}]),
              grpc_rule("v2", None, headers=[{"name": "version", "value": "two"}]),
              grpc_rule("v3", None, headers=[{"name": "version", "value": "two"}, {"name": "color", "value": "blue"}]),
              kind="GRPCRoute", name="headers", hostnames=["headers.example"]),
        route({"backendRefs": [backend("v2")]}, kind="GRPCRoute", name="all", hostnames=["all.example"]),
        route(rule("v3"), name="web", hostnames=["web.example"]),
    ]
    upstreams = [upstream(name, server.port, protocol="HTTP2") for name, server in servers.items()]
    edge = Edge(tmp_path_factory.mktemp("grpc"), documents(gateway(http_listener(port)), *upstreams, *routes))
    edge.start()
    yield port, servers
    edge.close()
    for server in servers.values():
        server.close()


def call(port: int, host: str, path: str, metadata=(), message: bytes = b"x"):
    """(status code, answer or details)"""
    with channel(port, host) as made:
        try:
            return grpc.StatusCode.OK, made.unary_unary(path)(message, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            return error.code(), error.details()


@pytest.mark.parametrize("host, path, expected", [
    ("exact", "/shop.v1.Cart/Who", b"v1"), ("exact", "/shop.v1.Price/Who", b"v2"), ("exact", "/other.Thing/Who", None),
    ("exact", "/shop.v1.Cart/who", None), ("exact", "/shop.v1.Car/Who", None), ("exact", "/shop.v1.Cart/Who/x", None),
    ("regex", "/shop.v1.Cart/Who", b"v1"), ("regex", "/other.Thing/Who", None), ("regex", "/shop.v1.Cart/Slow", None),
    ("all", "/shop.v1.Cart/Who", b"v2"), ("all", "/other.Thing/Who", b"v2"), ("nobody", "/shop.v1.Cart/Who", None),
])
def test_service_and_method_choose_the_backend(calls, host, path, expected):
    code, answer = call(calls[0], f"{host}.example", path)
    if expected:
        assert (code, answer) == (grpc.StatusCode.OK, expected)
    else:
        assert code == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("metadata, expected", [
    ([("version", "one")], b"v1"), ([("version", "two")], b"v2"), ([("version", "two"), ("color", "blue")], b"v3"),
    ([("version", "three")], None), ([], None),
])
def test_metadata_choose_the_backend(calls, metadata, expected):
    code, answer = call(calls[0], "headers.example", "/shop.v1.Cart/Who", metadata)
    assert (code, answer) == (grpc.StatusCode.OK, expected) if expected else code == grpc.StatusCode.UNIMPLEMENTED


def test_filters_of_a_rule_change_metadata(calls):
    port, servers = calls
    assert call(port, "exact.example", "/shop.v1.Cart/Echo", [("x-gone", "1"), ("x-tag", "mine"), ("x-kept", "2")])[0] == grpc.StatusCode.OK
    metadata = servers["v3"].calls[-1][1]
    assert metadata["x-tag"] == "edge" and "x-gone" not in metadata and metadata["x-kept"] == "2"


def test_an_http_route_carries_grpc_too(calls):
    assert call(calls[0], "web.example", "/shop.v1.Cart/Who") == (grpc.StatusCode.OK, b"v3")
