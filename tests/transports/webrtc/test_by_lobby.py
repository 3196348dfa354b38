"""A WebRTC link that two nodes arrange by a real lobby, at which neither is listed."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.errors import UnreachableError
from jupyter_peer.server.settings.settings import PeerSettings
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.wire.link.identity import Identity
from tests.lobby_client.test_lobby import Person, a_lobby
from tests.machine.needs import needs_module
from tests.machine.waiting import until
from tests.wire.makers import ADA, BOB, EVE

CONNECT_S = 20.0


async def test_a_link_is_arranged_by_signals_and_carries_frames() -> None:
    needs_module("aiortc", "webrtc")
    from jupyter_peer.transports.webrtc.connection import IceServers
    from jupyter_peer.transports.webrtc.webrtc import WebRtcTransport
    from tests.transports.webrtc.webrtc_nodes import on_loopback

    came: asyncio.Queue[PeerLink] = asyncio.Queue()

    async def accept(link: PeerLink) -> None:
        came.put_nowait(link)

    async with a_lobby() as url:
        people = [
            Person(url, identity, name, waits_for_signals=True)
            for identity, name in ((ADA, "ada"), (BOB, "bob"), (EVE, "eve"))
        ]
        ada, bob, eve = (
            WebRtcTransport(
                identity,
                person.lobby,
                IceServers(),
                is_peer=lambda node_id: node_id != EVE.node_id,
                is_expected=lambda node_id: False,
                allow_loopback=True,
            )
            for person, identity in zip(people, (ADA, BOB, EVE), strict=True)
        )
        with on_loopback():
            try:
                for transport in (ada, bob, eve):
                    await transport.start(accept)
                for person in people:
                    await until(lambda it=person: it.lobby.status == "connected")
                assert await people[2].lobby.who() == []
                [address] = ada.addresses()
                assert address == f"webrtc:{url.removesuffix('/lobby-ws')}"
                link = await asyncio.wait_for(ada.dial(address, BOB.node_id), CONNECT_S)
                other = await asyncio.wait_for(came.get(), CONNECT_S)
                link.send([b"over the lobby, past it"])
                assert await asyncio.wait_for(other.recv(), CONNECT_S) == b"over the lobby, past it"
                nobody = Identity.from_seed(b"n" * 32).node_id
                with pytest.raises(UnreachableError, match="lobby"):
                    await ada.dial(address, nobody)
            finally:
                for transport in (ada, bob, eve):
                    await transport.close()
                for person in people:
                    await person.lobby.close()


async def test_a_guest_without_a_lobby_dials_by_that_of_its_peer_and_leaves_it() -> None:
    needs_module("aiortc", "webrtc")
    from jupyter_peer.server.operations.lobby import lobby_visits
    from jupyter_peer.transports.webrtc.connection import IceServers
    from jupyter_peer.transports.webrtc.webrtc import MAX_VISITS, WebRtcTransport
    from tests.transports.webrtc.webrtc_nodes import on_loopback

    came: asyncio.Queue[PeerLink] = asyncio.Queue()

    async def accept(link: PeerLink) -> None:
        came.put_nowait(link)

    settings = PeerSettings()
    options = {"is_expected": lambda node_id: False, "allow_loopback": True}
    async with a_lobby() as url:
        host = Person(url, ADA, "ada", waits_for_signals=True)
        seen: list[str] = []  # by the lobby
        host.lobby.on_signal(lambda node_id, kind, sdp: seen.append(node_id))
        ada = WebRtcTransport(
            ADA, host.lobby, IceServers(), is_peer=lambda node_id: node_id == BOB.node_id, **options
        )
        bob = WebRtcTransport(
            BOB,
            None,
            IceServers(),
            visit=lobby_visits(settings, lambda: 1.0),
            is_peer=lambda node_id: True,
            **options,
        )
        watcher = Person(url, EVE, "eve")
        with on_loopback():
            try:
                for transport in (ada, bob):
                    await transport.start(accept)
                await until(lambda: host.lobby.status == "connected")
                [address] = ada.addresses()
                link = await asyncio.wait_for(bob.dial(address, ADA.node_id), CONNECT_S)
                other = await asyncio.wait_for(came.get(), CONNECT_S)
                link.send([b"by your lobby"])
                assert await asyncio.wait_for(other.recv(), CONNECT_S) == b"by your lobby"
                # The lobby never had bob's key prove his id.
                assert seen
                assert BOB.node_id not in seen
                # It is there no more, and was never to be seen.
                with pytest.raises(UnreachableError, match="lobby"):
                    await ada.dial(address, BOB.node_id)
                assert await watcher.lobby.who() == []
                bob._visits = MAX_VISITS
                with pytest.raises(UnreachableError, match="too many"):
                    await bob.dial(address, ADA.node_id)
                bob._visits = 0
                with pytest.raises(UnreachableError, match="lobby"):
                    await bob.dial(address, EVE.node_id)
                assert bob._visits == 0
            finally:
                for transport in (ada, bob):
                    await transport.close()
                for person in (host, watcher):
                    await person.lobby.close()


async def test_an_offer_that_comes_at_a_lobby_of_a_peer_is_not_answered() -> None:
    needs_module("aiortc", "webrtc")
    from jupyter_peer.transports.webrtc.connection import IceServers
    from jupyter_peer.transports.webrtc.webrtc import WebRtcTransport

    asked: list[str] = []
    bob = WebRtcTransport(
        BOB,
        None,
        IceServers(),
        is_peer=lambda node_id: bool(asked.append(node_id)) or True,
        is_expected=lambda node_id: True,
    )

    async def accept(link: PeerLink) -> None: ...

    await bob.start(accept)
    bob._on_answer(EVE.node_id, "offer", "v=0")
    bob._on_answer(EVE.node_id, "answer", "v=0")
    assert (asked, bob._answering) == ([], {})
    await bob.close()
