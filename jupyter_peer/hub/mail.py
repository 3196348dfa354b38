"""Messages to and from peers: signs, queues, correlates replies, hands on to handlers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import LinkError, NotConnectedError, ReplayedError, from_wire, to_peer
from ..wire.link.envelope import Buffer, Envelope, canonical_bytes
from ..wire.link.identity import Identity
from ..wire.link.outbox import Outgoing
from ..wire.link.replay import SeenGuard
from .clock import Clock
from .dispatch import Dispatcher, Message
from .peers import PeerRegistry
from .requests import PendingReplies
from .session import Session

log = logging.getLogger(__name__)


class Mail:
    """The hub's messages.

    Args:
        identity: Signs.
        peers: Have the links.
        clock: Time and random numbers.

    Attributes:
        handlers: What is done with each type of message.
        on_moved: Told of a link on which the peer will send nothing more.
    """

    def __init__(self, identity: Identity, peers: PeerRegistry, clock: Clock) -> None:
        self.handlers = Dispatcher()
        self._identity = identity
        self._peers = peers
        self._clock = clock
        self._pending = PendingReplies()
        self.on_moved: Callable[[Session], None] = lambda session: None
        self._seen = SeenGuard()
        # unique without a system call a message: a random half and a count
        self._id_prefix = clock.random_bytes(8).hex()
        self._id_count = 0

    def stamp(self) -> tuple[str, float]:
        """Return a fresh message id and the time."""
        self._id_count += 1
        return f"{self._id_prefix}{self._id_count:016x}", self._clock.time()

    def send(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
        re: str | None = None,
    ) -> None:
        """Send a message to a connected peer, without waiting.

        Args:
            node_id: To whom.
            type: Kind of message.
            data: Payload, a JSON object.
            buffers: Raw bytes that go with it.
            digests: Hex SHA-256 of each buffer, when they are known already.
            stream: Messages of one stream arrive in the order they were sent; large ones of
                different streams take turns.
            re: The request this answers.

        Raises:
            NotConnectedError: There is no link to it.
            OverflowLinkError: It does not read fast enough.
            MalformedError, TooLargeError: The payload cannot be sent.
        """
        session = self.session(node_id)
        session.put(self._outgoing(type, data, buffers, digests=digests, re=re)[1], stream or "")

    def send_many(
        self,
        node_ids: Iterable[str],
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
    ) -> list[str]:
        """Send one message to many peers; it is encoded, hashed and signed once.

        Args:
            node_ids: To whom.
            type: As of :meth:`send`, like the rest.
            data: Payload.
            buffers: Raw bytes.
            digests: Their hashes.
            stream: Their order.

        Returns:
            The ids of those it could not be queued for.
        """
        item = self._outgoing(type, data, buffers, digests=digests)[1]
        item.sig(self._identity.sign)
        return [node_id for node_id in node_ids if not self._try_put(node_id, item, stream or "")]

    async def request(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        timeout: float = 10.0,
        stream: str | None = None,
    ) -> Message:
        """Send a message and return the answer.

        Args:
            node_id: To whom.
            type: As of :meth:`send`, like the rest.
            data: Payload.
            buffers: Raw bytes.
            timeout: Seconds to wait for the answer.
            stream: Its order; without one the request waits for nothing that was sent before.

        Raises:
            PeerTimeoutError: No answer in time.
            PeerError: The error the peer answered with, or why it could not be asked.
        """
        session = self.session(node_id)
        msg_id, item = self._outgoing(type, data, buffers)
        return await self._answer(
            session,
            msg_id,
            timeout,
            lambda: session.put(item, msg_id if stream is None else stream),
        )

    def send_error(self, node_id: str, re: str, error: BaseException) -> None:
        """Answer a request with an error; nothing happens when the peer is gone."""
        fields: dict[str, Any] = dict(to_peer(error))
        kind = "unsupported" if fields["code"] == "unsupported" else "error"
        try:
            self.send(node_id, kind, fields, stream=re, re=re)
        except LinkError:
            log.debug("%s is gone and cannot be told of an error", node_id)

    async def ping(self, session: Session, timeout: float) -> float:
        """Return the round-trip time of a link in seconds.

        Raises:
            LinkError: It was lost, or there was no answer in time.
        """
        msg_id, item = self._outgoing("ping", {})
        started = self._clock.monotonic()
        await self._answer(session, msg_id, timeout, lambda: session.put_urgent(item))
        rtt_s = self._clock.monotonic() - started
        session.measured(rtt_s)
        return rtt_s

    def say_bye(self, session: Session, reason: str) -> None:
        """Tell a peer why the link ends."""
        try:
            session.put_urgent(self._outgoing("bye", {"reason": reason})[1])
        except LinkError:
            log.debug("%s is gone already", session.node_id)

    def farewell(self) -> Outgoing:
        """Return the last message of a link that another takes over from."""
        return self._outgoing("moved", {})[1]

    def receive(self, session: Session, envelope: Envelope) -> None:
        """Take a verified envelope.

        A reply resolves its request before any handler runs.
        """
        try:
            self._seen.check(envelope.src, envelope.msg_id)
        except ReplayedError:
            log.debug("%s sent a message twice", envelope.src)
            return
        if envelope.type == "moved":
            self.on_moved(session)
            return
        message = Message(self, envelope)
        if message.re is not None:
            error = None
            if message.type in ("error", "unsupported"):
                error = from_wire({"code": message.type, **message.data})
            if self._pending.resolve(message, error):
                return
        self.handlers.dispatch(message)

    def session(self, node_id: str) -> Session:
        """Return the live link to a peer.

        Raises:
            NotConnectedError: There is none.
        """
        peer = self._peers.get(node_id)
        if peer is None or peer.session is None:
            raise NotConnectedError
        return peer.session

    def link_lost(self, node_id: str, reason: str) -> None:
        """End all waits for a peer's replies."""
        self._pending.fail(node_id, reason)

    async def close(self) -> None:
        """End all waits and handlers."""
        self._pending.fail(None, "this server stops")
        await self.handlers.close()

    async def _answer(
        self, session: Session, msg_id: str, timeout: float, put: Callable[[], None]
    ) -> Message:
        self._pending.expect(session.node_id, msg_id)
        try:
            put()
        except BaseException:
            self._pending.drop(msg_id)
            raise
        return await self._pending.wait(msg_id, timeout)

    def _try_put(self, node_id: str, item: Outgoing, stream: str) -> bool:
        try:
            self.session(node_id).put(item, stream)
        except LinkError:
            return False
        return True

    def _outgoing(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        re: str | None = None,
    ) -> tuple[str, Outgoing]:
        if buffers:
            if digests is None:
                digests = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
            data = {**data, "buffers": list(digests)}
        msg_id, ts = self.stamp()
        canonical = canonical_bytes(
            type=type, msg_id=msg_id, re=re, src=self._identity.node_id, ts=ts, data=data
        )
        return msg_id, Outgoing(canonical, buffers)
