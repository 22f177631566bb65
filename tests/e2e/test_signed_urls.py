"""URLs that are good until they expire. The signer here is written after docs/signed-urls.md, not after the source."""

import base64
import hmac
import subprocess
import time

import pytest

from support.client import fetch
from support.config import documents, gateway, http_listener, route, rule, upstream
from support.edge import binary

HOST = "cdn.example"
NEW, OLD = b"new key of thirty-two bytes or so", b"\x00old key with bytes that are no text\xff"


def sign(path: str, query: str = "", key_id: str = "new", key: bytes = NEW, seconds: int = 600, host: str = HOST,
         address: str = "", prefix: str = None, names: str = "hg-") -> str:
    """The target to ask for."""
    expires = str(int(time.time()) + seconds)
    scope = ["prefix", prefix] if prefix else ["path", path + ("?" + query if query else "")]
    text = "\n".join(["headgate-url-v1", host, expires, address, *scope])
    mac = base64.urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).rstrip(b"=").decode()
    more = f"&{names}prefix={prefix}" if prefix else ""
    signature = f"{names}expires={expires}&{names}key={key_id}{more}&{names}signature={mac}"
    return f"{path}?{query}{'&' if query else ''}{signature}"


def policy(keys=(("new", "new"), ("old", "old")), **signed) -> dict:
    return {"apiVersion": "headgate.io/v1alpha1", "kind": "AccessPolicy",
            "metadata": {"name": "signed", "namespace": "default"},
            "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "route"}],
                     "signedUrls": {"keys": [{"id": name, "secretRef": {"name": "urls", "key": entry}}
                                             for name, entry in keys], **signed}}}


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "urls", "namespace": "default"},
          "data": {"new": base64.b64encode(NEW).decode(), "old": base64.b64encode(OLD).decode()}}
CACHED = {"apiVersion": "headgate.io/v1alpha1", "kind": "CachePolicy",
          "metadata": {"name": "cached", "namespace": "default"},
          "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "route"}]}}


@pytest.fixture
def signing(headgate, origin, free_port):
    """start(*resources, rules=None, answer=None, **signedUrls) -> (edge, get(target, *args), origin)"""

    def start(*resources, rules=None, answer=None, **signed):
        made, port = origin(answer), free_port()
        edge = headgate(documents(gateway(http_listener(port)), upstream("origin", made.port), SECRET,
                                  route(*(rules or [rule("origin")])), policy(**signed), *resources))
        return edge, lambda target, *args: fetch(f"http://127.0.0.1:{port}{target}", *args, "--path-as-is", host=HOST), made

    return start


def assert_refused(edge, answer, detail: str):
    assert answer.status == 403
    assert detail.encode() not in answer.body
    edge.wait_log(lambda entry: entry.get("status") == 403 and entry.get("detail") == detail)


def test_a_signed_url_is_let_in_and_the_origin_sees_what_was_signed(signing):
    _, get, origin = signing()
    assert get(sign("/a/b.mp4")).status == 200
    assert origin.requests[-1].target == "/a/b.mp4"
    assert get(sign("/a/b.mp4", "t=1&&u=%2f")).status == 200
    assert origin.requests[-1].target == "/a/b.mp4?t=1&&u=%2f"
    assert get(sign("/a", key_id="old", key=OLD), "-I").status == 200


def test_what_is_not_signed_is_refused_and_the_reason_stands_in_the_log_alone(signing):
    edge, get, origin = signing()
    good = sign("/a", "b=1")
    assert_refused(edge, get("/a"), "url_unsigned")
    assert_refused(edge, get(good.replace("b=1", "b=2")), "url_signature_wrong")
    assert_refused(edge, get(good.replace("/a?", "/c?")), "url_signature_wrong")
    assert_refused(edge, get(sign("/a", host="other.example")), "url_signature_wrong")
    assert_refused(edge, get(sign("/a", key_id="old")), "url_signature_wrong")
    assert_refused(edge, get(sign("/a", key_id="gone")), "url_key_unknown")
    assert_refused(edge, get(sign("/a", seconds=-1)), "url_expired")
    assert_refused(edge, get(good + "&hg-key=new"), "url_malformed")
    assert_refused(edge, get(good, "-d", "body"), "url_method")
    assert not origin.requests


def test_every_byte_of_the_query_counts(signing):
    _, get, origin = signing()
    good = sign("/a")
    for at in range(good.index("?") + 1, len(good)):
        changed = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]
        assert get(changed).status == 403, changed
    assert not origin.requests and get(good).status == 200


