"""Slow, huge and many: each has a defined answer, bounded memory, and leaves other clients alone. Rows 21 and 22 of the list of traps."""

import select
import subprocess
import threading
import time

import pytest
from support.client import RawClient
from support.config import simple_edge
from support.edge import binary
from support.origin import read_request, response
from support.traps import edge_with, get, post, refusal, resident_bytes
from support.wait import wait_until, wait_until_still

MEGABYTE = 1 << 20


def test_row_21_heads_over_their_limits_have_their_status(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, traffic={"connection": {"maxHeadBytes": 4096, "maxTargetBytes": 1000, "maxHeaders": 20}}))
    assert refusal(port, get("/" + "a" * 1100)) == 414
    assert refusal(port, b"GET /" + b"a" * 8000) == 414
    assert refusal(port, get("/", "X: " + "y" * 5000)) == 431
    assert refusal(port, get("/", *["X: y"] * 30)) == 431
    assert made.requests == []
    with RawClient(port) as client:
        assert client.request(get("/" + "a" * 900, *["X: y"] * 15)).status == 200


def test_row_21_bodies_over_their_limit_are_413_whatever_their_framing(headgate, raw_origin, free_port):
    port, whole = free_port(), []

    def handler(connection):
        whole.append(read_request(connection))
        connection.send(response())

    headgate(edge_with(port, raw_origin(handler).port, traffic={"maxRequestBodyBytes": 1000}))
    assert refusal(port, get("/", "Content-Length: 1001", method="POST")) == 413
    chunked = get("/", "Transfer-Encoding: chunked", method="POST")
    assert refusal(port, chunked + b"1f4\r\n" + b"x" * 500 + b"\r\n1f5\r\n" + b"x" * 501 + b"\r\n0\r\n\r\n") == 413
    assert whole == []
    with RawClient(port) as client:
        assert client.request(post(b"x" * 1000)).status == 200


def test_row_21_a_head_that_drips_is_ended_by_the_head_timeout(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, traffic={"connection": {"headTimeout": "500ms"}}))
    started = time.monotonic()
    with RawClient(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        drips = 0
        while not select.select([client.sock], [], [], 0.1)[0]:
            client.send(b"X: y\r\n")
            drips += 1
            assert drips < 150, "a dripping head was waited for"
        assert time.monotonic() - started >= 0.5 and drips > 0
        assert client.read_response().status == 408 and client.is_closed()
    assert made.requests == []


def test_row_21_a_connection_that_says_nothing_is_closed(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, traffic={"connection": {"headTimeout": "300ms", "idleTimeout": "1s"}}))
    for requests, patience_s in ((0, 0.3), (1, 1.0), (2, 1.0)):
        started = time.monotonic()
        with RawClient(port) as client:
            assert [client.request(get()).status for _ in range(requests)] == [200] * requests
            assert client.read_to_end() == b""
        assert time.monotonic() - started >= patience_s


def test_row_21_a_body_below_the_slowest_rate_is_408(headgate, raw_origin, free_port):
    port, ended = free_port(), threading.Event()

    def handler(connection):
        try:
            read_request(connection)
        finally:
            ended.set()

    headgate(edge_with(port, raw_origin(handler).port,
                       traffic={"connection": {"bodyGrace": "300ms", "minBodyBytesPerSecond": 1000}}))
    assert refusal(port, get("/", "Content-Length: 1000", method="POST") + b"slow") == 408
    assert ended.wait(10), "the origin was left waiting"


def test_row_21_one_address_gets_its_share_of_connections_and_no_more(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, traffic={"connection": {"maxConnectionsPerAddress": 5}}), workers=1)
    clients = [RawClient(port) for _ in range(5)]
    assert [client.request(get()).status for client in clients] == [200] * 5
    assert not _is_served(port)
    with RawClient(port, source="127.0.0.2") as neighbour:
        assert neighbour.request(get()).status == 200
    clients[0].sock.close()
    wait_until(lambda: _is_served(port), 10, "a place to be free again")
    for client in clients:
        client.sock.close()


def _is_served(port: int) -> bool:
    try:
        with RawClient(port) as client:
            return client.send(get("/", "Connection: close")).read_to_end().startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


