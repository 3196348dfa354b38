"""Makes an authenticated session of a link: the handshake, on both sides (SPEC section 3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import (
    BusyError,
    LinkClosedError,
    PeerError,
    PeerTimeoutError,
    TooLargeError,
    UnreachableError,
    to_wire,
)
from ..transports.base import Frame, PeerLink, Transport
from ..wire.link.channel import Channel
from ..wire.link.handshake import Acceptor, Dialer, Introduction, Offer
from .config import HubConfig

log = logging.getLogger(__name__)

Progress = Callable[[dict[str, Any]], None]


class Connected(msgspec.Struct, frozen=True):
    """What a handshake yields.

    Attributes:
        link: Where it was done.
        channel: What goes on from there.
        peer: Who is there.
        has_redeemed: Whether this side has just redeemed an invite of the peer.
        session: What both sides call it, or None when it is not sealed.
        replaces: The session it is to take over from, or None.
    """

    link: PeerLink
    channel: Channel
    peer: Introduction
    has_redeemed: bool = False
    session: str | None = None
    replaces: str | None = None


class _Prepared(msgspec.Struct, frozen=True):
    """A dialled link whose other end has proven who it is; nothing secret was sent yet."""

    link: PeerLink
    side: Dialer
    auth: Frame
    target: Target


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to dial.

    Attributes:
        addresses: Where, best first.
        node_id: Who must answer; None for whoever answers.
        public_key: The key on record, base64.
        token: Invite token to redeem.
        replaces: Session of the live link to it that a better one is to take over from.
    """

    addresses: Sequence[str]
    node_id: str | None = None
    public_key: str | None = None
    token: str | None = None
    replaces: str | None = None


