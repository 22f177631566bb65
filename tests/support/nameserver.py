"""A name server of a few lines: answers A for names in `addresses`, AAAA with nothing, and what `rcode` says otherwise."""

import socket
import struct
import threading


class NameServer:
    """`addresses` maps names to lists of IPv4 addresses; `rcode` above 0 refuses everything; `queries` counts A by name."""

    def __init__(self, addresses: dict, ttl: int = 1, host: str = "127.0.0.1"):
        self.addresses, self.ttl, self.rcode, self.queries = dict(addresses), ttl, 0, {}
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, 0))
        self.address = f"{host}:{self._sock.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, client = self._sock.recvfrom(2048)
                self._sock.sendto(self._answer(query), client)
            except OSError:
                return

    def _answer(self, query: bytes) -> bytes:
        name, at = [], 12
        while size := query[at]:
            name.append(query[at + 1:at + 1 + size].decode().lower())
            at += size + 1
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        found = self.addresses.get(".".join(name), []) if kind == 1 and not self.rcode else []
        if kind == 1:
            self.queries[".".join(name)] = self.queries.get(".".join(name), 0) + 1
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(a) for a in found)
        return query[:2] + struct.pack("!HHHHH", 0x8180 | self.rcode, 1, len(found), 0, 0) + question + records

    def close(self):
        self._sock.close()
