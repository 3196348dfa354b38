"""Handlers at the other side of a measured link: echo, count, record delays."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from jupyter_peer.errors import PeerTimeoutError

from .node import PATIENCE_S

if TYPE_CHECKING:
    from jupyter_peer.hub.hub import PeerHub
    from jupyter_peer.hub.message import Message

ECHO, COUNT, TOTAL = "bench_echo", "bench_count", "bench_total"
LATE, LATENESS = "bench_late", "bench_lateness"


class Answers:
    """Handlers of the messages that are measured.

    The hub has opened, verified and decoded every message before a handler runs.
    """

    def __init__(self, hub: PeerHub) -> None:
        self._count = 0
        self._more = asyncio.Event()
        self._late_s: list[float] = []
        hub.on(ECHO, self._on_echo)
        hub.on(COUNT, self._on_count)
        hub.on(TOTAL, self._on_total)
        hub.on(LATE, self._on_late)
        hub.on(LATENESS, self._on_lateness)

    def _on_echo(self, message: Message) -> None:
        data = dict(message.data)
        # The hub has just verified these hashes, so they need not be computed again.
        digests = data.pop("buffers", None)
        message.reply(ECHO, data, message.buffers, digests=digests)

    def _on_count(self, message: Message) -> None:
        self._count += 1
        self._more.set()

    async def _on_total(self, message: Message) -> None:
        """Answer when all messages of the asker have arrived."""
        deadline = time.monotonic() + PATIENCE_S
        while self._count < message.data["expect"]:
            self._more.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._more.wait()
            except TimeoutError:
                raise PeerTimeoutError("some messages did not arrive") from None
        count, self._count = self._count, 0
        message.reply(TOTAL, {"count": count})

    def _on_late(self, message: Message) -> None:
        # All processes of a machine share this clock.
        self._late_s.append(time.monotonic() - message.data["sent"])

    def _on_lateness(self, message: Message) -> None:
        late_s, self._late_s = self._late_s, []
        message.reply(LATENESS, {"late_s": late_s})
