"""Runs the handshake that makes a link an authenticated session, on both sides (SPEC section 3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from ...errors import (
    BusyError,
    DuplicateLinkError,
    LinkClosedError,
    PeerError,
    PeerTimeoutError,
    TooLargeError,
    UnreachableError,
    to_page,
)
from ...phrase import phrase
from ...sockets.half_open import HalfOpen
from ...store.records import LinkRecord
from ...transports.base import Frame, PeerLink, Transport
from ...wire.link.channel import Channel, Limits
from ...wire.link.handshake import Acceptor, Dialer, Introduction
from ...wire.payloads.hub import GuestAuth
from ..local_node import LocalNode
from ..message import Messenger

log = logging.getLogger(__name__)

Progress = Callable[[dict[str, Any]], None]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The target of a dial.

    Attributes:
        addresses: Addresses to dial, best first.
        node_id: The node that must answer; None for any.
        public_key: The stored key of the node, base64.
        token: Invite token to redeem.
        replaces: Session of the live link that the new one replaces.
    """

    addresses: Sequence[str]
    node_id: str | None = None
    public_key: str | None = None
    token: str | None = None
    replaces: str | None = None


class Connected(msgspec.Struct, frozen=True):
    """The result of a handshake.

    Attributes:
        link: The connection.
        channel: The channel for messages after the handshake.
        peer: The identity of the other end.
        has_redeemed: Whether this side has just redeemed an invite of the peer.
        session: Id of the session on both sides; None without sealing.
        replaces: Session of the link that this one replaces, or None.
        guest: The guest link that the other end has opened; None for a peer.
        guest_name: Name that the guest announces.
    """

    link: PeerLink
    channel: Channel
    peer: Introduction
    has_redeemed: bool = False
    session: str | None = None
    replaces: str | None = None
    guest: LinkRecord | None = None
    guest_name: str = ""


class _Prepared(msgspec.Struct, frozen=True):
    """A dialled link whose other end has proven its identity; no secret was sent yet."""

    link: PeerLink
    side: Dialer
    auth: Frame
    target: Target


class Gate(Protocol):
    """Decides which nodes get a session; implemented by :class:`.Admission`."""

    def known_peer(self, introduction: Introduction) -> str | None:
        """Return the id of a node that may connect without an invite; None for other nodes."""

    def check_incoming(
        self, link: PeerLink, introduction: Introduction, token: str | None, replaces: str | None
    ) -> None:
        """Decide about a node that dialled and has proven its identity; raise to refuse."""

    def check_guest(
        self, link: PeerLink, introduction: Introduction, shown: GuestAuth
    ) -> LinkRecord:
        """Return the guest link that a browser may open; raise to refuse."""

    def limits(self, guest: LinkRecord | None) -> Limits:
        """Return the limits of a link to a guest, or to a peer."""

    def check_answer(self, link: PeerLink, introduction: Introduction, target: Target) -> None:
        """Decide about a node that answered, before it gets a token; raise to refuse."""

    def dialling(self, node_id: str, target: Target) -> AbstractContextManager[None]:
        """Refuse links from a node while this node dials it; raise if there is one already."""

    def admit(self, connected: Connected) -> None:
        """Accept a link after the handshake."""


