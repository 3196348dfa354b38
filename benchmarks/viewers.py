"""Viewers without a page: nodes in the partner's process that watch one pane over a relay."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_peer.errors import PeerTimeoutError
from jupyter_peer.panes.viewer.watch import PaneWatcher, Watch

from .node import PATIENCE_S, Node, start_node

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub
    from jupyter_peer.hub.message import Message

WATCH, SEEN = "bench_watch", "bench_seen"
PANE = "class"
#: Viewers that come at once.
_TOGETHER = 8


class Viewers:
    """The partner's side: it notes the age of each update at the moment a page would receive it.

    Args:
        folder: Folder for their stores.
        control: The hub that receives the requests of the measuring process.
    """

    def __init__(self, folder: Path, control: PeerHub) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        self._watchers: list[PaneWatcher] = []
        self._newest: dict[int, int] = {}
        self._ages_s: list[float] = []
        self._more = asyncio.Event()
        control.on(WATCH, self._on_watch)
        control.on(SEEN, self._on_seen)

    async def _on_watch(self, message: Message) -> None:
        """Start a viewer for each invite, which opens the pane of the node that made it."""
        invites: list[str] = message.data["invites"]
        for at in range(0, len(invites), _TOGETHER):
            await asyncio.gather(*(self._add(invite) for invite in invites[at : at + _TOGETHER]))
        message.reply(WATCH, {})

    async def _add(self, invite: str) -> None:
        number = len(self._nodes)
        node = await start_node(self._folder, f"viewer-{id(invite)}-{number}", dials_relay=True)
        self._nodes.append(node)
        watcher = PaneWatcher(node.hub)
        self._watchers.append(watcher)
        owner = await node.hub.pair(invite)
        offered = asyncio.Event()
        stop = watcher.subscribe(offered.set)
        async with asyncio.timeout(PATIENCE_S):
            while not watcher.offered():
                offered.clear()
                await offered.wait()
        stop()
        watch = await watcher.open(owner.node_id, PANE)
        watch.subscribe(lambda: self._note(number, watch))

    def _note(self, viewer: int, watch: Watch) -> None:
        (output,) = watch.state.outputs.outputs
        newest = json.loads(output["data"]["text/plain"])
        if newest["number"] > self._newest.get(viewer, 0):
            self._newest[viewer] = newest["number"]
            self._ages_s.append(time.monotonic() - newest["at"])
            self._more.set()

    async def _on_seen(self, message: Message) -> None:
        """Answer when all viewers show an update, with the ages of all updates until then."""
        deadline = time.monotonic() + PATIENCE_S
        number, count = message.data["number"], len(self._nodes)
        while sum(seen >= number for seen in self._newest.values()) < count:
            self._more.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._more.wait()
            except TimeoutError:
                raise PeerTimeoutError("some viewers did not receive the update") from None
        ages, self._ages_s = self._ages_s, []
        message.reply(SEEN, {"ages_s": ages})

    async def close(self) -> None:
        """Close all viewers."""
        for watcher in self._watchers:
            await watcher.close()
        for node in self._nodes:
            await node.close()
