"""HTTP/2 from clients and towards origins: as peers use it, and as attackers abuse it (notes rows 15, 16, 22-26)."""

import base64
import hashlib
import re
import struct
import subprocess
import threading

import pytest
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from support.client import RawClient, fetch
from support.config import documents, gateway, http_listener, https_listener, route, rule, simple_edge, tls_secret, upstream
from support.h2client import H2Client
from support.origin import read_request, response
from support.wait import wait_until

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def expect_calm(client: H2Client):
    """Reads to the end: GOAWAY(ENHANCE_YOUR_CALM) must have come, or the connection was cut while we were still sending."""
    try:
        client.read_to_end()
    except ProtocolError:
        return
    assert client.goaway is None or client.goaway.error_code == ErrorCodes.ENHANCE_YOUR_CALM


def send_until_cut(client: H2Client, pieces):
    """Sends attack traffic; true when the edge closed before all of it was taken."""
    try:
        for piece in pieces:
            client.raw.send(piece)
    except OSError:
        pass
    expect_calm(client)


def still_serves(port: int):
    with H2Client(port) as client:
        assert client.request().status == 200


@pytest.fixture
def tls_edge(headgate, origin, authority, free_port):
    made, port = origin(), free_port()
    leaf = authority.issue("shop.localhost")
    config = documents(gateway(https_listener(port, "local-tls", hostname="shop.localhost")), tls_secret(leaf),
                       upstream("origin", made.port), route(rule("origin")))
    return headgate(config), port, made


def websocket_origin(connection):
    """Accepts the handshake, then sends back what comes, in upper case."""
    request = read_request(connection)
    assert request.method == "GET" and request.field("upgrade") == "websocket"
    accept = base64.b64encode(hashlib.sha1(request.field("sec-websocket-key").encode() + WEBSOCKET_GUID).digest())
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while data := connection.receive():
        connection.send(data.upper())


def open_websocket(client: H2Client, path: str = "/chat") -> int:
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", client.scheme),
                                    (":path", path), (":authority", client.authority),
                                    ("sec-websocket-version", "13")], end_stream=False)
    client.flush()
    client.wait(lambda: stream in client.answers or stream in client.resets)
    assert stream not in client.resets
    return stream


def test_curl_speaks_http2_over_tls(tls_edge, authority):
    edge, port, made = tls_edge
    answer = fetch(f"https://shop.localhost:{port}/cart", "--http2", ca=authority.ca)
    assert (answer.version, answer.status, answer.body) == ("HTTP/2", 200, b"origin")
    assert made.requests[0].field("x-forwarded-proto") == "https"


def test_curl_speaks_http2_with_prior_knowledge(proxied):
    edge, port, made = proxied
    answer = fetch(f"http://localhost:{port}/cart", "--http2-prior-knowledge", "-d", "body")
    assert (answer.version, answer.status) == ("HTTP/2", 200)
    assert made.requests[0].body == b"body"


def test_many_streams_on_few_connections_are_all_answered(proxied):
    edge, port, made = proxied
    done = subprocess.run(["h2load", "-n", "3000", "-c", "3", "-m", "100", f"http://127.0.0.1:{port}/"],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert "3000 succeeded, 0 failed, 0 errored" in done.stdout, done.stdout
    assert re.search(r"status codes: 3000 2xx", done.stdout), done.stdout


def test_trailers_pass_in_both_directions(headgate, origin, free_port):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 12\r\n\r\n"
    made, port = origin(lambda request: chunked), free_port()
    headgate(simple_edge(port, made.port))
    with H2Client(port) as client:
        stream = client.open("POST", fields=[("te", "trailers")], end=False)
        client.send_data(stream, b"upload")
        client.h2.send_headers(stream, [("x-digest", "7")], end_stream=True)
        client.flush()
        answer = client.answer(stream)
    assert answer.body == b"body" and ("x-sum", "12") in answer.trailers
    assert made.requests[0].body == b"upload"
    assert [(name.lower(), value) for name, value in made.requests[0].trailers] == [("x-digest", "7")]


def test_a_hundred_streams_that_nobody_reads_hold_up_no_other_client(headgate, origin, free_port):
    large = b"x" * 262144
    made = origin(lambda request: response(body=large if request.target == "/large" else b"small"))
    port = free_port()
    headgate(simple_edge(port, made.port))
    with H2Client(port, auto_window=False) as slow:
        streams = [slow.open(path="/large") for _ in range(100)]
        slow.wait(lambda: len(slow.answers) == 100)
        with H2Client(port) as other:
            assert other.request().body == b"small"
        slow.auto_window = True
        slow.h2.increment_flow_control_window(2**30)
        for stream in streams:
            slow.h2.increment_flow_control_window(len(large), stream)
        slow.flush()
        for stream in streams:
            assert len(slow.answer(stream).body) == len(large)


def test_rapid_reset_cve_2023_44487_ends_the_connection_and_spares_the_origin(proxied):
    edge, port, made = proxied
    with H2Client(port) as client:
        def attack():
            for _ in range(3000):
                stream = client.h2.get_next_available_stream_id()
                client.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/"),
                                                (":authority", client.authority)], end_stream=True)
                client.h2.reset_stream(stream, ErrorCodes.CANCEL)
                yield client.h2.data_to_send()
        send_until_cut(client, attack())
    assert len(made.requests) < 1000
    still_serves(port)


