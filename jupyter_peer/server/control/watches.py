"""The panes one control connection watches.

Each watch reads the pane's state at the pace of its client. At most two changes are sent without
an acknowledgement, and all that happens meanwhile becomes one change (conflation). So a slow page
gets the newest state late, never a growing queue.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ...control.fields import Done
from ...control.frames import Frame, encode_event
from ...control.rows import panes as rows
from ...errors import BusyError, LookupFailedError, MalformedError, NotWatchedError
from ...panes.owner.delivery import HEAVY
from ...panes.state import PaneCursor
from ...panes.viewer.watch import Watch
from ...phrase import phrase
from ...primitives import background
from ...wire.payloads.widgets import check_input
from ..call import Call, serves
from ..operations.operations import Operations

log = logging.getLogger(__name__)

MAX_WATCHES = 64
MAX_UNACKED = 2


class Watches:
    """The watches of one connection.

    Args:
        operations: The node.
        write: Sends a frame and returns when it is on its way.
        by_kernel: Whether the connection is a kernel's.
    """

    def __init__(
        self,
        operations: Operations,
        write: Callable[[Frame], Awaitable[None]],
        by_kernel: bool = False,
    ) -> None:
        self._operations = operations
        self._write = write
        self._by_kernel = by_kernel
        self._numbers = itertools.count(1)
        self._open: dict[int, _OpenWatch] = {}

    @serves(rows.OPEN)
    async def open(self, params: rows.OpenParams, call: Call) -> rows.OpenResult:
        """Begin to watch a pane.

        Raises:
            PeerError: There is no such pane, it is not granted, or its owner is offline.
            NotWatchedError: ``if_watched`` is set and no kernel watches the pane.
            BusyError: The connection watches too many panes.
        """
        if len(self._open) >= MAX_WATCHES:
            raise BusyError(
                "too many panes are watched on this connection",
                hint="close panes that nobody looks at",
            )
        node_id = self._operations.hub.find_peer(params.peer).node_id
        pane = (node_id, params.name)
        if params.if_watched and not self._operations.kernel_watches[pane]:
            raise NotWatchedError(
                phrase("no kernel of this server watches the pane '{name}'", name=params.name)
            )
        watch = await self._operations.watcher.open(*pane)
        number = next(self._numbers)
        opened = self._open[number] = _OpenWatch(number, watch, self._write, pane)
        if self._by_kernel:
            self._operations.kernel_watches[pane] += 1
        return rows.OpenResult(
            number,
            msgspec.convert(opened.info(), rows.PaneInfoModel),
            msgspec.convert(opened.first(), rows.PaneStateModel),
        )

    @serves(rows.ACK)
    async def ack(self, params: rows.AckParams, call: Call) -> Done:
        """Record what the client has applied; a watch that was closed meanwhile does not matter."""
        opened = self._open.get(params.watch)
        if opened is not None:
            opened.acknowledge(params.rev)
        return Done()

    @serves(rows.INPUT)
    async def input(self, params: rows.InputParams, call: Call) -> Done:
        """Change a widget of a watched pane.

        Raises:
            LookupFailedError: The connection has no such watch.
            PeerError: The owner refused it.
        """
        opened = self._open.get(params.watch)
        if opened is None:
            raise _no_watch(params.watch)
        check_input(params.message)
        await opened.watch.input(params.message, params.id)
        return Done()

    @serves(rows.PROVE)
    async def prove(self, params: rows.WatchParams, call: Call) -> rows.ProofResult:
        """Return a proof of what a watched pane shows.

        Raises:
            LookupFailedError: The connection has no such watch.
            PeerError: The owner cannot be asked, or refused it.
        """
        opened = self._open.get(params.watch)
        if opened is None:
            raise _no_watch(params.watch)
        return rows.ProofResult((await opened.watch.prove()).to_text())

    @serves(rows.MODULE)
    async def module(self, params: rows.ModuleParams, call: Call) -> rows.ModuleResult:
        """Return the code of a widget module, for the frame of a watched pane.

        Raises:
            LookupFailedError: The connection has no such watch.
            PeerError: The owner refuses, or cannot be reached.
        """
        opened = self._open.get(params.watch)
        if opened is None:
            raise _no_watch(params.watch)
        code = await opened.watch.module(params.module)
        return rows.ModuleResult(code.decode("utf-8", "replace"))

    @serves(rows.CLOSE)
    async def close_watch(self, params: rows.WatchParams, call: Call) -> Done:
        """End one watch.

        Raises:
            LookupFailedError: The connection has no such watch.
        """
        opened = self._open.pop(params.watch, None)
        if opened is None:
            raise _no_watch(params.watch)
        await self._end(opened)
        return Done()

    async def close(self) -> None:
        """End all watches; may be called twice."""
        opened, self._open = self._open, {}
        for watch in opened.values():
            await self._end(watch)

    async def _end(self, opened: _OpenWatch) -> None:
        if self._by_kernel:
            self._operations.kernel_watches[opened.pane] -= 1
        await opened.close()


class _OpenWatch:
    def __init__(
        self,
        number: int,
        watch: Watch,
        write: Callable[[Frame], Awaitable[None]],
        pane: tuple[str, str],
    ) -> None:
        self.watch = watch
        self.pane = pane
        self._number = number
        self._write = write
        self._cursor = PaneCursor(watch.state)
        self._unacked: deque[int] = deque()
        self._info: dict[str, Any] = watch.info
        self._changed = asyncio.Event()
        self._end = watch.subscribe(self._changed.set)
        self._telling = background.start(self._tell(), "telling a client of a pane")

    def info(self) -> dict[str, Any]:
        """Return the last reported facts about the pane besides its outputs."""
        return self._info

    def first(self) -> dict[str, Any]:
        """Return the state that later changes build on."""
        first = self._cursor.next()
        assert first is not None
        return first.data()

    def acknowledge(self, rev: int) -> None:
        """Record that the client has everything up to ``rev``."""
        # Not by size: a pane that is shared again counts from the beginning.
        if rev in self._unacked:
            while self._unacked.popleft() != rev:
                pass
            self._changed.set()

    async def _tell(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            event: dict[str, Any] = {"watch": self._number}
            weight = 0
            if len(self._unacked) < MAX_UNACKED and (change := self._cursor.next()) is not None:
                event |= change.data()
                weight = change.weight
                self._unacked.append(change.rev)
                # More may have happened than one change could carry.
                self._changed.set()
            if (info := self.watch.info) != self._info:
                self._info = event["info"] = info
            if len(event) > 1:
                try:
                    frame = await _encode(event, weight)
                except MalformedError:
                    log.exception("a change of a watched pane cannot be sent")
                else:
                    await self._write(frame)

    async def close(self) -> None:
        self._end()
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)
        await self.watch.close()


def _no_watch(number: int) -> LookupFailedError:
    return LookupFailedError(
        phrase("this connection has no watch {number}", number=number),
        hint="open the pane again to watch it",
    )


async def _encode(event: dict[str, Any], weight: int) -> Frame:
    """Return the frame of a change; one of many megabytes is hashed and joined in a thread."""
    if weight <= HEAVY:
        return encode_event("pane", event, weight)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, encode_event, "pane", event, weight)
