"""HTTPRoute filters: header modifiers, redirects, rewrites, CORS."""

import pytest

from support.config import documents, gateway, http_listener

ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: filters{number}}}
spec:
  parentRefs: [{{name: edge}}]
  rules:
"""


def resources(world) -> str:
    rules = HEADER_RULES + [redirect_rule(*case[:2]) for case in REDIRECTS] + [rewrite_rule(*case[:2]) for case in REWRITES]
    rules += CORS_RULES
    chunks = [rules[at:at + 16] for at in range(0, len(rules), 16)]  # an HTTPRoute has at most 16 rules
    return documents(gateway(http_listener(world.port)), *(ROUTE.format(number=at) + "".join(chunk) for at, chunk in enumerate(chunks)))


def rule(path: str, filters: str, backends: str = "[{group: headgate.io, kind: Upstream, name: v1}]") -> str:
    refs = f"\n    backendRefs: {backends}" if backends else ""
    return f"""
  - matches: [{{path: {{value: {path}}}}}]
    filters: {filters}{refs}
"""


HEADER_RULES = [
    rule("/set", "[{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Header-Set, value: set-overwrites-values}]}}]"),
    rule("/add", "[{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: X-Header-Add, value: add-appends-values}]}}]"),
    rule("/remove", "[{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-Header-Remove]}}]"),
    rule("/multiple", """[{type: RequestHeaderModifier, requestHeaderModifier: {
      set: [{name: X-Header-Set-1, value: header-set-1}, {name: X-Header-Set-2, value: header-set-2}],
      add: [{name: X-Header-Add-1, value: header-add-1}, {name: X-Header-Add-2, value: header-add-2}],
      remove: [X-Header-Remove-1, X-Header-Remove-2]}}]"""),
    rule("/response", """[{type: ResponseHeaderModifier, responseHeaderModifier: {
      set: [{name: X-Set, value: from-the-edge}], add: [{name: X-Add, value: appended}], remove: [X-Remove, Server]}}]"""),
    rule("/per-backend", "[]", """[{group: headgate.io, kind: Upstream, name: v1, filters: [
      {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Backend, value: only-v1}]}},
      {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-From, value: v1}]}}]}]"""),
]

REQUEST_HEADERS = [
    ("/set", [("Some-Other-Header", "val")], {"some-other-header": ["val"], "x-header-set": ["set-overwrites-values"]}),
    ("/set", [("x-header-set", "some-other-value")], {"x-header-set": ["set-overwrites-values"]}),
    ("/set", [("x-header-set", "a"), ("X-HEADER-SET", "b")], {"x-header-set": ["set-overwrites-values"]}),
    ("/add", [], {"x-header-add": ["add-appends-values"]}),
    ("/add", [("X-Header-Add", "some-other-value")], {"x-header-add": ["some-other-value", "add-appends-values"]}),
    ("/remove", [("X-Header-Remove", "val"), ("x-header-remove", "more"), ("X-Kept", "1")], {"x-header-remove": [], "x-kept": ["1"]}),
    ("/multiple", [("X-Header-Set-2", "set-val-2"), ("X-Header-Add-2", "add-val-2"), ("X-Header-Remove-2", "remove-val-2"),
                   ("Another-Header", "another")],
     {"x-header-set-1": ["header-set-1"], "x-header-set-2": ["header-set-2"], "x-header-add-1": ["header-add-1"],
      "x-header-add-2": ["add-val-2", "header-add-2"], "x-header-remove-1": [], "x-header-remove-2": [], "another-header": ["another"]}),
    ("/per-backend", [("x-backend", "mine")], {"x-backend": ["only-v1"]}),
]


@pytest.mark.parametrize("target, fields, expected", REQUEST_HEADERS, ids=lambda value: str(value)[:40])
def test_the_backend_sees_modified_request_headers(world, target, fields, expected):
    reply = world.ask(target, fields=fields)
    assert reply.status == 200
    # Lines of one name may also come joined (RFC 9110 §5.3).
    seen = {name: [part.strip() for value in reply.all(name) for part in value.split(",")] for name in expected}
    assert seen == expected


def test_the_client_sees_modified_response_headers(world):
    sent = [("x-echo-set", pair) for pair in ("X-Set=a", "x-set=b", "X-Add=first", "X-Remove=gone", "Server=secret", "X-Kept=1")]
    answer = world.ask("/response", fields=sent).answer
    assert answer.status == 200
    assert answer.all("x-set") == ["from-the-edge"]
    assert ", ".join(answer.all("x-add")) == "first, appended"
    assert answer.all("x-remove") == [] and answer.all("server") == [] and answer.all("x-kept") == ["1"]
    assert world.ask("/per-backend").answer.all("x-from") == ["v1"]


# path of the rule, the filter, [(request, status, location with PORT for the listener's)]
REDIRECTS = [
    ("/host", "hostname: example.org", [("/host", 302, "http://example.org:PORT/host"), ("/host/x?q=1", 302, "http://example.org:PORT/host/x?q=1")]),
    ("/host-301", "hostname: example.org, statusCode: 301", [("/host-301", 301, "http://example.org:PORT/host-301")]),
    ("/status-303", "hostname: example.org, statusCode: 303", [("/status-303", 303, "http://example.org:PORT/status-303")]),
    ("/status-307", "statusCode: 307, path: {type: ReplaceFullPath, replaceFullPath: /x}", [("/status-307", 307, "http://a.example:PORT/x")]),
    ("/status-308", "statusCode: 308, scheme: https", [("/status-308", 308, "https://a.example/status-308")]),
    ("/scheme-http", "scheme: http, hostname: example.org", [("/scheme-http", 302, "http://example.org/scheme-http")]),
    ("/scheme-https", "scheme: https", [("/scheme-https?a=b", 302, "https://a.example/scheme-https?a=b")]),
    ("/scheme-host", "scheme: https, hostname: example.org", [("/scheme-host", 302, "https://example.org/scheme-host")]),
    ("/port", "port: 8083", [("/port", 302, "http://a.example:8083/port")]),
    ("/port-80", "port: 80", [("/port-80", 302, "http://a.example/port-80")]),
    ("/port-https-443", "scheme: https, port: 443", [("/port-https-443", 302, "https://a.example/port-https-443")]),
    ("/port-https-80", "scheme: https, port: 80", [("/port-https-80", 302, "https://a.example:80/port-https-80")]),
    ("/port-https-8443", "scheme: https, port: 8443", [("/port-https-8443", 302, "https://a.example:8443/port-https-8443")]),
    ("/full", "path: {type: ReplaceFullPath, replaceFullPath: /full-path-replacement}",
     [("/full/lemon", 302, "http://a.example:PORT/full-path-replacement"), ("/full?q=1", 302, "http://a.example:PORT/full-path-replacement?q=1")]),
    ("/original-prefix", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix}",
     [("/original-prefix", 302, "http://a.example:PORT/replacement-prefix"),
      ("/original-prefix/", 302, "http://a.example:PORT/replacement-prefix/"),
      ("/original-prefix/lemon", 302, "http://a.example:PORT/replacement-prefix/lemon"),
      ("/original-prefix/a%20b?x=%2F", 302, "http://a.example:PORT/replacement-prefix/a%20b?x=%2F")]),
    ("/strip-prefix", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /}",
     [("/strip-prefix", 302, "http://a.example:PORT/"), ("/strip-prefix/x", 302, "http://a.example:PORT/x")]),
    ("/host-prefix", "hostname: example.org, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new/}",
     [("/host-prefix/a", 302, "http://example.org:PORT/new/a"), ("/host-prefix", 302, "http://example.org:PORT/new")]),
]


def redirect_rule(path: str, settings: str) -> str:
    return rule(path, f"[{{type: RequestRedirect, requestRedirect: {{{settings}}}}}]", backends="")


@pytest.mark.parametrize("target, status, location", [case for row in REDIRECTS for case in row[2]])
def test_a_redirect_says_where_to_go(world, target, status, location):
    answer = world.ask(target).answer
    assert (answer.status, answer.field("location")) == (status, location.replace("PORT", str(world.port)))


def test_a_redirect_keeps_the_name_in_the_request_and_not_its_port(world):
    answer = world.ask("/scheme-https", host=f"B.example:{world.port}").answer
    assert answer.field("location") == "https://b.example/scheme-https"
    answer = world.ask("/scheme-https", host="[::1]:80").answer
    assert answer.field("location") == "https://[::1]/scheme-https"


# path of the rule, the filter, [(request, host and path that the backend sees)]
REWRITES = [
    ("/rw-host", "hostname: one.example.org", [("/rw-host/x?q", "one.example.org", "/rw-host/x?q")]),
    ("/rw-full", "path: {type: ReplaceFullPath, replaceFullPath: /one}",
     [("/rw-full/a/b", "a.example", "/one"), ("/rw-full?a=1", "a.example", "/one?a=1")]),
    ("/rw-full-host", "hostname: test.example.org, path: {type: ReplaceFullPath, replaceFullPath: /two}",
     [("/rw-full-host/three", "test.example.org", "/two")]),
    ("/rw-prefix", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}",
     [("/rw-prefix", "a.example", "/one"), ("/rw-prefix/", "a.example", "/one/"), ("/rw-prefix/two", "a.example", "/one/two"),
      ("/rw-prefix/two/?q=%20", "a.example", "/one/two/?q=%20"), ("/rw-prefix/x/../two", "a.example", "/one/two")]),
    ("/rw-strip", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /}",
     [("/rw-strip", "a.example", "/"), ("/rw-strip/", "a.example", "/"), ("/rw-strip/three", "a.example", "/three"),
      ("/rw-strip?q=1", "a.example", "/?q=1")]),
    ("/rw-slash/", "path: {type: ReplacePrefixMatch, replacePrefixMatch: /one/}", [("/rw-slash/two", "a.example", "/one/two")]),
    ("/rw-root", "path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}", [("/rw-root/two", "a.example", "/two")]),
]


def rewrite_rule(path: str, settings: str) -> str:
    return rule(path, f"[{{type: URLRewrite, urlRewrite: {{{settings}}}}}]")


@pytest.mark.parametrize("target, host, seen", [case for row in REWRITES for case in row[2]])
def test_the_backend_sees_the_rewritten_url(world, target, host, seen):
    reply = world.ask(target)
    assert (reply.status, reply.host, reply.target) == (200, host, seen)


def test_a_rewritten_host_is_told_to_the_backend_as_forwarded(world):
    assert world.ask("/rw-host", host="shop.example").all("x-forwarded-host") == ["shop.example"]


CORS_RULES = [
    rule("/cors-1", """[{type: CORS, cors: {allowOrigins: ["https://www.foo.com", "https://*.bar.com"], allowMethods: [GET, OPTIONS],
      allowHeaders: [x-header-1, x-header-2], exposeHeaders: [x-header-3], maxAge: 3600, allowCredentials: true}}]"""),
    rule("/cors-any", """[{type: CORS, cors: {allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"]}}]"""),
]


def preflight(origin: str, method: str = "GET", headers: str = "x-header-1"):
    return {"method": "OPTIONS", "fields": [("Origin", origin), ("Access-Control-Request-Method", method),
                                            ("Access-Control-Request-Headers", headers)]}


@pytest.mark.parametrize("origin", ["https://www.foo.com", "https://www.bar.com", "https://a.b.bar.com"])
def test_a_preflight_of_an_allowed_origin_is_answered_by_the_edge(world, origin):
    reply = world.ask("/cors-1", **preflight(origin))
    answer = reply.answer
    assert reply.backend is None and answer.status in (200, 204)
    assert answer.field("access-control-allow-origin") == origin
    assert {m.strip() for m in answer.field("access-control-allow-methods").split(",")} == {"GET", "OPTIONS"}
    assert {h.strip() for h in answer.field("access-control-allow-headers").split(",")} == {"x-header-1", "x-header-2"}
    assert answer.field("access-control-max-age") == "3600"
    assert answer.field("access-control-allow-credentials") == "true"
    assert "origin" in answer.field("vary").lower()


@pytest.mark.parametrize("origin", ["https://foobar.com", "http://www.foo.com", "https://bar.com", "https://www.foo.com:8443",
                                    "https://www.bar.com.evil.com", "null"])
def test_another_origin_is_told_nothing(world, origin):
    answer = world.ask("/cors-1", **preflight(origin)).answer
    assert not [name for name, _ in answer.fields if name.startswith("access-control-")]
    simple = world.ask("/cors-1", fields=[("Origin", origin)])
    assert simple.status == 200 and simple.answer.field("access-control-allow-origin") is None


def test_a_simple_request_of_an_allowed_origin_may_be_read(world):
    answer = world.ask("/cors-1", fields=[("Origin", "https://www.foo.com")]).answer
    assert answer.field("access-control-allow-origin") == "https://www.foo.com"
    assert answer.field("access-control-expose-headers") == "x-header-3"
    assert answer.field("access-control-allow-credentials") == "true"


def test_what_the_backend_says_about_cors_is_replaced(world):
    sent = [("Origin", "https://www.foo.com"), ("x-echo-set", "Access-Control-Allow-Origin=*")]
    assert world.ask("/cors-1", fields=sent).answer.all("access-control-allow-origin") == ["https://www.foo.com"]
    sent[0] = ("Origin", "https://evil.example")
    assert world.ask("/cors-1", fields=sent).answer.all("access-control-allow-origin") == []


def test_a_wildcard_allows_every_origin_method_and_header(world):
    answer = world.ask("/cors-any", **preflight("https://any.example", "PUT", "x-any, x-more")).answer
    assert answer.field("access-control-allow-origin") == "*"
    assert answer.field("access-control-allow-methods") in ("*", "PUT")
    assert answer.field("access-control-allow-headers") in ("*", "x-any, x-more")
    assert answer.field("access-control-allow-credentials") is None


def test_an_options_request_that_is_no_preflight_reaches_the_backend(world):
    reply = world.ask("/cors-1", method="OPTIONS", fields=[("Origin", "https://www.foo.com")])
    assert (reply.status, reply.backend) == (200, "v1")
