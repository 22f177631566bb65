"""Clients that others wrote, through the edge to real servers: curl, wrk, websockets, Chromium; and answers that come in pieces."""

import asyncio
import re
import subprocess
import threading
import zlib

import pytest
import websockets
import websockets.exceptions

from support.browser import spki_hash, visit
from support.certs import trusting
from support.client import RawClient, fetch
from support.config import documents, gateway, http_listener, https_listener, route, rule, simple_edge, tls_secret, upstream
from support.h2client import H2Client
from support.origin import read_request, response
from support.wait import wait_until


@pytest.fixture
def both(headgate, authority, free_port):
    """start(origin_port) -> (http url, https url, edge): HTTP and HTTPS listeners for shop.example in front of it."""

    def start(origin_port: int, workers: int = 1):
        port, tls_port = free_port(), free_port()
        edge = headgate(documents(gateway(http_listener(port), https_listener(tls_port, "cert")),
                                  tls_secret(authority.issue("shop.example"), "cert"),
                                  upstream("origin", origin_port), route(rule("origin"))), workers=workers)
        return f"http://shop.example:{port}", f"https://shop.example:{tls_port}", edge

    return start


def echo_body(request):
    return 200, request.body or request.target.encode(), [("Content-Type", "text/plain")]


WAYS = [("http", "--http1.1", "HTTP/1.1"), ("http", "--http1.0", "HTTP/1.1"), ("http", "--http2-prior-knowledge", "HTTP/2"),
        ("https", "--http1.1", "HTTP/1.1"), ("https", "--http2", "HTTP/2"), ("https", "--tls-max=1.2", "HTTP/2")]


@pytest.mark.parametrize("scheme, way, version", WAYS)
def test_curl_gets_and_posts_in_every_way(both, origin, authority, scheme, way, version):
    made = origin(echo_body)
    http, https, _ = both(made.port)
    url = http if scheme == "http" else https
    way = way.split("=")
    got = fetch(url + "/a?b=c", *way, ca=authority.ca)
    assert (got.status, got.version, got.body) == (200, version, b"/a?b=c")
    body = bytes(range(256)) * 4096
    assert post(url, way, body, authority) == body and made.requests[-1].body == body
    head = fetch(url, *way, "--head", ca=authority.ca)
    assert head.status == 200 and made.requests[-1].method == "HEAD"


def post(url: str, way, body: bytes, authority) -> bytes:
    name, port = url.split("/")[2].split(":")
    command = ["curl", "-q", "-sS", "--max-time", "30", "--resolve", f"{name}:{port}:127.0.0.1", "--cacert", str(authority.ca),
               *way, "--data-binary", "@-", url]
    return subprocess.run(command, input=body, capture_output=True, timeout=40, check=True).stdout


def test_curl_with_expect_sends_its_body(both, origin):
    made = origin(echo_body)
    http, _, _ = both(made.port)
    answer = fetch(http, "-d", "hello", "-H", "Expect: 100-continue")
    assert answer.status == 200 and answer.body == b"hello"


def test_curl_resumes_a_tls_session_and_reuses_a_connection(both, origin, authority):
    made = origin()
    _, https, edge = both(made.port)
    answer = fetch(https + "/[1-5]", ca=authority.ca)
    assert answer.status == 200 and len(made.requests) == 5
    assert edge.metric("headgate_tls_handshakes_total") == 1


@pytest.fixture
def loaded(both, raw_origin):
    """(http url, https url, edge) in front of an origin that answers 1,000 bytes to everything."""

    def serve(connection):
        while True:
            connection.read_until(b"\r\n\r\n")
            connection.send(response(body=b"x" * 1000))

    return both(raw_origin(serve).port, workers=2)


def run(*command) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wrk_sees_no_error(loaded):
    http, _, edge = loaded
    printed = run("wrk", "-t1", "-c16", "-d2s", "--timeout", "60s", http.replace("shop.example", "127.0.0.1") + "/")
    assert "Non-2xx" not in printed and "Socket errors" not in printed, printed
    served = int(re.search(r"(\d+) requests in", printed)[1])
    assert served > 16, "no connection had a second request"
    edge.wait_metric("headgate_requests_total", served, **{"class": "2xx"})  # a client may have its answer before it is counted