def test_made_you_reset_cve_2025_8671_ends_the_connection(proxied):
    edge, port, made = proxied
    with H2Client(port) as client:
        def attack():
            for _ in range(3000):
                stream = client.h2.get_next_available_stream_id()
                client.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", "/"),
                                                (":authority", client.authority)], end_stream=True)
                yield client.h2.data_to_send() + frame(8, 0, stream, b"\x7f\xff\xff\xff")  # overflows the window
        send_until_cut(client, attack())
    assert len(made.requests) < 1000
    still_serves(port)


@pytest.mark.parametrize("name, piece, count", [
    ("continuation", frame(9, 0, 1, b"\0\1a\1b" * 2000), 1000),  # CVE-2024-27316
    ("settings", frame(4, 0, 0), 10000),
    ("ping", frame(6, 0, 0, b"12345678"), 10000),
    ("empty data", frame(0, 0, 1), 10000),
    ("priority", frame(2, 0, 1, b"\0\0\0\0\1"), 20000),
])
def test_floods_end_the_connection(proxied, name, piece, count):
    edge, port, made = proxied
    with H2Client(port) as client:
        if name == "continuation":
            client.raw.send(frame(1, 1, 1, b"\x82"))
        elif name == "empty data":
            client.open("POST", end=False)
        send_until_cut(client, (piece for _ in range(count)))
    still_serves(port)


def test_a_body_that_breaks_its_content_length_resets_the_stream(proxied):
    edge, port, made = proxied
    with H2Client(port, validate=False) as client:
        stream = client.open("POST", fields=[("content-length", "3")], end=False)
        client.raw.send(frame(0, 1, stream, b"too long"))
        client.wait(lambda: stream in client.resets)
        assert client.resets[stream] == ErrorCodes.PROTOCOL_ERROR
        assert client.request().status == 200
    assert [request.method for request in made.requests] == ["GET"]


@pytest.mark.parametrize("fields", [
    [("X-Upper", "1")],
    [("host", "other.example")],
    [("transfer-encoding", "chunked")],
    [("connection", "close")],
    [("te", "gzip")],
    [("x-injected", "a\r\nb: c")],
    [("x:colon", "1")],
    [("content-length", "1"), ("content-length", "2")],
])
def test_a_malformed_request_is_answered_400_and_never_forwarded(proxied, fields):
    edge, port, made = proxied
    with H2Client(port, validate=False) as client:
        assert client.request(fields=fields).status == 400
        assert client.request().status == 200
    assert len(made.requests) == 1


def test_a_head_over_its_limit_is_431_and_the_connection_goes_on(proxied):
    edge, port, made = proxied
    with H2Client(port) as client:
        assert client.request(fields=[("x-large", "x" * 40000)]).status == 431
        assert client.request().status == 200


def test_an_interim_answer_passes(headgate, origin, free_port):
    made = origin(lambda request: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + response(body=b"late"))
    port = free_port()
    headgate(simple_edge(port, made.port))
    with H2Client(port) as client:
        answer = client.request()
    assert (answer.interim, answer.status, answer.body) == ([103], 200, b"late")


