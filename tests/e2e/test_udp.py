"""UDPRoute: datagrams that the edge carries, spread over its workers, and through changes, restarts and deaths."""

import os
import shutil
import signal
import socket

import pytest

from support.client import RawClient
from support.config import backend, route
from support.edge import Edge, binary
from support.udp import UdpClients, UdpEcho, UdpLoad, flows_of_workers, sockets_of, udp_client, udp_edge, udp_route
from support.wait import wait_until


@pytest.fixture
def udp_echo():
    made = []

    def make(name: bytes = b""):
        made.append(UdpEcho(name))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def clients():
    """make(port, count) -> UdpClients; closed at the end."""
    made = []

    def make(port: int, count: int):
        made.append(UdpClients(port, count))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def binary_copy(tmp_path, monkeypatch):
    """Edges run a copy of the binary; the function that is given makes the next hot restart run with so many workers."""
    copy, real = tmp_path / "headgate", binary()
    shutil.copy(real, copy)
    monkeypatch.setenv("HEADGATE_BINARY", str(copy))

    def with_workers(count: int):
        fresh = tmp_path / "fresh"
        fresh.write_text(f"""#!/bin/bash
for argument; do arguments+=("$argument"); [ "$argument" = --workers ] && break; done
[ "$argument" = --workers ] || exec {real} "$@"
exec {real} "${{arguments[@]}}" {count} "${{@:${{#arguments[@]}}+2}}"
""")
        fresh.chmod(0o755)
        fresh.replace(copy)
    return with_workers


def serving(edge) -> int:
    """The data plane that was started last: retiring ones stay for a while."""
    return max(edge.children(), default=0)


def restart_hot(edge):
    before, log = serving(edge), edge.stderr().count(" serves, ")
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: edge.stderr().count(" serves, ") > log and serving(edge) != before, 60,
               f"another data plane\n{edge.stderr()}")


def wait_reloads(edge, count: int):
    edge.wait_metric("headgate_config_reloads_total", count, 30, result="taken")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_udp_route_answers_many_clients_each_with_its_own(headgate, udp_echo, clients, free_port, workers):
    port, origin = free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=workers)
    many = clients(port, 200)
    for _ in range(3):
        many.ask()
    assert len(origin.senders) == 200
    edge.stop()
    flows = [line for line in edge.json_lines() if line.get("protocol") == "udp"]
    assert len(flows) == 200 and all(line["endpoint"].endswith(str(origin.port)) for line in flows)


@pytest.mark.parametrize("workers", [2, 3])
def test_every_worker_has_its_share_of_the_udp_clients(headgate, udp_echo, clients, free_port, workers):
    port, origin = free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=workers)
    assert sockets_of(port) == workers
    many = clients(port, 240)
    many.ask()
    shares = flows_of_workers(edge)
    assert len(shares) == workers and sum(shares) == 240
    assert min(shares) > 240 / workers / 3
    many.ask()
    assert flows_of_workers(edge) == shares
    assert edge.metric("headgate_udp_flows") == edge.metric("headgate_udp_flows_total") == 240
    assert edge.metric("headgate_udp_datagrams_received_total") == edge.metric("headgate_udp_datagrams_sent_total") == 4 * 240
    assert edge.metric("headgate_udp_datagrams_dropped_total") == 0


def test_the_flows_that_a_udp_port_may_have_are_divided_among_its_workers(headgate, udp_echo, clients, free_port):
    port, origin = free_port(), udp_echo()
    limit = {"apiVersion": "headgate.io/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "few", "namespace": "default"},
             "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}],
                      "connection": {"maxConnections": 20}}}
    edge = headgate(udp_edge(port, origin.port, more=[limit]), workers=2)
    many = clients(port, 120)
    for number in range(120):  # one after the other: a flow that waits for its answer would be the first to go
        many.receive(many.send([number]), [number])
    assert flows_of_workers(edge) == [10, 10]
    assert edge.metric("headgate_udp_flows_evicted_total") == 100


def test_a_change_of_configuration_leaves_udp_flows_where_they_are(headgate, udp_echo, clients, free_port):
    port, other, origin = free_port(), free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=2)
    many = clients(port, 100)
    many.ask()
    shares = flows_of_workers(edge)
    edge.reload(udp_edge(port, origin.port, listeners=[{"name": "second", "protocol": "UDP", "port": other}],
                         more=[udp_route("dgrams", "second")]))
    wait_reloads(edge, 1)
    clients(other, 100).ask()
    many.ask()
    assert len(origin.senders) == 200
    assert sum(flows_of_workers(edge)) == 200 and all(now > before for now, before in zip(flows_of_workers(edge), shares))
    edge.reload(udp_edge(port, origin.port))
    wait_reloads(edge, 2)
    many.ask()
    assert len(origin.senders) == 200
    wait_until(lambda: sockets_of(other) == 0, 10, "the sockets of the port that is gone")
    wait_until(lambda: flows_of_workers(edge) == shares, 10, "the flows of that port to end")