@pytest.mark.parametrize("scheme, args", [("http", ["--no-tls-proto=h2c"]), ("http", ["--h1"]), ("https", [])], ids=["h2c", "h1", "tls"])
def test_h2load_gets_every_answer(loaded, scheme, args):
    url = loaded[0] if scheme == "http" else loaded[1]
    address = url.split("//")[1].replace("shop.example", "127.0.0.1")
    printed = run("h2load", "-n2000", "-c4", "-m16", *args, f"--connect-to={address}", url + "/")
    assert "status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx" in printed, printed


def test_pipelined_requests_that_keep_coming_are_answered_in_order(both, origin):
    http, _, edge = both(origin(echo_body).port)
    ask = lambda number: b"GET /%d HTTP/1.1\r\nHost: shop.example\r\n\r\n" % number
    with RawClient(int(http.rsplit(":", 1)[1])) as client:
        client.send(b"".join(map(ask, range(16))))
        for number in range(1000):
            assert client.read_response().body == b"/%d" % number
            client.send(ask(number + 16))
    assert edge.metric("headgate_data_plane_restarts_total") == 0, "it died"


class WebSocketServer:
    """python3-websockets in a thread. Answers a text by itself, `close CODE` by closing with it."""

    def __init__(self):
        self.port, self.closed, self._ready = None, [], threading.Event()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(20)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self._ready.set()
        self.loop.run_forever()

    async def _serve(self):
        self.server = await websockets.serve(self._converse, "127.0.0.1", 0, max_size=None, subprotocols=["chat"], ping_interval=None)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _converse(self, socket, path):
        try:
            async for message in socket:
                if isinstance(message, str) and message.startswith("close "):
                    await socket.close(int(message.split()[1]), "as asked")
                elif message == "path":
                    await socket.send(path)
                else:
                    await socket.send(message)
        finally:
            self.closed.append(socket.close_code)

    async def _end(self):
        self.server.close()
        await self.server.wait_closed()

    def close(self):
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def websocket_server():
    made = WebSocketServer()
    yield made
    made.close()


def talk(url: str, conversation, **options):
    """Runs the coroutine `conversation(socket)` over a WebSocket to the edge."""

    async def run():
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        async with websockets.connect(url, host="127.0.0.1", port=port, max_size=None, ping_interval=None, **options) as socket:
            return await conversation(socket)

    return asyncio.run(asyncio.wait_for(run(), 60))


@pytest.fixture
def chat(both, websocket_server, authority):
    """(url, options) of a WebSocket through the edge, by scheme."""
    http, https, edge = both(websocket_server.port)
    return {"ws": (http.replace("http", "ws"), {}),
            "wss": (https.replace("https", "wss"), {"ssl": trusting(authority.ca), "server_hostname": "shop.example"})}, websocket_server, edge


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_websocket_messages_of_every_size_come_back(chat, scheme):
    ways, _, _ = chat

    async def conversation(socket):
        for message in ("hello", "", b"", b"\0" * 125, "x" * 126, b"y" * 65536, b"z" * 5_000_000):
            await socket.send(message)
            assert await socket.recv() == message
        await socket.send("path")
        return await socket.recv()

    url, options = ways[scheme]
    assert talk(url + "/chat?room=1", conversation, **options) == "/chat?room=1"


def test_websocket_fragments_pings_and_subprotocols_pass(chat):
    ways, _, _ = chat

    async def conversation(socket):
        assert socket.subprotocol == "chat"
        for _ in range(3):
            await asyncio.wait_for(await socket.ping(b"payload"), 20)
        await socket.send(iter(["one ", "two ", "three"]))
        return await socket.recv()

    assert talk(ways["ws"][0], conversation, subprotocols=["chat"]) == "one two three"


def test_websocket_compression_is_negotiated_end_to_end(chat):
    ways, _, _ = chat

    async def conversation(socket):
        await socket.send("a" * 100_000)
        return [type(e).__name__ for e in socket.extensions], len(await socket.recv())

    assert talk(ways["ws"][0], conversation, compression="deflate") == (["PerMessageDeflate"], 100_000)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4321])
def test_websocket_close_codes_pass_from_the_server(chat, code):
    async def conversation(socket):
        await socket.send(f"close {code}")
        await socket.wait_closed()
        return socket.close_code, socket.close_reason

    assert talk(chat[0]["ws"][0], conversation) == (code, "as asked")


