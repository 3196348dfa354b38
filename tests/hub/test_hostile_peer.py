"""A trusted peer that sends the hub's own messages with anything in them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from jupyter_peer.errors import BusyError, MalformedError, PeerError
from jupyter_peer.panes.viewer.watch import PaneWatcher
from tests.machine.waiting import until
from tests.peers.hubs import two_hubs

HOSTILE = [
    ("addresses", {}),
    ("addresses", {"addresses": None, "node_name": "bob"}),
    ("addresses", {"addresses": "ws://x/peer-ws", "node_name": "bob"}),
    ("addresses", {"addresses": [5], "node_name": "bob"}),
    ("addresses", {"addresses": ["ws://x"] * 1000, "node_name": "bob"}),
    ("addresses", {"addresses": ["x" * 5000], "node_name": "bob"}),
    ("addresses", {"addresses": [], "node_name": 5}),
    ("addresses", {"addresses": [], "node_name": "x" * 5000}),
    ("bye", {}),
    ("bye", {"reason": ["blocked"]}),
    ("bye", {"reason": {"forgotten": 1}}),
    ("bye", {"reason": 5}),
    ("bye", {"reason": "x" * 10_000}),
    ("ping", {"anything": [1, 2, {"a": None}]}),
    ("pong", {}),
    ("error", {"code": "blocked", "message": 5, "hint": None}),
    ("unsupported", {"code": ["x"]}),
    ("a" * 64, {}),
    ("nonsense", {"$buffer": "x"}),
]


@pytest.mark.parametrize(("type", "data"), HOSTILE)
async def test_what_does_not_fit_is_answered_or_ignored_and_changes_nothing(type, data, caplog):
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses == bob.addresses())
        before = ada.peer(bob.node_id)
        bob.send(ada.node_id, type, data)
        # an answer that nobody waits for, and one to a question that was never put
        bob.send(ada.node_id, type, data, re="0" * 32)
        answers = await asyncio.gather(
            bob.request(ada.node_id, type, data, timeout=0.2), return_exceptions=True
        )
        assert all(
            not isinstance(each, Exception) or isinstance(each, PeerError) for each in answers
        )
        assert await bob.ping(ada.node_id) > 0
        after = ada.peer(bob.node_id)
        assert (after.status, after.addresses, after.node_name) == (
            "connected",
            before.addresses,
            before.node_name,
        )
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_name_is_made_printable_and_addresses_are_candidates_only():
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses == bob.addresses())
        bob.send(
            ada.node_id,
            "addresses",
            {
                "addresses": ["ftp://x", "a b", "file:///etc/passwd"],
                "node_name": "b\x1b[31mo\u202eb",
            },
        )
        await until(lambda: ada.peer(bob.node_id).calls_itself == "b[31mob")
        # what no transport dials is never dialled, and what it had is gone
        ada.network.cut()
        await until(lambda: ada.peer(bob.node_id).status == "connected")
        assert await ada.ping(bob.node_id) > 0


async def test_what_a_peer_says_of_itself_again_and_again_is_not_all_written_to_the_disk(
    monkeypatch,
):
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses == bob.addresses())
        written: list[str] = []
        update = ada.store.update_peer

        def count(node_id, **fields):
            written.append(node_id)
            return update(node_id, **fields)

        monkeypatch.setattr(ada.store, "update_peer", count)
        for number in range(500):
            bob.send(
                ada.node_id, "addresses", {"addresses": [f"ws://h{number}/peer-ws"]}, stream="a"
            )
        with pytest.raises(BusyError):
            await bob.request(
                ada.node_id, "addresses", {"addresses": ["ws://last/peer-ws"]}, stream="a"
            )
        assert len(written) < 30
        # what is nothing new costs nothing, and is not refused
        same = {"addresses": ada.peer(bob.node_id).addresses, "node_name": "bob"}
        for _ in range(100):
            bob.send(ada.node_id, "addresses", same, stream="a")
        assert await bob.ping(ada.node_id) > 0
        assert len(written) < 30


async def test_the_answer_to_what_does_not_fit_does_not_repeat_it(caplog):
    caplog.set_level(logging.DEBUG)
    async with two_hubs() as (ada, bob):
        watcher = PaneWatcher(ada)
        secret = "secret " * 10_000
        offer = {"pane": "loss", "grant": secret, "epoch": "0" * 16, "since": 1.0}
        with pytest.raises(MalformedError) as caught:
            await bob.request(ada.node_id, "pane_offer", offer)
        assert len(caught.value.message) < 200
        assert "secret" not in caught.value.message + caplog.text
        assert caught.value.message.endswith("`$.grant`")
        await watcher.close()


async def test_of_peers_that_were_there_for_a_moment_nothing_stays():
    async with two_hubs() as (ada, bob):

        async def slow(message):
            message.reply("slow", {})

        ada.on("slow", slow)
        assert (await bob.request(ada.node_id, "slow", {})).type == "slow"
        await until(lambda: not ada._messenger.handlers._running)


async def test_a_message_that_comes_twice_is_handled_once():
    async with two_hubs() as (ada, bob):
        taken: list[str] = []
        ada.on("note", lambda message: taken.append(message.msg_id))
        msg_id, item = bob._messenger.write("note", {})
        session = bob._peers.known(ada.node_id).session
        session.put(item, "notes")
        session.put(item, "notes")
        bob.send(ada.node_id, "note", {}, stream="notes")
        await until(lambda: len(taken) >= 2)
        assert await bob.ping(ada.node_id) > 0
        assert taken[0] == msg_id
        assert len(set(taken)) == len(taken) == 2


async def test_an_answer_of_a_type_that_is_not_known_is_not_answered():
    async with two_hubs() as (ada, bob):
        await until(lambda: ada.peer(bob.node_id).addresses == bob.addresses())
        answers: list[str] = []
        for type in ("unsupported", "error"):
            bob.on(type, lambda message: answers.append(message.type))
        bob.send(ada.node_id, "nonsense", {}, re="0" * 32, stream="a")
        bob.send(ada.node_id, "nonsense", {}, stream="a")
        await until(lambda: answers)
        assert await bob.ping(ada.node_id) > 0
        assert answers == ["unsupported"]


async def test_what_is_under_way_for_a_peer_ends_when_it_is_blocked():
    async with two_hubs() as (ada, bob):
        outcome: list[str] = []

        async def slow(message):
            outcome.append("begun")
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                outcome.append("stopped")
                raise

        ada.on("slow", slow)
        bob.send(ada.node_id, "slow", {})
        await until(lambda: outcome == ["begun"])
        await ada.block(bob.node_id)
        await until(lambda: outcome == ["begun", "stopped"])
