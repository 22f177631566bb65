"""Configuration of each contender for the same work: one worker, the same certificate, TLS 1.3, session tickets as they come,
upstream keep-alive; as a cache where that is asked. What favours a peer is chosen for it: the ratios are worth nothing against a
badly tuned rival. Those that are caches and nothing else are in caches.py."""

from dataclasses import dataclass
from pathlib import Path

ROUTED_REVISION_HEADER = "x-rev"
CACHE_MEGABYTES = 256  # everybody's, and Headgate's default: more than is ever kept in a run
OBJECT_BYTES_MAX = 4 << 20


@dataclass
class Work:
    """What a contender is asked to do. Paths are as the server sees them, inside of its root."""

    directory: str
    origin_port: int
    http_port: int
    https_port: int
    access_log: bool
    client_fields: bool = False  # the peers add what Headgate adds by itself
    routes: int = 0  # 0: one route for every host; n: hosts h0.bench .. h(n-1).bench
    revision: int = 1  # sent in ROUTED_REVISION_HEADER when routes > 0
    admin_port: int = 0  # Headgate's
    cached: bool = False


def routed_hosts(work: Work) -> list[str]:
    return [f"h{i}.bench" for i in range(work.routes)]


# nginx ---------------------------------------------------------------------------------------------------------------

NGINX = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
error_log {dir}/error.log warn;
pid {dir}/nginx.pid;
events {{ worker_connections 19000; }}
http {{
  access_log {log};
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  server_names_hash_max_size 65536;
  server_names_hash_bucket_size 128;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/temp;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 1000000000; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
{fields}  proxy_buffer_size 16k;
  proxy_buffers 8 16k;
{cache}  ssl_certificate {dir}/cert.pem;
  ssl_certificate_key {dir}/key.pem;
  ssl_protocols TLSv1.3;
{servers}
}}
"""


# The fields that Headgate sends to an origin unasked; trace ids have no like in the peers, a request id has.
NGINX_CLIENT_FIELDS = """\
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Request-Id $request_id;
  proxy_set_header Via "1.1 nginx";
  add_header Via "1.1 nginx";
"""


# A relay writes no bodies to files.
NGINX_RELAY = """\
  proxy_max_temp_file_size 0;
"""

# The files of a cache are held open, or every hit pays for opening one.
NGINX_CACHE = """\
  proxy_cache_path {dir}/cache levels=1:2 keys_zone=bench:64m max_size={megabytes}m inactive=1d use_temp_path=off;
  proxy_cache bench;
  proxy_cache_lock on;
  open_file_cache max=100000 inactive=1d;
  open_file_cache_valid 1d;
  open_file_cache_min_uses 1;
  sendfile on;
  tcp_nopush on;
"""


def nginx_command(program: str, work: Work) -> list[str]:
    return [program, "-c", f"{work.directory}/nginx.conf", "-e", f"{work.directory}/error.log"]


def nginx_files(work: Work, version: tuple[int, ...]) -> dict[str, str]:
    return {"nginx.conf": nginx(work, version)}


def nginx(work: Work, version: tuple[int, ...]) -> str:
    modern = version >= (1, 25, 1)
    tls = f"listen 127.0.0.1:{work.https_port} ssl{'' if modern else ' http2'};{' http2 on;' if modern else ''}"
    listen = f"listen 127.0.0.1:{work.http_port};"
    if work.routes == 0:
        servers = f"  server {{ {listen} {tls} location / {{ proxy_pass http://origin; }} }}"
    else:
        servers = "\n".join(
            f"  server {{ {listen} server_name {host}; add_header {ROUTED_REVISION_HEADER} {work.revision}; "
            "location / { proxy_pass http://origin; } }"
            for host in routed_hosts(work)
        )
    # Buffered, as the manual advises for busy servers.
    log = f"{work.directory}/access.log combined buffer=64k flush=1s" if work.access_log else "off"
    return NGINX.format(dir=work.directory, log=log, origin=work.origin_port, servers=servers,
                        fields=NGINX_CLIENT_FIELDS if work.client_fields else "",
                        cache=(NGINX_CACHE if work.cached else NGINX_RELAY).format(
                            dir=work.directory, megabytes=CACHE_MEGABYTES))  # fmt: skip


# HAProxy -------------------------------------------------------------------------------------------------------------

# no strict-limits: it wants two descriptors a connection and refuses to start when the limit is lower; idle ones need one.
HAPROXY = """\
global
  nbthread 1
  maxconn 12000
  no strict-limits
  {global_log}
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
  {log}
{cache}frontend bench
  bind 127.0.0.1:{http}
  bind 127.0.0.1:{https} ssl crt {dir}/both.pem alpn h2,http/1.1
{fields}{rules}{lookup}
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin}
"""


HAPROXY_CLIENT_FIELDS = """\
  option forwardfor
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Request-Id %[uuid()]
  http-request add-header Via "1.1 haproxy"
  http-response add-header Via "1.1 haproxy"
