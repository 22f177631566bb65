"""TLSRoute and TCPRoute: connections that are passed on by server name, untouched or decrypted."""

import ssl

import pytest

from support.client import RawClient
from support.config import backend, documents, gateway, route, tls_secret, upstream


def tls_listener(port: int, name: str, mode: str, **more) -> dict:
    return {"name": name, "protocol": "TLS", "port": port, "tls": {"mode": mode, **more.pop("tls", {})}, **more}


def tls_route(name: str, hostnames, backend_name: str, **parent) -> dict:
    made = route({"backendRefs": [backend(backend_name)]}, name=name, hostnames=hostnames, kind="TLSRoute")
    made["spec"]["parentRefs"][0].update(parent)
    return made


def hello(name: str):
    """A TLS or TCP origin that says who it is, then repeats what it gets."""

    def serve(connection):
        connection.send(name.encode() + b"\n")
        while data := connection.receive():
            connection.send(data)

    return serve


@pytest.fixture
def passthrough(headgate, raw_origin, authority, free_port):
    """Port of a passthrough listener: abc.example, *.wild.example and *.deep.wild.example have a TLS origin each."""
    port, hosts = free_port(), {"abc": "abc.example", "wild": "*.wild.example", "deep": "*.deep.wild.example"}
    origins = {name: raw_origin(hello(name), tls=authority.issue(host).server_context()) for name, host in hosts.items()}
    headgate(documents(gateway(tls_listener(port, "tls", "Passthrough")),
                       *[upstream(name, made.port) for name, made in origins.items()],
                       *[tls_route(name, [hosts[name]], name) for name in origins]))
    return port


@pytest.mark.parametrize("name, expected", [("abc.example", b"abc"), ("ABC.example", b"abc"), ("a.wild.example", b"wild"),
                                            ("a.deep.wild.example", b"deep")])
def test_the_server_name_chooses_the_origin_that_ends_the_tls(passthrough, authority, name, expected):
    with RawClient(passthrough, tls=authority.client_context(), name=name) as client:
        assert client.read_until(b"\n") == expected + b"\n"
        client.send(b"x" * 200_000)
        assert client.read_exactly(200_000) == b"x" * 200_000
        served = [value for kind, value in client.sock.getpeercert()["subjectAltName"]]
        assert served[0].startswith(("abc", "*."))


@pytest.mark.parametrize("name", ["other.example", "wild.example", "abc.example.org"])
def test_a_name_of_no_route_gets_no_connection(passthrough, authority, name):
    with pytest.raises(OSError):
        RawClient(passthrough, tls=authority.client_context(), name=name)


def test_what_is_not_tls_gets_no_connection(passthrough):
    with RawClient(passthrough) as client:
        answer = client.send(b"GET / HTTP/1.1\r\nHost: abc.example\r\n\r\n").read_to_end()
        assert b"abc" not in answer and not answer.startswith(b"HTTP")


def test_a_client_hello_in_single_bytes_is_understood(passthrough, authority):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="abc.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with RawClient(passthrough) as client:
        for byte in outgoing.read():
            client.send(bytes([byte]))
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
                incoming.write(client.sock.recv(65536))
        client.send(outgoing.read())
        assert tls.getpeercert()["subjectAltName"] == (("DNS", "abc.example"),)


def test_terminated_tls_is_forwarded_as_plain_bytes(headgate, raw_origin, authority, free_port):
    port = free_port()
    plain, other = raw_origin(hello("plain")), raw_origin(hello("other"))
    leaf = authority.issue("mail.example", "news.example")
    headgate(documents(gateway(tls_listener(port, "tls", "Terminate", tls={"certificateRefs": [{"name": "cert"}]})),
                       tls_secret(leaf, "cert"), upstream("plain", plain.port), upstream("other", other.port),
                       tls_route("mail", ["mail.example"], "plain"), tls_route("news", ["news.example"], "other")))
    for name, expected in (("mail.example", b"plain\n"), ("news.example", b"other\n")):
        with RawClient(port, tls=authority.client_context(), name=name) as client:
            assert client.read_until(b"\n") == expected
            assert client.send(b"echo").read_exactly(4) == b"echo"


def test_a_tcp_route_passes_bytes_and_both_half_closes(headgate, raw_origin, free_port):
    port = free_port()

    def serve(connection):
        data = b""
        while more := connection.receive():
            data += more
        connection.send(b"%d bytes" % len(data))

    made = raw_origin(serve)
    headgate(documents(gateway({"name": "tcp", "protocol": "TCP", "port": port}), upstream("origin", made.port),
                       route({"backendRefs": [backend("origin")]}, kind="TCPRoute")))
    with RawClient(port) as client:
        client.send(b"x" * 300_000).finish_sending()
        assert client.read_to_end() == b"300000 bytes"
