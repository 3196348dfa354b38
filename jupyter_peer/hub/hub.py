"""The hub: a plain class that owns the identity, peers, links and messages of a node.

A process has one hub, which starts and stops with the server. Above are panes, agents and the
server's operations, which register handlers and send messages. Below are transports, trust and store,
which are arguments.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..errors import (
    BadRequestError,
    BlockedError,
    NotTrustedError,
    OwnNodeError,
    WrongNodeError,
)
from ..phrase import phrase
from ..primitives.clock import Clock, WakeWatch
from ..store.store import Store
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.addresses import normalize_address
from ..wire.link.identity import Identity
from .admission import Admission
from .groups.groups import Groups
from .guests.guests import Guests
from .info import HubEvent, PeerInfo
from .invites import InviteBook
from .links.connector import Connector, Progress, Target
from .local_node import HubConfig, LocalNode
from .message import Messenger
from .messaging import Messaging
from .peers.announcements import Announcements
from .peers.auto_connector import AutoConnector
from .peers.candidates import Candidates, FoundNode
from .peers.registry import PeerRegistry

log = logging.getLogger(__name__)

# After sleep, a peer that has not answered within this time is not connected any more.
WAKE_TIMEOUT_S = 5.0


class PeerHub(Messaging):
    """The hub of one node, with its peers, guests and invites.

    Args:
        identity: The node's key.
        store: The store of peers, invites and grants.
        transports: Ways to reach others, started and closed with the hub.
        policy: Decides about strangers.
        config: Settings.
        clock: Source of time and random numbers.

    Attributes:
        groups: Its groups of viewers.
        guests: The browsers that have opened a guest link, and these links.
        invites: The invites that this node has made.
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
        messenger = Messenger(identity, self._clock)
        self._connector = Connector(self._local, messenger)
        self._candidates = Candidates(
            identity.node_id, lambda node_id: peers.get(node_id) is not None
        )
        peers = PeerRegistry(self._local, self._connector, messenger, self._candidates)
        guests = Guests(self._local, messenger, lambda node_id: peers.get(node_id) is not None)
        groups = Groups(
            lambda node_id: guests.get(node_id) or peers.get(node_id),
            messenger,
            self._clock.random_bytes,
        )
        super().__init__(messenger, peers, guests, groups)
        self._admission = Admission(self._local, self._peers, self.guests)
        self._connector.gate = self._admission
        self._auto_connector = AutoConnector(self._local, self._candidates, self._peers)
        self._wake = WakeWatch(self._clock, self.network_changed, self.config.wake_poll_s)
        self.invites = InviteBook(self._local)
        self.on("ping", lambda message: message.reply("pong", {}))
        Announcements(self, peers)
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
        """Send `bye`, close all links and end all tasks; may be called twice."""
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
        """Call back at every event; return a function that stops this."""
        return self._local.events.connect(listener)

    # This node.

    @property
    def node_id(self) -> str:
        """The id of this node."""
        return self.identity.node_id

    @property
    def node_name(self) -> str:
        """The cosmetic name of this node."""
        return self._local.name

    @property
    def is_named(self) -> bool:
        """Whether the user or the configuration has chosen this node's name."""
        return self._local.is_named

    def propose_name(self, name: str) -> None:
        """Use a name until somebody chooses one."""
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
        self._local.tell("self", self.node_id)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that this node announces to its peers."""
        return self._local.capabilities

    def add_capability(self, name: str) -> None:
        """Announce one more capability in later handshakes."""
        self._local.capabilities = (*self._local.capabilities, name)

    def addresses(self) -> list[str]:
        """Return this node's addresses: configured, learned, then listening ones."""
        return self._local.addresses()

    @property
    def learned_addresses(self) -> list[str]:
        """Addresses at which browsers have reached this server."""
        return list(self._local.learned_addresses)

    def add_learned_address(self, address: str) -> None:
        """Announce an address at which a browser has reached this server."""
        if self._local.learn_address(address):
            self._peers.announce()

    async def review_trust(self) -> list[str]:
        """Apply the policy again to the nodes that it has admitted without trust.

        Nodes that it no longer admits are disconnected. The others are dialled if they are offline,
        and so are found nodes that the policy lists now.

        Returns:
            The ids of the disconnected nodes.
        """
        ended = await self._peers.review()
        self._auto_connector.look()
        return ended

    async def add_transport(self, transport: Transport) -> None:
        """Add a transport and start it.

        Raises:
            NotEnabledError: The transport cannot be used; nothing has changed.
        """
        if self.started:
            await transport.start(self._connector.accept)
        self.transports.append(transport)

    async def remove_transport(self, transport: Transport) -> None:
        """Remove a transport and close its links; links over other transports stay."""
        self.transports.remove(transport)
        await transport.close()

    @property
    def relay_url(self) -> str | None:
        """The relay in new invites and guest links."""
        return self._local.relay_url

    def reach_changed(self, relay_url: str | None, lobby_url: str | None) -> None:
        """Send all peers this node's addresses, and dial the peers that are offline.

        Args:
            relay_url: Relay for invites from now on.
            lobby_url: Lobby for invites from now on.
        """
        self._local.relay_url, self._local.lobby_url = relay_url, lobby_url
        if self.started:
            self._peers.reconnect_now()
            self._peers.upgrade_soon()
            self._peers.announce()

    async def network_changed(self) -> None:
        """Check every link at once, because the network or this machine's addresses have changed."""
        for transport in self.transports:
            transport.network_changed()
        self._peers.reconnect_now()
        self._peers.upgrade_soon()
        self._peers.announce()
        await self._peers.check_all(WAKE_TIMEOUT_S)

    # Discovery.

    def found(self, source: str, node_id: str, node_name: str, addresses: list[str]) -> None:
        """Store a node that discovery has found; a known peer that is offline is dialled at once.

        Args:
            source: Source of the discovery, ``lan`` or ``lobby``.
            node_id: Id that the node claims.
            node_name: Name that the node announces.
            addresses: Addresses to dial, best first; they replace earlier ones of this source.
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
        """Remove a node that a source of discovery no longer sees."""
        if self._candidates.drop(source, node_id):
            self._local.tell("found", node_id)

    def found_nodes(self) -> list[FoundNode]:
        """Return the nodes that discovery sees now, known peers included."""
        return self._candidates.all()

    # Peers.

    def peers(self) -> list[PeerInfo]:
        """Return all known peers, connected ones first."""
        infos = [peer.info() for peer in self._peers]
        return sorted(infos, key=lambda info: (info.status != "connected", info.label.casefold()))

    def peer(self, node_id: str) -> PeerInfo:
        """Return a peer by its id.

        Raises:
            UnknownPeerError: No peer has this id.
        """
        return self._peers.known(node_id).info()

    def find_peer(self, text: object) -> PeerInfo:
        """Find a peer by what a user typed; see :meth:`.PeerRegistry.find`.

        Raises:
            UnknownPeerError: No peer has this id.
            AmbiguousPeerError: Several peers match; the message lists them.
        """
        return self._peers.find(text).info()

    def is_peer(self, node_id: str) -> bool:
        """Return whether a node is a peer that may connect."""
        peer = self._peers.get(node_id)
        return peer is not None and peer.may_be_dialled()

    def is_expected(self, node_id: str) -> bool:
        """Return whether a node that is not a peer may be admitted now."""
        policy, now = self._local.policy, self._clock.time()
        return self._peers.get(node_id) is None and policy.expects(node_id, now)

    def set_alias(self, node_id: str, alias: str | None) -> PeerInfo:
        """Give a peer a local name; None removes it.

        Raises:
            UnknownPeerError: There is no such peer.
            BadNameError: The alias is not printable, is too long, or belongs to another peer.
        """
        peer = self._peers.known(node_id)
        peer.change(alias=None if alias is None else self._peers.check_alias(peer, alias))
        return peer.info()

    async def block(self, node_id: str) -> PeerInfo:
        """Close the link to a peer at once and refuse the peer from now on."""
        peer = self._peers.known(node_id)
        peer.change(blocked=True)
        peer.dialling.let_go()
        await peer.end("blocked")
        self._messenger.handlers.drop_peer(node_id)
        self._local.tell("blocked", node_id)
        return peer.info()

    def unblock(self, node_id: str) -> PeerInfo:
        """Admit a blocked peer again."""
        peer = self._peers.known(node_id)
        peer.change(blocked=False)
        peer.dialling.keep_connected()
        return peer.info()

    async def forget(self, node_id: str) -> None:
        """Close the link to a peer and delete its record and its grants."""
        peer = self._peers.known(node_id)
        self.store.delete_peer(node_id)
        self._peers.remove(node_id)
        await peer.end("forgotten")
        self._messenger.handlers.drop_peer(node_id)
        self._local.tell("forgotten", node_id)

    async def disconnect(self, node_id: str) -> PeerInfo:
        """Close the link to a peer until one side connects again."""
        peer = self._peers.known(node_id)
        peer.dialling.let_go()
        await peer.end("disconnect")
        self._local.tell("peer", node_id)
        return peer.info()

    # Invites and connecting.

    async def pair(self, text: object, on_progress: Progress | None = None) -> PeerInfo:
        """Redeem an invite; both nodes trust each other afterwards.

        Args:
            text: The pasted invite.
            on_progress: Called for each path that is tried.

        Raises:
            InviteMalformedError, InviteExpiredError, OwnNodeError: The invite cannot be used.
            PeerError: The invite could not be redeemed.
        """
        target = self.invites.target(text)
        known = self._peers.get(target.node_id or "")
        if known is not None and known.record.blocked:
            raise BlockedError(phrase("{peer} is blocked here", peer=known.label))
        return (await self._peers.dial(target, on_progress)).info()

    async def connect(
        self,
        node_id: str | None = None,
        address: str | None = None,
        on_progress: Progress | None = None,
    ) -> PeerInfo:
        """Dial a known peer, a found node, or the node at an address.

        Raises:
            PeerError: The node cannot be reached, or refuses.
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
            raise BlockedError(phrase("{peer} is blocked here", peer=peer.label))
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
        """Complete an address that a person typed, so that a transport can dial it."""
        return address if self._connector.dialable([address]) else normalize_address(address)

    def ways(self, node_id: str) -> list[tuple[str, str | None]]:
        """Return all addresses of a peer with their transports, best first.

        Raises:
            UnknownPeerError: There is no such peer.
        """
        return self._peers.known(node_id).ways()

    async def probe(self, address: str, node_id: str | None = None) -> float:
        """Measure the round trip to a node at an address without making a link.

        Args:
            address: The address to dial.
            node_id: A known peer; None for this node itself.

        Returns:
            Seconds from ``hello`` to the answer; 0 for this node itself.

        Raises:
            PeerError: The node does not answer.
        """
        if node_id is not None:
            return await self._connector.probe(address, self._peers.known(node_id).target())
        target = Target(addresses=(), node_id=self.node_id, public_key=self.identity.public_key_b64)
        try:
            await self._connector.probe(address, target)
        except OwnNodeError:
            return 0.0
        raise WrongNodeError(
            phrase("the node that answers at {address} did not recognise this one", address=address)
        )

    def _on_event(self, event: HubEvent) -> None:
        if event.kind == "link_down":
            self._auto_connector.look()
