"""A node's lobby client, at a real relay program by real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from jupyter_peer.errors import (
    BadNameError,
    BadRequestError,
    NotConnectedError,
    NotEnabledError,
    PeerError,
    RoomExistsError,
    RoomRefusedError,
    UnknownRoomError,
    UnreachableError,
)
from jupyter_peer.lobby_client.connection import LobbyConnection
from jupyter_peer.lobby_client.limits import Pace
from jupyter_peer.lobby_client.lobby import AboutMe, LobbyClient
from jupyter_peer.relay.backends.memory import MemoryBackend
from jupyter_peer.relay.lobby.limits import LobbyLimits
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.link.identity import Identity
from tests.machine.ports import free_port
from tests.machine.waiting import PATIENCE_S, until
from tests.wire.makers import ADA, BOB, EVE

QUICK = Pace(backoff_s=0.02, max_backoff_s=0.2, wait_s=5.0, linger_s=0.1, look_s=0.05)
ADDRESS = "ws://192.0.2.1:9797/peer-ws"


@contextlib.asynccontextmanager
async def a_lobby(port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Run a relay program and yield its lobby's URL."""
    limits = LobbyLimits(**{"sweep_s": 0.05, "grace_s": 5.0, **options.pop("limits", {})})
    backend = options.pop("backend", None)
    async with serving(Options(port=port, lobby_limits=limits, **options), backend) as urls:
        yield f"{urls[0]}/lobby-ws"


class Person:
    """Somebody at the lobby, and what their node tells of itself."""

    def __init__(self, url: str, identity: Identity, name: str, **options: Any) -> None:
        self.me = AboutMe([ADDRESS], name, ["panes"])
        self.node_id = identity.node_id
        self.signals: list[tuple[str, str, str]] = []
        self.lobby = LobbyClient([url], identity, lambda: self.me, **{"pace": QUICK, **options})
        self.lobby.on_signal(lambda *signal: self.signals.append(signal))
        self.lobby.start()

    def fellows(self) -> dict[str, list[str]]:
        """Return the others in this person's rooms: name and addresses, those away left out."""
        cards = self.lobby.rooms.fellows().values()
        return {card.node_name: card.addresses for card in cards if not card.away}

    async def break_connection(self) -> None:
        """End the connection as a network does."""
        visit = self.lobby._live
        assert visit is not None
        socket = visit.connection._socket
        assert socket is not None
        socket.abort()
        await until(lambda: self.lobby._live is not visit)


@contextlib.asynccontextmanager
async def people(url: str, **options: Any) -> AsyncIterator[tuple[Person, Person, Person]]:
    everybody = tuple(
        Person(url, identity, name, **options)
        for identity, name in ((ADA, "ada"), (BOB, "bob"), (EVE, "eve"))
    )
    try:
        yield everybody  # type: ignore[misc]
    finally:
        for person in everybody:
            await person.lobby.close()


async def names(person: Person) -> list[str]:
    return [card.node_name for card in await person.lobby.who()]


async def test_people_are_listed_when_they_want_to_be_and_no_longer() -> None:
    async with a_lobby() as url, people(url) as (ada, bob, _):
        assert await names(bob) == []
        await ada.lobby.set_listed(True)
        assert await names(bob) == ["ada"]
        await ada.lobby.set_listed(False)
        assert await names(bob) == []
        await ada.lobby.set_listed(True)
        await ada.lobby.close()
        await until(lambda: _is_empty(bob))


async def _is_empty(person: Person) -> bool:
    return await names(person) == []


async def test_nothing_is_dialled_before_the_user_wants_something_and_not_for_long_after() -> None:
    async with a_lobby() as url, people(url) as (ada, _, _):
        assert ada.lobby.status == "idle"
        await ada.lobby.list_rooms()
        assert ada.lobby.status == "connected"
        await until(lambda: ada.lobby.status == "idle")


