"""Looks for better paths to peers that are connected by a lesser one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from ..errors import PeerError
from ..primitives.pauses import pause_until
from ..transports.base import Transport
from .clock import Clock
from .config import HubConfig
from .connect import Target
from .peers import Peer, PeerRegistry

log = logging.getLogger(__name__)


class Upgrader:
    """Dials better addresses, with growing pauses, while the lesser link goes on.

    Args:
        config: Pauses.
        clock: Jitter.
        peers: Whom to look after.
        addresses: Returns where a peer may be dialled.
        dialable: Returns which transport dials which address.
        dial: Connects; the new link takes over from the one named in the target.
    """

    def __init__(
        self,
        config: HubConfig,
        clock: Clock,
        peers: PeerRegistry,
        *,
        addresses: Callable[[Peer], list[str]],
        dialable: Callable[[Sequence[str]], list[tuple[Transport, str]]],
        dial: Callable[[Target], Awaitable[object]],
    ) -> None:
        self._config = config
        self._clock = clock
        self._peers = peers
        self._addresses = addresses
        self._dialable = dialable
        self._dial = dial
        self._pauses: dict[str, tuple[float, float]] = {}
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._is_closing = False

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def look_again(self, node_id: str | None = None) -> None:
        """Try soon: the network has changed, or a peer has told of new addresses."""
        if node_id is None:
            self._pauses.clear()
        else:
            self._pauses.pop(node_id, None)
        self._changed.set()

    async def close(self) -> None:
        """Stop looking; may be called twice."""
        # Before Python 3.12 `wait_for` forgets a cancellation that comes with the event.
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._is_closing:
            await asyncio.gather(*(self._try(peer) for peer in self._peers if self._is_due(peer)))
            self._changed.clear()
            await pause_until(self._changed, self._config.upgrade_s)

    def _is_due(self, peer: Peer) -> bool:
        if not self._better(peer):
            return False
        due, _ = self._pauses.get(peer.node_id, (0.0, 0.0))
        return self._clock.monotonic() >= due

    def _better(self, peer: Peer) -> list[str]:
        session = peer.session
        if session is None or session.id is None or peer.is_moving():
            return []
        ways = self._dialable(self._addresses(peer))
        return [at for transport, at in ways if transport.priority < session.link.priority]

    async def _try(self, peer: Peer) -> None:
        _, pause = self._pauses.get(peer.node_id, (0.0, 0.0))
        pause = min(max(2 * pause, self._config.upgrade_s), self._config.max_upgrade_s)
        self._pauses[peer.node_id] = (
            self._clock.monotonic() + pause * self._clock.jitter(),
            pause,
        )
        target = Target(
            addresses=self._better(peer),
            node_id=peer.node_id,
            public_key=peer.record.public_key,
            replaces=peer.session_id(),
        )
        peer.dials += 1
        try:
            await self._dial(target)
        except PeerError as error:
            log.debug("%s: no better path: %s", peer.node_id, error.code)
        finally:
            peer.dials -= 1
