"""The hub: one a process, a plain class that owns identity, peers, links and messages of a node.

Above it are panes, agents and the server's operations, which register handlers and send messages;
below are transports, trust and store, which it is given. It starts and stops with the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import (
    BadNameError,
    BadRequestError,
    BlockedError,
    DuplicateLinkError,
    InviteExpiredError,
    NotConnectedError,
    NotTrustedError,
    OwnNodeError,
    PeerError,
    UnknownPeerError,
    WrongNodeError,
    to_wire,
)
from ..store import Store
from ..store_records import InviteRecord
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.addresses import normalize_address
from ..wire.handshake import Offer, clean_name
from ..wire.identity import Identity
from ..wire.invite import MAX_ADDRESSES, Invite
from ..wire.messages import Addresses, convert
from .admission import Admission
from .candidates import Candidates, FoundNode
from .clock import Clock
from .config import HubConfig
from .connect import Connector, Progress, Target
from .dispatch import Handler, Message, Order
from .greeter import Greeter
from .invites import InviteBook, MintedInvite
from .links import FINAL_REASONS, WAKE_TIMEOUT_S, Links
from .mail import Mail
from .peers import Peer, PeerInfo, PeerRegistry
from .upgrade import Upgrader
from .wake import WakeWatch

log = logging.getLogger(__name__)

# A link that both sides dialled is there within this, or it is dialled again.
DUPLICATE_WAIT_S = 0.2

CAPABILITIES = ("panes", "pane-buffers")


class HubEvent(msgspec.Struct, frozen=True):
    """Something happened to a peer.

    Attributes:
        kind: ``peer`` (its description changed), ``link_up``, ``link_down``, ``forgotten``,
            ``blocked`` or ``found`` (it may be no peer; what discovery knows of it changed).
        node_id: Which peer.
    """

    kind: str
    node_id: str


class PeerHub:
    """The hub of one node.

    Args:
        identity: The node's key.
        store: Peers, invites, grants.
        transports: Ways to reach others, started and closed with the hub.
        policy: Decides about strangers.
        config: Settings.
        clock: Time and random numbers.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        store: Store,
        transports: Sequence[Transport],
        policy: TrustPolicy,
        config: HubConfig | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.identity = identity
        self.store = store
        self.config = config or HubConfig()
        self.transports = list(transports)
        self.capabilities = CAPABILITIES
        self.started = False
        self._clock = clock or Clock()
        self._node_name = clean_name(store.setting("node_name") or self.config.node_name)
        self._learned: list[str] = []
        self._listeners: list[Callable[[HubEvent], None]] = []
        self._policy = policy
        self._peers = PeerRegistry(self.config, self._clock, self._redial, self._may_return)
        self._candidates = Candidates(identity.node_id, self._is_known)
        self._mail = Mail(identity, self._peers, self._clock)
        self._admission = Admission(
            identity.node_id, self._peers, store, policy, self._clock, self.config.max_peers
        )
        self._links = Links(
            self.config,
            self._clock,
            self._peers,
            self._mail,
            self._admission,
            change=self._change,
            emit=self._emit,
            announcement=self._announcement,
            found_at=self._candidates.addresses,
        )
        self._connector = Connector(
            self._make_offer,
            self.transports,
            self.config,
            check_incoming=self._admission.check_incoming,
            check_answer=self._admission.check_answer,
            check_wanted=self._admission.check_wanted,
            admit=self._links.admit,
        )
        self._upgrader = Upgrader(
            self.config,
            self._clock,
            self._peers,
            addresses=self._addresses_of,
            dialable=self._connector.dialable,
            dial=self._connector.dial,
        )
        self._greeter = Greeter(
            identity.node_id,
            policy,
            self._candidates,
            self._peers,
            self.config,
            self._clock,
            dial=self._dial,
        )
        self._wake = WakeWatch(self._clock, self.network_changed, self.config.wake_poll_s)
        self._invites = InviteBook(
            identity,
            store,
            self.config,
            self._clock,
            addresses=self.addresses,
            node_name=lambda: self._node_name,
        )
        self.send = self._mail.send
        self.send_many = self._mail.send_many
        self.request = self._mail.request
        self.on("ping", lambda message: message.reply("pong", {}))
        self.on("addresses", self._on_addresses)
        self.on("bye", self._on_bye)
        self.subscribe(lambda event: self._greeter.look() if event.kind == "link_down" else None)

    # Life.

    async def start(self) -> None:
        """Listen, and dial all known peers."""
        self.started = True
        for record in self.store.peers():
            self._peers.put(record)
        self._links.start()
        self._upgrader.start()
        self._wake.start()
        for transport in self.transports:
            await transport.start(self._connector.accept)
        for peer in self._peers:
            self._peers.keep_connected(peer)

    async def close(self) -> None:
        """Say goodbye, close all links and end all tasks; may be called twice."""
        if not self.started:
            return
        self.started = False
        await self._peers.close()
        await self._greeter.close()
        await self._wake.close()
        await self._upgrader.close()
        await self._links.close()
        for transport in self.transports:
            await transport.close()
        await self._mail.close()

    # Who this node is.

    @property
    def node_id(self) -> str:
        """This node's id."""
        return self.identity.node_id

    @property
    def node_name(self) -> str:
        """This node's cosmetic name."""
        return self._node_name

    def set_node_name(self, name: str) -> None:
        """Change the cosmetic name and tell all connected peers.

        Raises:
            BadNameError: Nothing printable is in it, or more than 64 characters.
        """
        cleaned = clean_name(name)
        if not cleaned or cleaned != name.strip():
            raise BadNameError("a node name has 1 to 64 printable characters", hint="")
        self.store.set_setting("node_name", cleaned)
        self._node_name = cleaned
        self._links.announce()

    def addresses(self) -> list[str]:
        """Return where this node can be dialled, best first: said, learned, listening."""
        found = [*self.config.advertised_addresses, *self._learned]
        for transport in self.transports:
            found += transport.addresses()
        return list(dict.fromkeys(found))[:MAX_ADDRESSES]

    @property
    def learned_addresses(self) -> list[str]:
        """Addresses under which browsers have reached this server."""
        return list(self._learned)

    def add_learned_address(self, address: str) -> None:
        """Offer peers an address under which a browser has reached this server."""
        if address not in self.addresses():
            self._learned = [address, *self._learned][:4]
            self._links.announce()

    async def review_trust(self) -> list[str]:
        """Act upon a change of what the policy says of nodes it let in for the moment only.

        Those it does not stand by any more are cut off; the others are dialled if they are away.

        Returns:
            The ids of those whose link was closed.
        """
        ended = []
        for peer in self._peers:
            record = peer.record
            if record.trusted or record.blocked or record.origin != "directory":
                continue
            if self._may_return(peer):
                is_resting = peer.retry is None or peer.retry.done()
                if is_resting and peer.is_wanted and not peer.is_connected():
                    self._peers.keep_connected(peer)
                continue
            self._peers.rest(peer)
            if peer.is_connected():
                log.info("%s is cut off: it is not in the directory any more", peer.node_id)
                await self._links.end(peer, NotTrustedError.code)
                self._mail.handlers.drop_peer(peer.node_id)
                ended.append(peer.node_id)
                self._emit("peer", peer.node_id)
        return ended

    async def network_changed(self) -> None:
        """Find out at once what still works: the network or its addresses are not what they were."""
        for transport in self.transports:
            transport.network_changed()
        self._peers.try_now()
        self._upgrader.look_again()
        self._links.announce()
        await self._links.check_all(WAKE_TIMEOUT_S)

    # Discovery.

    def found(self, source: str, node_id: str, node_name: str, addresses: list[str]) -> None:
        """Take what discovery says of a node; a known peer that is away is dialled at once.

        Args:
            source: Who says it, ``lan`` or ``lobby``.
            node_id: Who it claims to be.
            node_name: What it calls itself.
            addresses: Where it may be dialled, best first; they take the place of those this
                source told before.
        """
        if not self.started or not self._candidates.put(source, node_id, node_name, addresses):
            return
        peer = self._peers.get(node_id)
        if peer is not None and peer.is_connected():
            self._upgrader.look_again(node_id)
        elif peer is not None and peer.is_wanted:
            self._peers.try_soon(peer)
        self._greeter.look()
        self._emit("found", node_id)

    def lost(self, source: str, node_id: str) -> None:
        """Take it that a source sees a node no more."""
        if self._candidates.drop(source, node_id):
            self._emit("found", node_id)

    def found_nodes(self) -> list[FoundNode]:
        """Return the nodes that discovery sees now, known peers among them."""
        return self._candidates.all()

    # Peers.

    def peers(self) -> list[PeerInfo]:
        """Return all known peers, those connected first."""
        infos = [self._info(peer) for peer in self._peers]
        return sorted(infos, key=lambda info: (info.status != "connected", info.label.casefold()))

    def peer(self, node_id: str) -> PeerInfo:
        """Return a peer by its id.

        Raises:
            UnknownPeerError: There is none.
        """
        return self._info(self._known(node_id))

    def is_peer(self, node_id: str) -> bool:
        """Return whether a node is known and one to connect with."""
        peer = self._peers.get(node_id)
        return peer is not None and not peer.record.blocked and self._may_return(peer)

    def is_expected(self, node_id: str) -> bool:
        """Return whether a node that is no peer may be let in if it comes now."""
        return self._peers.get(node_id) is None and self._policy.expects(
            node_id, self._clock.time()
        )

    def find_peer(self, text: object) -> PeerInfo:
        """Return the peer somebody means; see :meth:`.PeerRegistry.find`."""
        return self._info(self._peers.find(text))

    def set_alias(self, node_id: str, alias: str | None) -> PeerInfo:
        """Give a peer a name of one's own; None takes it away.

        Raises:
            UnknownPeerError: There is no such peer.
            BadNameError: The alias is not printable, too long, or another peer's.
        """
        peer = self._known(node_id)
        if alias is not None:
            alias = alias.strip()
            if not alias or clean_name(alias) != alias:
                raise BadNameError("an alias has 1 to 64 printable characters", hint="")
            for other in self._peers:
                if other is not peer and alias.casefold() in (
                    other.node_id,
                    (other.record.alias or "").casefold(),
                ):
                    raise BadNameError(
                        "another peer has this alias",
                        hint="choose another, or take it from the other",
                    )
        self._change(peer, alias=alias)
        return self._info(peer)

    async def block(self, node_id: str) -> PeerInfo:
        """End the link to a peer at once and let it in no more."""
        peer = self._known(node_id)
        self._change(peer, blocked=True)
        self._peers.let_go(peer)
        await self._links.end(peer, "blocked")
        self._mail.handlers.drop_peer(node_id)
        self._emit("blocked", node_id)
        return self._info(peer)

    def unblock(self, node_id: str) -> PeerInfo:
        """Let a blocked peer in again."""
        peer = self._known(node_id)
        self._change(peer, blocked=False)
        self._peers.keep_connected(peer)
        return self._info(peer)

    async def forget(self, node_id: str) -> None:
        """End the link to a peer and delete all that is stored of it, its grants included."""
        peer = self._known(node_id)
        self.store.delete_peer(node_id)
        self._peers.remove(node_id)
        await self._links.end(peer, "forgotten")
        self._mail.handlers.drop_peer(node_id)
        self._emit("forgotten", node_id)

    async def disconnect(self, node_id: str) -> PeerInfo:
        """End the link to a peer until one side connects again."""
        peer = self._known(node_id)
        self._peers.let_go(peer)
        await self._links.end(peer, "disconnect")
        self._emit("peer", node_id)
        return self._info(peer)

    # Invites and connecting.

    def mint_invite(self, ttl_s: float | None = None, note: str = "") -> MintedInvite:
        """Make a single-use invite.

        Args:
            ttl_s: Its life in seconds; None for the configured one.
            note: Up to 200 characters for the one who makes it.

        Raises:
            BadRequestError: The life is not positive or too long, or the note is.
        """
        return self._invites.mint(ttl_s, note)

    def invites(self) -> list[InviteRecord]:
        """Return all invites this node made that are still remembered."""
        return self._invites.all()

    def revoke_invite(self, id: str) -> None:
        """Make an invite void.

        Raises:
            LookupFailedError: There is none of this id.
        """
        self._invites.revoke(id)

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
        if invite.id == self.node_id:
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
        return await self._dial(target, on_progress)

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
            return await self._dial(Target(addresses=[self._dialable(address)]), on_progress)
        peer = self._peers.get(node_id)
        if peer is None and address is None and self._candidates.addresses(node_id):
            found = Target(addresses=self._candidates.addresses(node_id), node_id=node_id)
            try:
                return await self._dial(found, on_progress)
            except NotTrustedError as error:
                raise NotTrustedError(
                    "this node was found, and the two of you have not paired",
                    hint="give it an invite, or ask for one",
                ) from error
        peer = self._known(node_id)
        if peer.record.blocked:
            raise BlockedError
        if peer.session is not None:
            return self._info(peer)
        peer.is_wanted = True
        try:
            where = None if address is None else self._dialable(address)
            return await self._dial(self._target(peer, where), on_progress)
        finally:
            self._peers.keep_connected(peer)

    # Messages.

    def on(self, type: str, handler: Handler, *, order: Order | None = None) -> None:
        """Register the handler of a message type; see :class:`.Dispatcher`."""
        self._mail.handlers.on(type, handler, order)

    def subscribe(self, listener: Callable[[HubEvent], None]) -> Callable[[], None]:
        """Call back at every event; returns what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def queued(self, node_id: str) -> int:
        """Return how many bytes wait for a peer; 0 when it is not connected."""
        peer = self._peers.get(node_id)
        return peer.session.queued if peer is not None and peer.session is not None else 0

    def on_drain(self, node_id: str, callback: Callable[[], None]) -> None:
        """Call back once when little waits for a peer, or the link to it is gone."""
        peer = self._peers.get(node_id)
        if peer is None or peer.session is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            peer.session.on_drain(callback)

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return counters of each connected peer by its id."""
        return {
            peer.node_id: {
                "rtt_ms": _milliseconds(peer.session.rtt_s),
                "bytes_in": peer.session.received_bytes,
                "bytes_out": peer.session.sent_bytes,
                "messages_in": peer.session.received_messages,
                "messages_out": peer.session.sent_messages,
                "transport": peer.session.link.transport,
                "queue": peer.session.queued,
                "since": peer.session.since,
            }
            for peer in self._peers
            if peer.session is not None
        }

    def ways(self, node_id: str) -> list[tuple[str, str | None]]:
        """Return all addresses of a peer, best first, each with the transport that dials it.

        Raises:
            UnknownPeerError: There is no such peer.
        """
        addresses = self._addresses_of(self._known(node_id))
        ways: list[tuple[str, str | None]] = [
            (address, transport.name) for transport, address in self._connector.dialable(addresses)
        ]
        dialable = {address for address, _ in ways}
        return [*ways, *((at, None) for at in dict.fromkeys(addresses) if at not in dialable)]

    async def probe(self, address: str, node_id: str | None = None) -> None:
        """Find out whether a node answers at an address, without a link coming of it.

        Args:
            address: Where.
            node_id: A known peer; None for this node itself.

        Raises:
            PeerError: Why it does not.
        """
        if node_id is not None:
            return await self._connector.probe(address, self._target(self._known(node_id)))
        target = Target(addresses=(), node_id=self.node_id, public_key=self.identity.public_key_b64)
        try:
            await self._connector.probe(address, target)
        except OwnNodeError:
            return None
        raise WrongNodeError(f"whoever answers at {address} did not see that it is itself")

    async def ping(self, node_id: str, timeout: float = 10.0) -> float:
        """Return the round-trip time to a peer in seconds.

        Raises:
            LinkError: It is not connected, or does not answer in time.
        """
        return await self._mail.ping(self._mail.session(node_id), timeout)

    # Inside: what peers say of themselves.

    def _announcement(self) -> dict[str, Any]:
        return {"addresses": self.addresses(), "node_name": self.node_name}

    def _on_addresses(self, message: Message) -> None:
        said = convert(message.data, Addresses)
        peer = self._known(message.peer_id)
        addresses = list(dict.fromkeys(said.addresses))
        if addresses != peer.record.addresses:
            self._upgrader.look_again(peer.node_id)
        changes: dict[str, Any] = {"addresses": addresses}
        if clean_name(said.node_name):
            changes["node_name"] = clean_name(said.node_name)
        self._change(peer, **changes)

    def _on_bye(self, message: Message) -> None:
        if message.data.get("reason") in FINAL_REASONS:
            self._peers.let_go(self._known(message.peer_id))

    # Inside: connecting.

    def _make_offer(self) -> Offer:
        return Offer(
            identity=self.identity,
            node_name=self.node_name,
            capabilities=self.capabilities,
            nonce=self._clock.random_bytes(16).hex(),
            x25519=self._clock.random_bytes(32),
            stamp=self._mail.stamp,
            allow_unsealed=self.config.allow_unsealed_peers,
        )

    def _target(self, peer: Peer, address: str | None = None) -> Target:
        addresses = [address] if address is not None else self._addresses_of(peer)
        return Target(addresses=addresses, node_id=peer.node_id, public_key=peer.record.public_key)

    def _addresses_of(self, peer: Peer) -> list[str]:
        """Return where to dial a peer: where it says it is, and where one that may return was found."""
        found = self._candidates.addresses(peer.node_id) if self._may_return(peer) else []
        return [*peer.record.addresses, *found]

    async def _dial(self, target: Target, on_progress: Progress | None = None) -> PeerInfo:
        deadline = self._clock.monotonic() + self.config.handshake_timeout_s
        while True:
            with contextlib.suppress(DuplicateLinkError):
                return await self._dial_once(target, on_progress)
            # The peer dialled at the same moment, and its link is the one that stays; but it may
            # break before it is there, and then nobody else dials.
            assert target.node_id is not None
            await self._wait_for_session(target.node_id)
            peer = self._peers.get(target.node_id)
            if peer is not None and peer.session is not None:
                return self._info(peer)
            if self._clock.monotonic() >= deadline:
                raise NotConnectedError

    async def _dial_once(self, target: Target, on_progress: Progress | None) -> PeerInfo:
        peer = self._peers.get(target.node_id or "")
        if peer is not None:
            peer.dials += 1
            self._emit("peer", peer.node_id)
        try:
            connected = await self._connector.dial(target, on_progress)
        except DuplicateLinkError:
            raise
        except PeerError as error:
            if peer is not None and peer.session is not None:
                return self._info(peer)  # it came in by itself meanwhile
            if peer is not None:
                peer.last_error = error
            raise
        finally:
            if peer is not None:
                peer.dials -= 1
                self._emit("peer", peer.node_id)
        return self.peer(connected.peer.node_id)

    def _dialable(self, address: str) -> str:
        """Return an address as some transport dials it; people leave half of it out."""
        if any(transport.can_dial(address) for transport in self.transports):
            return address
        return normalize_address(address)

    async def _wait_for_session(self, node_id: str) -> None:
        """Wait a moment for a link that is on its way."""
        came = asyncio.Event()

        def listen(event: HubEvent) -> None:
            if event == HubEvent("link_up", node_id):
                came.set()

        unsubscribe = self.subscribe(listen)
        try:
            peer = self._peers.get(node_id)
            if peer is None or peer.session is None:
                await asyncio.wait_for(came.wait(), DUPLICATE_WAIT_S * self._clock.jitter())
        except asyncio.TimeoutError:
            log.debug("%s dialled too, but is not there yet", node_id)
        finally:
            unsubscribe()

    def _may_return(self, peer: Peer) -> bool:
        record = peer.record
        return record.trusted or self._policy.stands_by(
            record.node_id, record.public_key, self._clock.time()
        )

    async def _redial(self, peer: Peer) -> None:
        await self._dial(self._target(peer))

    # Inside: records and events.

    def _known(self, node_id: str) -> Peer:
        peer = self._peers.get(node_id)
        if peer is None:
            raise UnknownPeerError
        return peer

    def _is_known(self, node_id: str) -> bool:
        return self._peers.get(node_id) is not None

    def _change(self, peer: Peer, *, quiet: bool = False, **fields: Any) -> None:
        if any(getattr(peer.record, name) != value for name, value in fields.items()):
            peer.record = self.store.update_peer(peer.node_id, **fields)
            if not quiet:
                self._emit("peer", peer.node_id)

    def _info(self, peer: Peer) -> PeerInfo:
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
            rtt_ms=_milliseconds(session.rtt_s) if session else None,
            since=session.since if session else None,
            capabilities=record.capabilities,
            addresses=record.addresses,
            origin=record.origin,
            last_error=to_wire(peer.last_error) if peer.last_error else None,
        )

    def _emit(self, kind: str, node_id: str) -> None:
        event = HubEvent(kind, node_id)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # noqa: PERF203 - one listener must not silence the others
                log.exception("a listener failed at %s", kind)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
