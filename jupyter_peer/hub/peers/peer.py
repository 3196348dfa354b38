"""One peer: its record, its names and addresses, its link, its messages.

Everything that concerns one peer is here, in its base :class:`.LinkedNode`, or in a part that its
:class:`Peer` owns: dialling, handover. Above is the registry, which holds all peers; below are sessions and messages.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import msgspec

from ...errors import LinkError, PeerError, StoreError, to_page
from ...primitives.rate_limit import RateLimit
from ...primitives.task_set import TaskSet
from ...store.records import PeerRecord
from ...wire.link.envelope import Envelope
from ..info import PeerInfo, milliseconds
from ..links.connector import Connected, Connector, Target
from ..links.linked_node import LinkedNode
from ..links.session import Handover, Session
from ..local_node import LocalNode
from ..message import Message, Messenger
from .candidates import Candidates
from .dialling import Dialling

log = logging.getLogger(__name__)

# Changes of a peer's announcement are limited, because each is written to the disk.
_CHANGES_AT_ONCE = 16
_CHANGES_A_SECOND = 0.5
#: Addresses kept that worked; the networks of a laptop at home, at work and on the way.
MAX_WORKED = 3


class Peer(LinkedNode):
    """One known peer while the hub runs.

    Args:
        record: The peer's record in the store.
        local: This node.
        connector: Runs the handshakes.
        messenger: Encodes messages, and passes received ones to their handlers.
        candidates: The nodes that discovery has found.

    Attributes:
        dialling: The attempts to connect to the peer.
    """

    def __init__(
        self,
        record: PeerRecord,
        local: LocalNode,
        connector: Connector,
        messenger: Messenger,
        candidates: Candidates,
    ) -> None:
        super().__init__(messenger, local.clock)
        self._record = record
        self._local = local
        self._connector = connector
        self._candidates = candidates
        self._is_retired = False
        self._announcements = RateLimit(_CHANGES_A_SECOND, _CHANGES_AT_ONCE)
        self._measurements = TaskSet("measuring a link")
        self._handover = Handover(
            farewell=lambda: messenger.write("moved", {})[1],
            moved=self._move,
            done=self._measure_soon,
            idle_s=2 * local.config.ping_interval_s,
        )
        self.dialling = Dialling(self, local, connector)

    # Facts about the peer.

    @property
    def record(self) -> PeerRecord:
        """The peer's record in the store; newer than the stored one if the disk is full."""
        return self._record

    @property
    def node_id(self) -> str:
        """Id of the peer."""
        return self._record.node_id

    def names(self) -> list[str]:
        """Return the names by which people know the peer, best first."""
        return [name for name in (self._record.alias, self._record.local_name) if name]

    def is_prefixed(self, text: str) -> bool:
        """Return whether the id or a name begins with a text, in any case."""
        return any(name.casefold().startswith(text) for name in (self.node_id, *self.names()))

    def is_renamed(self) -> bool:
        """Return whether the announced name differs from the local one."""
        return self._record.node_name not in ("", self._record.local_name)

    def update(self, record: PeerRecord) -> None:
        """Replace the record by one that is already in the store."""
        self._record = record

    def change(self, **fields: Any) -> None:
        """Store a change of the user, and notify the listeners.

        Raises:
            StoreError: The change cannot be stored; nothing has changed.
        """
        if self.differs(fields):
            self._record = self._local.store.update_peer(self.node_id, **fields)
            self._local.tell("peer", self.node_id)

    def note(self, *, quiet: bool = False, **fields: Any) -> None:
        """Store a change that comes from the peer, and notify the listeners unless ``quiet``.

        A full disk must not end a link, so the change is then kept in memory.
        """
        if not self.differs(fields):
            return
        try:
            self._record = self._local.store.update_peer(self.node_id, **fields)
        except StoreError as error:
            log.warning("what is new of %s cannot be stored: %s", self.node_id, error)
            self._record = msgspec.structs.replace(self._record, **fields)
        if not quiet:
            self._local.tell("peer", self.node_id)

    def differs(self, fields: dict[str, Any]) -> bool:
        """Return whether the record has other values in these fields."""
        return any(getattr(self._record, name) != value for name, value in fields.items())

    def may_announce(self) -> bool:
        """Count a change of the peer's announcement; return False if there are too many."""
        return self._announcements.allows(self._local.clock.monotonic())

    def may_return(self) -> bool:
        """Return whether the peer may connect again: it is trusted, or the policy admits it."""
        record = self._record
        return record.trusted or self._local.policy.stands_by(
            record.node_id, record.public_key, self._local.clock.time()
        )

    def may_be_dialled(self) -> bool:
        """Return whether this node may connect to the peer by itself."""
        return not self._record.blocked and self.may_return()

    def status(self) -> str:
        """Return ``connected``, ``connecting``, ``offline`` or ``blocked``."""
        if self._record.blocked:
            return "blocked"
        if self._session is not None:
            return "connected"
        return "connecting" if self.dialling.is_under_way else "offline"

    @property
    def label(self) -> str:
        return self.info().label

    def info(self) -> PeerInfo:
        """Return the description of the peer."""
        record, session, error = self._record, self._session, self.dialling.error
        return PeerInfo(
            node_id=record.node_id,
            node_name=record.local_name,
            calls_itself=record.node_name if self.is_renamed() else None,
            alias=record.alias,
            public_key=record.public_key,
            transport=session.link.transport if session else None,
            address=session.link.address if session else None,
            status=self.status(),
            trusted=record.trusted,
            blocked=record.blocked,
            sealed=session.is_sealed if session else None,
            last_seen=session.heard_at if session else record.last_seen,
            rtt_ms=milliseconds(session.rtt_s) if session else None,
            since=session.since if session else None,
            capabilities=record.capabilities,
            addresses=record.addresses,
            origin=record.origin,
            last_error=to_page(error) if error else None,
        )

    def metrics(self) -> dict[str, Any] | None:
        """Return the counters of the link; None without one."""
        session = self._session
        if session is None:
            return None
        return {
            "rtt_ms": milliseconds(session.rtt_s),
            "bytes_in": session.received_bytes,
            "bytes_out": session.sent_bytes,
            "messages_in": session.received_messages,
            "messages_out": session.sent_messages,
            "transport": session.link.transport,
            "queue": session.queued,
            "since": session.since,
        }

    # Addresses.

    def addresses(self) -> list[str]:
        """Return the addresses that worked, announced addresses, and addresses from discovery.

        Those from discovery are included only if the peer may connect again.
        """
        found = self._candidates.addresses(self.node_id) if self.may_return() else []
        return list(dict.fromkeys([*self._record.worked, *self._record.addresses, *found]))

    def ways(self) -> list[tuple[str, str | None]]:
        """Return all addresses with their transports, best first."""
        addresses = self.addresses()
        ways: list[tuple[str, str | None]] = [
            (address, transport.name) for transport, address in self._connector.dialable(addresses)
        ]
        dialable = {address for address, _ in ways}
        return [*ways, *((at, None) for at in addresses if at not in dialable)]

    def target(self, address: str | None = None) -> Target:
        """Return the target that dials the peer, at one address or at all known ones."""
        addresses = [address] if address is not None else self.addresses()
        return Target(addresses=addresses, node_id=self.node_id, public_key=self._record.public_key)

    def better_target(self) -> Target | None:
        """Return the target for better paths than the current one; None if none is known."""
        session = self._session
        if session is None or session.id is None or self.is_moving():
            return None
        better = [
            address
            for transport, address in self._connector.dialable(self.addresses())
            if transport.priority < session.link.priority
        ]
        if not better:
            return None
        return msgspec.structs.replace(self.target(), addresses=better, replaces=session.id)

    # The link.

    def session_id(self) -> str | None:
        """Return the session id of the live link, if there is one."""
        return self._session.id if self._session is not None else None

    def is_moving(self) -> bool:
        """Return whether a new link is replacing an old one now."""
        session = self._session
        return session is not None and (session.successor is not None or session.is_held)

    def adopt(self, connected: Connected) -> None:
        """Use a link after its handshake; it replaces an older one."""
        introduction, link = connected.peer, connected.link
        changes: dict[str, Any] = {
            "node_name": introduction.node_name,
            "capabilities": introduction.capabilities,
            "last_seen": self._local.clock.time(),
        }
        if link.is_dialled:
            worked = dict.fromkeys([link.address, *self._record.worked])
            changes["worked"] = list(worked)[:MAX_WORKED]
        self.note(quiet=True, **changes)
        session = Session(
            link,
            connected.channel,
            introduction,
            self._local.clock,
            on_envelope=self._receive,
            on_close=self._on_closed,
            room=self._messenger.handlers.room,
            id=connected.session,
        )
        old = self._session
        if old is None or connected.replaces is None:
            self._use(session)
        elif old.id != connected.replaces:
            link.abort("duplicate_link")  # another link has come meanwhile
        elif link.is_dialled:
            self._handover.move(old, session)
            self._move(session)
            session.start()
        else:
            self._handover.stand_by(old, session)
            session.start()

    def _use(self, session: Session) -> None:
        """Use a link from now on; an earlier one is lost."""
        old, self._session = self._session, session
        self.dialling.connected()
        if old is not None:
            self._replies.fail("replaced")
            self._local.tell("link_down", self.node_id)
            old.link.abort("replaced")
        log.info("%s connected by %s", self.node_id, session.link.transport)
        # Listeners hear of the link before its first message is handled, and before its end.
        self._local.tell("link_up", self.node_id)
        session.start()
        self._announce()
        self._measure_soon(session)

    def _move(self, session: Session) -> None:
        """Use a better link from now on."""
        self._session = session
        log.info("%s moves to %s", self.node_id, session.link.transport)
        self._local.tell("peer", self.node_id)
        self._announce()

    def _on_closed(self, session: Session, reason: str) -> None:
        self._handover.on_closed(session)
        if self._session is not session:
            return
        self._session = None
        self.dialling.disconnected()
        reason = reason or "closed"
        log.info("%s: the link ended (%s)", self.node_id, reason)
        self._replies.fail(reason)
        if not self._is_retired:
            self.note(quiet=True, last_seen=session.heard_at)
        self._local.tell("link_down", self.node_id)
        if self.dialling.is_wanted:
            self.dialling.keep_connected()

    async def check(self, timeout: float) -> None:
        """Ping the link, and close it if no answer comes within ``timeout`` seconds."""
        if self._session is not None:
            await self._measure(self._session, timeout)

    def _measure_soon(self, session: Session) -> None:
        self._measurements.start(self._measure(session, self._local.config.handshake_timeout_s))

    async def _measure(self, session: Session, timeout: float) -> None:
        if session.is_held:
            return  # it answers after the handover; until then the older link is watched
        before = session.rtt_s
        try:
            now = await self._ping(session, timeout)
        except LinkError as error:
            log.info("%s does not answer: %s", self.node_id, error)
            await session.close("timeout")
        except PeerError as error:
            log.debug("%s answers pings with an error: %s", self.node_id, error)
        else:
            if before is None or abs(before - now) > 0.25 * before:
                self._local.tell("peer", self.node_id)

    # Messages.

    def _announce(self) -> None:
        with contextlib.suppress(LinkError):
            self.send("addresses", self._local.announcement(), stream="addresses")

    def _receive(self, session: Session, envelope: Envelope) -> None:
        """Handle a verified envelope; a reply ends its request before any handler runs."""
        if not self._messenger.is_new(envelope):
            return
        if envelope.type == "moved":
            self._handover.on_moved(session)
            return
        message = Message(self, envelope)
        if message.re is None or not self._replies.resolve(message):
            self._messenger.handlers.dispatch(message)

    # The end.

    def retire(self) -> None:
        """Stop storing and dialling, because the peer was forgotten."""
        self._is_retired = True
        self.dialling.retire()

    async def close(self, reason: str) -> None:
        """Stop dialling and pinging, and close all links."""
        self._handover.close()
        await self.end(reason)
        await self._measurements.close()
