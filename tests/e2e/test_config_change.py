"""Changes of configuration: who keeps a connection, which state goes on, what is refused, and what a person is told."""

import asyncio
import os
import pathlib
import re
import socket
import ssl
import threading

import pytest
import websockets

from support.certs import Authority, trusting
from support.client import RawClient, fetch
from support.config import documents, gateway, http_listener, https_listener, route, rule, tls_secret, upstream
from support.edge import check
from support.h2client import H2Client
from support.origin import read_request, response
from support.wait import wait_until

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def changed(edge, config: str):
    """Reloads, and waits until the change is served."""
    before = edge.metric("headgate_config_reloads_total", result="taken")
    edge.reload(config)
    edge.wait_metric("headgate_config_reloads_total", before + 1, result="taken")


def edge_with(port: int, *origin_ports: int, paths: int = 1, extra=(), **listener) -> str:
    """An edge whose route has one rule for "/" and `paths` - 1 further ones."""
    rules = [rule("origin"), *(rule("origin", path=f"/path{n}") for n in range(1, paths))]
    return documents(gateway(http_listener(port, **listener)), upstream("origin", *origin_ports), route(*rules), *extra)


def repeat(port: int, stop: threading.Event, answers: list, connect_anew: bool):
    """Requests one after the other until `stop`; every answer's status, or what went wrong, goes to `answers`."""
    client = None
    while not stop.is_set():
        try:
            client = client or RawClient(port)
            answers.append(client.request(GET).status)
        except Exception as error:  # every kind of failure is one
            answers.append(repr(error))
            client = None
        if connect_anew and client:
            client.sock.close()
            client = None


