"""One WebRTC connection with one data channel, from the first offer to the last closed socket.

The libraries that make connections are in :mod:`.engine`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...errors import BadRequestError, LinkClosedError, UnreachableError
from ...findings import Finding, failed, ok, warning
from ...phrase import phrase
from ...primitives import background
from ...primitives.pauses import pause_until
from .link import DataChannelLink
from .sdp import Description

log = logging.getLogger(__name__)

LABEL = "jupyter-peer"
# Time for the last message (a refusal, a `bye`) to arrive before everything is closed.
LINGER_S = 2.0
CLOSE_TIMEOUT_S = 5.0


class IceServers(msgspec.Struct, frozen=True, kw_only=True):
    """STUN and TURN servers, for nodes behind routers.

    Attributes:
        stun: ``stun:host:port`` of servers that report a node's public address (RFC 8489).
        turn: ``turn:host:port?transport=udp`` of a server that forwards packets (RFC 8656), or empty.
        username, credential: Login at the TURN server.
    """

    stun: Sequence[str] = ()
    turn: str = ""
    username: str = ""
    credential: str = ""

    def __repr__(self) -> str:
        """Return a text without the password, because it may appear in logs and tracebacks."""
        return f"<IceServers {list(self.stun)} {self.turn}>"

    def check(self) -> None:
        """Check the form of the URLs.

        Raises:
            BadRequestError: A URL cannot be used.
        """
        from aiortc.rtcicetransport import parse_stun_turn_uri

        for setting, url, schemes in (
            *(("stun_servers", url, ("stun",)) for url in self.stun),
            *(("turn_url", url, ("turn", "turns")) for url in [self.turn] if url),
        ):
            try:
                scheme = parse_stun_turn_uri(url)["scheme"]
            except ValueError:
                scheme = ""
            if scheme not in schemes:
                raise BadRequestError(
                    phrase(
                        "PeerExtension.{setting} has {url}, which is no address of such a server",
                        setting=setting,
                        url=repr(url),
                    ),
                    hint=phrase("write it as {scheme}:host:3478", scheme=schemes[0]),
                )

    def findings(self, offer: Description) -> list[Finding]:
        """Return the findings that an offer shows about its servers.

        The connection check tries TURN separately (:mod:`.turn`), which also finds the reason.
        """
        outer = [f"{each.host}:{each.port}" for each in offer.candidates if each.type == "srflx"]
        if not self.stun:
            return [
                warning(
                    "webrtc",
                    phrase(
                        "No STUN server is set, so peers behind other routers are not reached by WebRTC."
                    ),
                    phrase("set PeerExtension.stun_servers"),
                )
            ]
        if outer:
            text = phrase(
                "It works here; this node is seen from outside as {addresses}.",
                addresses=", ".join(outer),
            )
            return [ok("webrtc", text, outer=outer)]
        return [
            failed(
                "webrtc",
                phrase("No STUN server answers, so peers behind other routers are not reached."),
                phrase("check PeerExtension.stun_servers, and whether UDP may leave this network"),
            )
        ]


class Connection(ABC):
    """A connection that is being made, or that carries a channel.

    A subclass makes the connection of its library, and handles what is particular to that library.

    Args:
        address: Address of the link, as shown to users.
        on_end: Called once, when everything is closed.
        allow_loopback: Whether loopback addresses are candidates.
    """

    def __init__(
        self,
        address: str,
        on_end: Callable[[Connection], None],
        *,
        allow_loopback: bool = False,
    ) -> None:
        self._address = address
        self._on_end = on_end
        self._allow_loopback = allow_loopback
        self._channel: Any = None
        self._is_dialled = False
        self._gathering: asyncio.Task[str] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[DataChannelLink] = asyncio.get_running_loop().create_future()

    @abstractmethod
    async def _open_channel(self) -> Any:
        """Open this end of the channel."""

    @abstractmethod
    async def _describe_here(self, kind: str) -> str:
        """Make this side's ``offer`` or ``answer``, and return it with its candidates."""

    @abstractmethod
    async def _describe_there(self, kind: str, sdp: str) -> None:
        """Apply the other side's description; raises what the library raises."""

    @abstractmethod
    async def _close(self) -> None:
        """Close everything."""

    async def offer(self) -> Description:
        """Open this end of the channel, and return the offer."""
        self._is_dialled = True
        self._keep(await self._open_channel())
        return await self._describe("offer")

    async def answer(self, offer: Description) -> Description:
        """Apply an offer, and return the answer.

        Raises:
            UnreachableError: The offer cannot be used.
        """
        await self._take("offer", offer)
        answer = await self._describe("answer")
        return msgspec.structs.replace(answer, answers=offer.ufrag)

    async def accept(self, answer: Description) -> None:
        """Apply the answer.

        Raises:
            UnreachableError: The answer cannot be used.
        """
        await self._take("answer", answer)

    async def link(self, timeout: float) -> DataChannelLink:
        """Return the link once its channel is open.

        Raises:
            UnreachableError: No path was found within ``timeout`` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(self._opened)
        except TimeoutError as error:
            raise UnreachableError("no path between the two networks was found in time") from error

    def end(self) -> None:
        """Close everything in a separate task; may be called twice."""
        if self._ending is None:
            self._ending = background.start(self._end(), "closing a data channel")

    async def ended(self) -> None:
        """Close everything, and wait for the end."""
        self.end()
        assert self._ending is not None
        await asyncio.wait({self._ending})

    async def _describe(self, kind: str) -> Description:
        # Never cancelled, because nobody would close the sockets of a cancelled gathering.
        self._gathering = asyncio.ensure_future(self._describe_here(kind))
        sdp = await asyncio.shield(self._gathering)
        return Description.from_sdp(kind, sdp, allow_loopback=self._allow_loopback)

    async def _take(self, kind: str, description: Description) -> None:
        try:
            await self._describe_there(kind, description.to_sdp())
        except Exception as error:  # a library raises errors of many classes
            raise UnreachableError(
                phrase("the {kind} of the other side cannot be used", kind=kind)
            ) from error

    def _on_channel(self, channel: Any) -> None:
        if self._channel is not None:
            log.info("a second data channel was opened on a connection; it is closed")
            self.end()
        else:
            self._keep(channel)

    def _keep(self, channel: Any) -> None:
        self._channel = channel
        # At once, because the first message may arrive in the same turn of the loop.
        link = DataChannelLink(self._address, channel, self.end, is_dialled=self._is_dialled)

        def on_open() -> None:
            if not self._opened.done():
                self._opened.set_result(link)

        if channel.readyState == "open":
            on_open()
        else:
            channel.on("open", on_open)

    def _on_state(self, state: str) -> None:
        if state in ("failed", "closed"):
            if not self._opened.done():
                self._fail(UnreachableError("no path between the two networks was found"))
            self.end()

    def _fail(self, error: Exception) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # marks it as read: perhaps nobody waits for it

    async def _end(self) -> None:
        self._fail(LinkClosedError())
        try:
            if self._gathering is not None:
                await asyncio.wait({self._gathering})
            await self._send_the_rest()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._close()
        except Exception:
            log.exception("a WebRTC connection did not close well")
        finally:
            self._on_end(self)

    async def _send_the_rest(self) -> None:
        """Close the channel after its last message, and wait until the other side has received it."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        closed = asyncio.Event()
        channel.on("close", closed.set)
        channel.close()
        await pause_until(closed, LINGER_S)
