"""The limits of a relay: for one node, and in total."""

from __future__ import annotations

import msgspec

from ...primitives.rate_limit import RateLimit

KIB = 1024
MIB = 1024 * KIB


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """All limits of one relay program; sizes in bytes, times in seconds.

    Attributes:
        max_nodes: Registered nodes at once.
        max_unproven: Connections at once that have not proven their id yet.
        proof_s: Time to prove it.
        idle_s: A connection that is silent this long is pinged, and dropped after twice as long.
        max_frame: Largest frame of a node, its header included.
        rate: Bytes a node may send in a second; 0 for no limit.
        frame_rate: Frames a node may send in a second; 0 for no limit.
        burst_s: Seconds' worth of either rate that a node may use at once after a pause.
        max_links: Links to one slow node whose frames wait. Only a node that invents links reaches
            this limit.
        max_link_queue: Waiting frames of one link. More than the window of a link, so a link of
            well-behaved nodes never meets it.
        max_node_queue: Waiting frames of all links to one slow node.
        max_queued: Waiting frames in total; above it the longest queue is dropped.
        hold_s: Time that frames are held for an absent node.
        hold_node: Bytes held for one absent node.
        hold_sender: Bytes held of one sender, so that nobody can fill the whole store.
        hold_all: Bytes held in total.
        max_guests_of_node: Browsers at once that have opened guest links of one node.
        max_guests_of_address: Browsers at once that come from one IP address.
        max_group_members: Nodes in one group; 0 for no groups.
        max_groups_of_node: Groups of one owner, and groups that one node has joined.
        max_groups: Groups in all.
        max_memberships: Members of all groups together.
        max_group_queue: Waiting bytes of a link above which its node misses frames of groups. The
            node notices, and asks their owner.
        drain_s: Time to send what is queued when the program ends.
    """

    max_nodes: int = 10_000
    max_unproven: int = 1_024
    proof_s: float = 10.0
    idle_s: float = 30.0
    max_frame: int = 512 * KIB
    rate: int = 0
    frame_rate: int = 0
    burst_s: float = 4.0
    max_links: int = 1024
    max_link_queue: int = 8 * MIB
    max_node_queue: int = 32 * MIB
    max_queued: int = 256 * MIB
    hold_s: float = 30.0
    hold_node: int = MIB
    hold_sender: int = 4 * MIB
    hold_all: int = 64 * MIB
    max_guests_of_node: int = 256
    max_guests_of_address: int = 256
    max_group_members: int = 256
    max_groups_of_node: int = 64
    max_groups: int = 1024
    max_memberships: int = 32_768
    max_group_queue: int = MIB
    drain_s: float = 5.0


class NodeRate:
    """Limits the bytes and the frames of one node."""

    __slots__ = ("_bytes", "_frames")

    def __init__(self, limits: Limits) -> None:
        self._bytes = _limit(limits.rate, limits.burst_s)
        self._frames = _limit(limits.frame_rate, limits.burst_s)

    @staticmethod
    def is_limited(limits: Limits) -> bool:
        """Return whether either rate is limited."""
        return bool(limits.rate or limits.frame_rate)

    def take(self, size: int, frames: int, now: float) -> float:
        """Return the seconds to wait before the next read from this node."""
        wait = self._bytes.charge(now, size) if self._bytes else 0.0
        return max(wait, self._frames.charge(now, frames) if self._frames else 0.0)


def _limit(rate: int, burst_s: float) -> RateLimit | None:
    return RateLimit(rate, rate * burst_s) if rate else None
