"""Connects to strangers that discovery has found, if the trust policy asks for it.

Under ``open-lan`` these are all nodes in the local network, under ``directory`` its members.
"""

from __future__ import annotations

import asyncio
import logging

from ...errors import PeerError
from ...primitives import background
from ...primitives.backoff import Backoff
from ...primitives.pauses import pause_until
from ..links.connector import Target
from ..local_node import LocalNode
from .candidates import Candidates
from .registry import PeerRegistry

log = logging.getLogger(__name__)

MAX_AT_ONCE = 4


class AutoConnector:
    """Dials found nodes that are not peers, with growing pauses.

    Of two nodes that find each other, the one with the lower id dials first, so that their links do
    not close each other. The other one dials later if there is still no link.

    Args:
        local: This node, whose policy decides which strangers are dialled.
        candidates: The found nodes.
        peers: The known nodes: connected, blocked or disconnected by the user.
    """

    def __init__(self, local: LocalNode, candidates: Candidates, peers: PeerRegistry) -> None:
        self._local = local
        self._candidates = candidates
        self._peers = peers
        self._due: dict[str, tuple[float, Backoff]] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def look(self) -> None:
        """Check the found nodes now."""
        self._news.set()
        if self._task is None and not self._is_closing and self._wanted():
            self._task = background.start(self._run(), "dialling nodes that were found")

    async def close(self) -> None:
        """Stop dialling; may be called twice."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _wanted(self) -> dict[str, list[str]]:
        """Return the addresses of each node to dial, by its id."""
        wanted: dict[str, list[str]] = {}
        now = self._local.clock.time()
        for node in self._candidates.all():
            peer = self._peers.get(node.node_id)
            if peer is not None and (
                peer.record.trusted
                or peer.record.blocked
                or peer.is_connected()
                or not peer.dialling.is_wanted
                or not peer.dialling.is_resting
            ):
                continue

            def is_welcoming(source: str, node_id: str = node.node_id) -> bool:
                return self._local.policy.is_welcoming(source, node_id, now)

            where = self._candidates.addresses(node.node_id, is_welcoming)
            if where:
                wanted[node.node_id] = where
        return wanted

    async def _run(self) -> None:
        while not self._is_closing:
            self._news.clear()
            wanted = self._wanted()
            self._due = {node_id: due for node_id, due in self._due.items() if node_id in wanted}
            now = self._local.clock.monotonic()
            for node_id in wanted:
                if node_id not in self._due:
                    self._due[node_id] = (now + self._first_pause(node_id), self._backoff())
            ready = [node_id for node_id in wanted if self._due[node_id][0] <= now][:MAX_AT_ONCE]
            await asyncio.gather(*(self._connect(node_id, wanted[node_id]) for node_id in ready))
            if ready:
                continue
            next_due = min((at for at, _ in self._due.values()), default=now + 60.0)
            await pause_until(self._news, max(next_due - now, 0.0))

    def _first_pause(self, node_id: str) -> float:
        """Return 0 for the node that dials first; the other one waits."""
        is_first = self._local.node_id < node_id
        return 0.0 if is_first else self._local.config.handshake_timeout_s / 2

    def _backoff(self) -> Backoff:
        config = self._local.config
        return Backoff(config.upgrade_s, config.max_upgrade_s, self._local.clock.jitter)

    async def _connect(self, node_id: str, addresses: list[str]) -> None:
        _, backoff = self._due[node_id]
        try:
            await self._peers.dial(Target(addresses=addresses, node_id=node_id))
        except PeerError as error:
            log.debug("%s was found, and does not want to connect: %s", node_id, error.code)
        self._due[node_id] = (self._local.clock.monotonic() + backoff.next(), backoff)
