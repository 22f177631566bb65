"""The limit of connections to an upstream, over several workers: nobody is refused, or waits, for a connection that idles elsewhere."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.origin import read_request, response
from support.traps import get, policy, post
from support.wait import wait_until

CLIENTS, REQUESTS = 12, 25


class Watch:
    """The most requests that were under way at origins at once; `answer` is for HttpOrigin."""

    def __init__(self):
        self.now, self.most, self._lock = 0, 0, threading.Lock()

    def answer(self, request):
        self._add(1)
        body = request.target.encode() + request.body
        self._add(-1)
        return response(body=body)

    def _add(self, more: int):
        with self._lock:
            self.now += more
            self.most = max(self.most, self.now)


def limited(port: int, *origins, connections: int, pending: int = 1024, traffic: dict = None, **spec) -> str:
    return documents(gateway(http_listener(port)), route(rule("origin")), policy("TrafficPolicy", traffic or {}),
                     upstream("origin", *[origin.port for origin in origins], outlierDetection={"enabled": False},
                              limits={"maxConnections": connections, "maxPending": pending, "maxRequests": 100000},
                              **{"loadBalancing": {"policy": "RoundRobin"}, **spec}))


def talk(port: int, number: int, method: str, requests: int = REQUESTS) -> list:
    """How long each answer took; every one is the right one."""
    took = []
    with RawClient(port, timeout_s=60) as client:
        for turn in range(requests):
            target, body = f"/{number}/{turn}", b"" if method == "GET" else b"-%d" % turn
            begun = time.monotonic()
            answer = client.request(get(target) if method == "GET" else post(body, path=target))
            took.append(time.monotonic() - begun)
            assert (answer.status, answer.body) == (200, target.encode() + body)
    return took


def talk_all(port: int, method: str = "GET", clients: int = CLIENTS) -> list:
    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(lambda number: talk(port, number, method), range(clients)), [])


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_many_clients_share_the_connections_of_the_limit(headgate, origin, free_port, workers, connections, method):
    watch, port = Watch(), free_port()
    made = origin(watch.answer)
    edge = headgate(limited(port, made, connections=connections), workers=workers)
    talk_all(port, method)
    assert watch.most <= connections and made.accepted <= connections
    assert len(made.requests) == CLIENTS * REQUESTS
    assert edge.metric("headgate_upstream_overflows_total") == 0
    assert edge.metric("headgate_upstream_connections") <= connections
    assert edge.metric("headgate_upstream_pending_requests") == 0


def test_connections_over_tls_change_their_worker_too(headgate, origin, authority, free_port):
    watch, port = Watch(), free_port()
    made = origin(watch.answer, tls=authority.issue("backend.example").server_context())
    trust = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": authority.ca_pem}}
    tls = {"serverName": "backend.example", "caCertificateRefs": [{"name": "ca"}]}
    edge = headgate(documents(limited(port, made, connections=2, protocol="HTTPS", tls=tls), trust), workers=2)
    talk_all(port)
    assert watch.most <= 2 and made.accepted <= 2
    assert edge.metric("headgate_upstream_borrowed_connections_total") > 0


def test_a_connection_that_began_with_the_address_of_a_client_is_closed_for_another_worker(headgate, raw_origin, free_port):
    watch, port = Watch(), free_port()

    def handler(connection):
        connection.read_until(b"\r\n")
        while True:
            connection.send(watch.answer(read_request(connection)))

    made = raw_origin(handler)
    edge = headgate(limited(port, made, connections=1, proxyProtocol="V1"), workers=2)
    talk_all(port)
    assert watch.most == 1 and made.accepted > 1
    assert edge.metric("headgate_upstream_borrowed_connections_total") == 0


def test_several_endpoints_share_the_limit(headgate, origin, free_port):
    watch, port = Watch(), free_port()
    made = [origin(watch.answer) for _ in range(3)]
    edge = headgate(limited(port, *made, connections=2), workers=2)
    talk_all(port)
    assert watch.most <= 2
    assert min(len(one.requests) for one in made) >= CLIENTS * REQUESTS / 6
    assert edge.metric("headgate_upstream_overflows_total") == 0


def test_an_idle_connection_of_another_worker_is_there_at_once(headgate, origin, free_port):
    made, port = origin(Watch().answer), free_port()
    edge = headgate(limited(port, made, connections=1), workers=2)
    clients = [RawClient(port) for _ in range(10)]
    took = []
    for turn in range(20):
        for client in clients:
            begun = time.monotonic()
            assert client.request(get(f"/{turn}")).status == 200
            took.append(time.monotonic() - begun)
    for client in clients:
        client.sock.close()
    assert made.accepted == 1
    changes = edge.metric("headgate_upstream_borrowed_connections_total")
    assert changes > 20
    assert sum(took) < 0.1 * changes, "waited for a timer"


def test_http2_connections_end_for_another_worker_when_they_are_unused(headgate, held_h2_origin, free_port):
    made, port = held_h2_origin(), free_port()
    made.let_go()
    edge = headgate(limited(port, made, connections=1, protocol="HTTP2"), workers=2)
    clients = [RawClient(port) for _ in range(10)]
    for turn in range(5):
        assert {client.request(get(f"/{turn}")).status for client in clients} == {200}
    for client in clients:
        client.sock.close()
    assert edge.metric("headgate_upstream_overflows_total") == 0
    assert edge.metric("headgate_upstream_connections") == 1


def test_http2_connections_in_use_make_room_for_a_worker_that_waits_for_long(headgate, held_h2_origin, free_port):
    made, port, stop = held_h2_origin(), free_port(), threading.Event()
    made.let_go()
    headgate(limited(port, made, connections=1, protocol="HTTP2"), workers=2)

    def keep_asking(number):
        longest = 0
        with RawClient(port, timeout_s=60) as client:
            while not stop.is_set():
                begun = time.monotonic()
                assert client.request(get(f"/{number}")).status == 200
                longest = max(longest, time.monotonic() - begun)
        return longest

    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(keep_asking, number) for number in range(CLIENTS)]
        wait_until(lambda: made.accepted >= 4, 30, "several changes of the worker that has the connection")
        stop.set()
        assert max(one.result() for one in asking) < 20


def test_who_waits_gets_the_place_of_a_client_that_left(headgate, held_origin, free_port):
    made, port = held_origin(), free_port()
    headgate(limited(port, made, connections=1), workers=2)
    clients = [RawClient(port) for _ in range(8)]
    for number, client in enumerate(clients):
        client.send(get(f"/{number}"))
    for turn in range(len(clients)):
        request = made.wait_for(turn + 1)[turn]
        clients[int(request.target[1:])].sock.close()  # a request that ends without an answer takes its connection with it
        assert request.cancelled.wait(20)
    assert made.accepted == len(clients)


def test_who_waits_gets_a_new_connection_when_the_origin_cuts_the_old_one(headgate, raw_origin, free_port):
    watch, port = Watch(), free_port()

    def handler(connection):
        for _ in range(3):
            connection.send(watch.answer(read_request(connection)))

    made = raw_origin(handler)
    headgate(limited(port, made, connections=1), workers=2)
    talk_all(port)
    assert watch.most == 1 and made.accepted >= CLIENTS * REQUESTS / 3


def test_who_waits_for_another_worker_waits_within_its_limits(headgate, held_origin, free_port):
    made, port = held_origin(), free_port()
    edge = headgate(limited(port, made, connections=1, pending=2, traffic={"timeouts": {"backendRequest": "2s"}}), workers=2)
    with ThreadPoolExecutor(12) as pool:
        clients = [RawClient(port) for _ in range(12)]
        answers = [pool.submit(client.request, get()) for client in clients]
        statuses = sorted(answer.result().status for answer in answers)
        assert statuses.count(503) >= 12 - 1 - 2 * 2, "more waited than may"
        assert set(statuses) <= {503, 504} and statuses.count(504) >= 3
        assert len(made.requests) <= len(answers) - statuses.count(503)
        made.let_go()
        assert {client.request(get()).status for client in clients} == {200}
        for client in clients:
            client.sock.close()
    assert edge.metric("headgate_upstream_pending_requests") == 0


def test_a_change_of_configuration_loses_nobody_who_waits(headgate, held_origin, free_port):
    made, port = held_origin(), free_port()
    before = limited(port, made, connections=1)
    edge = headgate(before, workers=2)
    with ThreadPoolExecutor(11) as pool:
        clients = [RawClient(port) for _ in range(10)]
        answers = [pool.submit(client.request, get(f"/{number}")) for number, client in enumerate(clients)]
        made.wait_for(1)
        edge.wait_metric("headgate_upstream_pending_requests", 9)
        edge.reload(limited(port, made, connections=2))
        edge.wait_metric("headgate_config_reloads_total", 1, result="taken")
        with RawClient(port) as newcomer:
            answers.append(pool.submit(newcomer.request, get("/new")))
            made.wait_for(2)
            made.let_go()
            assert {answer.result().status for answer in answers} == {200}
        for client in clients:
            client.sock.close()


def test_bytes_that_an_origin_was_not_asked_for_answer_nobody_who_waits(headgate, raw_origin, free_port):
    port, go = free_port(), threading.Event()

    def handler(connection):
        while True:
            request = read_request(connection)
            assert go.wait(20)
            answer = response(body=request.target.encode())
            connection.send(answer + (response(body=b"unasked") if request.target == "/first" else b""))

    made = raw_origin(handler)
    edge = headgate(limited(port, made, connections=1), workers=1)
    with RawClient(port) as first, RawClient(port) as second:
        first.send(get("/first"))
        wait_until(lambda: made.accepted == 1, 10, "the first request")
        second.send(get("/second"))
        edge.wait_metric("headgate_upstream_pending_requests", 1)
        go.set()
        assert first.read_response().body == b"/first"
        assert second.read_response().body == b"/second"
    assert made.accepted == 2
