"""Who may come in: addresses, tokens, API keys, an external service. Why not stands in the log, never in the answer."""

import base64
import json

import pytest

from support.client import RawClient, fetch
from support.config import backend, documents, gateway, http_listener, route, rule, upstream
from support.tokens import SigningKey, key_set, unsigned_token
from support.wait import wait_until


def policy(**spec) -> dict:
    return {"apiVersion": "headgate.io/v1alpha1", "kind": "AccessPolicy",
            "metadata": {"name": "policy", "namespace": "default"},
            "spec": {"targetRefs": [{"kind": "HTTPRoute", "name": "route"}], **spec}}


def jwt(jwks: dict, **provider) -> dict:
    return {"jwt": {"providers": [{"name": "issuer", "jwks": jwks, **provider}]}}


def secret(name: str, **keys) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"},
            "type": "Opaque", "stringData": keys}


@pytest.fixture
def guarded(headgate, origin, free_port):
    """start(*resources, upstreams=(), **policy spec) -> (edge, url, origin)"""

    def start(*resources, upstreams=(), **spec):
        made, port = origin(), free_port()
        config = documents(gateway(http_listener(port)), upstream("origin", made.port), *upstreams,
                           route(rule("origin")), policy(**spec), *resources)
        return headgate(config), f"http://127.0.0.1:{port}", made

    return start


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    return {algorithm: SigningKey(directory, algorithm, f"key-{algorithm.lower()}")
            for algorithm in ("RS256", "ES256", "EdDSA")}


def bearer(token: str):
    return ("-H", f"Authorization: Bearer {token}")


def assert_refused(edge, answer, status: int, detail: str):
    """The answer says nothing about the reason; the log does."""
    assert answer.status == status
    assert detail.encode() not in answer.body and not any(detail in value for _, value in answer.fields)
    line = edge.wait_log(lambda entry: entry.get("status") == status and entry.get("detail") == detail)
    assert line["reason"] == "denied" and line["fault"] == "client"


def test_a_denied_address_gets_403_and_the_reason_stands_in_the_log_alone(guarded):
    edge, url, origin = guarded(deny=["127.0.0.0/8"])
    assert_refused(edge, fetch(url), 403, "address_denied")
    assert not origin.requests


def test_an_address_outside_of_the_allow_list_gets_403(guarded):
    edge, url, _ = guarded(allow=["192.0.2.0/24", "2001:db8::/32"])
    assert_refused(edge, fetch(url), 403, "address_not_allowed")


def test_an_allowed_address_passes(guarded):
    _, url, _ = guarded(allow=["127.0.0.0/8"])
    assert fetch(url).status == 200


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_signed_token_passes_and_its_claims_travel_instead_of_it(guarded, keys, algorithm):
    _, url, origin = guarded(**jwt({"inline": key_set(*keys.values())}, issuer="https://issuer.example",
                                   claimHeaders=[{"claim": "sub", "header": "x-user"}]))
    token = keys[algorithm].token(sub="ann", iss="https://issuer.example")
    assert fetch(url, *bearer(token), "-H", "X-User: root").status == 200
    seen = origin.requests[-1]
    assert [value for name, value in seen.fields if name.lower() == "x-user"] == ["ann"]
    assert seen.field("authorization") is None


def test_a_token_is_forwarded_where_the_policy_says_so(guarded, keys):
    _, url, origin = guarded(**jwt({"inline": key_set(keys["ES256"])}, forwardToken=True))
    token = keys["ES256"].token()
    assert fetch(url, *bearer(token)).status == 200
    assert origin.requests[-1].field("authorization") == f"Bearer {token}"


def test_a_missing_token_is_challenged(guarded, keys):
    edge, url, origin = guarded(**jwt({"inline": key_set(keys["ES256"])}))
    answer = fetch(url)
    assert answer.field("www-authenticate") == "Bearer"
    assert_refused(edge, answer, 401, "token_missing")
    assert not origin.requests


@pytest.mark.parametrize("make, detail", [
    (lambda key: key.token(lifetime_s=-3600, aud="shop"), "token_expired"),
    (lambda key: key.token(aud="other"), "audience_wrong"),
    (lambda key: key.token(), "audience_wrong"),
    (lambda key: key.token(aud="shop", nbf=4000000000), "token_not_yet_valid"),
    (lambda key: unsigned_token(aud="shop"), "token_malformed"),
    (lambda key: unsigned_token(aud="shop") + "AA", "algorithm_refused"),
    (lambda key: key.token(aud="shop", header={"alg": "HS256"}), "algorithm_refused"),
    (lambda key: key.token(aud="shop", header={"kid": "nobody"}), "key_unknown"),
    (lambda key: _with_claims(key.token(aud="shop"), aud="shop", exp=4000000000), "signature_wrong"),
    (lambda key: "rubbish", "token_malformed"),
], ids=["expired", "audience", "no-audience", "not-yet", "none", "none-signed", "hmac", "kid", "altered", "rubbish"])
def test_a_wrong_token_is_refused(guarded, keys, make, detail):
    edge, url, origin = guarded(**jwt({"inline": key_set(keys["RS256"])}, audiences=["shop"]))
    assert_refused(edge, fetch(url, *bearer(make(keys["RS256"]))), 401, detail)
    assert not origin.requests


