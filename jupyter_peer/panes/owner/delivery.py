"""Sends each viewer of a pane the newest state, at the speed of the viewer's link.

A viewer gets its next step only if little waits for it in the hub. Until then it costs only its
position in the pane's history (conflation). Viewers at the same position get one message, which is
packed and signed once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...document.widgets import COMMS
from ...errors import LinkError, NotGrantedError, PeerError
from ...hub.groups.group import Group
from ...hub.groups.groups import CAPABILITY as GROUPS
from ...hub.hub import PeerHub
from ...hub.message import Message
from ...primitives.backoff import Backoff
from ...primitives.task_set import TaskSet
from ...wire.link.envelope import KEEPS_ORDER
from ...wire.relay.frames import MAX_GROUP_FRAME
from ..buffers import BufferCache, Packed, pack
from ..state import Delta, PaneCursor, PaneState
from .pane_groups import PaneGroups

log = logging.getLogger(__name__)

Json = dict[str, Any]

#: A viewer for whom more bytes wait gets nothing new until they are on their way.
LOW_WATER = 256 * 1024
#: Steps over this are packed in a thread.
HEAVY = 1024 * 1024
_FIRST_PAUSE_S = 0.05
_LAST_PAUSE_S = 1.0
BUFFERS, WIDGETS = "pane-buffers", "pane-widgets"


def stream_of(name: str) -> str:
    """Return the hub's stream that keeps the messages of a pane in order."""
    return f"pane/{name}"


class Viewer:
    """One peer that has a pane open.

    Attributes:
        cursor: Its position in the pane's history.
        can: Capabilities of its node: ``pane-buffers``, ``pane-widgets``, ``groups``,
            ``key-order``.
        reply_to: Its ``pane_open`` that waits for an answer.
        is_whole: Whether the answer must contain every long string.
        is_open: False after it may receive nothing more.
    """

    def __init__(self, node_id: str, cursor: PaneCursor, can: frozenset[str]) -> None:
        self.node_id = node_id
        self.cursor = cursor
        self.can = can
        self.reply_to: Message | None = None
        self.is_whole = False
        self.is_open = True
        self.is_busy = False
        self.is_waiting = False
        self.pauses = Backoff(_FIRST_PAUSE_S, _LAST_PAUSE_S)

    @property
    def is_due(self) -> bool:
        """Whether there is something to send."""
        return self.reply_to is not None or self.cursor.is_behind

    @property
    def is_settled(self) -> bool:
        """Whether nothing is under way to it by its own link."""
        return not (self.is_due or self.is_busy or self.is_waiting)


class Audience:
    """The viewers of one pane.

    Args:
        name: Name of the pane.
        delivery: Sends the steps.
        describe: Returns the fields of a ``pane_snapshot`` besides the state, for one viewer.

    Attributes:
        groups: The groups of viewers who share one copy of each step.
    """

    def __init__(self, name: str, delivery: Delivery, describe: Callable[[str], Json]) -> None:
        self.name = name
        self.viewers: dict[str, Viewer] = {}
        self.describe = describe
        self._delivery = delivery
        self._is_scheduled = False
        self.groups = delivery.groups_of(self)

    def admit(
        self, node_id: str, state: PaneState, *, epoch: str | None, rev: int | None
    ) -> Viewer:
        """Add a viewer, or let a viewer begin again at its revision."""
        cursor = PaneCursor(state, epoch=epoch, rev=rev)
        viewer = self.viewers.get(node_id)
        if viewer is None:
            viewer = Viewer(node_id, cursor, self._delivery.abilities(node_id))
            self.viewers[node_id] = viewer
        if epoch is not None:  # without one it begins anew, and misses nothing
            self.groups.fell_behind(node_id)
        viewer.cursor = cursor
        return viewer

    def drop(self, node_id: str) -> bool:
        """Remove a viewer; return whether it was there."""
        viewer = self.viewers.pop(node_id, None)
        self.groups.drop(node_id)
        if viewer is None:
            return False
        viewer.is_open = False
        if viewer.reply_to is not None:
            viewer.reply_to.fail(NotGrantedError("the pane was taken back"))
        return True

    def show(self, state: PaneState) -> None:
        """Continue with another state for all viewers."""
        for viewer in self.viewers.values():
            viewer.cursor = PaneCursor(state, epoch=viewer.cursor.epoch, rev=viewer.cursor.rev)
        self.changed()

    def changed(self) -> None:
        """Send the changes, after everything else in this turn of the loop."""
        if self.viewers and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_scheduled = False
        self._delivery.serve(self)


