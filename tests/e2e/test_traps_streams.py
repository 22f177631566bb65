"""Messages in pieces, many on one connection, cut in the middle, or slower than a time-out. Rows 5, 7, 11, 13 and 21 of the list of traps."""

import socket
import subprocess
import threading
import time

from support.client import RawClient, exchange
from support.config import simple_edge
from support.origin import read_request, response
from support.traps import SWITCH, UPGRADE, edge_with, get, post
from support.wait import wait_until

CHUNKED = get("/chunked", "Transfer-Encoding: chunked", method="POST") + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"


def test_row_03_requests_that_arrive_byte_by_byte_mean_the_same(headgate, origin, free_port):
    port = free_port()
    made = origin(lambda request: (200, request.target.encode() + b" " + request.body))
    headgate(simple_edge(port, made.port))
    with RawClient(port) as client:
        for byte in CHUNKED + post(b"plain", path="/length") + get("/last"):
            client.send(bytes([byte]))
        assert [client.read_response().body for _ in range(3)] == [b"/chunked abcde", b"/length plain", b"/last "]


def test_row_03_pipelined_requests_are_answered_in_their_order(headgate, origin, free_port):
    port = free_port()
    made = origin(lambda request: (200, request.target.encode() + b" " + request.body))
    headgate(simple_edge(port, made.port))
    with RawClient(port) as client:
        client.send(b"".join(get(f"/{n}") + post(b"b" * n, path=f"/p{n}") + CHUNKED for n in range(100)))
        for n in range(100):
            bodies = [client.read_response().body for _ in range(3)]
            assert bodies == [b"/%d " % n, b"/p%d " % n + b"b" * n, b"/chunked abcde"]
    assert len(made.requests) == 300


def test_row_05_bytes_that_come_with_the_101_are_delivered(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        read_request(connection)
        connection.send(SWITCH + b"at once")
        connection.receive()

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get("/", *UPGRADE))
        assert client.read_response().status == 101 and client.read_exactly(7) == b"at once"


def test_row_07_a_put_that_is_refused_by_one_endpoint_reaches_the_next_with_its_body(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, free_port(), made.port, loadBalancing={"policy": "RoundRobin"}, outlierDetection={"enabled": False}))
    with RawClient(port) as client:
        for size in (10, 10_000, 60_000):
            for _ in range(2):
                assert client.request(post(b"b" * size).replace(b"POST", b"PUT", 1)).status == 200
    assert [len(request.body) for request in made.requests] == [10] * 2 + [10_000] * 2 + [60_000] * 2


def test_row_07_nginx_that_closes_after_some_requests_fails_none(headgate, free_port, tmp_path):
    port, origin_port = free_port(), free_port()
    (tmp_path / "nginx.conf").write_text(f"""daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; worker_processes 1;
events {{ worker_connections 1000; }}
http {{ access_log {tmp_path}/access.log; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
  uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
  server {{ listen 127.0.0.1:{origin_port}; keepalive_requests 3; location / {{ return 200 "nginx"; }} }} }}""")
    nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/error.log"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        headgate(simple_edge(port, origin_port), workers=2)
        wait_until(lambda: b"nginx" in exchange(port, get("/", "Connection: close")), 10, "nginx to answer")
        done = subprocess.run(["h2load", "--h1", "-n", "3000", "-c", "10", f"http://127.0.0.1:{port}/"],
                              capture_output=True, text=True, timeout=60)
        assert "3000 succeeded, 0 failed" in done.stdout and "3000 2xx" in done.stdout, done.stdout
        with RawClient(port) as client:
            assert {client.request(post(b"x", path=f"/post{n}")).status for n in range(100)} == {200}
    finally:
        nginx.terminate()
        nginx.wait()
    log = (tmp_path / "access.log").read_text()
    assert [log.count(f"/post{n} ") for n in range(100)] == [1] * 100


