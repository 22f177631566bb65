"""Chromium as a client that others wrote, driven over its DevTools protocol with Debian's python3-websockets."""

import asyncio
import itertools
import json
import pathlib
import subprocess
import tempfile

import websockets

from support.wait import wait_until

START_S = 60
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--remote-debugging-port=0"]


def visit(url: str, expression: str = "null", certificates=(), timeout_s: float = 60) -> dict:
    """Opens `url` in a fresh browser and evaluates a JavaScript expression there, awaiting it when it is a promise.

    Gives {"status", "protocol" ("h2", "http/1.1"), "text" of the page, "value" of the expression}.
    `certificates` holds hashes by `spki_hash` of server keys to take as good.
    """
    with tempfile.TemporaryDirectory(prefix="headgate-browser-", ignore_cleanup_errors=True) as profile:
        flags = [*FLAGS, f"--user-data-dir={profile}"]
        flags += [f"--ignore-certificate-errors-spki-list={','.join(certificates)}"] if certificates else []
        process = subprocess.Popen(["/usr/bin/chromium", *flags, "about:blank"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = _devtools_address(pathlib.Path(profile))
            return asyncio.run(asyncio.wait_for(_visit(address, url, expression), timeout_s))
        finally:
            process.kill()
            process.wait()


def spki_hash(certificate: pathlib.Path) -> str:
    """Base64 of the SHA-256 of a certificate's public key, as Chromium's list of exceptions wants it."""
    key = _openssl("x509", "-in", str(certificate), "-noout", "-pubkey")
    der = _openssl("pkey", "-pubin", "-outform", "DER", stdin=key)
    return _openssl("base64", "-A", stdin=_openssl("dgst", "-sha256", "-binary", stdin=der)).decode()


def _openssl(*args, stdin: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *args], input=stdin, capture_output=True, check=True, timeout=30).stdout


def _devtools_address(profile: pathlib.Path) -> str:
    file = profile / "DevToolsActivePort"
    lines = wait_until(lambda: file.exists() and file.read_text().split("\n"), START_S, "DevTools of Chromium")
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"


class _DevTools:
    """Commands and events of one page, over the browser's one WebSocket."""

    def __init__(self, socket):
        self.socket, self.numbers, self.events, self.session = socket, itertools.count(1), [], {}

    async def call(self, method: str, **parameters) -> dict:
        number = next(self.numbers)
        await self.socket.send(json.dumps({"id": number, "method": method, "params": parameters, **self.session}))
        while True:
            message = await self._next()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    async def event(self, method: str) -> dict:
        while not (found := [e for e in self.events if e["method"] == method]):
            await self._next()
        return found[0]["params"]

    async def _next(self) -> dict:
        message = json.loads(await self.socket.recv())
        if "method" in message:
            self.events.append(message)
        return message


async def _visit(address: str, url: str, expression: str) -> dict:
    async with websockets.connect(address, max_size=None) as socket:
        tools = _DevTools(socket)
        target = await tools.call("Target.createTarget", url="about:blank")
        attached = await tools.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tools.session = {"sessionId": attached["sessionId"]}
        await tools.call("Page.enable")
        await tools.call("Network.enable")
        navigation = await tools.call("Page.navigate", url=url)
        assert "errorText" not in navigation, f"{url}: {navigation['errorText']}"
        answer = (await tools.event("Network.responseReceived"))["response"]
        await tools.event("Page.loadEventFired")
        return {"status": answer["status"], "protocol": answer["protocol"],
                "text": await _evaluate(tools, "document.documentElement.innerText"),
                "value": await _evaluate(tools, expression)}


async def _evaluate(tools: _DevTools, expression: str):
    done = await tools.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
    assert "exceptionDetails" not in done, done["exceptionDetails"]
    return done["result"].get("value")
