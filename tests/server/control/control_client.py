"""A client of the control socket, for tests."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_peer.control import frames as control
from tests.machine.waiting import PATIENCE_S


class ControlClient:
    """One control connection: requests with answers, and all events in the order they came."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.events: list[control.Event] = []
        self.progress: list[dict[str, Any]] = []
        self.failures: list[control.Failure] = []
        self.is_closed = False
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while (frame := await self.socket.read_message()) is not None:
            message = control.decode_message(frame)
            if isinstance(message, control.Event):
                self.events.append(message)
            elif isinstance(message, control.Progress):
                self.progress.append(message.progress)
            elif message.id is None or message.id not in self._answers:
                self.failures.append(message)
            elif isinstance(message, control.Failure):
                self._answers.pop(message.id).set_exception(message.error)
            else:
                self._answers.pop(message.id).set_result(message.result)
        self.is_closed = True

    async def ask(self, op: str, **params: Any) -> dict[str, Any]:
        """Return the result of an operation, or raise its error."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.tell(op, number, **params)
        return await asyncio.wait_for(answer, PATIENCE_S)

    def tell(self, op: str, id: int | None = None, **params: Any) -> None:
        """Send a request."""
        params = {key.rstrip("_"): value for key, value in params.items()}
        frame = control.encode_request(op, params, id)
        self.socket.write_message(frame.payload, frame.is_binary)

    def named(self, event: str) -> list[dict[str, Any]]:
        """Return the data of all events of a kind."""
        return [each.data for each in self.events if each.event == event]

    async def close(self) -> None:
        """Close the connection and wait until it is."""
        self.socket.close()
        await asyncio.wait_for(self._reading, PATIENCE_S)


async def connect(url: str, headers: dict[str, str]) -> ControlClient:
    """Open a control connection; raises HTTPClientError when it is refused."""
    request = HTTPRequest(url, headers=headers, connect_timeout=5, request_timeout=5)
    return ControlClient(await websocket_connect(request, max_message_size=2**27))
