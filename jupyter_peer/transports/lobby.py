"""The node's side of a lobby: who is there, rooms, and WebRTC's signals (``relay/SPEC.md``).

A node that is listed, in a room, or waits for signals keeps one connection, made again whenever it
breaks. One that only looks around connects for that and leaves soon after: the lobby learns that a
node is there only when its user wants something from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from ..errors import (
    LinkError,
    PeerError,
    PeerTimeoutError,
    ProtocolError,
    RoomExistsError,
    UnknownRoomError,
)
from ..wire import lobby as wire
from ..wire.identity import Identity
from .joined_rooms import JoinedRoom, JoinedRooms
from .lobby_connection import LobbyConnection
from .signals import OnSignal, Signals

log = logging.getLogger(__name__)

TOKEN_BYTES = 16

Status = Literal["idle", "connecting", "connected"]


class AboutMe(msgspec.Struct, frozen=True):
    """What the node tells of itself."""

    addresses: list[str]
    node_name: str
    capabilities: list[str]


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How quick things are, in seconds.

    Attributes:
        backoff_s: First pause before the lobby is dialled again.
        max_backoff_s: Longest such pause.
        wait_s: How long a request waits for a connection.
        linger_s: How long a connection stays that nothing but a request needed.
        look_s: How often is looked for changes of the own addresses, and for silence.
        silence_s: After so much of it the lobby is pinged; after twice as much it is gone.
    """

    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    wait_s: float = 15.0
    linger_s: float = 30.0
    look_s: float = 5.0
    silence_s: float = 30.0