@pytest.fixture
def websocket_echo():
    """Port of a WebSocket server that repeats what it gets."""
    loop, ready, ports = asyncio.new_event_loop(), threading.Event(), []

    async def echo(socket, path):
        async for message in socket:
            await socket.send(message)

    async def start():
        server = await websockets.serve(echo, "127.0.0.1", 0, ping_interval=None)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        return server

    server = []
    thread = threading.Thread(target=lambda: (server.append(loop.run_until_complete(start())), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(20)
    yield ports[0]

    async def end():
        server[0].close()
        await server[0].wait_closed()

    asyncio.run_coroutine_threadsafe(end(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)


def test_fifty_changes_under_load_drop_no_connection(headgate, origin, websocket_echo, free_port):
    port, made = free_port(), origin()

    def config(paths: int) -> str:
        return edge_with(port, made.port, paths=paths, extra=[
            upstream("socket", websocket_echo), route(rule("socket", path="/socket"), name="socket")])

    edge = headgate(config(1), workers=2)
    stop, answers = threading.Event(), []
    threads = [threading.Thread(target=repeat, args=(port, stop, answers, anew), daemon=True) for anew in (False, False, True)]
    kept = RawClient(port)
    h2 = H2Client(port)

    async def talk():
        loop = asyncio.get_running_loop()
        async with websockets.connect(f"ws://127.0.0.1:{port}/socket", ping_interval=None) as socket:
            for number in range(50):
                await socket.send(f"before {number}")
                await loop.run_in_executor(None, changed, edge, config(2 + number % 3))
                assert await asyncio.wait_for(socket.recv(), 20) == f"before {number}"
                assert kept.request(GET).status == 200, "the client that was there from the first"
                assert h2.request().status == 200
            await socket.send("after")
            assert await asyncio.wait_for(socket.recv(), 20) == "after"

    for thread in threads:
        thread.start()
    try:
        asyncio.run(talk())
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        kept.sock.close()
        h2.raw.sock.close()
    assert len(answers) > 100 and set(answers) == {200}, set(answers)
    assert edge.metric("headgate_config_reloads_total", result="taken") == 50
    assert edge.metric("headgate_data_plane_restarts_total") == 0


def limit(requests: int, name: str = "all") -> dict:
    return {"apiVersion": "headgate.io/v1alpha1", "kind": "RateLimit", "metadata": {"name": "limit"},
            "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "route"}],
                     "limits": [{"name": name, "requests": requests, "period": "1h"}]}}


def test_a_rate_limit_keeps_its_count_over_changes_of_other_things(headgate, origin, free_port):
    port, made = free_port(), origin()
    edge = headgate(edge_with(port, made.port, extra=[limit(5)]))
    url = f"http://127.0.0.1:{port}/"
    assert [fetch(url).status for _ in range(3)] == [200] * 3
    changed(edge, edge_with(port, made.port, paths=3, extra=[limit(5)]))
    assert [fetch(url).status for _ in range(4)] == [200, 200, 429, 429]
    changed(edge, edge_with(port, made.port, extra=[limit(2)]))  # another limit starts anew
    assert [fetch(url).status for _ in range(3)] == [200, 200, 429]


def test_an_upstream_keeps_its_health_and_its_connections_over_changes_of_other_things(headgate, origin, free_port):
    port, good, checks = free_port(), [origin(name="good") for _ in range(3)], []

    def sick(request):
        checks.append(request.target)
        return (503 if request.target == "/healthz" else 200), b"sick", []

    bad = origin(sick)
    endpoints = [bad.port, *(made.port for made in good)]

    def config(paths: int, interval: str = "1h") -> str:
        care = {"healthCheck": {"path": "/healthz", "interval": interval, "unhealthyThreshold": 1},
                "loadBalancing": {"policy": "RoundRobin"}, "idleTimeout": "60s"}
        rules = [rule("origin"), *(rule("origin", path=f"/path{n}") for n in range(1, paths))]
        return documents(gateway(http_listener(port)), upstream("origin", *endpoints, **care), route(*rules))

    edge = headgate(config(1))
    wait_until(lambda: "/healthz" in checks, 10, "the check")
    wait_until(lambda: edge.admin("/status")[1].count('"healthy": false') + edge.admin("/status")[1].count('"healthy":false') == 1,
               10, "the verdict")
    url = f"http://127.0.0.1:{port}/"
    assert [fetch(url).body for _ in range(6)] == [b"good"] * 6
    accepted = [made.accepted for made in good]
    for paths in (2, 3):
        changed(edge, config(paths))
        assert [fetch(url).body for _ in range(6)] == [b"good"] * 6
    assert checks == ["/healthz"], "it was neither asked nor used again"
    assert [made.accepted for made in good] == accepted, "connections are used on"


def test_a_bad_change_is_refused_as_a_whole(headgate, origin, free_port):
    port, added, made, other = free_port(), free_port(), origin(name="old"), origin(name="new")
    edge = headgate(edge_with(port, made.port))
    broken = documents(gateway(http_listener(port), http_listener(added, name="added")), upstream("origin", other.port),
                       route(rule("origin"), rule("orign", path="/x")))
    edge.reload(broken)
    edge.wait_metric("headgate_config_reloads_total", 1, result="refused")
    assert "'orign' is not an Upstream in namespace 'default'; did you mean 'origin'?" in edge.stderr()
    assert fetch(f"http://127.0.0.1:{port}/").body == b"old"
    with pytest.raises(OSError):
        RawClient(added)
    edge.write_config("{{{")
    edge.reload()
    edge.wait_metric("headgate_config_reloads_total", 2, result="refused")
    edge.config_file.unlink()
    edge.reload()
    edge.wait_metric("headgate_config_reloads_total", 3, result="refused")
    assert fetch(f"http://127.0.0.1:{port}/").body == b"old"


def write_in_place(file: pathlib.Path, text: str):
    file.write_text(text)


def rename_over(file: pathlib.Path, text: str):
    fresh = file.with_name(f".{file.name}.swp")
    fresh.write_text(text)
    fresh.replace(file)


def move_away_and_write(file: pathlib.Path, text: str):
    file.rename(file.with_name(file.name + "~"))
    file.write_text(text)


def swap_directory(file: pathlib.Path, text: str):
    """As Kubernetes does with a mounted ConfigMap: the file is a link into a directory that is itself a link."""
    data = file.parent.parent / f"data-{os.urandom(4).hex()}"
    data.mkdir()
    (data / file.name).write_text(text)
    link = file.parent / "..data"
    fresh = file.parent / "..data_tmp"
    fresh.symlink_to(data)
    fresh.replace(link)
    if not file.is_symlink():
        file.unlink()
        file.symlink_to(f"..data/{file.name}")


@pytest.mark.parametrize("write", [write_in_place, rename_over, move_away_and_write, swap_directory], ids=lambda w: w.__name__)
def test_watch_sees_every_way_to_write_a_file_and_goes_on_watching(headgate, origin, free_port, write):
    port, origins = free_port(), [origin(name=f"origin{n}") for n in range(4)]
    edge = headgate(edge_with(port, origins[0].port), args=["--watch"])
    for number in (1, 2, 3):
        write(edge.config_file, edge_with(port, origins[number].port))
        wait_until(lambda: fetch(f"http://127.0.0.1:{port}/").body == b"origin%d" % number, 15, f"change {number}")


def test_watch_sees_files_that_come_to_a_directory_and_go(headgate, origin, free_port, tmp_path):
    port, more, made = free_port(), tmp_path / "more", origin()
    more.mkdir()
    (more / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")  # an empty directory is refused
    edge = headgate(edge_with(port, made.port), args=["--watch", "-f", str(more)])
    page = route(rule("origin"), name="other", hostnames=["other.example"])
    page["spec"]["rules"][0]["filters"] = [{"type": "ResponseHeaderModifier",
                                            "responseHeaderModifier": {"set": [{"name": "x-from", "value": "file"}]}}]

    def marked() -> bool:
        return fetch(f"http://127.0.0.1:{port}/", host="other.example").field("x-from") == "file"

    assert not marked()
    (more / "team").mkdir()
    (more / "team" / "other.yaml").write_text(documents(page))
    wait_until(marked, 15, "the new file")
    (more / "team" / "other.yaml").unlink()
    wait_until(lambda: not marked(), 15, "the end of the file")
    (more / "notes.txt").write_text("not a resource")
    assert edge.metric("headgate_config_reloads_total", result="refused") == 0


def refuses(port: int) -> bool:
    try:
        RawClient(port).sock.close()
        return False
    except ConnectionRefusedError:
        return True


def test_a_port_that_is_removed_ends_what_is_open_in_order(headgate, raw_origin, free_port):
    port, leaving, come, go_on = free_port(), free_port(), threading.Event(), threading.Event()

    def serve(connection):
        while True:
            if read_request(connection).target == "/slow":
                come.set()
                go_on.wait(30)
            connection.send(response(body=b"done"))

    made = raw_origin(serve)
    both = documents(gateway(http_listener(port), http_listener(leaving, name="leaving")), upstream("origin", made.port), route(rule("origin")))
    edge = headgate(both)
    idle, busy = RawClient(leaving), RawClient(leaving)
    assert idle.request(GET).status == 200
    busy.send(b"GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert come.wait(20)
    changed(edge, edge_with(port, made.port))
    wait_until(lambda: refuses(leaving), 10, "the end of the listening socket")
    assert idle.is_closed()
    go_on.set()
    assert busy.read_response().body == b"done", "what was begun is finished"
    assert busy.is_closed()
    assert fetch(f"http://127.0.0.1:{port}/").status == 200


def test_a_port_that_comes_back_serves_again(headgate, origin, free_port):
    port, other, made = free_port(), free_port(), origin()
    both = documents(gateway(http_listener(port), http_listener(other, name="other")), upstream("origin", made.port), route(rule("origin")))
    edge = headgate(both)
    for _ in range(3):
        changed(edge, edge_with(port, made.port))
        wait_until(lambda: refuses(other), 10, "the end of the listening socket")
        changed(edge, both)
        assert fetch(f"http://127.0.0.1:{other}/").status == 200


def test_a_changed_certificate_is_for_new_handshakes_and_old_connections_go_on(headgate, origin, authority, free_port):
    port, made = free_port(), origin()

    def config(leaf) -> str:
        return documents(gateway(https_listener(port, "cert")), tls_secret(leaf, "cert"), upstream("origin", made.port),
                         route(rule("origin")))

    def serial(client) -> str:
        return client.sock.getpeercert()["serialNumber"]

    first, second = authority.issue("a.example"), authority.issue("a.example")
    edge = headgate(config(first))
    context = authority.client_context()
    with RawClient(port, tls=context, name="a.example") as old:
        assert old.request(GET).status == 200
        before = serial(old)
        changed(edge, config(second))
        with RawClient(port, tls=authority.client_context(), name="a.example") as new:
            assert new.request(GET).status == 200 and serial(new) != before
        assert old.request(GET).status == 200 and serial(old) == before


def test_a_client_authority_that_is_taken_away_is_not_outlived_by_a_ticket(headgate, origin, authority, free_port, tmp_path):
    port, made = free_port(), origin()
    old, new = Authority(tmp_path / "old", "Old CA"), Authority(tmp_path / "new", "New CA")

    def config(ca) -> str:
        trust = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "clients"}, "data": {"ca.crt": ca.ca_pem}}
        tls = {"tls": {"frontend": {"default": {"validation": {"caCertificateRefs": [{"name": "clients"}]}}}}}
        return documents(gateway(https_listener(port, "cert"), **tls), tls_secret(authority.issue("a.example"), "cert"), trust,
                         upstream("origin", made.port), route(rule("origin")))

    edge = headgate(config(old))
    context = trusting(authority.ca, leaf=old.issue())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with RawClient(port, tls=context, name="a.example") as client:
        assert client.request(GET).status == 200
        session = client.sock.session
    changed(edge, config(new))
    with pytest.raises((OSError, EOFError)):
        with socket.create_connection(("127.0.0.1", port), 20) as plain:
            with context.wrap_socket(plain, server_hostname="a.example", session=session) as sock:
                sock.sendall(GET)
                assert not sock.recv(100), "the old authority's client was let in by its ticket"
                raise EOFError


GOLDEN = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  listeners:
  - {name: http, protocol: HTTP, port: 80800}
  - {name: https, protocol: HTPS, port: 8443}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop}
spec:
  endpoints:
  - {address: 127.0.0.1}
  loadBalancing: {policy: RoundRobbin}
  connectTimeout: 3
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: ["Shop.example"]
  rules:
  - backendRefs:
    - {group: headgate.io, kind: Upstream, name: shop}
  - filters:
    - {type: RequestRedirect, requestRedirect: {statusCode: 200}}
    matchs: []
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: items}
spec:
  parentRefs: [{name: edg}]
  rules:
  - matches:
    - path: {type: RegularExpression, value: "/items/(["}
    backendRefs:
    - {group: headgate.io, kind: Upstream, name: shopp}
