"""Connects with strangers that were found, where the trust policy wants that.

Under ``open-lan`` that is everybody in the local network, under ``directory`` whom it lists.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import PeerError
from ..primitives.pauses import pause_until
from ..trust.base import TrustPolicy
from .candidates import Candidates
from .clock import Clock
from .config import HubConfig
from .connect import Target
from .peers import PeerRegistry

log = logging.getLogger(__name__)

MAX_AT_ONCE = 4


class Greeter:
    """Dials found nodes that nobody else dials, with growing pauses.

    Of two nodes that find each other the one with the lower id dials first, so that two links do
    not close each other; the other one dials only when nothing has come of that.

    Args:
        own_id: This node.
        policy: Says which strangers are dialled.
        candidates: Who was found.
        peers: Who is known, connected, blocked or was let go.
        config: Pauses.
        clock: Time and jitter.
        dial: Connects.
    """

    def __init__(
        self,
        own_id: str,
        policy: TrustPolicy,
        candidates: Candidates,
        peers: PeerRegistry,
        config: HubConfig,
        clock: Clock,
        dial: Callable[[Target], Awaitable[object]],
    ) -> None:
        self._own_id = own_id
        self._policy = policy
        self._candidates = candidates
        self._peers = peers
        self._config = config
        self._clock = clock
        self._dial = dial
        self._due: dict[str, tuple[float, float]] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def look(self) -> None:
        """Look at who was found, now."""
        self._news.set()
        if self._task is None and not self._is_closing and self._wanted():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop dialling; may be called twice."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wanted(self) -> dict[str, list[str]]:
        """Return whom to dial and where."""
        wanted: dict[str, list[str]] = {}
        now = self._clock.time()
        for node in self._candidates.all():
            peer = self._peers.get(node.node_id)
            if peer is not None and (
                peer.record.trusted
                or peer.record.blocked
                or peer.is_connected()
                or not peer.is_wanted
                or not peer.is_resting
            ):
                continue

            def is_welcoming(source: str, node_id: str = node.node_id) -> bool:
                return self._policy.is_welcoming(source, node_id, now)

            where = self._candidates.addresses(node.node_id, is_welcoming)
            if where:
                wanted[node.node_id] = where
        return wanted

    async def _run(self) -> None:
        while not self._is_closing:
            self._news.clear()
            wanted = self._wanted()
            self._due = {node_id: due for node_id, due in self._due.items() if node_id in wanted}
            now = self._clock.monotonic()
            for node_id in wanted:
                if node_id not in self._due:
                    # the other one's turn first
                    pause = 0.0 if self._own_id < node_id else self._config.handshake_timeout_s / 2
                    self._due[node_id] = (now + pause, self._config.upgrade_s)
            ready = [node_id for node_id in wanted if self._due[node_id][0] <= now][:MAX_AT_ONCE]
            await asyncio.gather(*(self._greet(node_id, wanted[node_id]) for node_id in ready))
            if ready:
                continue
            next_due = min((at for at, _ in self._due.values()), default=now + 60.0)
            await pause_until(self._news, max(next_due - now, 0.0))

    async def _greet(self, node_id: str, addresses: list[str]) -> None:
        _, pause = self._due[node_id]
        try:
            await self._dial(Target(addresses=addresses, node_id=node_id))
        except PeerError as error:
            log.debug("%s was found, and does not want to connect: %s", node_id, error.code)
        again = self._clock.monotonic() + pause * self._clock.jitter()
        self._due[node_id] = (again, min(2 * pause, self._config.max_upgrade_s))
