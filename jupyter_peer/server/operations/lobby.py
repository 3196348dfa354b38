"""This node at its lobby: the client from the settings, what it tells the hub, what the user does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from ...control import operations as ops
from ...errors import NotEnabledError, PeerError, to_wire
from ...findings import Finding, failed, ok
from ...wire.addresses import lobby_name, lobby_urls
from ...wire.relay import lobby as wire
from ..node.listening import trusting
from ..settings.settings import LOBBY_OFF

if TYPE_CHECKING:
    from ...hub.hub import PeerHub
    from ...lobby_client.lobby import LobbyClient
    from ...lobby_client.rooms import JoinedRoom
    from ...transports.webrtc.webrtc import Visit
    from ...wire.link.identity import Identity
    from ..settings.settings import PeerSettings
    from .operations import Call

SOURCE = "lobby"


def lobby_client(
    settings: PeerSettings,
    identity: Identity,
    hub: Callable[[], PeerHub],
    jitter: Callable[[], float],
) -> LobbyClient | None:
    """Return the client of the lobby that the settings name; None when they name none.

    Args:
        settings: Of the extension.
        identity: This node's key.
        hub: Returns the hub; asked only when something is told to the lobby.
        jitter: Spreads reconnects.

    Raises:
        BadAddressError: ``lobby_url`` cannot be one.
    """
    urls = settings.lobby_urls()
    if not urls:
        return None
    from ...lobby_client.lobby import AboutMe, LobbyClient

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


def lobby_visits(
    settings: PeerSettings, identity: Identity, jitter: Callable[[], float]
) -> Visit | None:
    """Return what opens lobbies of peers, to arrange a WebRTC link; None where lobbies are off.

    Such a lobby learns the id of this node and, from its offer, its network addresses.

    Args:
        settings: Of the extension.
        identity: This node's key.
        jitter: Spreads reconnects.
    """
    if settings.lobby_url.strip() == LOBBY_OFF:
        return None
    from ...lobby_client.lobby import AboutMe, LobbyClient

    @contextlib.asynccontextmanager
    async def visit(url: str) -> AsyncIterator[LobbyClient]:
        client = LobbyClient(
            lobby_urls(url),
            identity,
            lambda: AboutMe([], "", []),  # signals take a connection, and no registration
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
    """Return whether the lobby answers."""
    started = time.monotonic()
    try:
        rooms = await client.list_rooms()
    except PeerError as error:
        return [
            failed(
                "lobby",
                f"It cannot be used: {error.message}.",
                "check PeerExtension.lobby_url, and whether /health of the lobby answers",
                client.url,
                code=error.code,
            )
        ]
    took = round((time.monotonic() - started) * 1000, 1)
    count = len(client.rooms)
    text = (
        f"It answers in {took} ms; this node is {'' if client.is_listed else 'not '}listed there, and "
        f"in {count} room{'s' * (count != 1)}."
    )
    return [ok("lobby", text, client.url, ms=took, rooms=len(rooms))]


class LobbyDesk:
    """What the user can do at the lobby, and what the hub learns there.

    Args:
        client: The node's lobby client; None without a lobby.
        hub: The node.
        audit: Writes a line into the audit log: kind, peer, details.
        on_change: Called whenever :meth:`model` has changed.
    """

    def __init__(
        self,
        client: LobbyClient | None,
        hub: PeerHub,
        audit: Callable[[str, str | None, dict[str, Any]], None],
        on_change: Callable[[], None],
    ) -> None:
        self._client = client
        self._hub = hub
        self._audit = audit
        self._on_change = on_change
        self._found: set[str] = set()
        self._end = client.subscribe(self._changed) if client is not None else lambda: None
        self.methods: dict[str, Callable[[Any, Call], Any]] = {
            "lobby": lambda _, call: self.model(),
            "lobby_on": self._switch_on,
            "lobby_off": self._switch_off,
            "lobby_who": self._who,
            "rooms": self._rooms,
            "create_room": self._create,
            "join_room": self._join,
            "leave_room": self._leave,
        }

    def close(self) -> None:
        """Listen to the client no more."""
        self._end()

    @property
    def _lobby(self) -> LobbyClient:
        if self._client is None:
            raise NotEnabledError(
                "this node has no lobby",
                hint="set PeerExtension.lobby_url to the URL of a relay that somebody runs with "
                "`jupyter peer relay`",
            )
        return self._client

    # Looking.

    def model(self) -> ops.LobbyModel:
        """Return how this node stands at its lobby."""
        client = self._client
        if client is None:
            return ops.LobbyModel(url=None, status="off", listed=False, rooms=[], error=None)
        return ops.LobbyModel(
            url=client.url,
            status=client.status,
            listed=client.is_listed,
            rooms=[self._joined_model(room) for room in client.rooms],
            error=to_wire(client.error) if client.error is not None else None,
        )

    async def _who(self, params: ops.NoParams, call: Call) -> ops.WhoResult:
        return ops.WhoResult([self._node_model(card) for card in await self._lobby.who()])

    async def _rooms(self, params: ops.NoParams, call: Call) -> ops.RoomsResult:
        listed = await self._lobby.list_rooms()
        joined = [self._joined_model(room) for room in self._lobby.rooms]
        names = {room.name.casefold() for room in joined}
        others = [
            ops.RoomModel(
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
        return ops.RoomsResult(sorted([*joined, *others], key=lambda room: room.name.casefold()))

    def _joined_model(self, room: JoinedRoom) -> ops.RoomModel:
        info = room.info
        members = [self._node_model(card) for card in info.members] if info is not None else []
        return ops.RoomModel(
            name=room.name,
            visibility=info.visibility if info is not None else None,
            join_policy=info.join_policy if info is not None else None,
            group=info.group if info is not None else None,
            member_count=len(members),
            joined=True,
            members=members,
            error=to_wire(room.error) if room.error is not None else None,
        )

    def _node_model(self, card: wire.NodeCard) -> ops.AtLobbyModel:
        try:
            peer = self._hub.peer(card.node_id).status
        except PeerError:
            peer = None
        return ops.AtLobbyModel(
            node_id=card.node_id,
            node_name=card.node_name,
            capabilities=card.capabilities,
            addresses=card.addresses,
            away=card.away,
            me=card.node_id == self._hub.node_id,
            peer=peer,
        )

    # Doing.

    async def _switch_on(self, params: ops.NoParams, call: Call) -> ops.LobbyModel:
        await self._lobby.set_listed(True)
        self._audit("lobby_on", None, {"lobby": self._lobby.url})
        return self.model()

    async def _switch_off(self, params: ops.NoParams, call: Call) -> ops.LobbyModel:
        await self._lobby.leave()
        self._audit("lobby_off", None, {"lobby": self._lobby.url})
        return self.model()

    async def _create(self, params: ops.CreateRoomParams, call: Call) -> ops.RoomResult:
        room = await self._lobby.create_room(
            params.name, params.visibility, params.join_policy, params.group
        )
        self._audit("room_created", None, {"room": room.name, "join_policy": params.join_policy})
        return ops.RoomResult(self._joined_model(room), room.token)

    async def _join(self, params: ops.JoinRoomParams, call: Call) -> ops.RoomResult:
        room = await self._lobby.join_room(params.name, params.token)
        self._audit("room_joined", None, {"room": room.name})
        return ops.RoomResult(self._joined_model(room))

    async def _leave(self, params: ops.RoomParams, call: Call) -> ops.Done:
        await self._lobby.leave_room(params.name)
        self._audit("room_left", None, {"room": params.name})
        return ops.Done()

    # What the hub learns.

    def _changed(self) -> None:
        assert self._client is not None
        fellows = self._client.rooms.fellows()
        here = {node_id for node_id, card in fellows.items() if card.addresses and not card.away}
        for node_id in here:
            card = fellows[node_id]
            self._hub.found(SOURCE, node_id, card.node_name, card.addresses)
        # Somebody who is away for a moment is not lost; who is in no room any more is.
        for node_id in self._found - fellows.keys():
            self._hub.lost(SOURCE, node_id)
        self._found = (self._found & fellows.keys()) | here
        self._on_change()
