"""Back pressure where bytes change shape or wait: tunnels, compression, pending connections, retries. Rows 12, 14, 22 and 26 of the list of traps."""

import os
import signal
import threading
import time
import zlib

from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, simple_edge, upstream
from support.origin import read_request, response
from support.traps import SWITCH, UPGRADE, edge_with, get, post, resident_bytes
from support.wait import wait_until, wait_until_still

MEGABYTE = 1 << 20


def chunked(*pieces: bytes, tail: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + tail


def test_row_12_trailers_reach_the_endpoint_that_a_retry_finds(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, free_port(), made.port, loadBalancing={"policy": "RoundRobin"}, outlierDetection={"enabled": False}))
    data = get("/", "Transfer-Encoding: chunked", method="PUT") + chunked(b"hello", tail=b"0\r\nX-Sum: 5\r\n\r\n")
    with RawClient(port) as client:
        assert [client.request(data).status for _ in range(4)] == [200] * 4
    assert [(r.body, r.field("x-sum"), r.trailers) for r in made.requests] == [(b"hello", None, [("X-Sum", "5")])] * 4


def test_row_14_an_http_1_0_client_gets_chunks_unwrapped_and_a_close(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        while True:
            read_request(connection)
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"one", b"two", tail=b"0\r\nX: y\r\n\r\n"))

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        head, _, body = client.send(get("/", "Connection: keep-alive", version="1.0")).read_to_end().partition(b"\r\n\r\n")
    assert body == b"onetwo" and b"transfer-encoding" not in head.lower()


def test_row_22_a_tunnel_whose_client_does_not_read_stops_its_origin(headgate, raw_origin, free_port):
    port, sent, size = free_port(), [0], 100 * MEGABYTE

    def handler(connection):
        read_request(connection)
        connection.send(SWITCH)
        while sent[0] < size:
            connection.send(b"x" * MEGABYTE)
            sent[0] += MEGABYTE

    edge = headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port, receive_bytes=65536) as client:
        assert client.send(get("/", *UPGRADE)).read_response().status == 101
        wait_until_still(lambda: sent[0])
        assert sent[0] < 40 * MEGABYTE
        before, taken = resident_bytes(edge.children()[0]), len(client.held)
        while taken < size:
            taken += len(client.sock.recv(MEGABYTE))
        assert taken == size and client.is_closed()
        assert resident_bytes(edge.children()[0]) - before < 40 * MEGABYTE


def test_row_22_the_end_of_a_tunnel_follows_what_its_client_has_yet_to_read(headgate, raw_origin, free_port):
    port, size, has_ended = free_port(), 24 * MEGABYTE, threading.Event()

    def handler(connection):
        read_request(connection)
        connection.send(SWITCH + b"x" * size)
        has_ended.set()  # and the connection ends

    headgate(edge_with(port, raw_origin(handler).port, traffic={"maxBufferBytes": 2 * size}))
    with RawClient(port, receive_bytes=65536) as client:
        assert client.send(get("/", *UPGRADE)).read_response().status == 101
        assert has_ended.wait(20), "the edge holds all of it, and knows of the end"
        assert len(client.read_exactly(size)) == size
        assert client.is_closed()


def test_row_22_a_slow_reader_of_compressed_text_stops_its_origin_and_gets_all_of_it(headgate, raw_origin, free_port):
    port, sent, size = free_port(), [0], 48 * MEGABYTE
    piece = os.urandom(MEGABYTE)  # does not shrink, so that the pressure is real

    def handler(connection):
        read_request(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size)
        while sent[0] < size:
            connection.send(piece)
            sent[0] += MEGABYTE

    headgate(edge_with(port, raw_origin(handler).port, traffic={"compression": {"algorithms": ["gzip"]}}))
    with RawClient(port, receive_bytes=65536) as client:
        client.send(get("/", "Accept-Encoding: gzip"))
        wait_until_still(lambda: sent[0])
        assert sent[0] < 40 * MEGABYTE
        answer = client.read_response()
    assert answer.field("content-encoding") == "gzip"
    assert zlib.decompress(answer.body, 31) == piece * (size // MEGABYTE)


def test_row_22_a_body_waits_with_its_request_for_a_connection(headgate, raw_origin, free_port):
    port, go, received = free_port(), threading.Event(), []

    def handler(connection):
        while True:
            request = read_request(connection)
            received.append(len(request.body))
            assert go.wait(30)
            connection.send(response(body=b"ok"))

    made = raw_origin(handler)
    edge = headgate(documents(gateway(http_listener(port)), upstream("origin", made.port, limits={"maxConnections": 1}), route(rule("origin"))))
    size, pushed = 50 * MEGABYTE, 0
    with RawClient(port) as holder, RawClient(port) as waiting:
        holder.send(get())
        wait_until(lambda: received == [0], 10, "the first request at the origin")
        before = resident_bytes(edge.children()[0])
        waiting.send(get("/", f"Content-Length: {size}", method="POST"))
        waiting.sock.settimeout(1)
        try:
            while pushed < size:
                pushed += waiting.sock.send(b"u" * min(MEGABYTE, size - pushed))
        except TimeoutError:
            pass
        assert pushed < 30 * MEGABYTE and resident_bytes(edge.children()[0]) - before < 30 * MEGABYTE
        go.set()
        assert holder.read_response().status == 200
        waiting.sock.settimeout(30)
        while pushed < size:
            pushed += waiting.sock.send(b"u" * min(MEGABYTE, size - pushed))
        assert waiting.read_response().status == 200
    assert received == [0, size]


def test_row_26_a_drain_ends_idle_clients_soon_and_tunnels_after_their_limit(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        while not read_request(connection).field("upgrade"):
            connection.send(response())
        connection.send(SWITCH)
        while data := connection.receive():
            connection.send(data)

    edge = headgate(simple_edge(port, raw_origin(handler).port), args=["--drain-timeout", "6s"])
    with RawClient(port) as idle, RawClient(port) as tunnel:
        assert idle.request(get()).status == 200
        assert tunnel.send(get("/", *UPGRADE)).read_response().status == 101
        begun = time.monotonic()
        edge.process.send_signal(signal.SIGTERM)
        assert idle.is_closed()
        assert tunnel.send(b"still there").read_exactly(11) == b"still there"
        assert tunnel.is_closed() and time.monotonic() - begun >= 6
    assert edge.process.wait(20) == 0


def test_row_07_a_retried_post_body_is_whole_after_a_refused_connection(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, free_port(), made.port, loadBalancing={"policy": "RoundRobin"}, outlierDetection={"enabled": False}))
    body = bytes(range(256)) * 2000  # more than is kept for replay
    with RawClient(port) as client:
        statuses = [client.request(post(body)).status for _ in range(4)]
    assert statuses == [200] * 4 and all(request.body == body for request in made.requests)
