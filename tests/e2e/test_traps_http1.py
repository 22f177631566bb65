"""Framing and grammar of HTTP/1.1 from clients: one reading of every message, or none. Rows 1-4 and 6 of the list of traps."""

import threading

from support.client import RawClient
from support.config import simple_edge
from support.origin import read_request, response
from support.traps import SMUGGLED, edge_with, get, post, refusal, unrefused

HEAD = "POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode()


def with_lines(*lines: str, after: bytes = b"") -> bytes:
    return (HEAD + "".join(line + "\r\n" for line in lines) + "\r\n").encode("latin-1") + after


def assert_origin_served_none(origin):
    assert origin.requests == []


def test_row_01_content_length_and_transfer_encoding_together_are_refused(proxied):
    _, port, origin = proxied
    after = b"0\r\n\r\n" + SMUGGLED
    both = [with_lines("Content-Length: 5", "Transfer-Encoding: chunked", after=after),
            with_lines("Transfer-Encoding: chunked", "Content-Length: 5", after=after),
            with_lines("Content-Length: 0", "transfer-ENCODING:chunked", after=after)]
    assert unrefused(port, both) == []
    assert_origin_served_none(origin)


def test_row_01_any_transfer_encoding_but_chunked_once_is_refused(proxied):
    _, port, origin = proxied
    values = ["gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "xchunked", "chunked;q=1", "\"chunked\"",
              "chunked,", ",chunked", "", "chun\tked"]
    requests = [with_lines(f"Transfer-Encoding: {value}", after=b"0\r\n\r\n" + SMUGGLED) for value in values]
    requests += [with_lines("Transfer-Encoding: chunked", "Transfer-Encoding: identity", after=b"0\r\n\r\n" + SMUGGLED),
                 with_lines("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", after=b"0\r\n\r\n" + SMUGGLED)]
    assert unrefused(port, requests, (400, 501)) == []
    assert_origin_served_none(origin)


def test_row_01_transfer_encoding_in_http_1_0_is_refused(proxied):
    _, port, origin = proxied
    request = b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED
    assert refusal(port, request) == 400
    assert_origin_served_none(origin)


def test_row_02_a_content_length_is_digits_and_nothing_else(proxied):
    _, port, origin = proxied
    values = ["+5", "-5", "0x5", "5_0", "", " ", "5 5", "5;", "5.0", "five", "18446744073709551616",
              "99999999999999999999999", "5,", ",5", "5, 6", "\xb2"]
    assert unrefused(port, [with_lines(f"Content-Length: {v}", after=b"hello" + SMUGGLED) for v in values]) == []
    assert_origin_served_none(origin)


def test_row_02_identical_lengths_collapse_to_one_and_differing_ones_are_refused(proxied):
    _, port, origin = proxied
    assert refusal(port, with_lines("Content-Length: 5", "Content-Length: 6", after=b"hello!")) == 400
    assert_origin_served_none(origin)
    with RawClient(port) as client:
        assert client.request(with_lines("Content-Length: 5", "Content-Length: 5", after=b"hello")).status == 200
    assert origin.requests[0].all("content-length") == ["5"] and origin.requests[0].body == b"hello"


def test_row_03_the_grammar_of_chunks_is_strict(proxied):
    _, port, origin = proxied
    bodies = [b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n", b"5\r\nhello\r\n0\r\n\n",
              b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-1\r\nhello\r\n0\r\n\r\n", b"\r\nhello\r\n0\r\n\r\n",
              b" 5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"g\r\nhello\r\n0\r\n\r\n",
              b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhellooo0\r\n\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n",
              b"5;a\nb\r\nhello\r\n0\r\n\r\n", b"5;a\0b\r\nhello\r\n0\r\n\r\n", b"5;a\rb\r\nhello\r\n0\r\n\r\n",
              b"5\r\nhello\r\n0\r\nBad Name: x\r\n\r\n", b"5\r\nhello\r\n0\r\nX: a\nb\r\n\r\n"]
    assert unrefused(port, [CHUNKED + body + SMUGGLED for body in bodies]) == []
    assert_origin_served_none(origin)


def test_row_03_chunk_extensions_are_bounded_over_the_whole_body(proxied):
    _, port, origin = proxied
    long_one = b"5;" + b"e" * 100_000 + b"\r\nhello\r\n0\r\n\r\n"
    many = (b"1;" + b"e" * 200 + b"\r\nx\r\n") * 500 + b"0\r\n\r\n"
    assert unrefused(port, [CHUNKED + long_one, CHUNKED + many]) == []
    assert_origin_served_none(origin)


