"""The rooms that a node is in, as the lobby reports them; kept while the lobby is unreachable."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..errors import PeerError, from_wire
from ..wire.relay import lobby as wire


class JoinedRoom(msgspec.Struct, kw_only=True):
    """One room that the user has entered and not left.

    Attributes:
        name: The room's name.
        token: The token that admits a node, if the room needs one.
        made_by: The request that made the room, if this node made it. The node repeats it when the
            lobby was restarted and has forgotten the room.
        info: The lobby's last report; None while the node is not in the room.
        error: Why the room does not admit the node, or has put it out.
    """

    name: str
    token: str | None = None
    made_by: wire.CreateRoom | None = None
    info: wire.RoomInfo | None = None
    error: PeerError | None = None


class JoinedRooms:
    """All joined rooms by name; names that differ only in capitals are equal.

    Args:
        own_id: Id of this node.
    """

    def __init__(self, own_id: str) -> None:
        self._own_id = own_id
        self._rooms: dict[str, JoinedRoom] = {}

    def __iter__(self) -> Iterator[JoinedRoom]:
        return iter(sorted(self._rooms.values(), key=lambda room: room.name.casefold()))

    def __len__(self) -> int:
        return len(self._rooms)

    def get(self, name: str) -> JoinedRoom | None:
        """Return a room by its name."""
        return self._rooms.get(name.casefold())

    def put(self, room: JoinedRoom) -> None:
        """Add a room that the user has entered."""
        self._rooms[room.name.casefold()] = room

    def remove(self, name: str) -> JoinedRoom | None:
        """Remove a room that the user has left, and return it."""
        return self._rooms.pop(name.casefold(), None)

    def clear(self) -> None:
        """Remove all rooms."""
        self._rooms.clear()

    def fellows(self) -> dict[str, wire.NodeCard]:
        """Return the other nodes that share a room with this one, by node id."""
        return {
            member.node_id: member
            for room in self._rooms.values()
            if room.info is not None
            for member in room.info.members
            if member.node_id != self._own_id
        }

    def waiting(self) -> list[JoinedRoom]:
        """Return the rooms that the node still has to enter."""
        return [room for room in self if room.info is None and not _is_final(room.error)]

    def not_in(self, names: list[str]) -> None:
        """Mark every other room as not entered: the lobby has the node only in these."""
        kept = {name.casefold() for name in names}
        for key, room in self._rooms.items():
            if key not in kept:
                room.info = None

    def take(self, notice: wire.Notice) -> bool:
        """Apply a notice of the lobby; return whether it concerns one of these rooms."""
        if isinstance(notice, wire.RoomInfo):
            room = self.get(notice.name)
            if room is not None:
                members = [wire.printable(member) for member in notice.members]
                room.info = msgspec.structs.replace(notice, members=members, token=None)
                room.error = None
            return room is not None
        if isinstance(notice, wire.PeerJoining):
            return self._put_member(notice.room, wire.printable(notice.peer))
        if isinstance(notice, wire.PeerLeaving):
            return self._drop_member(notice.room, notice.node_id)
        if isinstance(notice, wire.Presence):
            changed = [self._update(wire.printable(card)) for card in notice.nodes]
            return any(changed)
        if isinstance(notice, wire.Left) and notice.room is not None:
            room = self.get(notice.room)
            if room is not None:
                room.info = None
                room.error = from_wire({"code": notice.reason}) if notice.reason else None
            return room is not None
        return False

    def _put_member(self, name: str, card: wire.NodeCard) -> bool:
        room = self.get(name)
        if room is None or room.info is None:
            return False
        rest = [member for member in room.info.members if member.node_id != card.node_id]
        if len(rest) >= wire.MAX_MEMBERS:
            return False
        room.info = msgspec.structs.replace(room.info, members=[*rest, card])
        return True

    def _drop_member(self, name: str, node_id: str) -> bool:
        room = self.get(name)
        if room is None or room.info is None:
            return False
        rest = [member for member in room.info.members if member.node_id != node_id]
        room.info = msgspec.structs.replace(room.info, members=rest)
        return True

    def _update(self, card: wire.NodeCard) -> bool:
        is_known = False
        for room in self._rooms.values():
            if room.info is not None and any(
                member.node_id == card.node_id for member in room.info.members
            ):
                is_known = True
                members = [
                    card if member.node_id == card.node_id else member
                    for member in room.info.members
                ]
                room.info = msgspec.structs.replace(room.info, members=members)
        return is_known


def _is_final(error: PeerError | None) -> bool:
    """Return whether a further attempt is useless, because the user has to act first."""
    return error is not None and error.code in ("room_refused", "not_enabled", "bad_name")