class LobbyClient:
    """Keeps the node at a lobby as far as its user wants.

    Args:
        url: The lobby's ``ws(s)://.../lobby-ws``.
        identity: The node's key.
        about_me: Returns what the node tells of itself now.
        may_signal: Whether signals of a node are taken; others are dropped. Answers to this
            node's own offers are always taken.
        waits_for_signals: Whether the connection is kept for them.
        jitter: Returns a factor that spreads reconnects.
        pace: Pauses and limits.
        ssl_context: For ``wss://``; by default the certificate must be trusted.

    Attributes:
        is_listed: Whether the user wants everybody at the lobby to see this node.
        rooms: Those the user has entered.
        error: Why the lobby cannot be reached; None while it can.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        about_me: Callable[[], AboutMe],
        *,
        may_signal: Callable[[str], bool] = lambda node_id: False,
        waits_for_signals: bool = False,
        jitter: Callable[[], float] = lambda: 1.0,
        pace: Pace = Pace(),  # noqa: B008 - immutable
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.is_listed = False
        self.rooms = JoinedRooms(identity.node_id)
        self.error: PeerError | None = None
        self._identity = identity
        self._about_me = about_me
        self._signals = Signals(may_signal, asyncio.get_running_loop().time)
        self._waits_for_signals = waits_for_signals
        self._jitter = jitter
        self._pace = pace
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._live: LobbyConnection | None = None
        self._said: wire.Register | None = None
        self._wake = asyncio.Event()
        self._uses = 0
        self._linger_until = 0.0
        self._waiters: list[asyncio.Future[LobbyConnection]] = []
        self._on_change: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._is_dialling = False

    # Life.

    def start(self) -> None:
        """Begin; nothing is dialled before something is wanted."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="lobby")

    async def close(self) -> None:
        """Leave, so that the lobby forgets this node at once; may be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed, or not started yet."""
        return self._task is None

    @property
    def status(self) -> Status:
        """Whether the node is at the lobby."""
        if self._live is not None:
            return "connected"
        return "connecting" if self._is_dialling or self._is_wanted() else "idle"

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever status, listing or rooms change; returns what ends that."""
        self._on_change.append(callback)

        def unsubscribe() -> None:
            if callback in self._on_change:
                self._on_change.remove(callback)

        return unsubscribe

    # What the user asks for.

    async def set_listed(self, is_listed: bool) -> None:
        """Show this node to everybody at the lobby, or not.

        A lobby that cannot be reached is told as soon as it can; :attr:`error` says why.

        Raises:
            PeerError: The lobby refuses.
        """
        self.is_listed = is_listed
        self._changed()
        with contextlib.suppress(LinkError):
            await self._ask(lambda connection: self._register(connection))

    async def leave(self) -> None:
        """Leave everything: the listing and all rooms."""
        self.is_listed = False
        self.rooms.clear()
        live = self._live
        if live is not None:
            # A connection that breaks now is made again without any of it.
            with contextlib.suppress(PeerError):
                await live.request(wire.Leave())
                self._said = self._saying()
        self._linger_until = 0.0
        self._changed()

    async def who(self) -> list[wire.NodeCard]:
        """Return who is listed.

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
        """Make a room and enter it; one that asks for a token has it in ``token``.

        The token is made here, and the lobby gets its hash alone until somebody uses it.

        Raises:
            BadNameError, RoomExistsError, RoomRefusedError, PeerError: Why there is none.
        """
        wire.check_room_name(name)
        token = secrets.token_urlsafe(TOKEN_BYTES) if join_policy == "token" else None
        made_by = wire.CreateRoom(
            name=name,
            visibility=visibility,
            join_policy=join_policy,
            token_sha256=None if token is None else wire.token_hash(token),
            group=group,
        )
        info = await self._request(made_by, wire.RoomInfo)
        return self._enter(JoinedRoom(name=info.name, token=token, made_by=made_by), info)

    async def join_room(self, name: str, token: str | None = None) -> JoinedRoom:
        """Enter a room.

        Raises:
            UnknownRoomError, RoomRefusedError, PeerError: Why not.
        """
        wire.check_room_name(name)
        known = self.rooms.get(name)
        if token is None and known is not None:
            token = known.token
        info = await self._request(wire.JoinRoom(name=name, token=token), wire.RoomInfo)
        made_by = known.made_by if known is not None else None
        return self._enter(JoinedRoom(name=info.name, token=token, made_by=made_by), info)

    def _enter(self, room: JoinedRoom, info: wire.RoomInfo) -> JoinedRoom:
        self.rooms.put(room)
        self.rooms.take(info)
        self._changed()
        return room

    async def leave_room(self, name: str) -> None:
        """Leave a room; when the lobby is away, it is told as soon as it can be.

        Raises:
            UnknownRoomError: The node is in no such room.
        """
        if self.rooms.remove(name) is None:
            raise UnknownRoomError("you are in no room of this name")
        live = self._live
        if live is not None:
            with contextlib.suppress(LinkError, UnknownRoomError):
                await live.request(wire.LeaveRoom(name=name))
        self._changed()

    # Signals (see `transports/webrtc.py`).

    async def signal(self, to: str, kind: str, sdp: str) -> None:
        """Hand an offer or an answer to another node at the lobby.

        Raises:
            NotConnectedError: It is not there.
            PeerError: The lobby cannot be reached, or refuses.
        """
        await self._request(self._signals.outgoing(to, kind, sdp), wire.Done)

    def on_signal(self, callback: OnSignal) -> None:
        """Call back with ``(from_node_id, kind, sdp)`` of each signal that is taken."""
        self._signals.listen(callback)

    # Asking.

    async def _request(self, message: Any, kind: type[Any]) -> Any:
        return await self._ask(lambda connection: _checked(connection, message, kind))

    async def _ask(self, work: Callable[[LobbyConnection], Any]) -> Any:
        if self.is_closed:
            raise LinkError("this node has left the lobby")
        self._uses += 1
        try:
            return await work(await self._connection())
        finally:
            self._uses -= 1
            self._linger_until = asyncio.get_running_loop().time() + self._pace.linger_s

    async def _connection(self) -> LobbyConnection:
        if self._live is not None:
            return self._live
        waiter: asyncio.Future[LobbyConnection] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        try:
            return await asyncio.wait_for(waiter, self._pace.wait_s)
        except asyncio.TimeoutError:
            raise PeerTimeoutError(f"the lobby at {self.url} does not answer") from None
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
        pause = self._pace.backoff_s
        # Not only by cancellation: `asyncio.wait_for` can swallow one (before Python 3.12).
        while not self.is_closed:
            if not self._is_wanted():
                await self._wait(None)
                continue
            began = asyncio.get_running_loop().time()
            try:
                await self._visit()
                self.error = None
            except PeerError as error:
                self.error = error
                log.info("the lobby at %s: %s", self.url, error)
            self._end_attempt(self.error)
            if self.error is None and not self._is_wanted():
                continue
            if asyncio.get_running_loop().time() - began > pause:
                pause = self._pace.backoff_s
            self._changed()
            await self._wait(pause * self._jitter())
            pause = min(2 * pause, self._pace.max_backoff_s)

    async def _wait(self, timeout: float | None) -> None:
        """Wait, or until a request cannot."""
        if not self._waiters and not self.is_closed:
            self._wake.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)

    def _end_attempt(self, error: PeerError | None) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error or LinkError("the lobby closed the connection"))
        self._waiters.clear()

    async def _visit(self) -> None:
        """Connect, and stay until the connection ends or is not wanted any more.

        Raises:
            PeerError: Why it could not be made, or why it ended.
        """
        self._is_dialling = True
        self._changed()
        try:
            connection = await LobbyConnection.open(
                self._identity, self.url, self._take, self._ssl_context
            )
        finally:
            self._is_dialling = False
        try:
            await self._register(connection)
            self._live = connection
            self.error = None
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(connection)
            self._waiters.clear()
            self._changed()
            await self._stay(connection)
        finally:
            self._live = None
            self._said = None
            connection.leave()
            self._changed()
        if connection.error is not None:
            raise connection.error

    async def _stay(self, connection: LobbyConnection) -> None:
        retry = self._pace.look_s
        retry_at = 0.0
        loop = asyncio.get_running_loop()
        while connection.is_open and self._is_wanted():
            self._wake.clear()
            if self._said is not None and self._said != self._saying():
                await self._register(connection)
            if self.rooms.waiting() and loop.time() >= retry_at:
                await self._enter_again(connection)
                retry_at = loop.time() + retry * self._jitter()
                retry = min(2 * retry, self._pace.max_backoff_s)
            silent = loop.time() - connection.read_at
            if silent > 2 * self._pace.silence_s:
                connection.close()
                raise PeerTimeoutError(f"the lobby at {self.url} does not answer any more")
            if silent > self._pace.silence_s:
                connection.ping()
            ended = asyncio.ensure_future(connection.until_ended())
            woken = asyncio.ensure_future(self._wake.wait())
            try:
                await asyncio.wait(
                    {ended, woken},
                    timeout=self._pace.look_s,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                ended.cancel()
                woken.cancel()

    def _saying(self) -> wire.Register:
        me = self._about_me()
        addresses: list[str] = []
        room = wire.MAX_ADDRESS_TEXT
        for address in me.addresses[: wire.MAX_ADDRESSES]:
            room -= len(address)
            if room >= 0:
                addresses.append(address)
        return wire.Register(
            addresses=addresses,
            node_name=me.node_name,
            capabilities=me.capabilities,
            listed=self.is_listed,
        )

    async def _register(self, connection: LobbyConnection) -> None:
        said = self._saying()
        answer = await _checked(connection, said, wire.Registered)
        is_first = self._said is None
        self._said = said
        if is_first:
            self.rooms.not_in(answer.rooms)
            for name in answer.rooms:
                if self.rooms.get(name) is None:
                    with contextlib.suppress(UnknownRoomError):
                        await connection.request(wire.LeaveRoom(name=name))

    async def _enter_again(self, connection: LobbyConnection) -> None:
        for room in self.rooms.waiting():
            try:
                self.rooms.take(await self._reenter(connection, room))
            except PeerError as error:  # noqa: PERF203 - each room has its own reason
                room.error = error
                if isinstance(error, LinkError):
                    raise
        self._changed()

    @staticmethod
    async def _reenter(connection: LobbyConnection, room: JoinedRoom) -> wire.RoomInfo:
        join = wire.JoinRoom(name=room.name, token=room.token)
        try:
            info: wire.RoomInfo = await _checked(connection, join, wire.RoomInfo)
        except UnknownRoomError:
            if room.made_by is None:
                raise
            # A lobby that was restarted has forgotten it: who made it makes it again.
            try:
                info = await _checked(connection, room.made_by, wire.RoomInfo)
            except RoomExistsError:
                info = await _checked(connection, join, wire.RoomInfo)
        return info

    # What comes.

    def _take(self, notice: wire.Notice) -> None:
        if isinstance(notice, wire.Signalled):
            self._signals.take(notice)
        elif isinstance(notice, wire.Refusal):
            log.info("the lobby at %s: %s", self.url, notice.error)
        elif self.rooms.take(notice):
            self._wake.set()
            self._changed()

    def _changed(self) -> None:
        self._wake.set()
        for callback in list(self._on_change):
            try:
                callback()
            except Exception:  # noqa: PERF203 - one listener must not silence the others
                log.exception("a listener of the lobby failed")


async def _checked(connection: LobbyConnection, message: Any, kind: type[Any]) -> Any:
    answer = await connection.request(message)
    if not isinstance(answer, kind):
        raise ProtocolError("the lobby's answer is not one to this request")
    return answer
