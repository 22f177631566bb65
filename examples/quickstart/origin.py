#!/usr/bin/python3
"""A small real origin for the quickstart: says which request it received. origin.py [PORT=9000] [NAME=shop]"""

import http.server
import json
import sys


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections, which the proxy reuses
    name = "shop"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = json.dumps({"origin": self.name, "method": self.command, "path": self.path,
                           "headers": dict(self.headers), "body_bytes": len(body)}, indent=2) + "\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        if self.path.startswith("/catalogue"):
            self.send_header("Cache-Control", "max-age=60")  # the edge may keep it for a minute
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *unused):
        pass  # the edge writes the access log


def main(port: int = 9000, name: str = "shop"):
    Origin.name = name
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Origin)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    try:
        main(*(int(a) if a.isdigit() else a for a in sys.argv[1:3]))
    except KeyboardInterrupt:
        pass
