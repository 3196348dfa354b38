"""An authenticated link: moves frames between a link and its channel, and counts them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from ..errors import LinkClosedError, WireError
from ..transports.base import Frame, PeerLink
from ..wire.link.channel import Channel
from ..wire.link.envelope import Envelope
from ..wire.link.handshake import Introduction
from ..wire.link.outbox import Outgoing
from .clock import Clock

log = logging.getLogger(__name__)

# Written in one go; more only makes small messages wait behind it.
_WRITE_BUDGET = 256 * 1024
# Below this the queue of a link counts as drained.
LOW_WATER = 256 * 1024

OnEnvelope = Callable[["Session", Envelope], None]
Room = Callable[[str], "Awaitable[None] | None"]
OnClose = Callable[["Session", str], None]


class Session:
    """One live, authenticated link to a peer.

    Attributes:
        link: What it runs on.
        peer: Who is there.
        since: When it began, epoch seconds.
        id: What both sides call it, or None when it is not sealed.
        successor: The link that waits to take over from this one.
        has_moved, peer_has_moved: Which sides have sent all they will on it, after
            :meth:`retire`.
        rtt_s: The last round trip, or None before the first.
        sent_messages, sent_bytes, received_messages, received_bytes: Counters; bytes are those of
            frames as they went over the link.
    """

    def __init__(
        self,
        link: PeerLink,
        channel: Channel,
        peer: Introduction,
        clock: Clock,
        *,
        on_envelope: OnEnvelope,
        on_close: OnClose,
        room: Room,
        id: str | None = None,
    ) -> None:
        self.link = link
        self.peer = peer
        self.id = id
        self.since = clock.time()
        self.successor: Session | None = None
        self.has_moved = self.peer_has_moved = False
        self.rtt_s: float | None = None
        self.sent_messages = self.sent_bytes = 0
        self.received_messages = self.received_bytes = 0
        self._least_rtt_s = math.inf
        self._channel = channel
        self._clock = clock
        self._on_envelope = on_envelope
        self._on_close = on_close
        self._room = room
        self._drained: list[Callable[[], None]] = []
        self._is_flush_due = False
        self._is_waiting_for_link = False
        self._farewell: Outgoing | None = None
        self._go_on: asyncio.Event | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to receive."""
        self.link.max_frame = self._channel.max_frame
        self.link.attach(self._receive, self._closed)

    @property
    def node_id(self) -> str:
        """Who is there."""
        return self.peer.node_id

    @property
    def is_sealed(self) -> bool:
        """Whether its frames are end-to-end sealed."""
        return self._channel.is_sealed

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return self._channel.queued

    @property
    def is_held(self) -> bool:
        """Whether nothing is received, since an older link comes first."""
        return self._go_on is not None and not self._go_on.is_set()

    def put(self, item: Outgoing, stream: str) -> None:
        """Send an envelope behind the others of its stream.

        Raises:
            LinkClosedError: The link is closed.
            OverflowLinkError: Its queue is full.
        """
        if self.link.is_closed:
            raise LinkClosedError
        self._channel.put(item, stream)
        self.sent_messages += 1
        self._flush_soon()

    def put_urgent(self, item: Outgoing) -> None:
        """Send a small envelope ahead of everything that waits."""
        if self.link.is_closed:
            raise LinkClosedError
        self._channel.put_urgent(item)
        self.sent_messages += 1
        self._flush_soon()

    def measured(self, rtt_s: float) -> None:
        """Note a round trip."""
        self.rtt_s = rtt_s
        if rtt_s < self._least_rtt_s:
            self._least_rtt_s = rtt_s
            self._channel.fit_window(rtt_s)

    def on_drain(self, callback: Callable[[], None]) -> None:
        """Call back once when little waits to be sent, or the link is gone."""
        if self.link.is_closed or self.queued <= LOW_WATER:
            self._loop.call_soon(callback)
        else:
            self._drained.append(callback)

    def retire(self, farewell: Outgoing) -> None:
        """Send what is queued, then ``farewell``, then nothing more: another link takes over."""
        self._farewell = farewell
        self._flush_soon()

    def hold(self) -> None:
        """Receive nothing before :meth:`release`: what an older link brings comes first."""
        self._go_on = asyncio.Event()

    def release(self) -> None:
        """End :meth:`hold`."""
        if self._go_on is not None:
            self._go_on.set()

    async def close(self, reason: str) -> None:
        """Send what is ready and close the link; may be called twice."""
        if not self.link.is_closed:
            self._flush()
            await self.link.close(reason)

    def _flush_soon(self) -> None:
        # what is put in one turn of the loop goes together, under one signature
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        link = self.link
        if link.is_closed or self._is_waiting_for_link:
            return
        if link.is_backed_up:
            self._wait_for_link()
            return
        if self._farewell is not None and not self.queued:
            self._channel.put_urgent(self._farewell)
            self._farewell = None
            self.has_moved = True
        frames = list(self._channel.frames(_WRITE_BUDGET))
        if not frames:
            return
        self.sent_bytes += sum(map(len, frames))
        try:
            link.send(frames)
        except LinkClosedError:
            return  # `on_close` tells
        self._after_write()

    def _after_write(self) -> None:
        link = self.link
        if self._drained and self.queued <= LOW_WATER:
            self._wake_drained()
        if link.is_backed_up:
            self._wait_for_link()
        elif self.queued or self._farewell is not None:
            self._flush_soon()

    def _wait_for_link(self) -> None:
        self._is_waiting_for_link = True
        self.link.on_writable(self._on_writable)

    def _on_writable(self) -> None:
        self._is_waiting_for_link = False
        self._flush()

    def _wake_drained(self) -> None:
        drained, self._drained = self._drained, []
        for callback in drained:
            callback()

    def _receive(self, frame: Frame) -> Awaitable[None] | None:
        if self._go_on is not None:
            return self._receive_later(self._go_on, frame)
        return self._take(frame)

    async def _receive_later(self, go_on: asyncio.Event, frame: Frame) -> None:
        await go_on.wait()
        self._go_on = None
        if self.link.is_closed:
            return
        handling = self._take(frame)
        if handling is not None:
            await handling

    def _take(self, frame: Frame) -> Awaitable[None] | None:
        self.received_bytes += len(frame)
        try:
            envelopes = self._channel.receive(frame, self._clock.time())
        except WireError as error:
            log.warning("%s: closing the link: %s", self.node_id, error)
            self.link.abort(error.code)
            return None
        for envelope in envelopes:
            self.received_messages += 1
            self._on_envelope(self, envelope)
        # answers and credits go out in the same turn
        self._flush()
        return self._room(self.node_id) if envelopes else None

    def _closed(self, reason: str) -> None:
        self.release()
        self._wake_drained()
        self._on_close(self, reason)
