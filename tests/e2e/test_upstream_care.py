"""How the edge spares origins and goes around bad ones: health, ejection, balancing, limits."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.traps import edge_with, get, post
from support.wait import wait_until

NO_EJECTION = {"outlierDetection": {"enabled": False}}


def ask(port: int, *lines: str, path: str = "/"):
    with RawClient(port) as client:
        return client.request(get(path, *lines))


def bodies(port: int, count: int, *lines: str) -> list:
    with RawClient(port) as client:
        return [client.request(get("/", *lines)).body.decode() for _ in range(count)]


def statuses_of_many(port: int, count: int, path: str = "/") -> list:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(port, path=path).status, range(count)))


def limited(port: int, *origin_ports: int, **limits) -> str:
    return documents(gateway(http_listener(port)), route(rule("origin")),
                     upstream("origin", *origin_ports, limits=limits, loadBalancing={"policy": "RoundRobin"}, **NO_EJECTION))


def test_an_endpoint_that_fails_is_ejected_and_comes_back(headgate, origin, free_port):
    port, broken = free_port(), [True]
    bad = origin(lambda request: (500, b"bad") if broken[0] else (200, b"bad"))
    good = origin(name="good")
    headgate(edge_with(port, bad.port, good.port, loadBalancing={"policy": "RoundRobin"},
                       outlierDetection={"consecutiveErrors": 3, "baseEjection": "3s"}))
    bodies(port, 10)
    failed = len(bad.requests)
    assert set(bodies(port, 10)) == {"good"} and len(bad.requests) == failed == 3
    broken[0] = False
    wait_until(lambda: "bad" in bodies(port, 2), 20, "the ejected endpoint to come back")


def test_health_never_empties_a_set(headgate, origin, free_port):
    port = free_port()
    bad = [origin(lambda request: (500, b"bad")) for _ in range(2)]
    headgate(edge_with(port, *[one.port for one in bad], loadBalancing={"policy": "RoundRobin"},
                       outlierDetection={"consecutiveErrors": 1, "maxEjectedPercent": 100}))
    assert bodies(port, 20) == ["bad"] * 20, "with all endpoints ejected, requests must still go to them"


def test_active_checks_take_an_endpoint_out_and_in_again(headgate, origin, free_port):
    port, healthy = free_port(), [True]
    sick = origin(lambda request: (200 if healthy[0] or request.target != "/health" else 503, b"sick"))
    well = origin(name="well")
    headgate(edge_with(port, sick.port, well.port, loadBalancing={"policy": "RoundRobin"},
                       healthCheck={"path": "/health", "interval": "100ms", "healthyThreshold": 1, "unhealthyThreshold": 2}))
    wait_until(lambda: set(bodies(port, 4)) == {"sick", "well"}, 10, "both endpoints in use")
    healthy[0] = False
    wait_until(lambda: set(bodies(port, 6)) == {"well"}, 10, "the failing endpoint to be left out")
    healthy[0] = True
    wait_until(lambda: set(bodies(port, 4)) == {"sick", "well"}, 10, "the recovered endpoint to be used")


def test_a_refused_connection_is_tried_elsewhere_even_for_post(headgate, origin, free_port):
    good, port = origin(name="good"), free_port()
    headgate(edge_with(port, free_port(), good.port, loadBalancing={"policy": "RoundRobin"}, **NO_EJECTION))
    with RawClient(port) as client:
        assert {client.request(post(b"order")).status for _ in range(6)} == {200}
    assert len(good.requests) == 6


def test_least_request_gives_a_stuck_endpoint_little(headgate, held_origin, origin, free_port):
    stuck, quick, port = held_origin(), origin(name="quick"), free_port()
    headgate(edge_with(port, stuck.port, quick.port))
    with ThreadPoolExecutor(30) as pool:
        answers = []
        for number in range(30):  # one after the other, but for those that are stuck
            answers.append(pool.submit(ask, port))
            wait_until(lambda: sum(a.done() for a in answers) + len(stuck.requests) == number + 1, 10, "an answer")
        assert len(stuck.requests) <= 2
        stuck.let_go()
        assert {answer.result().status for answer in answers} == {200}


@pytest.mark.parametrize("balancing", ["RingHash", "Maglev"])
def test_hashing_keeps_a_key_with_its_endpoint(headgate, origin, free_port, balancing):
    origins, port = [origin(name=f"o{n}") for n in range(4)], free_port()
    headgate(edge_with(port, *[one.port for one in origins],
                       loadBalancing={"policy": balancing, "hashKeys": [{"type": "Header", "name": "X-User"}]}))
    homes = {user: set(bodies(port, 4, f"X-User: {user}")) for user in range(24)}
    assert all(len(home) == 1 for home in homes.values())
    assert len(set.union(*homes.values())) == 4


def test_a_cookie_keeps_a_client_with_its_endpoint(headgate, origin, free_port):
    origins, port = [origin(name=f"o{n}") for n in range(4)], free_port()
    headgate(edge_with(port, *[one.port for one in origins], loadBalancing={"policy": "RoundRobin"},
                       rule_spec={"sessionPersistence": {"sessionName": "home", "type": "Cookie"}}))
    first = ask(port)
    cookie = first.field("set-cookie").split(";")[0]
    assert cookie.startswith("home=") and "httponly" in first.field("set-cookie").lower()
    assert set(bodies(port, 8, f"Cookie: a=b; {cookie}")) == {first.body.decode()}
    forged = ask(port, "Cookie: home=forged")
    assert forged.field("set-cookie") and sorted([forged.body.decode(), *bodies(port, 3, "Cookie: home=forged")]) == ["o0", "o1", "o2", "o3"]


def test_more_requests_than_the_limit_are_503_at_once(headgate, held_origin, free_port):
    held, port = held_origin(), free_port()
    headgate(limited(port, held.port, maxRequests=5))
    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(ask, port) for _ in range(5)]
        held.wait_for(5)
        assert statuses_of_many(port, 5) == [503] * 5
        held.let_go()
        assert {answer.result().status for answer in answers} == {200}


def test_requests_wait_for_a_connection_up_to_the_pending_limit(headgate, held_origin, free_port):
    held, port = held_origin(), free_port()
    headgate(limited(port, held.port, maxConnections=2, maxPending=3), workers=1)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(ask, port) for _ in range(10)]
        wait_until(lambda: sum(answer.done() for answer in answers) == 5, 10, "those over the limit to be answered")
        assert {answer.result().status for answer in answers if answer.done()} == {503}
        assert held.accepted == 2
        held.let_go()
        assert sorted(answer.result().status for answer in answers) == [200] * 5 + [503] * 5
    assert held.accepted == 2


def test_a_connection_limit_with_idle_connections_to_other_endpoints_refuses_nobody(headgate, origin, free_port):
    first, second, port = origin(name="first"), origin(name="second"), free_port()
    headgate(limited(port, first.port, second.port, maxConnections=1))
    assert sorted(set(bodies(port, 6))) == ["first", "second"]
