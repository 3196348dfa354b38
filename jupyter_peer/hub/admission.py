"""Decides who gets a session: known peers by their key, strangers by the policy."""

from __future__ import annotations

from typing import cast

from ..errors import (
    BlockedError,
    BusyError,
    DuplicateLinkError,
    KeyChangedError,
    NotTrustedError,
    PeerError,
)
from ..store.records import Origin, PeerRecord
from ..store.store import Store
from ..transports.base import PeerLink
from ..trust.base import Applicant, TrustPolicy
from ..wire.link.handshake import Introduction
from .clock import Clock
from .connect import Target
from .peers import Peer, PeerRegistry


class Admission:
    """Asked by the connector after the other end has proven who it is.

    Args:
        node_id: This node.
        peers: Those already known.
        store: Where new ones are kept.
        policy: Decides about strangers.
        clock: Time.
        max_peers: Peers this node remembers at most.
    """

    def __init__(
        self,
        node_id: str,
        peers: PeerRegistry,
        store: Store,
        policy: TrustPolicy,
        clock: Clock,
        max_peers: int,
    ) -> None:
        self._node_id = node_id
        self._peers = peers
        self._store = store
        self._policy = policy
        self._clock = clock
        self._max_peers = max_peers

    def check_incoming(
        self,
        link: PeerLink,
        introduction: Introduction,
        token: str | None,
        replaces: str | None = None,
    ) -> None:
        """Decide about a node that dialled.

        Args:
            link: By which it comes.
            introduction: Who it is.
            token: Invite it presents.
            replaces: Session it wants to take over from.

        Raises:
            RefusedError: It must stay out.
        """
        peer = self._known(introduction)
        if peer is not None and peer.is_dialling and self._node_id < introduction.node_id:
            # Both dial. The lower id's link stays, on both sides, whatever the timing: this side
            # goes on with its own attempt, and the other gives up when it sees that come in.
            raise DuplicateLinkError
        if peer is not None and replaces is not None and peer.session_id() != replaces:
            raise DuplicateLinkError("the link it was to replace is not the one in use")
        if peer is None:
            self._take_stranger(link, introduction, token)
        elif token is not None:
            try:
                self._take_stranger(link, introduction, token)
            except PeerError:
                return  # a trusted peer that shows a spent invite is still a trusted peer

    def check_answer(self, link: PeerLink, introduction: Introduction, target: Target) -> None:
        """Decide about a node that answered, before a token or anything else is sent to it.

        Raises:
            RefusedError: This node wants nothing to do with it.
        """
        if self._known(introduction) is None and target.token is None:
            self._take_stranger(link, introduction, None)

    def check_wanted(self, target: Target) -> None:
        """Give up a dial whose peer has come in by itself meanwhile.

        Raises:
            DuplicateLinkError: It has; its link is the one that stays.
        """
        peer = self._peers.get(target.node_id or "")
        if peer is None or not peer.is_connected() or target.token is not None:
            return
        if peer.session_id() != target.replaces or peer.is_moving():
            raise DuplicateLinkError

    def remember(self, introduction: Introduction, origin: str, *, trusted: bool) -> Peer:
        """Store a node as a peer.

        What its user gave it (alias, block) stays, and so does trust it had before: a weaker
        policy that lets it in as well takes nothing away.
        """
        now = self._clock.time()
        known = self._store.peer(introduction.node_id)
        was_trusted = known is not None and known.trusted
        if known is not None and was_trusted:
            origin = known.origin
        record = PeerRecord(
            node_id=introduction.node_id,
            public_key=introduction.public_key,
            node_name=introduction.node_name,
            alias=known.alias if known else None,
            trusted=trusted or was_trusted,
            blocked=known.blocked if known else False,
            addresses=known.addresses if known else [],
            capabilities=introduction.capabilities,
            added=known.added if known else now,
            last_seen=now,
            origin=cast("Origin", origin),
        )
        self._store.put_peer(record)
        return self._peers.put(record)

    def _drop_passer_by(self) -> bool:
        """Make room by dropping who was let in for the moment only and is gone; else False."""
        gone = [
            peer
            for peer in self._peers
            if not (peer.record.trusted or peer.record.blocked or peer.is_connected())
        ]
        if not gone:
            return False
        oldest = min(gone, key=lambda peer: peer.record.last_seen or 0)
        self._store.delete_peer(oldest.node_id)
        self._peers.remove(oldest.node_id)
        return True

    def _known(self, introduction: Introduction) -> Peer | None:
        """Return the trusted peer this is, or None for a stranger; raise when it must stay out."""
        peer = self._peers.get(introduction.node_id)
        if peer is None:
            return None
        if peer.record.public_key != introduction.public_key:
            raise KeyChangedError
        if peer.record.blocked:
            raise BlockedError("this node was blocked by the peer")
        return peer if peer.record.trusted else None

    def _take_stranger(self, link: PeerLink, introduction: Introduction, token: str | None) -> None:
        is_new = self._peers.get(introduction.node_id) is None
        if is_new and len(self._peers) >= self._max_peers and not self._drop_passer_by():
            raise BusyError("the node has as many peers as it may", hint="it has to forget some")
        verdict = self._policy.verdict(
            Applicant(
                node_id=introduction.node_id,
                public_key=introduction.public_key,
                node_name=introduction.node_name,
                token=token,
                address=link.remote_host,
                transport=link.transport,
            ),
            self._clock.time(),
        )
        if not verdict.accepted:
            raise verdict.error or NotTrustedError()
        self.remember(introduction, verdict.origin, trusted=verdict.remember)
