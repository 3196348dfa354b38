"""The interface of all transports to the hub.

A transport dials and listens. A link is one live connection that moves frames; neither reads them.
Below are sockets and data channels. Above is the hub, which makes an authenticated session of a
link.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, Protocol

from ..errors import LinkClosedError, TooLargeError
from ..findings import Finding
from ..primitives import background
from ..wire.link.handshake import MAX_FRAME

Frame = bytes | str
OnFrame = Callable[[Frame], "Awaitable[None] | None"]
OnClose = Callable[[str], None]
OnGroupFrame = Callable[[bytes, bytes], "Awaitable[None] | None"]

# Frames that may wait for `recv`; a handshake has two for each side. The accepting node goes on without
# waiting for the dialler, so the dialler makes it wait when more frames arrive.
_MAX_WAITING = 8
# Further frames arrive only over a transport that cannot wait, or before it starts to wait.
_MAX_BEHIND = 32


class GroupDoor(Protocol):
    """Below links: hands one frame to all of them whose nodes have joined a group."""

    @property
    def max_members(self) -> int:
        """Nodes that may join one group."""

    def open_group(self, group: bytes) -> None:
        """Let nodes join a group by their links to this node."""

    def send_to_group(self, group: bytes, frame: bytes) -> None:
        """Send a frame to the group, once; it may be lost."""

    def close_group(self, group: bytes) -> None:
        """End a group."""

    @property
    def is_backed_up(self) -> bool:
        """Whether earlier frames still wait on this side."""

    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after it is no longer backed up."""