def test_row_03_chunks_are_written_anew_and_never_passed_through(headgate, raw_origin, free_port):
    seen, port = [], free_port()

    def handler(connection):
        head = connection.read_until(b"\r\n\r\n")
        seen.append(head + connection.read_until(b"0\r\n\r\n"))
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port) as client:
        answer = client.request(CHUNKED + b"0005;note=\"hidden\"\r\nhello\r\n00000;last=1\r\n\r\n")
    assert answer.status == 200
    body = seen[0].split(b"\r\n\r\n", 1)[1]
    assert b"hidden" not in seen[0] and b"0005" not in body and body.replace(b"\r\n", b"") == b"5hello0"


def test_row_04_header_lines_that_two_parsers_could_read_differently_are_refused(proxied):
    _, port, origin = proxied
    lines = ["Content-Length : 5", "X : y", " X: y", "X: a\r\n folded", "X: a\r\n\tfolded", "X: a\rb", "X: a\x00b", "X: a\x01b",
             "X: a\x7fb", "no colon", ": no name", "N(ame: v", "N ame: v", "X: a\nTransfer-Encoding: chunked", "\xe9: v"]
    assert unrefused(port, [with_lines(line, after=SMUGGLED) for line in lines]) == []
    assert_origin_served_none(origin)


def test_row_04_start_lines_have_one_spelling(proxied):
    _, port, origin = proxied
    lines = [b"GET  / HTTP/1.1", b"GET / HTTP/1.1 ", b" GET / HTTP/1.1", b"GET\t/\tHTTP/1.1", b"GET / http/1.1", b"GET /",
             b"GET / HTTP/1.1\n", b"GET /a b HTTP/1.1", b"G\0T / HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET / HTTP/11"]
    assert unrefused(port, [line + b"\r\nHost: a\r\n\r\n" + SMUGGLED for line in lines]) == []
    assert unrefused(port, [b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", b"GET / HTTP/0.9\r\nHost: a\r\n\r\n"], (505,)) == []
    assert_origin_served_none(origin)


def test_row_04_bare_line_feeds_end_nothing(proxied):
    _, port, origin = proxied
    assert unrefused(port, [b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\n\r\n" + SMUGGLED,
                            b"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\nGET /smuggled HTTP/1.1\r\n\r\n"]) == []
    assert_origin_served_none(origin)


def test_row_04_a_name_with_an_underscore_is_no_other_name(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        first = client.request(with_lines("Content_Length: 5", "Transfer_Encoding: chunked", "Content-Length: 2", after=b"ab"))
        assert client.request(get("/second")).status == first.status == 200
    assert [request.target for request in origin.requests] == ["/", "/second"]
    assert origin.requests[0].body == b"ab"


def test_row_05_a_request_without_framing_has_no_body(proxied):
    _, port, origin = proxied
    with RawClient(port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"))
        assert [client.read_response().status, client.read_response().status] == [200, 200]
    assert [(r.method, r.target, r.body) for r in origin.requests] == [("POST", "/", b""), ("GET", "/next", b"")]


def test_row_06_the_rest_of_a_refused_body_is_never_read_as_a_request(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, traffic={"maxRequestBodyBytes": 1000}))
    body = (SMUGGLED * 40)[:1200]
    with RawClient(port) as client:
        received = client.send(post(body)[:-400]).read_to_end()
    assert received.startswith(b"HTTP/1.1 413 ") and received.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in received.lower()
    assert made.requests == []


def test_row_06_nothing_behind_the_last_request_of_a_connection_is_served(headgate, raw_origin, free_port):
    port, targets, sent = free_port(), [], threading.Event()

    def handler(connection):
        targets.append(read_request(connection).target)
        connection.send(response(body=b"x" * 150_000))
        sent.set()

    headgate(simple_edge(port, raw_origin(handler).port))
    with RawClient(port, receive_bytes=4096) as client:
        client.send(get("/last", "Connection: close"))
        assert sent.wait(10)
        client.send(get("/behind"))
        assert client.read_to_end().count(b"HTTP/1.1 ") == 1
    assert targets == ["/last"]


def test_row_06_a_body_that_the_edge_answers_without_reading_is_skipped(headgate, origin, free_port):
    made, port = origin(), free_port()
    headgate(edge_with(port, made.port, rule_spec={"matches": [{"path": {"type": "PathPrefix", "value": "/known"}}]}))
    with RawClient(port) as client:
        client.send(post(SMUGGLED + get("/known"), path="/unknown")).send(get("/known/after", "Connection: close"))
        assert [client.read_response().status, client.read_response().status] == [404, 200]
        assert client.is_closed()
    assert [r.target for r in made.requests] == ["/known/after"]