class Connector:
    """Runs handshakes.

    Args:
        local: This node.
        messenger: Stamps the messages of handshakes.

    Attributes:
        gate: Decides which nodes get a session; set before the first link.
        refused: Number of refused nodes.
    """

    gate: Gate

    def __init__(self, local: LocalNode, messenger: Messenger) -> None:
        self._local = local
        self._config = local.config
        self._messenger = messenger
        places = local.config.max_handshakes
        self._half_open = HalfOpen(places, local.clock.monotonic, quota=max(1, places // 4))
        self.refused = 0

    # The side that was dialled.

    async def accept(self, link: PeerLink) -> None:
        """Run the handshake on an incoming link; raises only if it is cancelled."""
        try:
            host = (
                link.remote_host or link.address
            )  # over a relay: the node id that the relay gives
            self._half_open.enter(link, host, lambda: link.abort(BusyError.code))
        except BusyError as error:
            self.refused += 1
            await link.close(error.code)
            return
        try:
            async with asyncio.timeout(self._config.handshake_timeout_s):
                await self._accept(link)
        except TimeoutError:
            log.info("%s: no handshake within the time allowed", link.address)
            await link.close("timeout")
        except LinkClosedError:
            log.debug("%s: the link ended during the handshake", link.address)
        except asyncio.CancelledError:
            link.abort("shutdown")
            raise
        except Exception:
            log.exception("%s: the handshake failed", link.address)
            await link.close("error")
        finally:
            self._half_open.leave(link)

    async def _accept(self, link: PeerLink) -> None:
        side = Acceptor(self._local.offer(self._messenger.stamp))
        try:
            hello_ack = side.on_hello(await self._frame_of(link))
            assert side.peer is not None
            self._half_open.greeted(link, self.gate.known_peer(side.peer))
            link.send([hello_ack])
            token = side.on_auth(await self._frame_of(link))
            guest = None
            if side.guest is not None:
                guest = self.gate.check_guest(link, side.peer, side.guest)
            else:
                self.gate.check_incoming(link, side.peer, token, side.replaces)
        except LinkClosedError:
            raise
        except PeerError as error:
            self.refused += 1
            log.info("%s: refused: %s", link.address, error.code)
            link.send([side.refuse(error)])
            await link.close(error.code)
            return
        # Before the peer hears of its admission, so that its next messages find the session.
        channel = side.channel(self.gate.limits(guest))
        accepted = side.accept()
        link.send([accepted])
        self.gate.admit(
            Connected(
                link,
                channel,
                side.peer,
                session=side.session,
                replaces=side.replaces,
                guest=guest,
                guest_name=side.guest.name if side.guest is not None else "",
            )
        )

    async def _frame_of(self, link: PeerLink) -> Frame:
        """Return the next frame of a node that has not proven its key yet."""
        frame = await link.recv()
        limit = self._config.max_frame_before_auth
        if len(frame) > limit:
            raise TooLargeError(
                phrase("a frame of the handshake has at most {limit} bytes here", limit=limit)
            )
        return frame

    # The side that dials.

    def dialable(self, addresses: Sequence[str]) -> list[tuple[Transport, str]]:
        """Return the addresses that a transport can dial, best transport first."""
        return [
            (transport, address)
            for transport in sorted(self._local.transports, key=lambda each: each.priority)
            for address in dict.fromkeys(addresses)
            if transport.can_dial(address)
        ]

    async def dial(self, target: Target, progress: Progress | None = None) -> Connected:
        """Connect to the first address that works.

        Addresses are tried with the best transport first. Each attempt starts a short time after
        the one before, or when that one has failed ("happy eyeballs", RFC 8305 section 5). The first
        link on which the right node proves its key gets ``auth``; the others are closed.

        Raises:
            PeerError: The error of the attempt that got farthest.
        """
        ways = self.dialable(target.addresses)
        if not ways:
            raise UnreachableError("no address is known for it")
        report = progress or (lambda step: None)
        errors: list[PeerError] = []
        prepared: asyncio.Queue[_Prepared | None] = asyncio.Queue()
        # each is set when its attempt is due
        turns = [asyncio.Event() for _ in range(len(ways) + 1)]
        turns[0].set()
        trying = [
            asyncio.get_running_loop().create_task(
                self._try(way, turns[index : index + 2], target, prepared, errors, report)
            )
            for index, way in enumerate(ways)
        ]
        left = len(trying)
        try:
            while left:
                ready = await prepared.get()
                left -= 1
                if ready is None:
                    continue
                try:
                    connected = await self._finish(ready)
                except PeerError as error:
                    await ready.link.close(error.code)
                    errors.append(error)
                    report(_failed(ready.link.address, error))
                    continue
                report({"step": "connected", "address": connected.link.address, "ok": True})
                return connected
        finally:
            for task in trying:
                task.cancel()
            await asyncio.gather(*trying, return_exceptions=True)
            while not prepared.empty():
                loser = prepared.get_nowait()
                if loser is not None:
                    await loser.link.close("another path was quicker")
        raise max(errors, key=_distance)

    async def probe(self, address: str, target: Target) -> float:
        """Check that the right node answers at an address, and close the connection.

        Neither side pairs, replaces or stores anything.

        Returns:
            Seconds from ``hello`` to the answer with the proof.

        Raises:
            PeerError: The check failed; OwnNodeError if this node itself answers.
        """
        ways = self.dialable([address])
        if not ways:
            raise UnreachableError(
                phrase("no transport here dials {address}", address=address),
                hint="switch on the transport for this address",
            )
        try:
            async with asyncio.timeout(self._config.handshake_timeout_s):
                link, _, _, took_s = await self._greet(*ways[0], target)
        except TimeoutError as error:
            raise PeerTimeoutError(
                phrase("{address} does not answer in time", address=address)
            ) from error
        await link.close("probe")
        return took_s

    async def _try(
        self,
        way: tuple[Transport, str],
        turns: Sequence[asyncio.Event],
        target: Target,
        prepared: asyncio.Queue[_Prepared | None],
        errors: list[PeerError],
        report: Progress,
    ) -> None:
        transport, address = way
        own, following = turns
        await own.wait()
        asyncio.get_running_loop().call_later(self._config.head_start_s, following.set)
        report({"step": "dial", "address": address, "ok": None})
        ready: _Prepared | None = None
        try:
            async with asyncio.timeout(self._config.handshake_timeout_s):
                ready = await self._prepare(transport, address, target)
        except TimeoutError:
            late = PeerTimeoutError(phrase("{address} does not answer in time", address=address))
            errors.append(late)
            report(_failed(address, late))
        except PeerError as error:
            errors.append(error)
            report(_failed(address, error))
        except Exception as error:
            log.exception("dialling %s failed", address)
            errors.append(
                UnreachableError(
                    phrase("{address}: {kind}", address=address, kind=type(error).__name__)
                )
            )
        if ready is None:
            following.set()
        prepared.put_nowait(ready)

    async def _prepare(self, transport: Transport, address: str, target: Target) -> _Prepared:
        link, side, auth, _ = await self._greet(transport, address, target)
        try:
            assert side.peer is not None
            self.gate.check_answer(link, side.peer, target)
        except BaseException:
            link.abort("handshake")
            raise
        return _Prepared(link, side, auth, target)

    async def _greet(
        self, transport: Transport, address: str, target: Target
    ) -> tuple[PeerLink, Dialer, Frame, float]:
        """Dial, and return the link after the right node has proven its key.

        Returns:
            The link, this side of the handshake, its ``auth``, and the seconds until the proof.
        """
        link = await transport.dial(address, target.node_id)
        try:
            side = Dialer(
                self._local.offer(self._messenger.stamp),
                expect=target.node_id,
                expect_key=target.public_key,
                token=target.token,
                replaces=target.replaces,
            )
            began = asyncio.get_running_loop().time()
            link.send([side.hello()])
            frame = await self._frame_of(link)
            took_s = asyncio.get_running_loop().time() - began
            return link, side, side.on_hello_ack(frame), took_s
        except BaseException:
            link.abort("handshake")
            raise

    async def _finish(self, ready: _Prepared) -> Connected:
        assert ready.side.peer is not None
        node_id = ready.side.peer.node_id
        try:
            with self.gate.dialling(node_id, ready.target):
                return await self._authenticate(ready)
        except DuplicateLinkError as error:
            error.data["node_id"] = node_id
            raise

    async def _authenticate(self, ready: _Prepared) -> Connected:
        # The peer sends as soon as it has accepted, so its first large frame may arrive before
        # this side has read the `auth_result`.
        ready.link.max_frame = ready.side.channel(self._config.limits).max_frame
        ready.link.send([ready.auth])
        try:
            async with asyncio.timeout(self._config.handshake_timeout_s):
                frame = await ready.link.recv()
        except TimeoutError as error:
            raise PeerTimeoutError from error
        ready.side.on_auth_result(frame)
        assert ready.side.peer is not None
        connected = Connected(
            ready.link,
            ready.side.channel(self._config.limits),
            ready.side.peer,
            has_redeemed=ready.target.token is not None,
            session=ready.side.session,
            replaces=ready.target.replaces,
        )
        self.gate.admit(connected)
        return connected


def _failed(address: str, error: PeerError) -> dict[str, Any]:
    return {"step": "dial", "address": address, "ok": False, **to_page(error)}


def _distance(error: PeerError) -> int:
    """Rank how far an attempt got: a refusal by the right node is more than a closed port."""
    if isinstance(error, UnreachableError):
        return 0
    if isinstance(error, (PeerTimeoutError, LinkClosedError)):
        return 1
    return 2 if error.code in ("wrong_node", "malformed", "own_node") else 3
