"""The life of an exchange: interim answers, early answers, ends and aborts. Rows 7, 9, 11, 13 and 26 of the list of traps."""

import signal
import threading

from support.client import RawClient
from support.config import simple_edge
from support.origin import read_request, response
from support.traps import SWITCH, UPGRADE, edge_with, get, post
from support.wait import wait_until

UPLOAD_HEAD = get("/", "Expect: 100-continue", "Content-Length: 5", method="POST")


def counting(answers_per_connection: int, seen: list, body: bytes = b"ok"):
    """A handler that answers so many requests on each connection, and closes when the next one arrives."""
    def handler(connection):
        for _ in range(answers_per_connection):
            seen.append(read_request(connection))
            connection.send(response(body=body))
        seen.append(read_request(connection))

    return handler


def test_row_07_a_get_that_meets_a_closing_connection_is_repeated_on_a_fresh_one(headgate, raw_origin, free_port):
    seen, port = [], free_port()
    made = raw_origin(counting(1, seen))
    headgate(edge_with(port, made.port, traffic={"retry": {"attempts": 0}}))
    with RawClient(port) as client:
        assert [client.request(get(f"/{n}")).status for n in range(6)] == [200] * 6


def test_row_07_a_post_is_never_sent_twice(headgate, raw_origin, free_port):
    seen, port = [], free_port()
    made = raw_origin(counting(1, seen))
    headgate(simple_edge(port, made.port))
    statuses = []
    with RawClient(port) as client:
        for number in range(20):
            statuses.append(client.request(post(b"order", path=f"/{number}")).status)
    arrived = [request.target for request in seen]
    assert len(arrived) == len(set(arrived)), "a POST reached the origin twice"
    assert set(statuses) <= {200, 502} and 200 in statuses


def test_row_07_a_post_that_is_cut_before_its_answer_is_not_repeated(headgate, raw_origin, free_port):
    seen, port = [], free_port()
    made = raw_origin(lambda connection: seen.append(read_request(connection)))
    headgate(edge_with(port, made.port, traffic={"retry": {"attempts": 5}}))
    with RawClient(port) as client:
        assert client.request(post(b"order")).status == 502
    assert len(seen) == 1


def test_row_07_a_put_is_repeated_with_its_whole_body_and_not_when_it_is_too_large_to_keep(headgate, raw_origin, free_port):
    seen, port = [], free_port()

    def handler(connection):
        seen.append(read_request(connection))
        if len(seen) == 2:
            connection.send(response(body=b"stored", fields=[("Connection", "close")]))  # so that no race decides what comes next

    headgate(edge_with(port, raw_origin(handler).port, traffic={"retry": {"maxBodyBytes": 1000}}))
    with RawClient(port) as client:
        answer = client.request(post(b"b" * 900).replace(b"POST", b"PUT", 1))
        assert (answer.status, [r.body for r in seen]) == (200, [b"b" * 900] * 2)
        assert client.request(post(b"b" * 1100).replace(b"POST", b"PUT", 1)).status == 502
    assert len(seen) == 3


def test_row_09_expect_waits_for_the_origins_100_and_both_are_relayed(headgate, raw_origin, free_port):
    port, bodies = free_port(), []

    def handler(connection):
        head = connection.read_until(b"\r\n\r\n")
        assert b"expect: 100-continue" in head.lower()
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        bodies.append(connection.read_exactly(5))
        connection.send(response(body=b"ok"))

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(UPLOAD_HEAD)
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        hints = client.read_until(b"\r\n\r\n")
        assert hints.startswith(b"HTTP/1.1 103 ") and b"</a.css>" in hints
        assert client.send(b"hello").read_response().body == b"ok"
    assert bodies == [b"hello"]


def test_row_09_a_final_answer_instead_of_100_ends_the_connection_or_skips_the_body(headgate, raw_origin, free_port):
    port, targets = free_port(), []

    def handler(connection):
        while True:
            method, target, _ = connection.read_until(b"\r\n\r\n").split(b" ", 2)
            targets.append(target)
            connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            if method == b"POST":
                connection.read_exactly(5)

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        received = client.send(UPLOAD_HEAD).read_to_end()
    assert received.startswith(b"HTTP/1.1 403 ") and b"connection: close" in received.lower()
    with RawClient(port) as client:  # a client that sends its body anyway must not have it read as a request
        client.send(UPLOAD_HEAD + b"GET /" + get("/next", "Connection: close"))
        assert [client.read_response().status, client.read_response().status] == [403, 403]
        assert client.is_closed()
    assert targets == [b"/", b"/", b"/next"]


