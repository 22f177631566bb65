"""The supervisor and the life of data planes: deaths, hot restarts, drains, changes of configuration, commands."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from support.client import RawClient, fetch
from support.config import documents, gateway, https_listener, route, rule, simple_edge, upstream
from support.edge import binary, check
from support.origin import response
from support.wait import wait_until

BROKEN = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec: {listners: []}\n"


def url(port, path="/", host="127.0.0.1"):
    return f"http://{host}:{port}{path}"


class Load:
    """Clients that send one request after the other, each on a new connection, until `stop()`; counts what fails."""

    def __init__(self, port, threads=2):
        self.port, self.done, self.failures, self._stopping = port, 0, [], False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self):
        while not self._stopping:
            try:
                with RawClient(self.port) as client:
                    answer = client.request(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if answer.status != 200:
                    self.failures.append(answer.status)
            except Exception as error:  # every kind of failure is one
                self.failures.append(repr(error))
            self.done += 1

    def wait(self, more):
        goal = self.done + more
        wait_until(lambda: self.done >= goal, 30, f"{more} more requests")

    def stop(self):
        self._stopping = True
        for thread in self._threads:
            thread.join(30)


def test_a_killed_data_plane_is_back_within_a_second_and_no_connection_is_refused(proxied):
    edge, port, _ = proxied
    assert fetch(url(port)).status == 200
    (first,) = edge.children()
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    with RawClient(port) as waiting:  # waits in the queue of the socket that the supervisor holds
        assert waiting.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    limit = 1.0 if "release" in str(binary()) else 5.0
    assert time.monotonic() - killed < limit
    edge.wait_ready()
    assert edge.children() != [first]
    assert edge.metric("headgate_data_plane_restarts_total") == 1


def test_a_data_plane_that_keeps_dying_is_started_again_every_time(proxied):
    edge, port, _ = proxied
    for _ in range(4):
        (pid,) = wait_until(edge.children, 15, "a data plane")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: edge.children() not in ([], [pid]), 15, "another data plane")
    edge.wait_ready()
    assert fetch(url(port)).status == 200


def test_children_die_with_their_supervisor(headgate, origin, free_port):
    edge = headgate(simple_edge(free_port(), origin().port))
    (child,) = edge.children()
    edge.expected_exit = -signal.SIGKILL
    edge.process.kill()
    edge.process.wait(10)
    wait_until(lambda: not pathlib.Path(f"/proc/{child}").exists(), 10, "the end of the data plane")


def test_a_hot_restart_replaces_the_program_without_a_failed_request(proxied):
    edge, port, _ = proxied
    (old,) = edge.children()
    load = Load(port)
    load.wait(50)
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: edge.children() and old not in edge.children(), 40, f"a new data plane\n{edge.stderr()}")
    load.wait(50)
    load.stop()
    assert load.failures == []
    assert edge.process.poll() is None
    assert edge.admin("/readyz")[0] == 200
    assert "data plane serves" in edge.stderr() or " serves, " in edge.stderr()


def test_a_hot_restart_can_be_repeated(proxied):
    edge, port, _ = proxied
    for _ in range(3):
        before = edge.children()
        edge.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: len(edge.children()) == 1 and edge.children() != before, 40, edge.stderr)
        assert fetch(url(port)).status == 200


def test_a_hot_restart_takes_the_binary_that_is_on_disk_now(headgate, origin, free_port, tmp_path, monkeypatch):
    copy = tmp_path / "headgate"
    shutil.copy(binary(), copy)
    monkeypatch.setenv("HEADGATE_BINARY", str(copy))
    edge = headgate(simple_edge(free_port(), origin().port))
    fresh = tmp_path / "fresh"
    shutil.copy(binary(), fresh)
    inode = fresh.stat().st_ino
    fresh.replace(copy)
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: os.stat(f"/proc/{edge.process.pid}/exe").st_ino == inode, 40, edge.stderr)
    edge.wait_ready()


def test_a_broken_binary_on_disk_does_not_end_the_edge(headgate, origin, free_port, tmp_path, monkeypatch):
    copy = tmp_path / "headgate"
    shutil.copy(binary(), copy)
    monkeypatch.setenv("HEADGATE_BINARY", str(copy))
    port = free_port()
    edge = headgate(simple_edge(port, origin().port))
    before = edge.children()
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    broken.replace(copy)
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: "hot restart refused" in edge.stderr(), 20, edge.stderr)
    assert edge.children() == before
    assert fetch(url(port)).status == 200


def test_a_hot_restart_with_an_invalid_configuration_keeps_the_old_data_plane(proxied):
    edge, port, _ = proxied
    before = edge.children()
    edge.write_config(BROKEN)
    edge.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: "hot restart refused" in edge.stderr(), 40, edge.stderr)
    assert "listners" in edge.stderr()
    assert edge.children() == before
    assert fetch(url(port)).status == 200


def test_sigterm_finishes_what_is_open_and_refuses_what_is_new(headgate, origin, free_port):
    asked, go_on = threading.Event(), threading.Event()

    def slow(request):
        asked.set()
        assert go_on.wait(20)
        return response(body=b"late")

    port = free_port()
    edge = headgate(simple_edge(port, origin(slow).port))
    with RawClient(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asked.wait(10)
        edge.process.send_signal(signal.SIGTERM)
        wait_until(lambda: edge.admin("/readyz")[0] == 503, 10, "/readyz says 503 in a drain")
        wait_until(lambda: not _accepts(port), 10, "new connections are refused")
        go_on.set()
        answer = client.read_response()
    assert (answer.status, answer.body) == (200, b"late")
    assert answer.field("connection") == "close"
    assert edge.process.wait(20) == 0


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def test_a_second_signal_does_not_wait_for_what_is_open(headgate, origin, free_port):
    asked, go_on = threading.Event(), threading.Event()

    def slow(request):
        asked.set()
        go_on.wait(20)
        return response()

    port = free_port()
    edge = headgate(simple_edge(port, origin(slow).port))
    with RawClient(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert asked.wait(10)
        edge.process.send_signal(signal.SIGINT)
        wait_until(lambda: edge.admin("/readyz")[0] == 503, 10, "a drain")
        edge.process.send_signal(signal.SIGINT)
        assert edge.process.wait(10) == 0
    go_on.set()


def test_a_bad_configuration_on_sighup_is_refused_with_its_reason_and_the_old_one_goes_on(proxied):
    edge, port, _ = proxied
    assert edge.metric("headgate_config_last_reload_successful") == 1
    edge.reload(BROKEN)
    wait_until(lambda: edge.metric("headgate_config_last_reload_successful") == 0, 10, "a refused reload")
    assert edge.metric("headgate_config_last_reload_problems", severity="error") >= 1
    assert "listners" in edge.stderr() and "listeners" in edge.stderr()
    assert any("listners" in line for line in json.loads(edge.admin("/status/configuration")[1])["problems"])
    assert fetch(url(port)).status == 200


def test_a_good_configuration_on_sighup_is_served(proxied, origin):
    edge, port, _ = proxied
    other = origin(name="other")
    edge.reload(simple_edge(port, other.port))
    wait_until(lambda: fetch(url(port)).body == b"other", 10, "the other origin")
    assert edge.metric("headgate_config_reloads_total", result="taken") == 1


def test_an_empty_configuration_is_not_valid(proxied):
    edge, port, made = proxied
    edge.reload(documents(upstream("origin", made.port)))
    wait_until(lambda: edge.metric("headgate_config_reloads_total", result="refused") == 1, 10, "a refused reload")
    assert fetch(url(port)).status == 200


def test_a_changed_file_is_read_with_watch(headgate, origin, free_port):
    port, first, second = free_port(), origin(name="first"), origin(name="second")
    edge = headgate(simple_edge(port, first.port), args=["--watch"])
    assert fetch(url(port)).body == b"first"
    edge.write_config(simple_edge(port, second.port))
    wait_until(lambda: fetch(url(port)).body == b"second", 15, "the changed file")


def test_after_a_death_the_last_good_configuration_is_served_when_the_files_are_invalid(proxied):
    edge, port, _ = proxied
    wait_until((edge.state / "last-good.yaml").exists, 20, "the last good configuration")
    assert (edge.state / "last-good.yaml").stat().st_mode & 0o777 == 0o600
    edge.write_config(BROKEN)
    (pid,) = edge.children()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: edge.children() not in ([], [pid]), 10, "another data plane")
    edge.wait_ready()
    assert fetch(url(port)).status == 200
    assert edge.metric("headgate_config_last_known_good") == 1
    assert "FILES ARE INVALID" in edge.stderr()
    edge.reload(simple_edge(port, 1))  # a valid one ends the emergency
    wait_until(lambda: edge.metric("headgate_config_last_known_good") == 0, 10, "the files are served again")


def test_an_invalid_configuration_at_the_start_prints_every_problem_and_exits_4(headgate, free_port):
    config = documents(BROKEN, route(rule("nowhere")))
    edge = headgate(config, ready=False)
    edge.expected_exit = 4
    assert edge.process.wait(20) == 4
    assert "listners" in edge.stderr() and "nowhere" in edge.stderr()


def test_a_port_that_is_taken_at_the_start_is_named_and_exits_1(headgate, free_port, origin):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        edge = headgate(simple_edge(port, 1), ready=False)
        edge.expected_exit = 1
        assert edge.process.wait(20) == 1
    assert f"port {port} on 127.0.0.1" in edge.stderr()
    assert "in use" in edge.stderr()


def test_a_change_to_a_taken_port_is_refused_and_the_old_ports_go_on(proxied, free_port):
    edge, port, made = proxied
    taken = free_port()
    with socket.create_server(("127.0.0.1", taken)):
        edge.reload(simple_edge(taken, made.port))
        wait_until(lambda: edge.metric("headgate_config_reloads_total", result="refused") == 1, 10, "a refused reload")
        assert fetch(url(port)).status == 200
    edge.reload()
    wait_until(lambda: _accepts(taken) and not _accepts(port), 10, "the other port")


def test_two_edges_on_one_machine_share_a_port_on_different_addresses(headgate, origin, free_port):
    port = free_port()
    one, two = origin(name="one"), origin(name="two")
    headgate(simple_edge(port, one.port))
    headgate(simple_edge(port, two.port), args=["--address", "127.0.0.2"])
    assert fetch(url(port)).body == b"one"
    assert fetch(url(port, host="127.0.0.2"), resolve="127.0.0.2").body == b"two"


def test_listeners_without_certificates_get_them_from_the_development_ca(headgate, origin, free_port):
    port = free_port()
    config = documents(gateway(https_listener(port, hostname="*.localhost")), upstream("origin", origin().port),
                       route(rule("origin"), hostnames=["shop.localhost"]))
    edge = headgate(config)
    assert fetch(f"https://shop.localhost:{port}/", ca=edge.ca_file()).status == 200
    assert str(edge.ca_file()) in edge.stderr()
    assert (edge.state / "local-ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_the_data_plane_has_no_capabilities_and_gains_none(proxied):
    edge, _, _ = proxied
    status = pathlib.Path(f"/proc/{edge.children()[0]}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(fields["CapEff"], 16) == 0 and int(fields["CapPrm"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


def test_no_thread_of_the_data_plane_can_run_a_program(proxied):
    edge, _, _ = proxied
    def filters(process) -> int:
        return int(re.search(r"Seccomp_filters:\t(\d+)", (process / "status").read_text())[1])

    others = filters(pathlib.Path(f"/proc/{edge.process.pid}"))  # a container's
    threads = list(pathlib.Path(f"/proc/{edge.children()[0]}/task").iterdir())
    assert len(threads) > 1 and {filters(thread) for thread in threads} == {others + 1}


def test_check_prints_every_problem_with_its_place(tmp_path):
    done = check(tmp_path, documents(BROKEN, route(rule("nowhere"))))
    assert done.returncode == 4
    assert "edge.yaml:" in done.stdout and "listners" in done.stdout and "nowhere" in done.stdout
    good = check(tmp_path, simple_edge(8080, 9000))
    assert good.returncode == 0, good.stdout


def run(*args):
    return subprocess.run([str(binary()), *args], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def test_the_command_line_explains_itself():
    assert run("--version").stdout == "headgate 0.1.0\n"
    assert run("--help").returncode == 0
    wrong = run("up", "-f", "x", "--wokers", "2")
    assert wrong.returncode == 2 and "did you mean '--workers'?" in wrong.stderr
    assert run("frob").returncode == 2
    docs = run("docs", "HTTPRoute")
    assert docs.returncode == 0 and "parentRefs" in docs.stdout
    assert run("docs", "HTTPRuote").returncode == 2


def test_the_api_shows_resources_to_those_with_the_token_and_never_secrets(headgate, origin, free_port, authority):
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n"
    edge = headgate(documents(simple_edge(free_port(), origin().port), secret))
    base, ca = f"https://127.0.0.1:{edge.api_port}", edge.ca_file()
    token_file = edge.state / "admin.token"
    assert token_file.stat().st_mode & 0o777 == 0o600
    bearer = ["-H", f"Authorization: Bearer {token_file.read_text().strip()}"]
    refused = fetch(f"{base}/api/v1/secrets", ca=ca)
    assert refused.status == 401 and json.loads(refused.body)["kind"] == "Status"
    assert fetch(f"{base}/api/v1/secrets", "-H", "Authorization: Bearer x", ca=ca).status == 401
    routes = json.loads(fetch(f"{base}/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes", *bearer, ca=ca).body)
    assert [item["metadata"]["name"] for item in routes["items"]] == ["route"]
    one = fetch(f"{base}/apis/headgate.io/v1alpha1/namespaces/default/upstreams/origin", *bearer, ca=ca)
    assert json.loads(one.body)["kind"] == "Upstream"
    assert b"hunter2" not in fetch(f"{base}/api/v1/namespaces/default/secrets/s", *bearer, ca=ca).body
    assert fetch(f"{base}/api/v1/namespaces/default/secrets/other", *bearer, ca=ca).status == 404
    assert fetch(f"{base}/version", *bearer, ca=ca).status == 200
