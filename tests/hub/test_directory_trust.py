"""Hubs that let in the members of a directory."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import pytest

from jupyter_peer.errors import NotTrustedError
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.transports.loopback import LoopbackNetwork
from jupyter_peer.trust.base import CombinedPolicy
from jupyter_peer.trust.directory import DirectoryPolicy
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.wire.directory import Directory, Member
from tests.hubs import make_hub, pair, running
from tests.waiting import until


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
        )
        both = CombinedPolicy([InvitePolicy(hub.store), DirectoryPolicy(lambda: self.current)])
        hub._book._policy = hub._admission._policy = both
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
