"""The delay of an output at a second client of jupyter-collaboration: the baseline of U1.

Each client has a copy of the notebook and sends changes to a room on the server, by the protocol of
Yjs. One client writes outputs into the notebook as its page does, the other waits for them. The path
from the kernel to the first client is not included.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_peer.errors import PeerTimeoutError

from .server_process import ServerProcess

COLLAB = "jupyter-collaboration"
NOT_INSTALLED = f"{COLLAB} is not installed"

_NOTEBOOK = "shared.ipynb"
_CELL: dict[str, Any] = {
    "cell_type": "code",
    "execution_count": None,
    "id": "c0",
    "metadata": {},
    "outputs": [],
    "source": "",
}
_SYNC = 0
_MAX_MESSAGE = 64 * 1024 * 1024
_PATIENCE_S = 30.0


def is_installed() -> bool:
    """Return whether this Python has jupyter-collaboration."""
    return importlib.util.find_spec("jupyter_server_ydoc") is not None


class Replica:
    """One client's copy of the notebook."""

    def __init__(self) -> None:
        from jupyter_ydoc import YNotebook

        self._notebook: Any = YNotebook()
        self._document: Any = self._notebook.ydoc
        self._socket: WebSocketClientConnection | None = None
        self._is_theirs = False
        self._changed = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None

    async def join(self, url: str) -> None:
        """Join the room and wait for the notebook.

        Raises:
            PeerTimeoutError: The notebook does not arrive.
        """
        from pycrdt import create_sync_message

        self._document.observe(self._on_update)
        self._socket = await websocket_connect(
            url, on_message_callback=self._on_message, max_message_size=_MAX_MESSAGE
        )
        await self._socket.write_message(create_sync_message(self._document), binary=True)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._until_filled()
        except TimeoutError as error:
            raise PeerTimeoutError(f"{COLLAB} does not send the notebook") from error

    async def _until_filled(self) -> None:
        while not len(self._notebook.ycells):
            self._changed.clear()
            await self._changed.wait()

    def _on_message(self, message: str | bytes | None) -> None:
        from pycrdt import handle_sync_message

        if not isinstance(message, bytes) or message[0] != _SYNC:
            return
        self._is_theirs = True
        try:
            reply = handle_sync_message(message[1:], self._document)
        finally:
            self._is_theirs = False
        if reply is not None:
            self._send(reply)
        self._changed.set()
        self.on_change()

    def _on_update(self, event: Any) -> None:
        from pycrdt import create_update_message

        if not self._is_theirs:
            self._send(create_update_message(event.update))

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.write_message(message, binary=True)

    def show(self, data: dict[str, str]) -> None:
        """Replace the outputs of the cell by one output."""
        outputs = self._notebook.ycells[0]["outputs"]
        with self._document.transaction():
            outputs.clear()
            outputs.append({"output_type": "display_data", "data": data, "metadata": {}})

    def shown(self) -> dict[str, str]:
        """Return the outputs of the cell."""
        outputs = self._notebook.ycells[0]["outputs"].to_py()
        return dict(outputs[0]["data"]) if outputs else {}

    def leave(self) -> None:
        """Close the connection; may be called twice."""
        if self._socket is not None:
            self._socket.close()


class Collab:
    """A separate server with jupyter-collaboration, and two clients of one notebook.

    Args:
        home: Folder for its files.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = ServerProcess(home, has_peer=False)
        self._writer, self._reader = Replica(), Replica()

    async def start(self) -> None:
        """Start the server and connect both clients.

        Raises:
            NoServerError: The server does not start.
            PeerTimeoutError: The server does not send the notebook.
        """
        await self._server.start()
        notebook = {"cells": [_CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (self._home / _NOTEBOOK).write_text(json.dumps(notebook))
        url, token = self._server.door()
        answer = await AsyncHTTPClient().fetch(
            HTTPRequest(
                f"{url}api/collaboration/session/{_NOTEBOOK}",
                method="PUT",
                headers={"Authorization": f"token {token}"},
                body=json.dumps({"format": "json", "type": "notebook"}),
            )
        )
        session = json.loads(answer.body)
        address = (
            f"ws{url[4:]}api/collaboration/room/json:notebook:{session['fileId']}"
            f"?sessionId={session['sessionId']}"
        )
        for replica in (self._writer, self._reader):
            await replica.join(f"{address}&token={token}")

    async def lateness(self, kind: str, count: int, every: float) -> list[float]:
        """Return the seconds from writing each output to its arrival at the other client.

        Args:
            kind: ``text`` or ``png``, as in U1.
            count: Number of outputs.
            every: Seconds between two of them.
        """
        sent: dict[str, float] = {}
        seen: dict[str, float] = {}
        reader = self._reader

        def look() -> None:
            data = reader.shown()
            key = data["image/png"][:24] if "image/png" in data else data.get("text/plain", "")
            seen.setdefault(key, time.time())
            if key == last:
                all_there.set()

        last = ""
        all_there = asyncio.Event()
        reader.on_change = look
        for number in range(count):
            text = os.urandom(12).hex()
            data = {"text/plain": text}
            if kind == "png":
                text = base64.b64encode(os.urandom(75_000)).decode()
                data = {"image/png": text}
            if number == count - 1:
                last = text[:24]
            sent[text[:24]] = time.time()
            self._writer.show(data)
            await asyncio.sleep(every)
        async with asyncio.timeout(_PATIENCE_S):
            await all_there.wait()
        return [seen[key] - at for key, at in sent.items() if key in seen]

    async def close(self) -> None:
        """End both clients and the server; may be called twice."""
        self._writer.leave()
        self._reader.leave()
        await self._server.stop()
