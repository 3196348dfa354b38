"""One control connection: its requests, its watches, and the events it receives.

Nothing here grows with a client that does not read: requests under way, watches, progress and
events are bounded, and each waits for what was written before. Below is a WebSocket
(:mod:`.socket`), above are the operations.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from ...control import frames as control
from ...control.fields import Done
from ...control.frames import Frame
from ...control.rows.agents import CANCEL, CancelParams
from ...control.rows.panes import ACK
from ...control.table import operation
from ...errors import BusyError, PeerError
from ...phrase import phrase
from ...primitives import background
from ..call import Call, Method, served_by, serves
from ..running import Running
from .agents import ConnectionAgents
from .notices import NoticeReader
from .secrets import Caller
from .watches import Watches

log = logging.getLogger(__name__)

MAX_UNDER_WAY = 64
MAX_PROGRESS = 64


class Socket(Protocol):
    """The WebSocket below."""

    def write(self, frame: Frame) -> asyncio.Future[None]:
        """Queue a frame at once; the future is done when the system has accepted it.

        A closed socket drops every frame; the future never has an error.
        """

    def hang_up(self) -> None:
        """Close the connection."""


class ControlSession:
    """Serves one client until :meth:`close`.

    Args:
        running: The node.
        caller: The connected client.
        socket: The socket for frames.
    """

    def __init__(self, running: Running, caller: Caller, socket: Socket) -> None:
        self.caller = caller
        self._operations = running.operations
        self._socket = socket
        self._under_way: dict[asyncio.Task[None], int | None] = {}
        self._progress_unsent = 0
        self._watches = Watches(
            running.operations, socket.write, by_kernel=caller.kernel_id is not None
        )
        self._agents = ConnectionAgents(running.operations.agents, caller, socket.write)
        self._own: dict[str, Method] = {
            **served_by(self),
            **served_by(self._watches),
            **served_by(self._agents),
        }
        reader = NoticeReader(running.notices, socket.write)
        self._telling = background.start(reader.run(), "telling a client what is new")

    async def take(self, frame: str | bytes) -> None:
        """Handle one frame from the client.

        Returns when the next may come, so a client that sends garbage and does not read slows
        itself down.
        """
        try:
            request = control.decode_request(frame)
        except PeerError as error:
            await self._socket.write(control.encode_failure(control.request_id(frame), error))
            return
        is_ack = request.op == ACK.name and request.id is None
        if is_ack or request.op == CANCEL.name:
            # An ack is on the path of every update. A cancel must also work with 64 under way.
            await self._serve(request)
        elif len(self._under_way) >= MAX_UNDER_WAY:
            busy = BusyError(
                phrase(
                    "too many requests are under way on this connection: {most}",
                    most=MAX_UNDER_WAY,
                ),
                hint="wait for an answer before the next request",
            )
            if request.id is not None:
                await self._socket.write(control.encode_failure(request.id, busy))
        else:
            task = background.start(self._serve(request), "an operation")
            self._under_way[task] = request.id
            task.add_done_callback(self._under_way.pop)

    @serves(CANCEL)
    def _cancel(self, params: CancelParams, call: Call) -> Done:
        """Cancel a request that its client no longer waits for; it is not answered."""
        for task, number in self._under_way.items():
            if number == params.request:
                task.cancel()
        return Done()

    async def _serve(self, request: control.Request) -> None:
        try:
            result = await self._run(request)
            if request.id is not None:
                await self._socket.write(control.encode_reply(request.id, result))
        except Exception as error:
            if not isinstance(error, PeerError):
                log.exception("the operation %s failed", request.op[:64])
            if request.id is not None:
                await self._socket.write(control.encode_failure(request.id, error))

    async def _run(self, request: control.Request) -> msgspec.Struct:
        row = operation(request.op)

        def on_progress(step: Mapping[str, Any]) -> None:
            self._tell_progress(request.id, step)

        async def tell(step: Mapping[str, Any]) -> None:
            assert request.id is not None
            await self._socket.write(control.encode_progress(request.id, step))

        is_answered = request.id is not None
        call = Call(
            self.caller,
            on_progress if is_answered else None,
            tell if is_answered else None,
            self._agents,
            self._own,
        )
        return await self._operations.run(row, row.read(request.params), call)

    def _tell_progress(self, id: int | None, step: Mapping[str, Any]) -> None:
        if id is None or self._progress_unsent >= MAX_PROGRESS:
            return
        self._progress_unsent += 1
        written = self._socket.write(control.encode_progress(id, step))
        written.add_done_callback(self._progress_sent)

    def _progress_sent(self, written: asyncio.Future[None]) -> None:
        self._progress_unsent -= 1

    def hang_up(self) -> None:
        """Close the connection; :meth:`close` follows from it."""
        self._socket.hang_up()

    async def close(self) -> None:
        """End everything that was done for the client; may be called twice."""
        tasks = [self._telling, *self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._agents.close()
        await self._watches.close()
