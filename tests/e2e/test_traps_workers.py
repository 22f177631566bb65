"""Several workers that act as one, and names that change. Rows 27 and 30 of the list of traps."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, simple_edge, upstream
from support.nameserver import NameServer
from support.origin import HttpOrigin, read_request, response
from support.traps import edge_with, get, watched_by_each_loop
from support.wait import wait_until


@pytest.fixture
def names():
    made = []

    def make(addresses, **options):
        made.append(NameServer(addresses, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def twins(free_port):
    """Two origins on one port of two loopback addresses: answers say which one."""
    first = HttpOrigin(name="first", host="127.0.0.1", port=free_port())
    second = HttpOrigin(name="second", host="127.0.0.2", port=first.port)
    yield first, second
    first.close()
    second.close()


def named_edge(port: int, origin_port: int, **spec) -> str:
    return documents(gateway(http_listener(port)), route(rule("origin")),
                     upstream("origin", origin_port, address="shop.test", dns={"minTTL": "1s", "maxTTL": "1s"}, **spec))


def answered_by(port: int, count: int = 1) -> set:
    with RawClient(port) as client:
        return {client.request(get()).body.decode() for _ in range(count)}


def test_row_27_a_changed_name_moves_the_traffic_and_cuts_nobody(headgate, names, twins, free_port):
    server, port = names({"shop.test": ["127.0.0.1"]}), free_port()
    headgate(named_edge(port, twins[0].port), args=["--dns-server", server.address])
    wait_until(lambda: answered_by(port) == {"first"}, 10, "the first address")
    with RawClient(port) as kept:
        assert kept.request(get()).body == b"first"
        server.addresses["shop.test"] = ["127.0.0.2"]
        wait_until(lambda: kept.request(get()).body == b"second", 10, "the second address, on a connection that stays")


def test_row_27_a_name_with_two_addresses_uses_both(headgate, names, twins, free_port):
    server, port = names({"shop.test": ["127.0.0.1", "127.0.0.2"]}), free_port()
    headgate(named_edge(port, twins[0].port, loadBalancing={"policy": "RoundRobin"}), args=["--dns-server", server.address])
    wait_until(lambda: answered_by(port, 4) == {"first", "second"}, 10, "both addresses")


def test_row_27_a_failing_or_empty_answer_keeps_the_last_good_addresses(headgate, names, twins, free_port):
    server, port = names({"shop.test": ["127.0.0.1"]}), free_port()
    headgate(named_edge(port, twins[0].port), args=["--dns-server", server.address])
    wait_until(lambda: answered_by(port) == {"first"}, 10, "the first address")
    for failure in ({"rcode": 2}, {"rcode": 3}, {"rcode": 0, "addresses": {}}):
        vars(server).update(failure)
        asked = server.queries["shop.test"]
        wait_until(lambda: server.queries["shop.test"] > asked + 1, 15, "two more look-ups")
        assert answered_by(port, 3) == {"first"}, failure
    server.addresses = {"shop.test": ["127.0.0.2"]}
    wait_until(lambda: answered_by(port) == {"second"}, 10, "the next good answer to count")


@pytest.mark.parametrize("fails", ["ipv4", "ipv6"])
def test_row_27_a_failing_family_keeps_its_addresses_while_the_other_one_changes(headgate, origin, names, free_port, fails):
    first = origin(name="ipv4", host="127.0.0.1")
    origin(name="ipv6", host="::1", port=first.port)
    origin(name="moved", host="127.0.0.2", port=first.port)
    server, port = names({"shop.test": ["127.0.0.1"]}), free_port()
    server.ipv6 = {"shop.test": ["::1"]}
    edge = headgate(named_edge(port, first.port, loadBalancing={"policy": "RoundRobin"}), args=["--dns-server", server.address])
    wait_until(lambda: answered_by(port, 8) == {"ipv4", "ipv6"}, 10, "both families")
    if fails == "ipv6":
        server.ipv6_rcode, server.addresses, left = 2, {"shop.test": ["127.0.0.2"]}, {"moved", "ipv6"}
    else:
        server.ipv4_rcode, server.ipv6, left = 2, {}, {"ipv4"}
    wait_until(lambda: answered_by(port, 8) == left, 15, "the answered family to change and the failed one to stay")
    edge.wait_metric("headgate_dns_lookup_failures_total", 3)
    assert answered_by(port, 8) == left
    server.ipv4_rcode = server.ipv6_rcode = 0
    server.addresses, server.ipv6 = {"shop.test": ["127.0.0.2"]}, {"shop.test": []}
    wait_until(lambda: answered_by(port, 8) == {"moved"}, 15, "an answer of both families")


def shares(edge, before: dict) -> list:
    """How many more descriptors each loop watches now, the busiest first."""
    now = watched_by_each_loop(edge)
    return sorted((count - before.get(name, 0) for name, count in now.items()), reverse=True)


def test_row_30_connections_that_come_one_by_one_are_spread_over_the_workers(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(simple_edge(port, made.port), workers=2)
    before = watched_by_each_loop(edge)
    clients = []
    for _ in range(60):
        clients.append(RawClient(port))
        assert clients[-1].request(get()).status == 200
    first, second, *_ = shares(edge, before)
    assert first + second >= 60 and second >= 15, (first, second)
    for client in clients:
        client.sock.close()


def test_row_30_a_burst_of_connections_is_spread_over_the_workers(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(simple_edge(port, made.port), workers=2)
    before = watched_by_each_loop(edge)
    with ThreadPoolExecutor(20) as pool:
        clients = list(pool.map(lambda _: RawClient(port), range(200)))
        assert set(pool.map(lambda client: client.request(get()).status, clients)) == {200}
    first, second, *_ = shares(edge, before)
    assert second >= 50, (first, second)
    for client in clients:
        client.sock.close()


def test_a_rate_limit_is_exact_over_two_workers(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, limits=[{"name": "all", "requests": 37, "period": "1h", "key": [{"type": "Header", "name": "X-Key"}]}]),
             workers=2)

    def ask(number):
        with RawClient(port) as client:
            return [client.request(get("/", f"X-Key: {key}")) for key in ("a", "b") for _ in range(10)]

    with ThreadPoolExecutor(20) as pool:
        answers = sum(pool.map(ask, range(20)), [])
    refused = [answer for answer in answers if answer.status == 429]
    assert len(answers) - len(refused) == len(made.requests) == 2 * 37
    assert len(refused) == 400 - 74 and all(int(answer.field("retry-after")) > 0 for answer in refused)


def test_idle_connections_of_one_worker_serve_the_other(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(edge_with(port, made.port, idleTimeout="30s"), workers=2)
    clients = [RawClient(port) for _ in range(16)]
    for client in clients:
        assert client.request(get()).status == 200
    opened = made.accepted
    assert opened <= 2, "one connection a worker is enough for one request at a time"

    def borrowed() -> bool:
        for client in clients[:8]:
            assert client.request(get()).status == 200
        return edge.metric("headgate_upstream_borrowed_connections_total") > 0

    wait_until(borrowed, 15, "a connection that goes to the other worker", step_s=0.8)
    assert made.accepted <= opened + 2
    for client in clients:
        client.sock.close()


def test_a_connection_limit_is_for_the_process_and_refuses_nobody_while_connections_idle(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(documents(gateway(http_listener(port)), route(rule("origin")), upstream("origin", made.port, limits={"maxConnections": 1})), workers=2)
    clients = [RawClient(port) for _ in range(10)]
    assert {client.request(get()).status for _ in range(5) for client in clients} == {200}
    assert made.open_connections() == 1
    for client in clients:
        client.sock.close()


def test_a_dying_origin_connection_in_a_worker_reaches_no_client_of_the_other(headgate, raw_origin, free_port):
    port, lock, served = free_port(), threading.Lock(), []

    def handler(connection):
        for _ in range(3):
            request = read_request(connection)
            with lock:
                served.append(request.target)
            connection.send(response(body=request.target.encode()))

    headgate(simple_edge(port, raw_origin(handler).port), workers=2)

    def ask(number):
        with RawClient(port) as client:
            return [client.request(get(f"/{number}/{n}")).body.decode() == f"/{number}/{n}" for n in range(30)]

    with ThreadPoolExecutor(8) as pool:
        assert all(sum(pool.map(ask, range(8)), []))
