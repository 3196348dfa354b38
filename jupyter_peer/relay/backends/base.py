"""What broker and lobby stand on: where nodes are, and a table that all brokers share.

Above are :mod:`~jupyter_peer.relay.broker.broker` and :mod:`~jupyter_peer.relay.lobby.lobby`, which know nothing
of how many programs there are; below is nothing, or a NATS server. One suite of tests runs over
both backends.

A node is *attached* to the one broker it has proven its id to last. Frames to a node attached here
never come to the backend, and frames to a node that is attached nowhere wait in the broker that
took them (SPEC, *Absent nodes*).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...primitives.signal import Signal


class ConflictError(Exception):
    """Somebody else changed the key meanwhile; read it again and decide anew."""


class Entry(NamedTuple):
    """A value and the revision that a change of it must name."""

    value: bytes
    revision: int


# Key, value before, value after; None where there is none.
OnChange = Callable[[str, "bytes | None", "bytes | None"], None]


class Table(ABC):
    """Keys and values that are the same on all brokers, mirrored in the memory of each.

    A key is made of words of ``[A-Za-z0-9_-]`` with dots between them; its first word says whose it
    is (``node``, ``room``). What this broker writes it reads at once; what another writes comes a
    moment later.
    """

    def __init__(self) -> None:
        self._mirror: dict[str, Entry] = {}
        self._changed: Signal[[str, bytes | None, bytes | None]] = Signal("a change of the table")

    def get(self, key: str) -> Entry | None:
        """Return what is stored under a key."""
        return self._mirror.get(key)

    def items(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return every key that starts with the prefix, and what is stored under it."""
        return [item for item in self._mirror.items() if item[0].startswith(prefix)]

    def watch(self, callback: OnChange) -> None:
        """Tell of every change, whoever made it. Callbacks never block."""
        self._changed.connect(callback)

    @abstractmethod
    async def put(self, key: str, value: bytes) -> int:
        """Store a value and return its revision.

        Raises:
            UnreachableError: What the table stands on does not answer.
        """

    @abstractmethod
    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Store a value if the key still has this revision (0: is not there); return the new one.

        Raises:
            ConflictError: It has another.
            UnreachableError: What the table stands on does not answer.
        """

    @abstractmethod
    async def delete(self, key: str, revision: int) -> None:
        """Remove a key if it still has this revision.

        Raises:
            ConflictError: It has another.
            UnreachableError: What the table stands on does not answer.
        """

    def _apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a change over into the mirror; an older one than it has is no news."""
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
    """What a backend may ask of the broker above it. None of it blocks."""

    def deliver(self, frame: bytes) -> None:
        """Take a frame from another broker to its node."""

    def appeared(self, node: bytes) -> None:
        """A node is attached to another broker now: send it what is held for it."""

    def lost(self, frame: bytes) -> None:
        """Nobody took a frame: its node is not where it was last seen."""

    def moved(self, node: bytes) -> None:
        """A node that is attached here has proven its id to another broker."""


# A lobby's way to hand a message to a node; False when the node is gone.
Take = Callable[[str], bool]


class Backend(ABC):
    """Where the nodes of this and other brokers are.

    Attributes:
        name: For log and health page.
        broker_id: Names this program among all that share the table.
        relay_id: Names all of them, once started; nodes tell by it that two URLs lead to one relay.
        table: Presence and rooms.
    """

    name: str
    broker_id: str
    relay_id: str
    table: Table

    @abstractmethod
    async def start(self, sink: Sink) -> None:
        """Get ready.

        Raises:
            UnreachableError: What the backend stands on does not answer.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything. May be called twice."""

    # For the broker.

    @abstractmethod
    async def attach(self, node: bytes) -> None:
        """Make this the node's broker.

        Raises:
            UnreachableError: What the backend stands on does not answer.
        """

    @abstractmethod
    async def detach(self, node: bytes) -> None:
        """Note that the node's connection to this broker is gone; never raises."""

    @abstractmethod
    def is_elsewhere(self, node: bytes) -> bool:
        """Return whether the node is attached to another broker."""

    @abstractmethod
    def send(self, frame: bytes) -> None:
        """Take a frame to the broker its node is attached to, in the order of the calls."""

    @property
    @abstractmethod
    def is_congested(self) -> bool:
        """Whether who sends to nodes elsewhere should pause; see :meth:`until_drained`."""

    @abstractmethod
    async def until_drained(self) -> None:
        """Wait until the backend is no longer congested, or closed."""

    # For the lobby.

    @abstractmethod
    async def open_mailbox(self, node: str, take: Take) -> None:
        """Hand what any broker posts to a node to ``take``; a later mailbox of it takes over.

        Raises:
            UnreachableError: What the backend stands on does not answer.
        """

    @abstractmethod
    async def close_mailbox(self, node: str, take: Take) -> None:
        """End :meth:`open_mailbox` if it is still this one; never raises."""

    @abstractmethod
    async def post(self, node: str, text: str) -> bool:
        """Hand a message to a node through the broker it has its mailbox at; False if none took it."""

    @abstractmethod
    def is_broker_alive(self, broker_id: str) -> bool:
        """Return whether a broker was heard of lately; one never heard of before is given time."""

    @property
    @abstractmethod
    def is_healthy(self) -> bool:
        """Whether all it stands on answers."""
