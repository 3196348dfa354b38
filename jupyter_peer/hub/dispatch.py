"""Brings each message to its handler, in order where order matters, never blocking the link."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Union

from ..errors import PeerError, UnsupportedError
from ..wire.link.envelope import Buffer, Envelope

if TYPE_CHECKING:
    from .mail import Mail

log = logging.getLogger(__name__)

# Handlers of one peer that may run at once; then its link is read no further until one ends.
MAX_RUNNING = 256


class Message:
    """One message from a peer, verified.

    Attributes:
        peer_id: Who sent it.
        type, msg_id, re, ts, data, buffers: As in its envelope; ``ts`` is by the sender's clock.
    """

    __slots__ = ("_mail", "buffers", "data", "msg_id", "peer_id", "re", "ts", "type")

    def __init__(self, mail: Mail, envelope: Envelope) -> None:
        self._mail = mail
        self.peer_id = envelope.src
        self.type = envelope.type
        self.msg_id = envelope.msg_id
        self.re = envelope.re
        self.ts = envelope.ts
        self.data = envelope.data
        self.buffers: Sequence[Buffer] = envelope.buffers

    def reply(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
    ) -> None:
        """Answer it; see :meth:`.Mail.send`. Without a stream the answer waits for nothing.

        Raises:
            LinkError: The peer is gone, or does not read.
        """
        self._mail.send(
            self.peer_id,
            type,
            data,
            buffers,
            digests=digests,
            stream=self.msg_id if stream is None else stream,
            re=self.msg_id,
        )

    def fail(self, error: BaseException) -> None:
        """Answer that it failed; a peer that is gone is not told."""
        self._mail.send_error(self.peer_id, self.msg_id, error)

    def __repr__(self) -> str:
        return f"<Message {self.type} from {self.peer_id}>"


Handler = Callable[[Message], Union["Awaitable[None]", None]]
Order = Callable[[Message], str]


class Dispatcher:
    """Type of message to handler.

    A handler that returns None was quick and is done. One that returns a coroutine runs as its own
    task; with an ``order`` it starts only when the one before it with the same key has ended.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, Order | None]] = {}
        self._tails: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: dict[str, set[asyncio.Task[None]]] = {}

    def on(self, type: str, handler: Handler, order: Order | None = None) -> None:
        """Register the handler of a type.

        Raises:
            ValueError: It has one.
        """
        if type in self._handlers:
            raise ValueError(f"{type} has a handler already")
        self._handlers[type] = (handler, order)

    def dispatch(self, message: Message) -> None:
        """Handle a message, or begin to."""
        entry = self._handlers.get(message.type)
        if entry is None:
            if message.re is None:  # answering answers could go on for ever
                message.fail(UnsupportedError(f"{message.type!r} is not known here"))
            return
        handler, order = entry
        try:
            handling = handler(message)
        except Exception as error:
            self._failed(message, error)
            return
        if handling is not None:
            self._run(message, handling, order)

    def room(self, node_id: str) -> Awaitable[None] | None:
        """Return what to wait for before more is taken from a peer, or None."""
        running = self._running.get(node_id, ())
        return _until_below(MAX_RUNNING, running) if len(running) >= MAX_RUNNING else None

    def _run(self, message: Message, handling: Awaitable[None], order: Order | None) -> None:
        running = self._running.setdefault(message.peer_id, set())
        key = (message.peer_id, order(message)) if order is not None else None
        before = self._tails.get(key) if key is not None else None
        task = asyncio.get_running_loop().create_task(self._handle(message, handling, before))
        running.add(task)
        task.add_done_callback(lambda done: self._ended(message.peer_id, running, done))
        if key is not None:
            tail = key
            self._tails[tail] = task
            task.add_done_callback(lambda done: self._end_tail(tail, done))

    def _ended(
        self, node_id: str, running: set[asyncio.Task[None]], task: asyncio.Task[None]
    ) -> None:
        running.discard(task)
        if not running and self._running.get(node_id) is running:
            del self._running[node_id]  # those who were let in for a moment are many in time

    def _end_tail(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._tails.get(key) is task:
            del self._tails[key]

    async def _handle(
        self, message: Message, handling: Awaitable[None], before: asyncio.Task[None] | None
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait({before})
            await handling
        except asyncio.CancelledError:
            if isinstance(handling, Coroutine):
                handling.close()  # it may never have begun
            raise
        except Exception as error:
            self._failed(message, error)

    def _failed(self, message: Message, error: Exception) -> None:
        if not isinstance(error, PeerError):
            log.error("the handler of %s failed", message.type, exc_info=error)
        if message.re is None:
            message.fail(error)

    def drop_peer(self, node_id: str) -> None:
        """Stop the handlers of a peer that may not ask any more."""
        for task in self._running.pop(node_id, set()):
            task.cancel()

    async def close(self) -> None:
        """Stop all handlers and wait for their end."""
        tasks = [task for running in self._running.values() for task in running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()


async def _until_below(count: int, running: Collection[asyncio.Task[None]]) -> None:
    while len(running) >= count:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
