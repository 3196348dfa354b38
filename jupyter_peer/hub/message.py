"""Messages: encodes them, finds the handler of each, and matches replies with requests."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from ..errors import (
    LinkClosedError,
    PeerError,
    PeerTimeoutError,
    ReplayedError,
    UnsupportedError,
    from_wire,
)
from ..phrase import phrase
from ..primitives.clock import Clock
from ..primitives.task_set import TaskSet
from ..wire.link.envelope import Buffer, Envelope, canonical_bytes
from ..wire.link.identity import Identity
from ..wire.link.outbox import Outgoing
from ..wire.link.replay import SeenGuard
from ..wire.proofs.proof import SignedMessage

log = logging.getLogger(__name__)

# Handlers of one peer that may run at once; at this number its link is not read until one ends.
MAX_RUNNING = 256


class Answerable(Protocol):
    """The sender of a message; the part that answers need."""

    def send(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
        re: str | None = None,
    ) -> None:
        """Send a message to the node."""

    def send_error(self, re: str, error: BaseException) -> None:
        """Answer a request of the node with an error."""


class Message:
    """One verified message from a peer.

    Attributes:
        peer_id: The sender.
        type, msg_id, re, ts, data, buffers: As in the envelope; ``ts`` is a time of the sender's clock.
        asked: The canonical bytes of the request that it answers; empty if it answers none.
    """

    __slots__ = (
        "_envelope",
        "_sender",
        "asked",
        "buffers",
        "data",
        "msg_id",
        "peer_id",
        "re",
        "ts",
        "type",
    )

    def __init__(self, sender: Answerable, envelope: Envelope) -> None:
        self._sender = sender
        self.peer_id = envelope.src
        self.type = envelope.type
        self.msg_id = envelope.msg_id
        self.re = envelope.re
        self.ts = envelope.ts
        self.data = envelope.data
        self.buffers: Sequence[Buffer] = envelope.buffers
        self.asked = b""
        self._envelope = envelope

    @property
    def signed(self) -> SignedMessage:
        """The message as the peer signed it."""
        return SignedMessage.of(self._envelope)

    def reply(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
    ) -> None:
        """Answer the message; see :meth:`.Peer.send`.

        Without a stream the answer does not wait for other messages.

        Raises:
            LinkError: The peer is offline, or does not read.
        """
        self._sender.send(
            type,
            data,
            buffers,
            digests=digests,
            stream=self.msg_id if stream is None else stream,
            re=self.msg_id,
        )

    def fail(self, error: BaseException) -> None:
        """Answer with an error; does nothing if the peer is offline."""
        self._sender.send_error(self.msg_id, error)

    def __repr__(self) -> str:
        return f"<Message {self.type} from {self.peer_id}>"


Handler = Callable[[Message], "Awaitable[None] | None"]
Order = Callable[[Message], str]


class Dispatcher:
    """Maps each type of message to its handler.

    A handler never blocks the link. One that returns None has finished. One that returns a
    coroutine runs as its own task; with an ``order`` it starts only when the previous handler with
    the same key has ended.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, tuple[Handler, Order | None]] = {}
        self._tails: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: dict[str, TaskSet] = {}

    def on(self, type: str, handler: Handler, order: Order | None = None) -> None:
        """Register the handler of a type.

        Args:
            type: Kind of message.
            handler: Called with each message; an error it raises is the answer to a request.
            order: Returns the key whose messages are handled one after the other.

        Raises:
            ValueError: The type has a handler.
        """
        if type in self._handlers:
            raise ValueError(f"{type} has a handler already")
        self._handlers[type] = (handler, order)

    def dispatch(self, message: Message) -> None:
        """Handle a message, or start a task that handles it."""
        entry = self._handlers.get(message.type)
        if entry is None:
            if message.re is None:  # answers to answers could continue for ever
                message.fail(
                    UnsupportedError(phrase("{type} is not known here", type=repr(message.type)))
                )
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
        """Return what to await before more of a peer's messages are read, or None."""
        running = self._running.get(node_id)
        return (
            _until_below(MAX_RUNNING, running) if running and len(running) >= MAX_RUNNING else None
        )

    def _run(self, message: Message, handling: Awaitable[None], order: Order | None) -> None:
        running = self._running.setdefault(message.peer_id, TaskSet("a handler of messages"))
        key = (message.peer_id, order(message)) if order is not None else None
        before = self._tails.get(key) if key is not None else None
        task = running.start(self._handle(message, handling, before))
        task.add_done_callback(lambda done: self._forget_idle(message.peer_id, running))
        if key is not None:
            tail = key
            self._tails[tail] = task
            task.add_done_callback(lambda done: self._end_tail(tail, done))

    def _forget_idle(self, node_id: str, running: TaskSet) -> None:
        if not running and self._running.get(node_id) is running:
            del self._running[node_id]  # otherwise short visits would fill the memory

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
                handling.close()  # it may not have started
            raise
        except Exception as error:
            self._failed(message, error)

    def _failed(self, message: Message, error: Exception) -> None:
        if not isinstance(error, PeerError):
            log.error("the handler of %s failed", message.type, exc_info=error)
        if message.re is None:
            message.fail(error)

    def drop_peer(self, node_id: str) -> None:
        """Cancel the running handlers of a peer that is no longer allowed to send."""
        for task in self._running.pop(node_id, ()):
            task.cancel()

    async def close(self) -> None:
        """Cancel all handlers and wait for their end."""
        await asyncio.gather(*(running.close() for running in self._running.values()))
        self._running.clear()


