"""Rooms over the REST interfaces and control sockets of real servers, at a real relay."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from jupyter_peer.app import PeerExtension
from jupyter_peer.errors import BadAddressError
from jupyter_peer.relay.lobby.limits import LobbyLimits
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.invite import Invite
from jupyter_peer.wire.link.identity import Identity
from tests.machine.waiting import until
from tests.server.servers import Server, jupyter_server

pytestmark = pytest.mark.usefixtures("jp_environ")


@contextlib.asynccontextmanager
async def a_relay(**options: Any) -> AsyncIterator[str]:
    limits = LobbyLimits(sweep_s=0.05)
    async with serving(Options(port=0, lobby_limits=limits, **options)) as urls:
        yield urls[0]


@contextlib.asynccontextmanager
async def people(path: Path, relay: str, *names: str, **settings: Any) -> AsyncIterator[Any]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                jupyter_server(
                    path / name,
                    f"/{name}/",
                    PeerExtension={"node_name": name, "lobby_url": relay, **settings},
                )
            )
            for name in names
        ]


async def refused(server: Server, method: str, path: str, body: Any = None) -> tuple[int, str]:
    response = await server.fetch(
        f"jupyter-peer/api/{path}",
        method=method,
        body=None if body is None else json.dumps(body),
        allow_nonstandard_methods=True,
    )
    error = json.loads(response.body)
    assert error["message"]
    return response.code, error["code"]


def names(room: Any) -> dict[str, str | None]:
    return {member["node_name"]: member["peer"] for member in room["members"]}


async def test_people_meet_in_a_room_and_pair(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob", "eve") as (ada, bob, eve):
        made = await ada.call("POST", "rooms", {"name": "class"})
        assert (made["room"]["visibility"], made["room"]["join_policy"]) == ("unlisted", "open")
        assert made["token"] is None
        control = await ada.control()
        joined = (await bob.call("POST", "rooms/class/join", {}))["room"]
        assert names(joined) == {"ada": None, "bob": None}
        [me] = [member for member in joined["members"] if member["me"]]
        assert me["node_id"] == bob.hub.node_id
        [other] = [member for member in joined["members"] if not member["me"]]
        assert other["addresses"] == ada.hub.addresses()

        await until(lambda: "bob" in str(control.named("lobby")[-1:]))
        # Meeting is not trusting: both see the other, and an invite is still needed.
        [found] = await until(lambda: _found(ada))
        assert (found["node_name"], found["source"]) == ("bob", "lobby")
        code = await refused(ada, "POST", "connect", {"node_id": bob.hub.node_id})
        assert code == (403, "not_trusted")
        assert (await eve.call("GET", "rooms"))["rooms"] == []

        invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        [room] = (await ada.call("GET", "rooms"))["rooms"]
        assert names(room) == {"ada": None, "bob": "connected"}

        assert await bob.call("DELETE", "rooms/class/membership") == {}
        await until(lambda: _members(ada, 1))
        assert (await bob.call("GET", "lobby"))["rooms"] == []
        kinds = [entry["kind"] for entry in (await bob.call("GET", "audit"))["audit"]]
        assert {"room_joined", "room_left"} <= set(kinds)
        await control.close()


async def _found(server: Server) -> Any:
    return (await server.call("GET", "peers"))["found"]


async def _members(server: Server, count: int) -> bool:
    [room] = (await server.call("GET", "lobby"))["rooms"]
    return bool(room["member_count"] == count)


async def test_a_public_room_with_a_token(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        body = {"name": "class", "visibility": "public", "join_policy": "token"}
        token = (await ada.call("POST", "rooms", body))["token"]
        [room] = (await bob.call("GET", "rooms"))["rooms"]
        assert (room["name"], room["member_count"], room["joined"]) == ("class", 1, False)
        assert room["members"] is None
        assert await refused(bob, "POST", "rooms/class/join") == (403, "room_refused")
        assert await refused(bob, "POST", "rooms", body) == (409, "room_exists")
        joined = (await bob.call("POST", "rooms/class/join", {"token": token}))["room"]
        assert joined["member_count"] == 2
        # The token is shown once.
        assert token not in str(await ada.call("GET", "rooms"))
        assert token not in str(await ada.call("GET", "lobby"))


async def test_members_of_the_directory_are_let_in_and_connected_by_the_room(
    tmp_path: Path,
) -> None:
    keeper = Identity.from_seed(b"k" * 32)
    file = tmp_path / "directory.json"
    file.write_bytes(Directory(serial=1, expires=4e9).to_bytes(keeper))
    where = {"directory_url": file.as_uri(), "directory_key": keeper.public_key_b64}
    # Who has been started before has a key that the directory can list.
    trusting = {"trust_mode": "directory", **where}
    async with people(tmp_path, "off", "ada", "bob", "eve") as everybody:
        members = [
            Member(id=each.hub.node_id, pk=each.hub.identity.public_key_b64)
            for each in everybody[:2]
        ]
    file.write_bytes(Directory(serial=2, expires=4e9, members=members).to_bytes(keeper))
    async with (
        a_relay(**where) as relay,
        people(tmp_path, relay, "ada", "bob", "eve", **trusting) as (ada, bob, eve),
    ):
        body = {"name": "class", "join_policy": "directory"}
        await ada.call("POST", "rooms", body)
        await bob.call("POST", "rooms/class/join")
        assert await refused(eve, "POST", "rooms/class/join") == (403, "room_refused")
        assert await refused(eve, "POST", "rooms", body | {"name": "x"}) == (403, "room_refused")
        for member in (ada, bob):
            await until(lambda member=member: _met_as_peers(member), 15)


async def _met_as_peers(server: Server) -> bool:
    [room] = (await server.call("GET", "lobby"))["rooms"]
    return sorted(names(room).values(), key=str) == [None, "connected"]


async def test_being_listed_is_asked_for_and_taken_back(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        at_first = await ada.call("GET", "lobby")
        assert (at_first["status"], at_first["listed"]) == ("idle", False)
        assert at_first["url"] == relay
        assert (await bob.call("GET", "lobby/who"))["nodes"] == []
        on = await ada.call("PATCH", "lobby", {"listed": True})
        assert (on["status"], on["listed"]) == ("connected", True)
        [seen] = (await bob.call("GET", "lobby/who"))["nodes"]
        assert (seen["node_name"], seen["addresses"], seen["me"]) == ("ada", [], False)
        await ada.call("POST", "rooms", {"name": "class"})
        off = await ada.call("PATCH", "lobby", {"listed": False})
        assert (off["listed"], off["rooms"]) == (False, [])
        assert (await bob.call("GET", "lobby/who"))["nodes"] == []
        assert await refused(bob, "POST", "rooms/class/join") == (404, "unknown_room")


async def test_a_server_that_stops_has_left(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada") as (ada,):
        async with people(tmp_path, relay, "bob") as (bob,):
            await ada.call("POST", "rooms", {"name": "class"})
            await bob.call("POST", "rooms/class/join")
            await bob.call("PATCH", "lobby", {"listed": True})
            await until(lambda: _members(ada, 2))
        await until(lambda: _members(ada, 1))
        assert (await ada.call("GET", "lobby/who"))["nodes"] == []
        assert await _found(ada) == []


async def test_a_known_peer_that_is_met_in_a_room_is_connected_by_its_fresh_address(
    tmp_path: Path,
) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada", "bob") as (ada, bob):
        invite = (await ada.call("POST", "invite"))["invite"]
        assert (await bob.call("POST", "pair", {"invite": invite}))["ok"]
        # Both forget where the other is, as after moves to other networks.
        for one, other in ((ada, bob), (bob, ada)):
            peer = one.hub._peers.get(other.hub.node_id)
            peer.change(addresses=["ws://127.0.0.1:1/peer-ws"])
        session = ada.hub._peers.get(bob.hub.node_id).session
        session.link.abort("lost")
        await until(lambda: ada.hub.peer(bob.hub.node_id).status != "connected")
        await ada.call("POST", "rooms", {"name": "class"})
        await bob.call("POST", "rooms/class/join")
        await until(lambda: ada.hub.peer(bob.hub.node_id).status == "connected")


async def test_without_a_lobby_everything_says_how_to_get_one(tmp_path: Path) -> None:
    async with jupyter_server(tmp_path / "ada") as ada:
        lobby = await ada.call("GET", "lobby")
        assert (lobby["url"], lobby["status"], lobby["rooms"]) == (None, "off", [])
        for method, path, body in (
            ("GET", "rooms", None),
            ("POST", "rooms", {"name": "class"}),
            ("POST", "rooms/class/join", {}),
            ("DELETE", "rooms/class/membership", None),
            ("GET", "lobby/who", None),
            ("PATCH", "lobby", {"listed": True}),
        ):
            assert await refused(ada, method, path, body) == (403, "not_enabled")


async def test_a_lobby_that_is_away_is_an_error_for_a_moment_and_no_more(tmp_path: Path) -> None:
    async with people(tmp_path, "ws://127.0.0.1:1", "ada") as (ada,):
        assert await refused(ada, "GET", "rooms") == (424, "unreachable")
        assert await refused(ada, "POST", "rooms", {"name": "class"}) == (424, "unreachable")
        on = await ada.call("PATCH", "lobby", {"listed": True})
        assert (on["listed"], on["status"]) == (True, "connecting")
        assert on["error"]["code"] == "unreachable"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "rooms", {}, 400),
        ("POST", "rooms", {"name": 7}, 400),
        ("POST", "rooms", {"name": "a b"}, 400),
        ("POST", "rooms", {"name": "../x"}, 400),
        ("POST", "rooms", {"name": "x" * 65}, 400),
        ("POST", "rooms", {"name": "x", "visibility": "secret"}, 400),
        ("POST", "rooms", {"name": "x", "join_policy": "magic"}, 400),
        ("POST", "rooms", {"name": "x", "join_policy": "directory"}, 403),
        ("POST", "rooms/%C3%A4/join", {}, 400),
        ("POST", "rooms/x/join", {"token": 7}, 400),
        ("POST", "rooms/x/join", {"token": "t" * 200}, 400),
        ("POST", "rooms/x/join", {"token": "t"}, 404),
        ("POST", "rooms/x/join", [], 400),
        ("DELETE", "rooms/x/membership", None, 404),
        ("PATCH", "lobby", {}, 400),
        ("PATCH", "lobby", {"listed": "yes"}, 400),
    ],
)
async def test_what_does_not_fit_is_refused(
    tmp_path: Path, method: str, path: str, body: Any, status: int
) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada") as (ada,):
        assert (await refused(ada, method, path, body))[0] == status


async def test_invites_carry_the_lobby(tmp_path: Path) -> None:
    async with people(tmp_path, "https://relay.example/", "ada") as (ada,):
        invite = Invite.from_text((await ada.call("POST", "invite"))["invite"])
        assert invite.l == "wss://relay.example"


@pytest.mark.parametrize(
    ("settings", "urls"),
    [
        ({}, []),
        ({"lobby_url": "wss://lobby.example"}, ["wss://lobby.example/lobby-ws"]),
        ({"lobby_url": "relay.example:9000/"}, ["ws://relay.example:9000/lobby-ws"]),
        ({"relay_url": "wss://relay.example/a/relay-ws"}, ["wss://relay.example/a/lobby-ws"]),
        (
            {"relay_url": "ws://one:9000, ws://two:9000"},
            ["ws://one:9000/lobby-ws", "ws://two:9000/lobby-ws"],
        ),
        ({"relay_url": "wss://relay.example", "lobby_url": "off"}, []),
        (
            {"relay_url": "wss://relay.example", "lobby_url": "wss://lobby.example/lobby-ws"},
            ["wss://lobby.example/lobby-ws"],
        ),
    ],
)
def test_the_lobby_is_the_relays_where_none_is_named(
    settings: dict[str, str], urls: list[str]
) -> None:
    assert PeerExtension(config=Config(PeerExtension=settings)).lobby_urls() == urls


def test_a_lobby_url_that_is_none_is_said_so() -> None:
    extension = PeerExtension(config=Config(PeerExtension={"lobby_url": "ftp://x"}))
    with pytest.raises(BadAddressError, match="lobby_url"):
        extension.lobby_urls()


async def test_the_doctor_says_whether_the_lobby_answers(tmp_path: Path) -> None:
    async with a_relay() as relay, people(tmp_path, relay, "ada") as (ada,):
        [line] = await _of_lobby(ada)
        assert (line["status"], line["subject"]) == ("ok", relay)
        assert "does not list this node" in line["text"]
    async with people(tmp_path, "ws://127.0.0.1:1", "bob") as (bob,):
        [line] = await _of_lobby(bob)
        assert (line["status"], line["data"]["code"]) == ("failed", "unreachable")


async def _of_lobby(server: Server) -> list[Any]:
    findings = (await server.call("GET", "doctor"))["findings"]
    return [finding for finding in findings if finding["check"] == "lobby"]
