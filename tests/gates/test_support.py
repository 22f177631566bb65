"""The tests' own peers tell the truth: an origin that misreads, or a fixture that forgives, would hide a fault of the edge."""

import pathlib
import socket
import subprocess
import sys

import pytest

from support import ports
from support.client import RawClient, fetch, parse_curl
from support.edge import Edge
from support.origin import read_request, response
from support.wait import wait_until

TESTS = pathlib.Path(__file__).parents[1]


def test_an_origin_records_what_curl_sent(origin):
    made = origin(lambda request: (201, request.body[::-1], [("X-Seen", request.target)]))
    answer = fetch(f"http://shop.localhost:{made.port}/a?b", "-d", "body")
    assert (answer.status, answer.body, answer.field("x-seen")) == (201, b"ydob", "/a?b")
    assert made.requests[0].field("host") == f"shop.localhost:{made.port}"


def test_a_raw_client_and_a_raw_origin_agree_on_chunks_and_trailers(raw_origin):
    received = []

    def handler(connection):
        received.append(read_request(connection))
        connection.send(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"3\r\nabc\r\n0\r\nX-End: yes\r\n\r\n")

    with RawClient(raw_origin(handler).port) as client:
        answer = client.request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n")
    assert (answer.interim, answer.body, answer.trailers) == ([103], b"abc", [("x-end", "yes")])
    assert (received[0].body, received[0].trailers) == (b"hi", [("A", "b")])


def test_the_end_of_a_connection_in_a_response_is_noticed(raw_origin):
    with RawClient(raw_origin(lambda c: c.send(response(body=b"whole")[:-2])).port) as client:
        with pytest.raises(EOFError):
            client.read_response()


def test_interim_answers_are_told_apart_from_the_final_one():
    answer = parse_curl(b"HTTP/2 103 \r\nlink: </a>\r\n\r\nHTTP/2 404 \r\nb: c\r\n\r\nnone")
    assert (answer.interim, answer.status, answer.field("B"), answer.body) == ([103], 404, "c", b"none")


def test_a_certificate_is_taken_by_those_who_trust_its_authority(origin, authority):
    made = origin(tls=authority.issue("shop.localhost", kind="rsa").server_context())
    assert fetch(f"https://shop.localhost:{made.port}/", ca=authority.ca).status == 200


STAY = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"
FAULTS = {
    "overflows": (f"echo 'x.cc:1:2: runtime error: overflow' >&2; {STAY}", "runtime error: overflow"),
    "races": (f"echo 'WARNING: ThreadSanitizer: data race (pid=7)' >&2; {STAY}", "ThreadSanitizer: data race"),
    "uses freed memory": (f"echo '==7==ERROR: AddressSanitizer: heap-use-after-free' >&2; {STAY}", "heap-use-after-free"),
    **{f"writes a report where {name} says": (f'log=${{{name}#*log_path=}}; echo "a child complains" >"${{log%%:*}}.7"; {STAY}', "a child complains")
       for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")},
    "exits badly": (STAY.replace("exit 0", "exit 3"), "exited with 3"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_edge_that_misbehaves_fails_its_test(fault, tmp_path, monkeypatch):
    script, complaint = FAULTS[fault]
    program = tmp_path / "headgate"
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("HEADGATE_BINARY", str(program))
    edge = Edge(tmp_path / "edge", "")
    edge.start(ready=False)
    wait_until(edge.stdout, 10, "what the program says")
    with pytest.raises(AssertionError, match=complaint):
        edge.close()


def test_an_edge_that_dies_at_start_says_why(tmp_path, monkeypatch):
    program = tmp_path / "headgate"
    program.write_text("#!/bin/bash\necho 'no such file' >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("HEADGATE_BINARY", str(program))
    with pytest.raises(AssertionError, match="no such file"):
        Edge(tmp_path / "edge", "").start()


def test_processes_that_run_at_once_are_given_different_ports_that_no_client_gets():
    program = "from support.ports import free_port; print(*(free_port() for _ in range(100)), flush=True); input()"
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                 for _ in range(6)]
    given = [int(port) for process in processes for port in process.stdout.readline().split()]
    for process in processes:
        process.communicate("\n", timeout=20)
    assert len(given) == len(set(given)) == 600
    assert max(given) < ports.first_outgoing_port()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_somebody_has_over_tcp_or_udp_is_not_given(kind):
    with socket.socket(socket.AF_INET, kind) as somebody:
        somebody.bind(("127.0.0.1", ports.free_port()))
        assert somebody.getsockname()[1] not in [ports.free_port() for _ in range(ports.BLOCK_PORTS)]
