"""How many attempts a request may cost an origin: hedges, the budget of retries, the limit that finds itself."""

import threading
import time

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.h2client import H2Client
from support.origin import read_request, response
from support.traps import get, policy
from support.wait import wait_until

SPARE = {"outlierDetection": {"enabled": False}, "loadBalancing": {"policy": "RoundRobin"}}


def edge_with(port: int, *origins, traffic: dict = None, **spec) -> str:
    return documents(gateway(http_listener(port)), route(rule("origin"), hostnames=["a", "localhost"]), policy("TrafficPolicy", traffic or {}),
                     upstream("origin", *[origin.port for origin in origins], **SPARE, **spec))


def hedging(delay: str) -> dict:
    return {"hedging": {"enabled": True, "delay": delay}}


def upstream_metrics(edge, *names: str) -> list:
    samples = edge.metrics()
    return [samples[f'headgate_upstream_{name}_total{{upstream="default/origin"}}'] for name in names]


def both(origins, target: str) -> list:
    """The two requests for `target`, one at each origin, the earlier first."""
    found = wait_until(lambda: len(f := [r for o in origins for r in o.requests if r.target == target]) == 2 and f, 20, target)
    return sorted(found, key=lambda request: request.arrived)


@pytest.mark.parametrize("winner", [0, 1], ids=["the first attempt wins", "the hedge wins"])
def test_a_hedge_starts_after_its_delay_at_another_endpoint_and_the_loser_is_cut_off(headgate, held_origin, free_port, winner):
    origins, port = [held_origin(), held_origin()], free_port()
    edge = headgate(edge_with(port, *origins, traffic=hedging("300ms")))
    with RawClient(port) as client:
        assert client.request(get(host="unknown")).status == 404  # from here on the edge reads when it is told to, not sooner
        for number in range(3):
            sent = time.monotonic()
            client.send(get(f"/{number}"))
            attempts = both(origins, f"/{number}")
            assert attempts[1].arrived - sent >= 0.3, "the hedge did not wait"
            attempts[winner].answer(body=b"winner %d" % number)
            assert client.read_response().body == b"winner %d" % number
            assert attempts[1 - winner].cancelled.wait(20) and not attempts[winner].cancelled.is_set()
    assert [origin.targets() for origin in origins] == [["/0", "/1", "/2"]] * 2
    assert upstream_metrics(edge, "hedges", "hedge_wins", "retries", "retries_refused") == [3, 3 * winner, 0, 0]


def test_two_answers_at_once_reach_the_client_as_one(headgate, held_origin, free_port):
    origins, port = [held_origin(), held_origin()], free_port()
    headgate(edge_with(port, *origins, traffic=hedging("1ms")))
    with RawClient(port) as client:
        for target in [*(f"/{number}" for number in range(30)), "/last"]:
            client.send(get(target, *(["Connection: close"] if target == "/last" else [])))
            for attempt in both(origins, target):
                attempt.answer(body=target.encode())
            if target != "/last":
                assert client.read_response().body == target.encode()
        received = client.read_to_end()
    assert received.count(b"HTTP/1.1 ") == 1 and received.endswith(b"/last")


def test_the_loser_of_a_hedge_over_http2_is_reset_and_its_connection_goes_on(headgate, held_h2_origin, free_port):
    origins, port = [held_h2_origin(), held_h2_origin()], free_port()
    headgate(edge_with(port, *origins, protocol="HTTP2", traffic=hedging("50ms")))
    with RawClient(port) as client:
        for target in ("/a", "/b", "/c"):
            client.send(get(target))
            first, second = both(origins, target)
            second.answer(body=target.encode())
            assert client.read_response().body == target.encode()
            assert first.cancelled.wait(20) and not second.cancelled.is_set()
    resets = {**origins[0].resets, **origins[1].resets}
    assert resets == {"/a": 8, "/b": 8, "/c": 8}, "CANCEL for each loser alone (RFC 9113 §7)"
    assert [origin.accepted for origin in origins] == [1, 1]


