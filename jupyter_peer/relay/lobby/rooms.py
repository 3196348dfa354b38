"""The nodes and rooms of a lobby: records in the table that all brokers share.

A change is applied to the newest record, and retried if another broker was quicker. So brokers
never undo each other's changes. Above is :mod:`.lobby`, which decides who may change what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from ...errors import BusyError, UnknownRoomError
from ...primitives.backoff import Backoff
from ...wire.relay.lobby import JoinPolicy, NodeCard, RoomCard, RoomInfo, Visibility
from ..backends.base import ConflictError, Table

_NODE, _ROOM = "node.", "room."
MAX_TRIES = 8
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.64


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A node that has registered.

    Attributes:
        node_name: Name that the node announces.
        addresses: Addresses that the node claims.
        capabilities: Names of the features that the node claims to have.
        listed: Whether everybody may see the node.
        broker: Broker of its current or last connection.
        visit: Id of that connection.
        away: Whether the connection broke.
    """

    node_name: str
    addresses: list[str]
    capabilities: list[str]
    listed: bool
    broker: str
    visit: str
    away: bool = False

    def card(self, node_id: str, *, with_addresses: bool) -> NodeCard:
        """Return the node as others see it."""
        return NodeCard(
            node_id=node_id,
            node_name=self.node_name,
            capabilities=self.capabilities,
            addresses=self.addresses if with_addresses else [],
            away=self.away,
        )


class RoomRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A room; it ends when its last member leaves.

    Attributes:
        name: Name in the creator's spelling.
        visibility, join_policy, group: See :class:`~jupyter_peer.wire.relay.lobby.CreateRoom`.
        token_sha256: SHA-256 of its token, in hex.
        members: Node ids, in the order of their arrival.
    """

    name: str
    visibility: Visibility
    join_policy: JoinPolicy
    group: str | None = None
    token_sha256: str | None = None
    members: list[str] = []

    @property
    def key(self) -> str:
        """Key of the room in the table."""
        return room_key(self.name)

    def card(self) -> RoomCard:
        """Return the room as nodes that are not members see it."""
        return RoomCard(
            name=self.name,
            visibility=self.visibility,
            join_policy=self.join_policy,
            members=len(self.members),
        )


OnNode = Callable[[str, "NodeRecord | None", "NodeRecord | None"], None]
OnRoom = Callable[["RoomRecord | None", "RoomRecord | None"], None]


def room_key(name: str) -> str:
    """Return the table's key of a room, which is the same for all spellings of its name."""
    return name.casefold().encode("utf-8", "surrogatepass").hex()


