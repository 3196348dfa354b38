"""The live links: taken over from the connector, measured, announced to, ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ..errors import LinkError, PeerError
from ..wire.invite import MAX_ADDRESSES
from .admission import Admission
from .clock import Clock
from .config import HubConfig
from .connect import Connected
from .handover import Handovers
from .mail import Mail
from .peers import Peer, PeerRegistry
from .session import Session

log = logging.getLogger(__name__)

# After sleep, an answer takes no longer than this, or there is none.
WAKE_TIMEOUT_S = 5.0
# The reasons in `bye` after which the other side does not dial again by itself.
FINAL_REASONS = ("disconnect", "forgotten", "blocked")


class Links:
    """Keeps the one live link of each peer.

    Args:
        config: Settings.
        clock: Time.
        peers: Whose links these are.
        mail: What goes over them.
        admission: Remembers a node that paired.
        note: Keeps what is new of a peer; never raises because of the disk.
        emit: Tells the hub's listeners of an event.
        announcement: Returns the payload of ``addresses``.
        found_at: Returns where discovery has found a node; such addresses are not stored.
    """

    def __init__(
        self,
        config: HubConfig,
        clock: Clock,
        peers: PeerRegistry,
        mail: Mail,
        admission: Admission,
        *,
        note: Callable[..., None],
        emit: Callable[[str, str], None],
        announcement: Callable[[], dict[str, Any]],
        found_at: Callable[[str], list[str]],
    ) -> None:
        self._config = config
        self._clock = clock
        self._peers = peers
        self._mail = mail
        self._admission = admission
        self._note = note
        self._emit = emit
        self._announcement = announcement
        self._found_at = found_at
        self._tasks: set[asyncio.Task[None]] = set()
        self._handovers = Handovers(
            farewell=mail.farewell,
            moved=self._move,
            done=self._measure_soon,
            idle_s=2 * config.ping_interval_s,
        )
        mail.on_moved = self._handovers.on_moved
        self._is_open = False

    def start(self) -> None:
        """Begin to ping."""
        self._is_open = True
        self._spawn(self._ping_all())

    async def close(self) -> None:
        """Say goodbye on every link and close it."""
        self._is_open = False
        for task in list(self._tasks):
            task.cancel()
        self._handovers.close()
        for peer in self._peers:
            await self.end(peer, "shutdown")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def admit(self, connected: Connected) -> None:
        """Take over a link whose handshake is over; it replaces an older one to the same peer."""
        introduction, link = connected.peer, connected.link
        if not self._is_open:
            link.abort("shutdown")
            return
        if connected.has_redeemed:
            # pairing is mutual: who invited this node and let it in is trusted here too
            self._admission.remember(introduction, "invite", trusted=True)
        peer = self._peers.get(introduction.node_id)
        if peer is None or peer.record.blocked:
            link.abort("forgotten")  # while the handshake was under way
            return
        changes: dict[str, Any] = {
            "node_name": introduction.node_name,
            "capabilities": introduction.capabilities,
            "last_seen": self._clock.time(),
        }
        known = [*peer.record.addresses, *self._found_at(peer.node_id)]
        if link.is_dialled and link.address not in known:
            changes["addresses"] = [link.address, *peer.record.addresses][:MAX_ADDRESSES]
        self._note(peer, quiet=True, **changes)
        session = Session(
            link,
            connected.channel,
            introduction,
            self._clock,
            on_envelope=self._mail.receive,
            on_close=self._on_closed,
            room=self._mail.handlers.room,
            id=connected.session,
        )
        old = peer.session
        if old is None or connected.replaces is None:
            self._use(peer, session, old)
        elif old.id != connected.replaces:
            link.abort("duplicate_link")  # another came while this one was under way
        elif link.is_dialled:
            self._handovers.move(old, session)
            self._move(session)
            session.start()
        else:
            self._handovers.stand_by(old, session)
            session.start()

    def _use(self, peer: Peer, session: Session, old: Session | None) -> None:
        """Use a link from now on; one that was there before is lost."""
        peer.session = session
        peer.last_error = None
        peer.attempts = 0
        peer.wake.set()
        if old is not None:
            self._mail.link_lost(peer.node_id, "replaced")
            self._emit("link_down", peer.node_id)
            old.link.abort("replaced")
        log.info("%s connected by %s", peer.node_id, session.link.transport)
        # Before the first message of the link is handled, and before its end is told.
        self._emit("link_up", peer.node_id)
        session.start()
        self.announce([peer.node_id])
        self._measure_soon(session)

    def _move(self, session: Session) -> None:
        """Use a better link from now on."""
        peer = self._peers.get(session.node_id)
        assert peer is not None  # one that is forgotten has no links
        peer.session = session
        log.info("%s moves to %s", peer.node_id, session.link.transport)
        self._emit("peer", peer.node_id)
        self.announce([peer.node_id])

    def announce(self, node_ids: list[str] | None = None) -> None:
        """Tell connected peers (all, or these) this node's addresses and name."""
        if node_ids is None:
            node_ids = [peer.node_id for peer in self._peers if peer.session is not None]
        if node_ids:
            self._mail.send_many(node_ids, "addresses", self._announcement(), stream="addresses")

    async def end(self, peer: Peer, reason: str) -> None:
        """Say goodbye to a peer and close its link, if there is one."""
        session = peer.session
        if session is None:
            return
        self._mail.say_bye(session, reason)
        await session.close(reason)
        # a peer that was forgotten is not in the registry, and `_on_closed` knew nothing of it
        if peer.session is session:
            self._forget_session(peer, session, reason)

    def _on_closed(self, session: Session, reason: str) -> None:
        self._handovers.on_closed(session)
        peer = self._peers.get(session.node_id)
        if peer is None or peer.session is not session:
            return
        self._forget_session(peer, session, reason or "closed")
        if self._is_open and peer.is_wanted:
            self._peers.keep_connected(peer)

    def _forget_session(self, peer: Peer, session: Session, reason: str) -> None:
        peer.session = None
        log.info("%s: the link ended (%s)", session.node_id, reason)
        self._mail.link_lost(session.node_id, reason)
        if self._peers.get(peer.node_id) is peer:
            self._note(peer, quiet=True, last_seen=self._clock.time())
        self._emit("link_down", session.node_id)

    async def check_all(self, timeout: float) -> None:
        """Ping every link and close those that do not answer within ``timeout`` seconds."""
        sessions = [peer.session for peer in self._peers if peer.session is not None]
        await asyncio.gather(*(self._measure(session, timeout) for session in sessions))

    async def _ping_all(self) -> None:
        interval = self._config.ping_interval_s
        while True:
            await asyncio.sleep(interval)
            await self.check_all(2 * interval)

    def _measure_soon(self, session: Session) -> None:
        if self._is_open:
            self._spawn(self._measure(session, self._config.handshake_timeout_s))

    async def _measure(self, session: Session, timeout: float) -> None:
        """Ping a link; one that does not answer is closed."""
        if session.is_held:
            return  # it answers when it has taken over, and the older one is watched until then
        before = session.rtt_s
        try:
            now = await self._mail.ping(session, timeout)
        except LinkError as error:
            log.info("%s does not answer: %s", session.node_id, error)
            await session.close("timeout")
        except PeerError as error:
            log.debug("%s answers pings with an error: %s", session.node_id, error)
        else:
            if before is None or abs(before - now) > 0.25 * before:
                self._emit("peer", session.node_id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