async def _until_below(count: int, running: TaskSet) -> None:
    while len(running) >= count:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)


class Messenger:
    """The shared part of all peers of a hub that sends and receives messages.

    Args:
        identity: The node's key, which signs the messages.
        clock: Source of time and random numbers.

    Attributes:
        handlers: The handler of each type of message.
    """

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self.handlers = Dispatcher()
        self._identity = identity
        self._clock = clock
        self._seen = SeenGuard()
        # a random half and a counter are unique, without a system call for each message
        self._id_prefix = clock.random_bytes(8).hex()
        self._id_count = 0

    def stamp(self) -> tuple[str, float]:
        """Return a fresh message id and the time."""
        self._id_count += 1
        return f"{self._id_prefix}{self._id_count:016x}", self._clock.time()

    def write(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        re: str | None = None,
        keep_order: bool = False,
    ) -> tuple[str, Outgoing]:
        """Encode a message.

        Args:
            type: Kind of message.
            data: Payload, a JSON object.
            buffers: Raw bytes of the message.
            digests: Hex SHA-256 of each buffer; None computes them.
            re: The request that this message answers.
            keep_order: Whether keys of the payload keep their order; see :attr:`.Session.keeps_order`.

        Returns:
            The id of the message, and the message for a session, which signs it when sending.

        Raises:
            MalformedError, TooLargeError: The payload cannot be sent.
        """
        if buffers:
            if digests is None:
                digests = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
            data = {**data, "buffers": list(digests)}
        msg_id, ts = self.stamp()
        canonical = canonical_bytes(
            type=type,
            msg_id=msg_id,
            re=re,
            src=self._identity.node_id,
            ts=ts,
            data=data,
            keep_order=keep_order,
        )
        return msg_id, Outgoing(canonical, buffers)

    def write_for_many(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        keep_order: bool = False,
    ) -> Outgoing:
        """Encode a message for several peers; it is encoded, hashed and signed once."""
        item = self.write(type, data, buffers, digests=digests, keep_order=keep_order)[1]
        item.sig(self._identity.sign)
        return item

    def is_new(self, envelope: Envelope) -> bool:
        """Remember a verified envelope; return False if it was seen before."""
        try:
            self._seen.check(envelope.src, envelope.msg_id)
        except ReplayedError:
            log.debug("%s sent a message twice", envelope.src)
            return False
        return True


class Replies:
    """The requests to one peer that wait for their reply, by ``msg_id``."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Message]] = {}

    async def wait(self, msg_id: str, put: Callable[[], None], timeout: float) -> Message:
        """Send a request and wait for its reply.

        Args:
            msg_id: Id of the request.
            put: Sends the request.
            timeout: Seconds.

        Raises:
            PeerTimeoutError: The reply did not come in time.
            PeerError: The request could not be sent, the peer answered with an error, or the link
                was lost.
        """
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[msg_id] = future
        try:
            put()
            async with asyncio.timeout(timeout):
                return await future
        except PeerTimeoutError:
            raise  # the reply was itself a timeout error, which names what the peer waited for
        except TimeoutError as error:
            raise PeerTimeoutError(
                phrase("no answer within {timeout:g} s", timeout=timeout)
            ) from error
        finally:
            self._waiting.pop(msg_id, None)

    def resolve(self, message: Message) -> bool:
        """Deliver a reply; return whether a request waits for it."""
        future = self._waiting.get(message.re or "")
        if future is None:
            return False
        if not future.done():
            if message.type in ("error", "unsupported"):
                future.set_exception(from_wire({"code": message.type, **message.data}))
            else:
                future.set_result(message)
        return True

    def fail(self, reason: str) -> None:
        """End all waits with an error, because the link was lost."""
        why = "" if reason == "lost" else f": {reason}"
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(LinkClosedError(phrase("the link was lost{why}", why=why)))
