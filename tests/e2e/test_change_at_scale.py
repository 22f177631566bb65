"""The promise about changes, at the size that it is made for: ten thousand routes, ten thousand connections, nobody is dropped."""

import asyncio
import re
import signal
import subprocess
import threading
import time

import pytest
from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.edge import check
from support.traps import get, policy, watched_by_each_loop
from support.tunnels import Tunnels, as_many_as_descriptors_permit, repeat_lines
from support.wait import wait_until

pytestmark = [pytest.mark.scale, pytest.mark.timeout(1800)]

ROUTES = 10_000
ROUTE = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: route{number}, namespace: default}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [host{number}.example]
  rules:
  - filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: x-revision, value: "{revision}"}}]}}}}]
    backendRefs: [{{group: headgate.io, kind: Upstream, name: origin}}]
"""


def many_routes(port: int, origin_port: int, revision: int) -> str:
    return "\n".join([documents(gateway(http_listener(port)), upstream("origin", origin_port)),
                      *(ROUTE.format(number=number, revision=revision) for number in range(ROUTES))])


class Watcher(threading.Thread):
    """Keeps connections and asks on each by turns. `revisions` are those that each one saw, in order, without repeats."""

    def __init__(self, port: int, connections: int):
        super().__init__(daemon=True)
        self.clients = [RawClient(port, timeout_s=60) for _ in range(connections)]
        self.revisions = [[self._ask(client, 0)] for client in self.clients]
        self.stopped, self.failure = threading.Event(), None

    def run(self):
        turn = 0
        try:
            while not self.stopped.is_set():
                turn += 1
                for client, seen in zip(self.clients, self.revisions):
                    revision = self._ask(client, turn * 37 % ROUTES)
                    if revision != seen[-1]:
                        seen.append(revision)
        except Exception as error:  # the test looks at it: a dropped connection must not pass for silence
            self.failure = error

    @staticmethod
    def _ask(client: RawClient, number: int) -> int:
        answer = client.request(get(host=f"host{number}.example"))
        assert answer.status == 200, answer
        return int(answer.field("x-revision"))

    def ask_every_route(self) -> set:
        """The revisions of all routes, asked for over all connections in pipelines."""
        found = set()
        for first in range(0, ROUTES, 100):
            client = self.clients[first // 100 % len(self.clients)]
            client.send(b"".join(get(host=f"host{number}.example") for number in range(first, first + 100)))
            found |= {client.read_response().field("x-revision") for _ in range(100)}
        return found

    def wait_for(self, revision: int, timeout_s: float):
        """Until every connection sees it."""
        begun = time.monotonic()
        while not all(seen[-1] == revision for seen in self.revisions):
            assert not self.failure, self.failure
            assert time.monotonic() - begun < timeout_s, f"revision {revision} is not everywhere: {self.revisions}"
            self.stopped.wait(0.01)

    def stop(self):
        self.stopped.set()
        self.join(120)
        assert not self.failure, self.failure


def end_load(load: subprocess.Popen) -> int:
    """How many requests were served; fails when one was not."""
    load.send_signal(signal.SIGINT)
    text = load.communicate(timeout=60)[0]
    assert "Socket errors" not in text and "Non-2xx" not in text, text
    return int(re.search(r"(\d+) requests in ", text)[1])


def test_ten_thousand_routes_change_under_load_everywhere_at_once_and_drop_nobody(headgate, origin, free_port, tmp_path):
    made, port = origin(), free_port()
    configs = [many_routes(port, made.port, revision) for revision in range(4)]
    assert check(tmp_path, configs[0], timeout_s=300).returncode == 0
    edge = headgate(configs[0], workers=2, ready=False)
    edge.wait_ready(300)
    before = watched_by_each_loop(edge)
    watcher = Watcher(port, 16)
    grown = sorted(count - before.get(loop, 0) for loop, count in watched_by_each_loop(edge).items())
    assert grown[-2] >= 2, f"one of the workers has no connection that is watched: {grown}"
    watcher.start()
    load = subprocess.Popen(["wrk", "-t1", "-c50", "-d1h", "--timeout", "1m", "-H", "Host: host77.example", f"http://127.0.0.1:{port}/"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    try:
        for revision in (1, 2, 3):
            edge.write_config(configs[revision])
            edge.reload()
            watcher.wait_for(revision, 600)
        watcher.stop()
        assert watcher.ask_every_route() == {"3"}
        assert end_load(load) > 1000
    finally:
        load.kill()
    assert watcher.revisions == [[0, 1, 2, 3]] * 16, "a connection went back to an old revision, or missed one"
    assert edge.metric("headgate_config_reloads_total", result="taken") == 3
    assert edge.metric("headgate_data_plane_restarts_total") == 0
    # Those that watch, those that load, and the one with which wrk tries the address: nobody had to come again.
    assert edge.metric("headgate_connections_accepted_total") == 16 + 50 + 1


def test_thousands_of_websockets_live_through_ten_changes(headgate, origin, free_port):
    made, port, socket_port = origin(), free_port(), free_port()
    count = as_many_as_descriptors_permit(10_000)
    assert count >= 1000, "too few descriptors for this test: ulimit -Hn"

    def config(revision: int) -> str:
        changed = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-revision", "value": str(revision)}]}}]
        patience = policy("TrafficPolicy", {"connection": {"headTimeout": "5m"}})  # with this process, which is busy
        return documents(gateway(http_listener(port)), patience, upstream("origin", made.port),
                         upstream("socket", socket_port, limits={"maxConnections": 20_000, "maxRequests": 20_000}),
                         route(rule("socket", path="/socket", filters=changed), rule("origin", filters=changed)))

    edge = headgate(config(0), workers=2)

    def change(revision: int):
        edge.reload(config(revision))
        edge.wait_metric("headgate_config_reloads_total", revision, 60, result="taken")
        with RawClient(port) as client:
            assert client.request(get()).field("x-revision") == str(revision)

    async def live_through():
        server = await asyncio.start_server(repeat_lines, "127.0.0.1", socket_port, backlog=1024)
        tunnels = Tunnels(port, count)
        await tunnels.open()
        for revision in range(1, 11):
            await asyncio.to_thread(change, revision)
            await tunnels.ask(f"after change {revision}", every=1 if revision == 10 else 20)
            assert await asyncio.to_thread(edge.metric, "headgate_tunnels_open") == count
        assert tunnels.lost() == 0
        server.close()
        tunnels.close()
        await asyncio.to_thread(wait_until, lambda: edge.metric("headgate_tunnels_open") == 0, 60, "the end of all")

    asyncio.run(live_through())
    assert edge.metric("headgate_tunnels_total") == count and edge.metric("headgate_data_plane_restarts_total") == 0
