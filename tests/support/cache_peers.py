"""Other people's caches behind the same tests: where they claim a rule too, a test that they fail may be the one that is wrong.

    HEADGATE_CACHE_PEER=squid /usr/bin/python3 -m pytest tests/conformance/cache/test_freshness.py

Each is one process tree on loopback without privileges: varnish, nginx, squid of Debian.
"""

import getpass
import pathlib
import socket
import subprocess

from support.wait import wait_until

_VCL = """
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{origin}"; }}
sub vcl_backend_response {{ set beresp.grace = 0s; set beresp.keep = 1h; }}
"""

_NGINX = """
daemon off;
user {user};
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
access_log off;
client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
proxy_cache_path {directory}/kept keys_zone=kept:8m;
server {{
  listen 127.0.0.1:{port};
  location / {{
    proxy_pass http://127.0.0.1:{origin}; proxy_set_header Host $host; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_cache kept; proxy_cache_revalidate on; proxy_cache_key $scheme$host$request_uri; proxy_cache_lock on;
  }}
}}
}}
"""

_SQUID = """
http_port 127.0.0.1:{port} accel vhost
cache_peer 127.0.0.1 parent {origin} 0 no-query originserver name=origin
acl everybody src all
http_access allow everybody
cache_peer_access origin allow everybody
cache_mem 64 MB
access_log none
cache_log {directory}/cache.log
pid_filename {directory}/squid.pid
coredump_dir {directory}
cache_effective_user nobody
shutdown_lifetime 0 seconds
pinger_enable off
icp_port 0
htcp_port 0
"""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Process:
    def __init__(self, command, port: int, directory: pathlib.Path):
        with open(directory / "output.log", "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: _listens(port), 30, f"{command}; see {directory}")

    def close(self):
        self._process.terminate()
        self._process.wait(30)


def varnish(directory: pathlib.Path, port: int, origin: int) -> _Process:
    (directory / "peer.vcl").write_text(_VCL.format(origin=origin))
    return _Process(["/usr/sbin/varnishd", "-F", "-j", "none", "-n", str(directory / "work"), "-a", f"127.0.0.1:{port}",
                     "-f", str(directory / "peer.vcl"), "-s", "malloc,64m", "-T", "none", "-p", "thread_pool_min=20"], port, directory)


def nginx(directory: pathlib.Path, port: int, origin: int) -> _Process:
    file = directory / "nginx.conf"
    file.write_text(_NGINX.format(directory=directory, port=port, origin=origin, user=getpass.getuser()))
    return _Process(["/usr/sbin/nginx", "-p", str(directory), "-c", str(file)], port, directory)


def squid(directory: pathlib.Path, port: int, origin: int) -> _Process:
    directory.chmod(0o777)
    (directory / "squid.conf").write_text(_SQUID.format(directory=directory, port=port, origin=origin))
    return _Process(["/usr/sbin/squid", "-N", "-f", str(directory / "squid.conf")], port, directory)


PEERS = {"varnish": varnish, "nginx": nginx, "squid": squid}
