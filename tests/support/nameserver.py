"""A name server of a few lines: answers A for names in `addresses`, AAAA for those in `ipv6`, and what `rcode` says otherwise."""

import socket
import struct
import threading

A, AAAA = 1, 28


class NameServer:
    """`addresses` maps names to lists of IPv4 addresses, `ipv6` to those of IPv6; `rcode` above 0 refuses everything,
    `ipv4_rcode` and `ipv6_rcode` one family; `queries` counts A by name."""

    def __init__(self, addresses: dict, ttl: int = 1, host: str = "127.0.0.1"):
        self.addresses, self.ipv6, self.ttl, self.queries = dict(addresses), {}, ttl, {}
        self.rcode = self.ipv4_rcode = self.ipv6_rcode = 0
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
        rcode = self.rcode or {A: self.ipv4_rcode, AAAA: self.ipv6_rcode}.get(kind, 0)
        table = {A: self.addresses, AAAA: self.ipv6}.get(kind, {})
        found = table.get(".".join(name), []) if not rcode else []
        if kind == A:
            self.queries[".".join(name)] = self.queries.get(".".join(name), 0) + 1
        data = [socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address) for address in found]
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(d)) + d for d in data)
        return query[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(found), 0, 0) + question + records

    def close(self):
        self._sock.close()
