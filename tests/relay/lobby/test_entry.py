"""The lobby's door by real sockets: proof, hostile messages, figures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jupyter_peer.errors import PeerError
from jupyter_peer.relay.lobby.limits import LobbyLimits
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.wire.addresses import LOBBY_PATH
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import Registration, read_notice
from tests.machine.waiting import PATIENCE_S, until
from tests.relay.nodes import RawSocket


@contextlib.asynccontextmanager
async def a_relay(**limits: Any) -> AsyncIterator[str]:
    options = Options(port=0, lobby_limits=LobbyLimits(**limits))
    async with serving(options) as urls:
        yield urls[0]


class RawGuest:
    """A node whose lobby messages are written and read by hand."""

    def __init__(self, identity: Identity, socket: RawSocket) -> None:
        self.id = identity.node_id
        self.socket = socket

    @classmethod
    async def enter(
        cls, url: str, *, is_registered: bool = True, identity: Identity | None = None
    ) -> RawGuest:
        identity = identity or Identity.from_seed(os.urandom(32))
        guest = cls(identity, await RawSocket.open(f"{url}/lobby-ws"))
        registration = Registration(identity, door=LOBBY_PATH)
        text: str | None = registration.begin()
        while text is not None:
            guest.socket.send(text)
            text = registration.receive(str(await guest.socket.read()))
        if is_registered:
            answer = await guest.ask({"type": "register", "addresses": [], "node_name": "raw"})
            assert answer["type"] == "registered"
        return guest

    async def ask(self, message: Any) -> Any:
        """Send a message, JSON or what is none, and return the next that comes."""
        is_raw = isinstance(message, (str, bytes))
        self.socket.send(message if is_raw else json.dumps(message))
        return json.loads(str(await self.socket.read()))


async def test_the_words_of_the_specification_work_one_by_one() -> None:
    async with a_relay() as url:
        ada, bob = await RawGuest.enter(url), await RawGuest.enter(url)
        listed = await bob.ask({"type": "who", "id": 1})
        assert (listed["type"], listed["id"]) == ("presence", 1)
        assert {node["node_id"] for node in listed["nodes"]} == {ada.id, bob.id}
        room = {"name": "class", "visibility": "public", "join_policy": "open"}
        made = await ada.ask({"type": "create_room", "id": 2, **room})
        assert (made["type"], made["id"], made["name"]) == ("room_info", 2, "class")
        rooms = await bob.ask({"type": "list_rooms", "id": 3})
        assert rooms == {"type": "rooms", "id": 3, "rooms": [{**room, "members": 1}]}
        joined = await bob.ask({"type": "join_room", "id": 4, "name": "class"})
        assert [member["node_id"] for member in joined["members"]] == [ada.id, bob.id]
        joining = json.loads(str(await ada.socket.read()))
        assert (joining["type"], joining["peer"]["node_id"]) == ("peer_joining", bob.id)
        done = await bob.ask({"type": "signal", "id": 5, "to": ada.id, "kind": "offer", "sdp": "v"})
        assert done == {"type": "done", "id": 5}
        signal = json.loads(str(await ada.socket.read()))
        assert (signal["from"], signal["kind"], signal["sdp"]) == (bob.id, "offer", "v")
        left = await bob.ask({"type": "leave_room", "id": 6, "name": "class"})
        assert (left["type"], left["room"]) == ("left", "class")
        leaving = json.loads(str(await ada.socket.read()))
        assert (leaving["type"], leaving["node_id"]) == ("peer_leaving", bob.id)
        for guest in (ada, bob):
            guest.socket.close()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "malformed"),
        ("[]", "malformed"),
        ('{"type": "dance"}', "unsupported"),
        ('{"type": "join_room"}', "malformed"),
        ('{"type": "who", "pad": "' + "x" * 70_000 + '"}', "too_large"),
        ("[" * 60_000, "malformed"),
        ('{"type": "join_room", "name": "a/b"}', "bad_name"),
        ('{"type": "join_room", "name": "nowhere"}', "unknown_room"),
    ],
)
async def test_what_does_not_fit_is_answered_and_the_connection_lives(
    message: str, code: str
) -> None:
    async with a_relay() as url:
        guest = await RawGuest.enter(url)
        refusal = await guest.ask(message)
        assert (refusal["type"], refusal["code"]) == ("error", code)
        assert (await guest.ask({"type": "who"}))["type"] == "presence"
        guest.socket.close()


async def test_a_binary_message_ends_the_connection_with_a_word() -> None:
    async with a_relay() as url:
        guest = await RawGuest.enter(url)
        refusal = await guest.ask(b"\x01\x00")
        assert refusal["error"]["code"] == "malformed"
        assert await guest.socket.read() is None
        guest.socket.close()


async def test_nobody_is_let_in_without_the_proof() -> None:
    async with a_relay() as url:
        mallory, ada = Identity.from_seed(os.urandom(32)), Identity.from_seed(os.urandom(32))
        socket = await RawSocket.open(f"{url}/lobby-ws")
        claim = {"register": ada.node_id, "public_key": ada.public_key_b64}
        socket.send(json.dumps(claim))
        assert "challenge" in str(await socket.read())
        forged = mallory.sign(b"jupyter-peer/1 relay x").hex()
        socket.send(json.dumps({**claim, "sig": forged}))
        with pytest.raises(PeerError) as refused:
            read_notice(str(await socket.read()))
        assert refused.value.code == "bad_signature"
        assert await socket.read() is None
        socket.close()
        # Neither is who speaks before.
        early = await RawSocket.open(f"{url}/lobby-ws")
        early.send('{"type": "who"}')
        with pytest.raises(PeerError):
            read_notice(str(await early.read()))
        early.close()


async def test_a_node_that_is_proven_and_says_nothing_is_in_no_list() -> None:
    async with a_relay() as url:
        silent = await RawGuest.enter(url, is_registered=False)
        loud = await RawGuest.enter(url)
        nodes = (await loud.ask({"type": "who"}))["nodes"]
        assert [node["node_id"] for node in nodes] == [loud.id]
        refusal = await silent.ask({"type": "list_rooms"})
        assert refusal["code"] == "protocol"
        for guest in (silent, loud):
            guest.socket.close()


async def test_who_floods_is_slowed_down_and_nobody_else_is() -> None:
    async with a_relay(rate=20.0, burst_s=1.0) as url:
        eve, ada = await RawGuest.enter(url), await RawGuest.enter(url)
        for _ in range(500):
            eve.socket.send('{"type": "who"}')
        for _ in range(5):
            assert (await asyncio.wait_for(ada.ask({"type": "who"}), PATIENCE_S))[
                "type"
            ] == "presence"
        for guest in (eve, ada):
            guest.socket.close()


async def test_figures_count_and_name_nobody() -> None:
    async with a_relay() as url:
        guest = await RawGuest.enter(url)
        room = {"name": "secret-name", "visibility": "unlisted", "join_policy": "open"}
        await guest.ask({"type": "create_room", **room})
        page = await asyncio.to_thread(_page, f"{url}/metrics".replace("ws://", "http://"))
        assert "jupyter_peer_relay_rooms 1" in page
        assert "jupyter_peer_relay_lobby_nodes 1" in page
        assert "jupyter_peer_relay_lobby_messages_total 2" in page
        assert guest.id not in page
        assert "secret-name" not in page
        guest.socket.close()
        await until(lambda: _is_empty(url))


async def _is_empty(url: str) -> bool:
    page = await asyncio.to_thread(_page, f"{url}/metrics".replace("ws://", "http://"))
    return "jupyter_peer_relay_lobby_nodes 0" in page


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        text: str = response.read().decode()
        return text
