"""How lobby and rooms show themselves, whatever strangers call themselves."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.errors import BadRequestError
from jupyter_peer.server_client.command_table.command import HelpAskedError
from jupyter_peer.server_client.command_table.completion import candidates
from jupyter_peer.server_client.command_table.line import parse
from jupyter_peer.server_client.command_table.table import COMMANDS
from jupyter_peer.server_client.results.rooms import Lobby, Room, Rooms, Who
from tests.server_client.fake_server import FakeServer

EVE = {
    "node_id": "eveeveeveeveeve2",
    "node_name": "<img src=x onerror=alert(1)>\x1b[2J",
    "capabilities": [],
    "addresses": [],
    "away": True,
    "me": False,
    "peer": None,
}
ME = {**EVE, "node_id": "meemeemeemeemee2", "node_name": "ada", "away": False, "me": True}
ROOM = {
    "name": "class",
    "visibility": "public",
    "join_policy": "directory",
    "group": "staff",
    "member_count": 2,
    "joined": True,
    "members": [ME, EVE],
    "error": None,
}
LOBBY = {"url": "wss://relay.example", "status": "connected", "listed": True, "error": None}


def shown(result: Any) -> tuple[str, str]:
    bundle = result._repr_mimebundle_()
    return bundle["text/html"], bundle["text/plain"]


@pytest.mark.parametrize(
    "result",
    [Who([EVE, ME]), Rooms([ROOM]), Room({"room": ROOM, "token": "t0ken"})],
    ids=["who", "rooms", "room"],
)
def test_a_strangers_name_is_shown_and_does_nothing(result: Any) -> None:
    html, text = shown(result)
    assert "<img" not in html
    assert "&lt;img" in html
    assert "\x1b" not in html + text
    assert "not paired (away)" in text


def test_a_room_says_who_may_join_and_shows_its_token_with_how_to_use_it() -> None:
    html, text = shown(Room({"room": ROOM, "token": "t0ken"}))
    for form in (html, text):
        assert "%peer room join class --token t0ken" in form
        assert "staff of the directory can join; it is listed" in form
        assert "pair with an invite" in form
    assert "token" not in shown(Room({"room": {**ROOM, "join_policy": "open"}, "token": None}))[1]


def test_a_room_one_is_kept_out_of_says_why() -> None:
    error = {"code": "room_refused", "message": "this node is not in it", "hint": ""}
    assert "this node is not in it" in shown(Rooms([{**ROOM, "error": error, "members": []}]))[1]


def test_the_lobby_is_told_in_words() -> None:
    assert "%peer reach relay URL" in shown(Lobby({"url": None}))[1]
    html, text = shown(Lobby({**LOBBY, "rooms": [ROOM]}))
    assert "everybody there can see you" in text
    assert "you are in class" in html
    error = {"code": "unreachable", "message": "it does not answer", "hint": ""}
    away = {**LOBBY, "status": "connecting", "listed": False, "rooms": [], "error": error}
    html, text = shown(Lobby(away))
    assert "it does not answer; trying again" in text
    assert "it does not answer; trying again" in html
    assert "you are in no room" in text


@pytest.mark.parametrize("name", ["lobby", "rooms", "room"])
def test_each_command_has_help(name: str) -> None:
    with pytest.raises(HelpAskedError, match=f"%peer {name}"):
        parse([name, "--help"])
    assert COMMANDS[name].summary


@pytest.mark.parametrize(
    "words",
    [
        ["room"],
        ["room", "enter", "x"],
        ["room", "create"],
        ["room", "create", "x", "--for", "magic"],
        ["room", "create", "x", "--public=yes"],
        ["lobby", "maybe"],
        ["rooms", "x"],
    ],
)
def test_words_that_do_not_fit_are_refused(words: list[str]) -> None:
    with pytest.raises(BadRequestError):
        parse(words)


def test_tab_offers_actions_options_and_the_rooms_one_is_in(
    server: FakeServer, in_kernel: None
) -> None:
    server.answers |= {
        "peers": {"self": {}, "peers": []},
        "panes": {"mine": [], "offered": []},
        "invites": {"invites": []},
        "lobby": {**LOBBY, "rooms": [ROOM]},
    }
    assert candidates("%peer lobby ", "") == ["on", "off", "who", "--help"]
    assert candidates("%peer room ", "")[:3] == ["create", "join", "leave"]
    assert "class" in candidates("%peer room leave ", "")
    assert candidates("%peer room create class --for ", "") == ["open", "token", "directory"]
    rest = candidates("%peer room create --public class --", "--")
    assert rest == ["--for", "--group", "--token", "--help"]
    assert "class" in candidates("%peer room create --public ", "")
