"""Origins that lie about where their answer ends. Rows 1-4, 10, 14 and 28 of the list of traps, seen from the other side."""

import email.utils
import time

from support.client import RawClient
from support.config import simple_edge
from support.origin import read_request, response
from support.traps import get, post


def edge_before(headgate, raw_origin, free_port, *answers: bytes, close: bool = False):
    """An edge before an origin that gives `answers` by turns, the last one for ever; `close` ends each connection."""
    port, given = free_port(), []

    def handler(connection):
        while True:
            read_request(connection)
            given.append(answers[min(len(given), len(answers) - 1)])
            connection.send(given[-1])
            if close:
                return

    made = raw_origin(handler)
    headgate(simple_edge(port, made.port))
    return port, made


def answer_to(port: int, data: bytes = get(), method: str = "GET"):
    with RawClient(port) as client:
        return client.request(data, method)


def assert_each_is_a_502_on_a_connection_that_is_not_used_again(headgate, raw_origin, free_port, bad):
    port, made = edge_before(headgate, raw_origin, free_port, *bad, response(body=b"good"))
    assert [data for data in bad if answer_to(port, post(b"x")).status != 502] == []
    assert answer_to(port).body == b"good"
    assert made.accepted >= len(bad) + 1


def test_row_01_an_origin_that_sends_both_framings_is_believed_once_and_its_connection_ends(headgate, raw_origin, free_port):
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    port, made = edge_before(headgate, raw_origin, free_port, both + response(body=b"poison"), both, response(body=b"good"))
    for expected in (b"ok", b"ok", b"good"):
        answer = answer_to(port)
        assert answer.body == expected and not (answer.field("content-length") and answer.field("transfer-encoding"))
    assert made.accepted == 3


def test_row_01_an_origin_with_another_transfer_coding_gives_502(headgate, raw_origin, free_port):
    tail = b"0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    assert_each_is_a_502_on_a_connection_that_is_not_used_again(headgate, raw_origin, free_port, [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n" + tail,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n" + tail])


def test_row_02_an_origin_with_a_bad_content_length_gives_502(headgate, raw_origin, free_port):
    bad = [b"HTTP/1.1 200 OK\r\nContent-Length: " + value + b"\r\n\r\nhello"
           for value in (b"+5", b"-1", b"0x5", b"", b"5 5", b"5, 6", b"5\r\nContent-Length: 6", b"18446744073709551616")]
    assert_each_is_a_502_on_a_connection_that_is_not_used_again(headgate, raw_origin, free_port, bad)