---
apiVersion: headgate.io/v1alpha1
kind: Upstrem
metadata: {name: other}
"""

PROBLEMS = """
edge.yaml:7: Gateway default/edge: spec.listeners[0].port: expected a whole number from 1 to 65535, got '80800'
edge.yaml:8: Gateway default/edge: spec.listeners[1].protocol: expected one of HTTP, HTTPS, TLS, TCP, UDP, got 'HTPS'; did you mean 'HTTPS'?
edge.yaml:15: Upstream default/shop: spec.endpoints[0].port: required, but missing
edge.yaml:16: Upstream default/shop: spec.loadBalancing.policy: expected one of RoundRobin, LeastRequest, Random, Maglev, RingHash, got 'RoundRobbin'; did you mean 'RoundRobin'?
edge.yaml:17: Upstream default/shop: spec.connectTimeout: expected a duration such as 250ms, 10s or 1h30m, got '3'
edge.yaml:24: HTTPRoute default/shop: spec.hostnames[0]: expected a host name in lower case without port, or '*.' and one, got 'Shop.example'
edge.yaml:29: HTTPRoute default/shop: spec.rules[1].filters[0].requestRedirect.statusCode: expected a whole number from 301 to 308, got '200'
edge.yaml:30: HTTPRoute default/shop: spec.rules[1].matchs: unknown field; did you mean 'matches'?
edge.yaml:36: HTTPRoute default/items: spec.parentRefs[0].name: 'edg' is not a Gateway in namespace 'default'; did you mean 'edge'?
edge.yaml:39: HTTPRoute default/items: spec.rules[0].matches[0].path.value: expected an expression of RE2, got '/items/([': missing ]: [
edge.yaml:41: HTTPRoute default/items: spec.rules[0].backendRefs[0].name: 'shopp' is not an Upstream in namespace 'default'; did you mean 'shop'?
edge.yaml:44: kind: unknown kind 'Upstrem'; did you mean 'Upstream'?
4 objects, 12 errors, 0 warnings
"""


def test_check_prints_every_problem_at_once_with_its_place_and_a_suggestion(tmp_path):
    done = check(tmp_path, GOLDEN)
    assert done.returncode == 4
    place = re.escape(str(tmp_path / "check" / "edge.yaml"))
    assert re.sub(place, "edge.yaml", done.stdout) == PROBLEMS.lstrip("\n")
