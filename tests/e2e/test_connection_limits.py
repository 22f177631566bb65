"""Limits of connections that hold for the whole process, whichever workers the connections are on."""

import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, https_listener, route, rule, tls_secret, upstream
from support.h2client import H2Client
from support.traps import edge_with, get, policy
from support.wait import wait_until

LIMIT = 5


def address_limit(port: int, origin_port: int, **connection) -> str:
    return edge_with(port, origin_port, traffic={"connection": {"maxConnectionsPerAddress": LIMIT, **connection}})


def served(port: int, before: bytes = b"", **options):
    """A client that was answered, or None when its connection was refused."""
    try:
        client = RawClient(port, **options)
        assert client.send(before + get()).read_response().status == 200
        return client
    except (ConnectionError, EOFError):
        return None


def served_at_once(port: int, count: int, **options) -> list:
    with ThreadPoolExecutor(count) as pool:
        return [client for client in pool.map(lambda _: served(port, **options), range(count)) if client]


def close_all(clients):
    for client in clients:
        client.sock.close()


def wait_for_none(edge):
    wait_until(lambda: edge.metric("headgate_connections") == 0, 20, "all client connections to be gone")


def places(port: int, edge, **options) -> int:
    """How many of many connections at once are let in, when none is open before."""
    wait_for_none(edge)
    clients = served_at_once(port, 3 * LIMIT, **options)
    close_all(clients)
    return len(clients)


def test_an_address_gets_exactly_its_connections_over_several_workers(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(address_limit(port, made.port), workers=3)
    for attempt in range(5):
        assert places(port, edge) == LIMIT, f"attempt {attempt}"
    assert edge.metric("headgate_connections_refused_total") == 5 * 2 * LIMIT
    wait_for_none(edge)
    clients = served_at_once(port, LIMIT)
    with RawClient(port, source="127.0.0.2") as neighbour:
        assert neighbour.request(get()).status == 200
    close_all(clients)


def test_a_limit_that_comes_with_a_change_counts_the_connections_that_are_open(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"connection": {}}), workers=2)
    clients = served_at_once(port, LIMIT - 1)
    edge.reload(address_limit(port, made.port))
    edge.wait_metric("headgate_config_reloads_total", 1, result="taken")
    more = served_at_once(port, LIMIT)
    assert (len(clients), len(more)) == (LIMIT - 1, 1)
    close_all(clients + more)


def reset(client):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


def end_each_way(ports: dict, authority):
    """One connection after the other, none of which is open afterwards; the server ends some, the client the others."""
    served(ports["http"]).sock.close()
    reset(served(ports["http"]))
    for ending in (b"nonsense\r\n\r\n", get("/", "Connection: close"), b"GET / HT"):  # refused, last, too slow
        with RawClient(ports["http"]) as client:
            client.send(ending).read_to_end()
    with H2Client(ports["http"]) as client:
        assert client.request().status == 200
    with RawClient(ports["https"]) as client:
        client.send(b"no TLS at all\r\n\r\n").read_to_end()
    with RawClient(ports["https"]) as client:
        client.read_to_end()  # the handshake takes too long
    for alpn in ("http/1.1", "h2"):
        with RawClient(ports["https"], tls=authority.client_context(alpn=(alpn,)), name="shop.localhost") as client:
            assert client.sock.selected_alpn_protocol() == alpn
    with RawClient(ports["tcp"]) as client:
        assert client.request(get()).status == 200
        reset(client)


def test_a_place_is_free_again_however_its_connection_ended(headgate, origin, free_port, authority):
    made, ports = origin(), {name: free_port() for name in ("http", "https", "tcp")}
    listeners = [http_listener(ports["http"]), https_listener(ports["https"], "local-tls", hostname="shop.localhost"),
                 {"name": "tcp", "protocol": "TCP", "port": ports["tcp"]}]
    edge = headgate(documents(
        gateway(*listeners), tls_secret(authority.issue("shop.localhost")), upstream("origin", made.port),
        route(rule("origin"), parentRefs=[{"name": "edge", "sectionName": "http"}, {"name": "edge", "sectionName": "https"}]),
        route(rule("origin"), name="raw", kind="TCPRoute", parentRefs=[{"name": "edge", "sectionName": "tcp"}]),
        policy("TrafficPolicy", {"connection": {"maxConnectionsPerAddress": LIMIT, "headTimeout": "300ms", "tlsHandshakeTimeout": "300ms"}})),
        workers=2)
    with ThreadPoolExecutor(LIMIT) as pool:
        for done in [pool.submit(end_each_way, ports, authority) for _ in range(2)]:
            done.result()
    assert places(ports["http"], edge) == LIMIT


def test_behind_a_balancer_the_address_that_it_names_is_what_is_limited(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(address_limit(port, made.port, proxyProtocolFrom=["127.0.0.1/32"]), workers=2)
    headers = [f"PROXY TCP4 203.0.113.{last} 198.51.100.1 4711 80\r\n".encode() for last in (7, 8)]
    clients = [served_at_once(port, 2 * LIMIT, before=header) for header in headers]
    assert [len(group) for group in clients] == [LIMIT, LIMIT]
    close_all(clients[0] + clients[1])
    assert places(port, edge, before=headers[0]) == LIMIT
    local = served_at_once(port, 2 * LIMIT, before=b"PROXY UNKNOWN\r\n")
    assert len(local) == LIMIT, "the balancer's own connections are its own"
    close_all(local)