def test_websocket_close_codes_pass_from_the_client(chat):
    ways, server, edge = chat

    async def conversation(socket):
        await socket.close(4999, "bye")
        return socket.close_code

    assert talk(ways["ws"][0], conversation) == 4999
    wait_until(lambda: server.closed, 10, "the server's end")
    assert server.closed == [4999]
    wait_until(lambda: edge.metric("headgate_tunnels_open") == 0, 10, "the end of the tunnel")


def test_a_websocket_client_that_vanishes_ends_its_server_connection(chat):
    ways, server, edge = chat

    async def conversation(socket):
        await socket.send("hello")
        await socket.recv()
        socket.transport.abort()

    talk(ways["ws"][0], conversation)
    wait_until(lambda: server.closed, 10, "the server's end")


def test_a_refused_websocket_is_the_backends_answer(both, origin):
    http, _, _ = both(origin(lambda request: (403, b"not here", [])).port)
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as raised:
        talk(http.replace("http", "ws"), lambda socket: asyncio.sleep(0))
    assert raised.value.status_code == 403


PAGE = b"""<!doctype html><title>shop</title><link rel=stylesheet href=/style.css><h1>The shop</h1>
<script src=/script.js></script>""" + b"".join(b"<img src=/image%d.svg>" % n for n in range(12))
ASSETS = {"/": ("text/html", PAGE), "/style.css": ("text/css", b"h1 { color: rgb(1, 2, 3) }"),
          "/script.js": ("text/javascript", b"window.ready = true;")}
IMAGE = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'


def test_chromium_loads_a_page_with_its_assets_over_h2(headgate, origin, free_port):
    """Listeners without certificates use the development CA of the edge, as the quickstart does."""
    def site(request):
        if request.target.startswith("/image"):
            return 200, IMAGE, [("Content-Type", "image/svg+xml")]
        kind, body = ASSETS.get(request.target, ("text/plain", b"?"))
        return (200 if request.target in ASSETS else 404), body, [("Content-Type", kind)]

    made, port = origin(site), free_port()
    edge = headgate(documents(gateway(https_listener(port, hostname="shop.localhost")), upstream("origin", made.port),
                              route(rule("origin"))))
    presented = edge.directory / "leaf.pem"
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "shop.localhost", "-CAfile",
                            str(edge.ca_file()), "-verify_return_error"], input="", capture_output=True, text=True, timeout=20)
    assert "Verify return code: 0 (ok)" in shown.stdout, shown.stdout + shown.stderr
    presented.write_text(shown.stdout[shown.stdout.index("-----BEGIN"):shown.stdout.index("-----END CERT")] + "-----END CERTIFICATE-----\n")
    page = visit(f"https://shop.localhost:{port}/", """({
        ready: window.ready, color: getComputedStyle(document.querySelector('h1')).color,
        images: [...document.images].filter(image => image.complete && image.naturalWidth == 10).length,
        protocols: [...new Set(performance.getEntriesByType('resource').map(entry => entry.nextHopProtocol))]})""",
                 certificates=[spki_hash(presented)])
    assert (page["status"], page["protocol"]) == (200, "h2") and "The shop" in page["text"]
    assert page["value"] == {"ready": True, "color": "rgb(1, 2, 3)", "images": 12, "protocols": ["h2"]}


def hinting(connection):
    """Sends 103 twice, and the answer only when the client has said on another connection that it saw them."""
    read_request(connection)
    for link in ("</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script"):
        connection.send(f"HTTP/1.1 103 Early Hints\r\nLink: {link}\r\n\r\n".encode())


def test_early_hints_arrive_before_the_answer(both, raw_origin, authority):
    seen = threading.Semaphore(0)

    def serve(connection):
        while True:
            hinting(connection)
            assert seen.acquire(timeout=20), "the client saw no hints"
            connection.send(response(body=b"page"))

    http, https, _ = both(raw_origin(serve).port)
    with RawClient(int(http.rsplit(":", 1)[1])) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        for link in (b"/a.css", b"/b.js"):
            head = client.read_until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 103") and link in head
        seen.release()
        assert client.read_response().body == b"page"
    context = authority.client_context(alpn=("h2",))
    with H2Client(int(https.rsplit(":", 1)[1]), tls=context, name="shop.example") as client:
        stream = client.open()
        client.wait(lambda: len(client._answer(stream).interim) == 2)
        seen.release()
        assert client.answer(stream).body == b"page"