@pytest.mark.parametrize("mode", [["-H"], ["-B"], ["-X"]], ids=["slow heads", "slow bodies", "slow readers"])
def test_row_21_slowhttptest_does_not_keep_others_out(headgate, origin, free_port, mode):
    made, port = origin(lambda request: (200, b"x" * 200_000)), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"connection": {"headTimeout": "2s", "bodyGrace": "2s", "minBodyBytesPerSecond": 500}}))
    attack = subprocess.Popen(["slowhttptest", *mode, "-c", "300", "-r", "150", "-i", "1", "-l", "60", "-x", "20", "-p", "3",
                               "-u", f"http://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    served = served_beside_all = 0
    try:
        while attack.poll() is None and served_beside_all < 20:
            with RawClient(port) as client:
                assert len(client.request(get()).body) == 200_000
            served += 1
            served_beside_all += edge.metric("headgate_connections_accepted_total") >= 300 + served
    finally:
        attack.kill()
        attack.wait()
    assert served_beside_all == 20, f"the attack was not whole, or ended early: {served} requests"


def plane_of(edge) -> int:
    return edge.children()[0]


def test_row_22_a_client_that_does_not_read_a_large_answer_stops_its_origin(headgate, raw_origin, free_port):
    port, sent = free_port(), [0]
    size = 200 * MEGABYTE

    def handler(connection):
        read_request(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent[0] < size:
            connection.send(b"x" * MEGABYTE)
            sent[0] += MEGABYTE

    edge = headgate(simple_edge(port, raw_origin(handler).port))
    before = resident_bytes(plane_of(edge))
    with RawClient(port, receive_bytes=65536) as client:
        head = client.send(get()).read_until(b"\r\n\r\n")
        wait_until_still(lambda: sent[0])
        assert sent[0] < 40 * MEGABYTE, "the edge took what its client does not read"
        taken = len(client.held)
        client.held = b""
        while taken < size:
            taken += len(client.sock.recv(MEGABYTE))
        assert taken == size and b"200" in head
    assert resident_bytes(plane_of(edge)) - before < 40 * MEGABYTE


def test_row_22_an_origin_that_does_not_read_a_large_upload_stops_its_client(headgate, raw_origin, free_port):
    port, go, read = free_port(), threading.Event(), [0]
    size = 200 * MEGABYTE

    def handler(connection):
        connection.read_until(b"\r\n\r\n")
        assert go.wait(60)
        while read[0] < size:
            read[0] += len(connection.receive(MEGABYTE))
        connection.send(response(body=b"taken"))

    edge = headgate(simple_edge(port, raw_origin(handler).port))
    before = resident_bytes(plane_of(edge))
    with RawClient(port) as client:
        client.send(get("/", f"Content-Length: {size}", method="POST"))
        client.sock.settimeout(1)
        pushed, piece = 0, b"u" * MEGABYTE
        try:
            while pushed < size:
                pushed += client.sock.send(piece[:size - pushed])
        except TimeoutError:
            pass
        assert pushed < 40 * MEGABYTE, "the edge took what its origin does not read"
        assert resident_bytes(plane_of(edge)) - before < 40 * MEGABYTE
        go.set()
        client.sock.settimeout(30)
        while pushed < size:
            pushed += client.sock.send(piece[:size - pushed])
        assert client.read_response().body == b"taken"
    assert read[0] == size


def test_row_22_many_clients_that_do_not_read_cost_bounded_memory(headgate, origin, free_port):
    large = response(body=b"x" * (4 * MEGABYTE))  # once: a hundred of them would keep the origin busy instead of the edge
    made, port = origin(lambda request: large), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"maxBufferBytes": 65536}))
    before = resident_bytes(plane_of(edge))
    clients = [RawClient(port, receive_bytes=4096) for _ in range(100)]
    for client in clients:
        client.send(get())
    wait_until(lambda: len(made.requests) == 100, 60, "all requests at the origin")
    with RawClient(port) as other:
        assert len(other.request(get()).body) == 4 * MEGABYTE
    grown = resident_bytes(plane_of(edge)) - before
    shadow = 4 if "tsan" in str(binary()) else 1  # of the thread sanitizer, for each byte that it watches
    assert grown < 100 * 400_000 * shadow, f"{grown} bytes for 100 clients"
    for client in clients:
        client.sock.close()
