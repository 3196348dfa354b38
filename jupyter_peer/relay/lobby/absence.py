"""Removes nodes whose connection to the lobby broke, after a grace period."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from ...errors import UnknownRoomError
from .rooms import NodeRecord, Rooms

IsHere = Callable[[str, NodeRecord], bool]


class Absences:
    """Measures the grace period of each node whose connection broke.

    Every broker does so for all nodes, because the node's own broker may have ended too. The table
    lets only one broker succeed. Each broker counts from the moment when it noticed the absence, so
    their clocks need not agree.

    Args:
        rooms: Nodes and rooms.
        grace_s: Time that an absent node stays listed and in its rooms.
        is_here: Returns whether the connection that a record names still exists.
        monotonic: Seconds.
    """

    def __init__(
        self, rooms: Rooms, grace_s: float, is_here: IsHere, monotonic: Callable[[], float]
    ) -> None:
        self._rooms = rooms
        self._grace_s = grace_s
        self._is_here = is_here
        self._monotonic = monotonic
        self._seen: dict[str, tuple[str, float]] = {}

    async def mark(self, node_id: str, visit: str) -> None:
        """Show a node as away, if this was its newest visit.

        Raises:
            PeerError: The table cannot be changed.
        """

        def away(record: NodeRecord | None) -> NodeRecord | None:
            if record is None or record.visit != visit:
                return record
            return msgspec.structs.replace(record, away=True)

        await self._rooms.change_node(node_id, away)

    async def remove(self, node_id: str, visit: str) -> None:
        """Remove a node from the lobby and its rooms, if this was its newest visit.

        Raises:
            PeerError: The table cannot be changed.
        """

        def of_later_visit(record: NodeRecord | None) -> NodeRecord | None:
            return None if record is not None and record.visit == visit else record

        await self._rooms.change_node(node_id, of_later_visit)
        for room in self._rooms.of(node_id):
            with contextlib.suppress(UnknownRoomError):
                await self._rooms.take_out(
                    node_id, room.name, lambda: node_id not in self._rooms.nodes
                )

    async def sweep(self) -> None:
        """Find the nodes that are away, and remove those whose grace period is over.

        Raises:
            PeerError: The table cannot be changed; the next sweep does the rest.
        """
        now = self._monotonic()
        nodes = self._rooms.nodes
        in_rooms = {member for room in self._rooms.all() for member in room.members}
        # An interrupted removal leaves a member without a record.
        for node_id in [*nodes, *(in_rooms - nodes.keys())]:
            record = nodes.get(node_id)
            if record is not None and not record.away and self._is_here(node_id, record):
                self._seen.pop(node_id, None)
                continue
            visit = "" if record is None else record.visit
            seen = self._seen.get(node_id)
            if seen is None or seen[0] != visit:
                self._seen[node_id] = visit, now
                if record is not None and not record.away:
                    await self.mark(node_id, visit)
            elif now - seen[1] >= self._grace_s:
                await self.remove(node_id, visit)
                del self._seen[node_id]
        for node_id in self._seen.keys() - nodes.keys() - in_rooms:
            del self._seen[node_id]
