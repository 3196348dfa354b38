"""The links that one WebSocket to a relay carries.

Frames are passed to their link as they arrive. A slow link buffers them in its own window, so no
link delays another. Links that send much take turns.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable

from ...errors import LinkClosedError, PeerTimeoutError, UnreachableError, WireError
from ...wire.link.identity import Identity
from ...wire.relay.frames import (
    CLOSE,
    GROUP,
    GROUP_BYTES,
    HEAD_BYTES as RELAY_HEAD_BYTES,
    JOIN,
    LEAVE,
    Undeliverable,
    check_head,
    close_frame,
    encode_head,
)
from ...wire.relay.link import HEAD_BYTES, OPEN, read_payload
from .link import RelayLink
from .socket import RelaySocket

# Links that other nodes opened; the hub bounds handshakes far below.
_MAX_LINKS = 1024

Key = tuple[bytes, bytes]


class RelayMultiplexer:
    """One connection to a relay, and the links over it.

    Args:
        urls: URLs of the brokers of one relay; the first that answers is used.
        address: The address of the relay, as its links show it.
        identity: The key to register.
        ssl_context: For ``wss://``.
        on_incoming: Called with each link that another node opened; None refuses all.
        idle_s: Seconds without a link until the connection closes; None keeps it.
        now: Monotonic seconds.

    Attributes:
        socket: The connection.
    """

    def __init__(
        self,
        urls: list[str],
        address: str,
        identity: Identity,
        ssl_context: ssl.SSLContext,
        on_incoming: Callable[[RelayLink], None] | None,
        idle_s: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._own_id = identity.node_id.encode()
        self._on_incoming = on_incoming
        self._links: dict[Key, RelayLink] = {}
        self._orphans: set[Key] = set()
        self._line: deque[RelayLink] = deque()
        self._is_line_moving = False
        self._now = now
        self._loop = asyncio.get_running_loop()
        self.socket = RelaySocket(urls, identity, ssl_context, self, idle_s, now)

    @property
    def links(self) -> int:
        """Number of links."""
        return len(self._links)

    @property
    def is_used(self) -> bool:
        return bool(self._links)

    async def close(self) -> None:
        """End all links and close the connection; may be called twice."""
        for link in list(self._links.values()):
            link.abort("shutdown")
        await self.socket.close()

    # Links.

    async def dial(self, node_id: str, link_id: bytes, timeout: float) -> RelayLink:
        """Open a link to a node.

        Args:
            node_id: The node to dial.
            link_id: Eight random bytes.
            timeout: Seconds until it is given up.

        Raises:
            UnreachableError: The relay cannot be used, or the node does not answer over it.
        """
        began = self._loop.time()
        await self.socket.until_registered(timeout)
        if len(self._links) >= _MAX_LINKS:
            raise UnreachableError("too many links go over this relay already")
        key = (node_id.encode(), link_id)
        link = RelayLink(self, self._address, self._own_id, *key, is_dialled=True)
        self._links[key] = link
        doubt = self._loop.call_later(timeout / 3, self._nudge_if_silent, self._now())
        try:
            await link.open(max(timeout - (self._loop.time() - began), 0.1))
        except BaseException:
            link.abort("handshake")
            raise
        finally:
            doubt.cancel()
        return link

    def _nudge_if_silent(self, since: float) -> None:
        if self.socket.read_at < since:
            self.socket.nudge()

    def _new_link(self, key: Key) -> RelayLink | None:
        if self._on_incoming is None or len(self._links) >= _MAX_LINKS:
            return None
        link = RelayLink(self, self._address, self._own_id, *key, is_dialled=False)
        self._links[key] = link
        self._on_incoming(link)
        return link

    def forget(self, link: RelayLink, reason: str) -> None:
        key = (link.peer_id, link.link_id)
        if self._links.get(key) is link:
            del self._links[key]
            self._say_closed(key, reason)
        if reason == PeerTimeoutError.code:
            self.socket.nudge()

    # Frames from the socket.

    def on_frame(self, data: bytes) -> None:
        kind, _, dst, src, link_id = check_head(data)
        if dst != self._own_id:
            return  # a relay can send anything to anybody
        key = (src, link_id)
        link = self._links.get(key)
        if kind > CLOSE:
            if kind == GROUP and link is not None:
                content = data[RELAY_HEAD_BYTES:]
                link.take_group(content[:GROUP_BYTES], content[GROUP_BYTES:])
            return
        if kind == CLOSE:
            if link is not None:
                del self._links[key]
                link.ended(_reason(data[RELAY_HEAD_BYTES:]))
            return
        try:
            payload = read_payload(memoryview(data)[RELAY_HEAD_BYTES:])
            if link is None and payload.form == OPEN:
                link = self._new_link(key)
            if link is None:
                self._say_closed(key, LinkClosedError.code)
            else:
                link.take(payload)
        except WireError as error:
            if link is not None:
                link.abort(error.code)
            else:
                self._say_closed(key, error.code)

    def on_undeliverable(self, notice: Undeliverable) -> None:
        link = self._links.pop((notice.dst.encode(), notice.link), None)
        if link is not None:
            link.ended("undeliverable")

    def on_lost(self, reason: str) -> None:
        links, self._links = self._links, {}
        if len(self._orphans) < _MAX_LINKS:
            self._orphans |= links.keys()
        for link in links.values():
            link.ended(reason)
        self._line.clear()

    def on_registered(self) -> None:
        # The other ends do not know of it yet, and may wait for an answer that was lost.
        self._say_orphans_closed()

    def _on_writable(self) -> None:
        if self.socket.is_registered:
            self._say_orphans_closed()

    def _say_orphans_closed(self) -> None:
        orphans, self._orphans = self._orphans, set()
        for key in orphans:
            self._say_closed(key, LinkClosedError.code)

    # Groups.

    @property
    def max_members(self) -> int:
        return self.socket.max_members if self.socket.is_registered else 0

    def open_group(self, group: bytes) -> None:
        self._tell_relay(JOIN, group)

    def send_to_group(self, group: bytes, frame: bytes) -> None:
        self._tell_relay(GROUP, group, frame)

    def close_group(self, group: bytes) -> None:
        self._tell_relay(LEAVE, group)

    def _tell_relay(self, kind: int, group: bytes, content: bytes = b"") -> None:
        own = self._own_id.decode()
        if self.max_members:
            self.write([(encode_head(kind, own, own, group), content)])

    def on_writable(self, callback: Callable[[], None]) -> None:
        self.socket.on_writable(callback)

    # Writing.

    @property
    def max_payload(self) -> int:
        """Bytes of the largest frame of the peer wire that the relay accepts."""
        return self.socket.max_frame - HEAD_BYTES

    @property
    def is_backed_up(self) -> bool:
        return self.socket.is_backed_up

    def write(self, frames: list[tuple[bytes, bytes]]) -> None:
        self.socket.write(frames)

    def _say_closed(self, key: Key, reason: str) -> None:
        if not self.is_backed_up:
            self.socket.write([(b"", close_frame(key[0], self._own_id, key[1], reason))])
        elif len(self._orphans) < _MAX_LINKS:
            # Otherwise a relay that does not read could make this node queue more and more.
            if not self._orphans:
                self.socket.on_writable(self._on_writable)
            self._orphans.add(key)

    def wait_for_room(self, link: RelayLink) -> None:
        self._line.append(link)
        self._move_line_when_writable()

    def _move_line_when_writable(self) -> None:
        if self._line and not self._is_line_moving:
            self._is_line_moving = True
            self.socket.on_writable(self._move_line)

    def _move_line(self) -> None:
        # Each link queues behind those that already wait, so the links take turns.
        for _ in range(len(self._line)):
            if self.is_backed_up or not self._line:
                break
            self._line.popleft().wake()
        self._is_line_moving = False
        self._move_line_when_writable()


def _reason(payload: bytes) -> str:
    text = payload[:64].decode("ascii", "replace")
    return text if text.isidentifier() else LinkClosedError.code
