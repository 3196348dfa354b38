"""The limits of a lobby: for one node, and in total."""

from __future__ import annotations

import msgspec

from ...wire.relay.lobby import CODE_LIFE_S, MAX_MEMBERS


class LobbyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """All limits of one lobby; sizes in bytes, times in seconds.

    Attributes:
        max_nodes: Nodes registered at once, at all brokers.
        max_queue: Bytes that may wait for one slow node.
        rate: Messages that a node may send in a second. One that reaches many nodes counts more.
        burst_s: Seconds' worth of this rate that a node may use at once after a pause.
        max_rooms: Rooms in total.
        max_rooms_of_node: Rooms one node may be in.
        max_members: Members of one room.
        max_codes_of_node: Mailboxes for codes that one node may have open.
        code_s: Lifetime of such a mailbox.
        grace_s: Time that a node whose connection broke stays listed and in its rooms.
        idle_s: A connection that is silent this long is pinged, and dropped after twice as long.
        sweep_s: Interval between checks for expired nodes.
    """

    max_nodes: int = 10_000
    max_queue: int = 4 * 1024 * 1024
    rate: float = 20.0
    burst_s: float = 10.0
    max_rooms: int = 2_000
    max_rooms_of_node: int = 32
    max_members: int = MAX_MEMBERS
    max_codes_of_node: int = 4
    code_s: float = CODE_LIFE_S
    grace_s: float = 30.0
    idle_s: float = 30.0
    sweep_s: float = 1.0
