"""Detects when this machine changes networks, by its addresses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ...primitives.owned_task import OwnedTask
from ...transports.lan.interfaces import Interfaces

log = logging.getLogger(__name__)

POLL_S = 3.0


class NetworkWatch:
    """Lists the interfaces at intervals; listing takes less than a millisecond.

    Args:
        on_change: Awaited after each change, before the next listing.
        interfaces: Returns the interfaces; tests simulate changes with it.
        poll_s: Interval, in seconds.
    """

    def __init__(
        self,
        on_change: Callable[[], Awaitable[None]],
        *,
        interfaces: Callable[[], Interfaces] = Interfaces.now,
        poll_s: float = POLL_S,
    ) -> None:
        self._on_change = on_change
        self._interfaces = interfaces
        self._poll_s = poll_s
        self._task = OwnedTask("watching the networks of this machine")

    def start(self) -> None:
        """Start watching."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Stop watching; may be called twice."""
        await self._task.close()

    async def _run(self) -> None:
        before = self._look()
        while True:
            await asyncio.sleep(self._poll_s)
            now = self._look()
            if now is None or now == before:
                continue
            before = now
            log.info("the network has changed; dialling peers again")
            try:
                await self._on_change()
            except Exception:
                log.exception("handling a change of the network failed")

    def _look(self) -> Interfaces | None:
        try:
            return self._interfaces()
        except OSError as error:
            log.debug("the network interfaces cannot be listed: %s", error)
            return None
