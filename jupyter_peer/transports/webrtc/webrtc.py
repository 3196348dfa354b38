"""Links through routers: WebRTC data channels, arranged by one offer and one answer (SPEC section 7.3).

Offer and answer travel by a :class:`Signaller`, which is the lobby. Nothing that comes that way is
trusted: it only says where to send packets, and the handshake on the channel shows who is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ...errors import BadAddressError, NotEnabledError, PeerError, UnreachableError
from ...findings import Finding, failed, warning
from ...phrase import phrase
from ...primitives import background
from ...primitives.rate_limit import RateLimit
from ...wire.addresses import lobby_urls
from ...wire.link.identity import Identity
from ..base import Accept, PeerLink, Transport
from .connection import Connection, IceServers
from .engine import Engine, load_engine
from .introduction import introduce, introduced
from .sdp import Description

log = logging.getLogger(__name__)

SCHEME = "webrtc:"
ANSWER_TIMEOUT_S = 8.0
CONNECT_TIMEOUT_S = 10.0
MAX_ANSWERING = 16
# Peers name their own lobbies, so they could name any number of them.
MAX_VISITS = 4
# An unknown node may have an invite, which it sends only in the handshake.
MAX_STRANGERS = 2
# A burst, and then this rate per second.
OFFERS_AT_ONCE = 10
OFFERS_OF_A_PEER = 1.0
OFFERS_OF_STRANGERS = 1 / 6
_MAX_HISTORIES = 1024


class Signaller(Protocol):
    """Carries offers and answers between nodes that are not connected yet."""

    url: str

    async def signal(self, to: str, kind: str, sdp: str) -> None:
        """Send an ``offer`` or ``answer`` to a node.

        Raises:
            PeerError: The signal cannot be sent, or the node is not at the lobby.
        """

    def on_signal(self, callback: Callable[[str, str, str], None]) -> Callable[[], None]:
        """Call back with ``(from_node_id, kind, sdp)`` of each signal; return a function to stop it."""


#: Opens a lobby by its URL and leaves it at the end.
Visit = Callable[[str], "contextlib.AbstractAsyncContextManager[Signaller]"]


def check_extra() -> None:
    """Check that the packages of the extra ``webrtc`` are installed.

    Raises:
        NotEnabledError: A package is missing.
    """
    if importlib.util.find_spec("aiortc") is None:
        raise NotEnabledError(
            "WebRTC cannot be used: its packages are not installed",
            hint="pip install 'jupyter-peer[webrtc]' and restart Jupyter, or choose another reach and "
            "take PeerExtension.enable_webrtc out of the configuration",
        )


class WebRtcTransport(Transport):
    """Dials ``webrtc:<lobby url>`` and answers those who dial.

    Args:
        identity: This node's key; it signs the offers that go over other lobbies.
        signaller: The lobby this node is at, where others find it; None without one.
        servers: STUN and TURN.
        visit: Opens another lobby, by its URL, for as long as one peer is dialled there; None
            keeps to the own one.
        is_peer: Returns whether a node is one this node connects with.
        is_expected: Returns whether another node may come now: with an invite, or as the trust mode
            says.
        allow_loopback: Whether addresses of loopback count; for tests on one machine.
        engine: Loads the library that makes connections; raises ImportError.
    """

    name = "webrtc"
    priority = 3

    def __init__(
        self,
        identity: Identity,
        signaller: Signaller | None,
        servers: IceServers,
        *,
        visit: Visit | None = None,
        is_peer: Callable[[str], bool],
        is_expected: Callable[[str], bool],
        allow_loopback: bool = False,
        engine: Callable[[], Engine] = load_engine,
    ) -> None:
        self._identity = identity
        self._signaller = signaller
        self._visit = visit
        self._visits = 0
        self._servers = servers
        self._is_peer = is_peer
        self._is_expected = is_expected
        self._allow_loopback = allow_loopback
        self._load_engine = engine
        self._engine: Engine | None = None
        self._accept: Accept | None = None
        self._count = 0
        self._connections: set[Connection] = set()
        self._dials: dict[str, tuple[str, asyncio.Future[Description]]] = {}
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._strangers: set[str] = set()
        self._offers: dict[str, RateLimit] = {}
        self._end_signals: Callable[[], None] = lambda: None

    async def start(self, accept: Accept) -> None:
        # most of a second of reading files, which a server that starts must not wait for
        try:
            self._engine = await asyncio.to_thread(self._load_engine)
        except ImportError as error:  # it is there, and a library that it needs is not
            raise NotEnabledError(
                phrase(
                    "WebRTC cannot be used: its packages cannot be loaded: {error}", error=error
                ),
                hint="install 'jupyter-peer[webrtc]' anew and restart Jupyter, or choose another reach "
                "and take PeerExtension.enable_webrtc out of the configuration",
            ) from error
        self._accept = accept
        if self._signaller is not None:
            self._end_signals = self._signaller.on_signal(self._on_signal)

    async def close(self) -> None:
        self._accept = None
        self._end_signals()
        tasks = list(self._answering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(connection.ended() for connection in list(self._connections)))
        if self._engine is not None:
            await self._engine.close()

    def can_dial(self, address: str) -> bool:
        if not address.startswith(SCHEME):
            return False
        return self._is_own(address) or (self._visit is not None and _is_lobby(address))

    def _is_own(self, address: str) -> bool:
        # A lobby of several brokers may be named by some of them here and by others there.
        named = address.removeprefix(SCHEME).rstrip("/").split(",")
        own = self._signaller.url.rstrip("/").split(",") if self._signaller is not None else ()
        return not set(own).isdisjoint(named)

    @property
    def _address(self) -> str:
        return SCHEME + (self._signaller.url.rstrip("/") if self._signaller is not None else "")

    def addresses(self) -> list[str]:
        return [] if self._signaller is None else [self._address]

    async def diagnose(self) -> list[Finding]:
        if self._accept is None:
            return []
        connection = self._connection(self._address)
        try:
            offer = await connection.offer()
        except Exception as error:  # aiortc raises whatever it stumbles over
            return [
                failed(
                    "webrtc",
                    phrase("It cannot be used here: {error}", error=error),
                    phrase("see the server's log"),
                )
            ]
        finally:
            connection.end()
        findings = self._servers.findings(offer)
        if self._signaller is None:
            one_way = warning(
                "webrtc",
                phrase(
                    "No lobby is set, so this node can only dial peers that have one, by theirs."
                ),
                phrase("set PeerExtension.lobby_url"),
            )
            return [one_way, *findings]
        return findings

    # The side that dials.

    async def dial(self, address: str, node_id: str | None) -> PeerLink:
        if node_id is None or not self.can_dial(address):
            raise UnreachableError("WebRTC leads to a node that is named, by a lobby in use")
        if self._accept is None or node_id in self._dials:
            raise UnreachableError("it is being dialled by WebRTC already")
        connection = self._connection(address)
        answered: asyncio.Future[Description] = asyncio.get_running_loop().create_future()
        self._dials[node_id] = ("", answered)
        try:
            offer = await connection.offer()
            self._dials[node_id] = (offer.ufrag, answered)
            async with self._at_lobby_of(address) as signaller:
                if signaller is not self._signaller:
                    offer = introduce(offer, self._identity, node_id)
                await self._signal(signaller, node_id, "offer", offer)
                try:
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        answer = await answered
                except TimeoutError as error:
                    raise UnreachableError("it does not answer by the lobby") from error
            await connection.accept(answer)
            return await connection.link(CONNECT_TIMEOUT_S)
        except BaseException:
            connection.end()
            raise
        finally:
            del self._dials[node_id]

    @contextlib.asynccontextmanager
    async def _at_lobby_of(self, address: str) -> AsyncIterator[Signaller]:
        """Be at the lobby of an address: at the own one anyhow, at another for this once."""
        if self._signaller is not None and self._is_own(address):
            yield self._signaller
            return
        assert self._visit is not None
        if self._visits >= MAX_VISITS:
            raise UnreachableError("too many other lobbies are in use")
        self._visits += 1
        try:
            async with self._visit(address.removeprefix(SCHEME)) as signaller:
                signaller.on_signal(self._on_answer)
                yield signaller
        finally:
            self._visits -= 1

    async def _signal(
        self, signaller: Signaller, node_id: str, kind: str, description: Description
    ) -> None:
        try:
            await signaller.signal(node_id, kind, description.to_sdp())
        except PeerError as error:
            raise UnreachableError(
                phrase("the lobby cannot reach it: {reason}", reason=error.message_phrase)
            ) from error

    # What comes by the lobby.

    def _on_signal(self, node_id: str, kind: str, sdp: str) -> None:
        if self._accept is None:
            return
        try:
            if kind == "answer":
                self._take_answer(node_id, sdp)
            elif kind == "offer":
                offer = Description.from_sdp("offer", sdp, allow_loopback=self._allow_loopback)
                proven_id = introduced(offer, self._identity.node_id) or node_id
                if self._may_offer(proven_id):
                    self._begin_to_answer(proven_id, offer, sender=node_id)
        except PeerError as error:
            log.info("a signal of %s is refused: %s", node_id, error)

    def _on_answer(self, node_id: str, kind: str, sdp: str) -> None:
        """Take what comes at another lobby, where this node only dials."""
        if kind == "answer":
            self._on_signal(node_id, kind, sdp)

    def _take_answer(self, node_id: str, sdp: str) -> None:
        ufrag, answered = self._dials.get(node_id, ("", None))
        if answered is None or answered.done() or not ufrag:
            return
        answer = Description.from_sdp("answer", sdp, allow_loopback=self._allow_loopback)
        # One that is late answers an earlier offer, whose connection is closed.
        if answer.answers == ufrag:
            answered.set_result(answer)

    def _may_offer(self, node_id: str) -> bool:
        is_peer = self._is_peer(node_id)
        if not is_peer and not self._is_expected(node_id):
            log.info("an offer of %s, which is no peer, is left unanswered", node_id)
            return False
        others = self._answering.keys() - {node_id}
        if len(others) >= MAX_ANSWERING:
            return False
        if not is_peer and len(self._strangers - {node_id}) >= MAX_STRANGERS:
            return False
        return self._is_in_time(node_id if is_peer else "", is_peer)

    def _is_in_time(self, key: str, is_peer: bool) -> bool:
        """Return whether one more offer is within the rate allowed."""
        if key not in self._offers and len(self._offers) >= _MAX_HISTORIES:
            self._offers.clear()
        rate = OFFERS_OF_A_PEER if is_peer else OFFERS_OF_STRANGERS
        limit = self._offers.setdefault(key, RateLimit(rate, OFFERS_AT_ONCE))
        return limit.allows(time.monotonic())

    def _begin_to_answer(self, node_id: str, offer: Description, sender: str) -> None:
        earlier = self._answering.get(node_id)
        if earlier is not None:
            earlier.cancel()  # it has given that one up
        task = background.start(self._answer(node_id, offer, sender), f"answering {node_id}")
        self._answering[node_id] = task
        if not self._is_peer(node_id):
            self._strangers.add(node_id)
        task.add_done_callback(lambda done: self._end_of_answering(node_id, done))

    def _end_of_answering(self, node_id: str, task: asyncio.Task[None]) -> None:
        if self._answering.get(node_id) is task:
            del self._answering[node_id]
            self._strangers.discard(node_id)

    async def _answer(self, node_id: str, offer: Description, sender: str) -> None:
        connection = self._connection(self._address)
        try:
            assert self._signaller is not None  # offers come by the own lobby only
            answer = await connection.answer(offer)
            await self._signal(self._signaller, sender, "answer", answer)
            link = await connection.link(CONNECT_TIMEOUT_S)
        except PeerError as error:
            log.info("no link with %s by WebRTC: %s", node_id, error)
            connection.end()
            return
        except BaseException:
            connection.end()
            raise
        accept = self._accept
        if accept is None:
            link.abort("shutdown")
        else:
            await accept(link)

    def _connection(self, address: str) -> Connection:
        self._count += 1
        assert self._engine is not None  # started
        connection = self._engine.connect(
            self._servers,
            self._count,
            address,
            self._connections.discard,
            allow_loopback=self._allow_loopback,
        )
        self._connections.add(connection)
        return connection


def _is_lobby(address: str) -> bool:
    try:
        return bool(lobby_urls(address.removeprefix(SCHEME)))
    except BadAddressError:
        return False
