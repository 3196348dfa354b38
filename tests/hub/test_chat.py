"""Chat between hubs: who may write to whom, how much, and what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

import pytest

from jupyter_peer.errors import (
    BadRequestError,
    BlockedError,
    BusyError,
    LinkClosedError,
    MalformedError,
    NotConnectedError,
    NotTrustedError,
    TooLargeError,
    UnknownPeerError,
    UnsupportedError,
)
from jupyter_peer.hub import chat as chat_module
from jupyter_peer.hub.chat import BURST, MAX_BYTES, MAX_CHATS, MAX_LINES, Chats
from jupyter_peer.primitives.clock import Clock
from jupyter_peer.trust.base import CombinedPolicy
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.trust.open_lan import OpenLanPolicy
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork


class StillClock(Clock):
    """Its monotonic time moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def two(*, bob_chats: bool = True):
    """Yield ada and bob, paired, each with its conversations as ``chats``."""
    network = LoopbackNetwork()
    with tempfile.TemporaryDirectory() as folder:
        ada, bob = (make_hub(network, Path(folder), name) for name in ("ada", "bob"))
        ada.chats = Chats(ada, StillClock())
        bob.chats = Chats(bob, StillClock()) if bob_chats else None
        async with running(ada, bob):
            await pair(ada, bob)
            yield ada, bob


def said(chats: Chats, node_id: str | None = None) -> list[tuple[bool, str]]:
    return [(line.mine, line.text) for line in chats.lines(node_id)]


async def test_a_line_arrives_and_both_sides_have_it():
    async with two() as (ada, bob):
        changes = []
        bob.chats.on_change = lambda: changes.append(bob.chats.unread())
        line = await ada.chats.send(bob.node_id, "  <b>hello</b>\n")
        assert (line.mine, line.text) == (True, "  <b>hello</b>")
        assert said(ada.chats) == [(True, "  <b>hello</b>")]
        assert said(bob.chats, ada.node_id) == [(False, "  <b>hello</b>")]
        assert changes == [{ada.node_id: 1}]
        await bob.chats.send(ada.node_id, "hi")
        assert changes[-1] == {}  # who answers has read
        assert said(ada.chats) == [(True, "  <b>hello</b>"), (False, "hi")]


async def test_lines_come_in_the_order_they_were_sent():
    async with two() as (ada, bob):
        await asyncio.gather(*(ada.chats.send(bob.node_id, str(n)) for n in range(20)))
        expected = [str(n) for n in range(20)]
        assert [text for _, text in said(bob.chats)] == expected
        assert [text for _, text in said(ada.chats)] == expected


async def test_reading_ends_being_unread_and_is_told_once():
    async with two() as (ada, bob):
        await ada.chats.send(bob.node_id, "one")
        await ada.chats.send(bob.node_id, "two")
        assert bob.chats.unread() == {ada.node_id: 2}
        changes = []
        bob.chats.on_change = lambda: changes.append(True)
        bob.chats.mark_seen(ada.node_id)
        bob.chats.mark_seen(ada.node_id)
        bob.chats.mark_seen("nobody")
        assert (bob.chats.unread(), len(changes)) == ({}, 1)


async def test_whom_one_cannot_write_to_is_said_by_a_stable_code():
    async with two() as (ada, bob):
        with pytest.raises(UnknownPeerError):
            await ada.chats.send("x" * 16, "hello")
        with pytest.raises(BadRequestError):
            await ada.chats.send(bob.node_id, " ")
        with pytest.raises(TooLargeError):
            await ada.chats.send(bob.node_id, "x" * 20_000)
        await ada.disconnect(bob.node_id)
        with pytest.raises(NotConnectedError):
            await ada.chats.send(bob.node_id, "hello")
        await ada.block(bob.node_id)
        with pytest.raises(BlockedError):
            await ada.chats.send(bob.node_id, "hello")
        assert ada.chats.lines() == bob.chats.lines() == []


