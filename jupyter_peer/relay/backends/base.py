"""The base of broker and lobby: where nodes are attached, and a table that all brokers share.

Above are :mod:`~jupyter_peer.relay.broker.broker` and :mod:`~jupyter_peer.relay.lobby.lobby`. They
do not know how many programs there are. Below is nothing, or a NATS server. One suite of tests runs
over both backends.

A node is *attached* to the broker to which it has last proven its id. The backend never sees frames
to a node that is attached here. Frames to a node that is attached nowhere wait in the broker that
received them (SPEC, *Absent nodes*).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...primitives.signal import Signal


class ConflictError(Exception):
    """Another broker changed the key meanwhile; read it again and decide again."""


class Entry(NamedTuple):
    """A value and the revision that a change of it must name."""

    value: bytes
    revision: int


# Key, value before, value after; a value is None if the key does not exist.
OnChange = Callable[[str, "bytes | None", "bytes | None"], None]


class Table(ABC):
    """Keys and values that are the same on all brokers, mirrored in the memory of each.

    A key consists of words of ``[A-Za-z0-9_-]`` with dots between them. Its first word is its kind
    (``node``, ``room``). A broker reads its own writes at once, and those of others a moment later.
    """

    def __init__(self) -> None:
        self._mirror: dict[str, Entry] = {}
        self._changed: Signal[[str, bytes | None, bytes | None]] = Signal("a change of the table")

    def get(self, key: str) -> Entry | None:
        """Return the value under a key with its revision; None if the key does not exist."""
        return self._mirror.get(key)

    def items(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return every key that starts with the prefix, with its entry."""
        return [item for item in self._mirror.items() if item[0].startswith(prefix)]

    def watch(self, callback: OnChange) -> None:
        """Call back at every change, whichever broker made it. Callbacks never block."""
        self._changed.connect(callback)

    @abstractmethod
    async def put(self, key: str, value: bytes) -> int:
        """Store a value and return its revision.

        Raises:
            UnreachableError: The server of the table does not answer.
        """

    @abstractmethod
    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Store a value if the key still has this revision (0: no such key); return the new one.

        Raises:
            ConflictError: It has another.
            UnreachableError: The server of the table does not answer.
        """

    @abstractmethod
    async def delete(self, key: str, revision: int) -> None:
        """Remove a key if it still has this revision.

        Raises:
            ConflictError: It has another.
            UnreachableError: The server of the table does not answer.
        """

    def _apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Apply a change to the mirror, unless the mirror is newer."""
        before = self._mirror.get(key)
        if before is not None and before.revision >= revision:
            return
        if value is None:
            self._mirror.pop(key, None)
        else:
            self._mirror[key] = Entry(value, revision)
        old = before.value if before is not None else None
        if old != value:
            self._changed.emit(key, old, value)


class Sink(Protocol):
    """The broker, as the backend below it sees it. No method blocks."""

    def deliver(self, frame: bytes) -> None:
        """Deliver a frame from another broker to its node."""

    def appeared(self, node: bytes) -> None:
        """Send a node the frames that are held for it: it is attached to another broker now."""

    def lost(self, frame: bytes) -> None:
        """End the link of a frame that no broker received: its node has moved or is away."""

    def moved(self, node: bytes) -> None:
        """Close the connection of a node that has proven its id to another broker."""


# Passes a message to a node of the lobby; returns False when the node has left.
Take = Callable[[str], bool]


class Backend(ABC):
    """Where the nodes of this and other brokers are.

    Attributes:
        name: Name in the log and on the health page.
        broker_id: Identifies this program among all that share the table.
        relay_id: Identifies the relay, once started. By it nodes recognise two URLs of one relay.
        table: Presence and rooms.
        has_groups: Whether every node that may join a group is at this broker: groups are known to
            their own broker alone.
    """

    has_groups = False
    name: str
    broker_id: str
    relay_id: str
    table: Table

    @abstractmethod
    async def start(self, sink: Sink) -> None:
        """Connect, and start to work.

        Raises:
            UnreachableError: The server of the backend does not answer.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close everything; may be called twice."""

    # For the broker.

    @abstractmethod
    async def attach(self, node: bytes) -> None:
        """Make this the node's broker.

        Raises:
            UnreachableError: The server of the backend does not answer.
        """

    @abstractmethod
    async def detach(self, node: bytes) -> None:
        """Record that the node's connection to this broker has ended; never raises."""

    @abstractmethod
    def is_elsewhere(self, node: bytes) -> bool:
        """Return whether the node is attached to another broker."""

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Send a frame to the broker of its node, in the order of the calls."""

    @property
    @abstractmethod
    def is_congested(self) -> bool:
        """Whether senders to nodes of other brokers should pause; see :meth:`until_drained`."""

    @abstractmethod
    async def until_drained(self) -> None:
        """Wait until the backend is no longer congested, or closed."""

    # For the lobby.

    @abstractmethod
    async def open_mailbox(self, node: str, take: Take) -> None:
        """Pass what any broker posts to a node to ``take``; a later mailbox replaces this one.

        Raises:
            UnreachableError: The server of the backend does not answer.
        """

    @abstractmethod
    async def close_mailbox(self, node: str, take: Take) -> None:
        """Close a mailbox, unless a later one has replaced it; never raises."""

    @abstractmethod
    async def post(self, node: str, text: str) -> bool:
        """Send a message to a node's mailbox, at any broker; return whether one received it."""

    @abstractmethod
    def is_broker_alive(self, broker_id: str) -> bool:
        """Return whether a broker was heard of lately; an unknown broker gets time to report."""

    @property
    @abstractmethod
    def is_healthy(self) -> bool:
        """Whether every server that it needs answers."""