async def test_who_asks_while_an_idle_connection_is_ended_is_answered_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_ending, may_end = asyncio.Event(), asyncio.Event()
    until_closed = LobbyConnection.until_closed

    async def slowly(connection: LobbyConnection) -> None:
        is_ending.set()
        await may_end.wait()
        await until_closed(connection)

    monkeypatch.setattr(LobbyConnection, "until_closed", slowly)
    async with a_lobby() as url, people(url) as (ada, _, _):
        assert await ada.lobby.list_rooms() == []
        await asyncio.wait_for(is_ending.wait(), PATIENCE_S)
        asking = asyncio.ensure_future(ada.lobby.list_rooms())
        await until(lambda: ada.lobby._waiters)
        may_end.set()
        assert await asking == []


async def test_people_meet_in_an_open_room_and_see_each_others_addresses() -> None:
    async with a_lobby() as url, people(url) as (ada, bob, eve):
        made = await ada.lobby.create_room("class", "public", "open")
        assert made.token is None
        await bob.lobby.join_room("class")
        await until(lambda: ada.fellows() == {"bob": [ADDRESS]})
        await until(lambda: bob.fellows() == {"ada": [ADDRESS]})
        [card] = await eve.lobby.list_rooms()
        assert (card.name, card.members, card.join_policy) == ("class", 2, "open")
        bob.me = AboutMe(["ws://198.51.100.7:1/peer-ws"], "robert", [])
        await until(lambda: ada.fellows() == {"robert": ["ws://198.51.100.7:1/peer-ws"]})
        await bob.lobby.leave_room("CLASS")
        await until(lambda: ada.fellows() == {})
        with pytest.raises(UnknownRoomError):
            await bob.lobby.leave_room("class")


async def test_a_room_with_a_token_takes_it_and_nothing_else() -> None:
    async with a_lobby() as url, people(url) as (ada, bob, eve):
        made = await ada.lobby.create_room("class", "unlisted", "token")
        assert made.token is not None
        assert await eve.lobby.list_rooms() == []
        for wrong in (None, "x", made.token[:-1]):
            with pytest.raises(RoomRefusedError):
                await eve.lobby.join_room("class", wrong)
        await bob.lobby.join_room("class", made.token)
        assert bob.fellows() == {"ada": [ADDRESS]}
        with pytest.raises(RoomExistsError):
            await eve.lobby.create_room("Class", "public", "open")
        with pytest.raises(BadNameError):
            await eve.lobby.create_room("a room", "public", "open")


async def test_a_room_with_a_directory_asks_the_one_the_relay_was_given(tmp_path: Path) -> None:
    keeper = Identity.from_seed(b"k" * 32)
    members = [
        Member(id=each.node_id, pk=each.public_key_b64, groups=("staff",)) for each in (ADA, BOB)
    ]
    file = tmp_path / "directory.json"
    directory = Directory(serial=1, expires=4e9, members=members)
    file.write_bytes(directory.to_bytes(keeper))
    options = {"directory_url": file.as_uri(), "directory_key": keeper.public_key_b64}
    async with a_lobby(**options) as url, people(url) as (ada, bob, eve):
        made = await until(lambda: _created(ada))
        assert made.info is not None
        assert made.info.group == "staff"
        await bob.lobby.join_room("class")
        with pytest.raises(RoomRefusedError):
            await eve.lobby.join_room("class")


async def _created(person: Person) -> Any:
    """Return a room as soon as the relay has read its directory."""
    try:
        return await person.lobby.create_room("class", "public", "directory", "staff")
    except NotEnabledError:
        return None


async def test_a_connection_that_breaks_is_made_again_and_nobody_has_left() -> None:
    async with a_lobby() as url, people(url) as (ada, bob, _):
        await ada.lobby.set_listed(True)
        await ada.lobby.create_room("class", "public", "open")
        await bob.lobby.join_room("class")
        seen: list[bool] = []
        bob.lobby.subscribe(lambda: seen.append(ADA.node_id in bob.lobby.rooms.fellows()))
        await ada.break_connection()
        await until(lambda: ada.lobby.status == "connected" and ada.fellows() == {"bob": [ADDRESS]})
        await until(lambda: bob.fellows() == {"ada": [ADDRESS]})
        assert all(seen)
        assert await names(bob) == ["ada"]


