"""Many nodes in the partner's process, all connected to one node of the measuring process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_peer.errors import PeerTimeoutError

from .node import PATIENCE_S, Node, start_node

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub
    from jupyter_peer.hub.message import Message

GROW, ARRIVED, FAN = "bench_grow", "bench_arrived", "bench_fan"
#: Handshakes at once.
_TOGETHER = 8


class Crowd:
    """The partner's side: starts a node for each invite.

    Args:
        folder: Folder for their stores.
        control: The hub that receives the requests of the measuring process.
    """

    def __init__(self, folder: Path, control: PeerHub) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        self._count = 0
        self._arrivals: list[float] = []
        self._more = asyncio.Event()
        control.on(GROW, self._on_grow)
        control.on(ARRIVED, self._on_arrived)

    async def _on_grow(self, message: Message) -> None:
        """Start a node for each invite, which redeems it."""
        invites: list[str] = message.data["invites"]
        sealed: bool = message.data["sealed"]
        node_ids: list[str] = []
        for at in range(0, len(invites), _TOGETHER):
            some = invites[at : at + _TOGETHER]
            node_ids += await asyncio.gather(*(self._add(invite, sealed) for invite in some))
        message.reply(GROW, {"node_ids": node_ids})

    async def _add(self, invite: str, sealed: bool) -> str:
        self._count += 1
        node = await start_node(self._folder, f"crowd-{self._count}", sealed=sealed)
        self._nodes.append(node)
        node.hub.on(FAN, self._on_fan)
        await node.hub.pair(invite)
        return node.id

    def _on_fan(self, message: Message) -> None:
        self._arrivals.append(time.monotonic())
        self._more.set()

    async def _on_arrived(self, message: Message) -> None:
        """Answer when this number of messages has arrived, with the time of the last one."""
        deadline = time.monotonic() + PATIENCE_S
        while len(self._arrivals) < message.data["expect"]:
            self._more.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._more.wait()
            except TimeoutError:
                raise PeerTimeoutError("some nodes did not receive the message") from None
        last, self._arrivals = max(self._arrivals), []
        message.reply(ARRIVED, {"last": last})

    async def close(self) -> None:
        """Close all nodes."""
        for node in self._nodes:
            await node.close()


class Audience:
    """The measuring side of a crowd: it grows when more nodes are needed.

    Args:
        hub: The hub whose peers they are.
        control: The link for the requests.
        sealed: Whether their links are sealed.
    """

    def __init__(self, hub: PeerHub, control: tuple[PeerHub, str], sealed: bool) -> None:
        self._hub = hub
        self._control, self._partner_id = control
        self._sealed = sealed
        self._node_ids: list[str] = []

    async def of(self, count: int) -> list[str]:
        """Return the ids of this number of connected nodes."""
        missing = count - len(self._node_ids)
        if missing > 0:
            invites = [self._hub.invites.mint().text for _ in range(missing)]
            answer = await self._control.request(
                self._partner_id,
                GROW,
                {"invites": invites, "sealed": self._sealed},
                timeout=PATIENCE_S,
            )
            self._node_ids += answer.data["node_ids"]
        return self._node_ids[:count]

    async def arrived(self, count: int) -> float:
        """Wait until this number has received a message; return the time of the last one."""
        answer = await self._control.request(
            self._partner_id, ARRIVED, {"expect": count}, timeout=PATIENCE_S
        )
        last: float = answer.data["last"]
        return last

    def send_to_all(self, node_ids: Sequence[str], payload: bytes) -> None:
        """Send one message to many, as a pane's update goes to its viewers."""
        self._hub.send_many(node_ids, FAN, {}, (payload,))

    def send_to_each(self, node_ids: Sequence[str], payload: bytes) -> None:
        """Send each node the same data in a separate message."""
        for node_id in node_ids:
            self._hub.send(node_id, FAN, {}, (payload,))
