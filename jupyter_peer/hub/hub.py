"""The hub: one a process, a plain class that owns identity, peers, links and messages of a node.

Above it are panes, agents and the server's operations, which register handlers and send messages;
below are transports, trust and store, which it is given. It starts and stops with the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ..errors import (
    BadNameError,
    BadRequestError,
    BlockedError,
    BusyError,
    DuplicateLinkError,
    InviteExpiredError,
    KeyChangedError,
    LinkClosedError,
    LinkError,
    NotConnectedError,
    NotTrustedError,
    OwnNodeError,
    PeerError,
    ReplayedError,
    UnknownPeerError,
    from_wire,
    to_wire,
)
from ..store import Store
from ..store_records import InviteRecord, PeerRecord
from ..transports.base import PeerLink, Transport
from ..trust.base import Applicant, TrustPolicy
from ..wire.addresses import normalize_address
from ..wire.envelope import Buffer, Envelope, canonical_bytes
from ..wire.handshake import Introduction, Offer, clean_name
from ..wire.identity import Identity
from ..wire.invite import MAX_ADDRESSES, Invite, make_token, token_hash
from ..wire.messages import Addresses, convert
from ..wire.outbox import Outgoing
from ..wire.replay import SeenGuard
from .clock import Clock
from .config import HubConfig
from .connect import Connected, Connector, Progress, Target
from .dispatch import Dispatcher, Handler, Message, Order
from .peers import Peer, PeerInfo, PeerRegistry
from .requests import PendingReplies
from .session import Session

log = logging.getLogger(__name__)

CAPABILITIES = ("panes", "pane-buffers")


class HubEvent(msgspec.Struct, frozen=True):
    """Something happened to a peer.

    Attributes:
        kind: ``peer`` (its description changed), ``link_up``, ``link_down``, ``forgotten`` or
            ``blocked``.
        node_id: Which peer.
    """

    kind: str
    node_id: str


class MintedInvite(msgspec.Struct, frozen=True, kw_only=True):
    """A new invite; its text is shown once and never stored.

    Attributes:
        text: To copy.
        id: To revoke it by.
        expires: Epoch seconds.
        note: For the one who made it.
    """

    text: str
    id: str
    expires: float
    note: str


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
        self._policy = policy
        self._node_name = clean_name(store.setting("node_name") or self.config.node_name)
        self._learned: list[str] = []
        self._peers = PeerRegistry(self.config, self._clock, self._redial)
        self._dispatcher = Dispatcher()
        self._pending = PendingReplies()
        self._seen = SeenGuard()
        self._listeners: list[Callable[[HubEvent], None]] = []
        self._pinger: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        # unique without a system call a message: a random half and a count
        self._id_prefix = self._clock.random_bytes(8).hex()
        self._id_count = 0
        self._connector = Connector(
            self._make_offer,
            self.transports,
            self.config,
            self._clock,
            check_incoming=self._check_incoming,
            check_answer=self._check_answer,
            admit=self._admit,
        )
        self.on("ping", lambda message: message.reply("pong", {}))
        self.on("addresses", self._on_addresses)
        self.on("bye", self._on_bye)

    # Life.

    async def start(self) -> None:
        """Listen, and dial all known peers."""
        self.started = True
        for record in self.store.peers():
            self._peers.put(record)
        for transport in self.transports:
            await transport.start(self._connector.accept)
        self._pinger = asyncio.get_running_loop().create_task(self._ping_all())
        for peer in self._peers:
            self._peers.keep_connected(peer)

    async def close(self) -> None:
        """Say goodbye, close all links and end all tasks; may be called twice."""
        if not self.started:
            return
        self.started = False
        await self._peers.close()
        for peer in self._peers:
            if peer.session is not None:
                self._say_bye(peer.session, "shutdown")
                await peer.session.close("shutdown")
        if self._pinger is not None:
            self._pinger.cancel()
            await asyncio.gather(self._pinger, return_exceptions=True)
        for transport in self.transports:
            await transport.close()
        self._pending.fail(None, "this server stops")
        await self._dispatcher.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

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
        self._announce()

    def addresses(self) -> list[str]:
        """Return where this node can be dialled, best first: said, learned, listening."""
        found = [*self.config.advertised_addresses, *self._learned]
        for transport in self.transports:
            found += transport.addresses()
        return list(dict.fromkeys(found))[:MAX_ADDRESSES]

    def add_learned_address(self, address: str) -> None:
        """Offer peers an address under which a browser has reached this server."""
        if address not in self.addresses():
            self._learned = [address, *self._learned][:4]
            self._announce()

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
        await self._end_session(peer, "blocked")
        self._dispatcher.drop_peer(node_id)
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
        await self._end_session(peer, "forgotten")
        self._dispatcher.drop_peer(node_id)
        self._emit("forgotten", node_id)

    async def disconnect(self, node_id: str) -> PeerInfo:
        """End the link to a peer until one side connects again."""
        peer = self._known(node_id)
        self._peers.let_go(peer)
        await self._end_session(peer, "disconnect")
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
        life = self.config.invite_ttl_s if ttl_s is None else ttl_s
        longest = self.config.max_invite_ttl_s
        if not (math.isfinite(life) and 0 < life <= longest):
            raise BadRequestError(
                f"an invite lives from 1 second to {longest / 86400:g} days",
                hint="give a shorter ttl",
            )
        if len(note) > 200:
            raise BadRequestError("a note has at most 200 characters")
        now = self._clock.time()
        token = make_token(self._clock.random_bytes(16))
        invite = Invite(
            v=1,
            id=self.node_id,
            pk=self.identity.public_key_b64,
            t=token,
            a=self.addresses(),
            x=now + life,
            n=self.node_name,
            r=self.config.relay_url,
            l=self.config.lobby_url,
        )
        id = self._clock.random_bytes(4).hex()
        self.store.add_invite(id, token_hash(token), now, invite.x, note)
        return MintedInvite(text=invite.to_text(), id=id, expires=invite.x, note=note)

    def invites(self) -> list[InviteRecord]:
        """Return all invites this node made that are still remembered."""
        return self.store.invites(self._clock.time())

    def revoke_invite(self, id: str) -> None:
        """Make an invite void.

        Raises:
            LookupFailedError: There is none of this id.
        """
        self.store.revoke_invite(id, self._clock.time())

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
        """Dial a known peer, or whoever is at an address.

        Raises:
            PeerError: Why that failed.
        """
        if node_id is None:
            if address is None:
                raise BadRequestError("neither a peer nor an address was given")
            return await self._dial(Target(addresses=[self._dialable(address)]), on_progress)
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
            node_id: To whom.
            type: Kind of message.
            data: Payload, a JSON object.
            buffers: Raw bytes that go with it.
            digests: Hex SHA-256 of each buffer, when they are known already.
            stream: Messages of one stream arrive in the order they were sent; large ones of
                different streams take turns.
            re: The request this answers.

        Raises:
            NotConnectedError: There is no link to it.
            OverflowLinkError: It does not read fast enough.
            MalformedError, TooLargeError: The payload cannot be sent.
        """
        self._session(node_id).put(
            self._outgoing(type, data, buffers, digests=digests, re=re)[1], stream or ""
        )

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

        Returns:
            The ids of those it could not be queued for.
        """
        _, item = self._outgoing(type, data, buffers, digests=digests)
        item.sig(self.identity.sign)
        missed = []
        for node_id in node_ids:
            try:
                self._session(node_id).put(item, stream or "")
            except LinkError:
                missed.append(node_id)
        return missed

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
            node_id, type, data, buffers, stream: As of :meth:`send`; without a stream the request
                waits for nothing that was sent before.
            timeout: Seconds to wait for the answer.

        Raises:
            PeerTimeoutError: No answer in time.
            PeerError: The error the peer answered with, or why it could not be asked.
        """
        session = self._session(node_id)
        msg_id, item = self._outgoing(type, data, buffers)
        self._pending.expect(node_id, msg_id)
        try:
            session.put(item, msg_id if stream is None else stream)
        except BaseException:
            self._pending.drop(msg_id)
            raise
        return await self._pending.wait(msg_id, timeout)

    def send_error(self, node_id: str, re: str, error: BaseException) -> None:
        """Answer a request with an error; nothing happens when the peer is gone."""
        type = "unsupported" if getattr(error, "code", "") == "unsupported" else "error"
        try:
            self.send(node_id, type, dict(to_wire(error)), stream=re, re=re)
        except LinkError:
            log.debug("%s is gone and cannot be told of an error", node_id)

    def on(self, type: str, handler: Handler, *, order: Order | None = None) -> None:
        """Register the handler of a message type; see :class:`.Dispatcher`."""
        self._dispatcher.on(type, handler, order)

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

    async def ping(self, node_id: str, timeout: float = 10.0) -> float:
        """Return the round-trip time to a peer in seconds.

        Raises:
            LinkError: It is not connected, or does not answer in time.
        """
        return await self._ping(self._session(node_id), timeout)

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

    # Inside: messages.

    def _session(self, node_id: str) -> Session:
        peer = self._peers.get(node_id)
        if peer is None or peer.session is None:
            raise NotConnectedError
        return peer.session

    def _stamp(self) -> tuple[str, float]:
        self._id_count += 1
        return f"{self._id_prefix}{self._id_count:016x}", self._clock.time()

    def _outgoing(
        self,
        type: str,
        data: dict[str, Any],
        buffers: Sequence[Buffer] = (),
        *,
        digests: Sequence[str] | None = None,
        re: str | None = None,
    ) -> tuple[str, Outgoing]:
        if buffers:
            if digests is None:
                digests = [hashlib.sha256(buffer).hexdigest() for buffer in buffers]
            data = {**data, "buffers": list(digests)}
        msg_id, ts = self._stamp()
        canonical = canonical_bytes(
            type=type, msg_id=msg_id, re=re, src=self.identity.node_id, ts=ts, data=data
        )
        return msg_id, Outgoing(canonical, buffers)

    def _on_envelope(self, session: Session, envelope: Envelope) -> Any:
        try:
            self._seen.check(envelope.src, envelope.msg_id)
        except ReplayedError:
            log.debug("%s sent a message twice", envelope.src)
            return None
        message = Message(self, envelope)
        if message.re is not None:
            error = None
            if message.type in ("error", "unsupported"):
                error = from_wire({"code": message.type, **message.data})
            if self._pending.resolve(message, error):
                return None
        return self._dispatcher.dispatch(message)

    def _on_addresses(self, message: Message) -> None:
        said = convert(message.data, Addresses)
        peer = self._known(message.peer_id)
        changes: dict[str, Any] = {"addresses": list(dict.fromkeys(said.addresses))}
        if clean_name(said.node_name):
            changes["node_name"] = clean_name(said.node_name)
        self._change(peer, **changes)

    def _on_bye(self, message: Message) -> None:
        peer = self._known(message.peer_id)
        if message.data.get("reason") in ("disconnect", "forgotten", "blocked"):
            self._peers.let_go(peer)

    def _announce(self) -> None:
        connected = [peer.node_id for peer in self._peers if peer.session is not None]
        if connected:
            data = {"addresses": self.addresses(), "node_name": self.node_name}
            self.send_many(connected, "addresses", data, stream="addresses")

    # Inside: connecting.

    def _make_offer(self) -> Offer:
        return Offer(
            identity=self.identity,
            node_name=self.node_name,
            capabilities=self.capabilities,
            nonce=self._clock.random_bytes(16).hex(),
            x25519=self._clock.random_bytes(32),
            stamp=self._stamp,
            allow_unsealed=self.config.allow_unsealed_peers,
        )

    def _target(self, peer: Peer, address: str | None = None) -> Target:
        addresses = [address] if address is not None else peer.record.addresses
        return Target(addresses=addresses, node_id=peer.node_id, public_key=peer.record.public_key)

    async def _dial(self, target: Target, on_progress: Progress | None = None) -> PeerInfo:
        peer = self._peers.get(target.node_id or "")
        if peer is not None:
            peer.is_dialling = True
            self._emit("peer", peer.node_id)
        try:
            connected = await self._connector.dial(target, on_progress)
        except DuplicateLinkError:
            # the peer dialled at the same moment, and its link is the one that stays
            assert target.node_id is not None
            return await self._wait_for_session(target.node_id)
        except PeerError as error:
            if peer is not None and peer.session is not None:
                return self._info(peer)  # it came in by itself meanwhile
            if peer is not None:
                peer.last_error = error
            raise
        finally:
            if peer is not None:
                peer.is_dialling = False
                self._emit("peer", peer.node_id)
        return self.peer(connected.peer.node_id)

    def _dialable(self, address: str) -> str:
        """Return an address as some transport dials it; people leave half of it out."""
        if any(transport.can_dial(address) for transport in self.transports):
            return address
        return normalize_address(address)

    async def _wait_for_session(self, node_id: str) -> PeerInfo:
        came: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def listen(event: HubEvent) -> None:
            if event == HubEvent("link_up", node_id) and not came.done():
                came.set_result(None)

        unsubscribe = self.subscribe(listen)
        try:
            peer = self._peers.get(node_id)
            if peer is None or peer.session is None:
                await asyncio.wait_for(came, self.config.handshake_timeout_s)
        except asyncio.TimeoutError as error:
            raise NotConnectedError from error
        finally:
            unsubscribe()
        return self.peer(node_id)

    async def _redial(self, peer: Peer) -> None:
        await self._dial(self._target(peer))

    def _check_known(self, introduction: Introduction) -> Peer | None:
        """Return the trusted peer this is, or None for a stranger; raise when it must stay out."""
        peer = self._peers.get(introduction.node_id)
        if peer is None:
            return None
        if peer.record.public_key != introduction.public_key:
            raise KeyChangedError
        if peer.record.blocked:
            raise BlockedError("this node was blocked by the peer")
        return peer if peer.record.trusted else None

    def _check_incoming(
        self, link: PeerLink, introduction: Introduction, token: str | None
    ) -> None:
        """Decide about a node that dialled; raises to refuse."""
        peer = self._check_known(introduction)
        if peer is not None and peer.is_dialling and self.node_id < introduction.node_id:
            # Both dial. The lower id's link stays, on both sides, whatever the timing: this side
            # goes on with its own attempt, and the other gives up when it sees that come in.
            raise DuplicateLinkError
        if peer is None or token is not None:
            try:
                self._take_stranger(link, introduction, token)
            except PeerError:
                if peer is None:
                    raise
                # a trusted peer that shows a spent invite is still a trusted peer

    def _take_stranger(self, link: PeerLink, introduction: Introduction, token: str | None) -> None:
        if (
            self._peers.get(introduction.node_id) is None
            and len(self._peers) >= self.config.max_peers
        ):
            raise BusyError("this node has as many peers as it may", hint="forget some")
        now = self._clock.time()
        verdict = self._policy.verdict(
            Applicant(
                node_id=introduction.node_id,
                public_key=introduction.public_key,
                node_name=introduction.node_name,
                token=token,
                address=link.remote_host,
                transport=link.transport,
            ),
            now,
        )
        if not verdict.accepted:
            raise verdict.error or NotTrustedError()
        self._remember(introduction, verdict.origin, trusted=True)

    def _check_answer(self, link: PeerLink, introduction: Introduction, target: Target) -> None:
        """Decide about a node that answered, before a token or anything else is sent to it."""
        if self._check_known(introduction) is not None or target.token is not None:
            return
        self._take_stranger(link, introduction, None)

    def _remember(self, introduction: Introduction, origin: str, *, trusted: bool) -> Peer:
        now = self._clock.time()
        known = self.store.peer(introduction.node_id)
        record = PeerRecord(
            node_id=introduction.node_id,
            public_key=introduction.public_key,
            node_name=introduction.node_name,
            alias=known.alias if known else None,
            trusted=trusted,
            blocked=known.blocked if known else False,
            addresses=known.addresses if known else [],
            capabilities=introduction.capabilities,
            added=known.added if known else now,
            last_seen=now,
            origin=origin or "invite",  # type: ignore[arg-type]
        )
        self.store.put_peer(record)
        return self._peers.put(record)

    def _admit(self, connected: Connected) -> None:
        """Take over a link whose handshake is over: it replaces an older one to the same peer."""
        introduction, link = connected.peer, connected.link
        peer = self._peers.get(introduction.node_id)
        if peer is None or not peer.record.trusted:
            # the invite was redeemed at the other end: pairing is mutual
            peer = self._remember(introduction, "invite", trusted=True)
        else:
            changes: dict[str, Any] = {
                "node_name": introduction.node_name,
                "capabilities": introduction.capabilities,
                "last_seen": self._clock.time(),
            }
            if link.is_dialled and link.address not in peer.record.addresses:
                changes["addresses"] = [link.address, *peer.record.addresses][:MAX_ADDRESSES]
            self._change(peer, quiet=True, **changes)
        session = Session(
            link,
            connected.channel,
            introduction,
            self._clock,
            on_envelope=self._on_envelope,
            on_close=self._on_session_closed,
        )
        old, peer.session = peer.session, session
        peer.last_error = None
        peer.attempts = 0
        peer.wake.set()
        if old is not None:
            self._close_later(old, "replaced")
        session.start()
        log.info("%s connected by %s", introduction.node_id, link.transport)
        self._emit("link_up", introduction.node_id)
        try:
            self.send(
                introduction.node_id,
                "addresses",
                {"addresses": self.addresses(), "node_name": self.node_name},
                stream="addresses",
            )
        except LinkError:
            return
        self._spawn(self._first_ping(session))

    async def _first_ping(self, session: Session) -> None:
        try:
            await self._ping(session, self.config.handshake_timeout_s)
        except PeerError:
            log.debug("%s did not answer the first ping", session.node_id)
            return
        self._emit("peer", session.node_id)

    def _on_session_closed(self, session: Session, reason: str) -> None:
        peer = self._peers.get(session.node_id)
        if peer is None or peer.session is not session:
            return
        peer.session = None
        log.info("%s: the link ended (%s)", session.node_id, reason or "closed")
        self._pending.fail(session.node_id, reason or "closed")
        self._change(peer, quiet=True, last_seen=self._clock.time())
        self._emit("link_down", session.node_id)
        if self.started and peer.is_wanted:
            self._peers.keep_connected(peer)

    async def _end_session(self, peer: Peer, reason: str) -> None:
        session = peer.session
        if session is not None:
            self._say_bye(session, reason)
            await session.close(reason)
            # `forget` has taken the peer out of the registry, so `_on_session_closed` did nothing
            if peer.session is session:
                peer.session = None
                self._pending.fail(peer.node_id, reason)
                self._emit("link_down", peer.node_id)

    def _say_bye(self, session: Session, reason: str) -> None:
        try:
            session.put_urgent(self._outgoing("bye", {"reason": reason})[1])
        except LinkError:
            log.debug("%s is gone already", session.node_id)

    def _close_later(self, session: Session, reason: str) -> None:
        self._spawn(session.close(reason))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # Inside: pings.

    async def _ping(self, session: Session, timeout: float) -> float:
        msg_id, item = self._outgoing("ping", {})
        self._pending.expect(session.node_id, msg_id)
        started = self._clock.monotonic()
        try:
            session.put_urgent(item)
        except LinkClosedError:
            self._pending.drop(msg_id)
            raise
        await self._pending.wait(msg_id, timeout)
        session.rtt_s = self._clock.monotonic() - started
        return session.rtt_s

    async def _ping_all(self) -> None:
        while True:
            await asyncio.sleep(self.config.ping_interval_s)
            sessions = [peer.session for peer in self._peers if peer.session is not None]
            await asyncio.gather(*(self._ping_or_close(session) for session in sessions))

    async def _ping_or_close(self, session: Session) -> None:
        before = session.rtt_s
        try:
            await self._ping(session, 2 * self.config.ping_interval_s)
        except PeerError as error:
            log.info("%s does not answer: %s", session.node_id, error)
            await session.close("timeout")
            return
        if before is None or abs(before - (session.rtt_s or 0)) > 0.25 * before:
            self._emit("peer", session.node_id)

    # Inside: records and events.

    def _known(self, node_id: str) -> Peer:
        peer = self._peers.get(node_id)
        if peer is None:
            raise UnknownPeerError
        return peer

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
            except Exception:
                log.exception("a listener failed at %s", kind)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
