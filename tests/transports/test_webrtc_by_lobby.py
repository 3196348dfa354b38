"""A WebRTC link that two nodes arrange by a real lobby, at which neither is listed."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_peer.errors import UnreachableError
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.wire.identity import Identity
from tests.needs import needs_module
from tests.transports.test_lobby import Person, a_lobby
from tests.waiting import until
from tests.wire.makers import ADA, BOB, EVE

CONNECT_S = 20.0


async def test_a_link_is_arranged_by_signals_and_carries_frames() -> None:
    needs_module("aiortc", "webrtc")
    from jupyter_peer.transports.webrtc import WebRtcTransport
    from jupyter_peer.transports.webrtc_connection import IceServers
    from tests.transports.webrtc_nodes import on_loopback

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
                person.lobby,
                IceServers(),
                is_peer=lambda node_id: node_id != EVE.node_id,
                is_expected=lambda node_id: False,
                allow_loopback=True,
            )
            for person in people
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
