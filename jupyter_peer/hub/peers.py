"""All peers of a node: what is known of each, its best link, and how a lost one comes back."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from ..errors import AmbiguousPeerError, PeerError, RefusedError, UnknownPeerError
from ..primitives.pauses import pause_until
from ..primitives.rate_limit import Pace
from ..store.records import PeerRecord
from .clock import Clock
from .config import HubConfig
from .session import Session

log = logging.getLogger(__name__)

# Each change of what a peer says of itself is a write to the disk.
_CHANGES_AT_ONCE = 16
_CHANGES_A_SECOND = 0.5


class PeerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One peer as others see it; times are epoch seconds.

    Attributes:
        transport, address: Of the live link, or None.
        status: ``connected``, ``connecting``, ``offline`` or ``blocked``.
        since: When the live link began.
        last_error: Why the last attempt to connect failed, ``{code, message, hint}``.
    """

    node_id: str
    node_name: str
    alias: str | None
    public_key: str
    transport: str | None
    address: str | None
    status: str
    trusted: bool
    blocked: bool
    sealed: bool | None
    last_seen: float | None
    rtt_ms: float | None
    since: float | None
    capabilities: list[str]
    addresses: list[str]
    origin: str
    last_error: dict[str, str] | None = None

    @property
    def label(self) -> str:
        """What to call it."""
        return self.alias or self.node_name or self.node_id


class Peer:
    """One known peer while the hub runs.

    Attributes:
        record: What the store has.
        session: Its live link.
        last_error: Why it is not connected.
        dials: Attempts of this side that are under way.
        pace: How often it may say something else of itself.
    """

    def __init__(self, record: PeerRecord) -> None:
        self.record = record
        self.session: Session | None = None
        self.last_error: PeerError | None = None
        self.attempts = 0
        self.dials = 0
        self.is_wanted = True
        self.retry: asyncio.Task[None] | None = None
        self.hurried_at = -math.inf
        self.wake = asyncio.Event()
        self.pace = Pace(_CHANGES_AT_ONCE, _CHANGES_A_SECOND)

    @property
    def node_id(self) -> str:
        """Its id."""
        return self.record.node_id

    @property
    def is_dialling(self) -> bool:
        """Whether this side is just dialling it."""
        return self.dials > 0

    @property
    def is_resting(self) -> bool:
        """Whether nothing dials it again and again."""
        return self.retry is None or self.retry.done()

    def status(self) -> str:
        """Return ``connected``, ``connecting``, ``offline`` or ``blocked``."""
        if self.record.blocked:
            return "blocked"
        if self.session is not None:
            return "connected"
        return "connecting" if self.is_dialling else "offline"

    def is_connected(self) -> bool:
        """Return whether there is a live link to it."""
        return self.session is not None

    def session_id(self) -> str | None:
        """Return what both sides call the session of the live link, if there is one."""
        return self.session.id if self.session is not None else None

    def is_moving(self) -> bool:
        """Return whether one link is just taking over from another."""
        session = self.session
        return session is not None and (session.successor is not None or session.is_held)

    def names(self) -> list[str]:
        """Return the names people know it by, best first."""
        return [name for name in (self.record.alias, self.record.node_name) if name]


