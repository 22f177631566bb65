"""Clients that take their time: heads and frames half sent, responses that are not taken."""

import struct
import threading
import time

import pytest
from h2.errors import ErrorCodes
from h2.events import SettingsAcknowledged

from support.h2client import H2Client
from support.origin import read_request
from support.traps import edge_with


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


END_HEADERS, HEADERS, PING = 4, 1, 6
HALF_SENT = {
    "a head without CONTINUATION": frame(HEADERS, 0, 3, b"\x82\x86\x84"),
    "half a frame of a head": frame(HEADERS, END_HEADERS, 3, b"\x82\x86\x84")[:-1],
    "half a frame that is no head": frame(PING, 0, 0, b"12345678")[:-1],
    "half of what begins a frame": frame(PING, 0, 0)[:4],
}


@pytest.fixture
def waiting_origin(raw_origin):
    """An origin that does not answer until the test is over."""
    over = threading.Event()

    def handler(connection):
        read_request(connection)
        over.wait(60)

    yield raw_origin(handler)
    over.set()


def settle(client: H2Client):
    """Until the client has nothing more to send by itself."""
    client.wait(lambda: any(isinstance(event, SettingsAcknowledged) for event in client.events))


@pytest.mark.parametrize("what", HALF_SENT)
def test_what_is_half_sent_ends_the_connection_after_the_head_timeout(headgate, waiting_origin, free_port, what):
    port = free_port()
    edge = headgate(edge_with(port, waiting_origin.port, traffic={"connection": {"headTimeout": "1s"}}))
    with H2Client(port) as client:
        client.open()  # so that the connection is not idle
        settle(client)
        client.raw.send(HALF_SENT[what])
        client.wait(lambda: client.goaway)
        assert client.goaway.error_code == ErrorCodes.ENHANCE_YOUR_CALM
        assert client.raw.read_to_end() == b""
    assert edge.metric("headgate_client_timeouts_total", phase="head") == 1


def test_a_frame_of_a_head_that_drips_does_not_move_its_timeout(headgate, waiting_origin, free_port):
    port = free_port()
    headgate(edge_with(port, waiting_origin.port, traffic={"connection": {"headTimeout": "1s"}}))
    with H2Client(port) as client:
        client.open()
        settle(client)
        client.raw.send(frame(HEADERS, END_HEADERS, 3, b"\x82" * 200)[:9])
        client.raw.sock.settimeout(0.1)
        started = time.monotonic()
        while client.goaway is None and time.monotonic() - started < 15:
            try:
                client.raw.send(b"\x82")
                client.read_once()
            except TimeoutError:
                continue
        assert client.goaway is not None and client.goaway.error_code == ErrorCodes.ENHANCE_YOUR_CALM


def test_heads_that_come_in_time_are_served_however_they_are_cut(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"connection": {"headTimeout": "1s"}}))
    with H2Client(port) as client:
        sent, client.raw.send = [], lambda data: sent.append(data)
        streams = [client.open(path=f"/{i}") for i in range(40)]
        del client.raw.send
        data = b"".join(sent)
        for at in range(0, len(data), 7):  # longer than the timeout as a whole; always something is unfinished
            client.raw.send(data[at:at + 7])
            threading.Event().wait(0.01)
        assert [client.answer(stream).status for stream in streams] == [200] * 40
    assert edge.metric("headgate_client_timeouts_total", phase="head") == 0
