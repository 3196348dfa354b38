"""Who is let in, asked of the gate itself: what stands behind another defence too."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import BlockedError, DuplicateLinkError, KeyChangedError, NotTrustedError
from jupyter_peer.hub.links.connector import Target
from jupyter_peer.wire.link.handshake import Introduction
from jupyter_peer.wire.link.identity import Identity
from tests.peers.hubs import two_hubs

EVE = Identity.from_seed(b"e" * 32)


class Link:
    remote_host = None
    transport = "direct"
    guests = "never"


def introduction(node_id: str, public_key: str) -> Introduction:
    return Introduction(node_id=node_id, public_key=public_key, node_name="x", capabilities=[])


async def test_a_known_id_with_another_key_stays_out_on_both_ways_in():
    async with two_hubs() as (ada, bob):
        other = introduction(bob.node_id, EVE.public_key_b64)
        token = ada.invites.mint().text
        with pytest.raises(KeyChangedError):
            ada._admission.check_incoming(Link(), other, token)
        with pytest.raises(KeyChangedError):
            ada._admission.check_answer(Link(), other, Target(addresses=[]))
        assert ada.peer(bob.node_id).public_key == bob.identity.public_key_b64


async def test_a_session_that_is_not_the_one_in_use_is_taken_over_by_nobody():
    async with two_hubs() as (ada, bob):
        own = introduction(bob.node_id, bob.identity.public_key_b64)
        used = ada._peers.get(bob.node_id).session_id()
        for replaces in ("0" * 64, "", used[:-1]):
            with pytest.raises(DuplicateLinkError):
                ada._admission.check_incoming(Link(), own, None, replaces)
        ada._admission.check_incoming(Link(), own, None, used)
        with pytest.raises(NotTrustedError):
            # the session is bob's, and eve is nobody
            ada._admission.check_incoming(
                Link(), introduction(EVE.node_id, EVE.public_key_b64), None, used
            )


async def test_a_peer_whose_link_has_died_unnoticed_comes_in_without_naming_it():
    async with two_hubs() as (ada, bob):
        own = introduction(bob.node_id, bob.identity.public_key_b64)
        assert ada.peer(bob.node_id).status == "connected"
        ada._admission.check_incoming(Link(), own, None, None)


async def test_who_is_blocked_stays_out_on_both_ways_in():
    async with two_hubs() as (ada, bob):
        await ada.block(bob.node_id)
        own = introduction(bob.node_id, bob.identity.public_key_b64)
        with pytest.raises(BlockedError):
            ada._admission.check_incoming(Link(), own, ada.invites.mint().text)
        with pytest.raises(BlockedError):
            ada._admission.check_answer(Link(), own, Target(addresses=[]))
