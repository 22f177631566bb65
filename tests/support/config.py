"""Short ways to write the resources that most tests need; everything else is written out as YAML in the test."""

import yaml


def documents(*resources) -> str:
    """Joins resources, each a dict or YAML text, into one multi-document file."""
    return "\n---\n".join(r if isinstance(r, str) else yaml.safe_dump(r, sort_keys=False) for r in resources)


def _named(kind: str, api: str, name: str, spec: dict, **rest) -> dict:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec, **rest}


def gateway(*listeners, name: str = "edge", address: str = "127.0.0.1", **spec) -> dict:
    return _named("Gateway", "gateway.networking.k8s.io/v1", name, {
        "gatewayClassName": "headgate", "addresses": [{"type": "IPAddress", "value": address}],
        "listeners": list(listeners), **spec})


def http_listener(port: int, name: str = "http", **more) -> dict:
    return {"name": name, "protocol": "HTTP", "port": port, **more}


def https_listener(port: int, secret: str = None, name: str = "https", **more) -> dict:
    tls = {"tls": {"certificateRefs": [{"name": secret}]}} if secret else {}
    return {"name": name, "protocol": "HTTPS", "port": port, **tls, **more}


def tls_secret(leaf, name: str = "local-tls") -> dict:
    secret = _named("Secret", "v1", name, {}, type="kubernetes.io/tls",
                    stringData={"tls.crt": leaf.cert_pem, "tls.key": leaf.key_pem})
    del secret["spec"]
    return secret


def upstream(name: str, *ports, protocol: str = "HTTP", address: str = "127.0.0.1", **spec) -> dict:
    return _named("Upstream", "headgate.io/v1alpha1", name, {
        "protocol": protocol, "endpoints": [{"address": address, "port": port} for port in ports], **spec})


def backend(name: str, **more) -> dict:
    return {"group": "headgate.io", "kind": "Upstream", "name": name, **more}


def route(*rules, name: str = "route", hostnames=(), parent: str = "edge", kind: str = "HTTPRoute", **spec) -> dict:
    return _named(kind, "gateway.networking.k8s.io/v1", name, {
        "parentRefs": [{"name": parent}], **({"hostnames": list(hostnames)} if hostnames else {}),
        "rules": list(rules), **spec})


def rule(*upstreams: str, path: str = None, filters=(), **more) -> dict:
    """One rule to these upstreams; `path` is a prefix."""
    made = {"matches": [{"path": {"type": "PathPrefix", "value": path}}]} if path else {}
    made.update({"filters": list(filters)} if filters else {})
    return {**made, "backendRefs": [backend(name) for name in upstreams], **more}


def simple_edge(port: int, *origin_ports: int) -> str:
    """Everything that arrives on `port` goes to these origins by turns."""
    return documents(gateway(http_listener(port)), upstream("origin", *origin_ports), route(rule("origin")))
