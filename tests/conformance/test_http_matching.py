"""HTTPRoute: which rule serves a request. Exact, prefix and regular paths, headers, queries, methods, and their order."""

import pytest
import yaml

from support.config import documents, gateway, http_listener, route, rule


def resources(world) -> str:
    return documents(gateway(http_listener(world.port)), *ROUTES)


def routed(name: str, hosts: list, *rules, created: str = None) -> dict:
    """An HTTPRoute for `hosts` under .example."""
    made = route(*rules, name=name, hostnames=[f"{host}.example" for host in hosts])
    made["metadata"].update({"creationTimestamp": created} if created else {})
    return made


def to(name: str, *matches: str) -> dict:
    """A rule to this backend for requests that any of `matches`, in YAML, describes."""
    return rule(name, **({"matches": [yaml.safe_load(f"{{{match}}}") for match in matches]} if matches else {}))


ROUTES = [
    routed("exact", ["exact"],
           to("v1", "path: {type: Exact, value: /one}"),
           to("v2", "path: {type: Exact, value: /two}"),
           to("v3", "path: {type: Exact, value: /two/}")),
    routed("prefix", ["prefix"],
           to("v1", "path: {type: PathPrefix, value: /}", "headers: [{name: version, value: one}]"),
           to("v2", "path: {type: PathPrefix, value: /v2}"),
           to("v3", "path: {type: PathPrefix, value: /v2/sub/}")),
    routed("regex", ["regex"],
           to("v1", "path: {type: RegularExpression, value: '/items/[0-9]+'}"),
           to("v2", "path: {type: Exact, value: /items/7}"),
           to("v3", "path: {type: PathPrefix, value: /items}")),
    routed("path-order", ["order"],
           to("v1", "path: {type: PathPrefix, value: /match}"),
           to("v2", "path: {type: PathPrefix, value: /match/prefix/one}"),
           to("v3", "path: {type: PathPrefix, value: /match/prefix}"),
           to("v3", "path: {type: Exact, value: /match/exact/one}"),
           to("v1", "path: {type: PathPrefix, value: /match/exact/one}"),
           to("v2", "path: {type: Exact, value: /match/exact}")),
    routed("headers", ["headers"],
           to("v1", "headers: [{name: version, value: one}]"),
           to("v2", "headers: [{name: Version, value: two}]"),
           to("v1", "headers: [{name: version, value: two}, {name: color, value: orange}]"),
           to("v1", "headers: [{name: color, value: blue}]", "headers: [{name: color, value: green}]"),
           to("v2", "headers: [{name: color, value: red}]", "headers: [{name: color, value: yellow}]"),
           to("v3", "headers: [{type: RegularExpression, name: agent, value: 'bot-[a-z]+'}]")),
    routed("queries", ["queries"],
           to("v1", "queryParams: [{name: animal, value: whale}]"),
           to("v2", "queryParams: [{name: animal, value: dolphin}]"),
           to("v3", "queryParams: [{name: animal, value: dolphin}, {name: color, value: blue}]"),
           to("v3", "queryParams: [{name: ANIMAL, value: Whale}]"),
           to("v1", "queryParams: [{name: animal, value: hydra}]", "queryParams: [{name: animal, value: ant eater}]"),
           to("v2", "queryParams: [{type: RegularExpression, name: id, value: '[0-9]{3}'}]")),
    routed("methods", ["methods"],
           to("v1", "method: POST"),
           to("v2", "method: GET"),
           to("v1", "path: {value: /path1}, method: GET"),
           to("v2", "path: {value: /path2}, method: PUT, headers: [{name: version, value: one}]"),
           to("v3", "path: {value: /path3}, headers: [{name: version, value: two}]"),
           to("v1", "path: {value: /path3}, method: PATCH")),
    routed("across-one", ["across", "other"], to("v1", "path: {value: /}", "headers: [{name: version, value: one}]"), created="2025-01-01T00:00:00Z"),
    routed("across-two", ["across"], to("v2", "path: {value: /v2}", "headers: [{name: version, value: two}]"), created="2025-01-02T00:00:00Z"),
    routed("b-older", ["conflict"], to("v1"), created="2020-01-01T00:00:00Z"),
    routed("a-newer", ["conflict"], to("v2"), created="2021-01-01T00:00:00Z"),
    routed("same-age-b", ["by-name"], to("v1")),
    routed("same-age-a", ["by-name"], to("v2"), to("v3")),
]

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
