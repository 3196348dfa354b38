"""A link between two hubs with the same methods as the raw WebSocket it is measured beside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .answers import COUNT, ECHO, LATE, LATENESS, TOTAL
from .node import PATIENCE_S

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub

#: Up to here a payload is text in the message's JSON, as panes and chat send it; over it, a buffer.
MAX_TEXT = 1024
#: Sent in one turn of the loop at most.
_BURST_MESSAGES, _BURST_BYTES = 256, 256 * 1024


class HubLink:
    """The measuring end of a link to a partner's node.

    Args:
        hub: The own node.
        peer_id: The partner's, connected.
    """

    def __init__(self, hub: PeerHub, peer_id: str) -> None:
        self.hub = hub
        self.peer_id = peer_id

    async def echo(self, payload: bytes) -> None:
        """Send a payload and wait until it is back.

        Raises:
            PeerError: It never comes.
        """
        data, buffers = _content(payload)
        await self.hub.request(self.peer_id, ECHO, data, buffers, timeout=PATIENCE_S)

    async def flood(self, payload: bytes, count: int) -> None:
        """Send a payload many times and wait until the other side has counted them all.

        Raises:
            PeerError: It has not.
        """
        data, buffers = _content(payload)
        burst = max(1, min(_BURST_MESSAGES, _BURST_BYTES // len(payload)))
        for number in range(count):
            self.hub.send(self.peer_id, COUNT, data, buffers)
            if number % burst == burst - 1:
                await self.drained()
        await self.received(count)

    async def received(self, count: int) -> None:
        """Wait until the other side has counted as many messages, and let it begin anew.

        Raises:
            PeerError: It has not.
        """
        await self.hub.request(self.peer_id, TOTAL, {"expect": count}, timeout=PATIENCE_S)

    async def drained(self) -> None:
        """Wait until little waits to be sent."""
        drained = asyncio.Event()
        self.hub.on_drain(self.peer_id, drained.set)
        await drained.wait()

    async def lateness(self, seconds: float, every_s: float) -> list[float]:
        """Send a small message in even steps; return how late each was at the other's handler."""
        end = time.monotonic() + seconds
        text = "x" * 200
        while (now := time.monotonic()) < end:
            self.hub.send(self.peer_id, LATE, {"sent": now, "text": text}, stream="pane")
            await asyncio.sleep(every_s)
        answer = await self.hub.request(
            self.peer_id, LATENESS, {}, timeout=PATIENCE_S, stream="pane"
        )
        late_s: list[float] = answer.data["late_s"]
        return late_s

    async def connect(self) -> float:
        """End the link, dial anew and return the seconds until the other has let this node in."""
        await self.hub.disconnect(self.peer_id)
        begun = time.perf_counter()
        await self.hub.connect(self.peer_id)
        took = time.perf_counter() - begun
        await self.echo(b"settled")
        return took


def _content(payload: bytes) -> tuple[dict[str, Any], Sequence[bytes]]:
    return ({"text": payload.decode("ascii")}, ()) if len(payload) <= MAX_TEXT else ({}, (payload,))
