"""STUN servers of one process that see whom they are told to see."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
import sys
from collections.abc import AsyncIterator, Callable

MAGIC = 0x2112A442
Answer = Callable[[bytes, tuple[str, int]], "bytes | None"]


def seen_as(host: str, port: int, other: tuple[str, int] | None = None) -> Answer:
    """Return what answers that it sees everybody as this address."""

    def answer(request: bytes, caller: tuple[str, int]) -> bytes:
        transaction = request[8:20]
        body = _attribute(0x20, *_masked(host or caller[0], port or caller[1]))
        if other is not None:
            body += _attribute(0x802C, ipaddress.ip_address(other[0]).packed, other[1])
        return struct.pack(">HHI12s", 0x0101, len(body), MAGIC, transaction) + body

    return answer


def _masked(host: str, port: int) -> tuple[bytes, int]:
    raw = ipaddress.IPv4Address(host).packed
    mask = MAGIC.to_bytes(4, "big")
    return bytes(a ^ b for a, b in zip(raw, mask, strict=True)), port ^ (MAGIC >> 16)


def _attribute(kind: int, raw: bytes, port: int) -> bytes:
    return struct.pack(">HHBBH", kind, 8, 0, 1, port) + raw


class _Server(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.asked += 1
        reply = self.answer(data, address)
        if reply is not None:
            self.transport.sendto(reply, address)


@contextlib.asynccontextmanager
async def stun_servers(*answers: Answer) -> AsyncIterator[list[str]]:
    """Run one server for each answer; yields how the setting names them."""
    started = []
    try:
        for answer in answers:
            started += [await _start(answer, "127.0.0.1", 0)]
        yield [f"stun:127.0.0.1:{t.get_extra_info('sockname')[1]}" for t, _ in started]
    finally:
        for transport, _ in started:
            transport.close()


async def _start(answer: Answer, host: str, port: int):
    loop = asyncio.get_running_loop()
    return await loop.create_datagram_endpoint(lambda: _Server(answer), local_addr=(host, port))


async def serve(host: str, *ports: int) -> None:
    """Tell everybody at these ports how they are seen, until the process is ended."""
    for port in ports:
        await _start(seen_as("", 0), host, port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], *map(int, sys.argv[2:])))
