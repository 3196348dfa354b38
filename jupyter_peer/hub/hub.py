"""The hub: one a process, a plain class that owns identity, peers, links and messages of a node.

Above it are panes, agents and the server's operations, which register handlers and send messages;
below are transports, trust and store, which it is given. It starts and stops with the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import (
    BadRequestError,
    BlockedError,
    BusyError,
    InviteExpiredError,
    NotConnectedError,
    NotTrustedError,
    OwnNodeError,
    UnsupportedError,
    WrongNodeError,
)
from ..primitives.clock import Clock, WakeWatch
from ..store.records import InviteRecord
from ..store.store import Store
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.addresses import normalize_address
from ..wire.invite import Invite
from ..wire.link.envelope import Buffer
from ..wire.link.handshake import printable_names
from ..wire.link.identity import Identity, clean_name
from ..wire.payloads.hub import Addresses, convert
from ..wire.payloads.original_system import Presence
from .admission import Admission, InviteBook, MintedInvite
from .guests.guests import Guests
from .info import HubEvent, PeerInfo
from .links.connector import Connector, Progress, Target
from .links.linked_node import LinkedNode
from .local_node import HubConfig, LocalNode
from .message import Handler, Message, Messenger, Order
from .peers.auto_connector import AutoConnector
from .peers.candidates import Candidates, FoundNode
from .peers.registry import PeerRegistry

log = logging.getLogger(__name__)

# After sleep, an answer takes no longer than this, or there is none.
WAKE_TIMEOUT_S = 5.0
# The reasons in `bye` after which the other side does not dial again by itself.
FINAL_REASONS = ("disconnect", "forgotten", "blocked")


class PeerHub:
    """The hub of one node: it holds the peers and the doors through which they come.

    Args:
        identity: The node's key.
        store: Peers, invites, grants.
        transports: Ways to reach others, started and closed with the hub.
        policy: Decides about strangers.
        config: Settings.
        clock: Time and random numbers.

    Attributes:
        guests: The browsers that have opened a guest link, and these links.
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
        self.started = False
        self._clock = clock or Clock()
        self._local = LocalNode(
            identity=identity,
            store=store,
            transports=transports,
            policy=policy,
            config=self.config,
            clock=self._clock,
        )
        self.transports = self._local.transports
        self._messenger = Messenger(identity, self._clock)
        self._connector = Connector(self._local, self._messenger)
        self._candidates = Candidates(
            identity.node_id, lambda node_id: self._peers.get(node_id) is not None
        )
        self._peers = PeerRegistry(self._local, self._connector, self._messenger, self._candidates)
        self.guests = Guests(
            self._local, self._messenger, lambda node_id: self._peers.get(node_id) is not None
        )
        self._admission = Admission(self._local, self._peers, self.guests)
        self._connector.gate = self._admission
        self._auto_connector = AutoConnector(self._local, self._candidates, self._peers)
        self._wake = WakeWatch(self._clock, self.network_changed, self.config.wake_poll_s)
        self._invites = InviteBook(self._local)
        self.on("ping", lambda message: message.reply("pong", {}))
        self.on("addresses", self._on_addresses)
        self.on("bye", self._on_bye)
        self.on("presence", self._on_presence)
        self.subscribe(self._on_event)

    async def start(self) -> None:
        """Listen, and dial all known peers."""
        self.started = True
        self._peers.start()
        self.guests.start()
        self._wake.start()
        for transport in self.transports:
            await transport.start(self._connector.accept)
        for peer in self._peers:
            peer.dialling.keep_connected()

    async def close(self) -> None:
        """Say goodbye, close all links and end all tasks; may be called twice."""
        if not self.started:
            return
        self.started = False
        await self._auto_connector.close()
        await self._wake.close()
        await self.guests.close()
        await self._peers.close()
        for transport in self.transports:
            await transport.close()
        await self._messenger.handlers.close()

    def subscribe(self, listener: Callable[[HubEvent], None]) -> Callable[[], None]:
        """Call back at every event; return what ends that."""
        return self._local.events.connect(listener)

    # This node.

    @property
    def node_id(self) -> str:
        """This node's id."""
        return self.identity.node_id

    @property
    def node_name(self) -> str:
        """This node's cosmetic name."""
        return self._local.name

    @property
    def is_named(self) -> bool:
        """Whether the user or the configuration has given this node its name."""
        return self._local.is_named

    def propose_name(self, name: str) -> None:
        """Use a name for as long as nobody has given this node another one."""
        if self._local.propose_name(name):
            self._peers.announce()
            self._local.tell("self", self.node_id)

    def set_node_name(self, name: str) -> None:
        """Change the cosmetic name and tell all connected peers.

        Raises:
            BadNameError: The name has nothing printable, or more than 64 characters.
        """
        self._local.set_name(name)
        self._peers.announce()

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What this node tells its peers that it can do."""
        return self._local.capabilities

    def add_capability(self, name: str) -> None:
        """Announce one more capability in the handshakes to come."""
        self._local.capabilities = (*self._local.capabilities, name)

    def addresses(self) -> list[str]:
        """Return where this node can be dialled: configured, learned, then listening addresses."""
        return self._local.addresses()

    @property
    def learned_addresses(self) -> list[str]:
        """Addresses under which browsers have reached this server."""
        return list(self._local.learned_addresses)

    def add_learned_address(self, address: str) -> None:
        """Offer peers an address under which a browser has reached this server."""
        if self._local.learn_address(address):
            self._peers.announce()

    async def review_trust(self) -> list[str]:
        """Apply the policy again to the nodes that it has let in for the moment only.

        Those that it no longer stands by are cut off. The others are dialled if they are away, and
        so are nodes that it lists now and that were found before.

        Returns:
            The ids of those whose link was closed.
        """
        ended = []
        for peer in self._peers:
            record, dialling = peer.record, peer.dialling
            if record.trusted or record.blocked or record.origin != "directory":
                continue
            if peer.may_return():
                if dialling.is_resting and dialling.is_wanted and not peer.is_connected():
                    dialling.keep_connected()
                continue
            dialling.rest()
            if peer.is_connected():
                log.info("%s is cut off: it is not in the directory any more", peer.node_id)
                await peer.end(NotTrustedError.code)
                self._messenger.handlers.drop_peer(peer.node_id)
                ended.append(peer.node_id)
                self._local.tell("peer", peer.node_id)
        self._auto_connector.look()
        return ended

    async def add_transport(self, transport: Transport) -> None:
        """Use one more transport from now on.

        Raises:
            NotEnabledError: It cannot be used; nothing has changed.
        """
        if self.started:
            await transport.start(self._connector.accept)
        self.transports.append(transport)

    async def remove_transport(self, transport: Transport) -> None:
        """Close a transport with its links, and use it no more; links by other transports stay."""
        self.transports.remove(transport)
        await transport.close()

    @property
    def relay_url(self) -> str | None:
        """The relay that invites and guest links carry now."""
        return self._local.relay_url

    def reach_changed(self, relay_url: str | None, lobby_url: str | None) -> None:
        """Tell all peers this node's addresses, and try to reach those that are away.

        Args:
            relay_url: Relay that invites carry from now on.
            lobby_url: Lobby that they carry.
        """
        self._local.relay_url, self._local.lobby_url = relay_url, lobby_url
        if self.started:
            self._peers.reconnect_now()
            self._peers.upgrade_soon()
            self._peers.announce()

    async def network_changed(self) -> None:
        """Check every link at once: the network or this machine's addresses have changed."""
        for transport in self.transports:
            transport.network_changed()
        self._peers.reconnect_now()
        self._peers.upgrade_soon()
        self._peers.announce()
        await self._peers.check_all(WAKE_TIMEOUT_S)

    # Discovery.

    def found(self, source: str, node_id: str, node_name: str, addresses: list[str]) -> None:
        """Note that discovery sees a node; a known peer that is away is dialled at once.

        Args:
            source: Who says it, ``lan`` or ``lobby``.
            node_id: Who it claims to be.
            node_name: What it calls itself.
            addresses: Where it may be dialled, best first; they replace those that this source
                gave before.
        """
        if not self.started or not self._candidates.put(source, node_id, node_name, addresses):
            return
        peer = self._peers.get(node_id)
        if peer is not None and peer.is_connected():
            self._peers.upgrade_soon(node_id)
        elif peer is not None and peer.dialling.is_wanted:
            peer.dialling.found()
        self._auto_connector.look()
        self._local.tell("found", node_id)

    def lost(self, source: str, node_id: str) -> None:
        """Note that a source of discovery does not see a node any more."""
        if self._candidates.drop(source, node_id):
            self._local.tell("found", node_id)

    def found_nodes(self) -> list[FoundNode]:
        """Return the nodes that discovery sees now, known peers among them."""
        return self._candidates.all()

    # Peers.

    def peers(self) -> list[PeerInfo]:
        """Return all known peers, those connected first."""
        infos = [peer.info() for peer in self._peers]
        return sorted(infos, key=lambda info: (info.status != "connected", info.label.casefold()))

    def peer(self, node_id: str) -> PeerInfo:
        """Return a peer by its id.

        Raises:
            UnknownPeerError: There is none.
        """
        return self._peers.known(node_id).info()

    def find_peer(self, text: object) -> PeerInfo:
        """Return the peer that somebody means; see :meth:`.PeerRegistry.find`.

        Raises:
            UnknownPeerError: There is none.
            AmbiguousPeerError: There are several; the text lists them.
        """
        return self._peers.find(text).info()

    def is_peer(self, node_id: str) -> bool:
        """Return whether a node is a peer that may connect."""
        peer = self._peers.get(node_id)
        return peer is not None and peer.may_be_dialled()

    def is_expected(self, node_id: str) -> bool:
        """Return whether a node that is no peer may be let in if it comes now."""
        policy, now = self._local.policy, self._clock.time()
        return self._peers.get(node_id) is None and policy.expects(node_id, now)

    def is_original(self, node_id: str) -> bool:
        """Return whether a connected peer is a node of the original system: its link is unsealed."""
        peer = self._peers.get(node_id)
        return peer is not None and peer.session is not None and not peer.session.is_sealed

    def check_original(self, message: Message) -> None:
        """Check that a message that only the original system has comes from such a node.

        Raises:
            UnsupportedError: It does not.
        """
        if not self.is_original(message.peer_id):
            raise UnsupportedError(f"{message.type!r} is not known here")

    def set_alias(self, node_id: str, alias: str | None) -> PeerInfo:
        """Give a peer a local name; None removes it.

        Raises:
            UnknownPeerError: There is no such peer.
            BadNameError: The alias is not printable, too long, or another peer's.
        """
        peer = self._peers.known(node_id)
        peer.change(alias=None if alias is None else self._peers.check_alias(peer, alias))
        return peer.info()

    async def block(self, node_id: str) -> PeerInfo:
        """End the link to a peer at once and refuse it from now on."""
        peer = self._peers.known(node_id)
        peer.change(blocked=True)
        peer.dialling.let_go()
        await peer.end("blocked")
        self._messenger.handlers.drop_peer(node_id)
        self._local.tell("blocked", node_id)
        return peer.info()

    def unblock(self, node_id: str) -> PeerInfo:
        """Let a blocked peer in again."""
        peer = self._peers.known(node_id)
        peer.change(blocked=False)
        peer.dialling.keep_connected()
        return peer.info()

    async def forget(self, node_id: str) -> None:
        """End the link to a peer and delete all that is stored of it, its grants included."""
        peer = self._peers.known(node_id)
        self.store.delete_peer(node_id)
        self._peers.remove(node_id)
        await peer.end("forgotten")
        self._messenger.handlers.drop_peer(node_id)
        self._local.tell("forgotten", node_id)

    async def disconnect(self, node_id: str) -> PeerInfo:
        """End the link to a peer until one side connects again."""
        peer = self._peers.known(node_id)
        peer.dialling.let_go()
        await peer.end("disconnect")
        self._local.tell("peer", node_id)
        return peer.info()

    # Invites and connecting.

    def mint_invite(self, ttl_s: float | None = None, note: str = "") -> MintedInvite:
        """Make a single-use invite.

        Args:
            ttl_s: Its life in seconds; None for the configured one.
            note: Up to 200 characters for its maker.

        Raises:
            BadRequestError: The life is not positive or too long, or the note is too long.
        """
        return self._invites.mint(ttl_s, note)

    def invites(self) -> list[InviteRecord]:
        """Return all invites of this node that are still in the store."""
        return self._invites.all()

    def revoke_invite(self, id: str) -> None:
        """Revoke an invite.

        Raises:
            LookupFailedError: There is none of this id.
        """
        self._invites.revoke(id)

    async def pair(self, text: object, on_progress: Progress | None = None) -> PeerInfo:
        """Redeem an invite; both nodes trust each other afterwards.

        Args:
            text: The invite as it was copied.
            on_progress: Called for each path that is tried.

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
        return (await self._peers.dial(target, on_progress)).info()

    async def connect(
        self,
        node_id: str | None = None,
        address: str | None = None,
        on_progress: Progress | None = None,
    ) -> PeerInfo:
        """Dial a known peer, a node that was found, or the node at an address.

        Raises:
            PeerError: Why that failed.
        """
        if node_id is None:
            if address is None:
                raise BadRequestError("neither a peer nor an address was given")
            target = Target(addresses=[self._dialable(address)])
            peer = await self._peers.dial(target, on_progress)
            peer.dialling.want()
            return peer.info()
        found = self._peers.get(node_id)
        if found is None and address is None and self._candidates.addresses(node_id):
            return await self._connect_found(node_id, on_progress)
        peer = self._peers.known(node_id)
        if peer.record.blocked:
            raise BlockedError
        if peer.is_connected():
            return peer.info()
        peer.dialling.want()
        try:
            target = peer.target(None if address is None else self._dialable(address))
            return (await self._peers.dial(target, on_progress)).info()
        finally:
            peer.dialling.keep_connected()

    async def _connect_found(self, node_id: str, on_progress: Progress | None) -> PeerInfo:
        target = Target(addresses=self._candidates.addresses(node_id), node_id=node_id)
        try:
            return (await self._peers.dial(target, on_progress)).info()
        except NotTrustedError as error:
            raise NotTrustedError(
                "this node was found, and the two of you have not paired",
                hint="give it an invite, or ask for one",
            ) from error

    def _dialable(self, address: str) -> str:
        """Return an address as some transport dials it; people leave half of it out."""
        return address if self._connector.dialable([address]) else normalize_address(address)

    def ways(self, node_id: str) -> list[tuple[str, str | None]]:
        """Return all addresses of a peer, best first, each with the transport that dials it.

        Raises:
            UnknownPeerError: There is no such peer.
        """
        addresses = self._peers.known(node_id).addresses()
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
            PeerError: Why it does not answer.
        """
        if node_id is not None:
            return await self._connector.probe(address, self._peers.known(node_id).target())
        target = Target(addresses=(), node_id=self.node_id, public_key=self.identity.public_key_b64)
        try:
            await self._connector.probe(address, target)
        except OwnNodeError:
            return 0.0
        raise WrongNodeError(f"the node that answers at {address} did not recognise this one")

    # Messages.

    def on(self, type: str, handler: Handler, *, order: Order | None = None) -> None:
        """Register the handler of a message type; see :class:`.Dispatcher`."""
        self._messenger.handlers.on(type, handler, order)

    def send(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
        re: str | None = None,
    ) -> None:
        """Send a message to a connected peer, without waiting.

        Args:
            node_id: The peer.
            type: Kind of message.
            data: Payload, a JSON object.
            buffers: Raw bytes of the message.
            digests: Hex SHA-256 of each buffer, when they are known already.
            stream: Messages of one stream arrive in the order they were sent; large ones of
                different streams take turns.
            re: The request this answers.

        Raises:
            NotConnectedError: There is no link to it.
            OverflowLinkError: It does not read fast enough.
            MalformedError, TooLargeError: The payload cannot be sent.
        """
        node = self._node(node_id)
        if node is None:
            raise NotConnectedError
        node.send(type, data, buffers, digests=digests, stream=stream, re=re)

    def _node(self, node_id: str) -> LinkedNode | None:
        """Return a guest or a peer by its id, or None."""
        return self.guests.get(node_id) or self._peers.get(node_id)

    def send_many(
        self,
        node_ids: Iterable[str],
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        stream: str | None = None,
    ) -> list[str]:
        """Send one message to many peers; it is encoded, hashed and signed once.

        Args:
            node_ids: The peers.
            type: As of :meth:`send`, like the rest.
            data: Payload.
            buffers: Raw bytes.
            digests: Their hashes.
            stream: Their order.

        Returns:
            The ids of those it could not be queued for.
        """
        item = self._messenger.write_for_many(type, data, buffers, digests=digests)
        nodes = {node_id: self._node(node_id) for node_id in node_ids}
        return [
            node_id
            for node_id, node in nodes.items()
            if node is None or not node.try_put(item, stream or "")
        ]

    async def request(
        self,
        node_id: str,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        timeout: float = 10.0,
        stream: str | None = None,
    ) -> Message:
        """Send a message and return the answer.

        Args:
            node_id: The peer.
            type: As of :meth:`send`, like the rest.
            data: Payload.
            buffers: Raw bytes.
            timeout: Seconds to wait for the answer.
            stream: Its order; without one the request does not wait for other messages.

        Raises:
            PeerTimeoutError: No answer in time.
            PeerError: The error the peer answered with, or why it could not be asked.
        """
        peer = self._peers.connected(node_id)
        return await peer.request(type, data, buffers, timeout=timeout, stream=stream)

    async def ping(self, node_id: str, timeout: float = 10.0) -> float:
        """Return the round-trip time to a peer in seconds.

        Raises:
            LinkError: It is not connected, or does not answer in time.
        """
        return await self._peers.connected(node_id).ping(timeout)

    def queued(self, node_id: str) -> int:
        """Return how many bytes wait for a peer or guest; 0 when it is not connected."""
        node = self._node(node_id)
        return node.session.queued if node is not None and node.session is not None else 0

    def on_drain(self, node_id: str, callback: Callable[[], None]) -> None:
        """Call back once when little waits for a peer or guest, or the link to it is gone."""
        node = self._node(node_id)
        if node is None or not node.on_drain(callback):
            asyncio.get_running_loop().call_soon(callback)

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return counters of each connected peer by its id."""
        counted = {peer.node_id: peer.metrics() for peer in self._peers}
        return {node_id: metrics for node_id, metrics in counted.items() if metrics is not None}

    def capabilities_of(self, node_id: str) -> list[str]:
        """Return what a peer or guest has announced that it can do; nothing for others."""
        guest = self.guests.get(node_id)
        if guest is not None:
            return guest.capabilities
        peer = self._peers.get(node_id)
        return [] if peer is None else peer.record.capabilities

    # What peers say of themselves, and what becomes of them.

    def _on_addresses(self, message: Message) -> None:
        said = convert(message.data, Addresses)
        peer = self._peers.known(message.peer_id)
        addresses = list(dict.fromkeys(said.addresses))
        name = clean_name(said.node_name) or peer.record.node_name
        if (addresses, name) == (peer.record.addresses, peer.record.node_name):
            return
        if not peer.may_announce():
            raise BusyError("your addresses change too often")
        if addresses != peer.record.addresses:
            self._peers.upgrade_soon(peer.node_id)
        peer.note(addresses=addresses, node_name=name)

    def _on_presence(self, message: Message) -> None:
        self.check_original(message)
        said = convert(message.data, Presence)
        peer = self._peers.known(message.peer_id)
        changes: dict[str, Any] = {}
        if name := clean_name(said.node_name):
            changes["node_name"] = name
        if said.capabilities is not None:
            changes["capabilities"] = printable_names(said.capabilities)
        if not peer.differs(changes):
            return
        if not peer.may_announce():
            raise BusyError("your name changes too often")
        peer.note(**changes)

    def _on_bye(self, message: Message) -> None:
        if message.data.get("reason") in FINAL_REASONS:
            self._peers.known(message.peer_id).dialling.let_go()

    def _on_event(self, event: HubEvent) -> None:
        if event.kind == "link_down":
            self._auto_connector.look()
