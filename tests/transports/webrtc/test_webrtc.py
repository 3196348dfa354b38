"""What is particular to WebRTC: offers and answers that are hostile, late, or lead nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import importlib.util
import logging
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jupyter_peer.errors import BadRequestError, NotEnabledError, UnreachableError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.transports.webrtc import webrtc
from jupyter_peer.transports.webrtc.connection import IceServers
from jupyter_peer.transports.webrtc.engine import load_engine
from jupyter_peer.transports.webrtc.link import MAX_HELD
from jupyter_peer.transports.webrtc.native_engine import NativeConnection
from jupyter_peer.transports.webrtc.python_engine import (
    MAX_UNFINISHED,
    PythonEngine,
    configuration,
)
from jupyter_peer.wire.link.identity import Identity
from tests.machine.needs import needs_module
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork
from tests.transports.webrtc.webrtc_nodes import (
    ADDRESS,
    ENGINES,
    MemoryLobby,
    WebRtcNode,
    on_loopback,
)

CONNECT_S = 15.0


def open_sockets() -> int:
    """Count sockets; libwebrtc keeps a few pipes for all its connections."""
    listed = Path("/proc/self/fd")
    found = 0
    for file in listed.iterdir() if listed.is_dir() else ():
        with contextlib.suppress(OSError):
            found += str(file.readlink()).startswith("socket:")
    return found


@contextlib.asynccontextmanager
async def nodes(
    *made: WebRtcNode,
) -> AsyncIterator[asyncio.Queue[PeerLink]]:
    """Start nodes; yields where incoming links appear. Afterwards no task and no socket is left."""
    links: asyncio.Queue[PeerLink] = asyncio.Queue()
    before, sockets = asyncio.all_tasks(), open_sockets()

    async def accept(link: PeerLink) -> None:
        links.put_nowait(link)

    with on_loopback():
        try:
            for node in made:
                await node.start(accept)
            yield links
        finally:
            for node in made:
                await node.close()
    await until(lambda: not (asyncio.all_tasks() - before), CONNECT_S)
    gc.collect()
    await until(lambda: open_sockets() <= sockets)


@pytest.fixture(params=ENGINES, autouse=True)
def engine(request, monkeypatch):
    """Make nodes use one engine after the other."""
    for module in ENGINES[request.param].needs:
        needs_module(module, "webrtc-fast")
    monkeypatch.setattr(WebRtcNode, "engine", ENGINES[request.param])
    return request.param


@pytest.fixture
def lobby():
    return MemoryLobby()


async def test_many_links_that_come_and_go_leave_nothing_behind(lobby, monkeypatch):
    monkeypatch.setattr(webrtc, "OFFERS_AT_ONCE", 100)
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        for number in range(8):
            link = await here.dial(ADDRESS, there.node_id)
            incoming = await asyncio.wait_for(links.get(), CONNECT_S)
            link.send([b"last words"])
            await (link if number % 2 else incoming).close()
            await until(lambda link=link, other=incoming: link.is_closed and other.is_closed)
            if number % 2:
                assert await incoming.recv() == b"last words"
        await until(lambda: not here._connections and not there._connections, CONNECT_S)


async def test_two_that_dial_each_other_at_once_get_two_links(lobby):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        dialled = await asyncio.gather(
            here.dial(ADDRESS, there.node_id), there.dial(ADDRESS, here.node_id)
        )
        assert all(link.is_dialled for link in dialled)
        for _ in dialled:
            assert not (await asyncio.wait_for(links.get(), CONNECT_S)).is_dialled


async def test_a_dial_that_is_given_up_at_any_moment_leaves_nothing_behind(lobby):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there):
        for turns in (0, 1, 2, 5, 20, 60):
            dial = asyncio.ensure_future(here.dial(ADDRESS, there.node_id))
            for _ in range(turns):
                await asyncio.sleep(0)
            dial.cancel()
            await asyncio.gather(dial, return_exceptions=True)
            assert not here._dials


async def test_a_node_that_is_not_in_the_lobby_or_does_not_answer_is_unreachable(
    lobby, monkeypatch
):
    monkeypatch.setattr(webrtc, "ANSWER_TIMEOUT_S", 0.05)
    here, there = WebRtcNode(lobby), WebRtcNode(lobby, is_peer=lambda node_id: False)
    async with nodes(here, there):
        with pytest.raises(UnreachableError, match="lobby cannot reach it"):
            await here.dial(ADDRESS, "a" * 16)
        with pytest.raises(UnreachableError, match="does not answer"):
            await here.dial(ADDRESS, there.node_id)
        assert not there._connections
        for address, node_id in ((ADDRESS, None), ("webrtc:wss://other.example", "a" * 16)):
            with pytest.raises(UnreachableError):
                await here.dial(address, node_id)


async def test_networks_between_which_there_is_no_path_are_unreachable(lobby, monkeypatch):
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 0.3)
    # a network that answers nothing (RFC 5737)
    lobby.alter = lambda kind, sdp: re.sub(r"(udp \d+ )\S+", r"\g<1>127.0.0.255", sdp)
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there):
        with pytest.raises(UnreachableError, match="no path"):
            await here.dial(ADDRESS, there.node_id)


async def test_an_altered_fingerprint_is_no_link(lobby, monkeypatch):
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 3.0)

    def alter(kind, sdp):
        lines = sdp.split("\r\n")
        return "\r\n".join(
            line[:-2] + ("00" if line[-2:] != "00" else "11")
            if line.startswith("a=fingerprint:")
            else line
            for line in lines
        )

    lobby.alter = alter
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there):
        with pytest.raises(UnreachableError, match="no path"):
            await here.dial(ADDRESS, there.node_id)


async def test_hostile_signals_change_nothing(lobby, caplog):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        eve = "e2" * 8
        for kind in ("offer", "answer", "candidate", ""):
            for sdp in ("", "v=0", "\0" * 100, "x" * 100_000, "v=0\r\n" * 500):
                lobby.deliver(eve, there.node_id, kind, sdp)
                lobby.deliver(here.node_id, there.node_id, kind, sdp)
        assert not there._answering
        await here.dial(ADDRESS, there.node_id)
        await asyncio.wait_for(links.get(), CONNECT_S)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_answer_to_an_earlier_offer_is_not_taken_for_one_to_the_next(lobby):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there):
        await here.dial(ADDRESS, there.node_id)
        (old,) = [sdp for *_, kind, sdp in lobby.signals if kind == "answer"]
        seen = []

        def alter(kind, sdp):
            if kind == "offer":
                # before the right answer, the old one
                lobby.deliver(there.node_id, here.node_id, "answer", old)
                lobby.deliver("e2" * 8, here.node_id, "answer", old)
                seen.append(here._dials[there.node_id][1].done())
            return sdp

        lobby.alter = alter
        await here.dial(ADDRESS, there.node_id)
        assert seen == [False]


async def test_offers_are_answered_for_few_strangers_at_once_and_for_each_in_bounds(
    lobby, monkeypatch
):
    monkeypatch.setattr(webrtc, "CONNECT_TIMEOUT_S", 0.5)
    takes = False
    there = WebRtcNode(
        lobby, is_peer=lambda node_id: node_id == "f2" * 8, is_expected=lambda node_id: takes
    )
    here = WebRtcNode(lobby)
    async with nodes(there, here):
        offer = (await (connection := here._connection(ADDRESS)).offer()).to_sdp()
        strangers = [letter + "2" * 15 for letter in "abcdghijklmnopqrstuvwxyz"]
        lobby.nodes.update(dict.fromkeys([*strangers, "f2" * 8], lambda *_: None))
        for node_id in strangers:
            lobby.deliver(node_id, there.node_id, "offer", offer)
        assert not there._answering
        takes = True
        for node_id in strangers:
            lobby.deliver(node_id, there.node_id, "offer", offer)
        assert len(there._answering) == webrtc.MAX_STRANGERS
        for _ in range(50):
            lobby.deliver("f2" * 8, there.node_id, "offer", offer)
        assert len(there._answering) == webrtc.MAX_STRANGERS + 1
        assert len(there._connections) <= 14
        await until(lambda: not there._answering, CONNECT_S)
        for _ in range(50):
            lobby.deliver(strangers[0], there.node_id, "offer", offer)
        assert there._offers[""]._left < 1
        connection.end()


async def test_a_message_that_never_ends_closes_the_connection(lobby):
    # only aiortc can be made to send one
    here, there = WebRtcNode(lobby, engine=PythonEngine), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        link = await here.dial(ADDRESS, there.node_id)
        incoming = await asyncio.wait_for(links.get(), CONNECT_S)
        sctp = link._channel.transport
        sctp._remote_max_message_size = 0
        channel_send = sctp._data_channel_send
        channel_send(link._channel, bytes(MAX_UNFINISHED + 500_000))
        await until(lambda: incoming.is_closed, CONNECT_S)


async def test_a_peer_that_sends_more_than_a_busy_reader_takes_is_cut_off(lobby):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        await here.dial(ADDRESS, there.node_id)
        incoming = await asyncio.wait_for(links.get(), CONNECT_S)
        incoming.max_frame = 100_000
        forever = asyncio.Event()

        async def busy(frame) -> None:
            await forever.wait()

        incoming.attach(busy, lambda reason: None)
        for _ in range(MAX_HELD // 60_000 + 3):
            incoming._take(bytes(60_000))
        assert incoming.close_reason == "overflow"
        assert not incoming._held
        forever.set()


async def test_a_second_channel_on_a_connection_closes_it(lobby):
    here, there = WebRtcNode(lobby), WebRtcNode(lobby)
    async with nodes(here, there) as links:
        await here.dial(ADDRESS, there.node_id)
        incoming = await asyncio.wait_for(links.get(), CONNECT_S)
        (connection,) = here._connections
        if isinstance(connection, NativeConnection):
            await connection._there(connection._peer.open_channel())
        else:
            connection._pc.createDataChannel("another")
        await until(lambda: incoming.is_closed, CONNECT_S)


@pytest.mark.parametrize(
    "servers",
    [
        IceServers(stun=["http://x"]),
        IceServers(stun=["stun:"]),
        IceServers(stun=["stun:h:3478", "nonsense"]),
        IceServers(stun=["turn:h"]),
        IceServers(turn="stun:h"),
        IceServers(turn="turn:h:port"),
    ],
)
def test_servers_that_are_written_wrong_are_an_error(servers):
    with pytest.raises(BadRequestError, match=r"stun_servers|turn_url"):
        servers.check()


def test_servers_are_passed_on_and_their_password_is_not_shown():
    servers = IceServers(
        stun=["stun:one:1", "stun:two:2"], turn="turn:t:3", username="u", credential="secret"
    )
    servers.check()
    assert "secret" not in repr(servers)
    urls = [[each.urls for each in configuration(servers, n).iceServers] for n in (0, 1, 2)]
    assert urls == [
        ["stun:one:1", "turn:t:3"],
        ["stun:two:2", "turn:t:3"],
        ["stun:one:1", "turn:t:3"],
    ]
    # none given, none used
    assert configuration(IceServers(), 0).iceServers == []


def test_without_the_extra_there_is_an_error_that_says_what_to_install(monkeypatch):
    webrtc.check_extra()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotEnabledError) as failed:
        webrtc.check_extra()
    assert "jupyter-peer[webrtc]" in failed.value.hint


async def test_what_the_servers_do_is_told_to_the_doctor(lobby):
    here = WebRtcNode(lobby)
    async with nodes(here):
        [finding] = await here.diagnose()
        assert (finding.check, finding.status) == ("webrtc", "warning")
        here._servers = IceServers(stun=("stun:127.0.0.1:9",))
        [finding] = await here.diagnose()
        assert (finding.check, finding.status) == ("webrtc", "failed")


async def test_a_lobby_is_known_by_any_of_its_brokers(lobby):
    here = WebRtcNode(lobby)
    here._signaller.url = "wss://a.example,wss://b.example"
    for url in ("wss://b.example", "wss://c.example,wss://a.example", "wss://a.example/"):
        assert here.can_dial(f"webrtc:{url}")
    for address in (
        "webrtc:wss://c.example",
        "webrtc:",
        "wss://a.example",
        "relay:wss://a.example",
    ):
        assert not here.can_dial(address)
    await here.close()


async def test_packages_that_cannot_be_loaded_are_an_error_that_says_so(lobby, monkeypatch):
    def broken(name):
        raise ImportError("libsomething.so is missing")

    here = WebRtcNode(lobby, engine=load_engine)
    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(NotEnabledError, match="libsomething"):
        await here.start(lambda link: None)


# Whole hubs.


def webrtc_hub(lobby, path, name) -> PeerHub:
    key = path / f"{name}.seed"
    key.write_bytes(os.urandom(32))
    identity = Identity.from_seed(key.read_bytes())
    hub: PeerHub
    node = WebRtcNode(
        lobby,
        identity,
        is_peer=lambda other: hub.is_peer(other),
        is_expected=lambda other: hub.is_expected(other),
    )
    hub = make_hub(
        LoopbackNetwork(), path, name, transports=[node], lobby_url="wss://lobby.example"
    )
    return hub


async def test_an_invite_is_redeemed_by_webrtc_alone_and_a_large_message_arrives(lobby, tmp_path):
    ada, bob = (webrtc_hub(lobby, tmp_path, name) for name in ("ada", "bob"))
    with on_loopback():
        async with running(ada, bob):
            await pair(ada, bob)
            assert [peer.transport for peer in bob.peers()] == ["webrtc"]
            got = []
            ada.on("large", lambda message: got.append(len(message.data["text"])))
            bob.send(ada.node_id, "large", {"text": "x" * 300_000})
            await until(lambda: got == [300_000], CONNECT_S)
            await ada.ping(bob.node_id)
            # it comes back by itself
            session = bob._peers.get(ada.node_id).session
            session.link.abort("cut")
            await until(
                lambda: (
                    bob._peers.get(ada.node_id).session not in (None, session)
                    and ada.peer(bob.node_id).status == "connected"
                ),
                CONNECT_S,
            )


async def test_a_stranger_without_an_invite_gets_no_answer(lobby, tmp_path, monkeypatch):
    monkeypatch.setattr(webrtc, "ANSWER_TIMEOUT_S", 0.1)
    ada, eve = (webrtc_hub(lobby, tmp_path, name) for name in ("ada", "eve"))
    with on_loopback():
        async with running(ada, eve):
            eve.found("lobby", ada.node_id, "ada", [ADDRESS])
            with pytest.raises(UnreachableError):
                await eve.connect(ada.node_id)
            assert not ada.transports[0]._connections


async def test_two_hubs_that_dial_each_other_at_once_agree_on_one_link(lobby, tmp_path):
    ada, bob = (webrtc_hub(lobby, tmp_path, name) for name in ("ada", "bob"))
    with on_loopback():
        async with running(ada, bob):
            await pair(ada, bob)

            def sessions() -> set[str | None]:
                peers = ada._peers.get(bob.node_id), bob._peers.get(ada.node_id)
                return {peer.session_id() for peer in peers if peer is not None}

            await until(lambda: len(sessions()) == 1, CONNECT_S)
            for _ in range(3):
                before = sessions()
                for hub, other in ((ada, bob), (bob, ada)):
                    session = hub._peers.get(other.node_id).session
                    if session is not None:
                        session.link.abort("cut")
                await until(
                    lambda before=before: (
                        len(sessions()) == 1 and None not in sessions() and sessions() != before
                    ),
                    CONNECT_S,
                )
            await until(
                lambda: all(len(hub.transports[0]._connections) == 1 for hub in (ada, bob)),
                CONNECT_S,
            )
            await ada.ping(bob.node_id)