async def test_a_lobby_that_has_lost_its_memory_is_filled_again_by_its_nodes() -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        async with a_lobby(port) as url:
            ada, bob, eve = await stack.enter_async_context(people(url))
            made = await ada.lobby.create_room("class", "unlisted", "token")
            assert made.token is not None
            await bob.lobby.join_room("class", made.token)
            await ada.lobby.set_listed(True)
        await until(lambda: ada.lobby.status == bob.lobby.status == "connecting")
        assert (await ada.lobby.set_listed(True)) is None
        assert ada.lobby.error is not None
        async with a_lobby(port):
            for person in (ada, bob):
                lobby = person.lobby
                await until(lambda it=lobby: it.status == "connected" and not it.rooms.waiting())
                assert lobby.error is None
            await until(lambda: ada.fellows() == {"bob": [ADDRESS]})
            await until(lambda: bob.fellows() == {"ada": [ADDRESS]})
            assert await names(eve) == ["ada"]
            with pytest.raises(RoomRefusedError):
                await eve.lobby.join_room("class", "x")
            await eve.lobby.join_room("class", made.token)


async def test_a_room_left_while_the_lobby_was_away_is_left_when_it_is_back() -> None:
    port = free_port()
    async with a_lobby(port) as url, people(url) as (ada, bob, _):
        await ada.lobby.create_room("class", "public", "open")
        await bob.lobby.join_room("class")
        await bob.lobby.set_listed(True)
        await bob.break_connection()
        await bob.lobby.leave_room("class")
        await until(lambda: ada.lobby.rooms.fellows() == {})
        assert bob.lobby.status in ("connected", "connecting")


async def test_leaving_clears_everything() -> None:
    async with a_lobby() as url, people(url, waits_for_signals=True) as (ada, bob, _):
        await ada.lobby.create_room("class", "public", "open")
        await bob.lobby.join_room("class")
        await bob.lobby.set_listed(True)
        await bob.lobby.leave()
        await until(lambda: ada.lobby.rooms.fellows() == {})
        assert await names(ada) == []
        assert len(bob.lobby.rooms) == 0
        assert bob.lobby.status == "connected"


async def test_signals_reach_a_node_that_is_not_listed() -> None:
    async with a_lobby() as url, people(url, waits_for_signals=True) as (ada, bob, eve):
        await until(lambda: ada.lobby.status == "connected")
        assert await names(eve) == []
        await bob.lobby.signal(ada.node_id, "offer", "v=0 bob")
        await until(lambda: ada.signals)
        assert ada.signals == [(bob.node_id, "offer", "v=0 bob")]
        await ada.lobby.signal(bob.node_id, "answer", "v=0 ada")
        await until(lambda: bob.signals)
        assert bob.signals == [(ada.node_id, "answer", "v=0 ada")]
        with pytest.raises(NotConnectedError):
            await ada.lobby.signal(Identity.from_seed(b"n" * 32).node_id, "offer", "v=0")
        with pytest.raises(BadRequestError):
            await ada.lobby.signal(bob.node_id, "bye", "v=0")


async def test_the_lobby_is_told_no_more_than_is_needed() -> None:
    world = MemoryBackend()
    async with a_lobby(backend=world) as url, people(url) as (ada, _, _):

        def known() -> str:
            return str(world.table.items("node."))

        await ada.lobby.who()
        assert "ada" not in known()
        await ada.lobby.set_listed(True)
        assert '"ada"' in known()
        assert ADDRESS not in known()
        await ada.lobby.create_room("class", "public", "open")
        assert ADDRESS in known()
        await ada.lobby.leave_room("class")
        await until(lambda: ADDRESS not in known())
        await ada.lobby.leave()
        await until(lambda: not world.table.items("node."))


