"""Handshakes that somebody begins and never ends do not keep others out."""

from __future__ import annotations

import os

import pytest

from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork
from tests.wire.by_hand import HandPeer

PLACES = 8


async def flood(network, ada, *, hello: bool):
    """Open more links to ada than she has places, each from an address of its own."""
    links = []
    for _ in range(3 * PLACES):
        link = await network.transport().dial(ada.addresses()[0], None)
        if hello:
            link.send(HandPeer.dialing(os.urandom(32)).start())
        links.append(link)
    await until(lambda: sum(not link.is_closed for link in links) <= PLACES)
    return links


@pytest.mark.parametrize("hello", [False, True], ids=["silent", "with-hello"])
async def test_under_a_flood_an_invite_and_a_known_peer_still_get_in(tmp_path, hello):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_handshakes=PLACES)
    bob, cy = make_hub(network, tmp_path, "bob"), make_hub(network, tmp_path, "cy")
    async with running(ada, bob, cy):
        await pair(ada, bob)
        await bob.disconnect(ada.node_id)
        await until(lambda: ada.peer(bob.node_id).status == "offline")
        links = await flood(network, ada, hello=hello)
        assert (await cy.pair(ada.invites.mint().text)).status == "connected"
        assert (await bob.connect(ada.node_id)).status == "connected"
        assert any(not link.is_closed for link in links)


async def test_one_address_cannot_keep_others_out(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_handshakes=PLACES)
    bob = make_hub(network, tmp_path, "bob")
    mallory = network.transport("mallory")
    async with running(ada, bob):
        links = [await mallory.dial(ada.addresses()[0], None) for _ in range(64)]
        await until(lambda: sum(not link.is_closed for link in links) == PLACES // 4)
        assert (await bob.pair(ada.invites.mint().text)).status == "connected"
        assert sum(not link.is_closed for link in links) == PLACES // 4
