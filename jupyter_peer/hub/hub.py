"""The hub: one a process, a plain class that owns identity, peers, links and messages of a node.

Above it are panes, agents and the server's operations, which register handlers and send messages;
below are transports, trust and store, which it is given. It starts and stops with the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import BadNameError, BusyError, NotTrustedError
from ..store.records import InviteRecord
from ..store.store import Store
from ..transports.base import Transport
from ..trust.base import TrustPolicy
from ..wire.invite import MAX_ADDRESSES
from ..wire.link.handshake import Offer, clean_name
from ..wire.link.identity import Identity
from ..wire.payloads.hub import Addresses, convert
from .admission import Admission
from .book import PeerBook, milliseconds
from .candidates import Candidates, FoundNode
from .clock import Clock
from .config import HubConfig
from .connect import Connector
from .dialling import Dialling
from .dispatch import Handler, Message, Order
from .events import Events
from .greeter import Greeter
from .invites import InviteBook, MintedInvite
from .links import FINAL_REASONS, WAKE_TIMEOUT_S, Links
from .mail import Mail
from .peers import PeerInfo, PeerRegistry
from .upgrade import Upgrader
from .wake import WakeWatch

log = logging.getLogger(__name__)

CAPABILITIES = ("panes", "pane-buffers", "pane-widgets")


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
        self.capabilities: tuple[str, ...] = CAPABILITIES
        self.started = False
        self._clock = clock or Clock()
        self._node_name = clean_name(store.setting("node_name") or self.config.node_name)
        self._learned: list[str] = []
        self._events = Events()
        self._peers = PeerRegistry(
            self.config,
            self._clock,
            redial=lambda peer: self._dialling.redial(peer),
            may_return=lambda peer: self._book.may_return(peer),
        )
        self._candidates = Candidates(
            identity.node_id, lambda node_id: self._peers.get(node_id) is not None
        )
        self._book = PeerBook(
            store, self._peers, self._candidates, policy, self._clock, self._events
        )
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
            note=self._book.note,
            emit=self._events.emit,
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
        self._dialling = Dialling(
            identity,
            self.config,
            self._clock,
            self._connector,
            self._peers,
            self._book,
            self._candidates,
            self._events,
        )
        self._upgrader = Upgrader(
            self.config,
            self._clock,
            self._peers,
            addresses=self._book.addresses_of,
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
            dial=self._dialling.dial,
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
        # What parts of it do under the hub's name.
        self.subscribe = self._events.subscribe
        self.peers = self._book.all
        self.peer = self._book.peer
        self.find_peer = self._book.find
        self.set_alias = self._book.set_alias
        self.is_peer = self._book.is_peer
        self.is_expected = self._book.is_expected
        self.pair = self._dialling.pair
        self.connect = self._dialling.connect
        self.ways = self._dialling.ways
        self.probe = self._dialling.probe
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
            raise BadNameError(
                "a node name has 1 to 64 printable characters", hint="use letters and digits"
            )
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

        Those it does not stand by any more are cut off; the others are dialled if they are away, and
        so are those it lists now and that were found before.

        Returns:
            The ids of those whose link was closed.
        """
        ended = []
        for peer in self._peers:
            record = peer.record
            if record.trusted or record.blocked or record.origin != "directory":
                continue
            if self._book.may_return(peer):
                if peer.is_resting and peer.is_wanted and not peer.is_connected():
                    self._peers.keep_connected(peer)
                continue
            self._peers.rest(peer)
            if peer.is_connected():
                log.info("%s is cut off: it is not in the directory any more", peer.node_id)
                await self._links.end(peer, NotTrustedError.code)
                self._mail.handlers.drop_peer(peer.node_id)
                ended.append(peer.node_id)
                self._events.emit("peer", peer.node_id)
        self._greeter.look()
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
        self._events.emit("found", node_id)

    def lost(self, source: str, node_id: str) -> None:
        """Take it that a source sees a node no more."""
        if self._candidates.drop(source, node_id):
            self._events.emit("found", node_id)

    def found_nodes(self) -> list[FoundNode]:
        """Return the nodes that discovery sees now, known peers among them."""
        return self._candidates.all()

    # Peers.

    async def block(self, node_id: str) -> PeerInfo:
        """End the link to a peer at once and let it in no more."""
        peer = self._book.known(node_id)
        self._book.change(peer, blocked=True)
        self._peers.let_go(peer)
        await self._links.end(peer, "blocked")
        self._mail.handlers.drop_peer(node_id)
        self._events.emit("blocked", node_id)
        return self._book.info(peer)

    def unblock(self, node_id: str) -> PeerInfo:
        """Let a blocked peer in again."""
        peer = self._book.known(node_id)
        self._book.change(peer, blocked=False)
        self._peers.keep_connected(peer)
        return self._book.info(peer)

    async def forget(self, node_id: str) -> None:
        """End the link to a peer and delete all that is stored of it, its grants included."""
        peer = self._book.known(node_id)
        self.store.delete_peer(node_id)
        self._peers.remove(node_id)
        await self._links.end(peer, "forgotten")
        self._mail.handlers.drop_peer(node_id)
        self._events.emit("forgotten", node_id)

    async def disconnect(self, node_id: str) -> PeerInfo:
        """End the link to a peer until one side connects again."""
        peer = self._book.known(node_id)
        self._peers.let_go(peer)
        await self._links.end(peer, "disconnect")
        self._events.emit("peer", node_id)
        return self._book.info(peer)

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

    # Messages.

    def on(self, type: str, handler: Handler, *, order: Order | None = None) -> None:
        """Register the handler of a message type; see :class:`.Dispatcher`."""
        self._mail.handlers.on(type, handler, order)

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
                "rtt_ms": milliseconds(peer.session.rtt_s),
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
        peer = self._book.known(message.peer_id)
        addresses = list(dict.fromkeys(said.addresses))
        name = clean_name(said.node_name) or peer.record.node_name
        if (addresses, name) == (peer.record.addresses, peer.record.node_name):
            return
        if not peer.pace.may(self._clock.monotonic()):
            raise BusyError("your addresses change too often")
        if addresses != peer.record.addresses:
            self._upgrader.look_again(peer.node_id)
        self._book.note(peer, addresses=addresses, node_name=name)

    def _on_bye(self, message: Message) -> None:
        if message.data.get("reason") in FINAL_REASONS:
            self._peers.let_go(self._book.known(message.peer_id))

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
