"""nginx as an origin that others wrote."""

import pathlib
import subprocess

from support.wait import wait_until

_CONFIG = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  {servers}
}}
"""


class Nginx:
    """Serves the given `server { ... }` blocks in the foreground until `close()`."""

    def __init__(self, directory, servers: str):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / "nginx.conf"
        file.write_text(_CONFIG.format(directory=self.directory, servers=servers))
        self._process = subprocess.Popen(["/usr/sbin/nginx", "-p", str(self.directory), "-c", str(file)],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(self._ready_or_dead, 20, "nginx")

    def _ready_or_dead(self) -> bool:
        assert self._process.poll() is None, self._process.stderr.read().decode()
        return (self.directory / "nginx.pid").exists()

    def log(self) -> str:
        return (self.directory / "error.log").read_text(errors="replace")

    def close(self):
        self._process.terminate()
        self._process.wait(20)
        self._process.stderr.close()
