"""Connecting on somebody's behalf: an invite, a known peer, an address, a lost link."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from ..errors import (
    BadRequestError,
    BlockedError,
    DuplicateLinkError,
    InviteExpiredError,
    NotConnectedError,
    NotTrustedError,
    OwnNodeError,
    PeerError,
    WrongNodeError,
)
from ..primitives.pauses import pause_until
from ..wire.addresses import normalize_address
from ..wire.invite import Invite
from ..wire.link.identity import Identity
from .book import PeerBook
from .candidates import Candidates
from .clock import Clock
from .config import HubConfig
from .connect import Connector, Progress, Target
from .events import Events, HubEvent
from .peers import Peer, PeerInfo, PeerRegistry

log = logging.getLogger(__name__)

# A link that both sides dialled is there within this, or it is dialled again.
DUPLICATE_WAIT_S = 0.2


class Dialling:
    """Decides whom to dial where, and what came of it.

    Args:
        identity: This node.
        config: Time-outs.
        clock: Time and jitter.
        connector: Does the handshakes.
        peers: Who is known.
        book: What is known of them.
        candidates: Where discovery has found nodes.
        events: Told when a peer is dialled, and listened to for links that come in meanwhile.
    """

    def __init__(
        self,
        identity: Identity,
        config: HubConfig,
        clock: Clock,
        connector: Connector,
        peers: PeerRegistry,
        book: PeerBook,
        candidates: Candidates,
        events: Events,
    ) -> None:
        self._identity = identity
        self._config = config
        self._clock = clock
        self._connector = connector
        self._peers = peers
        self._book = book
        self._candidates = candidates
        self._events = events

    async def pair(self, text: object, on_progress: Progress | None = None) -> PeerInfo:
        """Redeem an invite; both nodes remember each other afterwards.

        Args:
            text: The invite as it was copied.
            on_progress: Told of each path that is tried.

        Raises:
            InviteMalformedError, InviteExpiredError, OwnNodeError: Nothing was sent.
            PeerError: Why it could not be redeemed.
        """
        invite = Invite.from_text(text)
        if invite.id == self._identity.node_id:
            raise OwnNodeError("this invite was made by this node itself")
        if invite.x <= self._clock.time():
            raise InviteExpiredError
        known = self._peers.get(invite.id)
        if known is not None and known.record.blocked:
            raise BlockedError
        addresses = list(invite.a)
        if invite.r is not None:
            addresses.append(f"relay:{invite.r}")
        if invite.l is not None:
            addresses.append(f"webrtc:{invite.l}")
        target = Target(
            addresses=addresses, node_id=invite.id, public_key=invite.pk, token=invite.t
        )
        return await self.dial(target, on_progress)

    async def connect(
        self,
        node_id: str | None = None,
        address: str | None = None,
        on_progress: Progress | None = None,
    ) -> PeerInfo:
        """Dial a known peer, a node that was found, or whoever is at an address.

        Raises:
            PeerError: Why that failed.
        """
        if node_id is None:
            if address is None:
                raise BadRequestError("neither a peer nor an address was given")
            return await self.dial(Target(addresses=[self._dialable(address)]), on_progress)
        peer = self._peers.get(node_id)
        if peer is None and address is None and self._candidates.addresses(node_id):
            return await self._connect_found(node_id, on_progress)
        peer = self._book.known(node_id)
        if peer.record.blocked:
            raise BlockedError
        if peer.session is not None:
            return self._book.info(peer)
        peer.is_wanted = True
        try:
            where = None if address is None else self._dialable(address)
            return await self.dial(self._book.target(peer, where), on_progress)
        finally:
            self._peers.keep_connected(peer)

    async def _connect_found(self, node_id: str, on_progress: Progress | None) -> PeerInfo:
        target = Target(addresses=self._candidates.addresses(node_id), node_id=node_id)
        try:
            return await self.dial(target, on_progress)
        except NotTrustedError as error:
            raise NotTrustedError(
                "this node was found, and the two of you have not paired",
                hint="give it an invite, or ask for one",
            ) from error

    async def redial(self, peer: Peer) -> None:
        """Dial a peer whose link was lost.

        Raises:
            PeerError: Why that failed.
        """
        await self.dial(self._book.target(peer))

    async def dial(self, target: Target, on_progress: Progress | None = None) -> PeerInfo:
        """Connect, or find that the peer has connected by itself meanwhile.

        Raises:
            PeerError: Why that failed.
        """
        deadline = self._clock.monotonic() + self._config.handshake_timeout_s
        while True:
            with contextlib.suppress(DuplicateLinkError):
                return await self._dial_once(target, on_progress)
            # The peer dialled at the same moment, and its link is the one that stays; but it may
            # break before it is there, and then nobody else dials.
            assert target.node_id is not None
            await self._wait_for_session(target.node_id)
            peer = self._peers.get(target.node_id)
            if peer is not None and peer.session is not None:
                return self._book.info(peer)
            if self._clock.monotonic() >= deadline:
                raise NotConnectedError

    async def _dial_once(self, target: Target, on_progress: Progress | None) -> PeerInfo:
        peer = self._peers.get(target.node_id or "")
        if peer is not None:
            peer.dials += 1
            self._events.emit("peer", peer.node_id)
        try:
            connected = await self._connector.dial(target, on_progress)
        except DuplicateLinkError:
            raise
        except PeerError as error:
            if peer is not None and peer.session is not None:
                return self._book.info(peer)  # it came in by itself meanwhile
            if peer is not None:
                peer.last_error = error
            raise
        finally:
            if peer is not None:
                peer.dials -= 1
                self._events.emit("peer", peer.node_id)
        return self._book.peer(connected.peer.node_id)

    async def _wait_for_session(self, node_id: str) -> None:
        """Wait a moment for a link that is on its way."""
        came = asyncio.Event()

        def listen(event: HubEvent) -> None:
            if event == HubEvent("link_up", node_id):
                came.set()

        unsubscribe = self._events.subscribe(listen)
        try:
            peer = self._peers.get(node_id)
            is_there = peer is not None and peer.session is not None
            if not is_there and not await pause_until(
                came, DUPLICATE_WAIT_S * self._clock.jitter()
            ):
                log.debug("%s dialled too, but is not there yet", node_id)
        finally:
            unsubscribe()

    def _dialable(self, address: str) -> str:
        """Return an address as some transport dials it; people leave half of it out."""
        return address if self._connector.dialable([address]) else normalize_address(address)

    # Looking at paths without taking them.

    def ways(self, node_id: str) -> list[tuple[str, str | None]]:
        """Return all addresses of a peer, best first, each with the transport that dials it.

        Raises:
            UnknownPeerError: There is no such peer.
        """
        addresses = self._book.addresses_of(self._book.known(node_id))
        ways: list[tuple[str, str | None]] = [
            (address, transport.name) for transport, address in self._connector.dialable(addresses)
        ]
        dialable = {address for address, _ in ways}
        return [*ways, *((at, None) for at in dict.fromkeys(addresses) if at not in dialable)]

    async def probe(self, address: str, node_id: str | None = None) -> float:
        """Return how quickly a node answers at an address; no link results from it.

        Args:
            address: Where.
            node_id: A known peer; None for this node itself.

        Returns:
            Seconds from ``hello`` to the answer; 0 for this node itself.

        Raises:
            PeerError: Why it does not.
        """
        if node_id is not None:
            return await self._connector.probe(
                address, self._book.target(self._book.known(node_id))
            )
        own = self._identity
        target = Target(addresses=(), node_id=own.node_id, public_key=own.public_key_b64)
        try:
            await self._connector.probe(address, target)
        except OwnNodeError:
            return 0.0
        raise WrongNodeError(f"whoever answers at {address} did not see that it is itself")
