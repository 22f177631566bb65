"""HTTPRoute: which rule serves a request. Exact, prefix and regular paths, headers, queries, methods, and their order."""

import pytest


def resources(world) -> str:
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: headgate
  addresses: [{{value: 127.0.0.1}}]
  listeners: [{{name: http, protocol: HTTP, port: {world.port}}}]
""" + ROUTES


def backend(name: str) -> str:
    return f"[{{group: headgate.io, kind: Upstream, name: {name}}}]"


V1, V2, V3 = backend("v1"), backend("v2"), backend("v3")

ROUTES = f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: exact}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [exact.example]
  rules:
  - {{matches: [{{path: {{type: Exact, value: /one}}}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{type: Exact, value: /two}}}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{type: Exact, value: /two/}}}}], backendRefs: {V3}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: prefix}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [prefix.example]
  rules:
  - {{matches: [{{path: {{type: PathPrefix, value: /}}}}, {{headers: [{{name: version, value: one}}]}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /v2}}}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /v2/sub/}}}}], backendRefs: {V3}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: regex}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [regex.example]
  rules:
  - {{matches: [{{path: {{type: RegularExpression, value: '/items/[0-9]+'}}}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{type: Exact, value: /items/7}}}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /items}}}}], backendRefs: {V3}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: path-order}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [order.example]
  rules:
  - {{matches: [{{path: {{type: PathPrefix, value: /match}}}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /match/prefix/one}}}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /match/prefix}}}}], backendRefs: {V3}}}
  - {{matches: [{{path: {{type: Exact, value: /match/exact/one}}}}], backendRefs: {V3}}}
  - {{matches: [{{path: {{type: PathPrefix, value: /match/exact/one}}}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{type: Exact, value: /match/exact}}}}], backendRefs: {V2}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: headers}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [headers.example]
  rules:
  - {{matches: [{{headers: [{{name: version, value: one}}]}}], backendRefs: {V1}}}
  - {{matches: [{{headers: [{{name: Version, value: two}}]}}], backendRefs: {V2}}}
  - {{matches: [{{headers: [{{name: version, value: two}}, {{name: color, value: orange}}]}}], backendRefs: {V1}}}
  - {{matches: [{{headers: [{{name: color, value: blue}}]}}, {{headers: [{{name: color, value: green}}]}}], backendRefs: {V1}}}
  - {{matches: [{{headers: [{{name: color, value: red}}]}}, {{headers: [{{name: color, value: yellow}}]}}], backendRefs: {V2}}}
  - {{matches: [{{headers: [{{type: RegularExpression, name: agent, value: 'bot-[a-z]+'}}]}}], backendRefs: {V3}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: queries}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [queries.example]
  rules:
  - {{matches: [{{queryParams: [{{name: animal, value: whale}}]}}], backendRefs: {V1}}}
  - {{matches: [{{queryParams: [{{name: animal, value: dolphin}}]}}], backendRefs: {V2}}}
  - {{matches: [{{queryParams: [{{name: animal, value: dolphin}}, {{name: color, value: blue}}]}}], backendRefs: {V3}}}
  - {{matches: [{{queryParams: [{{name: ANIMAL, value: Whale}}]}}], backendRefs: {V3}}}
  - {{matches: [{{queryParams: [{{name: animal, value: hydra}}]}}, {{queryParams: [{{name: animal, value: ant eater}}]}}], backendRefs: {V1}}}
  - {{matches: [{{queryParams: [{{type: RegularExpression, name: id, value: '[0-9]{{3}}'}}]}}], backendRefs: {V2}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: methods}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [methods.example]
  rules:
  - {{matches: [{{method: POST}}], backendRefs: {V1}}}
  - {{matches: [{{method: GET}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{value: /path1}}, method: GET}}], backendRefs: {V1}}}
  - {{matches: [{{path: {{value: /path2}}, method: PUT, headers: [{{name: version, value: one}}]}}], backendRefs: {V2}}}
  - {{matches: [{{path: {{value: /path3}}, headers: [{{name: version, value: two}}]}}], backendRefs: {V3}}}
  - {{matches: [{{path: {{value: /path3}}, method: PATCH}}], backendRefs: {V1}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: across-one, creationTimestamp: "2025-01-01T00:00:00Z"}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [across.example, other.example]
  rules:
  - {{matches: [{{path: {{value: /}}}}, {{headers: [{{name: version, value: one}}]}}], backendRefs: {V1}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: across-two, creationTimestamp: "2025-01-02T00:00:00Z"}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [across.example]
  rules:
  - {{matches: [{{path: {{value: /v2}}}}, {{headers: [{{name: version, value: two}}]}}], backendRefs: {V2}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: b-older, creationTimestamp: "2020-01-01T00:00:00Z"}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [conflict.example]
  rules: [{{backendRefs: {V1}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: a-newer, creationTimestamp: "2021-01-01T00:00:00Z"}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [conflict.example]
  rules: [{{backendRefs: {V2}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: same-age-b}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [by-name.example]
  rules: [{{backendRefs: {V1}}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: same-age-a}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [by-name.example]
  rules: [{{backendRefs: {V2}}}, {{backendRefs: {V3}}}]
"""