def test_row_03_a_malformed_chunk_of_an_origin_cuts_the_answer(headgate, raw_origin, free_port):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    bodies = [b"5\r\nhello\r\n5\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\nzz\r\n", b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhello\r\n0\r\n\n"]
    port, made = edge_before(headgate, raw_origin, free_port, *[head + body for body in bodies], response(body=b"good"))
    for body in bodies:
        with RawClient(port) as client:
            received = client.send(get()).read_to_end()
        assert b"0\r\n\r\n" not in received, f"{body!r} looked complete: {received!r}"
    assert answer_to(port).body == b"good"
    assert made.accepted == len(bodies) + 1


def test_row_04_a_malformed_head_of_an_origin_gives_502(headgate, raw_origin, free_port):
    assert_each_is_a_502_on_a_connection_that_is_not_used_again(headgate, raw_origin, free_port, [
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", b"HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", b"ICY 200 OK\r\n\r\n", b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n"])


def test_row_04_a_folded_line_of_an_origin_reaches_nobody_as_a_line_of_its_own(headgate, raw_origin, free_port):
    folded = b"HTTP/1.1 200 OK\r\nX: a\r\n Set-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok"
    port, _ = edge_before(headgate, raw_origin, free_port, folded)
    answer = answer_to(port, post(b"x"))
    assert answer.status in (200, 502) and answer.field("set-cookie") is None


def test_row_10_what_follows_an_answer_without_body_never_answers_another_request(headgate, raw_origin, free_port):
    poison = response(body=b"poison")
    bad = [b"HTTP/1.1 204 No Content\r\n\r\n" + poison, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello" + poison,
           b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello" + poison, response(body=b"ok") + poison,
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + poison]
    port, made = edge_before(headgate, raw_origin, free_port, *[a for one in bad for a in (one, response(body=b"good"))])
    for one in bad:
        with RawClient(port) as client:
            first = client.request(get())
            assert first.status in (200, 204, 304, 502), one
            assert first.body in ((b"ok", b"") if first.status != 502 else (first.body,)), one
        assert answer_to(port).body == b"good", one
    assert made.accepted == len(bad) * 2 or made.accepted >= len(bad) + 1


def test_row_10_head_keeps_its_length_and_has_no_body(headgate, raw_origin, free_port):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
    port, _ = edge_before(headgate, raw_origin, free_port, head, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head)
    with RawClient(port) as client:
        first = client.request(get(method="HEAD"), "HEAD")
        second = client.request(get(method="HEAD"), "HEAD")
        third = client.request(get(method="HEAD"), "HEAD")
    assert [first.status, second.status, third.status] == [200, 200, 200]
    assert first.field("content-length") == third.field("content-length") == "1234"
    assert second.field("content-length") is None


def test_row_10_a_body_behind_the_answer_to_head_is_dropped_with_its_connection(headgate, raw_origin, free_port):
    port, made = edge_before(headgate, raw_origin, free_port, response(body=b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"),
                             response(body=b"good"))
    with RawClient(port) as client:
        assert client.request(get(method="HEAD"), "HEAD").status == 200
        assert client.request(get()).body == b"good"
    assert made.accepted == 2


def test_row_14_a_body_shorter_than_its_length_reaches_the_client_cut(headgate, raw_origin, free_port):
    port, _ = edge_before(headgate, raw_origin, free_port, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", close=True)
    with RawClient(port) as client:
        head, _, body = client.send(get()).read_to_end().partition(b"\r\n\r\n")
    assert b"content-length: 100" in head.lower() and body in (b"", b"only this")


def test_row_14_chunks_without_the_last_one_reach_the_client_without_it(headgate, raw_origin, free_port):
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"
    port, _ = edge_before(headgate, raw_origin, free_port, cut, close=True)
    with RawClient(port) as client:
        received = client.send(get()).read_to_end()
    assert received.startswith(b"HTTP/1.1 200 ") and b"\r\n0\r\n" not in received


def test_row_14_a_cut_head_is_a_502(headgate, raw_origin, free_port):
    port, made = edge_before(headgate, raw_origin, free_port, b"HTTP/1.1 200 OK\r\nContent-Le", close=True)
    assert answer_to(port, post(b"x")).status == 502
    assert made.accepted == 1


def test_row_14_an_answer_that_ends_with_its_connection_is_complete(headgate, raw_origin, free_port):
    port, _ = edge_before(headgate, raw_origin, free_port, b"HTTP/1.1 200 OK\r\n\r\nto the end", close=True)
    with RawClient(port) as client:
        assert client.request(get()).body == b"to the end"
        assert client.request(get()).body == b"to the end"
        assert client.request(get(version="1.0")).body == b"to the end"


def test_row_28_an_answer_without_date_gets_one(headgate, raw_origin, free_port):
    stamped = response(fields=[("Date", "Tue, 15 Nov 1994 08:12:31 GMT")])
    port, _ = edge_before(headgate, raw_origin, free_port, response(), stamped)
    added = email.utils.parsedate_to_datetime(answer_to(port).field("date"))
    assert abs(added.timestamp() - time.time()) < 60
    assert answer_to(port).all("date") == ["Tue, 15 Nov 1994 08:12:31 GMT"]
