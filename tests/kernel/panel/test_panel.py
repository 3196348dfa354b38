"""The ipywidgets panel as a person uses it: by clicks and pastes, against a scripted server."""

from __future__ import annotations

import time
from collections.abc import Callable

from jupyter_peer.errors import InviteUsedError, NotConnectedError, NotTrustedError
from jupyter_peer.kernel.panel.panel import PeerPanel
from jupyter_peer.server_client.client import Client
from tests.machine.waiting import until
from tests.server_client.fake_server import OFFER, PEER, FakeServer, state, stream

EXPIRES = time.time() + 600
INVITE = {"invite": "jpeer1:abc", "id": "12345678", "expires": EXPIRES, "local_only": False}
MINE = {"name": "table", "title": "", "rev": 3, "viewers": [], "grants": {}}


Open = Callable[[], PeerPanel]


def words(place) -> str:
    """What a person reads in a box of rows."""
    return "\n".join(getattr(each, "text", each).value for each in place.children)


def is_hidden(widget) -> bool:
    return widget.layout.display == "none"


async def test_an_invite_is_minted_with_its_expiry_and_a_button_that_copies_it(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["invite"] = INVITE
    assert is_hidden(panel.invites.row)
    panel.invites.ttl.value = "10m"
    panel.invites.mint_button.click()
    assert panel.invites.mint_button.disabled
    await until(lambda: panel.invites.text.value == "jpeer1:abc")
    await until(lambda: not panel.invites.mint_button.disabled)
    assert server.asked[-1] == ("invite", {"note": "", "ttl_s": 600.0})
    assert not is_hidden(panel.invites.row)
    assert 'data-text="jpeer1:abc"' in panel.invites.copy_button.value
    assert time.strftime("%H:%M:%S", time.localtime(EXPIRES)) in panel.invites.remark.value


async def test_an_invite_for_this_machine_alone_says_so_and_offers_the_switch(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["invite"] = INVITE
    panel.invites.mint_button.click()
    await until(lambda: not is_hidden(panel.invites.row))
    assert is_hidden(panel.invites.reach_button)
    server.answers["invite"] = {**INVITE, "local_only": True}
    panel.invites.mint_button.click()
    await until(lambda: not is_hidden(panel.invites.reach_button))
    assert "on this machine alone" in panel.invites.remark.value
    server.answers |= {"set_reach": {"mode": "network"}, "invite": INVITE}
    panel.invites.reach_button.click()
    await until(lambda: is_hidden(panel.invites.reach_button))
    chosen = {"mode": "network", "relay_url": None, "port": None}
    assert [name for name, _ in server.asked][-2:] == ["set_reach", "invite"]
    assert server.asked[-2] == ("set_reach", chosen)
    assert "on this machine alone" not in panel.invites.remark.value


async def test_an_invite_that_was_used_is_not_offered_to_be_copied_any_more(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["invite"] = INVITE
    panel.invites.mint_button.click()
    await until(lambda: not is_hidden(panel.invites.row))
    server.answers["invites"] = {"invites": [{"id": "12345678", "status": "used"}]}
    server.push("invites", {})
    await until(lambda: is_hidden(panel.invites.row))
    assert "used" in panel.invites.remark.value


async def test_a_pasted_invite_pairs_and_each_path_is_told(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.progress["pair"] = [
        {"step": "dial", "address": "ws://10.0.0.9/peer-ws", "ok": None},
        {
            "step": "dial",
            "address": "ws://10.0.0.9/peer-ws",
            "ok": False,
            "message": "nothing <listens>",
        },
        {"step": "dial", "address": "ws://127.0.0.1:9/peer-ws", "ok": None},
        {"step": "connected", "address": "ws://127.0.0.1:9/peer-ws", "ok": True},
    ]
    server.answers["pair"] = {"peer": PEER}
    panel.pair_text.value = "  jpeer1:abc\n"
    panel.pair_button.click()
    await until(lambda: "Connected with" in panel.progress.value)
    said = panel.progress.value
    assert server.asked[-1] == ("pair", {"invite": "jpeer1:abc"})
    assert "ws://10.0.0.9/peer-ws" in said
    assert "nothing &lt;listens&gt;" in said
    assert "ws://127.0.0.1:9/peer-ws" in said
    assert "ada" in said
    assert "direct · 1.5 ms" in said
    assert panel.pair_text.value == ""


async def test_what_cannot_be_done_is_said_with_its_code_and_hint_and_what_was_typed_stays(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["pair"] = InviteUsedError()
    panel.pair_text.value = "jpeer1:abc"
    panel.pair_button.click()
    await until(lambda: "invite_used" in panel.progress.value)
    assert InviteUsedError.advice in panel.progress.value
    assert panel.pair_text.value == "jpeer1:abc"
    await until(lambda: not panel.pair_button.disabled)


async def test_a_second_click_while_the_first_is_under_way_does_nothing(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["pair"] = None  # never answered
    panel.pair_text.value = "jpeer1:abc"
    panel.pair_button.click()
    await until(lambda: "pair" in server.ops())
    assert panel.pair_button.disabled


async def test_peers_and_panes_are_shown_and_follow_what_happens(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    assert "ada" in words(panel.peers)
    assert "connected" in words(panel.peers)
    assert "direct · 1.5 ms" in words(panel.peers)
    assert "loss" in words(panel.panes)
    (row,) = panel.panes.children
    evil = PEER | {"node_name": "<img src=x>\x1b", "status": "offline", "transport": None}
    server.push("peers", {"self": {}, "peers": [evil | {"rtt_ms": None}]})
    await until(lambda: "offline" in words(panel.peers))
    assert "<img" not in words(panel.peers)
    assert "\x1b" not in words(panel.peers)
    watched = MINE | {"viewers": [{"node_id": PEER["node_id"], "node_name": "a", "grant": "view"}]}
    server.push("panes", {"mine": [watched], "offered": [OFFER]})
    await until(lambda: "mine · Watching: " in words(panel.panes))
    guest = {"id": "g", "name": "Zoë", "since": 1, "path": "relay"}
    server.push("links", {"links": [{"pane": MINE["name"], "guests": [guest]}]})
    await until(lambda: ", Zoë (guest)" in words(panel.panes))
    assert row in panel.panes.children  # the focus is where it was
    server.push("panes", {"mine": [], "offered": []})
    await until(lambda: "Nothing is shared" in words(panel.panes))
    server.push("peers", {"self": {}, "peers": []})
    await until(lambda: "Nobody yet" in words(panel.peers))


async def test_a_pane_is_unshared_with_one_click(open_panel: Open, server: FakeServer) -> None:
    panel = open_panel()
    server.push("panes", {"mine": [MINE], "offered": []})
    await until(lambda: "No peer can view it" in words(panel.panes))
    panel.panes.children[0].button.click()
    await until(lambda: "no longer shared" in panel.progress.value)
    assert ("unshare", {"name": "table"}) in server.asked


async def test_an_offered_pane_opens_once_is_live_and_closes(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["open"] = {
        "watch": 1,
        "info": {"status": "live"},
        "state": state({"output_type": "stream", "name": "stdout", "text": "step 1 <b>"}),
    }
    server.answers["close"] = {}
    (row,) = panel.panes.children
    row.button.click()
    await until(lambda: panel.views.children)
    row.button.click()
    (opened,) = panel.views.children
    await until(lambda: "step 1 &lt;b&gt;" in opened.body.value)
    server.push(
        "pane", {"watch": 1, "epoch": "0" * 16, "rev": 1, "prev": 0, "messages": [stream("step 2")]}
    )
    await until(lambda: "step 2" in opened.body.value)
    assert len(panel.views.children) == 1
    opened.close_button.click()
    await until(lambda: not panel.views.children)
    await until(lambda: ("close", {"watch": 1}) in server.asked)


async def test_a_server_that_goes_away_and_comes_back_is_told(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    server.answers["peers"] = {"self": {}, "peers": [PEER | {"alias": "after"}]}
    server.drop()
    await until(lambda: "is away" in panel.progress.value)
    await until(lambda: is_hidden(panel.progress))
    await until(lambda: "after" in words(panel.peers))


async def test_a_closed_panel_listens_no_more(client: Client, server: FakeServer) -> None:
    panel = PeerPanel(client)
    panel.close()
    client.peers()
    before = words(panel.peers)
    server.push("peers", {"self": {}, "peers": []})
    client.peers()
    assert words(panel.peers) == before


def test_without_an_event_loop_a_click_is_done_when_it_returns(
    client: Client, server: FakeServer
) -> None:
    server.answers["invite"] = INVITE
    panel = PeerPanel(client)
    panel.invites.mint_button.click()
    assert panel.invites.text.value == "jpeer1:abc"
    panel.close()


LOBBY = {"url": "ws://relay.example", "status": "connected", "listed": False, "error": None}
ME_IN = {"node_id": "aaaabbbbccccdddd", "node_name": "bob", "me": True, "away": False}
ROOM = {
    "name": "class",
    "error": None,
    "token": None,
    "members": [ME_IN, {**ME_IN, "node_id": PEER["node_id"], "node_name": "<b>ada", "me": False}],
}


async def test_rooms_are_there_only_where_there_is_a_lobby(
    open_panel: Open, server: FakeServer
) -> None:
    server.answers["lobby"] = {**LOBBY, "url": None, "rooms": []}
    panel = open_panel()
    assert is_hidden(panel.rooms)
    server.push("lobby", {**LOBBY, "rooms": [ROOM]})
    await until(lambda: not is_hidden(panel.rooms))
    assert "you, &lt;b&gt;ada" in panel.rooms.rows.children[0].text.value


async def test_a_room_is_joined_with_its_token_made_and_left(
    open_panel: Open, server: FakeServer
) -> None:
    server.answers["lobby"] = {**LOBBY, "rooms": []}
    panel = open_panel()
    assert "no room" in panel.rooms.rows.children[0].value
    server.answers["join_room"] = server.answers["create_room"] = {"room": ROOM, "token": None}
    panel.rooms.name_text.value, panel.rooms.token_text.value = " class ", "t0ken "
    panel.rooms.join_button.click()
    await until(lambda: "You are in class" in panel.progress.value)
    assert server.asked[-1] == ("join_room", {"name": "class", "token": "t0ken"})
    assert (panel.rooms.name_text.value, panel.rooms.token_text.value) == ("", "")
    panel.rooms.name_text.value = "class"
    panel.rooms.create_button.click()
    await until(lambda: server.asked[-1][0] == "create_room")
    server.push("lobby", {**LOBBY, "rooms": [ROOM]})
    await until(lambda: hasattr(panel.rooms.rows.children[0], "button"))
    server.answers["leave_room"] = {}
    panel.rooms.rows.children[0].button.click()
    await until(lambda: "You have left class" in panel.progress.value)
    assert server.asked[-1] == ("leave_room", {"name": "class"})


async def test_who_is_listed_at_the_lobby_is_shown_when_somebody_asks(
    open_panel: Open, server: FakeServer
) -> None:
    server.answers["lobby"] = {**LOBBY, "rooms": []}
    server.answers["lobby_who"] = {
        "nodes": [ME_IN, {**ME_IN, "node_id": "eveeveeveeveeve2", "node_name": "<b>", "me": False}]
    }
    panel = open_panel()
    assert is_hidden(panel.rooms.who)
    panel.rooms.who_button.click()
    await until(lambda: not is_hidden(panel.rooms.who))
    assert "this is you" in panel.rooms.who.value
    assert "&lt;b&gt;" in panel.rooms.who.value
    assert "not paired" in panel.rooms.who.value
    server.answers["lobby_who"] = {"nodes": []}
    panel.rooms.who_button.click()
    await until(lambda: "nobody" in panel.rooms.who.value)


# Nodes that were found.

EVE = {"node_id": "eveeveeveeveeve2", "node_name": "<i>eve", "source": "lan", "addresses": []}


async def test_found_nodes_are_shown_once_and_dialled_with_one_click(
    open_panel: Open, server: FakeServer
) -> None:
    panel = open_panel()
    assert is_hidden(panel.found)
    found = [EVE, {**EVE, "source": "lobby"}]
    server.push("peers", {"self": {}, "peers": [PEER], "found": found})
    await until(lambda: not is_hidden(panel.found))
    (row,) = panel.found.rows.children
    assert "&lt;i&gt;eve" in row.text.value
    assert "in your network and in a room of yours, not paired" in row.text.value
    server.answers["connect"] = NotTrustedError("you have not paired", hint="give it an invite")
    row.button.click()
    await until(lambda: "give it an invite" in panel.progress.value)
    assert server.asked[-1] == ("connect", {"node_id": EVE["node_id"]})
    server.answers["connect"] = {"peer": {**PEER, "node_name": "eve"}}
    row.button.click()
    await until(lambda: "Connected with" in panel.progress.value)
    server.push("peers", {"self": {}, "peers": [PEER], "found": []})
    await until(lambda: is_hidden(panel.found))


# Chat.

TALKER = {**PEER, "capabilities": ["chat"]}


def said(text: str, number: int = 1, **fields) -> dict:
    who = {"node_id": PEER["node_id"], "node_name": "ada", "alias": None}
    return {"number": number, "peer": who, "mine": False, "at": 1.0, "text": text, **fields}


async def test_a_conversation_opens_marks_as_read_and_sends(
    open_panel: Open, server: FakeServer
) -> None:
    server.answers["peers"] = {"self": {}, "peers": [TALKER]}
    server.answers["chats"] = {"lines": [said("x")], "unread": {PEER["node_id"]: 2}}
    panel = open_panel()
    (row,) = panel.peers.children
    assert "2 unread lines" in row.text.value
    assert not is_hidden(row.button)
    server.answers["chats"] = {"lines": [said("<script>1</script>")], "unread": {}}
    row.button.click()
    await until(lambda: panel.chats.children)
    (shown,) = panel.chats.children
    await until(lambda: "&lt;script&gt;1" in shown.lines.value)
    assert server.asked[-1][1]["seen"] is True
    server.push("chat", server.answers["chats"])
    await until(lambda: "unread" not in row.text.value)

    shown.text.value = "it's done"
    server.answers["chat"] = {"line": said("it's done", 2, mine=True)}
    shown.send_button.click()
    await until(lambda: shown.text.value == "")
    assert ("chat", {"peer": PEER["node_id"], "text": "it's done"}) in server.asked
    server.answers["chat"] = NotConnectedError()
    shown.text.value = "hello?"
    shown.send_button.click()
    await until(lambda: "not_connected" in panel.progress.value)
    assert shown.text.value == "hello?"
    row.button.click()
    shown.close_button.click()
    assert panel.chats.children == ()


async def test_a_conversation_goes_with_its_peer(open_panel: Open, server: FakeServer) -> None:
    server.answers["peers"] = {"self": {}, "peers": [TALKER]}
    panel = open_panel()
    panel.peers.children[0].button.click()
    await until(lambda: panel.chats.children)
    server.push("peers", {"self": {}, "peers": []})
    await until(lambda: not panel.chats.children)


def test_chat_is_not_offered_with_who_has_none(open_panel: Open, server: FakeServer) -> None:
    panel = open_panel()
    assert is_hidden(panel.peers.children[0].button)
