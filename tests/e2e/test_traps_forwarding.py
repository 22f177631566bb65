"""What is passed on and what stays with its hop. Rows 5, 8, 12, 15, 17 and 29 of the list of traps."""

import pytest
from support.client import RawClient, exchange
from support.config import simple_edge
from support.origin import read_request, response
from support.traps import SMUGGLED, SWITCH, UPGRADE, edge_with, get, post, refusal, unrefused


def names(request) -> set:
    return {name.lower() for name, _ in request.fields}


def test_row_05_bytes_sent_before_the_101_are_held_and_delivered_after_it(headgate, raw_origin, free_port):
    port, before = free_port(), []

    def handler(connection):
        read_request(connection)
        connection.sock.settimeout(0.3)
        try:
            before.append(connection.receive())
        except TimeoutError:
            before.append(b"")
        connection.sock.settimeout(20)
        connection.send(SWITCH)
        connection.send(connection.read_exactly(9).upper())

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        client.send(get("/chat", *UPGRADE) + b"early")
        assert client.read_response().status == 101
        client.send(b"late")
        assert client.read_exactly(9) == b"EARLYLATE"
    assert before == [b""]


def test_row_05_a_declined_upgrade_leaves_the_connection_in_http(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, rule_spec={"matches": [{"path": {"type": "PathPrefix", "value": "/open"}}]}))
    with RawClient(port) as client:
        client.send(get("/open", *UPGRADE) + get("/closed/admin") + get("/open/after"))
        assert [client.read_response().status for _ in range(3)] == [200, 404, 200]
    assert [r.target for r in made.requests] == ["/open", "/open/after"]


def test_row_05_a_101_that_nobody_asked_for_is_a_502(headgate, raw_origin, free_port):
    port = free_port()
    made = raw_origin(lambda connection: (read_request(connection), connection.send(SWITCH), connection.receive()))
    headgate(simple_edge(port, made.port))
    with RawClient(port) as client:
        assert client.request(post(b"x")).status == 502


