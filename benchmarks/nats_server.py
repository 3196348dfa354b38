"""A separate NATS server that joins brokers, in memory and only on this machine."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import socket
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

from jupyter_peer.errors import NotEnabledError, PeerTimeoutError

from .node import PATIENCE_S

_PROGRAM = "nats-server"
_STEP_S = 0.05


async def start_nats(stack: AsyncExitStack, folder: Path) -> str:
    """Start a server that ends with ``stack``, and return its URL.

    Args:
        stack: Stops it.
        folder: Folder for its files.

    Raises:
        NotEnabledError: nats-server or nats-py is not installed.
        PeerTimeoutError: The server does not start.
    """
    # Debian keeps daemons outside an ordinary user's PATH.
    program = shutil.which(_PROGRAM) or shutil.which(_PROGRAM, path="/usr/sbin:/sbin")
    if program is None or importlib.util.find_spec("nats") is None:
        raise NotEnabledError(
            "joined brokers need nats-server and nats-py",
            hint="install nats-server, and pip install 'jupyter-peer[cluster]'",
        )
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        program,
        *("--addr", "127.0.0.1", "--port", str(port), "--jetstream"),
        *("--store_dir", str(folder / "nats"), "--log", str(folder / "nats.log")),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )

    async def stop() -> None:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()

    stack.push_async_callback(stop)
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not await _answers(port):
        if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
            raise PeerTimeoutError("nats-server does not start")
        await asyncio.sleep(_STEP_S)
    return f"nats://127.0.0.1:{port}"


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