async def test_of_several_brokers_the_next_is_used_when_one_is_lost() -> None:
    ports = free_port(), free_port()
    urls = [f"ws://127.0.0.1:{port}/lobby-ws" for port in ports]
    ada = LobbyClient(urls, ADA, lambda: AboutMe([], "ada", []), pace=QUICK)
    ada.start()
    try:
        async with a_lobby(ports[1]):
            await ada.set_listed(True)
            assert [card.node_name for card in await ada.who()] == ["ada"]
        async with a_lobby(ports[0]):
            await until(lambda: ada.status == "connected")
            assert [card.node_name for card in await ada.who()] == ["ada"]
    finally:
        await ada.close()


async def test_a_lobby_that_is_not_there_is_said_so_and_tried_again() -> None:
    port = free_port()
    async with people(f"ws://127.0.0.1:{port}/lobby-ws") as (ada, _, _):
        with pytest.raises(UnreachableError) as raised:
            await ada.lobby.who()
        assert "the lobby runs" in raised.value.hint
        await ada.lobby.set_listed(True)
        assert isinstance(ada.lobby.error, UnreachableError)
        assert ada.lobby.status == "connecting"
        async with a_lobby(port):
            await until(lambda: ada.lobby.status == "connected")
            assert await names(ada) == ["ada"]


async def test_two_programs_with_one_key_do_not_chase_each_other_away_for_ever() -> None:
    async with a_lobby() as url:
        slow = Pace(backoff_s=3600.0, linger_s=0.1, look_s=0.05)
        first = Person(url, ADA, "ada", waits_for_signals=True, pace=slow)
        second = Person(url, ADA, "ada", waits_for_signals=True, pace=slow)
        try:
            await until(lambda: first.lobby.error is not None or second.lobby.error is not None)
            error = first.lobby.error or second.lobby.error
            assert error is not None
            assert error.code == "busy"
            assert "this node's key" in error.message
        finally:
            await first.lobby.close()
            await second.lobby.close()


@pytest.mark.parametrize(
    "said",
    [
        ["not json"],
        [b"\x00binary"],
        ['{"challenge": 7}'],
        ['{"challenge":"' + "0" * 64 + '@elsewhere.example"}'],
        ['{"error":{"code":"busy","message":"full"}}'],
        ['{"challenge":"' + "0" * 64 + '"}', '{"registered":"' + EVE.node_id + '"}'],
        ['{"challenge":"' + "0" * 64 + '"}', "REGISTERED", '{"type":"registered","id":1}'],
        ['{"challenge":"' + "0" * 64 + '"}', "REGISTERED", '{"type":"done","id":1}'],
        ['{"challenge":"' + "0" * 64 + '"}', "REGISTERED", "[" * 100],
        ['{"challenge":"' + "0" * 64 + '"}', "REGISTERED", "x" * (2 * 1024 * 1024)],
    ],
)
async def test_a_lobby_that_says_nonsense_is_an_error_and_no_more(said: list[Any]) -> None:
    class Nonsense(WebSocketHandler):
        def open(self) -> None:
            self.rest = list(said)

        def on_message(self, message: str | bytes) -> None:
            if self.rest:
                text = self.rest.pop(0)
                registered = '{"registered":"' + ADA.node_id + '"}'
                text = registered if text == "REGISTERED" else text
                self.write_message(text, binary=isinstance(text, bytes))

    server = HTTPServer(Application([("/lobby-ws", Nonsense)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    url = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/lobby-ws"
    ada = Person(url, ADA, "ada")
    try:
        with pytest.raises(PeerError):
            await asyncio.wait_for(ada.lobby.who(), PATIENCE_S)
    finally:
        await ada.lobby.close()
        server.stop()
        await server.close_all_connections()