class Rooms:
    """Nodes and rooms as this broker sees them.

    Args:
        table: Shared by all brokers.
        on_node: Called at each change of a node, with its id, its record before and after.
        on_room: Called at each change of a room, with its record before and after.

    Attributes:
        nodes: By node id.
    """

    def __init__(self, table: Table, on_node: OnNode, on_room: OnRoom) -> None:
        self._table = table
        self._on_node: OnNode = lambda *_: None
        self._on_room: OnRoom = lambda *_: None
        self.nodes: dict[str, NodeRecord] = {}
        self._rooms: dict[str, RoomRecord] = {}
        self._rooms_of: dict[str, set[str]] = {}
        for prefix in (_NODE, _ROOM):
            for key, entry in table.items(prefix):
                self._changed(key, None, entry.value)
        # Records from before are not reported as changes.
        self._on_node, self._on_room = on_node, on_room
        table.watch(self._changed)

    # Reading.

    def __len__(self) -> int:
        return len(self._rooms)

    def room(self, name: str) -> RoomRecord | None:
        """Return a room by its name."""
        return self._rooms.get(room_key(name))

    def all(self) -> Iterable[RoomRecord]:
        """Return all rooms."""
        return self._rooms.values()

    def of(self, node_id: str) -> list[RoomRecord]:
        """Return the rooms that a node is in, sorted by name."""
        rooms = [self._rooms[key] for key in self._rooms_of.get(node_id, ())]
        return sorted(rooms, key=lambda room: room.key)

    def fellows(self, node_id: str) -> set[str]:
        """Return the nodes that share a room with a node."""
        rooms = (self._rooms[key] for key in self._rooms_of.get(node_id, ()))
        return {member for room in rooms for member in room.members} - {node_id}

    def info(self, room: RoomRecord, id: int | None = None, token: str | None = None) -> RoomInfo:
        """Return a room as its members see it."""
        return RoomInfo(
            id=id,
            name=room.name,
            visibility=room.visibility,
            join_policy=room.join_policy,
            group=room.group,
            members=[self.member(node_id) for node_id in room.members],
            token=token,
        )

    def member(self, node_id: str) -> NodeCard:
        """Return a node as its fellow members see it."""
        record = self.nodes.get(node_id)
        if record is None:
            # Its record arrives a moment later from its broker, or was just removed.
            return NodeCard(node_id=node_id, away=True)
        return record.card(node_id, with_addresses=True)

    # Changing.

    async def change_node(
        self, node_id: str, change: Callable[[NodeRecord | None], NodeRecord | None]
    ) -> None:
        """Change a node's record; errors of ``change`` are raised.

        Raises:
            BusyError: Other brokers changed it at every try.
        """

        def changed(value: bytes | None) -> bytes | None:
            record = None if value is None else msgspec.json.decode(value, type=NodeRecord)
            new = change(record)
            return None if new is None else msgspec.json.encode(new)

        await self._change(_NODE + node_id, changed)

    async def change_room(
        self, name: str, change: Callable[[RoomRecord | None], RoomRecord | None]
    ) -> None:
        """Change a room; a room without members is deleted. Errors of ``change`` are raised.

        Raises:
            BusyError: Other brokers changed it at every try.
        """

        def changed(value: bytes | None) -> bytes | None:
            record = None if value is None else msgspec.json.decode(value, type=RoomRecord)
            new = change(record)
            return None if new is None or not new.members else msgspec.json.encode(new)

        await self._change(_ROOM + room_key(name), changed)

    async def take_out(
        self, node_id: str, name: str, is_over: Callable[[], bool] = lambda: True
    ) -> None:
        """Remove a node from a room, unless that is no longer wanted.

        Args:
            node_id: The node.
            name: Name of the room.
            is_over: Returns whether the removal is still wanted; called at every try.

        Raises:
            UnknownRoomError: The node is not in such a room.
            BusyError: As for :meth:`change_room`.
        """

        def without(room: RoomRecord | None) -> RoomRecord | None:
            if room is None or node_id not in room.members:
                raise UnknownRoomError(f"this node is not in a room {name!r}")
            if not is_over():
                return room
            rest = [member for member in room.members if member != node_id]
            return msgspec.structs.replace(room, members=rest)

        await self.change_room(name, without)

    async def _change(self, key: str, change: Callable[[bytes | None], bytes | None]) -> None:
        backoff = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        for _ in range(MAX_TRIES):
            entry = self._table.get(key)
            value = None if entry is None else entry.value
            new = change(value)
            if new == value:
                return
            try:
                if new is not None:
                    await self._table.update(key, new, 0 if entry is None else entry.revision)
                elif entry is not None:
                    await self._table.delete(key, entry.revision)
                return
            except ConflictError:
                # The other broker's change arrives here a moment later.
                await asyncio.sleep(backoff.next())
        raise BusyError("other brokers changed this at every attempt")

    # Following the table.

    def _changed(self, key: str, before: bytes | None, after: bytes | None) -> None:
        if key.startswith(_NODE):
            self._node_changed(key.removeprefix(_NODE), after)
        elif key.startswith(_ROOM):
            self._room_changed(key.removeprefix(_ROOM), after)

    def _node_changed(self, node_id: str, value: bytes | None) -> None:
        before = self.nodes.get(node_id)
        after = None if value is None else msgspec.json.decode(value, type=NodeRecord)
        if after is None:
            self.nodes.pop(node_id, None)
        else:
            self.nodes[node_id] = after
        self._on_node(node_id, before, after)

    def _room_changed(self, key: str, value: bytes | None) -> None:
        before = self._rooms.get(key)
        after = None if value is None else msgspec.json.decode(value, type=RoomRecord)
        if after is None:
            self._rooms.pop(key, None)
        else:
            self._rooms[key] = after
        was = set(before.members if before else ())
        now = set(after.members if after else ())
        for node_id in now - was:
            self._rooms_of.setdefault(node_id, set()).add(key)
        for node_id in was - now:
            rooms = self._rooms_of[node_id]
            rooms.discard(key)
            if not rooms:
                del self._rooms_of[node_id]
        self._on_room(before, after)
