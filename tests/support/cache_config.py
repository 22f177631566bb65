"""Resources of an edge with a cache."""

from support.config import documents, gateway, http_listener, route, rule, upstream


def cache_policy(name: str, spec: dict) -> dict:
    return {"apiVersion": "headgate.io/v1alpha1", "kind": "CachePolicy", "metadata": {"name": name, "namespace": "default"},
            "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}], **spec}}


def cached_edge(port: int, origin_port: int, policies: dict, rules: dict = {}, more=(), **of_upstream) -> str:
    """Resources: a route to the origin for each policy, at NAME.test; policy None: a route without any.

    `rules` are fields of the rule of the route of that name, `more` further resources.
    """
    parts = [gateway(http_listener(port)), upstream("origin", origin_port, **of_upstream), *more]
    for name, spec in policies.items():
        parts.append(route(rule("origin", **rules.get(name, {})), name=name, hostnames=[f"{name}.test"]))
        if spec is not None:
            parts.append(cache_policy(name, spec))
    return documents(*parts)
