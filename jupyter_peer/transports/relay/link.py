"""One link over a relay: a virtual connection inside a WebSocket that carries many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from ...errors import LinkClosedError, OverflowLinkError, TooLargeError, UnreachableError
from ...phrase import phrase
from ...primitives import background
from ...primitives.backoff import Backoff
from ...primitives.signal import Signal
from ...wire.relay.frames import HEAD, JOIN, LEAVE, MAX_GROUP_FRAME, TTL, VERSION
from ...wire.relay.link import BINARY, CREDIT, OPEN, TEXT, Flow, Payload, head, limit_payload
from ..base import Frame, GroupDoor, PeerLink

_FIRST_REPEAT_S = 1.0
# Bytes of groups that may wait to be read: they come without credit, and may be lost.
_MAX_GROUP_WAITING = 4 * MAX_GROUP_FRAME


class _GroupFrame(NamedTuple):
    group: bytes
    frame: bytes


# What waits to be read, and what it counts in the window; None for what needs no credit.
_Sized = tuple[Frame | _GroupFrame, int | None]


class Multiplexer(GroupDoor, Protocol):
    """The WebSocket below, as a link sees it."""

    @property
    def max_payload(self) -> int:
        """Bytes of the largest frame of the peer wire that the relay accepts."""

    def write(self, frames: list[tuple[bytes, bytes]]) -> None:
        """Write frames, each as head and payload; never waits, and drops them without a connection."""

    def wait_for_room(self, link: RelayLink) -> None:
        """Call the link's ``wake`` when it is its turn to write."""

    def forget(self, link: RelayLink, reason: str) -> None:
        """Drop a link that was closed on this side, and tell the other."""


