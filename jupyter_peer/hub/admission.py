"""Decides which nodes get a session: known peers by their key, strangers by the policy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

from ..errors import (
    BlockedError,
    BusyError,
    DuplicateLinkError,
    KeyChangedError,
    NotTrustedError,
    PeerError,
)
from ..store.records import LinkRecord, Origin, PeerRecord
from ..transports.base import PeerLink
from ..trust.base import Applicant
from ..wire.link.channel import Limits
from ..wire.link.handshake import Introduction
from ..wire.payloads.hub import GuestAuth
from .guests.guests import Guests
from .links.connector import Connected, Target
from .local_node import LocalNode
from .peers.peer import Peer
from .peers.registry import PeerRegistry


class Admission:
    """Decides about each node that has proven its identity; see :class:`.Gate`.

    Args:
        local: This node.
        peers: The known peers; admitted nodes are added to them.
        guests: The guests, who have opened a guest link.
    """

    def __init__(self, local: LocalNode, peers: PeerRegistry, guests: Guests) -> None:
        self._local = local
        self._peers = peers
        self._guests = guests

    def known_peer(self, introduction: Introduction) -> str | None:
        """Return the id of a node that may connect without an invite; None for other nodes."""
        node_id, key = introduction.node_id, introduction.public_key
        peer = self._peers.get(node_id)
        if peer is None:
            is_known = self._local.policy.stands_by(node_id, key, self._local.clock.time())
        else:
            is_known = peer.record.public_key == key and peer.may_be_dialled()
        return node_id if is_known else None

    def check_incoming(
        self,
        link: PeerLink,
        introduction: Introduction,
        token: str | None,
        replaces: str | None = None,
    ) -> None:
        """Decide about a node that dialled.

        Args:
            link: The node's link.
            introduction: The node's proven identity.
            token: Token of the invite that the node presents.
            replaces: Session of the link that this one replaces.

        Raises:
            RefusedError: The node is not admitted.
        """
        if link.guests == "only":
            raise NotTrustedError(
                "this address is only for guests", hint="dial the address of /peer-ws"
            )
        known = self._known(introduction)
        peer = self._peers.get(introduction.node_id)
        if peer is not None and self._stays_out(peer, introduction):
            raise DuplicateLinkError
        if known is not None and replaces is not None and known.session_id() != replaces:
            raise DuplicateLinkError("the link to replace is not the one in use")
        if known is None:
            self._take_stranger(link, introduction, token)
        elif token is not None:
            try:
                self._take_stranger(link, introduction, token)
            except PeerError:
                return  # a trusted peer that shows a spent invite is still a trusted peer

    def check_guest(
        self, link: PeerLink, introduction: Introduction, shown: GuestAuth
    ) -> LinkRecord:
        """Decide about a browser that shows a guest link; see :meth:`.Guests.check`."""
        return self._guests.check(link, introduction, shown)

    def limits(self, guest: LinkRecord | None) -> Limits:
        """Return the limits of a link to a guest, or to a peer."""
        limits = self._local.config.limits
        return limits if guest is None else self._guests.limits(limits)

    def check_answer(self, link: PeerLink, introduction: Introduction, target: Target) -> None:
        """Decide about a node that answered, before a token or anything else is sent to it.

        Raises:
            RefusedError: This node must not connect to that node.
        """
        if self._known(introduction) is None and target.token is None:
            self._take_stranger(link, introduction, None)

    @contextlib.contextmanager
    def dialling(self, node_id: str, target: Target) -> Iterator[None]:
        """Refuse links from a node while this node dials it.

        Args:
            node_id: The node that answered.
            target: The target that was dialled.

        Raises:
            DuplicateLinkError: The node has connected itself meanwhile, and its link stays.
        """
        peer = self._peers.get(node_id)
        if peer is None:
            yield
            return
        if peer.is_connected() and target.token is None:
            is_replacing = target.replaces is not None and peer.session_id() == target.replaces
            if not is_replacing or peer.is_moving():
                raise DuplicateLinkError
        with peer.dialling.authenticating():
            yield

    def _stays_out(self, peer: Peer, introduction: Introduction) -> bool:
        """Return whether a link of a peer is refused because both nodes dial.

        On both sides the link that the node with the lower id has dialled stays, whatever the timing.
        That node continues its own attempt, and the other one gives up when the link arrives. A node of
        the original system does not know the rule: it would accept both links, use one, and then lose it.
        """
        dialling = peer.dialling
        if self._local.node_id < introduction.node_id:
            return dialling.is_under_way or dialling.is_authenticating
        return dialling.is_authenticating and not introduction.seals

    def admit(self, connected: Connected) -> None:
        """Pass a link to its peer or guest after the handshake."""
        introduction, link = connected.peer, connected.link
        if connected.guest is not None:
            self._guests.admit(connected, connected.guest, connected.guest_name)
            return
        if not self._peers.is_open:
            link.abort("shutdown")
            return
        if connected.has_redeemed:
            # Pairing is mutual: this node now trusts the node that made the invite and accepted it.
            self._remember(introduction, "invite", trusted=True)
        peer = self._peers.get(introduction.node_id)
        if peer is None or peer.record.blocked:
            link.abort("forgotten")  # while the handshake was under way
            return
        peer.adopt(connected)

    def _remember(self, introduction: Introduction, origin: str, *, trusted: bool) -> Peer:
        """Store a node as a peer.

        Its names and its block stay. So does earlier trust, even if a weaker policy admits the node
        this time.
        """
        now = self._local.clock.time()
        known = self._local.store.peer(introduction.node_id)
        was_trusted = known is not None and known.trusted
        if known is not None and was_trusted:
            origin = known.origin
        record = PeerRecord(
            node_id=introduction.node_id,
            public_key=introduction.public_key,
            node_name=introduction.node_name,
            local_name=(known.local_name if known else "")
            or self._peers.local_name(introduction.node_id, introduction.node_name),
            alias=known.alias if known else None,
            trusted=trusted or was_trusted,
            blocked=known.blocked if known else False,
            addresses=known.addresses if known else [],
            capabilities=introduction.capabilities,
            added=known.added if known else now,
            last_seen=now,
            origin=cast("Origin", origin),
        )
        self._local.store.put_peer(record)
        return self._peers.put(record)

    def _passer_by(self) -> Peer | None:
        """Return the oldest disconnected node that was admitted only for one session."""
        gone = [
            peer
            for peer in self._peers
            if not (peer.record.trusted or peer.record.blocked or peer.is_connected())
        ]
        return min(gone, key=lambda peer: peer.record.last_seen or 0, default=None)

    def _known(self, introduction: Introduction) -> Peer | None:
        """Return the trusted peer with this identity; None for a stranger. Raise to refuse it."""
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
        is_full = is_new and len(self._peers) >= self._local.config.max_peers
        passer_by = self._passer_by() if is_full else None
        if is_full and passer_by is None:
            raise BusyError("the node can have no more peers", hint="it has to forget some")
        verdict = self._local.policy.verdict(
            Applicant(
                node_id=introduction.node_id,
                public_key=introduction.public_key,
                node_name=introduction.node_name,
                token=token,
                address=link.remote_host,
                transport=link.transport,
            ),
            self._local.clock.time(),
        )
        if not verdict.accepted:
            raise verdict.error or NotTrustedError()
        # Only now, so that a refused node displaces nobody.
        if passer_by is not None:
            self._local.store.delete_peer(passer_by.node_id)
            self._peers.remove(passer_by.node_id)
        self._remember(introduction, verdict.origin, trusted=verdict.remember)