def test_row_05_other_upgrades_than_websocket_do_not_reach_the_origin(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        assert client.request(get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")).status == 200
    assert not names(origin.requests[0]) & {"upgrade", "http2-settings"}


def test_row_05_connect_opens_no_tunnel(proxied):
    _, port, origin = proxied
    assert refusal(port, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n") == 405
    assert origin.requests == []


def test_row_08_fields_of_the_hop_and_those_that_connection_names_are_removed(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        client.request(get("/", "Connection: keep-alive, X-Named, close-not", "X-Named: a", "Keep-Alive: timeout=5", "Proxy-Connection: x",
                           "TE: gzip, trailers", "Proxy-Authorization: Basic eDp5", "X-Kept: b"))
    request = origin.requests[0]
    assert not names(request) & {"x-named", "keep-alive", "proxy-connection", "proxy-authorization", "upgrade"}
    assert request.field("x-kept") == "b" and request.all("te") == ["trailers"]


def test_row_08_connection_cannot_delete_what_others_decide_on(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        answer = client.request(get("/", "Connection: Host, Cookie, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Authorization, "
                                         "Content-Length, Via, Traceparent, X-Request-Id, close", "Cookie: session=1", "Authorization: Bearer x"))
    assert answer.status == 200 and answer.field("connection") == "close"
    request = origin.requests[0]
    assert request.field("host") == "a" and request.field("cookie") == "session=1"
    assert request.field("authorization") == "Bearer x" and request.field("x-forwarded-for") == "127.0.0.1"
    assert {"x-forwarded-host", "x-forwarded-proto", "via", "traceparent", "x-request-id"} <= names(request)


def test_row_08_fields_of_the_origins_hop_stay_there(headgate, origin, free_port):
    port = free_port()
    made = origin(lambda request: (200, b"ok", [("Connection", "X-Named"), ("X-Named", "a"), ("Keep-Alive", "timeout=5"), ("X-Kept", "b"),
                                                ("Proxy-Authenticate", "Basic"), ("Upgrade", "h2c")]))
    headgate(simple_edge(port, made.port))
    with RawClient(port) as client:
        answer = client.request(get())
    assert answer.body == b"ok" and answer.field("x-kept") == "b"
    assert not {name for name, _ in answer.fields} & {"x-named", "keep-alive", "upgrade"}


def test_row_12_trailers_pass_both_ways_without_fields_that_frame_or_authorise(headgate, raw_origin, free_port):
    seen, port = [], free_port()
    tail = b"0\r\nX-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nAuthorization: x\r\nHost: evil\r\nTransfer-Encoding: gzip\r\n\r\n"

    def handler(connection):
        seen.append(read_request(connection))
        connection.send(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + tail)
        seen.append(read_request(connection))
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + tail)

    headgate(simple_edge(port, raw_origin(handler).port))
    chunked = get("/", "Transfer-Encoding: chunked", "TE: trailers", method="POST")
    with RawClient(port) as client:
        answer = client.request(chunked + b"5\r\nhello\r\n" + tail)
        assert (answer.body, answer.trailers) == (b"ok", [("x-sum", "1")])
        unasked = client.request(get())
        assert (unasked.body, unasked.trailers) == (b"ok", [])
    assert [(name.lower(), value) for name, value in seen[0].trailers] == [("x-sum", "1")]
    assert seen[0].field("x-sum") is None and seen[0].body == b"hello"


def test_row_15_the_absolute_form_wins_over_host(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        assert client.request(b"GET http://shop.example/x?y=1 HTTP/1.1\r\nHost: other.example\r\n\r\n").status == 200
    assert origin.requests[0].target == "/x?y=1" and origin.requests[0].all("host") == ["shop.example"]


def test_row_15_host_is_one_valid_name(proxied):
    _, port, origin = proxied
    heads = ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: user@a\r\n", "Host: a:b\r\n",
             "Host: a, b\r\n", "Host: [::1\r\n", "Host: a:99999\r\n", "Host: a%00\r\n", "Host: a?b\r\n", "Host: \r\n"]
    assert unrefused(port, [f"GET / HTTP/1.1\r\n{head}\r\n".encode() + SMUGGLED for head in heads]) == []
    assert origin.requests == []


def test_row_15_an_absolute_form_with_a_bad_host_beside_it_is_refused(proxied):
    _, port, origin = proxied
    assert unrefused(port, [b"GET http://a/ HTTP/1.1\r\n\r\n", b"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                            b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"]) == []
    assert origin.requests == []


def test_row_15_the_asterisk_is_for_options_alone(proxied):
    _, port, origin = proxied
    assert refusal(port, get("*")) == 400
    with RawClient(port) as client:
        assert client.request(get("*", method="OPTIONS")).status == 200
    assert [(r.method, r.target) for r in origin.requests] == [("OPTIONS", "*")]


@pytest.mark.parametrize("sent, forwarded", [
    ("/public/%61", "/public/a"), ("/public/./a/../b", "/public/b"), ("/public/%2e%2E/public/c", "/public/c"), ("/public/a%2fb", "/public/a%2Fb"),
    ("/public//x", "/public//x"), ("/public/a;v=1", "/public/a;v=1"), ("/public/%e2%82%ac", "/public/%E2%82%AC"), ("/public/?q=%2e%2e/", "/public/?q=%2e%2e/")])
def test_row_17_what_is_routed_on_is_what_is_forwarded(headgate, origin, free_port, sent, forwarded):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, rule_spec={"matches": [{"path": {"type": "PathPrefix", "value": "/public"}}]}))
    with RawClient(port) as client:
        assert client.request(get(sent)).status == 200
    assert [r.target for r in made.requests] == [forwarded]


def test_row_17_no_spelling_walks_out_of_a_prefix(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, rule_spec={"matches": [{"path": {"type": "PathPrefix", "value": "/public"}}]}))
    targets = ["/public/../admin", "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/..%2fadmin", "/public/..%2Fadmin", "/public/..;/admin",
               "/public/..;x=1/admin", "/public/..\\admin", "/public/..%5cadmin", "/public/%2e%2e%2fadmin", "/public/a%00b", "/public/%", "/public/%zz",
               "/../admin", "/public/..", "/%2e%2e/%2e%2e/etc/passwd", "/publicity", "/Public", "/public%2f..%2f..%2fadmin"]
    statuses = {}
    for target in targets:
        received = exchange(port, get(target, "Connection: close"))
        statuses[target] = int(received.split(b" ")[1])
    assert {t: s for t, s in statuses.items() if s not in (400, 404)} == {}
    assert made.requests == []


def test_row_29_forwarding_fields_of_strangers_are_replaced(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        client.request(get("/", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
                           "X-Forwarded-Port: 1", "Forwarded: for=1.2.3.4;proto=https", host="shop.example"))
    request = origin.requests[0]
    assert request.all("x-forwarded-for") == ["127.0.0.1"] and request.all("x-forwarded-proto") == ["http"]
    assert request.all("x-forwarded-host") == ["shop.example"]
    assert not names(request) & {"forwarded", "x-forwarded-port"}


def test_row_29_listed_proxies_are_believed_up_to_the_first_stranger(headgate, origin, free_port):
    made, port = origin(), free_port()
    edge = headgate(edge_with(port, made.port, traffic={"connection": {"trustedProxies": ["127.0.0.0/8", "10.0.0.0/8"]}}))
    with RawClient(port) as client:
        client.request(get("/", "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3", "X-Forwarded-Proto: https"))
    request = made.requests[0]
    assert request.all("x-forwarded-for") == ["6.6.6.6, 203.0.113.9, 10.1.2.3, 127.0.0.1"]
    assert request.field("x-forwarded-proto") == "https"
    line = edge.wait_log(lambda entry: "203.0.113.9" in str(entry))
    assert "6.6.6.6" not in str(line)


def test_via_names_the_edge_and_the_version_that_it_received(headgate, origin, free_port):
    port = free_port()
    made = origin(lambda request: (200, b"ok", [("Via", "1.0 inner")]))
    headgate(simple_edge(port, made.port))
    with RawClient(port) as client:
        answer = client.request(get("/", "Via: 1.1 before"))
    assert made.requests[0].all("via") == ["1.1 before, 1.1 headgate"] and answer.all("via") == ["1.0 inner, 1.1 headgate"]


def test_traceparent_is_continued_when_valid_and_begun_otherwise(proxied):
    _, port, origin = proxied
    trace = "0af7651916cd43dd8448eb211c80319c"
    with RawClient(port) as client:
        client.request(get("/", f"traceparent: 00-{trace}-b7ad6b7169203331-01", "tracestate: a=1"))
        client.request(get("/", "traceparent: 00-zero-b7ad6b7169203331-01", "tracestate: a=1"))
        client.request(get("/"))
    continued, replaced, begun = origin.requests
    version, trace_id, parent, flags = continued.field("traceparent").split("-")
    assert (version, trace_id, flags) == ("00", trace, "01") and parent != "b7ad6b7169203331" and continued.field("tracestate") == "a=1"
    assert replaced.field("tracestate") is None and "zero" not in replaced.field("traceparent")
    assert len(begun.field("traceparent")) == 55 and begun.field("x-request-id")
