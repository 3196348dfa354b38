"""A node at the other end of a live link: sending, requests and their answers, pings.

Its classes are :class:`.Peer`, which may be offline, and :class:`.Guest`, which ends with its link.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import LinkError, NotConnectedError, to_peer
from ...phrase import phrase
from ...primitives.clock import Clock
from ...wire.link.envelope import Buffer
from ...wire.link.outbox import Outgoing
from ..message import Message, Messenger, Replies
from .session import Session

log = logging.getLogger(__name__)


class LinkedNode(ABC):
    """A node to which this node has, or may have, a live link.

    Args:
        messenger: Writes messages.
        clock: Source of time.
    """

    def __init__(self, messenger: Messenger, clock: Clock) -> None:
        self._messenger = messenger
        self._clock = clock
        self._session: Session | None = None
        self._replies = Replies()

    @property
    @abstractmethod
    def node_id(self) -> str:
        """Id of the node."""

    @property
    def label(self) -> str:
        """Name of the node for people."""
        return self.node_id

    @property
    def session(self) -> Session | None:
        """Session of the live link, or None."""
        return self._session

    def is_connected(self) -> bool:
        """Return whether there is a live link to the node."""
        return self._session is not None

    async def end(self, reason: str) -> None:
        """Send `bye` and close the link, if there is one."""
        session = self._session
        if session is None:
            return
        try:
            session.put_urgent(self._messenger.write("bye", {"reason": reason})[1])
        except LinkError:
            log.debug("%s is gone already", self.node_id)
        await session.close(reason)

    def put(self, item: Outgoing, stream: str) -> None:
        """Send an encoded message.

        Raises:
            NotConnectedError: There is no link to the node.
            OverflowLinkError: The node does not read fast enough.
        """
        self._live_session().put(item, stream)

    def try_put(self, item: Outgoing, stream: str) -> bool:
        """Send an encoded message if it can be queued; return whether it was queued."""
        try:
            self.put(item, stream)
        except LinkError:
            return False
        return True

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
        """Send a message, without waiting; see :meth:`.PeerHub.send`."""
        session = self._live_session()
        item = self._messenger.write(
            type, data, buffers, digests=digests, re=re, keep_order=session.keeps_order
        )[1]
        session.put(item, stream or "")

    def send_error(self, re: str, error: BaseException) -> None:
        """Answer a request of the node with an error; does nothing if the node is offline."""
        fields: dict[str, Any] = dict(to_peer(error))
        kind = "unsupported" if fields["code"] == "unsupported" else "error"
        try:
            self.send(kind, fields, stream=re, re=re)
        except LinkError:
            log.debug("%s is gone and cannot be told of an error", self.node_id)

    async def request(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        timeout: float = 10.0,
        stream: str | None = None,
    ) -> Message:
        """Send a message and return the answer; see :meth:`.PeerHub.request`."""
        session = self._live_session()
        msg_id, item = self._messenger.write(type, data, buffers, keep_order=session.keeps_order)
        order = msg_id if stream is None else stream
        reply = await self._replies.wait(msg_id, lambda: session.put(item, order), timeout)
        reply.asked = item.canonical
        return reply

    async def ping(self, timeout: float) -> float:
        """Return the round-trip time of the link in seconds.

        Raises:
            LinkError: The node is not connected, the link was lost, or no answer came in time.
        """
        return await self._ping(self._live_session(), timeout)

    async def _ping(self, session: Session, timeout: float) -> float:
        msg_id, item = self._messenger.write("ping", {})
        started = self._clock.monotonic()
        await self._replies.wait(msg_id, lambda: session.put_urgent(item), timeout)
        rtt_s = self._clock.monotonic() - started
        session.measured(rtt_s)
        return rtt_s

    def on_drain(self, callback: Callable[[], None]) -> bool:
        """Call back once when few bytes wait or the link has ended; return False without a link."""
        if self._session is None:
            return False
        self._session.on_drain(callback)
        return True

    def _live_session(self) -> Session:
        if self._session is None:
            raise NotConnectedError(phrase("{peer} is not connected", peer=self.label))
        return self._session