def test_row_09_an_unknown_expectation_is_417(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        assert client.request(get("/", "Expect: tea")).status == 417
    assert origin.requests == []


def test_row_09_interim_answers_do_not_reach_http_1_0_and_are_bounded(headgate, raw_origin, free_port):
    port, count = free_port(), [3]

    def handler(connection):
        while True:
            read_request(connection)
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\n" * count[0] + response(body=b"ok"))

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        answer = client.request(get(version="1.0"))
        assert (answer.status, answer.interim) == (200, [])
    with RawClient(port) as client:
        assert client.request(get()).interim == [102] * 3
        count[0] = 10_000
        assert client.request(post(b"x")).status == 502


def test_row_11_an_early_answer_is_relayed_while_the_client_still_uploads(headgate, raw_origin, free_port):
    port, done = free_port(), threading.Event()

    def handler(connection):
        connection.read_until(b"\r\n\r\n")
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        done.wait(20)

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get("/", "Content-Length: 50000000", method="POST") + b"u" * 100_000)
        answer = client.read_response()
        assert (answer.status, answer.body) == (413, b"big") and answer.field("connection") == "close"
        try:
            while True:  # the edge stops reading: this ends by a reset, not by 50 MB taken
                client.send(b"u" * 100_000)
        except OSError:
            pass
    done.set()


def test_row_13_a_client_that_aborts_cancels_its_request_at_the_origin(headgate, raw_origin, free_port):
    port, cancelled, arrived = free_port(), threading.Event(), threading.Event()

    def handler(connection):
        read_request(connection)
        arrived.set()
        if connection.receive() == b"":
            cancelled.set()

    edge = headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get())
        assert arrived.wait(10)
    assert cancelled.wait(10), "the origin went on for nobody"
    edge.wait_log(lambda entry: "client_closed" in str(entry))


def test_row_13_a_client_that_aborts_while_the_answer_streams_cancels_it(headgate, raw_origin, free_port):
    port, cut = free_port(), threading.Event()

    def handler(connection):
        read_request(connection)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                connection.send(b"x" * 65536)
        except OSError:
            cut.set()

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get()).read_exactly(100_000)
    assert cut.wait(10)


def test_row_13_half_close_is_served_where_abort_on_close_is_off(headgate, raw_origin, free_port):
    port, arrived, ended = free_port(), threading.Event(), threading.Event()

    def handler(connection):
        read_request(connection)
        arrived.set()
        assert ended.wait(10)
        connection.send(response(body=b"still here"))

    headgate(edge_with(port, raw_origin(handler).port, traffic={"abortOnClientClose": False}))
    with RawClient(port) as client:
        client.send(get())
        assert arrived.wait(10)
        client.finish_sending()
        ended.set()
        assert client.read_response().body == b"still here"
        assert client.is_closed()


def test_row_13_tunnels_pass_each_half_close_on(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        read_request(connection)
        connection.send(SWITCH)
        received = b""
        while more := connection.receive():
            received += more
        connection.send(b"got " + received)

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get("/", *UPGRADE))
        assert client.read_response().status == 101
        client.send(b"all of it")
        client.finish_sending()
        assert client.read_to_end() == b"got all of it"


def test_row_26_a_draining_edge_serves_what_runs_and_says_close(headgate, raw_origin, free_port):
    port, arrived, go = free_port(), threading.Event(), threading.Event()

    def handler(connection):
        while True:
            read_request(connection)
            arrived.set()
            assert go.wait(20)
            connection.send(response(body=b"served"))

    edge = headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get())
        assert arrived.wait(10)
        edge.process.send_signal(signal.SIGTERM)
        wait_until(lambda: edge.admin("/readyz")[0] != 200, 10, "/readyz to fail first")
        go.set()
        answer = client.read_response()
        assert answer.body == b"served" and answer.field("connection") == "close"
        assert client.is_closed()
    assert edge.process.wait(20) == 0
