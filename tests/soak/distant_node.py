"""A node in a process of its own, which a soak kills; what it has carried out is in a file.

Started as ``python -m tests.soak.distant_node FOLDER INVITE``; its first line is its node id.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.processes import until_stdin_ends
from jupyter_peer.errors import PeerError
from jupyter_peer.hub.message import Message
from jupyter_peer.transports.direct.direct import DirectTransport
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, running
from tests.peers.loopback import LoopbackNetwork
from tests.peers.nodes import Node
from tests.soak.load import AGENTS, PATIENCE_S, EchoingAgent
from tests.soak.numbered_pane import NAME, Viewing

JOURNAL = "journal"


class DistantNode:
    """Carries out what ada asks, and watches her pane.

    Args:
        folder: Of its store, its key and its journal.
    """

    def __init__(self, folder: Path) -> None:
        transports = [DirectTransport()]
        self.hub = make_hub(LoopbackNetwork(), folder, "eve", transports=transports)
        self._node = Node(self.hub, agents=AGENTS)
        # Unbuffered, so that a kill loses nothing that was written.
        self._journal = (folder / JOURNAL).open("ab", buffering=0)
        self._viewing: Viewing | None = None
        self._node.board.register(EchoingAgent(self._node, lambda n: self._note("question", n)))
        self.hub.on("carry_out", self._carry_out)

    async def start(self, invite: str) -> None:
        """Pair, when this is the first time, and watch the pane."""
        if not self.hub.peers():
            await self.hub.pair(invite)
        await until(self._watch, PATIENCE_S)

    async def _watch(self) -> bool:
        for offered in self._node.watcher.offered():
            try:
                watch = await self._node.watcher.open(offered["peer"]["node_id"], NAME)
            except PeerError:
                continue  # the link was cut once more
            self._viewing = Viewing(watch)
            return True
        return False

    def _note(self, kind: str, number: int) -> None:
        self._journal.write(f"{kind} {number}\n".encode())

    def _carry_out(self, message: Message) -> None:
        self._note("message", message.data["number"])
        viewing = self._viewing
        told = {
            "seen": viewing.seen if viewing else 0,
            "wrong": viewing.wrong if viewing else [],
            "tasks": len(asyncio.all_tasks()),
        }
        message.reply("carried_out", told)

    async def close(self) -> None:
        """End its panes and agents, and close the journal."""
        await self._node.close()
        self._journal.close()


async def _run(folder: Path, invite: str) -> None:
    node = DistantNode(folder)
    async with running(node.hub):
        await node.start(invite)
        sys.stdout.write(f"{node.hub.node_id}\n")
        sys.stdout.flush()
        await until_stdin_ends(node.close)


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), sys.argv[2]))