def test_an_answer_within_the_delay_is_not_hedged(headgate, origin, free_port):
    origins, port = [origin(), origin()], free_port()
    edge = headgate(edge_with(port, *origins, traffic=hedging("30s")))
    with RawClient(port) as client:
        assert {client.request(get()).status for _ in range(50)} == {200}
    assert [len(made.requests) for made in origins] == [25, 25]
    assert upstream_metrics(edge, "hedges", "hedge_wins") == [0, 0]


def test_only_safe_requests_without_a_body_are_hedged(headgate, held_origin, free_port):
    origins, port = [held_origin(), held_origin()], free_port()
    edge = headgate(edge_with(port, *origins, traffic=hedging("1ms")))
    requests = {f"/{method}": get(f"/{method}", method=method) for method in ("POST", "PUT", "DELETE", "PATCH", "PURGE")}
    requests["/body"] = get("/body", "Content-Length: 1") + b"x"
    for target, data in requests.items():
        with RawClient(port) as client:
            client.send(data)
            wait_until(lambda: target in origins[0].targets() + origins[1].targets(), 20, target)
            with RawClient(port) as other:  # its hedge is due later than one of the request before would have been
                other.send(get(f"/then{target}"))
                both(origins, f"/then{target}")[0].answer()
                assert other.read_response().status == 200
            held = [r for o in origins for r in o.requests if r.target == target]
            assert len(held) == 1, f"{target} was sent twice"
            held[0].answer()
            assert client.read_response().status == 200
    assert upstream_metrics(edge, "hedges") == [len(requests)]


@pytest.mark.parametrize("percent, least, hedged", [(20, 3, 10), (0, 0, 0), (0, 7, 7), (100, 0, 50)])
def test_hedges_at_once_are_as_many_as_the_budget_says(headgate, held_origin, free_port, percent, least, hedged):
    held, port = held_origin(), free_port()
    edge = headgate(edge_with(port, held, traffic=hedging("500ms"), limits={"retryBudgetPercent": percent, "minRetries": least}))
    with H2Client(port) as client:
        for wave in (1, 2):  # what the first one used is there again
            streams = client.open_many(f"/{n}" for n in range(50))
            wait_until(lambda: sum(upstream_metrics(edge, "hedges", "retries_refused")) == 50 * wave, 20, "50 decisions")
            assert upstream_metrics(edge, "hedges", "retries_refused") == [hedged * wave, (50 - hedged) * wave]
            held.wait_for(50 + hedged)
            held.let_go()
            assert [client.answer(stream).status for stream in streams] == [200] * 50
            assert len(held.requests) == 50 + hedged
            held.hold()


def test_a_hedge_that_finds_no_room_leaves_the_first_attempt_alone(headgate, held_origin, free_port):
    held, port = held_origin(), free_port()
    edge = headgate(edge_with(port, held, traffic=hedging("20ms"), limits={"maxRequests": 2}))
    with RawClient(port) as first, RawClient(port) as second:
        first.send(get("/first"))
        wait_until(lambda: upstream_metrics(edge, "hedges") == [1], 20, "a hedge, which takes the last place")
        assert second.request(get("/second")).status == 503
        held.wait_for(2)[0].answer(body=b"first")
        assert first.read_response().body == b"first"
    assert held.targets() == ["/first", "/first"]


def decided(edge, retries: int, refused: int):
    wait_until(lambda: upstream_metrics(edge, "retries", "retries_refused") == [retries, refused], 20,
               f"{retries} retries and {refused} refused ones")


RETRIES = {"retry": {"attempts": 10, "onStatuses": [503], "backoff": "1ms"}}