"""


HAPROXY_CACHE = f"""\
cache objects
  total-max-size {CACHE_MEGABYTES}
  max-object-size {OBJECT_BYTES_MAX}
  max-age 86400
"""

HAPROXY_LOOKUP = """\
  http-request cache-use objects
  http-response cache-store objects
"""


def haproxy_command(program: str, work: Work) -> list[str]:
    return [program, "-W", "-db", "-f", f"{work.directory}/haproxy.cfg"]


def haproxy_files(work: Work, _version: tuple[int, ...]) -> dict[str, str]:
    return {"routes.map": haproxy_map(work), "haproxy.cfg": haproxy(work)}


def haproxy(work: Work) -> str:
    rules = ""
    if work.routes:
        routes = f"req.hdr(host),field(1,:),lower,map({work.directory}/routes.map)"
        rules = f"  http-request set-var(txn.rev) {routes}\n" + (
            f"  http-response set-header {ROUTED_REVISION_HEADER} %[var(txn.rev)]\n"
            f"  use_backend origin if {{ var(txn.rev) -m found }}"
        )
    return HAPROXY.format(
        dir=work.directory,
        http=work.http_port,
        https=work.https_port,
        origin=work.origin_port,
        # Standard output is a file here: the cheapest of its targets.
        global_log="log stdout format raw local0 info" if work.access_log else "",
        log="log global\n  option httplog" if work.access_log else "",
        fields=HAPROXY_CLIENT_FIELDS if work.client_fields else "",
        rules=rules,
        cache=HAPROXY_CACHE if work.cached else "",
        lookup=HAPROXY_LOOKUP if work.cached else "",
    )


def haproxy_map(work: Work) -> str:
    return "".join(f"{host} {work.revision}\n" for host in routed_hosts(work))


# Headgate ------------------------------------------------------------------------------------------------------------

HEADGATE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: default}}
spec:
  gatewayClassName: headgate
  addresses: [{{type: IPAddress, value: 127.0.0.1}}]
  listeners:
  - {{name: http, protocol: HTTP, port: {http}}}
  - {{name: https, protocol: HTTPS, port: {https}, tls: {{certificateRefs: [{{name: bench-tls}}]}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: bench-tls, namespace: default}}
type: kubernetes.io/tls
stringData:
  tls.crt: |
{cert}
  tls.key: |
{key}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {{name: origin, namespace: default}}
spec:
  protocol: HTTP
  endpoints: [{{address: 127.0.0.1, port: {origin}}}]
---
{log}"""

HEADGATE_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: default}}
spec:
  parentRefs: [{{name: edge}}]
{hostnames}  rules:
  - matches: [{{path: {{type: PathPrefix, value: /}}}}]
{filters}    backendRefs: [{{group: headgate.io, kind: Upstream, name: origin}}]
"""


def headgate_access_log(work: Work) -> str:
    """The one place that knows how Headgate's access log is switched. Its lines go to standard output, a file here."""
    enabled = "true" if work.access_log else "false"
    return (
        "apiVersion: headgate.io/v1alpha1\nkind: TrafficPolicy\n"
        "metadata: {name: logging, namespace: default}\nspec:\n"
        "  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]\n"
        f"  accessLog: {{enabled: {enabled}}}\n---\n"
    )


HEADGATE_CACHE = """\
apiVersion: headgate.io/v1alpha1
kind: CachePolicy
metadata: {name: everything, namespace: default}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
---
"""


def headgate_command(program: str, work: Work) -> list[str]:
    return [program, "up", "-f", f"{work.directory}/edge.yaml", "--state", f"{work.directory}/state",
            "--workers", "1", "--admin", f"127.0.0.1:{work.admin_port}", "--api", "off"]  # fmt: skip


def headgate_files(work: Work, _version: tuple[int, ...]) -> dict[str, str]:
    cert, key = (Path(work.directory, name).read_text() for name in ("cert.pem", "key.pem"))
    return {"edge.yaml": headgate(work, cert, key)}


def headgate(work: Work, cert: str, key: str) -> str:
    def indent(text: str) -> str:
        return "\n".join("    " + line for line in text.strip().splitlines())

    head = HEADGATE.format(
        http=work.http_port,
        https=work.https_port,
        origin=work.origin_port,
        cert=indent(cert),
        key=indent(key),
        log=headgate_access_log(work) + (HEADGATE_CACHE if work.cached else ""),
    )
    if work.routes == 0:
        return head + HEADGATE_ROUTE.format(name="all", hostnames="", filters="")
    header = f"[{{name: {ROUTED_REVISION_HEADER}, value: '{work.revision}'}}]"
    filters = f"    filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: {header}}}}}]\n"
    return head + "---\n".join(
        HEADGATE_ROUTE.format(name=host.split(".")[0], hostnames=f"  hostnames: [{host}]\n", filters=filters)
        for host in routed_hosts(work)
    )
