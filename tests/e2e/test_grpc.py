"""gRPC with grpcio on both sides: calls of every kind, deadlines, cancels, errors of the backend and of the edge."""

import threading

import grpc
import pytest

from support.config import backend, documents, gateway, http_listener, https_listener, route, tls_secret, upstream
from support.grpc_peer import GrpcServer, channel
from support.wait import wait_until

CART = "shop.v1.Cart"


@pytest.fixture
def server():
    made = GrpcServer(CART)
    yield made
    made.close()


@pytest.fixture
def cart(headgate, server, free_port):
    """(channel, server, edge, port) of an edge in front of a gRPC server."""
    port = free_port()
    edge = headgate(documents(gateway(http_listener(port)), upstream("cart", server.port, protocol="HTTP2"),
                              route({"backendRefs": [backend("cart")]}, kind="GRPCRoute")))
    with channel(port) as made:
        yield made, server, edge, port


def path(method: str) -> str:
    return f"/{CART}/{method}"


def test_unary_calls_carry_metadata_both_ways(cart):
    made, server, _, _ = cart
    answer, call = made.unary_unary(path("Echo")).with_call(b"hello", metadata=[("x-mine", "1"), ("x-raw-bin", b"\0\xff")], timeout=20)
    assert answer == b"hello" and dict(call.trailing_metadata())["x-trailing"] == "yes"
    metadata = server.calls[-1][1]
    assert metadata["x-mine"] == "1" and metadata["x-raw-bin"] == b"\0\xff"


def test_a_message_of_three_megabytes_passes(cart):
    message = b"x" * 3_000_000
    assert cart[0].unary_unary(path("Echo"))(message, timeout=60) == message


def test_an_empty_message_passes(cart):
    assert cart[0].unary_unary(path("Echo"))(b"", timeout=20) == b""


def test_a_server_stream_arrives_in_order(cart):
    assert [int(m) for m in cart[0].unary_stream(path("Count"))(b"2000", timeout=60)] == list(range(2000))


def test_a_client_stream_is_summed_up(cart):
    assert cart[0].stream_unary(path("Sum"))((b"%d" % n for n in range(1000)), timeout=60) == b"499500"


def test_both_directions_take_turns(cart):
    """Each message is sent only after the answer to the one before: nothing may be held back."""
    turn = threading.Semaphore(1)

    def messages():
        for number in range(50):
            assert turn.acquire(timeout=20)
            yield b"%d" % number

    seen = []
    for answer in cart[0].stream_stream(path("Chat"))(messages(), timeout=60):
        seen.append(answer)
        turn.release()
    assert seen == [b"re: %d" % number for number in range(50)]


def failure(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value


def test_a_deadline_is_told_to_the_backend_and_ends_the_call_there(cart):
    made, server, _, _ = cart
    error = failure(lambda: made.unary_unary(path("Slow"))(b"", timeout=1))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.cancelled.wait(20)


def test_a_cancel_reaches_the_backend(cart):
    made, server, _, _ = cart
    call = made.unary_unary(path("Slow")).future(b"", timeout=60)
    wait_until(lambda: server.calls, 20, "the call at the backend")
    assert call.cancel()
    assert server.cancelled.wait(20)
    assert made.unary_unary(path("Echo"))(b"on", timeout=20) == b"on", "the connection goes on"


def test_an_error_without_a_message_passes_as_it_is(cart):
    error = failure(lambda: cart[0].unary_unary(path("Fail"))(b"", timeout=20))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "no such cart: 100 % gone")


def test_an_error_after_messages_passes_with_them(cart):
    call = cart[0].unary_stream(path("FailLate"))(b"", timeout=20)
    assert next(call) == b"one"
    error = failure(lambda: next(call))
    assert (error.code(), error.details()) == (grpc.StatusCode.DATA_LOSS, "lost")


def test_an_unknown_method_is_the_backends_answer(cart):
    assert failure(lambda: cart[0].unary_unary(path("Nothing"))(b"", timeout=20)).code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_backend_that_is_gone_is_unavailable(headgate, free_port):
    port = free_port()
    headgate(documents(gateway(http_listener(port)), upstream("cart", free_port(), protocol="HTTP2"),
                       route({"backendRefs": [backend("cart")]}, kind="GRPCRoute")))
    with channel(port) as made:
        for _ in range(3):
            error = failure(lambda: made.unary_unary(path("Echo"))(b"", timeout=20))
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error


def test_over_tls_many_calls_share_a_connection(headgate, server, authority, free_port):
    port = free_port()
    leaf = authority.issue("grpc.example")
    edge = headgate(documents(gateway(https_listener(port, "cert")), tls_secret(leaf, "cert"),
                              upstream("cart", server.port, protocol="HTTP2"),
                              route({"backendRefs": [backend("cart")]}, kind="GRPCRoute")))
    with channel(port, "grpc.example", authority.ca_pem) as made:
        calls = [made.unary_unary(path("Echo")).future(b"%d" % n, timeout=60) for n in range(300)]
        assert [int(call.result()) for call in calls] == list(range(300))
        assert edge.metric("headgate_connections") == 1


def test_trailers_pass_an_edge_whose_backend_speaks_tls(headgate, authority, free_port):
    leaf = authority.issue("backend.example")
    credentials = grpc.ssl_server_credentials([(leaf.key_pem.encode(), leaf.cert_pem.encode())])
    server, port = GrpcServer(CART, credentials=credentials), free_port()
    ca = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": authority.ca_pem}}
    headgate(documents(gateway(http_listener(port)), ca,
                       upstream("cart", server.port, protocol="HTTPS",
                                tls={"serverName": "backend.example", "caCertificateRefs": [{"name": "ca"}]}),
                       route({"backendRefs": [backend("cart")]}, kind="GRPCRoute")))
    with channel(port) as made:
        answer, call = made.unary_unary(path("Echo")).with_call(b"hello", timeout=20)
        assert answer == b"hello" and dict(call.trailing_metadata())["x-trailing"] == "yes"
    server.close()