def _with_claims(token: str, **claims) -> str:
    head, _, signature = token.split(".")
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{changed}.{signature}"


def test_keys_from_a_url_are_fetched_and_follow_a_rotation(guarded, origin, keys):
    served = {"set": key_set(keys["ES256"])}
    issuer = origin(lambda request: (200, served["set"].encode(), [("Content-Type", "application/json")]))
    edge, url, _ = guarded(**jwt({"url": f"http://127.0.0.1:{issuer.port}/jwks", "refresh": "24h"}))
    old, new = keys["ES256"].token(), keys["EdDSA"].token()
    wait_until(lambda: fetch(url, *bearer(old)).status == 200, 20, "the first set of keys")
    served["set"] = key_set(keys["EdDSA"])
    assert fetch(url, *bearer(new)).status == 401
    wait_until(lambda: fetch(url, *bearer(new)).status == 200, 40, "the rotated set, asked for by its unknown key")
    assert fetch(url, *bearer(old)).status == 401
    assert len(issuer.requests) <= 4, "tokens with unknown keys cannot make the edge ask all the time"


def test_keys_that_were_never_had_are_the_fault_of_the_edge(guarded, free_port, keys):
    edge, url, _ = guarded(**jwt({"url": f"http://127.0.0.1:{free_port()}/jwks"}))
    assert_refused(edge, fetch(url, *bearer(keys["ES256"].token())), 503, "keys_missing")


def test_an_api_key_lets_its_client_in_and_is_not_forwarded(guarded):
    edge, url, origin = guarded(secret("clients", bob="s3cret-key-of-bob"),
                                apiKeys={"header": "x-api-key", "query": "key", "secretRefs": [{"name": "clients"}]})
    assert fetch(url + "/a?x=1", "-H", "X-Api-Key: s3cret-key-of-bob").status == 200
    assert origin.requests[-1].field("x-api-key") is None
    assert fetch(url + "/a?x=1&key=s3cret-key-of-bob&y=2").status == 200
    assert origin.requests[-1].target == "/a?x=1&y=2"
    assert_refused(edge, fetch(url), 401, "api_key_missing")
    assert_refused(edge, fetch(url, "-H", "X-Api-Key: another-key"), 401, "api_key_unknown")
    assert "s3cret" not in edge.stdout() + edge.stderr()


def external(**more) -> dict:
    return {"externalAuthorization": {"backendRef": backend("auth"), "pathPrefix": "/check", **more}}


def test_an_external_service_that_allows_adds_headers_to_the_request(guarded, origin):
    auth = origin(lambda request: (200, b"", [("X-User", "ann"), ("X-Other", "1")]))
    _, url, made = guarded(upstreams=[upstream("auth", auth.port)],
                           **external(requestHeaders=["cookie"], responseHeaders=["x-user"]))
    assert fetch(url + "/a?b=1", "-H", "Cookie: c=1", "-H", "X-User: root", "-d", "body").status == 200
    asked, seen = auth.requests[-1], made.requests[-1]
    assert (asked.method, asked.target, asked.body) == ("GET", "/check/a?b=1", b"")
    assert asked.field("x-forwarded-method") == "POST" and asked.field("x-forwarded-uri") == "/a?b=1"
    assert asked.field("cookie") == "c=1" and asked.field("user-agent") is None
    assert seen.field("x-user") == "ann" and seen.field("x-other") is None and seen.body == b"body"


def test_an_external_service_that_refuses_sends_the_client_where_it_has_to_go(guarded, origin):
    auth = origin(lambda request: (302, b"internals", [("Location", "https://login.example/"), ("X-Internal", "1")]))
    edge, url, made = guarded(upstreams=[upstream("auth", auth.port)], **external())
    answer = fetch(url)
    assert answer.field("location") == "https://login.example/"
    assert b"internals" not in answer.body and answer.field("x-internal") is None
    assert_refused(edge, answer, 302, "external_denied")
    assert not made.requests


@pytest.mark.parametrize("on_error, status", [("Deny", 403), ("Allow", 200)])
def test_without_an_answer_of_the_external_service_the_policy_decides(guarded, raw_origin, on_error, status):
    silent = raw_origin(lambda connection: connection.read_until(b"never"))
    _, url, _ = guarded(upstreams=[upstream("auth", silent.port)], **external(timeout="100ms", onError=on_error))
    assert fetch(url).status == status


def test_an_external_service_that_breaks_counts_as_no_answer(guarded, origin):
    auth = origin(lambda request: (500, b"", []))
    edge, url, _ = guarded(upstreams=[upstream("auth", auth.port)], **external())
    assert_refused(edge, fetch(url), 403, "external_status_500")


def test_a_client_that_leaves_while_the_external_service_is_asked_is_forgotten(guarded, raw_origin):
    silent = raw_origin(lambda connection: connection.read_until(b"never"))
    edge, url, _ = guarded(upstreams=[upstream("auth", silent.port)], **external(timeout="30s"))
    with RawClient(int(url.rsplit(":", 1)[1])) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        wait_until(lambda: silent.open_connections() == 1, 10, "the question")
    edge.wait_log(lambda entry: entry.get("reason") == "client_closed")
    wait_until(lambda: silent.open_connections() == 0, 10, "the question given up")