def test_an_http_1_0_client_gets_no_interim_answers(both, raw_origin):
    def serve(connection):
        hinting(connection)
        connection.send(response(body=b"page"))

    http, _, _ = both(raw_origin(serve).port)
    with RawClient(int(http.rsplit(":", 1)[1])) as client:
        answer = client.request(b"GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n")
    assert answer.status == 200 and answer.interim == [] and answer.body == b"page"


FRAMINGS = {"chunked": (b"Transfer-Encoding: chunked\r\n", lambda piece: b"%x\r\n%s\r\n" % (len(piece), piece), b"0\r\n\r\n"),
            "until close": (b"Connection: close\r\n", lambda piece: piece, b"")}


@pytest.fixture
def stepping(raw_origin):
    """make(framing) -> (port, step): an origin of server-sent events that sends the next event when `step` is released."""

    def make(framing: str):
        step = threading.Semaphore(0)
        field, frame, end = FRAMINGS[framing]

        def serve(connection):
            read_request(connection)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + field + b"\r\n")
            for number in range(20):
                assert step.acquire(timeout=20)
                connection.send(frame(b"data: %d\n\n" % number))
            connection.send(end)

        return raw_origin(serve).port, step

    return make


@pytest.mark.parametrize("framing", FRAMINGS)
def test_server_sent_events_arrive_one_by_one_over_http_1(both, stepping, framing):
    port, step = stepping(framing)
    http, _, _ = both(port)
    with RawClient(int(http.rsplit(":", 1)[1])) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        client.read_until(b"\r\n\r\n")  # the head comes before any event
        for number in range(20):
            step.release()
            client.read_until(b"data: %d\n\n" % number)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_server_sent_events_arrive_one_by_one_over_h2(both, stepping, authority, framing):
    port, step = stepping(framing)
    _, https, _ = both(port)
    with H2Client(int(https.rsplit(":", 1)[1]), tls=authority.client_context(alpn=("h2",)), name="shop.example") as client:
        stream = client.open()
        client.wait(lambda: stream in client.answers and client.answers[stream].status == 200)
        for number in range(20):
            step.release()
            client.wait(lambda: client.answers[stream].body.endswith(b"data: %d\n\n" % number))
        client.answer(stream)


def test_compressed_events_arrive_one_by_one_too(headgate, stepping, free_port):
    """What is compressed is flushed with each piece, or a slow stream would hang in the compressor."""
    origin_port, step = stepping("chunked")
    port = free_port()
    policy = {"apiVersion": "headgate.io/v1alpha1", "kind": "TrafficPolicy", "metadata": {"name": "compress"},
              "spec": {"targetRefs": [{"kind": "Gateway", "name": "edge"}],
                       "compression": {"algorithms": ["gzip"], "contentTypes": ["text/event-stream"]}}}
    headgate(simple_edge(port, origin_port) + "\n---\n" + documents(policy))
    with RawClient(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\nAccept-Encoding: gzip\r\n\r\n")
        head = client.read_until(b"\r\n\r\n")
        assert b"gzip" in head.lower()
        plain, unpack = b"", zlib.decompressobj(31)
        for number in range(20):
            step.release()
            while not plain.endswith(b"data: %d\n\n" % number):
                size = int(client.read_until(b"\r\n"), 16)
                plain += unpack.decompress(client.read_exactly(size))
                client.read_exactly(2)


def test_an_upload_arrives_piece_by_piece(both, raw_origin):
    arrived = []

    def serve(connection):
        connection.read_until(b"\r\n\r\n")
        while len(b"".join(arrived)) < 20:
            arrived.append(connection.receive())
        connection.send(response())

    http, _, _ = both(raw_origin(serve).port)
    with RawClient(int(http.rsplit(":", 1)[1])) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 20\r\n\r\n")
        for number in range(20):
            client.send(b"%d" % (number % 10))
            wait_until(lambda: len(b"".join(arrived)) == number + 1, 10, f"byte {number} at the origin")
        assert client.read_response().status == 200