class RelayLink(PeerLink):
    """A link of two nodes over a relay.

    Args:
        multiplexer: Its WebSocket.
        address: Address, as shown to users.
        own_id: This node.
        peer_id: The other end.
        link_id: Eight bytes that the dialling side chose.
        is_dialled: Whether this side dialled.

    Attributes:
        peer_id, link_id: The values of the arguments.
    """

    transport = "relay"
    priority = 4

    def __init__(
        self,
        multiplexer: Multiplexer,
        address: str,
        own_id: bytes,
        peer_id: bytes,
        link_id: bytes,
        *,
        is_dialled: bool,
    ) -> None:
        super().__init__(address, is_dialled=is_dialled)
        self.guests = "also"
        self.peer_id = peer_id
        self.link_id = link_id
        self._multiplexer = multiplexer
        self._heads = [head(form, TTL, peer_id, own_id, link_id) for form in range(4)]
        self._own_id = own_id
        self._flow = Flow()
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._inbox: deque[_Sized] = deque()
        self._group_waiting = 0
        self._pump: asyncio.Task[None] | None = None
        self._writable = Signal[[]]("a link over a relay may be written to")
        self._is_in_line = False
        self._has_answered = False
        self._answered: asyncio.Future[None] | None = None

    # Opening.

    async def open(self, timeout: float) -> None:
        """Open the link, as the side that dials.

        Raises:
            UnreachableError: The other side does not answer.
        """
        answered = self._answered = asyncio.get_running_loop().create_future()
        backoff = Backoff(_FIRST_REPEAT_S, timeout)
        while timeout > 0:
            # Sent again, because the other node's connection may have broken with the first one in it.
            self._tell(OPEN)
            pause = min(backoff.next(), timeout)
            await asyncio.wait({answered}, timeout=pause)
            if answered.done():
                answered.result()
                return
            timeout -= pause
        raise UnreachableError("the peer does not answer over the relay")

    def _tell(self, form: int) -> None:
        self._multiplexer.write([(self._heads[form], limit_payload(self._flow.granted))])

    # Sending.

    def send(self, frames: Sequence[Frame]) -> None:
        if self.is_closed:
            raise LinkClosedError
        ready: list[tuple[bytes, bytes]] = []
        for frame in frames:
            form, payload = (TEXT, frame.encode()) if isinstance(frame, str) else (BINARY, frame)
            if len(payload) > self._multiplexer.max_payload:
                self.abort(TooLargeError.code)
                raise LinkClosedError("a message is larger than the relay accepts")
            if self._unsent or not self._flow.may_send(len(payload)):
                self._unsent.append((form, payload))
            else:
                self._flow.sent(len(payload))
                ready.append((self._heads[form], payload))
        if ready:
            self._multiplexer.write(ready)

    @property
    def is_backed_up(self) -> bool:
        return bool(self._unsent) or self._flow.is_exhausted or self._multiplexer.is_backed_up

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self.is_closed:
            asyncio.get_running_loop().call_soon(callback)
            return
        self._writable.connect(callback)
        self._get_in_line()

    def _get_in_line(self) -> None:
        has_credit = not (self._unsent or self._flow.is_exhausted)
        if self._writable and has_credit and not self._is_in_line:
            self._is_in_line = True
            self._multiplexer.wait_for_room(self)

    def wake(self) -> None:
        """Write, now that it is this link's turn."""
        self._is_in_line = False
        if not self.is_closed and (self._unsent or self._flow.is_exhausted):
            return  # the credit was used up meanwhile; new credit calls this again
        self._writable.release()

    # Receiving.

    def take(self, payload: Payload) -> None:
        """Handle a payload of the other side.

        Raises:
            WireError: It breaks the protocol; the link must be closed.
        """
        if payload.form == CREDIT:
            self._flow.on_credit(payload.limit)
            if self._answered is not None and not self._answered.done():
                self._answered.set_result(None)
            self._send_unsent()
            self._get_in_line()
        elif payload.form == OPEN:
            self._flow.on_credit(payload.limit)
            # A relay that asks repeatedly without reading gets one answer.
            may_answer = not (self._has_answered and self._multiplexer.is_backed_up)
            if may_answer and not self.is_dialled and not self.is_closed:
                self._has_answered = True
                self._tell(CREDIT)
        else:
            self._receive(payload.frame)

    def _send_unsent(self) -> None:
        ready: list[tuple[bytes, bytes]] = []
        while self._unsent and self._flow.may_send(len(self._unsent[0][1])):
            form, payload = self._unsent.popleft()
            self._flow.sent(len(payload))
            ready.append((self._heads[form], payload))
        if ready:
            self._multiplexer.write(ready)

    def _receive(self, frame: Frame) -> None:
        size = len(frame) if isinstance(frame, bytes) else len(frame.encode())
        try:
            self._flow.on_received(size)
        except OverflowLinkError as error:
            self.abort(error.code)
            return
        if self._pump is not None:
            self._inbox.append((frame, size))
            return
        handling = self._deliver(frame)
        if handling is None:
            self._consumed(size)
        else:
            self._pump = background.start(self._deliver_rest(handling, size), "reading a link")

    async def _deliver_rest(self, handling: Awaitable[None], size: int | None) -> None:
        """Pass on the frames that arrived while an earlier one was handled."""
        await handling
        self._consumed(size)
        while self._inbox and not self.is_closed:
            item, size = self._inbox.popleft()
            if isinstance(item, _GroupFrame):
                self._group_waiting -= len(item.frame)
                more = self._deliver_group(item)
            else:
                more = self._deliver(item)
            if more is not None:
                await more
            self._consumed(size)
        self._pump = None

    # Groups.

    @property
    def group_door(self) -> GroupDoor | None:
        return self._multiplexer if self._multiplexer.max_members else None

    def join(self, group: bytes) -> bool:
        if self.is_closed or not self._multiplexer.max_members:
            return False
        self._multiplexer.write([(self._group_head(JOIN), group)])
        return True

    def leave(self, group: bytes) -> None:
        if not self.is_closed and self._multiplexer.max_members:
            self._multiplexer.write([(self._group_head(LEAVE), group)])

    def _group_head(self, kind: int) -> bytes:
        return HEAD.pack(VERSION, kind, TTL, self.peer_id, self._own_id, self.link_id)

    def take_group(self, group: bytes, frame: bytes) -> None:
        """Pass on a frame of a group behind the link's frames that wait; drop it when many do."""
        if self.on_group_frame is None or len(frame) > MAX_GROUP_FRAME:
            return
        item = _GroupFrame(group, frame)
        if self._pump is not None:
            if self._group_waiting + len(frame) <= _MAX_GROUP_WAITING:
                self._group_waiting += len(frame)
                self._inbox.append((item, None))
            return
        handling = self._deliver_group(item)
        if handling is not None:
            self._pump = background.start(self._deliver_rest(handling, None), "reading a link")

    def _deliver_group(self, item: _GroupFrame) -> Awaitable[None] | None:
        if self.is_closed or self.on_group_frame is None:
            return None
        return self.on_group_frame(*item)

    def _consumed(self, size: int | None) -> None:
        if size is not None and self._flow.on_consumed(size) and not self.is_closed:
            self._tell(CREDIT)

    # The end.

    def ended(self, reason: str) -> None:
        """Handle the end of the link by the other side, the relay or the network."""
        self._closed(reason)

    def _shut(self, reason: str) -> None:
        self._multiplexer.forget(self, reason)

    def _closed(self, reason: str) -> None:
        if self.is_closed:
            return
        super()._closed(reason)
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(_unreachable(reason))
            self._answered.exception()  # whoever dialled may have given up already
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
        self._unsent.clear()
        self._inbox.clear()
        self.wake()


def _unreachable(reason: str) -> UnreachableError:
    if reason == "undeliverable":
        return UnreachableError("the peer is not connected to the relay")
    return UnreachableError(phrase("the link over the relay was closed ({reason})", reason=reason))
