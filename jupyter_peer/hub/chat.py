"""Chat between this node and its peers: sends and receives lines, and keeps the last ones in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from ..errors import BlockedError, BusyError, NotConnectedError, NotTrustedError, UnsupportedError
from ..phrase import phrase
from ..primitives.clock import Clock
from ..primitives.rate_limit import RateLimit
from ..wire.payloads.chat import CAPABILITY, check_text, read_chat
from .hub import PeerHub
from .info import HubEvent
from .message import Message

TYPE = "chat"
# A line from a node of the original system, which expects no answer.
ORIGINAL_TYPE = "peer_chat"
# Lines of one conversation, and of all.
MAX_LINES = 200
MAX_BYTES = 256 * 1024
MAX_CHATS = 64
# Lines that a peer may write at once; afterwards it may write one per second.
BURST = 30
ANSWER_TIMEOUT_S = 15.0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line.

    Attributes:
        number: Counts the lines of all peers since the start.
        node_id: Id of the peer.
        mine: Whether this node wrote the line.
        at: Time when it was sent or received, by this node's clock, epoch seconds.
        text: Plain text.
    """

    number: int
    node_id: str
    mine: bool
    at: float
    text: str


class _Conversation:
    """The last lines with one peer."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque()
        self.bytes = 0
        self.seen = 0
        self.limit = RateLimit(1.0, BURST)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.bytes += len(line.text.encode())
        while len(self.lines) > MAX_LINES or self.bytes > MAX_BYTES:
            self.bytes -= len(self.lines.popleft().text.encode())

    @property
    def unread(self) -> int:
        """Number of lines from the peer that nobody has read."""
        return sum(not line.mine and line.number > self.seen for line in self.lines)


class Chats:
    """The conversations of one node with its trusted peers, as long as it runs.

    Args:
        hub: The node; it must not be started yet.
        clock: Time.

    Attributes:
        on_change: Called when a line was received, sent or read.
    """

    def __init__(self, hub: PeerHub, clock: Clock | None = None) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._hub = hub
        self._clock = clock or Clock()
        self._chats: dict[str, _Conversation] = {}
        self._count = 0
        hub.add_capability(CAPABILITY)
        hub.on(TYPE, self._take)
        hub.on(ORIGINAL_TYPE, self._take_original)
        hub.subscribe(self._on_hub_event)

    async def send(self, node_id: str, text: str) -> Line:
        """Send a line to a connected peer; returns after the peer has confirmed it.

        Raises:
            BadRequestError, TooLargeError: The text cannot be sent.
            BlockedError, NotTrustedError: The peer is blocked or not trusted.
            NotConnectedError: The peer is not connected.
            UnsupportedError: Its version has no chat.
            BusyError: This node has sent too many lines in a short time.
            LinkError: The link was lost; the line may have arrived.
        """
        said = check_text(text)
        peer = self._hub.peer(node_id)
        if peer.blocked:
            raise BlockedError(phrase("{peer} is blocked here", peer=peer.label))
        if not self._hub.is_peer(node_id):
            raise NotTrustedError(
                phrase("{peer} is not paired with this node", peer=peer.label),
                hint="pair with it by an invite",
            )
        if peer.status != "connected":
            raise NotConnectedError(phrase("{peer} is not connected", peer=peer.label))
        if CAPABILITY not in peer.capabilities:
            raise UnsupportedError(
                phrase("{peer} has no chat", peer=peer.label), hint="it has to update jupyter-peer"
            )
        await self._hub.request(
            node_id, TYPE, {"text": said}, timeout=ANSWER_TIMEOUT_S, stream=TYPE
        )
        line = self._add(node_id, said, mine=True)
        self.mark_seen(node_id)  # a user who answers has read the lines
        return line

    def lines(self, node_id: str | None = None, limit: int = MAX_LINES) -> list[Line]:
        """Return the newest lines with one peer, or with all, oldest first."""
        chosen = self._chats.values() if node_id is None else [self._of(node_id)]
        every = sorted(
            (line for chat in chosen for line in chat.lines), key=lambda line: line.number
        )
        return every[-limit:]

    def unread(self) -> dict[str, int]:
        """Return the number of unread lines of each peer."""
        return {node_id: chat.unread for node_id, chat in self._chats.items() if chat.unread}

    def mark_seen(self, node_id: str) -> None:
        """Mark all lines of a peer as read."""
        chat = self._of(node_id)
        had_unread = chat.unread > 0
        chat.seen = self._count
        if had_unread:
            self.on_change()

    def _take(self, message: Message) -> None:
        self._receive(message)
        message.reply(TYPE, {})

    def _take_original(self, message: Message) -> None:
        self._hub.check_original(message)
        self._receive(message)

    def _receive(self, message: Message) -> None:
        node_id = message.peer_id
        if not self._hub.is_peer(node_id):
            raise NotTrustedError
        text = read_chat(message.data)
        if not self._open(node_id).limit.allows(self._clock.monotonic()):
            raise BusyError("too many messages in a short time", hint="wait some seconds")
        self._add(node_id, text, mine=False)

    def _add(self, node_id: str, text: str, *, mine: bool) -> Line:
        self._count += 1
        line = Line(
            number=self._count, node_id=node_id, mine=mine, at=self._clock.time(), text=text
        )
        chat = self._open(node_id)
        chat.add(line)
        # moved to the end, so that the first conversation is the least recently used one
        self._chats[node_id] = self._chats.pop(node_id)
        self.on_change()
        return line

    def _of(self, node_id: str) -> _Conversation:
        return self._chats.get(node_id) or _Conversation()

    def _open(self, node_id: str) -> _Conversation:
        chat = self._chats.get(node_id)
        if chat is None:
            if len(self._chats) >= MAX_CHATS:
                del self._chats[next(iter(self._chats))]
            chat = self._chats[node_id] = _Conversation()
        return chat

    def _on_hub_event(self, event: HubEvent) -> None:
        if event.kind == "forgotten" and self._chats.pop(event.node_id, None) is not None:
            self.on_change()
