"""Two hubs pair, remember each other, and refuse what they should."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from jupyter_peer.doctor.peer import examine_peer
from jupyter_peer.errors import (
    BadNameError,
    BadRequestError,
    BlockedError,
    InviteExpiredError,
    InviteMalformedError,
    InviteRevokedError,
    InviteUsedError,
    LookupFailedError,
    NotTrustedError,
    OwnNodeError,
    PeerError,
    TooLargeError,
    UnknownPeerError,
    UnreachableError,
    WrongNodeError,
)
from jupyter_peer.wire.invite import Invite
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running, two_hubs
from tests.peers.loopback import LoopbackNetwork


async def test_pairing_is_mutual_and_survives_a_restart(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        info = await bob.pair(ada.invites.mint().text)
        assert info.node_id == ada.node_id
        assert info.node_name == "ada"
        assert info.status == "connected"
        assert info.trusted
        assert info.sealed
        await until(lambda: ada.peer(bob.node_id).status == "connected")
        assert ada.peer(bob.node_id).node_name == "bob"
    # new names on the network: only the stored addresses of the other are stale, not the trust
    ada2, bob2 = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada2, bob2):
        assert [peer.node_id for peer in ada2.peers()] == [bob2.node_id]
        address = bob2.addresses()[0]
        info = await ada2.connect(node_id=bob2.node_id, address=address)
        assert info.status == "connected"


async def test_known_peers_find_each_other_again_by_themselves(tmp_path):
    network = LoopbackNetwork()
    transports = [network.transport("a"), network.transport("b")]
    ada = make_hub(network, tmp_path, "ada", transports=[transports[0]])
    bob = make_hub(network, tmp_path, "bob", transports=[transports[1]])
    async with running(ada, bob):
        await pair(ada, bob)
        await until(lambda: ada.peer(bob.node_id).addresses)
        await until(lambda: bob.peer(ada.node_id).addresses)
    ada = make_hub(network, tmp_path, "ada", transports=[network.transport("a")])
    bob = make_hub(network, tmp_path, "bob", transports=[network.transport("b")])
    async with running(ada, bob):
        await until(lambda: ada.peer(bob.node_id).status == "connected")
        await until(lambda: bob.peer(ada.node_id).status == "connected")


async def test_an_invite_works_once(tmp_path):
    network = LoopbackNetwork()
    ada, bob, eve = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "eve"))
    async with running(ada, bob, eve):
        text = ada.invites.mint().text
        await bob.pair(text)
        with pytest.raises(InviteUsedError):
            await eve.pair(text)
        assert eve.peers() == []
        assert [peer.node_id for peer in ada.peers()] == [bob.node_id]
        # the one who redeemed it may come back with it
        assert (await bob.pair(text)).status == "connected"


async def test_of_two_redeemers_at_one_instant_one_wins(tmp_path):
    network = LoopbackNetwork()
    ada, bob, eve = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "eve"))
    async with running(ada, bob, eve):
        text = ada.invites.mint().text
        results = await asyncio.gather(bob.pair(text), eve.pair(text), return_exceptions=True)
        assert sum(isinstance(result, InviteUsedError) for result in results) == 1
        assert len(ada.peers()) == 1


async def test_expired_and_revoked_invites_are_refused(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        short = ada.invites.mint(ttl_s=0.02)
        await asyncio.sleep(0.03)
        with pytest.raises(InviteExpiredError):
            await bob.pair(short.text)
        revoked = ada.invites.mint()
        ada.invites.revoke(revoked.id)
        with pytest.raises(InviteRevokedError):
            await bob.pair(revoked.text)
        with pytest.raises(LookupFailedError):
            ada.invites.revoke("ffffffff")
        assert ada.peers() == bob.peers() == []


async def test_an_expired_invite_is_refused_by_its_maker_too(tmp_path):
    """A guest with a wrong clock, or without scruples, sends it all the same."""
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        invite = Invite.from_text(ada.invites.mint(ttl_s=0.02).text)
        await asyncio.sleep(0.03)
        forged = Invite(**{**invite_fields(invite), "x": invite.x + 1000})
        with pytest.raises(InviteExpiredError):
            await bob.pair(forged.to_text())


def invite_fields(invite: Invite) -> dict:
    return {name: getattr(invite, name) for name in invite.__struct_fields__}


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), 31 * 86400])
async def test_an_invite_cannot_live_for_ever_or_not_at_all(ttl, tmp_path):
    ada = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(ada):
        with pytest.raises(BadRequestError):
            ada.invites.mint(ttl_s=ttl)
        with pytest.raises(BadRequestError):
            ada.invites.mint(note="x" * 201)
        assert ada.invites.all() == []


@pytest.mark.parametrize(
    "text", ["", "jpeer1:", "jpeer1:AAAA", "hello", None, 7, "jpeer1:" + "A" * 9000]
)
async def test_what_is_no_invite_is_refused_before_anything_is_sent(text, tmp_path):
    bob = make_hub(LoopbackNetwork(), tmp_path, "bob")
    async with running(bob):
        with pytest.raises(InviteMalformedError):
            await bob.pair(text)


async def test_ones_own_invite_is_refused(tmp_path):
    ada = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(ada):
        with pytest.raises(OwnNodeError):
            await ada.pair(ada.invites.mint().text)


async def test_a_node_that_answers_in_anothers_place_gets_no_token(tmp_path):
    network = LoopbackNetwork()
    ada, bob, eve = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "eve"))
    async with running(ada, bob, eve):
        invite = Invite.from_text(ada.invites.mint().text)
        lured = Invite(**{**invite_fields(invite), "a": eve.addresses()})
        with pytest.raises(WrongNodeError):
            await bob.pair(lured.to_text())
        assert eve.peers() == bob.peers() == []
        # the invite is untouched, and a right address among wrong ones is found
        both = Invite(**{**invite_fields(invite), "a": [*eve.addresses(), *ada.addresses()]})
        assert (await bob.pair(both.to_text())).node_id == ada.node_id


async def test_a_stranger_without_an_invite_stays_out(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        with pytest.raises(NotTrustedError):
            await bob.connect(address=ada.addresses()[0])
        assert ada.peers() == bob.peers() == []


async def test_progress_tells_of_every_path(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        invite = Invite.from_text(ada.invites.mint().text)
        both = Invite(**{**invite_fields(invite), "a": ["loopback:nobody", *ada.addresses()]})
        steps: list[dict] = []
        await bob.pair(both.to_text(), steps.append)
        assert {"step": "dial", "address": "loopback:nobody", "ok": None} in steps
        assert any(step.get("code") == "unreachable" for step in steps)
        assert steps[-1] == {"step": "connected", "address": ada.addresses()[0], "ok": True}


async def test_an_invite_whose_addresses_are_dead_says_unreachable(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(bob):
        await ada.start()
        text = ada.invites.mint().text
        await ada.close()
        ada.store.close()
        with pytest.raises(UnreachableError):
            await bob.pair(text)
        assert bob.peers() == []


async def test_a_blocked_peer_is_cut_off_at_once_and_stays_out_until_unblocked():
    async with two_hubs() as (ada, bob):
        got = []
        ada.on("note", lambda message: got.append(message.data))
        await ada.block(bob.node_id)
        assert ada.peer(bob.node_id).status == "blocked"
        await until(lambda: bob.peer(ada.node_id).status == "offline")
        with pytest.raises(BlockedError):
            await bob.connect(node_id=ada.node_id, address=ada.addresses()[0])
        with pytest.raises(BlockedError):
            await ada.connect(node_id=bob.node_id)
        with pytest.raises(PeerError):
            bob.send(ada.node_id, "note", {})
        ada.unblock(bob.node_id)
        await bob.connect(node_id=ada.node_id)
        bob.send(ada.node_id, "note", {"n": 1})
        await until(lambda: got == [{"n": 1}])


async def test_a_blocked_peer_cannot_come_back_with_a_fresh_invite():
    async with two_hubs() as (ada, bob):
        await ada.block(bob.node_id)
        with pytest.raises(BlockedError):
            await bob.pair(ada.invites.mint().text)
        assert ada.peer(bob.node_id).blocked


async def test_a_forgotten_peer_has_to_pair_again():
    async with two_hubs() as (ada, bob):
        await ada.forget(bob.node_id)
        assert ada.peers() == []
        with pytest.raises(UnknownPeerError):
            ada.peer(bob.node_id)
        await until(lambda: bob.peer(ada.node_id).status == "offline")
        # Nothing is dialled, so nothing but the farewell can say why.
        why = bob.peer(ada.node_id).last_error
        assert why is not None
        assert (why["code"], why["message"]) == ("not_trusted", "ada has forgotten this node")
        [link] = [f for f in await examine_peer(bob, ada.node_id) if f.check == "link"]
        assert "ada has forgotten this node" in link.hint
        with pytest.raises(NotTrustedError):
            await bob.connect(node_id=ada.node_id, address=ada.addresses()[0])
        assert (await bob.pair(ada.invites.mint().text)).status == "connected"


async def test_peers_over_the_limit_are_refused(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_peers=1)
    bob, eve = (make_hub(network, tmp_path, name) for name in ("bob", "eve"))
    async with running(ada, bob, eve):
        await pair(ada, bob)
        minted = ada.invites.mint()
        with pytest.raises(PeerError) as refused:
            await eve.pair(minted.text)
        assert refused.value.code == "busy"
        # and the invite was not spent on it
        assert {invite.id: invite.status for invite in ada.invites.all()}[minted.id] == "open"


async def test_one_that_came_only_by_makes_room_for_a_peer_and_not_for_who_is_refused(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada", max_peers=1), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        await pair(ada, bob)
        (record,) = ada.store.peers()
        # As a policy leaves it that lets nodes in for the moment only.
        ada.store.put_peer(msgspec.structs.replace(record, trusted=False))
    ada = make_hub(network, tmp_path, "ada", max_peers=1)
    eve = make_hub(network, tmp_path, "eve")
    async with running(ada, eve):
        void = ada.invites.mint()
        ada.invites.revoke(void.id)
        with pytest.raises(InviteRevokedError):
            await eve.pair(void.text)
        assert [peer.node_id for peer in ada.peers()] == [bob.node_id]
        await pair(ada, eve)
        assert [peer.node_id for peer in ada.peers()] == [eve.node_id]
        # It is known now, so its place is no question.
        assert (await eve.pair(ada.invites.mint().text)).trusted


async def test_peers_are_found_by_alias_name_id_and_unique_beginnings():
    async with two_hubs() as (ada, bob):
        assert ada.find_peer("BOB").node_id == bob.node_id
        assert ada.find_peer(bob.node_id[:5]).node_id == bob.node_id
        ada.set_alias(bob.node_id, "Robert")
        assert ada.find_peer("rob").node_id == bob.node_id
        for unknown in ("", "  ", "nobody", None, 3):
            with pytest.raises(UnknownPeerError):
                ada.find_peer(unknown)
        for bad in ("", "x" * 65, "a\nb", "\x1b[31m"):
            with pytest.raises(BadNameError):
                ada.set_alias(bob.node_id, bad)
        ada.set_alias(bob.node_id, None)
        assert ada.peer(bob.node_id).alias is None


async def test_an_ambiguous_name_lists_the_candidates(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada")
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder in folders:
        folder.mkdir()
    twins = [make_hub(network, folder, "twin") for folder in folders]
    async with running(ada, *twins):
        for twin in twins:
            await pair(ada, twin)
        with pytest.raises(PeerError) as ambiguous:
            ada.find_peer("twi")
        assert ambiguous.value.code == "ambiguous_peer"
        assert all(twin.node_id in str(ambiguous.value) for twin in twins)
        ada.set_alias(twins[0].node_id, "twin")
        assert ada.find_peer("twin").node_id == twins[0].node_id
        with pytest.raises(BadNameError):
            ada.set_alias(twins[1].node_id, "Twin")


async def test_a_new_name_and_a_learned_address_reach_the_peers():
    async with two_hubs() as (ada, bob):
        ada.set_node_name("Ada L.")
        ada.add_learned_address("ws://ada.example/peer-ws")
        await until(lambda: bob.peer(ada.node_id).calls_itself == "Ada L.")
        await until(lambda: "ws://ada.example/peer-ws" in bob.peer(ada.node_id).addresses)
        with pytest.raises(BadNameError):
            ada.set_node_name(" \n ")


async def test_a_handshake_with_larger_frames_than_allowed_is_refused_by_any_transport(tmp_path):
    network = LoopbackNetwork()
    ada = make_hub(network, tmp_path, "ada", max_frame_before_auth=1024)
    bob = make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        bob._local.capabilities = tuple(f"capability-{number}" for number in range(60))
        with pytest.raises(TooLargeError):
            await bob.pair(ada.invites.mint().text)
        with pytest.raises(TooLargeError):
            await ada.pair(bob.invites.mint().text)
        bob._local.capabilities = ()
        assert (await bob.pair(ada.invites.mint().text)).status == "connected"
