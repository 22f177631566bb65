"""Thousands of WebSockets at once, both ends in one event loop: an origin that repeats lines, and clients that hold on."""

import asyncio
import resource

from support.traps import SWITCH, UPGRADE, get

_AT_ONCE = 200  # handshakes and questions under way


def as_many_as_descriptors_permit(wanted: int, kept_back: int = 1000) -> int:
    """Each takes two descriptors in this process, which has both ends, and two in the edge. Raises the limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, (hard - kept_back) // 2)


async def repeat_lines(reader, writer):
    """An origin's connection; for asyncio.start_server."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCH)
    while line := await reader.readline():
        writer.write(line)
    writer.close()


class Tunnels:
    """`count` WebSockets through the edge at `port`. An await of anything here fails when one of them is gone."""

    def __init__(self, port: int, count: int):
        self.port, self.count, self._ends = port, count, []

    async def open(self):
        self._ends = await self._for_each(range(self.count), self._open_one)

    async def _open_one(self, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(get("/socket", *UPGRADE))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return reader, writer

    async def ask(self, text: str, every: int = 1):
        """Sends a line on every `every`-th one, and takes it back."""
        async def ask_one(end):
            reader, writer = end
            writer.write(f"{text}\n".encode())
            assert await reader.readline() == f"{text}\n".encode()

        assert self.lost() == 0
        await self._for_each(self._ends[::every], ask_one)

    def lost(self) -> int:
        return sum(reader.at_eof() or reader.exception() is not None for reader, _ in self._ends)

    def close(self):
        for _, writer in self._ends:
            writer.transport.abort()

    @staticmethod
    async def _for_each(items, action) -> list:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(item):
            async with gate:
                return await asyncio.wait_for(action(item), 120)

        return await asyncio.gather(*(one(item) for item in items))
