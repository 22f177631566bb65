"""Gateway and HTTPRoute: which listener takes a host name, and which routes it then offers."""

import pytest

from support.client import RawClient
from support.h2client import H2Client


def resources(world) -> str:
    secret = world.authority.issue("very.specific.example", "*.wildcard.example", "*.another.example")
    indent = lambda pem: pem.strip().replace("\n", "\n    ")
    return f"""
apiVersion: v1
kind: Secret
metadata: {{name: cert}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    {indent(secret.cert_pem)}
  tls.key: |
    {indent(secret.key_pem)}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: hosts}}
spec:
  gatewayClassName: headgate
  addresses: [{{value: 127.0.0.1}}]
  listeners:
  - {{name: specific, protocol: HTTP, port: {world.port}, hostname: very.specific.example}}
  - {{name: wildcard, protocol: HTTP, port: {world.port}, hostname: "*.wildcard.example"}}
  - {{name: deeper, protocol: HTTP, port: {world.port}, hostname: "*.deeper.wildcard.example"}}
  - {{name: bar, protocol: HTTP, port: {world.port}, hostname: bar.example}}
  - {{name: foo-bar, protocol: HTTP, port: {world.port}, hostname: foo.bar.example}}
  - {{name: any-bar, protocol: HTTP, port: {world.port}, hostname: "*.bar.example"}}
  - {{name: tls-specific, protocol: HTTPS, port: {world.tls_port}, hostname: very.specific.example, tls: {{certificateRefs: [{{name: cert}}]}}}}
  - {{name: tls-wildcard, protocol: HTTPS, port: {world.tls_port}, hostname: "*.wildcard.example", tls: {{certificateRefs: [{{name: cert}}]}}}}
""" + ROUTES


def route(name: str, backend: str, hostnames=(), path: str = "/", section: str = None) -> str:
    names = f"\n  hostnames: {list(hostnames)}" if hostnames else ""
    section = f", sectionName: {section}" if section else ""
    return f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: hosts{section}}}]{names}
  rules:
  - {{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{group: headgate.io, kind: Upstream, name: {backend}}}]}}
"""


# The intersection of a route's names with a listener's decides: a route gets no host that its listener does not have.
ROUTES = (
    route("specific-matches-specific", "v1", ["non.matching.example", "*.nonmatchingwildcard.io", "very.specific.example"],
          "/s1") +
    route("specific-matches-wildcard", "v2", ["non.matching.example", "wildcard.example", "foo.wildcard.example",
                                              "bar.wildcard.example", "foo.bar.wildcard.example"], "/s2") +
    route("wildcard-matches-specific", "v3", ["non.matching.example", "*.specific.example"], "/s3") +
    route("wildcard-matches-wildcard", "v1", ["*.anotherwildcard.io", "*.wildcard.example"], "/s4") +
    route("deeper-wildcard", "v2", ["*.deeper.wildcard.example"], "/s5") +
    route("tls", "v3", ["very.specific.example", "a.wildcard.example"], "/tls") +
    route("bar-any", "v1", path="/l", section="bar") +
    route("foo-any", "v2", path="/l", section="foo-bar") +
    route("any-bar", "v3", path="/l", section="any-bar"))

INTERSECTIONS = [
    ("very.specific.example", "/s1", "v1"), ("non.matching.example", "/s1", None), ("very.specific.example", "/x", None),
    ("foo.nonmatchingwildcard.io", "/s1", None), ("foo.wildcard.example", "/s1", None),
    ("foo.wildcard.example", "/s2", "v2"), ("bar.wildcard.example", "/s2", "v2"), ("foo.bar.wildcard.example", "/s2", "v2"),
    ("wildcard.example", "/s2", None), ("baz.wildcard.example", "/s2", None), ("non.matching.example", "/s2", None),
    ("very.specific.example", "/s3", "v3"), ("foo.specific.example", "/s3", None), ("specific.example", "/s3", None),
    ("one.wildcard.example", "/s4", "v1"), ("one.two.wildcard.example", "/s4", "v1"), ("wildcard.example", "/s4", None),
    ("foo.anotherwildcard.io", "/s4", None),
    ("a.deeper.wildcard.example", "/s5", "v2"), ("a.wildcard.example", "/s5", None), ("a.deeper.wildcard.example", "/s4", "v1"),
    ("VERY.Specific.Example", "/s1", "v1"), ("very.specific.example.", "/s1", "v1"), ("very.specific.example:8080", "/s1", "v1"),
]


@pytest.mark.parametrize("host, target, expected", INTERSECTIONS)
def test_a_route_serves_the_names_that_it_shares_with_its_listener(world, host, target, expected):
    reply = world.ask(target, host=host)
    assert (reply.status, reply.backend) == ((200, expected) if expected else (404, None))


LISTENERS = [
    ("bar.example", "v1"), ("foo.bar.example", "v2"), ("baz.bar.example", "v3"), ("boo.bar.example", "v3"),
    ("multiple.prefixes.bar.example", "v3"), ("multiple.prefixes.foo.example", None), ("foo.example", None),
    ("no.matching.host", None),
]


@pytest.mark.parametrize("host, expected", LISTENERS)
def test_the_most_specific_listener_takes_a_request_and_offers_its_own_routes(world, host, expected):
    reply = world.ask("/l", host=host)
    assert (reply.status, reply.backend) == ((200, expected) if expected else (404, None))


def test_over_tls_the_listener_that_the_server_name_chose_answers(world):
    tls = world.authority.client_context()
    with RawClient(world.tls_port, tls=tls, name="very.specific.example") as client:
        answer = client.request(b"GET /tls HTTP/1.1\r\nHost: very.specific.example\r\n\r\n")
        assert answer.status == 200 and b'"v3"' in answer.body


@pytest.mark.parametrize("host, why", [("a.wildcard.example", "another listener's name"), ("unknown.example", "nobody's name")])
def test_over_tls_an_authority_of_another_listener_is_misdirected(world, host, why):
    tls = world.authority.client_context()
    with RawClient(world.tls_port, tls=tls, name="very.specific.example") as client:
        assert client.request(f"GET /tls HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status == 421, why
        # The connection is good for the names that it is for.
        assert client.request(b"GET /tls HTTP/1.1\r\nHost: very.specific.example\r\n\r\n").status == 200


def test_an_h2_connection_may_be_shared_by_names_of_one_listener_and_by_no_others(world):
    tls = world.authority.client_context(alpn=("h2",))
    with H2Client(world.tls_port, tls=tls, name="b.wildcard.example") as client:
        assert client.request(path="/tls", authority="a.wildcard.example").status == 200
        assert client.request(path="/tls", authority="very.specific.example").status == 421
        assert client.request(path="/tls", authority="c.wildcard.example").status == 404  # no route has it
        assert client.request(path="/tls", authority="a.wildcard.example").status == 200


def test_a_server_name_of_no_listener_gets_no_connection(world):
    with pytest.raises(OSError):
        RawClient(world.tls_port, tls=world.authority.client_context(), name="other.example")
