"""Nodes in the partner's process, each behind a relay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .answers import Answers
from .hub_link import HubLink
from .node import PATIENCE_S, Node, start_node

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub
    from jupyter_peer.hub.message import Message

COME = "bench_come"


class Guests:
    """The partner's side.

    Args:
        folder: Folder for their stores.
        control: The hub that receives the requests for them.
    """

    def __init__(self, folder: Path, control: PeerHub) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        self._count = 0
        control.on(COME, self._on_come)

    async def _on_come(self, message: Message) -> None:
        """Start a node at a relay and answer with an invite to it."""
        self._count += 1
        node = await start_node(
            self._folder,
            f"guest-{self._count}",
            sealed=message.data["sealed"],
            relay_url=message.data["relay_url"],
        )
        self._nodes.append(node)
        Answers(node.hub)
        message.reply(COME, {"invite": node.invite()})

    async def close(self) -> None:
        """Close them."""
        for node in self._nodes:
            await node.close()


async def invite_guest(
    node: Node, control: HubLink, *, sealed: bool, relay_url: str | None
) -> HubLink:
    """Have the partner start a node at a relay, pair with it and return the link.

    Args:
        node: The measuring node, at a relay of the same cluster.
        control: The link to the partner.
        sealed: Whether the guest's links are sealed.
        relay_url: The guest's relay.
    """
    answer = await control.hub.request(
        control.peer_id, COME, {"sealed": sealed, "relay_url": relay_url}, timeout=PATIENCE_S
    )
    peer = await node.hub.pair(answer.data["invite"])
    return HubLink(node.hub, peer.node_id)
