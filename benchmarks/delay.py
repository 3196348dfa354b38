"""A forwarder of TCP connections that delays every byte: half of a round trip in each direction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def delayed(port: int, round_trip_s: float) -> AsyncIterator[int]:
    """Yield a port of this machine that leads to another one, with a delay.

    Args:
        port: Where it leads.
        round_trip_s: What a round trip takes longer.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection takes one round trip before anything is sent.
        await asyncio.sleep(round_trip_s)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        for source, target in ((reader, back), (there, writer)):
            task = asyncio.create_task(_pass(source, target, round_trip_s / 2))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The transports need a turn of the loop to close.
        await asyncio.sleep(0.1)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    try:
        while piece := await reader.read(1 << 16):
            # Pieces keep their order, since timers of one delay fire in the order they were set.
            loop.call_later(delay_s, _write, writer, piece)
        await asyncio.sleep(delay_s)
    except ConnectionError:
        pass
    finally:
        writer.close()


def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if not writer.is_closing():
        writer.write(piece)
