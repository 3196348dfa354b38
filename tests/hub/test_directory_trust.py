"""Hubs that let in the members of a directory."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import pytest

from jupyter_peer.errors import NotTrustedError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.trust.base import CombinedPolicy
from jupyter_peer.trust.directory import DirectoryPolicy
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.wire.directory import Directory, Member
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork


class Office:
    """Three hubs under one directory; :meth:`list` publishes its next version to all."""

    def __init__(self, path: Path) -> None:
        self.network = LoopbackNetwork()
        self.path = path
        self.current: Directory | None = None
        self.serial = 0
        self.ada, self.bob, self.eve = (self.hub(name) for name in ("ada", "bob", "eve"))

    def hub(self, name: str) -> PeerHub:
        hub = make_hub(
            self.network,
            self.path,
            name,
            policy=DirectoryPolicy(lambda: self.current),
            transports=[self.network.transport(name)],
            upgrade_s=0.05,
            max_upgrade_s=0.2,
        )
        both = CombinedPolicy([InvitePolicy(hub.store), DirectoryPolicy(lambda: self.current)])
        hub._local.policy = both
        return hub

    async def list(self, *hubs: PeerHub, expires_in: float = 60.0) -> list[list[str]]:
        self.serial += 1
        self.current = Directory(
            serial=self.serial,
            expires=time.time() + expires_in,
            members=[
                Member(id=hub.node_id, pk=hub.identity.public_key_b64, name=hub.node_name)
                for hub in hubs
            ],
        )
        return [await hub.review_trust() for hub in (self.ada, self.bob, self.eve)]

    async def connect(self, hub: PeerHub, to: PeerHub) -> None:
        await hub.connect(address=to.addresses()[0])
        await until(lambda: is_linked(to, hub))


def is_linked(hub: PeerHub, to: PeerHub) -> bool:
    return any(peer.node_id == to.node_id and peer.status == "connected" for peer in hub.peers())


@contextlib.asynccontextmanager
async def an_office():
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        async with running(office.ada, office.bob, office.eve):
            yield office


async def test_members_connect_without_an_invite_and_others_do_not():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        record = office.bob.store.peer(office.ada.node_id)
        assert (record.origin, record.trusted) == ("directory", False)
        for stranger, member in ((office.eve, office.ada), (office.ada, office.eve)):
            with pytest.raises(NotTrustedError):
                await stranger.connect(address=member.addresses()[0])
        assert office.ada.store.peer(office.eve.node_id) is None


async def test_a_removed_node_is_cut_off_at_once_and_stays_out():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        ended, *_ = await office.list(office.ada)
        assert ended == [office.bob.node_id]
        assert not is_linked(office.ada, office.bob)
        await until(lambda: not is_linked(office.bob, office.ada))
        with pytest.raises(NotTrustedError):
            await office.ada.connect(node_id=office.bob.node_id)
        with pytest.raises(NotTrustedError):
            await office.bob.connect(address=office.ada.addresses()[0])


async def test_a_node_that_is_listed_again_comes_back_by_itself():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        await office.list(office.ada)
        await until(lambda: not is_linked(office.bob, office.ada))
        await office.list(office.ada, office.bob)
        await until(lambda: is_linked(office.ada, office.bob) and is_linked(office.bob, office.ada))


async def test_a_directory_that_expires_cuts_off_its_members():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        await office.list(office.ada, office.bob, expires_in=-1.0)
        assert not is_linked(office.ada, office.bob)


async def test_a_peer_of_an_invite_stays_when_the_directory_drops_it():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await pair(office.ada, office.bob)
        assert await office.list() == [[], [], []]
        assert is_linked(office.ada, office.bob)
        assert office.ada.store.peer(office.bob.node_id).origin == "invite"


async def test_a_lost_link_between_members_comes_back():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        await until(lambda: office.bob.peer(office.ada.node_id).addresses)
        office.network.cut()
        await until(lambda: is_linked(office.ada, office.bob) and is_linked(office.bob, office.ada))


async def test_a_blocked_member_stays_out():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        await office.connect(office.ada, office.bob)
        await office.ada.block(office.bob.node_id)
        await office.list(office.ada, office.bob)
        assert not is_linked(office.ada, office.bob)


# Members that are found.


def find(*hubs: PeerHub, source: str = "lobby") -> None:
    for hub in hubs:
        for other in hubs:
            hub.found(source, other.node_id, other.node_name, other.addresses())


@pytest.mark.parametrize("source", ["lan", "lobby"])
async def test_members_that_are_found_connect_by_themselves_and_strangers_do_not(source):
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        find(office.ada, office.bob, office.eve, source=source)
        await until(lambda: is_linked(office.ada, office.bob) and is_linked(office.bob, office.ada))
        assert len(office.network.links) == 2  # the two ends of one link
        for hub in (office.ada, office.bob):
            assert hub.store.peer(office.eve.node_id) is None
            assert office.eve.node_id in {node.node_id for node in hub.found_nodes()}
            assert office.eve.node_id not in hub._auto_connector._wanted()
        # eve has the directory too and dials its members; each of them keeps it out
        # (those with a lower id after half the time of a handshake, which is their turn to dial)
        await until(lambda: office.ada._connector.refused and office.bob._connector.refused, 15)
        assert not any(peer.status == "connected" for peer in office.eve.peers())


async def test_the_lower_id_dials_a_member_first():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        low, high = sorted((office.ada, office.bob), key=lambda hub: hub.node_id)
        find(high, low)
        await until(lambda: is_linked(low, high) and is_linked(high, low))
        assert low._peers.get(high.node_id).session.link.is_dialled


async def test_a_member_that_is_listed_after_it_was_found_is_dialled_then():
    async with an_office() as office:
        await office.list(office.ada)
        find(office.ada, office.bob)
        assert office.ada._auto_connector._wanted() == {}
        await office.list(office.ada, office.bob)
        await until(lambda: is_linked(office.ada, office.bob))


async def test_a_found_member_that_is_removed_is_cut_off_and_dialled_no_more():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        find(office.ada, office.bob)
        await until(lambda: is_linked(office.ada, office.bob))
        await office.list(office.ada)
        await until(lambda: not is_linked(office.ada, office.bob))
        find(office.ada, office.bob)
        assert office.bob.node_id not in office.ada._auto_connector._wanted()
        assert office.ada._peers.get(office.bob.node_id).dialling.is_resting


async def test_an_open_invite_makes_nobody_dial_whom_the_directory_does_not_list():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        office.ada.invites.mint()
        office.ada.found("lobby", office.eve.node_id, "eve", office.eve.addresses())
        assert office.ada._auto_connector._wanted() == {}


async def test_a_blocked_or_disconnected_member_is_not_dialled_because_it_was_found():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        find(office.ada, office.bob)
        await until(lambda: is_linked(office.ada, office.bob) and is_linked(office.bob, office.ada))
        await office.ada.disconnect(office.bob.node_id)
        await until(lambda: not is_linked(office.bob, office.ada))
        find(office.ada, office.bob)
        assert office.ada._auto_connector._wanted() == office.bob._auto_connector._wanted() == {}
        await office.ada.block(office.bob.node_id)
        office.ada.found("lan", office.bob.node_id, "bobby", office.bob.addresses())
        assert office.ada._auto_connector._wanted() == {}
        assert not is_linked(office.ada, office.bob)


async def test_an_impostor_of_a_found_member_gets_nothing():
    async with an_office() as office:
        await office.list(office.ada, office.bob)
        low, high = sorted((office.ada, office.bob), key=lambda hub: hub.node_id)
        low.found("lobby", high.node_id, "high", office.eve.addresses())
        # one attempt has failed, and the pause before the next is longer
        await until(
            lambda: any(backoff._pause_s > 0.05 for _, backoff in low._auto_connector._due.values())
        )
        assert low.peers() == []
        assert office.eve.peers() == []