def test_no_datagram_is_lost_in_three_hot_restarts(headgate, udp_echo, free_port):
    port, origin = free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=2)
    load = UdpLoad(port, 60)
    for _ in range(3):
        goal = load.turns + 3
        wait_until(lambda: load.turns > goal or load.failures, 60, "answers")
        restart_hot(edge)
    goal = load.turns + 3
    wait_until(lambda: load.turns > goal or load.failures, 60, "answers")
    load.stop()
    assert load.failures == []
    assert sockets_of(port) == 2
    shares = flows_of_workers(edge)
    assert sum(shares) == 60 and min(shares) > 0


@pytest.mark.parametrize("before, after", [(1, 3), (2, 4), (4, 2), (3, 1)])
def test_no_datagram_is_lost_when_a_hot_restart_changes_the_number_of_workers(headgate, udp_echo, clients, free_port, binary_copy,
                                                                             before, after):
    port, origin = free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=before)
    load = UdpLoad(port, 40)
    wait_until(lambda: load.turns > 2 or load.failures, 60, "answers")
    binary_copy(after)
    restart_hot(edge)
    goal = load.turns + 2
    wait_until(lambda: load.turns > goal or load.failures, 60, "answers")
    load.stop()
    assert load.failures == []
    # Sockets are added for workers, and never taken away while the port is held: that would move clients.
    assert sockets_of(port) == max(before, after)
    many = clients(port, 240)
    many.ask()
    shares = flows_of_workers(edge)
    assert len(shares) == after and sum(shares) >= 240 and min(shares) > 240 / after / 3


def test_datagrams_that_come_while_the_data_plane_is_dead_are_answered_by_the_next_one(headgate, udp_echo, clients, free_port):
    port, origin = free_port(), udp_echo()
    edge = headgate(udp_edge(port, origin.port), workers=2)
    many = clients(port, 60)
    many.ask()
    (first,) = edge.children()
    os.kill(edge.process.pid, signal.SIGSTOP)  # so that nothing is started yet
    try:
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: open(f"/proc/{first}/stat").read().rsplit(")", 1)[1].split()[0] == "Z", 10, "its end")
        text = many.send()
    finally:
        os.kill(edge.process.pid, signal.SIGCONT)
    many.receive(text)
    wait_until(lambda: edge.children() not in ([], [first]), 15, "another data plane")
    edge.wait_ready()
    assert sockets_of(port) == 2
    assert sum(flows_of_workers(edge)) == 60 and min(flows_of_workers(edge)) > 0
    many.ask()
    assert len(origin.senders) == 120  # a flow each with the first data plane, and one with the second


def test_a_port_that_is_given_up_refuses_clients_while_the_old_data_plane_has_a_tunnel_open(headgate, udp_echo, raw_origin, free_port):
    udp, tcp, stays = free_port(), free_port(), free_port()
    origin, bytes_origin = udp_echo(), raw_origin(lambda connection: connection.send(connection.read_exactly(2)) or connection.receive())

    def tcp_route(name: str, section: str) -> dict:
        made = route({"backendRefs": [backend(name)]}, name=section, kind="TCPRoute")
        made["spec"]["parentRefs"][0]["sectionName"] = section
        return made
    more = [{"apiVersion": "headgate.io/v1alpha1", "kind": "Upstream", "metadata": {"name": "bytes", "namespace": "default"},
             "spec": {"endpoints": [{"address": "127.0.0.1", "port": bytes_origin.port}]}}, tcp_route("bytes", "stays")]
    listener = {"name": "stays", "protocol": "TCP", "port": stays}
    both = udp_edge(udp, origin.port, listeners=[listener, {"name": "tcp", "protocol": "TCP", "port": tcp}],
                    more=[*more, tcp_route("bytes", "tcp")])
    edge = headgate(both, workers=2)
    with RawClient(stays) as tunnel, udp_client(udp) as client:
        assert tunnel.send(b"go").read_exactly(2) == b"go"
        client.send(b"x")
        assert client.recv(100) == b"x"
        restart_hot(edge)
        old, fresh = sorted(edge.children())
        edge.reload(udp_edge(free_port(), origin.port, listeners=[listener], more=more))
        wait_reloads(edge, 1)
        assert edge.children() == [old, fresh]  # the tunnel is still the old one's

        def refused(kind) -> bool:
            with socket.socket(socket.AF_INET, kind) as sock:
                sock.settimeout(0.5)
                try:
                    sock.connect(("127.0.0.1", udp if kind == socket.SOCK_DGRAM else tcp))
                    sock.send(b"x")
                    sock.recv(100)
                except ConnectionRefusedError:
                    return True
                except OSError:
                    pass
                return False
        wait_until(lambda: refused(socket.SOCK_DGRAM) and refused(socket.SOCK_STREAM), 10, "both to be refused")
        assert sockets_of(udp) == 0
        # It can be had again at once.
        edge.reload(both)
        wait_reloads(edge, 2)
        clients = UdpClients(udp, 40)
        clients.ask()
        clients.close()


