"""What clients see of a hot restart and of the end: requests on connections that are kept open, queues, sessions, files."""

import collections
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from support.client import RawClient, fetch
from support.config import documents, gateway, https_listener, route, rule, simple_edge, tls_secret, upstream
from support.edge import Edge
from support.h2tap import H2Tap
from support.nginx import Nginx
from support.ports import free_port as next_free_port
from support.wait import wait_until

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"
RESTARTS = 3


@pytest.fixture
def quick_origin(tmp_path):
    """The port of an nginx that answers 1,000 bytes."""
    port = next_free_port()
    server = Nginx(tmp_path / "nginx", f"""server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;
        location / {{ return 200 "{'x' * 1000}"; }} }}""")
    yield port
    server.close()


def serving(edge) -> int:
    """The data plane that was started last: retiring ones stay for a while."""
    return max(edge.children(), default=0)


def restart_hot(edge):
    before, log = serving(edge), edge.stderr().count(" serves, ")
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: edge.stderr().count(" serves, ") > log and serving(edge) != before, 60,
               f"another data plane\n{edge.stderr()}")


def answered(edge) -> int:
    """Requests that the serving data plane has answered; 0 as well when nobody says, as the admin port changes hands."""
    return sum(int(n) for n in re.findall(r'^headgate_requests_total{.*class="2xx".*} (\d+)', edge.admin("/metrics")[1], re.M))


def restart_under(edge, *command, times: int = RESTARTS) -> str:
    """Restarts while `command` runs, and returns what it printed. It must end with 0."""
    with tempfile.TemporaryFile("w+") as printed:  # a pipe would stop it when it is full
        load = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        try:
            for _ in range(times):
                wait_until(lambda: answered(edge) >= 100, 30, "requests on the data plane that serves")
                assert load.poll() is None, "the load ended before the restarts did"
                restart_hot(edge)
            code = load.wait(170)
        finally:
            load.kill()
            load.wait()
        printed.seek(0)
        text = printed.read()
    assert code == 0, text[-3000:]
    return text


def test_wrk_with_50_connections_sees_no_error_in_three_hot_restarts(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin), workers=2)
    printed = restart_under(edge, "wrk", "-t1", "-c50", "-d15s", f"http://127.0.0.1:{port}/")
    assert "Non-2xx" not in printed and "Socket errors" not in printed, printed
    assert int(re.search(r"(\d+) requests in", printed)[1]) > 300


def all_answered(printed: str) -> bool:
    """What h2load says of its requests."""
    found = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, 0 failed, 0 errored, 0 timeout", printed)
    return bool(found) and int(found[1]) > 300 and found[1] == found[2] == found[3]


def test_h2load_over_http1_gets_every_answer_in_three_hot_restarts(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin), workers=2)
    printed = restart_under(edge, "h2load", "--h1", "-D15", "-c20", f"http://127.0.0.1:{port}/")
    assert all_answered(printed), printed


def test_curl_over_http2_gets_every_answer_in_three_hot_restarts(tls_edge, authority):
    edge, port = tls_edge
    url = f"https://shop.localhost:{port}/[1-40000]"
    printed = restart_under(edge, "curl", "-q", "-sS", "--no-progress-meter", "--parallel", "--parallel-max", "50", "--http2",
                            "--noproxy", "*", "--cacert", str(authority.ca), "--resolve", f"shop.localhost:{port}:127.0.0.1",
                            "-o", "/dev/null", "-w", "%{http_version} %{http_code} %{errormsg}\n", url)
    assert collections.Counter(printed.splitlines()) == {"2 200 ": 40000}


def test_every_http2_request_that_was_sent_around_a_hot_restart_is_answered(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin), workers=2)
    # h2load opens no second connection after a GOAWAY, so there is one restart. A request that it may not send any more it
    # counts as failed, whatever server it talks to; so what went over the wire is counted instead.
    with H2Tap(port) as tap:
        restart_under(edge, "h2load", "--no-tls-proto=h2c", "-D12", "-c20", "-m10", f"http://127.0.0.1:{tap.port}/", times=1)
    assert tap.told_to_go() == 20, "the load ended before the restart did"
    assert tap.asked() > 300
    assert tap.unanswered() == [] and tap.resets() == 0


class PausingClients:
    """Clients that keep their connections, and pause between requests as people do; `failures` were not answered."""

    def __init__(self, port: int, count: int, pause_max_s: float):
        self.failures, self.answered, self._port, self._pause_max_s = [], 0, port, pause_max_s
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def _run(self, seed: int):
        chance = random.Random(seed)
        while not self._stopping.is_set():
            try:
                with RawClient(self._port) as client:
                    self._converse(client, chance)
            except Exception as error:  # every kind of failure is one
                self.failures.append(repr(error))

    def _converse(self, client, chance):
        while not self._stopping.is_set():
            answer = client.request(GET)
            self.answered += 1
            if answer.status != 200:
                self.failures.append(answer.status)
            if answer.field("connection") == "close":
                return
            self._stopping.wait(chance.uniform(0, self._pause_max_s))

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)


