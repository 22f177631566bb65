"""TLS and HTTP/2 towards backends: Upstream `tls` and BackendTLSPolicy, in front of nginx."""

import json

import pytest

from support.certs import Authority
from support.client import fetch
from support.config import documents, gateway, http_listener, route, rule, tls_secret, upstream
from support.nginx import Nginx
from support.ports import free_port as next_free_port

ANSWER = """return 200 '{"protocol": "$server_protocol", "name": "$ssl_server_name", "verified": "$ssl_client_verify", "host": "$host"}';"""


def config_map(name: str, pem: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"ca.crt": pem}}


def policy(name: str = "origin", **validation) -> dict:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "BackendTLSPolicy",
            "metadata": {"name": "policy", "namespace": "default"},
            "spec": {"targetRefs": [{"group": "headgate.io", "kind": "Upstream", "name": name}], "validation": validation}}


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """The authority whose certificates the backend takes from its clients."""
    return Authority(tmp_path_factory.mktemp("clients"), "Client CA")


@pytest.fixture(scope="module")
def backends(tmp_path_factory, authority, clients):
    """Ports of one nginx: tls, mutual (asks for client certificates), plain_h2 (HTTP/2 without TLS)."""

    leaf, ports = authority.issue("backend.example", "127.0.0.1"), {n: next_free_port() for n in ("tls", "mutual", "plain_h2")}
    certificate = f"ssl_certificate {leaf.cert}; ssl_certificate_key {leaf.key};"
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), f"""
      server {{ listen 127.0.0.1:{ports['tls']} ssl http2; {certificate} location / {{ {ANSWER} }} }}
      server {{ listen 127.0.0.1:{ports['mutual']} ssl http2; {certificate} ssl_client_certificate {clients.ca};
                ssl_verify_client on; location / {{ {ANSWER} }} }}
      server {{ listen 127.0.0.1:{ports['plain_h2']} http2; location / {{ {ANSWER} }} }}""")
    yield ports
    nginx.close()


@pytest.fixture
def in_front(headgate, free_port):
    """start(upstream, *resources) -> (ask, edge): an edge in front of that upstream; `ask()` gives (status, what it saw)."""

    def start(backend: dict, *resources):
        port = free_port()
        edge = headgate(documents(gateway(http_listener(port)), backend, route(rule("origin")), *resources))

        def ask():
            answer = fetch(f"http://a.example:{port}/")
            return answer.status, json.loads(answer.body) if answer.status == 200 else None

        return ask, edge

    return start


def https(port: int, **tls) -> dict:
    return upstream("origin", port, protocol="HTTPS", tls=tls)


CA = [{"name": "ca"}]


def test_a_verified_backend_is_spoken_to_in_h2_under_its_own_name(in_front, backends, authority):
    ask, _ = in_front(https(backends["tls"], serverName="backend.example", caCertificateRefs=CA), config_map("ca", authority.ca_pem))
    status, seen = ask()
    assert status == 200
    assert (seen["protocol"], seen["name"], seen["host"]) == ("HTTP/2.0", "backend.example", "a.example")


def test_http2_can_be_left_out(in_front, backends, authority):
    ask, _ = in_front(https(backends["tls"], serverName="backend.example", caCertificateRefs=CA, http2=False),
                      config_map("ca", authority.ca_pem))
    assert ask()[1]["protocol"] == "HTTP/1.1"


def test_http2_with_prior_knowledge_needs_no_tls(in_front, backends):
    ask, _ = in_front(upstream("origin", backends["plain_h2"], protocol="HTTP2"))
    assert ask()[1] == {"protocol": "HTTP/2.0", "name": "", "verified": "", "host": "a.example"}


def test_an_endpoint_without_a_name_is_verified_by_its_address(in_front, backends, authority):
    ask, _ = in_front(https(backends["tls"], caCertificateRefs=CA), config_map("ca", authority.ca_pem))
    assert ask()[0] == 200


@pytest.mark.parametrize("what", ["another authority", "another name", "the machine's trust store"])
def test_a_backend_that_cannot_be_verified_gets_no_request(in_front, backends, authority, tmp_path, what):
    tls = {"serverName": "backend.example", "caCertificateRefs": CA}
    ca = authority.ca_pem
    if what == "another authority":
        ca = Authority(tmp_path / "other", "Other CA").ca_pem
    elif what == "another name":
        tls["serverName"] = "other.example"
    else:
        del tls["caCertificateRefs"]
    ask, edge = in_front(https(backends["tls"], **tls), config_map("ca", ca))
    assert ask()[0] == 502
    line = edge.wait_log(lambda entry: entry.get("status") == 502)
    assert line["reason"] == "upstream_tls" and "certificate" in line["detail"], line


def test_a_client_certificate_is_shown_to_the_backend_that_asks(in_front, backends, authority, clients):
    leaf = clients.issue()
    ask, _ = in_front(https(backends["mutual"], serverName="backend.example", caCertificateRefs=CA,
                            clientCertificateRef={"name": "client"}),
                      config_map("ca", authority.ca_pem), tls_secret(leaf, "client"))
    assert ask() == (200, {"protocol": "HTTP/2.0", "name": "backend.example", "verified": "SUCCESS", "host": "a.example"})


def test_without_a_client_certificate_the_backend_refuses(in_front, backends, authority):
    ask, _ = in_front(https(backends["mutual"], serverName="backend.example", caCertificateRefs=CA),
                      config_map("ca", authority.ca_pem))
    assert ask()[0] == 400  # nginx's own answer


def test_a_backend_tls_policy_makes_a_plain_upstream_tls(in_front, backends, authority):
    ask, _ = in_front(upstream("origin", backends["tls"]), policy(hostname="backend.example", caCertificateRefs=[
        {"group": "", "kind": "ConfigMap", "name": "ca"}]), config_map("ca", authority.ca_pem))
    status, seen = ask()
    assert status == 200 and seen["name"] == "backend.example"


def test_a_backend_tls_policy_wins_over_the_upstream(in_front, backends, authority):
    ask, _ = in_front(https(backends["tls"], serverName="wrong.example", caCertificateRefs=CA),
                      policy(hostname="backend.example", caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "ca"}]),
                      config_map("ca", authority.ca_pem))
    assert ask()[0] == 200


@pytest.mark.parametrize("name, status", [("backend.example", 200), ("other.example", 502)])
def test_subject_alternative_names_are_verified_instead_of_the_hostname(in_front, backends, authority, name, status):
    ask, _ = in_front(upstream("origin", backends["tls"]), policy(
        hostname="sni.example", subjectAltNames=[{"type": "Hostname", "hostname": name}],
        caCertificateRefs=[{"group": "", "kind": "ConfigMap", "name": "ca"}]), config_map("ca", authority.ca_pem))
    assert ask()[0] == status


def test_the_policy_of_a_backend_with_another_ca_is_502(in_front, backends, tmp_path):
    other = Authority(tmp_path / "other", "Other CA").ca_pem
    ask, _ = in_front(upstream("origin", backends["tls"]), policy(hostname="backend.example", caCertificateRefs=[
        {"group": "", "kind": "ConfigMap", "name": "ca"}]), config_map("ca", other))
    assert ask()[0] == 502