def test_a_second_edge_on_a_udp_port_is_refused_instead_of_sharing_its_clients(headgate, udp_echo, free_port, tmp_path):
    port, origin = free_port(), udp_echo()
    headgate(udp_edge(port, origin.port), workers=2)
    second = Edge(tmp_path / "second", udp_edge(port, origin.port)).start(ready=False)
    assert second.process.wait(30) == 1
    assert f"cannot listen on UDP port {port} on 127.0.0.1" in second.stderr()


def test_a_udp_port_that_was_given_up_is_refused_when_another_edge_has_it_since(headgate, udp_echo, free_port, tmp_path):
    port, stays, origin = free_port(), free_port(), udp_echo()
    both = udp_edge(stays, origin.port, listeners=[{"name": "second", "protocol": "UDP", "port": port}],
                    more=[udp_route("dgrams", "second")])
    first = headgate(both, workers=2)
    restart_hot(first)
    first.reload(udp_edge(stays, origin.port))
    wait_reloads(first, 1)
    wait_until(lambda: len(first.children()) == 1 and sockets_of(port) == 0, 30, "the port to be free")
    other = Edge(tmp_path / "other", udp_edge(port, origin.port)).start()
    try:
        first.reload(both)
        first.wait_metric("headgate_config_reloads_total", 1, 30, result="refused")
        assert f"cannot listen on UDP port {port} on 127.0.0.1" in first.stderr()
        many = UdpClients(port, 40)
        many.ask()
        many.close()
        assert sum(flows_of_workers(other)) == 40
    finally:
        other.stop()
    first.reload(both)
    wait_reloads(first, 2)
    assert sockets_of(port) == 2


def test_answers_that_are_on_their_way_at_the_end_still_come(headgate, free_port):
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as origin:
        origin.bind(("127.0.0.1", 0))
        origin.settimeout(10)
        edge = headgate(udp_edge(port, origin.getsockname()[1]), workers=2)
        with udp_client(port) as client:
            client.send(b"question")
            asked, flow = origin.recvfrom(100)
            edge.process.send_signal(signal.SIGTERM)
            wait_until(lambda: edge.admin("/readyz")[0] != 200, 10, "the drain")
            origin.sendto(b"answer to " + asked, flow)
            assert client.recv(100) == b"answer to question"
        assert edge.stop() == 0


def test_udp_route_keeps_a_client_at_its_endpoint_and_uses_all(headgate, udp_echo, free_port):
    port, origins = free_port(), [udp_echo(b"a:"), udp_echo(b"b:"), udp_echo(b"c:")]
    headgate(udp_edge(port, *(origin.port for origin in origins)))
    seen = set()
    for _ in range(40):
        with udp_client(port) as client:
            answers = set()
            for _ in range(5):
                client.send(b"x")
                answers.add(client.recv(65536))
            assert len(answers) == 1
            seen |= answers
    assert seen == {b"a:x", b"b:x", b"c:x"}


def test_udp_route_carries_the_greatest_datagram_and_an_empty_one(headgate, udp_echo, free_port):
    port, origin = free_port(), udp_echo()
    headgate(udp_edge(port, origin.port))
    with udp_client(port) as client:
        for datagram in (b"q" * 65507, b""):
            client.send(datagram)
            assert client.recv(65536) == datagram


def test_udp_answers_leave_from_the_address_that_was_asked(headgate, udp_echo, free_port):
    port, origin = free_port(), udp_echo()
    headgate(udp_edge(port, origin.port, address="0.0.0.0"))
    with udp_client(port, "127.0.0.5") as client:  # a connected client hears 127.0.0.5 alone
        client.send(b"who")
        assert client.recv(65536) == b"who"


def test_udp_route_leaves_an_endpoint_where_nobody_listens(headgate, udp_echo, free_port):
    port, dead, origin = free_port(), free_port(), udp_echo()
    edge = headgate(udp_edge(port, dead, origin.port))

    def answered_ten_times():
        for _ in range(10):
            with udp_client(port) as client:
                client.settimeout(0.2)
                client.send(b"x")
                try:
                    client.recv(65536)
                except TimeoutError:
                    return False
        return True
    wait_until(answered_ten_times, 20, "the dead endpoint to be left out")
    assert edge.wait_log(lambda e: e.get("protocol") == "udp" and e.get("reason") == "upstream_reset")["fault"] == "origin"