class PeerLink(ABC):
    """One live connection to a node, before and after its authentication.

    The handshake reads frames with :meth:`recv`. Afterwards :meth:`attach` passes on each frame the
    moment it arrives, which saves a task switch for each frame.

    Attributes:
        transport: Name of the transport, as shown to users.
        priority: Lower is better: loopback 0, lan 1, direct 2, webrtc 3, relay 4.
        address: Address of the other side, as shown to users.
        is_dialled: Whether this side dialled.
        guests: Whether a guest may use it: ``never``, ``also`` beside peers, or ``only`` a guest.
        remote_host: IP address at the other end of the connection; None when unknown.
        max_frame: Frames of the peer over this many bytes close the link.
        on_group_frame: Receives the frames of groups that this node has joined by the link: id of
            the group, and frame. They keep their place among the link's own frames.
    """

    transport: str
    priority: int

    def __init__(self, address: str, *, is_dialled: bool) -> None:
        self.address = address
        self.is_dialled = is_dialled
        self.guests: Literal["never", "also", "only"] = "never"
        self.remote_host: str | None = None
        self.max_frame = MAX_FRAME
        self.on_group_frame: OnGroupFrame | None = None
        self.is_closed = False
        self.close_reason = ""
        self._waiting: deque[Frame] = deque()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._on_frame: OnFrame | None = None
        self._on_close: OnClose | None = None
        self._catching_up: asyncio.Task[None] | None = None

    # What each transport implements.

    @abstractmethod
    def send(self, frames: Sequence[Frame]) -> None:
        """Send frames in order, without waiting.

        Raises:
            LinkClosedError: The link is closed.
        """

    @property
    @abstractmethod
    def is_backed_up(self) -> bool:
        """Whether earlier frames still wait on this side."""

    @abstractmethod
    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call back once, soon after the link is no longer backed up or was closed."""

    @abstractmethod
    def _shut(self, reason: str) -> None:
        """Close the connection below."""

    # What only links by which groups go implement.

    @property
    def group_door(self) -> GroupDoor | None:
        """What hands frames on to groups; None when nothing does."""
        return None

    def join(self, group: bytes) -> bool:
        """Join a group of the other side; return whether that is possible here."""
        return False

    def leave(self, group: bytes) -> None:  # noqa: B027 - most links have no groups
        """Leave a group of the other side, or take the other side out of one of this node's."""

    # What all share.

    async def recv(self) -> Frame:
        """Return the next frame.

        Raises:
            LinkClosedError: The link was closed, and all frames before that were read.
        """
        while not self._waiting:
            if self.is_closed:
                raise LinkClosedError(self.close_reason or None)
            self._arrived.clear()
            await self._arrived.wait()
        self._has_room.set()
        return self._waiting.popleft()

    def attach(self, on_frame: OnFrame, on_close: OnClose) -> None:
        """Pass all further frames to ``on_frame``, those that wait first.

        The next frame waits until what ``on_frame`` returned is done, so a slow reader slows the
        link. ``on_close`` is called exactly once.
        """
        self._on_frame, self._on_close = on_frame, on_close
        while self._waiting and not self.is_closed:
            handling = on_frame(self._waiting.popleft())
            if handling is not None:
                self._catching_up = background.start(
                    self._catch_up(on_frame, handling), "reading a link"
                )
                break
        self._has_room.set()
        if self.is_closed:
            on_close(self.close_reason)

    async def _catch_up(self, on_frame: OnFrame, handling: Awaitable[None]) -> None:
        """Pass on the frames from before :meth:`attach`, when handling them takes time."""
        await handling
        while self._waiting and not self.is_closed:
            more = on_frame(self._waiting.popleft())
            if more is not None:
                await more
        self._catching_up = None

    async def close(self, reason: str = "") -> None:
        """Close the link; may be called twice."""
        if not self.is_closed:
            self._shut(reason)
            self._closed(reason)

    def abort(self, reason: str) -> None:
        """Close the link from a callback."""
        if not self.is_closed:
            self._shut(reason)
            self._closed(reason)

    def _deliver(self, frame: Frame) -> Awaitable[None] | None:
        """Handle a frame from below; the transport waits for what this returns."""
        if self.is_closed:
            return None
        if len(frame) > self.max_frame:
            self.abort(TooLargeError.code)
            return None
        if self._catching_up is not None:
            self._waiting.append(frame)
            return _end_of(self._catching_up)
        if self._on_frame is not None:
            return self._on_frame(frame)
        if len(self._waiting) >= (_MAX_BEHIND if self.is_dialled else _MAX_WAITING):
            self.abort("protocol")
            return None
        self._waiting.append(frame)
        self._arrived.set()
        if not self.is_dialled or len(self._waiting) < _MAX_WAITING:
            return None
        self._has_room.clear()
        return self._room()

    async def _room(self) -> None:
        await self._has_room.wait()
        if self._catching_up is not None:
            await asyncio.wait({self._catching_up})

    def _closed(self, reason: str) -> None:
        """Handle the end of the connection below."""
        if self.is_closed:
            return
        self.is_closed = True
        self.close_reason = reason
        self._arrived.set()
        self._has_room.set()
        if self._on_close is not None:
            self._on_close(reason)


async def _end_of(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})


Accept = Callable[[PeerLink], Coroutine[Any, Any, None]]


class Transport(ABC):
    """A way to dial and to listen.

    Attributes:
        name: As shown to users.
        priority: As of its links.
    """

    name: str
    priority: int

    @abstractmethod
    async def start(self, accept: Accept) -> None:
        """Start to listen.

        Each incoming link is passed to ``accept``, which returns when the handshake is over and
        never raises.
        """

    @abstractmethod
    async def close(self) -> None:
        """Stop listening and close all links; may be called twice."""

    @abstractmethod
    def can_dial(self, address: str) -> bool:
        """Return whether this transport dials an address."""

    @abstractmethod
    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        """Connect.

        Args:
            address: Where to connect.
            node_id: The expected node, for transports that route by it.

        Raises:
            UnreachableError: Nothing answers there.
        """

    def addresses(self) -> list[str]:
        """Return the addresses at which this transport can be dialled, best first."""
        return []

    def network_changed(self) -> None:  # noqa: B027 - most transports keep nothing open
        """Check at once whether connections that are kept open still work."""

    async def diagnose(self) -> list[Finding]:
        """Return the findings about this transport, for the connection check.

        They cover the configured parts and their requirements, such as a registration at a relay or
        a server that answers. This never raises, and takes a few seconds at most.
        """
        return []