def test_row_11_an_upload_slower_than_the_backend_timeout_is_not_the_origins_fault(headgate, raw_origin, free_port):
    port, received = free_port(), []

    def handler(connection):
        received.append(connection.read_until(b"\r\n\r\n"))
        while b"!" not in received[-1]:
            received.append(connection.receive())
        connection.send(response(body=b"stored"))

    headgate(edge_with(port, raw_origin(handler).port, traffic={"timeouts": {"backendRequest": "2s"}}))
    with RawClient(port) as client:
        begun = time.monotonic()
        client.send(get("/", "Transfer-Encoding: chunked", method="POST"))
        while time.monotonic() - begun < 4:
            pieces = len(received)
            client.send(b"1\r\nx\r\n")
            wait_until(lambda: len(received) > pieces, 20, "the piece at the origin")
        assert client.send(b"1\r\n!\r\n0\r\n\r\n").read_response().status == 200


def test_row_11_an_origin_that_answers_and_resets_during_an_upload_is_heard(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        connection.read_until(b"\r\n\r\n")
        connection.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")

    headgate(simple_edge(port, raw_origin(handler).port))
    for _ in range(10):
        with RawClient(port) as client:
            client.send(get("/", "Content-Length: 3000000", method="POST"))
            assert client.send(b"u" * 50_000).read_response().status == 401


def test_row_13_an_upload_that_its_client_cuts_never_looks_complete(headgate, raw_origin, free_port):
    port, seen, arrived = free_port(), [], threading.Semaphore(0)

    def handler(connection):
        connection.read_until(b"\r\n\r\n")
        arrived.release()
        received = b""
        try:
            while more := connection.receive():
                received += more
        except ConnectionError:
            pass
        seen.append(received)

    headgate(simple_edge(port, raw_origin(handler).port))
    cut = [get("/", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhello\r\n", get("/", "Content-Length: 10", method="POST") + b"hello",
           get("/", "Transfer-Encoding: chunked", method="POST") + b"5\r\nhel"]
    for number, data in enumerate(cut * 2):
        with RawClient(port) as client:
            client.send(data)
            assert arrived.acquire(timeout=10)
            if number < len(cut):
                client.finish_sending()
                client.read_to_end()
            else:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wait_until(lambda: len(seen) == number + 1, 10, "the origin's end")
    assert not [received for received in seen if b"0\r\n\r\n" in received or len(received) > 10 + len("5\r\n")]


def test_row_21_an_origin_that_never_answers_is_a_504(headgate, raw_origin, free_port):
    port = free_port()
    made = raw_origin(lambda connection: (read_request(connection), connection.receive()))
    headgate(edge_with(port, made.port, traffic={"timeouts": {"backendRequest": "300ms"}}))
    with RawClient(port) as client:
        assert client.request(post(b"x")).status == 504
        assert client.request(get()).status == 504


def test_row_21_a_request_timeout_covers_retries_and_cuts_an_endless_answer(headgate, raw_origin, free_port):
    port, drip = free_port(), threading.Event()

    def handler(connection):
        target = read_request(connection).target
        if target == "/endless":
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.send(b"1\r\nx\r\n")
                drip.wait(0.05)
        connection.receive()

    headgate(edge_with(port, raw_origin(handler).port, traffic={
        "timeouts": {"request": "1s"}, "retry": {"attempts": 10, "perTryTimeout": "200ms"}}))
    with RawClient(port) as client:
        assert client.request(get("/silent")).status == 504
    with RawClient(port) as client:
        received = client.send(get("/endless")).read_to_end()
    assert received.startswith(b"HTTP/1.1 200") and b"0\r\n\r\n" not in received


def test_a_redirect_cannot_be_split_and_a_log_line_cannot_be_forged(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"accessLog": {"requestHeaders": ["user-agent"]}}, rule_spec={
        "backendRefs": [], "filters": [{"type": "RequestRedirect", "requestRedirect": {"statusCode": 302, "hostname": "new.example"}}]}))
    agent = 'quote" back\\slash {"status": 1} \xff'
    with RawClient(port) as client:
        answer = client.request(get("/a%0d%0aSet-Cookie:%20x=1?q=%0d%0aX:1", f"User-Agent: {agent}"))
    assert answer.status == 302 and answer.field("set-cookie") is None and answer.field("x") is None
    line = edge.wait_log(lambda entry: entry.get("status") == 302)
    assert line["header_user-agent"].startswith(agent[:-1])
    assert [entry["status"] for entry in edge.json_lines() if "status" in entry] == [302], "a client wrote a line of the log"
