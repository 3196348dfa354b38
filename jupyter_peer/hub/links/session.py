"""An authenticated link, and its replacement by a better one.

A :class:`Session` moves frames between a link and its channel, and counts them. A :class:`Handover`
loses, doubles or reorders no message. The side that dialled the new link moves first (SPEC section 5).
The other side uses the old link until it receives ``moved``. If the new link breaks before that,
nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence

from ...errors import LinkClosedError, MalformedError, WireError
from ...primitives.clock import Clock
from ...transports.base import Frame, PeerLink
from ...wire.link.channel import Channel, Reading
from ...wire.link.envelope import KEEPS_ORDER, Envelope
from ...wire.link.handshake import Introduction
from ...wire.link.outbox import Outgoing
from ...wire.relay.group import GroupKey, GroupOpener

log = logging.getLogger(__name__)

# Bytes of one write; more would only delay small messages behind them.
_WRITE_BUDGET = 256 * 1024
# Below this the queue of a link counts as drained.
LOW_WATER = 256 * 1024

# Time that the other side gets to send its queue before it moves.
STANDBY_TIMEOUT_S = 300.0

#: Groups of a peer that this node joins by one link; a node has as many panes.
MAX_GROUPS = 64

OnEnvelope = Callable[["Session", Envelope], None]
Room = Callable[[str], "Awaitable[None] | None"]
OnClose = Callable[["Session", str], None]


class Session:
    """One live, authenticated link to a peer.

    Attributes:
        link: The link below.
        peer: The identity of the other end.
        since: Start of the session, epoch seconds.
        heard_at: Time of the last frame, epoch seconds.
        id: Id of the session on both sides; None without sealing.
        successor: The link that waits to replace this one.
        has_moved, peer_has_moved: Whether this side, or the other, has sent its last message on
            it; see :meth:`retire`.
        rtt_s: The last round trip; None before the first.
        sent_messages, sent_bytes, received_messages, received_bytes: Counters; bytes are those of
            the frames on the link.
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
        self.since = self.heard_at = clock.time()
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
        self._groups: dict[bytes, GroupOpener] = {}
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to receive."""
        self.link.max_frame = self._channel.max_frame
        self.link.attach(self._receive, self._closed)

    @property
    def node_id(self) -> str:
        """Node id of the other end."""
        return self.peer.node_id

    @property
    def is_sealed(self) -> bool:
        """Whether the frames are end-to-end sealed."""
        return self._channel.is_sealed

    @property
    def keeps_order(self) -> bool:
        """Whether the other end accepts payloads with their keys in the order of their sender."""
        return self.is_sealed and KEEPS_ORDER in self.peer.capabilities

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return self._channel.queued

    @property
    def is_held(self) -> bool:
        """Whether it does not receive yet, because an older link comes first."""
        return self._go_on is not None and not self._go_on.is_set()

    def put(self, item: Outgoing, stream: str) -> None:
        """Send an envelope behind the others of its stream.

        Raises:
            LinkClosedError: The link is closed.
            OverflowLinkError: The queue is full.
        """
        if self.link.is_closed:
            raise LinkClosedError
        self._channel.put(item, stream)
        self.sent_messages += 1
        self._flush_soon()

    def put_urgent(self, item: Outgoing) -> None:
        """Send a small envelope ahead of everything in the queue."""
        if self.link.is_closed:
            raise LinkClosedError
        self._channel.put_urgent(item)
        self.sent_messages += 1
        self._flush_soon()

    def measured(self, rtt_s: float) -> None:
        """Store a measured round trip."""
        self.rtt_s = rtt_s
        if rtt_s < self._least_rtt_s:
            self._least_rtt_s = rtt_s
            self._channel.fit_window(rtt_s)

    def on_drain(self, callback: Callable[[], None]) -> None:
        """Call back once when few bytes wait to be sent, or the link has ended."""
        if self.link.is_closed or self.queued <= LOW_WATER:
            self._loop.call_soon(callback)
        else:
            self._drained.append(callback)

    def retire(self, farewell: Outgoing) -> None:
        """Send the queue and then ``farewell`` as the last message; another link takes over."""
        self._farewell = farewell
        self._flush_soon()

    def hold(self) -> None:
        """Stop receiving until :meth:`release`: messages of an older link come first."""
        self._go_on = asyncio.Event()

    def release(self) -> None:
        """End :meth:`hold`."""
        if self._go_on is not None:
            self._go_on.set()

    async def close(self, reason: str) -> None:
        """Send the ready frames and close the link; may be called twice."""
        if not self.link.is_closed:
            self._flush()
            await self.link.close(reason)

    def _flush_soon(self) -> None:
        # messages of one turn of the loop go together, under one signature
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
            return  # `on_close` is called
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
        self.heard_at = self._clock.time()
        try:
            read = self._channel.accept(frame, self.heard_at)
        except WireError as error:
            self._refuse(error)
            return None
        return self._take_large(read) if callable(read) else self._hand_on(read)

    async def _take_large(self, read: Reading) -> None:
        """Read a large message in a thread; the link waits, and everything else goes on."""
        try:
            envelopes = await self._loop.run_in_executor(None, read)
        except WireError as error:
            self._refuse(error)
            return
        if self.link.is_closed:
            return
        handling = self._hand_on(envelopes)
        if handling is not None:
            await handling

    def _refuse(self, error: WireError) -> None:
        log.warning("%s: closing the link: %s", self.node_id, error)
        self.link.abort(error.code)

    def _hand_on(self, envelopes: Sequence[Envelope]) -> Awaitable[None] | None:
        for envelope in envelopes:
            self.received_messages += 1
            self._on_envelope(self, envelope)
        # answers and credits are sent in the same turn
        self._flush()
        return self._room(self.node_id) if envelopes else None

    def join(self, key: GroupKey) -> bool:
        """Open the frames of a group of the peer by this key; return whether it was joined just now.

        Raises:
            MalformedError: The key is none, or an older one.
        """
        group = bytes.fromhex(key.group)
        before = self._groups.get(group)
        if before is not None and key.epoch <= before.key.epoch:
            raise MalformedError("the key of a group is older than the one before")
        if before is None and not key.join:
            return False
        opener = GroupOpener(self.node_id, self._channel.public_key, key)
        if key.join and not (self.is_sealed and self.link.join(group)):
            return False
        self._groups[group] = opener
        self.link.on_group_frame = self._take_from_group
        while len(self._groups) > MAX_GROUPS:
            oldest = next(iter(self._groups))
            del self._groups[oldest]
            self.link.leave(oldest)
        return key.join

    def _take_from_group(self, group: bytes, frame: bytes) -> Awaitable[None] | None:
        opener = self._groups.get(group)
        if opener is None:
            return None
        self.received_bytes += len(frame)
        try:
            envelope = opener.open(frame)
        except WireError as error:
            # Whoever carries the frames can invent some: the link itself is as sound as before.
            log.info("%s: a frame of a group is refused: %s", self.node_id, error.code)
            return None
        self.received_messages += 1
        self._on_envelope(self, envelope)
        self._flush()
        return self._room(self.node_id)

    def _closed(self, reason: str) -> None:
        self.release()
        self._wake_drained()
        self._on_close(self, reason)


class Handover:
    """The links to one peer that are being replaced, and their replacements.

    Args:
        farewell: Returns the last message of a link.
        moved: Called with the new link when this side, which was dialled, has to use it.
        done: Called with the new link when the old one has ended.
        idle_s: A link that is being replaced counts as broken after this time without a frame.
    """

    def __init__(
        self,
        *,
        farewell: Callable[[], Outgoing],
        moved: Callable[[Session], None],
        done: Callable[[Session], None],
        idle_s: float,
    ) -> None:
        self._farewell = farewell
        self._moved = moved
        self._done = done
        self._idle_s = idle_s
        # old link -> new link, before and after this side has moved
        self._standby: dict[Session, Session] = {}
        self._moving: dict[Session, Session] = {}
        self._timers: dict[Session, asyncio.TimerHandle] = {}

    def stand_by(self, old: Session, new: Session) -> None:
        """Keep an incoming link until the other side has moved to it."""
        self._drop_standby(old, "replaced")
        new.hold()
        old.successor = new
        self._standby[old] = new
        self._call_later(STANDBY_TIMEOUT_S, new, lambda: new.link.abort("timeout"))

    def move(self, old: Session, new: Session) -> None:
        """Use a link that this side dialled; the old one sends its queue and nothing more."""
        self._drop_standby(old, "replaced")
        new.hold()
        self._leave(old, new)

    def on_moved(self, old: Session) -> None:
        """Handle ``moved``: the other side sends nothing more on a link."""
        old.peer_has_moved = True
        new = self._standby.pop(old, None)
        if new is not None:
            self._cancel_timer(new)
            self._moved(new)
            self._leave(old, new)
            new.release()
        elif old in self._moving:
            # Both sides have now received everything of the old link.
            self._moving[old].release()
            asyncio.get_running_loop().call_soon(old.link.abort, "replaced")
        else:
            # It has moved to a link that broke here meanwhile.
            asyncio.get_running_loop().call_soon(old.link.abort, "lost")

    def on_closed(self, session: Session) -> None:
        """Handle the end of a link, and end the links that depend on it."""
        self._cancel_timer(session)
        self._drop_standby(session, "lost")
        for old, new in list(self._standby.items()):
            if new is session:
                old.successor = None
                del self._standby[old]
        for old, new in list(self._moving.items()):
            if new is session:
                del self._moving[old]
                old.link.abort("lost")
        successor = self._moving.pop(session, None)
        if successor is None:
            return
        if session.has_moved and session.peer_has_moved:
            successor.release()
            self._done(successor)
        else:
            # The old link broke during the handover, and perhaps only this side knows. So the new
            # link ends too, and both sides know that messages may be missing, as after a lost link.
            successor.link.abort("lost")

    def close(self) -> None:
        """Close all links that are not in use."""
        for session in [*self._standby.values(), *self._moving]:
            session.link.abort("shutdown")

    def _leave(self, old: Session, new: Session) -> None:
        self._moving[old] = new
        old.retire(self._farewell())
        self._watch(old, -1)

    def _watch(self, old: Session, seen: int) -> None:
        """Close a link that is being replaced if no frame moves on it."""
        so_far = old.sent_bytes + old.received_bytes
        if so_far == seen:
            log.info("%s: the link that was replaced has died", old.node_id)
            old.link.abort("timeout")
        else:
            self._call_later(self._idle_s, old, lambda: self._watch(old, so_far))

    def _drop_standby(self, old: Session, reason: str) -> None:
        new = self._standby.pop(old, None)
        if new is not None:
            old.successor = None
            new.link.abort(reason)

    def _call_later(self, delay: float, session: Session, callback: Callable[[], None]) -> None:
        self._timers[session] = asyncio.get_running_loop().call_later(delay, callback)

    def _cancel_timer(self, session: Session) -> None:
        timer = self._timers.pop(session, None)
        if timer is not None:
            timer.cancel()
