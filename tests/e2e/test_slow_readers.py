"""Clients that take a response slowly: cut below the minimum rate, left alone above it and while nothing waits for them."""

import threading
import time

import pytest
from h2.settings import SettingCodes

from support.client import RawClient
from support.h2client import H2Client
from support.origin import read_request
from support.traps import SWITCH, UPGRADE, edge_with, get
from support.wait import wait_until

GRACE_S = 0.5
STRICT = {"connection": {"minResponseBytesPerSecond": 20_000, "responseGrace": f"{int(GRACE_S * 1000)}ms"}, "timeouts": {"bodyIdle": "1h"}}
WHOLE = 6_000_000
CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"


class Origin:
    """Answers /endless for ever, /whole with WHOLE bytes, /events with two of them, the second when `go_on` is set, /tunnel with a
    tunnel that brings WHOLE bytes. `ended` counts endless answers that were given up."""

    def __init__(self):
        self.go_on, self.ended = threading.Event(), 0

    def __call__(self, connection):
        while True:
            request = read_request(connection)
            getattr(self, request.target[1:])(connection)

    def endless(self, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.send(CHUNK)
        finally:
            self.ended += 1

    def whole(self, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % WHOLE + b"x" * WHOLE)

    def small(self, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def events(self, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\n\n\r\n")
        self.go_on.wait(30)
        connection.send(b"5\r\ntwo\n\n\r\n0\r\n\r\n")

    def tunnel(self, connection):
        connection.send(SWITCH + b"x" * WHOLE)
        connection.receive()


@pytest.fixture
def made(raw_origin):
    handler = Origin()
    handler.port = raw_origin(handler).port
    yield handler
    handler.go_on.set()


def cut(edge) -> int:
    return edge.metric("headgate_client_timeouts_total", phase="response")


def several_graces() -> None:
    threading.Event().wait(5 * GRACE_S)


def read_for(client, seconds: float, bytes_a_second: int) -> int:
    """Reads a little at a time; how many bytes came."""
    count, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        count += len(client.sock.recv(bytes_a_second // 50))
        threading.Event().wait(0.02)
    return count


def test_a_client_that_takes_a_byte_now_and_then_is_cut_and_its_upstream_connection_freed(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with RawClient(port, receive_bytes=4096) as client:
        client.send(get("/endless"))

        def cut_meanwhile():
            client.sock.recv(1)
            return cut(edge) == 1
        wait_until(cut_meanwhile, 20, "the cut")
        wait_until(lambda: made.ended == 1, 10, "the origin to be left")
        wait_until(lambda: edge.metric("headgate_connections") == 0, 10, "the connection to be closed")
    assert edge.wait_log(lambda e: e.get("reason") == "response_too_slow")["fault"] == "client"


def test_a_client_that_reads_slowly_but_above_the_rate_is_not_cut(headgate, made, free_port):
    port = free_port()
    # All that the edge holds takes the client much longer than bodyIdle: that bytes move is what counts.
    edge = headgate(edge_with(port, made.port, traffic={**STRICT, "timeouts": {"bodyIdle": "1s"}, "maxBufferBytes": 4_000_000}))
    with RawClient(port, receive_bytes=16384) as client:
        client.send(get("/endless"))
        assert read_for(client, 6, 400_000) > 200_000
    assert cut(edge) == 0
    assert edge.metric("headgate_client_timeouts_total", phase="body") == 0


@pytest.mark.parametrize("more", [(), ("Connection: close",)], ids=["keep-alive", "close"])
def test_the_rest_of_an_answer_reaches_a_slow_client_though_its_upstream_is_long_done(headgate, made, free_port, more):
    port = free_port()
    connection = {"minResponseBytesPerSecond": 1000, "responseGrace": "1s", "idleTimeout": "1s"}
    edge = headgate(edge_with(port, made.port, traffic={"connection": connection, "maxBufferBytes": 16_000_000}))
    with RawClient(port, receive_bytes=65536) as client:
        client.send(get("/whole", *more))
        wait_until(lambda: edge.metric("headgate_active_requests") == 0, 20, "the exchange to be over")
        count = read_for(client, 4, 400_000)
        assert count + len(client.read_exactly(WHOLE - count)) == WHOLE
    assert cut(edge) == 0


def test_a_client_that_leaves_the_rest_of_an_answer_is_cut(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic={**STRICT, "maxBufferBytes": 16_000_000}))
    with RawClient(port, receive_bytes=4096) as client:
        client.send(get("/whole"))
        wait_until(lambda: cut(edge) == 1, 20, "the cut")
        wait_until(lambda: edge.metric("headgate_connections") == 0, 10, "the connection to be closed")


@pytest.mark.parametrize("connect", [RawClient, H2Client])
def test_events_that_do_not_come_are_waited_for(headgate, made, free_port, connect):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with connect(port) as client:
        if connect is RawClient:
            client.send(get("/events")).read_until(b"one\n\n")
            several_graces()
            made.go_on.set()
            client.read_until(b"two\n\n")
        else:
            stream = client.open(path="/events")
            client.wait(lambda: stream in client.answers and client.answers[stream].body)
            several_graces()
            made.go_on.set()
            assert client.answer(stream).body == b"one\n\ntwo\n\n"
    assert cut(edge) == 0


def test_a_tunnel_may_be_read_at_any_pace(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with RawClient(port, receive_bytes=4096) as client:
        client.send(get("/tunnel", *UPGRADE))
        assert client.read_response().status == 101
        several_graces()
        client.read_exactly(WHOLE)
    assert cut(edge) == 0


def test_an_http2_stream_without_window_is_reset_and_the_others_go_on(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with H2Client(port, auto_window=False) as client:
        client.h2.increment_flow_control_window(10_000_000)
        client.flush()
        stuck, events = client.open(path="/endless"), client.open(path="/events")
        client.wait(lambda: stuck in client.resets)
        assert client.request(path="/small").body == b"ok"
        made.go_on.set()
        assert client.answer(events).body == b"one\n\ntwo\n\n"
    assert cut(edge) == 1
    wait_until(lambda: made.ended == 1, 10, "the origin to be left")


def test_an_http2_stream_that_holds_the_window_of_its_connection_is_reset_before_those_that_wait_for_it(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with H2Client(port, auto_window=False) as client:
        stuck = client.open(path="/endless")  # takes all of both windows
        client.wait(lambda: len(client.answers.get(stuck, b"") and client.answers[stuck].body) == 65535)
        waits = client.open(path="/small")
        client.wait(lambda: stuck in client.resets)
        client.h2.increment_flow_control_window(65535)  # what the stream that is gone had
        client.flush()
        assert client.answer(waits).body == b"ok"
    assert cut(edge) == 1


def test_http2_streams_of_a_connection_without_window_are_reset(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with H2Client(port, auto_window=False, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1_000_000}) as client:
        streams = [client.open(path="/endless"), client.open(path="/endless")]
        client.wait(lambda: all(stream in client.resets for stream in streams))
    assert cut(edge) == 2


WIDE = {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1}


def test_an_http2_connection_that_takes_nothing_is_closed_with_all_its_streams(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic=STRICT))
    with H2Client(port, settings=WIDE) as client:
        client.h2.increment_flow_control_window(2**31 - 1 - 65535)
        client.flush()
        client.open_many(["/endless", "/endless"])
        wait_until(lambda: edge.metric("headgate_connections_accepted_total") == 1, 10, "the connection")
        wait_until(lambda: edge.metric("headgate_connections") == 0, 20, "its end")
        wait_until(lambda: made.ended == 2, 10, "the origin to be left")
    assert cut(edge) == 2


def test_an_http2_client_that_reads_slowly_but_above_the_rate_is_not_cut(headgate, made, free_port):
    port = free_port()
    edge = headgate(edge_with(port, made.port, traffic={**STRICT, "timeouts": {"bodyIdle": "1s"}}))
    with H2Client(port, settings=WIDE) as client:
        client.h2.increment_flow_control_window(2**31 - 1 - 65535)
        client.flush()
        stream = client.open(path="/endless")
        assert read_for(client.raw, 6, 400_000) > 200_000
        assert made.ended == 0, f"stream {stream} was given up"
    assert cut(edge) == 0
