"""This node at its lobby: the client from the settings, the user's operations, news for the hub."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, cast

import msgspec

from ...control.fields import Done, ErrorModel, NameParams, NoParams, PeerStatus
from ...control.rows import lobby as rows
from ...errors import NotEnabledError, PeerError, to_page
from ...findings import Finding, failed, ok
from ...hub.hub import PeerHub
from ...lobby_client.lobby import AboutMe, LobbyClient
from ...lobby_client.rooms import JoinedRoom
from ...phrase import phrase
from ...wire.addresses import lobby_name, lobby_urls
from ...wire.link.identity import Identity
from ...wire.relay import lobby as wire
from ..call import Call, serves
from ..node.listening import trusting
from ..settings.settings import PeerSettings
from .group import Group

if TYPE_CHECKING:
    from ...transports.webrtc.webrtc import Visit


SOURCE = "lobby"


def lobby_client(
    settings: PeerSettings,
    identity: Identity,
    hub: Callable[[], PeerHub],
    jitter: Callable[[], float],
) -> LobbyClient | None:
    """Return the client of the configured lobby; None if no lobby is configured.

    Args:
        settings: Settings of the extension.
        identity: This node's key.
        hub: Returns the hub; called only to send facts about it to the lobby.
        jitter: Spreads reconnects.

    Raises:
        BadAddressError: ``lobby_url`` is not a URL of a lobby.
    """
    urls = settings.lobby_urls()
    if not urls:
        return None

    def about_me() -> AboutMe:
        node = hub()
        return AboutMe(node.addresses(), node.node_name, list(node.capabilities))

    return LobbyClient(
        urls,
        identity,
        about_me,
        url=lobby_name(urls),
        waits_for_signals=settings.enable_webrtc,
        jitter=jitter,
        ssl_context=trusting(settings.relay_certificate),
    )


def lobby_visits(settings: PeerSettings, jitter: Callable[[], float]) -> Visit | None:
    """Return a function that opens a peer's lobby for WebRTC signals; None if lobbies are off.

    Each gets a throwaway key, so what this node signs there proves nothing anywhere else. Such a
    lobby still learns this node's id and its network addresses, from its offer.

    Args:
        settings: Settings of the extension.
        jitter: Spreads reconnects.
    """
    if settings.is_lobby_off:
        return None

    @contextlib.asynccontextmanager
    async def visit(url: str) -> AsyncIterator[LobbyClient]:
        client = LobbyClient(
            lobby_urls(url),
            Identity.from_seed(secrets.token_bytes(32)),
            lambda: AboutMe([], "", []),  # signals need a connection, not a registration
            url=url,
            jitter=jitter,
            ssl_context=trusting(settings.relay_certificate),
        )
        client.start()
        try:
            yield client
        finally:
            await client.close()

    return visit


async def lobby_findings(client: LobbyClient) -> list[Finding]:
    """Return the findings about the lobby: whether it answers, and how quickly."""
    started = time.monotonic()
    try:
        rooms = await client.list_rooms()
    except PeerError as error:
        return [
            failed(
                "lobby",
                phrase("The lobby cannot be used: {reason}.", reason=error.message_phrase),
                phrase("check PeerExtension.lobby_url, and that /health of the lobby answers"),
                client.url,
                code=error.code,
            )
        ]
    took = round((time.monotonic() - started) * 1000, 1)
    figures = {"took": took, "rooms": len(client.rooms)}
    text = (
        phrase("The lobby answers in {took} ms and lists this node. Rooms: {rooms}.", **figures)
        if client.is_listed
        else phrase(
            "The lobby answers in {took} ms and does not list this node. Rooms: {rooms}.",
            **figures,
        )
    )
    return [ok("lobby", text, client.url, ms=took, rooms=len(rooms))]


class LobbyOperations(Group):
    """Operations at the lobby; reports to the hub the nodes that it sees there.

    Args:
        hub: The node.
        on_change: See :class:`.Group`.

    Attributes:
        client: The node's lobby client; None without a lobby.
    """

    def __init__(self, hub: PeerHub, on_change: Callable[..., None]) -> None:
        super().__init__(hub, on_change)
        self.client: LobbyClient | None = None
        self._found: set[str] = set()
        self._end: Callable[[], None] = lambda: None

    async def use(self, client: LobbyClient | None) -> None:
        """Use another lobby, or none; leave the former one and its rooms."""
        former, self.client = self.client, client
        self._end()
        for node_id in self._found:
            self.hub.lost(SOURCE, node_id)
        self._found.clear()
        if client is not None:
            self._end = client.subscribe(self._changed)
            client.start()
        else:
            self._end = lambda: None
        if former is not None:
            await former.close()
        self.on_change("lobby")

    async def close(self) -> None:
        """Leave the lobby."""
        self._end()
        if self.client is not None:
            await self.client.close()

    @property
    def _lobby(self) -> LobbyClient:
        if self.client is None:
            raise NotEnabledError(
                "this node has no lobby",
                hint=phrase(
                    "%peer reach relay URL uses the lobby of a relay, or set PeerExtension.lobby_url"
                ).on_page(phrase("choose “Anywhere, by a relay” under “Who can reach me”")),
            )
        return self.client

    @serves(rows.LOBBY)
    def _state(self, params: NoParams, call: Call) -> rows.LobbyModel:
        return self.model()

    def model(self) -> rows.LobbyModel:
        """Return the state of the connection to the lobby."""
        client = self.client
        if client is None:
            return rows.LobbyModel(url=None, status="off", listed=False, rooms=[], error=None)
        return rows.LobbyModel(
            url=client.url,
            status=client.status,
            listed=client.is_listed,
            rooms=[self._joined_model(room) for room in client.rooms],
            error=_error_model(client.error),
        )

    @serves(rows.LOBBY_WHO)
    async def _who(self, params: NoParams, call: Call) -> rows.WhoResult:
        return rows.WhoResult([self._node_model(card) for card in await self._lobby.who()])

    @serves(rows.ROOMS)
    async def _rooms(self, params: NoParams, call: Call) -> rows.RoomsResult:
        listed = await self._lobby.list_rooms()
        joined = [self._joined_model(room) for room in self._lobby.rooms]
        names = {room.name.casefold() for room in joined}
        others = [
            rows.RoomModel(
                name=card.name,
                visibility=card.visibility,
                join_policy=card.join_policy,
                group=None,
                member_count=card.members,
                joined=False,
                members=None,
            )
            for card in listed
            if card.name.casefold() not in names
        ]
        return rows.RoomsResult(sorted([*joined, *others], key=lambda room: room.name.casefold()))

    def _joined_model(self, room: JoinedRoom) -> rows.RoomModel:
        info = room.info
        members = [self._node_model(card) for card in info.members] if info is not None else []
        return rows.RoomModel(
            name=room.name,
            visibility=info.visibility if info is not None else None,
            join_policy=info.join_policy if info is not None else None,
            group=info.group if info is not None else None,
            member_count=len(members),
            joined=True,
            members=members,
            error=_error_model(room.error),
        )

    def _node_model(self, card: wire.NodeCard) -> rows.AtLobbyModel:
        try:
            peer = self.hub.peer(card.node_id).status
        except PeerError:
            peer = None
        return rows.AtLobbyModel(
            node_id=card.node_id,
            node_name=card.node_name,
            capabilities=card.capabilities,
            addresses=card.addresses,
            away=card.away,
            me=card.node_id == self.hub.node_id,
            peer=cast("PeerStatus | None", peer),
        )

    @serves(rows.LOBBY_ON)
    async def _switch_on(self, params: NoParams, call: Call) -> rows.LobbyModel:
        return await self._set_listed(True)

    @serves(rows.LOBBY_OFF)
    async def _switch_off(self, params: NoParams, call: Call) -> rows.LobbyModel:
        return await self._set_listed(False)

    @serves(rows.SET_LISTED)
    async def _change(self, params: rows.SetListedParams, call: Call) -> rows.LobbyModel:
        return await self._set_listed(params.listed)

    async def _set_listed(self, is_listed: bool) -> rows.LobbyModel:
        if is_listed:
            await self._lobby.set_listed(True)
        else:
            await self._lobby.leave()
        self.audit("lobby_on" if is_listed else "lobby_off", lobby=self._lobby.url)
        return self.model()

    @serves(rows.CREATE_ROOM)
    async def _create(self, params: rows.CreateRoomParams, call: Call) -> rows.RoomResult:
        room = await self._lobby.create_room(
            params.name, params.visibility, params.join_policy, params.group
        )
        self.audit("room_created", room=room.name, join_policy=params.join_policy)
        return rows.RoomResult(self._joined_model(room), room.token)

    @serves(rows.JOIN_ROOM)
    async def _join(self, params: rows.JoinRoomParams, call: Call) -> rows.RoomResult:
        room = await self._lobby.join_room(params.name, params.token)
        self.audit("room_joined", room=room.name)
        return rows.RoomResult(self._joined_model(room))

    @serves(rows.LEAVE_ROOM)
    async def _leave(self, params: NameParams, call: Call) -> Done:
        await self._lobby.leave_room(params.name)
        self.audit("room_left", room=params.name)
        return Done()

    # News for the hub.

    def _changed(self) -> None:
        assert self.client is not None
        fellows = self.client.rooms.fellows()
        here = {node_id for node_id, card in fellows.items() if card.addresses and not card.away}
        for node_id in here:
            card = fellows[node_id]
            self.hub.found(SOURCE, node_id, card.node_name, card.addresses)
        # A member that is away for a moment is not lost; one that left all rooms is.
        for node_id in self._found - fellows.keys():
            self.hub.lost(SOURCE, node_id)
        self._found = (self._found & fellows.keys()) | here
        self.on_change("lobby")


def _error_model(error: PeerError | None) -> ErrorModel | None:
    return None if error is None else msgspec.convert(to_page(error), ErrorModel)
