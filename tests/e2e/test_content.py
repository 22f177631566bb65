"""Compression by negotiation, and the pages that the edge makes itself."""

import gzip
import json
import subprocess
import zlib

from support.client import RawClient, curl
from support.config import simple_edge
from support.traps import edge_with, get

TEXT = b"compress me, I am the same again and again. " * 500
COMPRESSED = {"compression": {"algorithms": ["br", "zstd", "gzip"]}}


def plain(body: bytes = TEXT, *fields):
    return lambda request: (200, body, [("Content-Type", "text/html; charset=utf-8"), *fields])


def ask(port: int, *lines: str, method: str = "GET"):
    with RawClient(port) as client:
        return client.request(get("/", *lines, method=method), method)


def test_each_coding_is_what_others_can_decode(headgate, origin, free_port, tmp_path):
    made, port = origin(plain()), free_port()
    headgate(edge_with(port, made.port, traffic=COMPRESSED))
    zipped = ask(port, "Accept-Encoding: gzip")
    assert zipped.field("content-encoding") == "gzip" and gzip.decompress(zipped.body) == TEXT
    assert len(zipped.body) < len(TEXT) / 10
    zstd = ask(port, "Accept-Encoding: zstd")
    assert zstd.field("content-encoding") == "zstd"
    assert subprocess.run(["zstd", "-dc"], input=zstd.body, capture_output=True, check=True, timeout=20).stdout == TEXT
    brotli = curl("--compressed", "-H", "Accept-Encoding: br", f"http://127.0.0.1:{port}/")
    assert ask(port, "Accept-Encoding: br").field("content-encoding") == "br" and brotli.stdout == TEXT


def test_quality_values_decide_and_refusals_hold(headgate, origin, free_port):
    made, port = origin(plain()), free_port()
    headgate(edge_with(port, made.port, traffic=COMPRESSED))
    codings = {accept: ask(port, f"Accept-Encoding: {accept}").field("content-encoding") for accept in
               ("br;q=0.1, gzip;q=0.9", "gzip;q=0", "identity", "br;q=0, gzip", "*;q=0", "deflate", "gzip, br", "*")}
    assert codings["br;q=0.1, gzip;q=0.9"] == "gzip" and codings["br;q=0, gzip"] == "gzip"
    assert [codings[a] for a in ("gzip;q=0", "identity", "*;q=0", "deflate")] == [None] * 4
    assert codings["gzip, br"] == "br" and codings["*"] in ("br", "zstd", "gzip", None)


def test_what_varies_says_so_even_when_it_is_not_compressed(headgate, origin, free_port):
    made, port = origin(plain()), free_port()
    headgate(edge_with(port, made.port, traffic=COMPRESSED))
    for answer in (ask(port), ask(port, "Accept-Encoding: gzip")):
        assert "accept-encoding" in (answer.field("vary") or "").lower()


def test_a_strong_etag_becomes_weak_and_lengths_and_ranges_go(headgate, origin, free_port):
    made, port = origin(plain(TEXT, ("ETag", "\"abc\""), ("Accept-Ranges", "bytes"))), free_port()
    headgate(edge_with(port, made.port, traffic=COMPRESSED))
    coded = ask(port, "Accept-Encoding: gzip")
    assert coded.field("etag") == "W/\"abc\"" and coded.field("accept-ranges") is None
    assert gzip.decompress(coded.body) == TEXT
    assert coded.field("content-length") in (None, str(len(coded.body)))
    assert ask(port).field("etag") == "\"abc\""


def test_what_must_not_be_changed_is_not(headgate, origin, free_port):
    bodies = {"no-transform": plain(TEXT, ("Cache-Control", "public, no-transform")), "coded": plain(zlib.compress(TEXT), ("Content-Encoding", "deflate")),
              "small": plain(b"short"), "image": lambda request: (200, TEXT, [("Content-Type", "image/png")]),
              "range": lambda request: (206, TEXT, [("Content-Type", "text/html"), ("Content-Range", f"bytes 0-{len(TEXT) - 1}/99999")])}
    case, port = [""], free_port()
    made = origin(lambda request: bodies[case[0]](request))
    headgate(edge_with(port, made.port, traffic=COMPRESSED))
    for case[0] in bodies:
        answer = ask(port, "Accept-Encoding: gzip, br")
        assert answer.field("content-encoding") == ("deflate" if case[0] == "coded" else None), case
        assert answer.body == bodies[case[0]](None)[1], case


def test_compressed_trailing_pieces_leave_as_they_come(headgate, raw_origin, free_port):
    port = free_port()

    def handler(connection):
        connection.read_until(b"\r\n\r\n")
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"data: one\n\n", b"data: two\n\n"):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.receive()  # goes on when the client has seen this one
        connection.send(b"0\r\n\r\n")

    headgate(edge_with(port, raw_origin(handler).port, traffic={"compression": {"algorithms": ["gzip"], "minBytes": 0}}))
    with RawClient(port) as client:
        client.sock.settimeout(5)
        head = client.send(get("/", "Accept-Encoding: gzip")).read_until(b"\r\n\r\n")
        if b"content-encoding: gzip" not in head.lower():
            assert client.read_until(b"data: one")
            return
        decoder, text = zlib.decompressobj(31), b""
        while b"data: one" not in text:
            size = int(client.read_until(b"\r\n"), 16)
            text += decoder.decompress(client.read_exactly(size))
            client.read_exactly(2)


def test_error_pages_are_as_configured_and_leak_nothing(headgate, free_port):
    port = free_port()
    pages = [{"status": 503, "contentType": "application/json", "body": "{\"status\": %STATUS%, \"id\": \"%REQUEST_ID%\"}"},
             {"body": "<p>%REASON%</p>", "contentType": "text/html"}]
    refused = free_port()
    headgate(edge_with(port, refused, traffic={"errorPages": pages}))
    answer = ask(port)
    assert answer.status == 503 and answer.field("content-type") == "application/json"
    page = json.loads(answer.body)
    assert page["status"] == 503 and len(page["id"]) == 32
    assert str(refused) not in str(answer) and "127.0.0.1" not in str(answer)


def test_plain_error_pages_name_neither_origin_nor_reason(headgate, free_port):
    port, refused = free_port(), free_port()
    edge = headgate(simple_edge(port, refused))
    answer = ask(port)
    text = answer.body.decode() + str(answer.fields)
    assert answer.status == 503 and answer.field("content-type").startswith("text/plain")
    assert str(refused) not in text and "refused" not in text.lower() and "upstream" not in text.lower()
    edge.wait_log(lambda entry: entry.get("status") == 503 and "upstream" in str(entry))
