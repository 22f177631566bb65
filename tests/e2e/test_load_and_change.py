"""Every kind of load at once while configurations change and operators look: what the thread sanitizer needs to see."""

import re
import subprocess
import threading

import pytest

from support.config import documents, gateway, http_listener, https_listener, route, rule, tls_secret, upstream
from support.nginx import Nginx
from support.ports import free_port as next_free_port


def served(text: str) -> int:
    """How many answers a load program says that it had."""
    count = re.search(r"(\d+) requests in |status codes: (\d+) 2xx", text)
    return int(count[1] or count[2]) if count else 0


@pytest.fixture
def two_origins(tmp_path):
    ports = next_free_port(), next_free_port()
    server = Nginx(tmp_path / "nginx", "".join(f"""server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000;
        location / {{ return 200 "{'x' * 2000}"; }} }}\n""" for port in ports))
    yield ports
    server.close()


def test_no_request_fails_and_no_thread_races_while_everything_happens_at_once(headgate, two_origins, free_port, authority):
    plain, tls = free_port(), free_port()
    secret = tls_secret(authority.issue("shop.localhost", "127.0.0.1"))

    def config(**spec):
        listeners = http_listener(plain), https_listener(tls, "local-tls")
        return documents(gateway(*listeners), secret, upstream("origin", *two_origins, **spec), route(rule("origin")))

    edge = headgate(config(), workers=2)
    loads = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
             for command in (["wrk", "-t1", "-c20", "-d8s", f"http://127.0.0.1:{plain}/"],
                             ["h2load", "-D8", "-c6", "-m10", f"https://127.0.0.1:{tls}/"],
                             ["h2load", "-D8", "-c6", "-m10", "--no-tls-proto=h2c", f"http://127.0.0.1:{plain}/"],
                             ["wrk", "-t1", "-c8", "-d8s", "-H", "Connection: close", f"https://127.0.0.1:{tls}/"])]
    looked = []

    def look():
        while any(load.poll() is None for load in loads):
            looked.append(all(edge.admin(page, 20)[0] == 200 for page in ("/metrics", "/status")))

    looking = threading.Thread(target=look)
    looking.start()
    policies = ("RoundRobin", "LeastRequest")
    changes = 0
    while any(load.poll() is None for load in loads):
        before = edge.metric("headgate_config_reloads_total")
        edge.reload(config(loadBalancing={"policy": policies[changes % 2]}))
        edge.wait_metric("headgate_config_reloads_total", before + 1, 30)
        changes += 1
    looking.join()
    printed = [load.communicate()[0] for load in loads]
    assert edge.metric("headgate_config_reloads_total", result="refused") == 0
    assert changes >= 3 and looked and all(looked)
    for load, text in zip(loads, printed):
        assert load.returncode == 0 and served(text) > 0, text
        assert "Non-2xx" not in text and "Socket errors" not in text, text
        assert "requests:" not in text or " 0 failed, 0 errored, 0 timeout" in text, text
    assert edge.metric("headgate_data_plane_restarts_total") == 0