async def test_a_peer_of_an_older_version_is_not_asked():
    async with two(bob_chats=False) as (ada, bob):
        assert "chat" not in ada.peer(bob.node_id).capabilities
        with pytest.raises(UnsupportedError, match="no chat"):
            await ada.chats.send(bob.node_id, "hello")


async def test_a_flood_is_refused_and_a_pause_ends_that():
    async with two() as (ada, bob):
        for number in range(BURST):
            await ada.chats.send(bob.node_id, str(number))
        with pytest.raises(BusyError):
            await ada.chats.send(bob.node_id, "too much")
        assert len(bob.chats.lines()) == len(ada.chats.lines()) == BURST
        bob.chats._clock.now += 1.0
        await ada.chats.send(bob.node_id, "later")
        with pytest.raises(BusyError):
            await ada.chats.send(bob.node_id, "too much")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, MalformedError),
        ({"text": {"html": "<script>"}}, MalformedError),
        ({"text": "\n"}, MalformedError),
        ({"text": "x" * 16_385}, TooLargeError),
    ],
)
async def test_a_hostile_payload_is_refused_and_kept_nowhere(data, error):
    async with two() as (ada, bob):
        with pytest.raises(error):
            await ada.request(bob.node_id, "chat", data)
        assert bob.chats.lines() == []
        assert bob.chats.unread() == {}


async def test_who_was_let_in_for_the_moment_only_cannot_write():
    network = LoopbackNetwork()
    with tempfile.TemporaryDirectory() as folder:
        ada, eve = (make_hub(network, Path(folder), name) for name in ("ada", "eve"))
        for hub in (ada, eve):
            hub._local.policy = CombinedPolicy([InvitePolicy(hub.store), OpenLanPolicy()])
            hub.chats = Chats(hub)
        async with running(ada, eve):
            await eve.connect(address=ada.addresses()[0])
            with pytest.raises(NotTrustedError):
                await eve.chats.send(ada.node_id, "hello")
            with pytest.raises(NotTrustedError):
                await eve.request(ada.node_id, "chat", {"text": "hello"})
            assert ada.chats.lines() == []


async def test_only_the_last_lines_are_kept(monkeypatch):
    monkeypatch.setattr(chat_module, "BURST", 10_000)
    async with two() as (ada, bob):
        for number in range(MAX_LINES + 5):
            await ada.chats.send(bob.node_id, str(number))
        assert [line.text for line in bob.chats.lines()][:1] == ["5"]
        assert len(bob.chats.lines()) == len(ada.chats.lines()) == MAX_LINES
        assert [line.text for line in bob.chats.lines(limit=2)] == ["203", "204"]
        for _ in range(20):
            await ada.chats.send(bob.node_id, "x" * 16_000)
        assert sum(len(line.text) for line in bob.chats.lines()) <= MAX_BYTES


async def test_only_the_latest_conversations_are_kept():
    async with two() as (ada, _):
        for number in range(MAX_CHATS + 3):
            ada.chats._add(f"{number:016}", "hello", mine=False)
        ada.chats._add(f"{3:016}", "again", mine=False)
        ada.chats._add("f" * 16, "hello", mine=False)
        kept = set(ada.chats.unread())
        assert len(kept) == MAX_CHATS
        assert f"{3:016}" in kept
        assert f"{4:016}" not in kept


async def test_a_peer_that_is_forgotten_takes_its_lines_along():
    async with two() as (ada, bob):
        await bob.chats.send(ada.node_id, "hello")
        changes = []
        ada.chats.on_change = lambda: changes.append(True)
        await ada.forget(bob.node_id)
        assert (ada.chats.lines(), ada.chats.unread(), len(changes)) == ([], {}, 1)


async def test_a_line_whose_link_is_lost_is_not_taken_for_sent():
    async with two() as (ada, bob):
        taken = []
        bob._messenger.handlers._handlers["chat"] = (taken.append, None)
        sending = asyncio.ensure_future(ada.chats.send(bob.node_id, "hello"))
        await until(lambda: taken)
        ada._peers.get(bob.node_id).session.link.abort("lost")
        with pytest.raises(LinkClosedError):
            await sending
        assert ada.chats.lines() == []
