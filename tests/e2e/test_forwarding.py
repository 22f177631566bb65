"""TCPRoute and TLSRoute: bytes that the edge carries without knowing what they are. Datagrams: test_udp.py."""

import pathlib
import socket
import ssl
import struct

import pytest

from support.client import RawClient
from support.config import backend, documents, gateway, route, tls_secret, upstream
from support.wait import wait_until


def forward(kind: str, *upstreams: str, section: str, name: str = None, **spec) -> dict:
    made = route({"backendRefs": [backend(u) for u in upstreams]}, name=name or section, kind=kind, **spec)
    made["spec"]["parentRefs"][0]["sectionName"] = section
    return made


def traffic_policy(kind: str, target: str, name: str = "policy", **spec) -> dict:
    return {"apiVersion": "headgate.io/v1alpha1", "kind": "TrafficPolicy",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": kind, "name": target}], **spec}}


def tcp_edge(port: int, *resources, **upstream_spec) -> str:
    """A TCP port in front of the Upstream `bytes`; upstream_spec["ports"] are its endpoints' ports."""
    ports = upstream_spec.pop("ports")
    return documents(gateway({"name": "raw", "protocol": "TCP", "port": port}), upstream("bytes", *ports, **upstream_spec),
                     forward("TCPRoute", "bytes", section="raw"), *resources)


def passthrough_edge(port: int, **routes) -> str:
    """Passed-through TLS: upstream name -> (host names, port of its origin)."""
    listener = {"name": "tls", "protocol": "TLS", "port": port, "tls": {"mode": "Passthrough"}}
    made = [gateway(listener)]
    for name, (hostnames, origin_port) in routes.items():
        made += [upstream(name, origin_port), forward("TLSRoute", name, section="tls", name=name, hostnames=hostnames)]
    return documents(*made)


def echo(connection):
    while data := connection.receive():
        connection.send(data)


def answer_after_the_end(connection):
    """Says what it received, once the other side has said all."""
    data = b""
    while more := connection.receive():
        data += more
    connection.send(b"got %d bytes" % len(data))


def names(who: bytes):
    def handler(connection):
        connection.send(connection.read_until(b"\n").strip() + b" from " + who + b"\n")
    return handler


def wait_reset(sock: socket.socket):
    with pytest.raises(ConnectionResetError):
        while sock.recv(65536):
            pass


def is_reset_at_once(port: int, source: str = None):
    """A client that says nothing is reset. Where the edge is faster than the client, connect() already tells of it."""
    with pytest.raises(ConnectionResetError), RawClient(port, source=source) as client:
        while client.sock.recv(65536):
            pass


def resident_bytes(edge) -> int:
    pages = [int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in edge.children()]
    return sum(pages) * 4096


# TCP

def test_tcp_route_carries_bytes_both_ways(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(echo)
    edge = headgate(tcp_edge(port, ports=[origin.port]))
    with RawClient(port) as client:
        client.send(b"hello")
        assert client.read_exactly(5) == b"hello"
        client.finish_sending()
        assert client.read_to_end() == b""
    line = edge.wait_log(lambda entry: entry.get("protocol") == "tcp")
    assert (line["request_bytes"], line["response_bytes"]) == (5, 5)
    assert line["upstream"] == "default/bytes" and line["endpoint"].endswith(f":{origin.port}")
    assert "reason" not in line


def test_tcp_route_passes_a_half_close_on_and_brings_the_answer_back(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(answer_after_the_end)
    headgate(tcp_edge(port, ports=[origin.port]))
    with RawClient(port) as client:
        client.send(b"x" * 300_000)
        client.finish_sending()
        assert client.read_to_end() == b"got 300000 bytes"


def test_an_origin_that_speaks_first_is_heard_at_once(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(lambda c: (c.send(b"220 ready\r\n"), c.receive()))
    headgate(tcp_edge(port, ports=[origin.port]))
    with RawClient(port) as client:
        assert client.read_until(b"\r\n") == b"220 ready\r\n"


def test_a_reset_of_the_origin_reaches_the_client_as_a_reset(headgate, raw_origin, free_port):
    def speak_and_reset(connection):
        connection.send(connection.read_exactly(2))
        connection.read_exactly(2)
        connection.reset()
    port, origin = free_port(), raw_origin(speak_and_reset)
    edge = headgate(tcp_edge(port, ports=[origin.port]))
    with RawClient(port) as client:
        client.send(b"go")
        assert client.read_exactly(2) == b"go"
        client.send(b"on")
        wait_reset(client.sock)
    assert edge.wait_log(lambda e: e.get("reason") == "upstream_reset")["fault"] == "origin"


def test_a_reset_of_the_client_reaches_the_origin_as_a_reset(headgate, raw_origin, free_port):
    outcome = []

    def watch(connection):
        try:
            while data := connection.receive():
                connection.send(data)
            outcome.append("end")
        except ConnectionResetError:
            outcome.append("reset")
    port, origin = free_port(), raw_origin(watch)
    headgate(tcp_edge(port, ports=[origin.port]))
    with RawClient(port) as client:
        client.send(b"x")
        assert client.read_exactly(1) == b"x"
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert wait_until(lambda: outcome) == ["reset"]


def test_a_client_of_dead_endpoints_is_reset_and_of_half_dead_ones_served(headgate, raw_origin, free_port):
    dead, port, other = free_port(), free_port(), free_port()
    origin = raw_origin(echo)
    edge = headgate(documents(
        gateway({"name": "raw", "protocol": "TCP", "port": port}, {"name": "gone", "protocol": "TCP", "port": other}),
        upstream("bytes", dead, origin.port), upstream("nobody", dead),
        forward("TCPRoute", "bytes", section="raw"), forward("TCPRoute", "nobody", section="gone")))
    for _ in range(10):
        with RawClient(port) as client:
            assert client.send(b"x").read_exactly(1) == b"x"
    is_reset_at_once(other)
    assert edge.wait_log(lambda e: e.get("reason") == "upstream_connect")["upstream"] == "default/nobody"


def test_a_slow_reader_stops_the_sender_and_costs_no_memory(headgate, raw_origin, free_port):
    sent, size = [0], 256 << 20
    block = b"z" * 65536

    def pour(connection):
        connection.receive()
        while sent[0] < size:
            connection.send(block)
            sent[0] += len(block)
    port, origin = free_port(), raw_origin(pour)
    edge = headgate(tcp_edge(port, ports=[origin.port]))
    before = resident_bytes(edge)
    with RawClient(port) as client:
        client.send(b"go")
        assert client.read_exactly(1) == b"z"
        still = [-1]

        def stopped():
            last, still[0] = still[0], sent[0]
            return last == sent[0]
        wait_until(stopped, 20, "the sender to be stopped", step_s=0.5)
        assert sent[0] < size / 2
        assert resident_bytes(edge) - before < 16 << 20
        rest = len(client.held) + 1
        while more := client.sock.recv(1 << 20):
            rest += len(more)
        assert rest == sent[0] == size


def test_a_tunnel_outlives_a_change_of_configuration(headgate, raw_origin, free_port):
    port, first, second = free_port(), raw_origin(names(b"first")), raw_origin(names(b"second"))
    edge = headgate(tcp_edge(port, ports=[first.port]))
    with RawClient(port) as client:
        wait_until(lambda: first.accepted == 1)
        edge.reload(tcp_edge(port, ports=[second.port]))

        def new_one():
            with RawClient(port) as fresh:
                return b"second" in fresh.send(b"new\n").read_to_end()
        wait_until(new_one)
        assert client.send(b"old\n").read_until(b"\n") == b"old from first\n"


def test_an_idle_tunnel_ends(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(echo)
    policy = traffic_policy("TCPRoute", "raw", timeouts={"tunnelIdle": "1s"})
    edge = headgate(tcp_edge(port, policy, ports=[origin.port]))
    with RawClient(port) as client:
        assert client.send(b"x").read_exactly(1) == b"x"
        wait_reset(client.sock)
    edge.wait_log(lambda e: e.get("reason") == "idle_timeout")


def test_an_address_that_access_denies_is_reset(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(echo)
    policy = {"apiVersion": "headgate.io/v1alpha1", "kind": "AccessPolicy",
              "metadata": {"name": "guard", "namespace": "default"},
              "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "TCPRoute", "name": "raw"}],
                       "deny": ["127.0.0.9/32"]}}
    edge = headgate(tcp_edge(port, policy, ports=[origin.port]))
    with RawClient(port) as client:
        assert client.send(b"x").read_exactly(1) == b"x"
    is_reset_at_once(port, source="127.0.0.9")
    assert edge.wait_log(lambda e: e.get("reason") == "denied")["client"] == "127.0.0.9"
    assert origin.accepted == 1


# PROXY protocol

def v2_header(source: str, source_port: int, target: str, target_port: int) -> bytes:
    body = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", source_port, target_port)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(body)) + body


def proxy_edge(port: int, origin_port: int, out: str, listed: str) -> str:
    policy = traffic_policy("Gateway", "edge", connection={"proxyProtocolFrom": [listed]})
    return tcp_edge(port, policy, ports=[origin_port], proxyProtocol=out)


@pytest.mark.parametrize("header", [b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n",
                                    v2_header("203.0.113.7", 4711, "198.51.100.1", 443)], ids=["v1", "v2"])
def test_a_listed_balancer_says_who_connected_and_the_origin_hears_it(headgate, raw_origin, free_port, header):
    port, seen = free_port(), []

    def check(connection):
        seen.append(connection.read_until(b"\r\n"))
        echo(connection)
    origin = raw_origin(check)
    edge = headgate(proxy_edge(port, origin.port, "V1", "127.0.0.1/32"))
    with RawClient(port) as client:
        client.send(header[:5]).send(header[5:] + b"hi")
        assert client.read_exactly(2) == b"hi"
    assert seen == [b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n"]
    assert edge.wait_log(lambda e: e.get("protocol") == "tcp")["client"] == "203.0.113.7"


def test_a_source_that_is_not_listed_is_not_believed(headgate, raw_origin, free_port):
    port, seen = free_port(), []
    forged = b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n"

    def check(connection):
        seen.append(connection.read_exactly(28))
        echo(connection)
    origin = raw_origin(check)
    headgate(proxy_edge(port, origin.port, "V2", "10.0.0.0/8"))
    with RawClient(port) as client:
        local = client.sock.getsockname()
        client.send(forged)
        assert client.read_exactly(len(forged)) == forged  # to the edge it is nothing but bytes
    assert seen == [v2_header("127.0.0.1", local[1], "127.0.0.1", port)]


def test_a_listed_balancer_that_sends_no_header_is_closed(headgate, raw_origin, free_port):
    port, origin = free_port(), raw_origin(echo)
    headgate(proxy_edge(port, origin.port, "None", "127.0.0.1/32"))
    with RawClient(port) as client:
        assert client.send(b"GET / HTTP/1.1\r\n").is_closed()
    assert origin.accepted == 0


# TLS

def test_passed_through_tls_goes_where_its_server_name_says(headgate, raw_origin, authority, free_port):
    port = free_port()
    a, b = authority.issue("a.example"), authority.issue("x.b.example")
    one = raw_origin(names(b"one"), tls=a.server_context(alpn=()))
    two = raw_origin(names(b"two"), tls=b.server_context(alpn=()))
    edge = headgate(passthrough_edge(port, one=(["a.example"], one.port), two=(["*.b.example"], two.port)))
    for name, who in (("a.example", b"one"), ("x.b.example", b"two")):
        with RawClient(port, tls=authority.client_context(alpn=()), name=name) as client:
            assert client.send(b"hello\n").read_until(b"\n") == b"hello from " + who + b"\n"
    assert edge.wait_log(lambda e: e.get("server_name") == "x.b.example")["upstream"] == "default/two"


def test_a_hello_in_many_segments_is_passed_through_whole(headgate, raw_origin, authority, free_port):
    port = free_port()
    origin = raw_origin(names(b"one"), tls=authority.issue("a.example").server_context(alpn=()))
    headgate(passthrough_edge(port, one=(["a.example"], origin.port)))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = authority.client_context(alpn=()).wrap_bio(incoming, outgoing, server_hostname="a.example")
    with RawClient(port) as client:
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        for at in range(0, len(hello), 40):
            client.send(hello[at:at + 40])
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(outgoing.read()) if outgoing.pending else None
                incoming.write(client.sock.recv(65536))
        client.send(outgoing.read())
        tls.write(b"hello\n")
        client.send(outgoing.read())
    assert origin.accepted == 1


def test_an_unknown_server_name_gets_the_alert_that_says_so(headgate, raw_origin, authority, free_port):
    port = free_port()
    origin = raw_origin(echo, tls=authority.issue("a.example").server_context(alpn=()))
    headgate(passthrough_edge(port, one=(["a.example"], origin.port)))
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        RawClient(port, tls=authority.client_context(alpn=()), name="other.example")
    with RawClient(port) as client:
        assert client.send(b"GET / HTTP/1.1\r\n\r\n").is_closed()
    assert origin.accepted == 0


def test_terminated_tls_reaches_the_origin_as_plain_bytes(headgate, raw_origin, authority, free_port):
    port, origin = free_port(), raw_origin(echo)
    listener = {"name": "tls", "protocol": "TLS", "port": port, "hostname": "mail.example",
                "tls": {"mode": "Terminate", "certificateRefs": [{"name": "local-tls"}]}}
    edge = headgate(documents(gateway(listener), tls_secret(authority.issue("mail.example")),
                              upstream("mail", origin.port), forward("TLSRoute", "mail", section="tls")))
    with RawClient(port, tls=authority.client_context(alpn=()), name="mail.example") as client:
        client.send(b"m" * 100_000)
        assert client.read_exactly(100_000) == b"m" * 100_000
        client.sock.unwrap()  # close_notify goes through to the origin, and its end comes back
    line = edge.wait_log(lambda e: e.get("protocol") == "tls")
    assert line["request_bytes"] == line["response_bytes"] == 100_000 and line["tls"].startswith("TLSv1.")
    with pytest.raises(ssl.SSLError):
        RawClient(port, tls=authority.client_context(alpn=()), name="other.example")
