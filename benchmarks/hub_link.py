"""A link between two hubs with the methods of the raw WebSocket, its baseline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .answers import COUNT, ECHO, LATE, LATENESS, TOTAL
from .node import PATIENCE_S

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub

#: Payloads up to this size are text in the JSON, as in panes and chat; larger ones are buffers.
MAX_TEXT = 1024
#: Most messages in one turn of the loop.
_BURST_MESSAGES, _BURST_BYTES = 256, 256 * 1024


class HubLink:
    """The measuring end of a link to a partner's node.

    Args:
        hub: The measuring node.
        peer_id: Id of the partner's connected node.
    """

    def __init__(self, hub: PeerHub, peer_id: str) -> None:
        self.hub = hub
        self.peer_id = peer_id

    async def echo(self, payload: bytes) -> None:
        """Send a payload and wait for its return.

        Raises:
            PeerError: The payload does not return.
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
        """Wait until the other side has counted all messages, and reset its count.

        Raises:
            PeerError: It has not.
        """
        await self.hub.request(self.peer_id, TOTAL, {"expect": count}, timeout=PATIENCE_S)

    async def drained(self) -> None:
        """Wait until the queue is almost empty."""
        drained = asyncio.Event()
        self.hub.on_drain(self.peer_id, drained.set)
        await drained.wait()

    async def lateness(self, seconds: float, every_s: float) -> list[float]:
        """Send small messages at even intervals; return the delay of each at the other's handler."""
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
        """Close the link, dial again, and return the seconds until the other side has accepted."""
        await self.hub.disconnect(self.peer_id)
        begun = time.perf_counter()
        await self.hub.connect(self.peer_id)
        took = time.perf_counter() - begun
        await self.echo(b"settled")
        return took


def _content(payload: bytes) -> tuple[dict[str, Any], Sequence[bytes]]:
    return ({"text": payload.decode("ascii")}, ()) if len(payload) <= MAX_TEXT else ({}, (payload,))
