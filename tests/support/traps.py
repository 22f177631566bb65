"""What the tests of traps share: an edge with policies, bytes of requests, memory of a process."""

import pathlib

from support.client import RawClient
from support.config import documents, gateway, http_listener, route, rule, upstream

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
# A WebSocket handshake with the key of RFC 6455 §1.3: fields of the request, and the whole answer.
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def policy(kind: str, spec: dict, target: str = "edge", target_kind: str = "Gateway", name: str = "policy") -> dict:
    """A TrafficPolicy or RateLimit for one target."""
    return {"apiVersion": "headgate.io/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "default"},
            "spec": {"targetRefs": [{"kind": target_kind, "name": target}], **spec}}


def edge_with(port: int, *origin_ports: int, traffic: dict = None, limits: list = None, rule_spec: dict = None,
              **upstream_spec) -> str:
    """One listener, one upstream and one route; `traffic` is a TrafficPolicy's spec, `limits` a RateLimit's."""
    more = [policy("TrafficPolicy", traffic)] if traffic else []
    more += [policy("RateLimit", {"limits": limits})] if limits else []
    return documents(gateway(http_listener(port)), upstream("origin", *origin_ports, **upstream_spec),
                     route(rule("origin", **(rule_spec or {}))), *more)


def get(path: str = "/", *lines: str, host: str = "a", version: str = "1.1", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", f"Host: {host}", *lines, "", ""]).encode("latin-1")


def post(body: bytes, *lines: str, path: str = "/") -> bytes:
    return get(path, *lines, f"Content-Length: {len(body)}", method="POST") + body


def refusal(port: int, data: bytes) -> int:
    """The status of the only answer to `data`, after which the edge closes; 0 when there was none."""
    with RawClient(port) as client:
        received = client.send(data).read_to_end()
    assert received.count(b"HTTP/1.1 ") <= 1, f"{data!r} got several answers: {received!r}"
    return int(received.split(b" ")[1]) if received else 0


def unrefused(port: int, requests, statuses=(400,)) -> list:
    """Those of `requests` that were answered otherwise than with one of `statuses` and a close."""
    return [(data, status) for data in requests if (status := refusal(port, data)) not in statuses]


def resident_bytes(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def watched_by_each_loop(edge) -> dict:
    """Descriptors that each epoll instance of the data plane watches, by the instance's number."""
    directory = pathlib.Path(f"/proc/{edge.children()[0]}/fdinfo")
    counts = {info.name: info.read_text().count("tfd:") for info in directory.iterdir()}
    return {name: count for name, count in counts.items() if count}
