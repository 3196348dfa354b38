"""The node's side of a lobby: listed nodes, rooms and WebRTC signals (``relay/SPEC.md``).

A node that is listed, in a room, or waits for signals keeps one connection, and reconnects whenever
it breaks. A node that only reads lists connects for that and leaves soon after. So the lobby learns
of a node only when its user wants something from the lobby.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import BadRequestError, LinkError, PeerError, PeerTimeoutError, UnknownRoomError
from ..phrase import phrase
from ..primitives.backoff import Backoff
from ..primitives.owned_task import OwnedTask
from ..primitives.pauses import pause_until, pause_until_any
from ..primitives.signal import Signal
from ..wire.link.identity import Identity
from ..wire.relay import lobby as wire
from .connection import LobbyConnection
from .limits import Pace
from .rooms import JoinedRoom, JoinedRooms
from .session import LobbyVisit

log = logging.getLogger(__name__)


Status = Literal["idle", "connecting", "connected"]
T = TypeVar("T")
OnSignal = Callable[[str, str, str], None]


class AboutMe(msgspec.Struct, frozen=True):
    """The facts that the node tells the lobby about itself."""

    addresses: list[str]
    node_name: str
    capabilities: list[str]


class LobbyClient:
    """Keeps the node connected to a lobby as long as its user wants.

    Args:
        urls: The lobby's ``ws(s)://.../lobby-ws``. A lobby of several brokers has one URL for each;
            the next one is tried when a connection is lost.
        identity: The node's key.
        about_me: Returns the facts that the node tells about itself now.
        url: Name of the lobby in addresses and invites.
        waits_for_signals: Whether the connection is kept for signals.
        jitter: Returns a factor that spreads reconnects.
        pace: Pauses and limits.
        ssl_context: For ``wss://``; by default the certificate must be trusted.

    Attributes:
        is_listed: Whether the user wants everybody at the lobby to see this node.
        rooms: The rooms that the user has entered.
        error: Why the lobby cannot be reached; None if it can.
    """

    def __init__(
        self,
        urls: Sequence[str],
        identity: Identity,
        about_me: Callable[[], AboutMe],
        *,
        url: str = "",
        waits_for_signals: bool = False,
        jitter: Callable[[], float] = lambda: 1.0,
        pace: Pace = Pace(),  # noqa: B008 - immutable
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url or ",".join(url.removesuffix("/lobby-ws") for url in urls)
        self._urls = list(urls)
        self.is_listed = False
        self.rooms = JoinedRooms(identity.node_id)
        self.error: PeerError | None = None
        self._identity = identity
        self._about_me = about_me
        self._on_signal = Signal[[str, str, str]]("a signal came by the lobby")
        self._waits_for_signals = waits_for_signals
        self._jitter = jitter
        self._pace = pace
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._live: LobbyVisit | None = None
        self._wake = asyncio.Event()
        self._uses = 0
        self._entering = 0
        self._linger_until = 0.0
        self._waiters: list[asyncio.Future[LobbyVisit]] = []
        self._on_change = Signal[[]]("the lobby changed")
        self._task = OwnedTask("staying at the lobby")
        self._is_dialling = False
        self._was_let_in = False

    # Start and end.

    def start(self) -> None:
        """Start; the lobby is dialled only when something needs it."""
        self._task.start(self._run)

    async def close(self) -> None:
        """Leave the lobby, which then forgets this node at once; may be called twice."""
        await self._task.close()

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed or has not started yet."""
        return not self._task.is_started

    @property
    def status(self) -> Status:
        """Whether the node is connected to the lobby."""
        if self._live is not None:
            return "connected"
        return "connecting" if self._is_dialling or self._is_wanted() else "idle"

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever status, listing or rooms change; returns a function that stops this."""
        return self._on_change.connect(callback)

    # Operations of the user.

    async def set_listed(self, is_listed: bool) -> None:
        """List this node for everybody at the lobby, or stop listing it.

        If the lobby cannot be reached, it is told later, and :attr:`error` holds the reason.

        Raises:
            PeerError: The lobby refuses.
        """
        self.is_listed = is_listed
        self._changed()
        with contextlib.suppress(LinkError):
            await self._use(lambda visit: visit.register())

    async def leave(self) -> None:
        """Leave the listing and all rooms."""
        self.is_listed = False
        self.rooms.clear()
        if self._live is not None:
            await self._live.leave_all()
        self._linger_until = 0.0
        self._changed()

    async def who(self) -> list[wire.NodeCard]:
        """Return the listed nodes.

        Raises:
            PeerError: The lobby cannot be reached, or refuses.
        """
        answer = await self._request(wire.Who(), wire.Presence)
        return [wire.printable(card) for card in answer.nodes]

    async def list_rooms(self) -> list[wire.RoomCard]:
        """Return the public rooms, and those the node is in.

        Raises:
            PeerError: The lobby cannot be reached, or refuses.
        """
        return list((await self._request(wire.ListRooms(), wire.Rooms)).rooms)

    async def create_room(
        self,
        name: str,
        visibility: wire.Visibility,
        join_policy: wire.JoinPolicy,
        group: str | None = None,
    ) -> JoinedRoom:
        """Make a room and enter it; ``token`` of the result is the token of a room that needs one.

        The token is made here, and the lobby gets only its hash until somebody uses it.

        Raises:
            BadNameError: The name cannot be used.
            RoomExistsError: Another room has this name.
            RoomRefusedError, PeerError: The lobby refuses or cannot be reached.
        """
        wire.check_room_name(name)
        token = (
            wire.make_token(secrets.token_bytes(wire.TOKEN_BYTES))
            if join_policy == "token"
            else None
        )
        made_by = wire.CreateRoom(
            name=name,
            visibility=visibility,
            join_policy=join_policy,
            token_sha256=None if token is None else wire.token_hash(token),
            group=group,
        )
        info = await self._meet(made_by)
        return self._enter(JoinedRoom(name=info.name, token=token, made_by=made_by), info)

    async def join_room(self, name: str, token: str | None = None) -> JoinedRoom:
        """Enter a room.

        Raises:
            UnknownRoomError: There is no such room.
            RoomRefusedError: The room does not let this node in.
            PeerError: The lobby refuses or cannot be reached.
        """
        wire.check_room_name(name)
        known = self.rooms.get(name)
        if token is None and known is not None:
            token = known.token
        info = await self._meet(wire.JoinRoom(name=name, token=token))
        made_by = known.made_by if known is not None else None
        return self._enter(JoinedRoom(name=info.name, token=token, made_by=made_by), info)

    async def _meet(self, message: wire.CreateRoom | wire.JoinRoom) -> wire.RoomInfo:
        """Enter a room; only now the lobby gets the addresses of this node."""

        async def work(visit: LobbyVisit) -> wire.RoomInfo:
            await visit.register()
            info: wire.RoomInfo = await visit.ask(message, wire.RoomInfo)
            return info

        self._entering += 1
        try:
            return await self._use(work)
        finally:
            self._entering -= 1

    def _enter(self, room: JoinedRoom, info: wire.RoomInfo) -> JoinedRoom:
        self.rooms.put(room)
        self.rooms.take(info)
        self._changed()
        return room

    async def leave_room(self, name: str) -> None:
        """Leave a room; if the lobby cannot be reached, it is told later.

        Raises:
            UnknownRoomError: The node is in no such room.
        """
        if self.rooms.remove(name) is None:
            raise UnknownRoomError(phrase("you are not in the room '{name}'", name=name))
        if self._live is not None:
            await self._live.leave_room(name)
        self._changed()

    # Signals (see `transports/webrtc.py`).

    async def signal(self, to: str, kind: str, sdp: str) -> None:
        """Send an offer or an answer to another node at the lobby.

        Raises:
            NotConnectedError: The other node is not at the lobby.
            PeerError: The lobby cannot be reached, or refuses.
        """
        if kind not in ("offer", "answer") or not 0 < len(sdp) <= wire.MAX_SDP:
            raise BadRequestError("only an offer or an answer of ordinary size can be signalled")
        await self._request(wire.Signal(to=to, kind=kind, sdp=sdp), wire.Done)  # type: ignore[arg-type]

    def on_signal(self, callback: OnSignal) -> Callable[[], None]:
        """Call back with ``(from_node_id, kind, sdp)`` of each signal; return a function to stop it.

        The lobby has checked the proof of the sender's id. Anybody who knows this node's id can send
        signals, so the listener decides which ones to answer.
        """
        return self._on_signal.connect(callback)

    def wait_for_signals(self, is_waiting: bool) -> None:
        """Set whether the connection is kept for signals."""
        self._waits_for_signals = is_waiting
        self._wake.set()

    # Requests.

    async def _request(self, message: Any, kind: type[Any]) -> Any:
        return await self._use(lambda visit: visit.ask(message, kind))

    async def _use(self, work: Callable[[LobbyVisit], Awaitable[T]]) -> T:
        if self.is_closed:
            raise LinkError("this node has left the lobby")
        self._uses += 1
        try:
            return await work(await self._at_lobby())
        finally:
            self._uses -= 1
            self._linger_until = asyncio.get_running_loop().time() + self._pace.linger_s

    async def _at_lobby(self) -> LobbyVisit:
        if self._live is not None:
            return self._live
        waiter: asyncio.Future[LobbyVisit] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        try:
            async with asyncio.timeout(self._pace.wait_s):
                return await waiter
        except TimeoutError:
            raise PeerTimeoutError(
                phrase("the lobby at {url} does not answer", url=self.url)
            ) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    # Keeping the connection.

    def _is_wanted(self) -> bool:
        return not self.is_closed and (
            self._waits_for_signals
            or self.is_listed
            or len(self.rooms) > 0
            or self._uses > 0
            or asyncio.get_running_loop().time() < self._linger_until
        )

    async def _run(self) -> None:
        backoff = Backoff(self._pace.backoff_s, self._pace.max_backoff_s, self._jitter)
        pause = self._pace.backoff_s
        while True:
            if not self._is_wanted():
                await self._wait(None)
                continue
            began = asyncio.get_running_loop().time()
            try:
                await self._visit()
                self.error = None
            except PeerError as error:
                is_news = self.error is None or str(error) != str(self.error)
                level = logging.INFO if is_news else logging.DEBUG
                log.log(level, "the lobby at %s: %s", self.url, error)
                self.error = error
                # Who asks while a connection ends waits for the next one.
                if not self._was_let_in:
                    self._fail_waiters(error)
            if self.error is None and not self._is_wanted():
                continue
            if asyncio.get_running_loop().time() - began > pause:
                backoff.reset()
            self._changed()
            pause = backoff.next()
            await self._wait(pause)

    async def _wait(self, timeout: float | None) -> None:
        """Wait, at most until a waiting request fails."""
        if not self._waiters:
            self._wake.clear()
            await pause_until(self._wake, timeout)

    def _fail_waiters(self, error: PeerError) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()

    async def _visit(self) -> None:
        """Connect, and stay until the connection ends or is no longer needed.

        Raises:
            PeerError: The reason why connecting failed, or why the connection ended.
        """
        self._is_dialling = True
        self._was_let_in = False
        self._changed()
        try:
            connection = await self._dial()
        finally:
            self._is_dialling = False
        visit = LobbyVisit(connection, self.rooms, self._saying, self._pace, self._jitter)
        try:
            await visit.register()
            self._live = visit
            self._was_let_in = True
            self.error = None
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(visit)
            self._waiters.clear()
            self._changed()
            await self._stay(visit)
        finally:
            self._live = None
            connection.leave()
            self._changed()
            await connection.until_closed()
        if connection.error is not None:
            raise connection.error

    async def _dial(self) -> LobbyConnection:
        """Connect to the first broker that answers; a silent one is tried last from now on."""
        reason: PeerError = BadRequestError("no URL of a lobby was given")
        for url in list(self._urls):
            try:
                return await LobbyConnection.open(
                    self._identity, url, self._take, self._ssl_context
                )
            except PeerError as error:
                reason = error
                self._urls.remove(url)
                self._urls.append(url)
        raise reason

    async def _stay(self, visit: LobbyVisit) -> None:
        connection = visit.connection
        while connection.is_open and self._is_wanted():
            self._wake.clear()
            if await visit.look():
                self._changed()
            await pause_until_any((connection.ended, self._wake), self._pace.look_s)

    def _saying(self) -> wire.Register:
        me = self._about_me()
        is_meeting = len(self.rooms) > 0 or self._entering > 0
        if not is_meeting and not self.is_listed:
            return wire.Register(addresses=[], listed=False)
        return wire.Register(
            addresses=_that_fit(me.addresses) if is_meeting else [],
            node_name=me.node_name,
            capabilities=me.capabilities,
            listed=self.is_listed,
        )

    # Notices of the lobby.

    def _take(self, notice: wire.Notice) -> None:
        if isinstance(notice, wire.Signalled):
            self._on_signal.emit(notice.sender, notice.kind, notice.sdp)
        elif isinstance(notice, wire.Refusal):
            log.info("the lobby at %s: %s", self.url, notice.error)
        elif self.rooms.take(notice):
            self._wake.set()
            self._changed()

    def _changed(self) -> None:
        self._wake.set()
        self._on_change.emit()


def _that_fit(addresses: list[str]) -> list[str]:
    """Return as many addresses as a registration may have, best first."""
    fit: list[str] = []
    left = wire.MAX_ADDRESS_TEXT
    for address in addresses[: wire.MAX_ADDRESSES]:
        left -= len(address)
        if left >= 0:
            fit.append(address)
    return fit
