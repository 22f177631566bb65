"""Configuration of the rivals that are caches and nothing else: Varnish, with hitch before it for TLS, and Traffic Server. As in
configs.py, what favours them is chosen."""

from .configs import CACHE_MEGABYTES, OBJECT_BYTES_MAX, Work

# Varnish -------------------------------------------------------------------------------------------------------------

VCL = """\
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{origin}"; }}
"""

HITCH = """\
frontend = "[127.0.0.1]:{https}"
backend = "{dir}/tls.sock"
pem-file = "{dir}/both.pem"
user = "_hitch"
workers = 1
backlog = 4096
alpn-protos = "h2, http/1.1"
tls-protos = TLSv1.3
write-proxy-v2 = on
quiet = on
"""

# A thread for each client that may be served at once, made beforehand: threads that are made under load are charged to it.
VARNISH_THREADS = 1200

# What it notes of a hit in its log in shared memory, which is a quarter of its time: nobody else logs here. Newer versions have
# a word for all of it.
VARNISH_UNLOGGED = (
    "Begin End Link Timestamp ReqStart ReqMethod ReqURL ReqProtocol ReqHeader ReqUnset ReqAcct VCL_call VCL_return VCL_use Hit "
    "RespProtocol RespStatus RespReason RespHeader RespUnset Filters SessOpen SessClose Proxy ProxyGarbage"
)


def varnish_command(program: str, work: Work) -> list[str]:
    """hitch starts when the socket is there that it talks to; it ends with the session of Varnish."""
    at = work.directory
    parameters = {"feature": "+http2", "thread_pools": 1, "thread_pool_min": VARNISH_THREADS, "thread_pool_max": 5000,
                  "vsl_mask": ",".join(f"-{tag}" for tag in VARNISH_UNLOGGED.split())}  # fmt: skip
    varnish = [program, "-F", "-j", "none", "-n", f"{at}/varnish", "-f", f"{at}/bench.vcl",
               "-a", f"127.0.0.1:{work.http_port},HTTP", "-a", f"{at}/tls.sock,PROXY,mode=666",
               "-s", f"malloc,{CACHE_MEGABYTES}m"]  # fmt: skip
    varnish += [part for name, value in parameters.items() for part in ("-p", f"{name}={value}")]
    hitch = f"until test -S {at}/tls.sock; do sleep 0.05; done; exec hitch --config={at}/hitch.conf"
    return ["sh", "-c", f"({hitch}) & exec {' '.join(varnish)}"]


def varnish_files(work: Work, _version: tuple[int, ...]) -> dict[str, str]:
    return {
        "bench.vcl": VCL.format(origin=work.origin_port),
        "hitch.conf": HITCH.format(dir=work.directory, https=work.https_port),
    }


# Traffic Server ------------------------------------------------------------------------------------------------------

# Waiters read while the first one fetches; who finds the object locked asks again after 10 ms.
TRAFFICSERVER = """\
CONFIG proxy.config.http.server_ports STRING {http}:ip-in=127.0.0.1 {https}:ssl:ip-in=127.0.0.1
CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.crash_log_helper STRING ""
CONFIG proxy.config.exec_thread.autoconfig.enabled INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.task_threads INT 1
CONFIG proxy.config.cache.threads_per_disk INT 1
CONFIG proxy.config.cache.ram_cache.size INT {bytes}
CONFIG proxy.config.cache.ram_cache_cutoff INT {object_bytes}
CONFIG proxy.config.cache.min_average_object_size INT 2000
CONFIG proxy.config.cache.enable_read_while_writer INT 1
CONFIG proxy.config.http.background_fill_active_timeout INT 0
CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0
CONFIG proxy.config.http.cache.max_open_read_retries INT 100
CONFIG proxy.config.http.cache.open_read_retry_time INT 10
CONFIG proxy.config.http.cache.open_write_fail_action INT 1
CONFIG proxy.config.http.insert_request_via_str INT 0
CONFIG proxy.config.http.insert_response_via_str INT 0
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 300
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.url_remap.pristine_host_hdr INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.ssl.TLSv1_2 INT 0
CONFIG proxy.config.net.connections_throttle INT 15000
"""

RUNROOT = """\
prefix: {dir}
exec_prefix: {dir}
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: {dir}/etc
datadir: {dir}/cache
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: {dir}/var
runtimedir: {dir}/var
logdir: {dir}/var
cachedir: {dir}/cache
"""


def trafficserver_command(program: str, work: Work) -> list[str]:
    return ["env", f"TS_RUNROOT={work.directory}/runroot.yaml", program]


def trafficserver_files(work: Work, _version: tuple[int, ...]) -> dict[str, str]:
    at = work.directory
    records = TRAFFICSERVER.format(http=work.http_port, https=work.https_port, bytes=CACHE_MEGABYTES << 20,
                                   object_bytes=OBJECT_BYTES_MAX)  # fmt: skip
    return {
        "runroot.yaml": RUNROOT.format(dir=at),
        "etc/records.config": records,
        "etc/remap.config": f"map / http://127.0.0.1:{work.origin_port}/\n",
        "etc/storage.config": f"{at}/cache {CACHE_MEGABYTES}M\n",
        "etc/ssl_multicert.config": f"dest_ip=* ssl_cert_name={at}/cert.pem ssl_key_name={at}/key.pem\n",
        "etc/ip_allow.yaml": "ip_allow:\n- {apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL}\n",
        "var/empty": "",
        "cache/empty": "",
    }
