"""Notices that this machine has come into another network: its addresses are not what they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ...primitives.owned_task import OwnedTask
from ...transports.lan.interfaces import Interfaces

log = logging.getLogger(__name__)

POLL_S = 3.0


class NetworkWatch:
    """Looks at the interfaces now and then, which costs less than a millisecond.

    Args:
        on_change: Called after a change; awaited before it is looked again.
        interfaces: Returns them; tests play changes of the network with it.
        poll_s: How often, in seconds.
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
        self._task = OwnedTask()

    def start(self) -> None:
        """Begin to look."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Stop looking; may be called twice."""
        await self._task.close()

    async def _run(self) -> None:
        before = self._look()
        while True:
            await asyncio.sleep(self._poll_s)
            now = self._look()
            if now is None or now == before:
                continue
            before = now
            log.info("the network has changed; links are tried anew")
            try:
                await self._on_change()
            except Exception:
                log.exception("what follows a change of the network failed")

    def _look(self) -> Interfaces | None:
        try:
            return self._interfaces()
        except OSError as error:
            log.debug("the network interfaces cannot be listed: %s", error)
            return None
