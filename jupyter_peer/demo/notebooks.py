"""Runs the two notebooks cell by cell in a kernel, as JupyterLab does."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from tornado.httpclient import HTTPError, HTTPRequest
from tornado.simple_httpclient import HTTPTimeoutError
from tornado.websocket import WebSocketClientConnection, websocket_connect

from ..errors import KernelGoneError, PeerTimeoutError
from .labs import Lab

READY_TIMEOUT_S = 45.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SHIPPED = Path(__file__).parent / "binder"
_IN_REPOSITORY = Path(__file__).parents[2] / "binder"


class CellError(Exception):
    """A cell raised an exception; ``trace`` is what the notebook would show."""

    def __init__(self, message: str, trace: str) -> None:
        self.trace = trace
        super().__init__(message)


class Cell(msgspec.Struct, frozen=True):
    """A code cell; ``tag`` names its purpose."""

    id: str
    tag: str
    source: str


class Said(msgspec.Struct, frozen=True):
    """A message of the kernel on IOPub.

    Attributes:
        sent: Time of sending by the kernel, epoch seconds.
        at: Time of arrival here, epoch seconds.
        tag: Tag of the cell that caused it; empty for none.
        type: Its ``msg_type``.
        content: Content of the message.
    """

    sent: float
    at: float
    tag: str
    type: str
    content: dict[str, Any]

    @property
    def data(self) -> dict[str, str]:
        """The MIME bundle, empty for messages without one."""
        data = self.content.get("data")
        return data if isinstance(data, dict) else {}


def find_notebook(name: str) -> Path:
    """Return the path of a demo notebook, installed or in the repository."""
    shipped = _SHIPPED / name
    return shipped if shipped.exists() else _IN_REPOSITORY / name


def read_cells(path: Path, parameters: Mapping[str, Any]) -> list[Cell]:
    """Return a notebook's code cells, with parameters set after the cell tagged so.

    Papermill does the same. The notebook itself stays as it is.
    """
    cells = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tags = cell["metadata"].get("tags") or [""]
        cells.append(Cell(cell["id"], tags[0], "".join(cell["source"])))
        if tags[0] == "parameters":
            source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
            cells.append(Cell("injected-parameters", "injected-parameters", source))
    return cells


class NotebookKernel:
    """A kernel of a server, connected as a browser connects.

    Args:
        lab: The server.
        kernel_id: The kernel.
        on_said: Receives each IOPub message of the kernel.
    """

    def __init__(self, lab: Lab, kernel_id: str, on_said: Callable[[Said], None]) -> None:
        self.owner = lab.name
        self._lab = lab
        self._kernel_id = kernel_id
        self._on_said = on_said
        self._session = uuid.uuid4().hex
        self._socket: WebSocketClientConnection | None = None
        self._tags: dict[str, str] = {}
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._idle: dict[str, asyncio.Future[None]] = {}

    async def start(self) -> None:
        """Connect and wait until the kernel answers.

        Raises:
            KernelGoneError: The server refuses the connection, or the kernel has died.
            PeerTimeoutError: The server or the kernel does not answer in time.
        """
        url = (
            f"{self._lab.url.replace('http', 'ws', 1)}api/kernels/{self._kernel_id}/channels"
            f"?session_id={self._session}"
        )
        request = HTTPRequest(
            url,
            headers=self._lab.authorization(),
            # The server answers when the kernel does.
            connect_timeout=READY_TIMEOUT_S,
            request_timeout=READY_TIMEOUT_S,
        )
        try:
            self._socket = await websocket_connect(
                request,
                on_message_callback=self._on_frame,
                max_message_size=64 * 1024 * 1024,
            )
        except HTTPTimeoutError as error:
            raise PeerTimeoutError(
                f"the kernel of {self.owner}'s notebook does not answer within "
                f"{READY_TIMEOUT_S:g} s",
                hint=f"the log of {self.owner}'s server says why",
            ) from error
        except (HTTPError, OSError) as error:
            raise KernelGoneError(
                f"the kernel of {self.owner}'s notebook cannot be reached: {error}",
                hint=f"the log of {self.owner}'s server says why",
            ) from error
        # Browsers do the same. Otherwise small messages wait for one another.
        self._socket.protocol.stream.set_nodelay(True)  # type: ignore[union-attr]
        await self._ask("kernel_info_request", {}, {}, READY_TIMEOUT_S)

    async def run(self, cell: Cell, timeout: float) -> None:
        """Run a cell, and return when it has ended and all its messages have arrived.

        Raises:
            CellError: The cell raised an exception.
            PeerTimeoutError: The cell took too long.
        """
        content = {
            "code": cell.source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        reply = await self._ask(
            "execute_request", content, {"cellId": cell.id}, timeout, tag=cell.tag
        )
        if reply.get("status") != "ok":
            trace = _COLOURS.sub("", "\n".join(reply.get("traceback") or ()))
            raise CellError(
                f"the cell {cell.tag!r} of {self._lab.name}'s notebook failed: "
                f"{reply.get('ename')}: {reply.get('evalue')}",
                trace,
            )

    async def _ask(
        self,
        type: str,
        content: dict[str, Any],
        metadata: dict[str, Any],
        timeout: float,
        tag: str = "",
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        number = uuid.uuid4().hex
        self._tags[number] = tag
        reply: asyncio.Future[dict[str, Any]] = loop.create_future()
        self._replies[number] = reply
        idle = self._idle[number] = loop.create_future()
        await self._send(number, type, content, metadata)
        await asyncio.wait((reply, idle), timeout=timeout)
        if not reply.done() or not idle.done():
            where = f"the cell {tag!r}" if tag else "the kernel"
            raise PeerTimeoutError(
                f"{where} of {self._lab.name}'s notebook is not done within {timeout:g} s"
            )
        return reply.result()

    async def say(self, type: str, content: dict[str, Any]) -> None:
        """Send a message without a reply on the shell channel, such as that of a widget."""
        await self._send(uuid.uuid4().hex, type, content, {})

    async def _send(
        self, number: str, type: str, content: dict[str, Any], metadata: dict[str, Any]
    ) -> None:
        assert self._socket is not None
        header = {
            "msg_id": number,
            "msg_type": type,
            "session": self._session,
            "username": self._lab.name,
            "version": "5.3",
        }
        message = {
            "channel": "shell",
            "header": header,
            "parent_header": {},
            "metadata": metadata,
            "content": content,
            "buffers": [],
        }
        await self._socket.write_message(json.dumps(message))

    def _on_frame(self, frame: str | bytes | None) -> None:
        at = time.time()
        if frame is None:
            gone = KernelGoneError(f"the connection to {self._lab.name}'s kernel was closed")
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(gone)
                    # asyncio would warn about a failed future that nobody awaits.
                    reply.exception()
            for idle in self._idle.values():
                _settle(idle, None)
            return
        message = json.loads(frame if isinstance(frame, str) else _header_of(frame))
        parent = message["parent_header"].get("msg_id", "")
        kind, content = message["msg_type"], message["content"]
        if message["channel"] == "shell" and parent in self._replies:
            _settle(self._replies[parent], content)
        elif message["channel"] == "iopub":
            sent = datetime.fromisoformat(message["header"]["date"].replace("Z", "+00:00"))
            tag = self._tags.get(parent, "")
            self._on_said(Said(sent.timestamp(), at, tag, kind, content))
            is_over = kind == "status" and content["execution_state"] == "idle"
            if is_over and parent in self._idle:
                _settle(self._idle[parent], None)

    def close(self) -> None:
        """Close the connection; the kernel stays with its server. May be called twice."""
        if self._socket is not None:
            self._socket.close()


def _header_of(frame: bytes) -> bytes:
    """Return the JSON of a binary frame, which a message with buffers is: widgets with arrays.

    Source: ``jupyter_server.services.kernels.connection.base.serialize_binary_message``.
    """
    count, start, end = struct.unpack_from("!3I", frame)
    return frame[start : end if count > 1 else None]


def _settle(waiting: asyncio.Future[Any], result: Any) -> None:
    if not waiting.done():
        waiting.set_result(result)
