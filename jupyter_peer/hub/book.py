"""What is known of each peer: its record in the store, its names, where it can be dialled."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from ..errors import BadNameError, StoreError, UnknownPeerError, to_wire
from ..store.store import Store
from ..trust.base import TrustPolicy
from ..wire.link.identity import clean_name
from .candidates import Candidates
from .clock import Clock
from .connect import Target
from .events import Events
from .peers import Peer, PeerInfo, PeerRegistry

log = logging.getLogger(__name__)


class PeerBook:
    """Looks peers up and keeps what changes of them.

    Args:
        store: Keeps the records.
        peers: The peers of this run.
        candidates: Where discovery has found nodes.
        policy: Says of a peer that is not trusted for ever whether it still may come.
        clock: Time.
        events: Told of each change.
    """

    def __init__(
        self,
        store: Store,
        peers: PeerRegistry,
        candidates: Candidates,
        policy: TrustPolicy,
        clock: Clock,
        events: Events,
    ) -> None:
        self._store = store
        self._peers = peers
        self._candidates = candidates
        self._policy = policy
        self._clock = clock
        self._events = events

    def known(self, node_id: str) -> Peer:
        """Return a peer.

        Raises:
            UnknownPeerError: There is none of this id.
        """
        peer = self._peers.get(node_id)
        if peer is None:
            raise UnknownPeerError
        return peer

    def peer(self, node_id: str) -> PeerInfo:
        """Return a peer by its id.

        Raises:
            UnknownPeerError: There is none.
        """
        return self.info(self.known(node_id))

    def all(self) -> list[PeerInfo]:
        """Return all known peers, those connected first."""
        infos = [self.info(peer) for peer in self._peers]
        return sorted(infos, key=lambda info: (info.status != "connected", info.label.casefold()))

    def find(self, text: object) -> PeerInfo:
        """Return the peer somebody means; see :meth:`.PeerRegistry.find`."""
        return self.info(self._peers.find(text))

    def is_peer(self, node_id: str) -> bool:
        """Return whether a node is known and one to connect with."""
        peer = self._peers.get(node_id)
        return peer is not None and not peer.record.blocked and self.may_return(peer)

    def is_expected(self, node_id: str) -> bool:
        """Return whether a node that is no peer may be let in if it comes now."""
        return self._peers.get(node_id) is None and self._policy.expects(
            node_id, self._clock.time()
        )

    def may_return(self, peer: Peer) -> bool:
        """Return whether a known peer may come back: it is trusted, or the policy stands by it."""
        record = peer.record
        return record.trusted or self._policy.stands_by(
            record.node_id, record.public_key, self._clock.time()
        )

    def addresses_of(self, peer: Peer) -> list[str]:
        """Return where to dial a peer: where it says it is, and where one that may return was found."""
        found = self._candidates.addresses(peer.node_id) if self.may_return(peer) else []
        return [*peer.record.addresses, *found]

    def target(self, peer: Peer, address: str | None = None) -> Target:
        """Return how to dial a peer, at one address or at all of its."""
        addresses = [address] if address is not None else self.addresses_of(peer)
        return Target(addresses=addresses, node_id=peer.node_id, public_key=peer.record.public_key)

    def change(self, peer: Peer, **fields: Any) -> None:
        """Store what the user has changed of a peer's record, and tell of it.

        Raises:
            StoreError: It cannot be stored; nothing has changed.
        """
        if _differs(peer, fields):
            peer.record = self._store.update_peer(peer.node_id, **fields)
            self._events.emit("peer", peer.node_id)

    def note(self, peer: Peer, *, quiet: bool = False, **fields: Any) -> None:
        """Keep what a link has shown of a peer, and tell of it unless ``quiet``.

        A link must not fail since the disk is full: then it is kept as long as this node runs.
        """
        if not _differs(peer, fields):
            return
        try:
            peer.record = self._store.update_peer(peer.node_id, **fields)
        except StoreError as error:
            log.warning("what is new of %s cannot be stored: %s", peer.node_id, error)
            peer.record = msgspec.structs.replace(peer.record, **fields)
        if not quiet:
            self._events.emit("peer", peer.node_id)

    def set_alias(self, node_id: str, alias: str | None) -> PeerInfo:
        """Give a peer a name of one's own; None takes it away.

        Raises:
            UnknownPeerError: There is no such peer.
            BadNameError: The alias is not printable, too long, or another peer's.
        """
        peer = self.known(node_id)
        if alias is not None:
            alias = alias.strip()
            if not alias or clean_name(alias) != alias:
                raise BadNameError(
                    "an alias has 1 to 64 printable characters", hint="use letters and digits"
                )
            for other in self._peers:
                if other is not peer and alias.casefold() in (
                    other.node_id,
                    (other.record.alias or "").casefold(),
                ):
                    raise BadNameError(
                        "another peer has this alias",
                        hint="choose another, or take it from the other",
                    )
        self.change(peer, alias=alias)
        return self.info(peer)

    def info(self, peer: Peer) -> PeerInfo:
        """Return a peer as others see it."""
        record, session = peer.record, peer.session
        return PeerInfo(
            node_id=record.node_id,
            node_name=record.node_name,
            alias=record.alias,
            public_key=record.public_key,
            transport=session.link.transport if session else None,
            address=session.link.address if session else None,
            status=peer.status(),
            trusted=record.trusted,
            blocked=record.blocked,
            sealed=session.is_sealed if session else None,
            last_seen=self._clock.time() if session else record.last_seen,
            rtt_ms=milliseconds(session.rtt_s) if session else None,
            since=session.since if session else None,
            capabilities=record.capabilities,
            addresses=record.addresses,
            origin=record.origin,
            last_error=to_wire(peer.last_error) if peer.last_error else None,
        )


def _differs(peer: Peer, fields: dict[str, Any]) -> bool:
    return any(getattr(peer.record, name) != value for name, value in fields.items())


def milliseconds(seconds: float | None) -> float | None:
    """Return a time as people are shown it."""
    return None if seconds is None else round(seconds * 1000, 3)