# host without .example, target, expected backend (None: 404)
PATHS = [
    ("exact", "/one", "v1"), ("exact", "/two", "v2"), ("exact", "/two/", "v3"), ("exact", "/", None),
    ("exact", "/one/example", None), ("exact", "/one/", None), ("exact", "/Two", None), ("exact", "/one?x=/two", "v1"),
    ("exact", "/%6fne", "v1"), ("exact", "/x/../one", "v1"),
    ("prefix", "/", "v1"), ("prefix", "/example", "v1"), ("prefix", "/v2", "v2"), ("prefix", "/v2/", "v2"),
    ("prefix", "/v2/example", "v2"), ("prefix", "/v2example", "v1"), ("prefix", "/foo/v2/example", "v1"),
    ("prefix", "/v2/sub", "v3"), ("prefix", "/v2/sub/", "v3"), ("prefix", "/v2/subway", "v2"), ("prefix", "/V2", "v1"),
    ("prefix", "/v2?x=/v2/sub", "v2"), ("prefix", "/v2/./sub/x", "v3"), ("prefix", "/v2/sub/..", "v2"),
    ("regex", "/items/42", "v1"), ("regex", "/items/7", "v2"), ("regex", "/items/42/x", "v3"), ("regex", "/items/x", "v3"),
    ("regex", "/x/items/42", None), ("regex", "/items/42?q=1", "v1"),
    ("order", "/match/exact/one", "v3"), ("order", "/match/exact", "v2"), ("order", "/match", "v1"),
    ("order", "/match/prefix/one/any", "v2"), ("order", "/match/prefix/any", "v3"), ("order", "/match/any", "v1"),
    ("order", "/match/exact/one/any", "v1"), ("order", "/match/exact/", "v1"), ("order", "/matchless", None),
]


@pytest.mark.parametrize("host, target, expected", PATHS, ids=lambda value: str(value))
def test_a_path_is_served_by_its_most_specific_rule(world, host, target, expected):
    check(world.ask(target, host=f"{host}.example"), expected)


HEADERS = [
    ([("Version", "one")], "v1"), ([("version", "two")], "v2"), ([("VERSION", "two"), ("Color", "orange")], "v1"),
    ([("Color", "blue")], "v1"), ([("Color", "green")], "v1"), ([("Color", "red")], "v2"), ([("Color", "yellow")], "v2"),
    ([("Color", "purple")], None), ([], None), ([("version", "One")], None), ([("color", "orange")], None),
    ([("agent", "bot-x")], "v3"), ([("agent", "a bot-x")], None), ([("agent", "bot-x2")], None),
    ([("color", "blue"), ("color", "green")], None),
]


@pytest.mark.parametrize("fields, expected", HEADERS, ids=lambda value: str(value))
def test_header_names_match_in_any_case_and_values_exactly(world, fields, expected):
    check(world.ask("/", host="headers.example", fields=fields), expected)


QUERIES = [
    ("animal=whale", "v1"), ("animal=dolphin", "v2"), ("animal=dolphin&color=blue", "v3"), ("color=blue&animal=dolphin", "v3"),
    ("ANIMAL=Whale", "v3"), ("animal=hydra", "v1"), ("animal=ant%20eater", "v1"), ("animal=ant+eater", "v1"),
    ("animal=shark", None), ("animal=whal%65", "v1"), ("color=blue", None), ("", None), ("animal", None),
    ("animal=whale&animal=dolphin", "v1"), ("id=123", "v2"), ("id=1234", None), ("Animal=whale", None),
]


@pytest.mark.parametrize("query, expected", QUERIES)
def test_query_parameters_match_exactly_and_the_first_of_a_name_counts(world, query, expected):
    check(world.ask("/?" + query, host="queries.example"), expected)


METHODS = [
    ("POST", "/", [], "v1"), ("GET", "/", [], "v2"), ("HEAD", "/", [], None), ("PUT", "/", [], None),
    ("GET", "/path1", [], "v1"), ("POST", "/path1", [], "v1"), ("DELETE", "/path1", [], None),
    ("PUT", "/path2", [("version", "one")], "v2"), ("POST", "/path2", [("version", "one")], "v1"),
    ("PATCH", "/path3", [("version", "two")], "v1"), ("DELETE", "/path3", [("version", "two")], "v3"),
    ("get", "/", [], None),
]


@pytest.mark.parametrize("method, target, fields, expected", METHODS, ids=lambda value: str(value))
def test_methods_match_and_come_before_headers(world, method, target, fields, expected):
    length = [("Content-Length", "0")] if method in ("POST", "PUT", "PATCH") else []
    check(world.ask(target, host="methods.example", method=method, fields=fields + length), expected)


ACROSS = [
    ("across", "/", [], "v1"), ("across", "/", [("version", "one")], "v1"), ("across", "/", [("version", "two")], "v2"),
    ("across", "/v2", [], "v2"), ("across", "/v2/example", [], "v2"), ("across", "/v2", [("version", "one")], "v2"),
    ("other", "/v2", [("version", "two")], "v1"), ("other", "/", [], "v1"),
    ("conflict", "/", [], "v1"),  # the older route, although its name comes later
    ("by-name", "/", [], "v2"),  # of one age: the first by name, and of its rules the first
]


@pytest.mark.parametrize("host, target, fields, expected", ACROSS, ids=lambda value: str(value))
def test_rules_of_several_routes_compete_as_if_they_were_one(world, host, target, fields, expected):
    check(world.ask(target, host=f"{host}.example", fields=fields), expected)


def check(reply, expected):
    assert (reply.status, reply.backend) == ((404, None) if expected is None else (200, expected))
