"""The groups of one pane: viewers behind one relay get each update in one copy (SPEC section 4.4).

A group pays from a few viewers on. Viewers whose path has no relay in common, and those that are not
as far as the others, get their updates over their own links, as without groups.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from ...hub.groups.group import Group
from ...hub.groups.groups import CAPABILITY
from ...hub.hub import PeerHub
from ...primitives.backoff import Backoff
from ...transports.base import GroupDoor
from ..state import PaneCursor

#: Viewers behind one relay for whom a group is opened. It ends with fewer than half of them.
MIN_MEMBERS = 4
#: After this long without a further update all members are told how far they should be.
CHECK_S = 1.0
_FIRST_PAUSE_S = 2.0
_LAST_PAUSE_S = 60.0


class Follower(Protocol):
    """A viewer, as groups see it."""

    node_id: str
    cursor: PaneCursor
    can: frozenset[str]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way to it by its own link."""


class _Kind(NamedTuple):
    """What members of one group have in common: the path, and what they understand."""

    door: GroupDoor
    can: frozenset[str]


class PaneGroups:
    """Groups of the viewers of one pane.

    Args:
        hub: The node.
        changed: Called when viewers may be served again.
        check: Called with the ids of members that are to be told how far they should be.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        hub: PeerHub,
        changed: Callable[[], None],
        check: Callable[[set[str]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._hub = hub
        self._changed = changed
        self._check = check
        self._groups: dict[_Kind, Group] = {}
        self._pauses: dict[str, Backoff] = {}
        self._not_before: dict[str, float] = {}
        self._is_waiting = False
        self._check_timer: asyncio.TimerHandle | None = None
        self._retry_timer: asyncio.TimerHandle | None = None

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._groups.values()))

    def recruit(self, viewers: Iterable[Follower]) -> None:
        """Invite viewers to whom a group pays, and end groups that do not pay any more."""
        by_kind: dict[_Kind, list[Follower]] = {}
        for viewer in viewers:
            door = self._hub.groups.door_of(viewer.node_id) if CAPABILITY in viewer.can else None
            if door is not None:
                by_kind.setdefault(_Kind(door, viewer.can), []).append(viewer)
        for kind in [each for each in self._groups if len(by_kind.get(each, ())) < MIN_MEMBERS / 2]:
            self._end(kind)
        for kind, some in by_kind.items():
            if kind not in self._groups and len(some) >= MIN_MEMBERS:
                self._groups[kind] = self._hub.groups.open(kind.door)
            group = self._groups.get(kind)
            if group is not None:
                self._invite(group, some)

    def _invite(self, group: Group, viewers: Iterable[Follower]) -> None:
        now = self._clock()
        for viewer in viewers:
            if not viewer.is_settled or group.is_invited(viewer.node_id):
                continue
            left = self._not_before.get(viewer.node_id, now) - now
            if left > 0:
                self._go_on_after(left)
            else:
                group.invite(viewer.node_id)

    def drop(self, node_id: str) -> None:
        """Take out a viewer that may not see the pane any more, or does not look any more."""
        self._pauses.pop(node_id, None)
        self._not_before.pop(node_id, None)
        self._remove(node_id)

    def fell_behind(self, node_id: str) -> None:
        """Let a viewer that asks for what it has missed go on with its own link, for a while."""
        if self._remove(node_id):
            pauses = self._pauses.setdefault(node_id, Backoff(_FIRST_PAUSE_S, _LAST_PAUSE_S))
            self._not_before[node_id] = self._clock() + pauses.next()

    def _remove(self, node_id: str) -> bool:
        was_invited = any(group.is_invited(node_id) for group in self._groups.values())
        for group in self._groups.values():
            group.remove(node_id)
        for kind in [each for each, group in self._groups.items() if not len(group)]:
            self._end(kind)
        return was_invited

    def is_full(self, viewer: Follower) -> bool:
        """Return whether a viewer has to wait, since earlier updates of its group do."""
        for kind, group in self._groups.items():
            if kind.door.is_backed_up and group.is_invited(viewer.node_id):
                self._wait_for(kind.door)
                return True
        return False

    def _go_on_after(self, seconds: float) -> None:
        if self._retry_timer is None:
            loop = asyncio.get_running_loop()
            self._retry_timer = loop.call_later(seconds, self._retry)

    def _retry(self) -> None:
        self._retry_timer = None
        self._changed()

    def _wait_for(self, door: GroupDoor) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            door.on_writable(self._go_on)

    def _go_on(self) -> None:
        self._is_waiting = False
        self._changed()

    def sent(self, group: Group, members: Iterable[str]) -> None:
        """Note that a group was sent an update; a member that misses the last one hears of it."""
        for node_id in set(group.members).difference(members):
            group.remove(node_id)
        if self._check_timer is not None:
            self._check_timer.cancel()
        loop = asyncio.get_running_loop()
        self._check_timer = loop.call_later(CHECK_S, self._check_all)

    def _check_all(self) -> None:
        self._check_timer = None
        self._check({node_id for group in self._groups.values() for node_id in group.members})

    def close(self) -> None:
        """End all groups; may be called twice."""
        for kind in list(self._groups):
            self._end(kind)
        for timer in (self._check_timer, self._retry_timer):
            if timer is not None:
                timer.cancel()
        self._check_timer = self._retry_timer = None

    def _end(self, kind: _Kind) -> None:
        self._hub.groups.close(self._groups.pop(kind))