def test_retries_of_an_origin_that_always_fails_are_as_many_as_the_budget_says(headgate, held_origin, free_port):
    held, port = held_origin(), free_port()
    edge = headgate(edge_with(port, held, traffic=RETRIES))

    with H2Client(port) as client:
        streams = client.open_many(f"/{n}" for n in range(50))
        for request in held.wait_for(50):
            request.answer(503)
        decided(edge, 10, 40)  # a fifth of 50
        for request in held.wait_for(60)[50:]:
            request.answer(503)
        decided(edge, 10 + 3, 40 + 7)  # of the ten that are left the minimum may try again
        held.let_go(503)
        assert [client.answer(stream).status for stream in streams] == [503] * 50
        decided(edge, 10 + 3 * 9, 47)  # and those three use all their attempts
        assert len(held.requests) == 50 + 37
        held.hold()
        held.let_go(503)
        assert client.request().status == 503
        decided(edge, 37 + 10, 47)  # nothing of the budget is lost
        held.hold()
        held.let_go(200)
        assert client.request().status == 200 and len(held.requests) == 1


@pytest.mark.parametrize("percent, least, share", [(20, 0, 10), (0, 3, 3), (0, 0, 0), (100, 0, 50)])
def test_over_a_run_the_share_of_requests_that_are_retried_is_the_budgets(headgate, held_origin, free_port, percent, least, share):
    held, port = held_origin(), free_port()
    traffic = {"retry": {**RETRIES["retry"], "attempts": 1}}
    edge = headgate(edge_with(port, held, traffic=traffic, limits={"retryBudgetPercent": percent, "minRetries": least}))
    with H2Client(port) as client:
        for wave in range(1, 6):
            streams = client.open_many(f"/{n}" for n in range(50))
            for request in held.wait_for(50):
                request.answer(503)
            decided(edge, share * wave, (50 - share) * wave)
            held.wait_for(50 + share)
            held.let_go(503)
            assert [client.answer(stream).status for stream in streams] == [503] * 50
            assert len(held.requests) == 50 + share
            held.hold()


@pytest.mark.parametrize("most", [1, 5])
def test_requests_beyond_the_adaptive_limit_are_503_at_once_and_counted(headgate, held_origin, free_port, most):
    held, port = held_origin(), free_port()
    edge = headgate(edge_with(port, held, adaptiveConcurrency={"enabled": True, "minLimit": most, "maxLimit": most}))
    with H2Client(port) as client:
        for wave in (1, 2):
            streams = client.open_many(f"/{n}" for n in range(20))
            client.wait(lambda: len(client.ended) == 20 * wave - most)
            refused = client.ended & set(streams)
            assert {client.answers[stream].status for stream in refused} == {503}
            held.wait_for(most)
            assert sorted(held.targets()) == [f"/{n}" for n in range(most)]
            assert upstream_metrics(edge, "overflows") == [wave * (20 - most)]
            held.let_go()
            assert sorted(client.answer(stream).status for stream in streams) == [200] * most + [503] * (20 - most)
            held.hold()
    assert edge.wait_log(lambda entry: entry.get("status") == 503)["reason"] == "upstream_overflow"


def test_the_adaptive_limit_rises_falls_when_latency_rises_and_rises_again(headgate, raw_origin, free_port):
    port, latency, never = free_port(), [0.05], threading.Event()

    def handler(connection):
        while True:
            read_request(connection)
            never.wait(latency[0])  # far more than what a busy machine adds
            connection.send(response())

    headgate(edge_with(port, raw_origin(handler), adaptiveConcurrency={
        "enabled": True, "minLimit": 4, "maxLimit": 60, "latencyTolerance": 4}))
    with H2Client(port, timeout_s=60) as client:
        def admitted() -> int:
            statuses = [client.answer(stream).status for stream in client.open_many(["/"] * 60)]
            assert set(statuses) <= {200, 503}
            return statuses.count(200)

        assert admitted() == 8, "it begins with twice its minimum"
        wait_until(lambda: admitted() >= 36, 30, "a limit that has grown")
        latency[0] = 0.8
        wait_until(lambda: admitted() <= 12, 30, "a limit that has fallen")
        latency[0] = 0.05
        wait_until(lambda: admitted() >= 36, 30, "a limit that has grown again")