class Connector:
    """Runs handshakes.

    Args:
        offer: Makes what this node says of itself, with fresh secrets.
        transports: To dial with.
        config: Time-outs and bounds.
        check_incoming: Decides about a node that dialled, after it has proven who it is; raises to
            refuse.
        check_answer: Decides about a node that answered, before anything is sent to it.
        check_wanted: Raises when the peer has come in by itself while it was dialled.
        admit: Takes over a link whose handshake is over.
    """

    def __init__(
        self,
        offer: Callable[[], Offer],
        transports: Sequence[Transport],
        config: HubConfig,
        *,
        check_incoming: Callable[[PeerLink, Introduction, str | None, str | None], None],
        check_answer: Callable[[PeerLink, Introduction, Target], None],
        check_wanted: Callable[[Target], None],
        admit: Callable[[Connected], None],
    ) -> None:
        self._offer = offer
        self._transports = sorted(transports, key=lambda transport: transport.priority)
        self._config = config
        self._check_incoming = check_incoming
        self._check_answer = check_answer
        self._check_wanted = check_wanted
        self._admit = admit
        self._under_way = 0
        self.refused = 0

    # The side that was dialled.

    async def accept(self, link: PeerLink) -> None:
        """Do the handshake on a link that came in; never raises but when cancelled."""
        if self._under_way >= self._config.max_handshakes:
            self.refused += 1
            await link.close(BusyError.code)
            return
        self._under_way += 1
        try:
            await asyncio.wait_for(self._accept(link), self._config.handshake_timeout_s)
        except asyncio.TimeoutError:
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
            self._under_way -= 1

    async def _accept(self, link: PeerLink) -> None:
        side = Acceptor(self._offer())
        try:
            link.send([side.on_hello(await self._frame_of(link))])
            token = side.on_auth(await self._frame_of(link))
            assert side.peer is not None
            self._check_incoming(link, side.peer, token, side.replaces)
        except LinkClosedError:
            raise
        except PeerError as error:
            self.refused += 1
            log.info("%s: refused: %s", link.address, error.code)
            link.send([side.refuse(error)])
            await link.close(error.code)
            return
        # Before the peer hears that it is in, so that whatever it sends then finds its session.
        channel = side.channel(self._config.limits)
        accepted = side.accept()
        link.send([accepted])
        self._admit(
            Connected(link, channel, side.peer, session=side.session, replaces=side.replaces)
        )

    async def _frame_of(self, link: PeerLink) -> Frame:
        """Return the next frame of who has not proven who it is."""
        frame = await link.recv()
        limit = self._config.max_frame_before_auth
        if len(frame) > limit:
            raise TooLargeError(f"a frame of the handshake has at most {limit} bytes here")
        return frame

    # The side that dials.

    def dialable(self, addresses: Sequence[str]) -> list[tuple[Transport, str]]:
        """Return the addresses some transport can dial, best transport first."""
        return [
            (transport, address)
            for transport in self._transports
            for address in dict.fromkeys(addresses)
            if transport.can_dial(address)
        ]

    async def dial(self, target: Target, progress: Progress | None = None) -> Connected:
        """Connect by the first address that works.

        All are tried, best transport first, each a short head start behind the one before or as
        soon as that has failed ("happy eyeballs", RFC 8305 section 5). The first whose other end proves to be the right node gets ``auth``; the rest are closed.

        Raises:
            PeerError: The reason of the address that came farthest.
        """
        ways = self.dialable(target.addresses)
        if not ways:
            raise UnreachableError("no address is known for it")
        report = progress or (lambda step: None)
        errors: list[PeerError] = []
        prepared: asyncio.Queue[_Prepared | None] = asyncio.Queue()
        # each is set when the attempt of its place is due
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
        """Go as far as the proof that the right node answers at an address, and hang up.

        Nothing is paired, replaced or stored by it, on either side.

        Returns:
            Seconds from ``hello`` to the answer with the proof.

        Raises:
            PeerError: Why that does not work; OwnNodeError when it is this node that answers.
        """
        ways = self.dialable([address])
        if not ways:
            raise UnreachableError(
                f"nothing here dials {address}", hint="switch on the transport it is for"
            )
        try:
            greeted = self._greet(*ways[0], target)
            link, _, _, took_s = await asyncio.wait_for(greeted, self._config.handshake_timeout_s)
        except asyncio.TimeoutError as error:
            raise PeerTimeoutError(f"{address} does not answer in time") from error
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
            ready = await asyncio.wait_for(
                self._prepare(transport, address, target), self._config.handshake_timeout_s
            )
        except asyncio.TimeoutError:
            late = PeerTimeoutError(f"{address} does not answer in time")
            errors.append(late)
            report(_failed(address, late))
        except PeerError as error:
            errors.append(error)
            report(_failed(address, error))
        except Exception as error:
            log.exception("dialling %s failed", address)
            errors.append(UnreachableError(f"{address}: {type(error).__name__}"))
        if ready is None:
            following.set()
        prepared.put_nowait(ready)

    async def _prepare(self, transport: Transport, address: str, target: Target) -> _Prepared:
        link, side, auth, _ = await self._greet(transport, address, target)
        try:
            assert side.peer is not None
            self._check_answer(link, side.peer, target)
        except BaseException:
            link.abort("handshake")
            raise
        return _Prepared(link, side, auth, target)

    async def _greet(
        self, transport: Transport, address: str, target: Target
    ) -> tuple[PeerLink, Dialer, Frame, float]:
        """Dial, and return the link once its other end has proven to be the right node.

        Returns:
            The link, this side of the handshake, its ``auth``, and the seconds the proof took.
        """
        link = await transport.dial(address, target.node_id)
        try:
            side = Dialer(
                self._offer(),
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
        self._check_wanted(ready.target)
        # The peer goes on as soon as it has accepted: its first large frame may come before this
        # side has seen the `auth_result` in front of it.
        ready.link.max_frame = ready.side.channel(self._config.limits).max_frame
        ready.link.send([ready.auth])
        try:
            frame = await asyncio.wait_for(ready.link.recv(), self._config.handshake_timeout_s)
        except asyncio.TimeoutError as error:
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
        self._admit(connected)
        return connected


def _failed(address: str, error: PeerError) -> dict[str, Any]:
    return {"step": "dial", "address": address, "ok": False, **to_wire(error)}


def _distance(error: PeerError) -> int:
    """How far an attempt came: a refusal by the right node says more than a closed port."""
    if isinstance(error, UnreachableError):
        return 0
    if isinstance(error, (PeerTimeoutError, LinkClosedError)):
        return 1
    return 2 if error.code in ("wrong_node", "malformed", "own_node") else 3
