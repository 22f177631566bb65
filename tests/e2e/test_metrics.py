"""What operators see: metrics, health, status."""

import json
import shutil
import socket
import subprocess
import threading

from support.client import exchange, fetch
from support.config import backend, documents, gateway, http_listener, route, rule, upstream
from support.nameserver import NameServer
from support.wait import wait_until


def url(port, path="/"):
    return f"http://127.0.0.1:{port}{path}"


def test_metrics_are_clean_under_promtool(proxied):
    edge, port, _ = proxied
    assert fetch(url(port)).status == 200
    assert shutil.which("promtool")
    done = subprocess.run(["promtool", "check", "metrics"], input=edge.admin("/metrics")[1], capture_output=True,
                          text=True, timeout=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_requests_are_counted_by_rule_and_status_class(headgate, origin, free_port):
    port = free_port()
    made = origin(lambda request: (404 if request.target == "/no" else 200, b"", []))
    edge = headgate(documents(gateway(http_listener(port)), upstream("shop", made.port), route(rule("shop"), name="shop")))
    for path in ("/", "/", "/no"):
        fetch(url(port, path))
    name = "HTTPRoute default/shop/0"
    edge.wait_metric("headgate_requests_total", 2, rule=name, **{"class": "2xx"})
    edge.wait_metric("headgate_requests_total", 1, rule=name, **{"class": "4xx"})
    edge.wait_metric("headgate_request_duration_seconds_count", 3, rule=name)
    edge.wait_metric("headgate_upstream_requests_total", 2, upstream="default/shop", **{"class": "2xx"})
    assert edge.metric("headgate_client_requests_total", version="1") == 3
    samples = edge.metrics()
    buckets = [samples[s] for s in samples if s.startswith("headgate_request_duration_seconds_bucket") and name in s]
    assert buckets == sorted(buckets) and buckets[-1] == 3


def test_what_a_client_sends_makes_no_new_series(proxied):
    edge, port, _ = proxied
    fetch(url(port))
    edge.wait_metric("headgate_requests_total", 1)
    before = set(edge.metrics())
    for i in range(20):
        fetch(url(port, f"/path{i}"), "-H", f"X-Number: {i}", "-X", f"METHOD{i}", host=f"host{i}.example")
    assert set(edge.metrics()) == before


def test_process_and_configuration_are_measured(proxied):
    edge, _, _ = proxied
    assert edge.metric("headgate_process_resident_memory_bytes") > 1 << 20
    assert edge.metric("headgate_process_open_fds") > 3
    assert edge.metric("headgate_process_start_time_seconds") > 1.6e9
    assert edge.metric("headgate_build_info", version="0.1.0") == 1
    assert edge.metric("headgate_config_revision") == 1
    assert edge.metric("headgate_config_last_reload_successful") == 1
    assert edge.metric("headgate_workers") == edge.workers
    assert edge.metric("headgate_worker_turn_duration_seconds_count") > 0


def test_status_lists_listeners_routes_upstreams_and_connections(proxied):
    edge, port, made = proxied
    fetch(url(port))
    wait_until(lambda: json.loads(edge.admin("/status/routes")[1])[0]["requests"] == 1, 10, "a counted request")
    status = json.loads(edge.admin("/status")[1])
    assert status["listeners"][0]["port"] == port
    assert status["upstreams"][0]["name"] == "default/origin"
    assert status["upstreams"][0]["endpoints"][0] == {
        "endpoint": f"127.0.0.1:{made.port}", "healthy": True, "ejected": False, "activeRequests": 0,
        "consecutiveErrors": 0, "weight": 1, "priority": 0}
    assert status["configuration"]["lastReloadSuccessful"] is True
    assert len(status["workers"]) == edge.workers
    assert json.loads(edge.admin("/status/listeners")[1]) == status["listeners"]
    assert edge.admin("/status/nothing")[0] == 404


class SlowNameServer(NameServer):
    """Answers some time after the question, which is counted at once."""

    def _answer(self, query: bytes) -> bytes:
        answer = super()._answer(query)
        threading.Event().wait(0.5)
        return answer


def test_an_edge_is_ready_when_the_names_of_its_upstreams_are_known(headgate, origin, free_port):
    names, port = SlowNameServer({"shop.test": ["127.0.0.1"]}), free_port()
    config = documents(gateway(http_listener(port)), upstream("origin", origin().port, address="shop.test",
                                                              healthCheck={"path": "/", "interval": "100ms"}), route(rule("origin")))
    edge = headgate(config, args=["--dns-server", names.address])
    (status,) = json.loads(edge.admin("/status/upstreams")[1])
    assert status["names"] == [{"name": "shop.test", "addresses": 1, "problem": ""}]
    assert edge.metric("headgate_dns_lookups_total") >= 1
    edge.wait_metric("headgate_health_checks_total", 1)
    wait_until(lambda: json.loads(edge.admin("/status/upstreams")[1])[0]["healthChecks"][0]["lastResult"], 10, "a checked endpoint")
    names.close()


def test_an_edge_does_not_wait_for_ever_for_names_and_key_sets(headgate, origin, free_port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, socket.create_server(("127.0.0.1", 0)) as mute:
        silent.bind(("127.0.0.1", 0))
        keys = f"http://127.0.0.1:{mute.getsockname()[1]}/jwks"
        policy = {"apiVersion": "headgate.io/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "guard"},
                  "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "route"}],
                           "jwt": {"providers": [{"name": "issuer", "issuer": "x", "jwks": {"url": keys}}]}}}
        config = documents(gateway(http_listener(free_port())), upstream("origin", origin().port, address="shop.test"),
                           route(rule("origin")), policy)
        edge = headgate(config, args=["--dns-server", f"127.0.0.1:{silent.getsockname()[1]}"])
        assert json.loads(edge.admin("/status/keySets")[1])[0]["url"] == keys
        assert edge.metric("headgate_jwks_fetches_total") == 1


def test_copies_of_requests_are_counted(headgate, origin, free_port):
    port, copy = free_port(), origin(name="copy")
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": backend("copy")}}
    edge = headgate(documents(gateway(http_listener(port)), upstream("origin", origin().port), upstream("copy", copy.port),
                              route(rule("origin", filters=[mirror]))))
    assert fetch(url(port)).status == 200
    edge.wait_metric("headgate_upstream_mirrored_requests_total", 1, upstream="default/copy")
    assert edge.metric("headgate_upstream_mirror_failures_total") == 0


def test_the_admin_port_answers_health_and_lists_its_pages(proxied):
    edge, _, _ = proxied
    assert edge.admin("/healthz") == (200, "ok\n")
    assert edge.admin("/readyz") == (200, "ok\n")
    status, text = edge.admin("/")
    assert status == 404 and "/metrics" in text and "/status" in text


def test_the_admin_port_only_reads_and_survives_bad_clients(proxied):
    edge, _, _ = proxied
    assert exchange(edge.admin_port, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").startswith(b"HTTP/1.1 413 ")
    assert exchange(edge.admin_port, b"DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 405 ")
    assert exchange(edge.admin_port, b"\x16\x03\x01\r\n\r\n").startswith(b"HTTP/1.1 ")
    idle = [socket.create_connection(("127.0.0.1", edge.admin_port)) for _ in range(40)]
    assert edge.admin("/healthz")[0] == 200
    for one in idle:
        one.close()
