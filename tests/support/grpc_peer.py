"""gRPC as others wrote it: a server and calls over python3-grpcio, with plain bytes as messages."""

import concurrent.futures
import threading

import grpc

OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)]


class GrpcServer:
    """Serves any of `services`, with these methods: Echo and Slow (unary), Count (server stream), Sum (client stream),
    Chat (both), Fail (NOT_FOUND before any message), FailLate (after one), Who (says `name`).

    `calls` lists (path, metadata) of all calls, `cancelled` is set when a client cancelled Slow or Wait.
    """

    def __init__(self, *services: str, name: str = "server", credentials=None):
        self.name, self.calls, self.cancelled = name, [], threading.Event()
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([self._handler(service) for service in services])
        self.port = (self._server.add_secure_port("127.0.0.1:0", credentials) if credentials
                     else self._server.add_insecure_port("127.0.0.1:0"))
        self._server.start()

    def _handler(self, service: str):
        kinds = {"Echo": grpc.unary_unary_rpc_method_handler, "Who": grpc.unary_unary_rpc_method_handler,
                 "Slow": grpc.unary_unary_rpc_method_handler, "Fail": grpc.unary_unary_rpc_method_handler,
                 "Count": grpc.unary_stream_rpc_method_handler, "FailLate": grpc.unary_stream_rpc_method_handler,
                 "Sum": grpc.stream_unary_rpc_method_handler, "Chat": grpc.stream_stream_rpc_method_handler}
        handlers = {method: kind(self._logged(service, method)) for method, kind in kinds.items()}
        return grpc.method_handlers_generic_handler(service, handlers)

    def _logged(self, service: str, method: str):
        serve = getattr(self, "_" + "".join("_" + c.lower() if c.isupper() else c for c in method).strip("_"))

        def call(request, context):
            self.calls.append((f"/{service}/{method}", dict(context.invocation_metadata())))
            return serve(request, context)

        return call

    def _echo(self, request, context):
        context.set_trailing_metadata([("x-trailing", "yes")])
        return request

    def _who(self, request, context):
        return self.name.encode()

    def _slow(self, request, context):
        ended = threading.Event()
        context.add_callback(ended.set)
        if ended.wait(30):
            self.cancelled.set()
        return b"late"

    def _count(self, request, context):
        for number in range(int(request)):
            yield b"%d" % number

    def _sum(self, requests, context):
        return b"%d" % sum(map(int, requests))

    def _chat(self, requests, context):
        for request in requests:
            yield b"re: " + request

    def _fail(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such cart: 100 % gone")

    def _fail_late(self, request, context):
        yield b"one"
        context.abort(grpc.StatusCode.DATA_LOSS, "lost")

    def close(self):
        self._server.stop(0).wait(20)


def channel(port: int, host: str = "grpc.example", ca_pem: str = None) -> grpc.Channel:
    """A channel to the edge; a context manager. With `ca_pem` over TLS under the name `host`."""
    options = [*OPTIONS, ("grpc.default_authority", host)]
    if not ca_pem:
        return grpc.insecure_channel(f"127.0.0.1:{port}", options)
    credentials = grpc.ssl_channel_credentials(ca_pem.encode())
    return grpc.secure_channel(f"127.0.0.1:{port}", credentials, [*options, ("grpc.ssl_target_name_override", host)])
