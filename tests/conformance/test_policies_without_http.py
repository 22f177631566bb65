"""Policies on TCP, TLS and UDP listeners: address lists hold there, and what cannot hold is refused or warned of, never dropped."""

import ssl

import pytest

from support.client import RawClient
from support.config import backend, documents, gateway, http_listener, route, rule, tls_secret, upstream
from support.edge import check
from support.udp import UdpEcho, udp_client, udp_route

ELSEWHERE = "127.0.0.9"


def policy(kind: str, spec: dict, section: str = None, target: str = "Gateway", name: str = "edge") -> dict:
    reference = {"group": "gateway.networking.k8s.io", "kind": target, "name": name, **({"sectionName": section} if section else {})}
    return {"apiVersion": "headgate.io/v1alpha1", "kind": kind, "metadata": {"name": "guard", "namespace": "default"},
            "spec": {"targetRefs": [reference], **spec}}


def forward(kind: str, name: str, section: str, **spec) -> dict:
    made = route({"backendRefs": [backend(name)]}, name=section, kind=kind, **spec)
    made["spec"]["parentRefs"][0]["sectionName"] = section
    return made


def mixed(*policies) -> str:
    """HTTP, TCP and UDP on one Gateway."""
    listeners = [http_listener(18080), {"name": "raw", "protocol": "TCP", "port": 15432}, {"name": "dns", "protocol": "UDP", "port": 15353}]
    web = route(rule("any"), name="web")
    web["spec"]["parentRefs"][0]["sectionName"] = "http"
    return documents(gateway(*listeners), upstream("any", 19000), web, forward("TCPRoute", "any", "raw"), udp_route("any", "dns"),
                     {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "default"},
                      "stringData": {"one": "long-enough-key"}}, *policies)


JWT = {"jwt": {"providers": [{"name": "staff", "issuer": "i", "jwks": {"url": "https://id.example/keys"}}]}}
KEYS = {"apiKeys": {"header": "X-Key", "secretRefs": [{"name": "keys"}]}}
EXTERNAL = {"externalAuthorization": {"backendRef": {"name": "any"}}}
LIMIT = {"limits": [{"name": "all", "requests": 1}]}
GUARDS = [("AccessPolicy", "jwt", JWT), ("AccessPolicy", "apiKeys", KEYS), ("AccessPolicy", "externalAuthorization", EXTERNAL),
          ("RateLimit", "limits", LIMIT)]


@pytest.mark.parametrize("kind, field, spec", GUARDS, ids=[field for _, field, _ in GUARDS])
def test_a_rule_about_requests_on_a_gateway_with_other_listeners_is_an_error_that_says_what_to_do(tmp_path, kind, field, spec):
    done = check(tmp_path, mixed(policy(kind, spec)))
    assert done.returncode == 4
    told = done.stdout + done.stderr
    assert (f"{kind} default/guard: spec.{field}: cannot guard Gateway default/edge/raw, Gateway default/edge/dns, which carries no "
            "HTTP requests: attach the policy by sectionName to the listeners that speak HTTP, or to routes") in told


@pytest.mark.parametrize("kind, field, spec", GUARDS, ids=[field for _, field, _ in GUARDS])
def test_the_same_rule_on_the_listener_that_speaks_http_or_on_a_route_is_taken(tmp_path, kind, field, spec):
    for where in (policy(kind, spec, section="http"), policy(kind, spec, target="HTTPRoute", name="web")):
        done = check(tmp_path, mixed(where))
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_field_that_a_listener_cannot_use_is_a_warning(tmp_path):
    done = check(tmp_path, mixed(policy("TrafficPolicy", {"compression": {"algorithms": ["gzip"]}}, section="raw")))
    assert done.returncode == 0
    told = done.stdout + done.stderr
    assert "warning: TrafficPolicy default/guard: spec.compression.algorithms: has no effect on Gateway default/edge/raw" in told


def echo(connection):
    while data := connection.receive():
        connection.send(data)


def serves(port: int, source: str, **options) -> bool:
    try:
        with RawClient(port, source=source, **options) as client:
            return client.send(b"x").sock.recv(1) == b"x"
    except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
        return False


@pytest.fixture
def origins(raw_origin, authority):
    """(plain, TLS, UDP) origins that say back what they hear."""
    datagrams = UdpEcho()
    yield raw_origin(echo), raw_origin(echo, tls=authority.issue("pass.example").server_context(alpn=())), datagrams
    datagrams.close()


@pytest.mark.parametrize("target", ["Gateway", "listener"])
@pytest.mark.parametrize("spec", [{"deny": [ELSEWHERE + "/32"]}, {"allow": ["127.0.0.1/32"]}], ids=["deny", "allow"])
def test_address_lists_hold_on_tcp_tls_and_udp_listeners(headgate, origins, authority, free_port, spec, target):
    (plain, tls, datagrams), (raw, sni, end, dns) = origins, [free_port() for _ in range(4)]
    listeners = [{"name": "raw", "protocol": "TCP", "port": raw},
                 {"name": "sni", "protocol": "TLS", "port": sni, "tls": {"mode": "Passthrough"}},
                 {"name": "end", "protocol": "TLS", "port": end, "hostname": "end.example",
                  "tls": {"mode": "Terminate", "certificateRefs": [{"name": "local-tls"}]}},
                 {"name": "dns", "protocol": "UDP", "port": dns}]
    guards = [policy("AccessPolicy", spec)]
    if target == "listener":
        guards = [{**policy("AccessPolicy", spec, section=one["name"]), "metadata": {"name": one["name"], "namespace": "default"}}
                  for one in listeners]
    edge = headgate(documents(
        gateway(*listeners), tls_secret(authority.issue("end.example")), upstream("plain", plain.port), upstream("tls", tls.port),
        upstream("dgrams", datagrams.port), forward("TCPRoute", "plain", "raw"), forward("TLSRoute", "tls", "sni"),
        forward("TLSRoute", "plain", "end"), udp_route("dgrams", "dns"), *guards))
    context = authority.client_context(alpn=())
    for port, options in ((raw, {}), (sni, {"tls": context, "name": "pass.example"}), (end, {"tls": context, "name": "end.example"})):
        assert serves(port, "127.0.0.1", **options)
        assert not serves(port, ELSEWHERE, **options)
    assert (plain.accepted, tls.accepted) == (2, 1)
    with udp_client(dns) as client, udp_client(dns, source=ELSEWHERE) as other:
        other.send(b"from elsewhere")
        client.send(b"x")
        assert client.recv(100) == b"x"
        other.settimeout(0.3)
        with pytest.raises(TimeoutError):
            other.recv(100)
    assert len(datagrams.senders) == 1
    assert edge.metric("headgate_requests_denied_total") == 4