class PeerRegistry:
    """Finds peers, and dials those that are away, again and again.

    Args:
        config: Pauses between attempts.
        clock: Jitter.
        redial: Connects to a peer; raises when that fails.
        may_return: Returns whether a peer that is away may be dialled by itself.
    """

    def __init__(
        self,
        config: HubConfig,
        clock: Clock,
        redial: Callable[[Peer], Awaitable[None]],
        may_return: Callable[[Peer], bool] = lambda peer: peer.record.trusted,
    ) -> None:
        self._config = config
        self._clock = clock
        self._redial = redial
        self._may_return = may_return
        self._peers: dict[str, Peer] = {}
        self._is_closing = False

    def __iter__(self) -> Iterator[Peer]:
        return iter(list(self._peers.values()))

    def __len__(self) -> int:
        return len(self._peers)

    def get(self, node_id: str) -> Peer | None:
        """Return a peer by its id, or None."""
        return self._peers.get(node_id)

    def put(self, record: PeerRecord) -> Peer:
        """Add a peer, or give a known one its new record."""
        peer = self._peers.get(record.node_id)
        if peer is None:
            peer = self._peers[record.node_id] = Peer(record)
        else:
            peer.record = record
        return peer

    def remove(self, node_id: str) -> None:
        """Drop a peer and stop dialling it."""
        peer = self._peers.pop(node_id, None)
        if peer is not None and peer.retry is not None:
            peer.retry.cancel()

    def find(self, text: object) -> Peer:
        """Return the peer that somebody means.

        In this order: node id, alias, node name, unique beginning of one of these; upper and lower
        case do not matter.

        Raises:
            UnknownPeerError: There is none.
            AmbiguousPeerError: There are several; the text lists them.
        """
        wanted = text.strip().casefold() if isinstance(text, str) else ""
        if not wanted:
            raise UnknownPeerError("no peer was named")
        exact = self._peers.get(wanted)
        if exact is not None:
            return exact
        peers = list(self._peers.values())
        for fits in (
            [peer for peer in peers if (peer.record.alias or "").casefold() == wanted],
            [peer for peer in peers if peer.record.node_name.casefold() == wanted],
            [
                peer
                for peer in peers
                if any(name.casefold().startswith(wanted) for name in (peer.node_id, *peer.names()))
            ],
        ):
            if len(fits) == 1:
                return fits[0]
            if fits:
                listed = ", ".join(
                    f"{(peer.names() or ['unnamed'])[0]} ({peer.node_id})" for peer in fits
                )
                raise AmbiguousPeerError(f"more than one peer fits: {listed}")
        raise UnknownPeerError(f"no peer is called {str(text)[:64]!r}")

    def keep_connected(self, peer: Peer) -> None:
        """See to it that a peer that is away is dialled, with growing pauses."""
        if self._is_closing or peer.record.blocked or not self._may_return(peer):
            return
        peer.is_wanted = True
        if peer.is_resting:
            peer.attempts = 0
            peer.wake.clear()
            peer.retry = asyncio.get_running_loop().create_task(self._retry(peer))
        else:
            peer.wake.set()

    def try_now(self) -> None:
        """Dial all that are away without waiting for the end of their pauses."""
        for peer in self:
            peer.attempts = 0
            peer.wake.set()

    def try_soon(self, peer: Peer) -> None:
        """Dial a peer that was found somewhere, without waiting for the end of its pause.

        Anybody can claim to have found it, so this is done no oftener than every few seconds.
        """
        now = self._clock.monotonic()
        if now - peer.hurried_at >= self._config.upgrade_s:
            peer.hurried_at = now
            peer.attempts = 0
            self.keep_connected(peer)

    def let_go(self, peer: Peer) -> None:
        """Stop dialling a peer until somebody asks for it again."""
        peer.is_wanted = False
        self.rest(peer)

    def rest(self, peer: Peer) -> None:
        """Stop dialling a peer until it is to be kept connected again."""
        if peer.retry is not None:
            peer.retry.cancel()
            peer.retry = None

    async def _retry(self, peer: Peer) -> None:
        # Being cancelled is not enough: dialling may end in the very turn in which that comes, and
        # asyncio.wait_for forgets it then (before Python 3.12).
        own = asyncio.current_task()
        while peer.session is None and peer.is_wanted and peer.retry is own:
            delay = min(self._config.backoff_s * 2**peer.attempts, self._config.max_backoff_s)
            peer.attempts = min(peer.attempts + 1, 30)
            await pause_until(peer.wake, delay * self._clock.jitter())
            peer.wake.clear()
            if peer.is_connected():
                return
            try:
                await self._redial(peer)
            except RefusedError as error:
                peer.last_error = error
                if error.code in ("not_trusted", "blocked", "key_changed"):
                    log.info("%s does not want to be dialled: %s", peer.node_id, error.code)
                    return
            except PeerError as error:
                peer.last_error = error

    async def close(self) -> None:
        """Stop dialling."""
        self._is_closing = True
        tasks = [peer.retry for peer in self._peers.values() if peer.retry is not None]
        for peer in self._peers.values():
            self.rest(peer)
        await asyncio.gather(*tasks, return_exceptions=True)
