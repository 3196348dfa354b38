"""A node in the partner's process that shares a pane of a kernel that says what it is told to."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import KernelGoneError
from ..panes.outputs import clean
from ..panes.publish import PanePublisher, SharePane
from ..panes.tap import TapListener, TapMessage
from .node import PATIENCE_S, Node, start_node

if TYPE_CHECKING:
    from ..hub.dispatch import Message
    from ..hub.hub import PeerHub

OWN, SPEAK = "bench_own", "bench_speak"
PANE = "speech"
_CELL = "cell"
#: The kernel speaks in such steps: a loop cannot sleep for a fraction of a millisecond.
_STEP_S = 0.005


class Speech:
    """An IOPub socket without a kernel behind it: everything from the tap on is real."""

    def __init__(self) -> None:
        self._listeners: list[TapListener] = []

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        """Add a listener; returns what removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def start(self) -> None:
        """Return at once."""

    def send(self, *message: Any) -> str:
        """Refuse: nobody interacts with it."""
        raise KernelGoneError

    def show(self, text: str) -> None:
        """Let the kernel clear the output and show a text."""
        self._say("clear_output", {"wait": True})
        self._say("display_data", {"data": {"text/plain": text}, "metadata": {}, "transient": {}})

    def _say(self, msg_type: str, content: dict[str, object]) -> None:
        cleaned = clean(msg_type, content)
        assert cleaned is not None
        for listener in list(self._listeners):
            if listener.wants(msg_type, _CELL):
                listener.on_message(TapMessage(msg_type, _CELL, cleaned))


class Owner:
    """The partner's side.

    Args:
        folder: Where its store goes.
        control: The hub over which the measuring process tells it what to do.
    """

    def __init__(self, folder: Path, control: PeerHub) -> None:
        self._folder = folder
        self._speech = Speech()
        self._sharing: dict[str | None, tuple[Node, PanePublisher]] = {}
        control.on(OWN, self._on_own)
        control.on(SPEAK, self._on_speak)

    async def _on_own(self, message: Message) -> None:
        """Start the node and answer with an invite; share the pane when somebody has used it."""
        relay_url, viewer = message.data["relay_url"], message.data["viewer"]
        if relay_url not in self._sharing:
            name = f"owner-{len(self._sharing)}"
            node = await start_node(self._folder, name, relay_url=relay_url)
            publisher = PanePublisher(node.hub, lambda kernel_id: self._speech)
            self._sharing[relay_url] = node, publisher
        node, publisher = self._sharing[relay_url]
        if viewer is not None:
            source = {"cell": _CELL}
            await publisher.share(SharePane(PANE, PANE, "kernel", source), with_=[viewer])
        invite = node.invite() if viewer is None else None
        message.reply(OWN, {"invite": invite, "node_id": node.id})

    async def _on_speak(self, message: Message) -> None:
        """Show so many texts a second; answer with when the last was and how memory grew."""
        seconds, rate = message.data["seconds"], message.data["rate"]
        padding = "x" * message.data["size"]
        begun = time.monotonic()
        said, last = 0, begun
        early = 0
        while (now := time.monotonic()) < begun + seconds:
            while said < (now - begun) * rate:
                said += 1
                last = time.monotonic()
                text = json.dumps({"number": said, "at": last, "padding": padding})
                self._speech.show(text)
            if not early and now > begun + seconds / 4:
                early = peak_memory()
            await asyncio.sleep(_STEP_S)
        grown = peak_memory() - (early or peak_memory())
        message.reply(SPEAK, {"said": said, "last": last, "grown": grown})

    async def close(self) -> None:
        """Close the nodes."""
        for node, publisher in self._sharing.values():
            await publisher.close()
            await node.close()


def peak_memory() -> int:
    """Return the most bytes of memory this process has ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Following:
    """The measuring side: a node that watches the owner's pane.

    Args:
        node: The viewer.
        control: Hub and partner's id by which the owner is told what to do.
        relay_url: Where both are reached; None for directly.

    Attributes:
        node: The viewer.
        owner_id: Whose pane it is.
        watcher: Its panes.
    """

    def __init__(
        self, node: Node, control: tuple[PeerHub, str], relay_url: str | None = None
    ) -> None:
        from ..panes.watch import PaneWatcher

        self.node = node
        self.owner_id = ""
        self.watcher = PaneWatcher(node.hub)
        self._control, self._partner_id = control
        self._relay_url = relay_url

    async def begin(self) -> None:
        """Pair with the owner and have the pane shared."""
        answer = await self._ask(OWN, {"viewer": None, "relay_url": self._relay_url})
        await self.node.hub.pair(answer["invite"])
        self.owner_id = answer["node_id"]
        await self._ask(OWN, {"viewer": self.node.id, "relay_url": self._relay_url})

    async def speak(self, seconds: float, rate: float, size: int) -> dict[str, Any]:
        """Let the owner's kernel show ``rate`` texts a second; see :class:`Owner`."""
        return await self._ask(SPEAK, {"seconds": seconds, "rate": rate, "size": size})

    async def _ask(self, kind: str, data: dict[str, object]) -> dict[str, Any]:
        answer = await self._control.request(self._partner_id, kind, data, timeout=PATIENCE_S)
        return answer.data

    async def close(self) -> None:
        """Close the viewer."""
        await self.watcher.close()
        await self.node.close()
