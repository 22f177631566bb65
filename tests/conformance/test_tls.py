"""TLS towards clients: several certificates, client certificates, policies, tickets."""

import socket
import ssl
import subprocess

import pytest

from support.certs import Authority, trusting
from support.client import RawClient
from support.config import documents, gateway, https_listener, route, rule, tls_secret, upstream

REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"


def get(port: int, name: str, context: ssl.SSLContext, host: str = None):
    with RawClient(port, tls=context, name=name) as client:
        return client.request(REQUEST % (host or name).encode())


def served_names(port: int, server_name: str, ca, *args) -> list:
    """DNS names of the certificate that is served to this server name; `args` are further ones of openssl s_client."""
    context = trusting(ca)
    context.check_hostname = False
    for name, value in args:
        getattr(context, name)(value)
    with RawClient(port, tls=context, name=server_name) as client:
        return [value for kind, value in client.sock.getpeercert()["subjectAltName"]]


def test_the_server_name_chooses_among_listeners_and_certificates(headgate, origin, authority, free_port):
    port, made = free_port(), origin()
    names = ("a.example", "b.example", "*.wild.example", "one.wild.example")
    leaves = {name: authority.issue(name) for name in names}
    secrets = [tls_secret(leaf, name=f"cert{n}") for n, leaf in enumerate(leaves.values())]
    listeners = [https_listener(port, "cert0", name="a", hostname="a.example"),
                 https_listener(port, "cert1", name="b", hostname="b.example"),
                 https_listener(port, name="wild", hostname="*.wild.example",
                                tls={"certificateRefs": [{"name": "cert2"}, {"name": "cert3"}]})]
    headgate(documents(gateway(*listeners), *secrets, upstream("origin", made.port), route(rule("origin"))))
    assert served_names(port, "a.example", authority.ca) == ["a.example"]
    assert served_names(port, "B.example", authority.ca) == ["b.example"]
    assert served_names(port, "two.wild.example", authority.ca) == ["*.wild.example"]
    assert served_names(port, "one.wild.example", authority.ca) == ["one.wild.example"]
    assert get(port, "two.wild.example", authority.client_context()).status == 200


def test_a_client_gets_the_certificate_of_the_kind_that_it_can_verify(headgate, origin, authority, free_port):
    port, made = free_port(), origin()
    secrets = [tls_secret(authority.issue("a.example", kind=kind), name=kind) for kind in ("ecdsa", "rsa")]
    listener = https_listener(port, name="both", tls={"certificateRefs": [{"name": "ecdsa"}, {"name": "rsa"}]})
    headgate(documents(gateway(listener), *secrets, upstream("origin", made.port), route(rule("origin"))))
    for cipher, kind in (("ECDHE-RSA-AES128-GCM-SHA256", "rsaEncryption"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "id-ecPublicKey")):
        shown = s_client(port, "-tls1_2", "-cipher", cipher, "-servername", "a.example", ca=authority.ca)
        text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=shown, capture_output=True, text=True).stdout
        assert f"Public Key Algorithm: {kind}" in text, shown


def s_client(port: int, *args, ca=None) -> str:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *(["-CAfile", str(ca)] if ca else []), *map(str, args)]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


@pytest.fixture
def policed(headgate, origin, authority, free_port):
    """start(policy or None) -> port of an HTTPS listener for a.example."""

    def start(policy: str = None) -> int:
        port, made = free_port(), origin()
        tls = {"certificateRefs": [{"name": "ecdsa"}, {"name": "rsa"}]}
        if policy:
            tls["options"] = {"headgate.io/tls-policy": policy}
        secrets = [tls_secret(authority.issue("a.example", kind=kind), name=kind) for kind in ("ecdsa", "rsa")]
        headgate(documents(gateway(https_listener(port, name="https", tls=tls)), *secrets, upstream("origin", made.port),
                           route(rule("origin"))))
        return port

    return start


def shakes_hands(port: int, *args) -> bool:
    return "Cipher is (NONE)" not in s_client(port, "-servername", "a.example", *args)


def test_the_default_policy_speaks_tls_1_2_and_1_3_with_forward_secrecy_and_aead_alone(policed):
    port = policed()
    assert shakes_hands(port, "-tls1_3")
    for good in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"):
        assert shakes_hands(port, "-tls1_2", "-cipher", good), good
    for bad in ("AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES128-CCM8"):
        assert not shakes_hands(port, "-tls1_2", "-cipher", bad + ":@SECLEVEL=0"), bad
    for old in ("-tls1_1", "-tls1"):
        assert not shakes_hands(port, old, "-cipher", "ALL:@SECLEVEL=0"), old


def test_the_modern_policy_speaks_tls_1_3_alone(policed):
    port = policed("modern")
    assert shakes_hands(port, "-tls1_3")
    assert not shakes_hands(port, "-tls1_2")