def test_a_cut_answer_is_reset_not_ended(headgate, raw_origin, free_port):
    def cut(connection):
        read_request(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    port = free_port()
    headgate(simple_edge(port, raw_origin(cut).port))
    with H2Client(port) as client:
        stream = client.open()
        client.wait(lambda: stream in client.resets or stream in client.ended)
        assert client.resets.get(stream) == ErrorCodes.INTERNAL_ERROR


def test_a_websocket_over_http2_reaches_an_http1_origin(headgate, raw_origin, free_port):
    port = free_port()
    headgate(simple_edge(port, raw_origin(websocket_origin).port))
    with H2Client(port) as client:
        client.wait(lambda: client.h2.remote_settings.enable_connect_protocol)
        stream = open_websocket(client)
        answer = client.answers[stream]
        assert answer.status == 200 and answer.field("sec-websocket-accept") is None
        client.send_data(stream, b"hello")
        client.wait(lambda: answer.body == b"HELLO")
        client.send_data(stream, b" bye", end=True)
        client.wait(lambda: stream in client.ended)
        assert answer.body == b"HELLO BYE"


def test_http2_origins_serve_http1_and_http2_clients_alike(headgate, origin, free_port):
    made = origin(lambda request: response(body=request.method.encode() + b" " + request.body))
    inner, outer = free_port(), free_port()
    headgate(simple_edge(inner, made.port))
    headgate(documents(gateway(http_listener(outer)), upstream("inner", inner, protocol="HTTP2"), route(rule("inner"))))
    with H2Client(outer) as client:
        assert client.request("POST", body=b"x" * 300000).body == b"POST " + b"x" * 300000
    answer = fetch(f"http://127.0.0.1:{outer}/", "-d", "plain")
    assert (answer.version, answer.body) == ("HTTP/1.1", b"POST plain")


def test_a_websocket_of_an_http1_client_passes_an_http2_origin(headgate, raw_origin, free_port):
    inner, outer = free_port(), free_port()
    headgate(simple_edge(inner, raw_origin(websocket_origin).port))
    headgate(documents(gateway(http_listener(outer)), upstream("inner", inner, protocol="HTTP2"), route(rule("inner"))))
    with RawClient(outer) as client:
        answer = client.request(b"GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert answer.status == 101 and answer.field("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert client.send(b"hello").read_exactly(5) == b"HELLO"


def test_sigterm_says_goaway_twice_and_serves_what_is_open(headgate, raw_origin, free_port):
    go_on, asked = threading.Event(), threading.Event()

    def slow(connection):
        read_request(connection)
        asked.set()
        go_on.wait(20)
        connection.send(response(body=b"served"))

    port = free_port()
    edge = headgate(simple_edge(port, raw_origin(slow).port))
    with H2Client(port) as client:
        stream = client.open()
        assert asked.wait(20)
        edge.process.terminate()
        received = b""
        while received.count(b"\0\0\x08\7\0\0\0\0\0") < 2:  # heads of two GOAWAY frames without debug data
            piece = client.raw.sock.recv(65536)
            assert piece, "closed before the second GOAWAY"
            received += piece
            if b"\0\0\x08\6\0\0\0\0\0" in piece:  # the PING between them: its ack brings the second one forward
                at = piece.index(b"\0\0\x08\6\0\0\0\0\0") + 9
                client.raw.send(frame(6, 1, 0, piece[at:at + 8]))
        lasts = [struct.unpack(">I", received[m.end():m.end() + 4])[0]
                 for m in re.finditer(re.escape(b"\0\0\x08\7\0\0\0\0\0"), received)]
        assert lasts == [2**31 - 1, stream]
        go_on.set()
        while b"served" not in received:
            piece = client.raw.sock.recv(65536)
            assert piece, "closed before the answer"
            received += piece


def test_an_upload_stops_while_its_origin_does_not_read(headgate, raw_origin, free_port):
    go_on, length = threading.Event(), 48 << 20

    def slow(connection):
        connection.read_until(b"\r\n\r\n")
        go_on.wait(60)
        left = length
        while left:
            left -= len(connection.receive(min(left, 65536)))
        connection.send(response(body=b"all of it"))

    port = free_port()
    headgate(simple_edge(port, raw_origin(slow).port))
    with H2Client(port) as client:
        stream = client.open("POST", fields=[("content-length", str(length))], end=False)
        sent = send_until_stopped(client, stream, length)
        assert sent < 24 << 20  # what kernel buffers and one stream's bounds hold
        go_on.set()
        client.send_data(stream, b"x" * (length - sent), end=True)
        assert client.answer(stream).body == b"all of it"


def send_until_stopped(client: H2Client, stream: int, most: int) -> int:
    """Sends while the edge gives credit; stops when forty round trips in a row gave none."""
    sent = quiet = pings = 0
    while quiet < 40 and sent < most:
        window = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size, most - sent)
        if window > 0:
            client.h2.send_data(stream, b"x" * window)
            client.flush()
            sent, quiet = sent + window, 0
            continue
        pings += 1
        quiet += 1
        client.h2.ping(struct.pack(">Q", pings))
        client.flush()
        client.wait(lambda: sum(type(e).__name__ == "PingAckReceived" for e in client.events) >= pings)
    return sent


def test_a_client_that_says_nothing_is_closed_by_the_head_time_out(headgate, origin, free_port):
    made, port = origin(), free_port()
    policy = {"apiVersion": "headgate.io/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "p", "namespace": "default"},
              "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
                       "connection": {"headTimeout": "200ms"}}}
    headgate(documents(simple_edge(port, made.port), policy))
    with RawClient(port) as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert b"HTTP" not in client.read_to_end()