def test_clients_that_pause_between_requests_lose_none_in_three_hot_restarts(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin), workers=2)
    clients = PausingClients(port, 24, 2.0)
    wait_until(lambda: clients.answered > 24, 30, "answers")
    for _ in range(RESTARTS):
        restart_hot(edge)
        goal = clients.answered + 48
        wait_until(lambda: clients.answered > goal, 30, "answers")
    clients.stop()
    assert clients.failures == []


def test_a_connection_that_was_idle_through_a_hot_restart_is_served_and_told_to_close(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin))
    with RawClient(port) as client:
        assert client.request(GET).field("connection") is None
        restart_hot(edge)
        # The old one may hear of its successor a moment later than the log does.
        answers = iter(lambda: client.request(GET), None)
        wait_until(lambda: next(answers).field("connection") == "close", 10, "an answer that says close")
        assert client.is_closed()
    with RawClient(port) as client:
        assert client.request(GET).field("connection") is None, "the new one keeps connections"


def test_idle_connections_do_not_hold_up_the_end(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin))
    with RawClient(port) as retiring:
        assert retiring.request(GET).status == 200
        restart_hot(edge)
        with RawClient(port) as serving_one:
            assert serving_one.request(GET).status == 200
            assert edge.stop(timeout_s=12) == 0
            assert serving_one.is_closed() and retiring.is_closed()


def test_who_waits_in_the_queue_at_the_end_is_served(headgate, quick_origin, free_port):
    port = free_port()
    edge = headgate(simple_edge(port, quick_origin), workers=2)
    plane = serving(edge)
    os.kill(plane, signal.SIGSTOP)
    waiting = [RawClient(port).send(GET) for _ in range(40)]
    edge.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping" in edge.stderr(), 10, "the order to stop")
    os.kill(plane, signal.SIGCONT)
    assert [client.read_response().status for client in waiting] == [200] * 40
    assert edge.process.wait(30) == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()


@pytest.fixture
def tls_edge(headgate, quick_origin, free_port, authority):
    port = free_port()
    config = documents(gateway(https_listener(port, "local-tls")), tls_secret(authority.issue("shop.localhost")),
                       upstream("origin", quick_origin), route(rule("origin")))
    return headgate(config, workers=2), port


def s_client(port: int, *args) -> str:
    """One TLS 1.3 connection with a request on it; what openssl says of the session."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.localhost", *map(str, args)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    client.stdin.write("GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n")
    client.stdin.flush()
    printed = "".join(iter(client.stdout.readline, ""))  # until the edge closes
    client.stdin.close()
    client.wait(20)
    client.stdout.close()
    return printed


def test_tls_sessions_resume_across_a_hot_restart_and_the_death_of_a_data_plane(tls_edge, tmp_path):
    edge, port = tls_edge
    session = tmp_path / "session"
    assert "New, TLSv1.3" in s_client(port, "-sess_out", session)
    assert "Reused, TLSv1.3" in s_client(port, "-sess_in", session), "tickets work at all"
    restart_hot(edge)
    assert "Reused, TLSv1.3" in s_client(port, "-sess_in", session)
    killed = serving(edge)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: serving(edge) not in (0, killed), 20, "another data plane")
    edge.wait_ready()
    assert "Reused, TLSv1.3" in s_client(port, "-sess_in", session)
    for pid in [edge.process.pid, *edge.children()]:
        assert b"HEADGATE_TICKET" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def test_a_second_edge_with_the_same_state_directory_names_the_first_and_exits_1(headgate, quick_origin, free_port, tmp_path):
    edge = headgate(simple_edge(free_port(), quick_origin))
    restart_hot(edge)  # the lock stays with the process
    second = Edge(tmp_path / "second", simple_edge(free_port(), quick_origin))
    second.state = edge.state
    second.start(ready=False)
    assert second.process.wait(20) == 1
    assert f"is locked by process {edge.process.pid}" in second.stderr() and str(edge.state) in second.stderr()
    assert edge.stop() == 0
    third = Edge(tmp_path / "third", simple_edge(free_port(), quick_origin))
    third.state = edge.state
    third.start()
    third.close()


def test_sigusr1_opens_the_access_log_anew(headgate, quick_origin, free_port, tmp_path):
    port, log, rotated = free_port(), tmp_path / "access.log", tmp_path / "access.log.1"
    edge = headgate(simple_edge(port, quick_origin), args=["--access-log", str(log)])
    assert fetch(f"http://127.0.0.1:{port}/before").status == 200
    wait_until(lambda: "/before" in log.read_text(), 10, "the line of the first request")
    log.rename(rotated)
    edge.process.send_signal(signal.SIGUSR1)
    wait_until(log.exists, 10, "the new file")
    assert fetch(f"http://127.0.0.1:{port}/after").status == 200
    wait_until(lambda: "/after" in log.read_text(), 10, "the line of the second request")
    assert "/after" not in rotated.read_text() and "/before" not in log.read_text()