def test_alpn_chooses_h2_over_http_1_1_and_nothing_common_is_refused(policed, authority):
    port = policed()
    for offered, chosen in ((("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("http/1.1", "h2"), "h2")):
        with RawClient(port, tls=authority.client_context(alpn=offered), name="a.example") as client:
            assert client.sock.selected_alpn_protocol() == chosen
    with pytest.raises(OSError):
        RawClient(port, tls=authority.client_context(alpn=("smtp",)), name="a.example")


def mutual(mode: str, ports, **frontend) -> dict:
    validation = {"validation": {"caCertificateRefs": [{"name": "clients"}], "mode": mode}}
    return {"tls": {"frontend": {"default": validation, **frontend}}}


def config_map(name: str, pem: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"ca.crt": pem}}


@pytest.fixture
def mtls(headgate, origin, authority, free_port, tmp_path):
    """start(mode) -> (port, port without validation, authority of clients, origin)"""

    def start(mode: str):
        port, open_port, made = free_port(), free_port(), origin()
        clients = Authority(tmp_path / "clients", "Client CA")
        listeners = [https_listener(port, "cert", name="mutual"), https_listener(open_port, "cert", name="open")]
        spec = mutual(mode, port, perPort=[{"port": open_port, "tls": {}}])
        headgate(documents(gateway(*listeners, **spec), tls_secret(authority.issue("a.example"), "cert"),
                           config_map("clients", clients.ca_pem), upstream("origin", made.port), route(rule("origin"))))
        return port, open_port, clients, made

    return start


def refused(port: int, context: ssl.SSLContext) -> bool:
    """In TLS 1.3 a client learns of a refusal when it reads."""
    try:
        get(port, "a.example", context)
        return False
    except (OSError, EOFError):
        return True


def test_a_client_needs_a_certificate_of_the_configured_authority(mtls, authority, tmp_path):
    port, open_port, clients, made = mtls("AllowValidOnly")
    trusted, stranger = clients.issue(), Authority(tmp_path / "strangers", "Another CA").issue()
    assert get(port, "a.example", trusting(authority.ca, leaf=trusted)).status == 200
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for leaf in (None, stranger):
            context = trusting(authority.ca, leaf=leaf)
            context.maximum_version = context.minimum_version = version
            assert refused(port, context), (version, leaf)
    assert len(made.requests) == 1
    assert get(open_port, "a.example", trusting(authority.ca)).status == 200, "the port that is excepted"


def test_with_insecure_fallback_every_client_is_let_in(mtls, authority, tmp_path):
    port, _, clients, _ = mtls("AllowInsecureFallback")
    stranger = Authority(tmp_path / "strangers", "Another CA").issue()
    for leaf in (clients.issue(), None, stranger):
        assert get(port, "a.example", trusting(authority.ca, leaf=leaf)).status == 200


def test_an_expired_client_certificate_is_refused(mtls, authority):
    port, _, clients, made = mtls("AllowValidOnly")
    # openssl dates a certificate of -1 days back: it ends before it begins.
    expired = clients.issue(days=-1)
    assert refused(port, trusting(authority.ca, leaf=expired)) and not made.requests


def resumes(port: int, name: str, first: ssl.SSLSession, context: ssl.SSLContext) -> bool:
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=first) as sock:
            sock.sendall(REQUEST % name.encode())
            sock.recv(1)
            return sock.session_reused


def session_of(port: int, name: str, context: ssl.SSLContext) -> ssl.SSLSession:
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        with context.wrap_socket(plain, server_hostname=name) as sock:
            sock.sendall(REQUEST % name.encode())
            sock.recv(65536)  # tickets of TLS 1.3 come with the first answer
            return sock.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_on_its_own_listener_and_on_no_other(headgate, origin, authority, free_port, version):
    port, other_port, made = free_port(), free_port(), origin()
    names = ("a.example", "b.example")
    listeners = [https_listener(port, "cert", name="a", hostname="a.example"),
                 https_listener(port, "cert", name="b", hostname="b.example"),
                 https_listener(other_port, "cert", name="a-again", hostname="a.example")]
    headgate(documents(gateway(*listeners), tls_secret(authority.issue(*names), "cert"), upstream("origin", made.port),
                       route(rule("origin"))), workers=2)
    context = authority.client_context()
    context.minimum_version = context.maximum_version = version
    # Each try has a ticket of its own: those of TLS 1.3 are for one use.
    assert resumes(port, "a.example", session_of(port, "a.example", context), context)
    assert not resumes(port, "b.example", session_of(port, "a.example", context), context)
    assert not resumes(other_port, "a.example", session_of(port, "a.example", context), context)


def test_a_session_with_a_client_certificate_does_not_open_a_listener_that_asks_for_another(mtls, authority):
    port, open_port, clients, _ = mtls("AllowValidOnly")
    context = trusting(authority.ca)
    session = session_of(open_port, "a.example", context)
    with pytest.raises((OSError, EOFError)):
        assert not resumes(port, "a.example", session, context)
        get(port, "a.example", context)