class Delivery:
    """Sends steps of panes to viewers.

    Args:
        hub: The node, which sends the messages.
    """

    def __init__(self, hub: PeerHub) -> None:
        self._hub = hub
        self._caches: dict[str, BufferCache] = {}
        self._tasks = TaskSet("an update of a pane")
        self._is_closed = False

    def abilities(self, node_id: str) -> frozenset[str]:
        """Return the capabilities of a viewer: strings by reference, widgets, groups, order of keys."""
        return frozenset((BUFFERS, WIDGETS, GROUPS, KEEPS_ORDER)).intersection(
            self._hub.capabilities_of(node_id)
        )

    def groups_of(self, audience: Audience) -> PaneGroups:
        """Return the groups of a pane's viewers, none yet."""
        return PaneGroups(
            self._hub, audience.changed, lambda node_ids: self._remind(audience, node_ids)
        )

    def forget_link(self, node_id: str) -> None:
        """Forget the strings that a peer keeps, because its next link starts without any."""
        self._caches.pop(node_id, None)

    async def close(self) -> None:
        """Stop sending; may be called twice."""
        self._is_closed = True
        await self._tasks.close()

    def serve(self, audience: Audience) -> None:
        """Send every viewer that is ready its next step."""
        groups: dict[tuple[str | None, int | None, frozenset[str]], list[Viewer]] = {}
        for viewer in list(audience.viewers.values()):
            if not self._is_ready(audience, viewer):
                continue
            if viewer.reply_to is not None:
                self._give(audience, [viewer], viewer.cursor.peek())
            else:
                cursor = viewer.cursor
                key = (cursor.epoch, cursor.rev, viewer.can)
                groups.setdefault(key, []).append(viewer)
        for viewers in groups.values():
            self._give(audience, viewers, viewers[0].cursor.peek())
        if not self._is_closed:
            audience.groups.recruit(audience.viewers.values())

    def _is_ready(self, audience: Audience, viewer: Viewer) -> bool:
        if self._is_closed or viewer.is_busy or viewer.is_waiting or not viewer.is_due:
            return False
        if audience.groups.is_full(viewer):
            return False
        if self._hub.queued(viewer.node_id) < LOW_WATER:
            return True
        viewer.is_waiting = True
        self._hub.on_drain(viewer.node_id, partial(self._go_on, audience, viewer))
        return False

    def _go_on(self, audience: Audience, viewer: Viewer) -> None:
        viewer.is_waiting = False
        if viewer.is_open and not self._is_closed:
            audience.changed()

    def _give(self, audience: Audience, viewers: list[Viewer], delta: Delta | None) -> None:
        cursors = [viewer.cursor for viewer in viewers]
        if delta is not None and delta.weight > HEAVY and BUFFERS in viewers[0].can:
            for viewer in viewers:
                viewer.is_busy = True
            self._tasks.start(self._give_heavy(audience, viewers, cursors, delta))
            return
        data = _step(viewers[0], delta)
        packed = pack(data) if BUFFERS in viewers[0].can else Packed(data, {})
        self._send(audience, viewers, delta, packed)

    async def _give_heavy(
        self,
        audience: Audience,
        viewers: list[Viewer],
        cursors: list[PaneCursor],
        delta: Delta,
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            packed = await loop.run_in_executor(None, pack, _step(viewers[0], delta))
            # Viewers that were removed or began again meanwhile do not get it.
            left = [
                viewer
                for viewer, cursor in zip(viewers, cursors, strict=True)
                if viewer.is_open and viewer.cursor is cursor
            ]
            self._send(audience, left, delta, packed)
        finally:
            for viewer in viewers:
                viewer.is_busy = False
            if not self._is_closed:
                audience.changed()

    def _send(
        self, audience: Audience, viewers: list[Viewer], delta: Delta | None, packed: Packed
    ) -> None:
        by_group = self._send_to_groups(audience, viewers, delta, packed)
        parts: dict[tuple[str, ...], list[Viewer]] = {}
        for viewer in viewers:
            if viewer.node_id in by_group:
                continue
            parts.setdefault(self._missing(viewer, packed), []).append(viewer)
        for names, group in parts.items():
            failed = self._post(audience, group, packed, names)
            for viewer in group:
                if viewer.node_id in failed:
                    self._try_later(audience, viewer)
                else:
                    self._sent(audience, viewer, delta, packed)

    def _send_to_groups(
        self, audience: Audience, viewers: list[Viewer], delta: Delta | None, packed: Packed
    ) -> set[str]:
        """Send to the groups of viewers who are equally far; return the ids of those who get it."""
        by_group: set[str] = set()
        if delta is None or not viewers or viewers[0].reply_to is not None:
            return by_group
        if delta.weight > MAX_GROUP_FRAME:
            return by_group  # not worth the encoding that would find it too large
        here = {viewer.node_id: viewer for viewer in viewers}
        for group in audience.groups:
            members = [here[node_id] for node_id in group.members if node_id in here]
            if members and self._send_to_group(audience, group, members, packed):
                for viewer in members:
                    by_group.add(viewer.node_id)
                    self._sent(audience, viewer, delta, packed)
        return by_group

    def _send_to_group(
        self, audience: Audience, group: Group, members: list[Viewer], packed: Packed
    ) -> bool:
        missing = {name for viewer in members for name in self._missing(viewer, packed)}
        names = sorted(missing)
        try:
            is_sent = group.send(
                "pane_update",
                {"pane": audience.name} | packed.data,
                [packed.blobs[name] for name in names],
                digests=names,
            )
        except PeerError as error:
            log.debug("pane %s: a step does not go by a group: %s", audience.name, error)
            return False
        if is_sent:
            audience.groups.sent(group, [viewer.node_id for viewer in members])
        return is_sent

    def _remind(self, audience: Audience, node_ids: set[str]) -> None:
        """Tell members of groups how far they should be: who has missed the last step asks for it."""
        equal: dict[tuple[str | None, int | None], list[Viewer]] = {}
        for viewer in audience.viewers.values():
            if viewer.node_id in node_ids:
                equal.setdefault((viewer.cursor.epoch, viewer.cursor.rev), []).append(viewer)
        for viewers in equal.values() if not self._is_closed else ():
            data = {"pane": audience.name} | _step(viewers[0], None)
            reached = [viewer.node_id for viewer in viewers]
            self._hub.send_many(reached, "pane_update", data, stream=stream_of(audience.name))

    def _missing(self, viewer: Viewer, packed: Packed) -> tuple[str, ...]:
        if viewer.reply_to is not None and viewer.is_whole:
            return tuple(sorted(packed.blobs))
        cache = self._caches.get(viewer.node_id, ())
        return tuple(name for name in sorted(packed.blobs) if name not in cache)

    def _post(
        self,
        audience: Audience,
        viewers: list[Viewer],
        packed: Packed,
        names: tuple[str, ...],
    ) -> Iterable[str]:
        """Send to viewers at the same position; return the ids of those for whom it failed."""
        buffers = [packed.blobs[name] for name in names]
        stream = stream_of(audience.name)
        data = {"pane": audience.name} | packed.data
        first = viewers[0]
        try:
            if first.reply_to is not None:
                data = audience.describe(first.node_id) | data
                first.reply_to.reply("pane_snapshot", data, buffers, digests=names, stream=stream)
                return ()
            node_ids = [viewer.node_id for viewer in viewers]
            if len(node_ids) == 1:
                # For a single viewer it needs no own signature: the hub signs all messages of one write.
                self._hub.send(
                    first.node_id, "pane_update", data, buffers, digests=names, stream=stream
                )
                return ()
            return self._hub.send_many(
                node_ids, "pane_update", data, buffers, digests=names, stream=stream
            )
        except LinkError:
            return [viewer.node_id for viewer in viewers]
        except PeerError as error:
            # It would fail the next time too; the viewer notices the gap.
            log.warning("pane %s: a step cannot be sent: %s", audience.name, error)
            if first.reply_to is not None:
                first.reply_to.fail(error)
            return ()

    def _sent(
        self, audience: Audience, viewer: Viewer, delta: Delta | None, packed: Packed
    ) -> None:
        if packed.blobs:
            sizes = {name: len(blob) for name, blob in packed.blobs.items()}
            self._caches.setdefault(viewer.node_id, BufferCache()).put(sizes)
        viewer.reply_to = None
        viewer.is_whole = False
        viewer.pauses.reset()
        if delta is not None:
            viewer.cursor.advance(delta)
        if viewer.cursor.is_behind:
            audience.changed()

    def _try_later(self, audience: Audience, viewer: Viewer) -> None:
        # A large step has no room while anything else waits. A disconnected peer is removed when
        # the hub reports it.
        viewer.is_waiting = True
        asyncio.get_running_loop().call_later(
            viewer.pauses.next(), partial(self._go_on, audience, viewer)
        )


def _step(viewer: Viewer, delta: Delta | None) -> Json:
    if delta is not None:
        data = delta.data()
        return data if WIDGETS in viewer.can else _without_widgets(data)
    cursor = viewer.cursor
    return {
        "epoch": cursor.epoch,
        "prev": cursor.rev,
        "rev": cursor.rev,
        "messages": [],
        "truncated": cursor.state.outputs.truncated,
    }


def _without_widgets(data: Json) -> Json:
    if "messages" not in data:
        return data | {"widgets": {}}
    return data | {"messages": [each for each in data["messages"] if each["msg_type"] not in COMMS]}