def test_the_path_that_counts_is_the_one_that_is_forwarded(signing):
    _, get, origin = signing()
    target = sign("/a/~b")
    assert get(target.replace("/a/~b", "/x/../a/%7eb")).status == 200
    assert origin.requests[-1].target == "/a/~b"
    assert get(sign("/a/").replace("/a/?", "/a/../secret?")).status == 403


def test_a_prefix_stands_for_what_lies_below_it_where_the_policy_says_so(signing):
    edge, get, origin = signing(allowPrefix=True)
    query = sign("/", prefix="/video/1/").split("?")[1]
    assert get(f"/video/1/a/b.ts?{query}").status == 200
    assert get(f"/video/1/?t=1&{query}").status == 200
    assert origin.requests[-1].target == "/video/1/?t=1"
    for path in "/video/1", "/video/10/a", "/video/1/../2/a":
        assert_refused(edge, get(f"{path}?{query}"), "url_malformed")
    strict, get, _ = signing()
    assert_refused(strict, get(f"/video/1/a?{query}"), "url_malformed")


def test_a_url_for_one_address_is_refused_from_another(signing):
    edge, get, _ = signing(bindAddress=True, parameterPrefix="x.")
    assert get(sign("/a", address="127.0.0.1", names="x.")).status == 200
    assert_refused(edge, get(sign("/a", address="127.0.0.2", names="x.")), "url_signature_wrong")


def test_a_redirect_keeps_the_signature(signing):
    away = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    _, get, _ = signing(rules=[away])
    target = sign("/a", "b=1")
    answer = get(target)
    assert answer.status == 301 and answer.field("location").endswith(target)


def test_urls_that_differ_in_their_signature_share_what_is_cached(signing):
    _, get, origin = signing(CACHED, answer=lambda request: (200, b"kept", [("Cache-Control", "max-age=60")]))
    assert get(sign("/a", seconds=100)).body == b"kept"
    second = get(sign("/a", seconds=200, key_id="old", key=OLD))
    assert second.body == b"kept" and "hit" in second.field("cache-status")
    assert [request.target for request in origin.requests] == ["/a"]
    assert get("/a").status == 403, "what is cached is still for those with a signature"


def test_the_command_signs_what_the_edge_lets_in(signing, tmp_path):
    _, get, origin = signing(allowPrefix=True)
    key = tmp_path / "key"
    key.write_bytes(OLD)

    def made(*args) -> subprocess.CompletedProcess:
        return subprocess.run([binary(), "sign-url", "--key-id", "old", "--key-file", key, *args],
                              capture_output=True, text=True, timeout=20)

    done = made(f"http://{HOST}/a/./b?c=1")
    assert done.returncode == 0 and done.stdout.startswith(f"http://{HOST}/a/b?c=1&hg-expires="), done
    assert get(done.stdout.strip().removeprefix(f"http://{HOST}")).status == 200
    assert origin.requests[-1].target == "/a/b?c=1"
    below = made("--prefix", "/a/", f"http://{HOST}/a/b").stdout.strip().split("?")[1]
    assert get(f"/a/else?{below}").status == 200
    refused = made("--prefix", "/x/", f"http://{HOST}/a/b")
    assert refused.returncode == 2 and "'/a/b' does not begin with '/x/'" in refused.stderr
    key.unlink()
    assert made(f"http://{HOST}/a").returncode == 1
