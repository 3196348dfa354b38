"""Real Jupyter servers in this process, paired, and clients as their kernels have them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from jupyter_peer.server.control.secrets import Caller
from jupyter_peer.server_client.client import Client
from tests.machine.waiting import until
from tests.server.servers import Server, jupyter_server

T = TypeVar("T")


@contextlib.asynccontextmanager
async def servers(path: Path, *names: str, **settings: Any) -> AsyncIterator[list[Server]]:
    """Yield servers, each paired with all others."""
    async with contextlib.AsyncExitStack() as stack:
        made: list[Server] = []
        for name in names:
            config = {"node_name": name, **settings}
            made.append(
                await stack.enter_async_context(
                    jupyter_server(path / name, f"/{name}/", PeerExtension=config)
                )
            )
        for at, server in enumerate(made):
            for other in made[at + 1 :]:
                invite = (await server.call("POST", "invite", {}))["invite"]
                answer = await other.call("POST", "pair", {"invite": invite})
                assert answer["ok"], answer
                peer, node = server.hub.peer, other.hub.node_id
                await until(lambda peer=peer, node=node: peer(node).status == "connected")
        yield made


@contextlib.asynccontextmanager
async def kernel(server: Server, kernel_id: str = "k1") -> AsyncIterator[Client]:
    """Yield the client of a kernel of this server."""
    secret = server.extension._secrets.mint(Caller("kernel", kernel_id))
    client = Client(server.url, secret, kernel_id)
    try:
        yield client
    finally:
        await asyncio.to_thread(client.close)


async def run(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Do what a cell would, while the servers' loop goes on."""
    return await asyncio.to_thread(work, *args, **kwargs)
