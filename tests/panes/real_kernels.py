"""A kernel as a Jupyter server runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from jupyter_peer.panes.kernel.channels.tap import KernelTap

TIMEOUT = 30


@contextlib.asynccontextmanager
async def kernel() -> AsyncIterator[tuple[AsyncKernelManager, Any]]:
    """Yield a real kernel and a client that runs code in it."""
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=TIMEOUT)
        yield manager, client
    finally:
        client.stop_channels()
        with contextlib.suppress(Exception):
            await manager.shutdown_kernel(now=True)
        manager.context.destroy(linger=0)


async def closed(tap: KernelTap) -> None:
    """Wait until a closed tap has released everything."""
    await asyncio.gather(*tap._tasks, return_exceptions=True)
