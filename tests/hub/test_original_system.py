"""A node of the original system at the other end of an unsealed link."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from jupyter_peer.errors import LinkClosedError, NotTrustedError, UnsupportedError
from jupyter_peer.hub.chat import Chats
from tests.machine.waiting import until
from tests.peers.hubs import two_hubs
from tests.peers.original_node import ada_and_olga

NAN = float("nan")


async def test_a_node_that_keeps_the_link_without_trust_is_not_paired(tmp_path):
    async with ada_and_olga(tmp_path, is_paired=False) as (ada, olga):
        olga.verdict = {"ok": True, "trusted": False}
        with pytest.raises(NotTrustedError):
            await ada.pair(olga.invite())
        assert ada.peers() == []
        await until(lambda: olga.peers == {})


async def test_a_node_that_has_withdrawn_its_trust_is_not_connected(tmp_path):
    async with ada_and_olga(tmp_path) as (ada, olga):
        olga.verdict = {"ok": True, "trusted": False}
        await ada.disconnect(olga.id)
        await until(lambda: ada.peer(olga.id).status == "offline")
        with pytest.raises(NotTrustedError):
            await ada.connect(olga.id)
        assert ada.peer(olga.id).status == "offline"


@pytest.mark.parametrize(
    ("data", "shown"),
    [({"x": NAN}, None), ({"x": [1, -1e999]}, None), ({"x": [{"y": NAN}]}, {"x": [{"y": None}]})],
    ids=["nan", "infinity", "null-in-its-place"],
)
async def test_a_message_with_a_number_that_is_none_is_dropped_and_the_link_goes_on(
    tmp_path, data, shown
):
    async with ada_and_olga(tmp_path) as (ada, olga):
        heard = []
        ada.on("figures", lambda message: heard.append(message.data))
        since = ada.peer(olga.id).since
        olga.send_text(ada.node_id, olga.text("figures", data, shown=shown))
        olga.send(ada.node_id, "figures", {"x": 1})
        await until(lambda: heard)
        assert heard == [{"x": 1}]
        assert (ada.peer(olga.id).status, ada.peer(olga.id).since) == ("connected", since)


async def test_a_message_that_was_changed_on_the_way_still_ends_the_link(tmp_path):
    async with ada_and_olga(tmp_path) as (ada, olga):
        olga.send_text(ada.node_id, olga.text("figures", {"x": 1}, shown={"x": 2}))
        await until(lambda: ada.node_id not in olga.peers)


async def test_lines_of_chat_are_shown_and_not_answered(tmp_path):
    async with ada_and_olga(tmp_path) as (ada, olga):
        chats = Chats(ada)
        olga.heard.clear()
        olga.send(ada.node_id, "peer_chat", {"text": "hi\x1b[31m", "from_name": "bob"})
        await until(chats.lines)
        (line,) = chats.lines()
        assert (line.node_id, line.mine, line.text) == (olga.id, False, "hi\ufffd[31m")
        await ada.ping(olga.id)
        assert not {type for type, _ in olga.heard} - {"addresses", "ping"}


async def test_presence_changes_what_a_peer_calls_itself_and_its_capabilities(tmp_path):
    async with ada_and_olga(tmp_path) as (ada, olga):
        presence = {"node_name": "olga's desk", "capabilities": ["agent", "\u202e", "maps"]}
        olga.send(ada.node_id, "presence", presence)
        await until(lambda: ada.peer(olga.id).calls_itself == "olga's desk")
        peer = ada.peer(olga.id)
        assert (peer.node_name, peer.capabilities) == ("olga", ["agent", "maps"])


async def test_a_flood_of_presence_is_refused(tmp_path):
    async with ada_and_olga(tmp_path) as (ada, olga):
        for number in range(30):
            olga.send(ada.node_id, "presence", {"node_name": f"olga-{number}"})
            await ada.ping(olga.id)
        assert any(data.get("code") == "busy" for _, data in olga.heard)
        assert ada.peer(olga.id).calls_itself != "olga-29"


@pytest.mark.parametrize("type", ["peer_chat", "presence"])
async def test_a_sealed_peer_has_no_messages_of_the_original_system(type):
    async with two_hubs() as (ada, bob):
        chats = Chats(ada)
        with pytest.raises(UnsupportedError):
            await bob.request(ada.node_id, type, {"text": "hi", "node_name": "eve"})
        assert chats.lines() == []
        assert ada.peer(bob.node_id).calls_itself is None


@pytest.mark.parametrize("turns", range(-14, 15, 2))
async def test_after_both_have_dialled_both_know_the_same_link(tmp_path, turns):
    async with ada_and_olga(tmp_path) as (ada, olga):
        await ada.disconnect(olga.id)
        await until(lambda: not olga.peers and ada.peer(olga.id).status == "offline")

        async def late(by: int, dial: Any) -> None:
            for _ in range(by):
                await asyncio.sleep(0)
            with contextlib.suppress(LinkClosedError):
                await dial

        address = olga.transport.addresses()[0]
        await asyncio.gather(
            late(turns, ada.connect(address=address)),
            late(-turns, olga.dial(ada.addresses()[0])),
        )
        await ada.ping(olga.id)
        assert ada.peer(olga.id).status == "connected"
        link = olga.peers[ada.node_id]
        assert link.peer is ada._peers.get(olga.id).session.link
