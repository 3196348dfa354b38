"""Groups of a broker: who joins, who is handed what, and the limits."""

from __future__ import annotations

import json
import os

import pytest

from jupyter_peer.relay.broker.groups import Groups
from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.wire.relay.frames import CLOSE, GROUP, JOIN, LEAVE, MAX_GROUP_FRAME, RelayFrame
from tests.relay.nodes import LINK, RawNode, nodes, relay

GROUP_ID = bytes(range(8, 16))
ADA, BOB, EVE = b"a" * 16, b"b" * 16, b"e" * 16


def tell(node: RawNode, kind: int, to: RawNode, link: bytes = LINK, payload: bytes = b"") -> None:
    node.send(to, payload, link, kind)


async def settled(node: RawNode) -> None:
    """Wait until the broker has handled all that a node has sent."""
    mark = os.urandom(8)
    node.send(node, mark)
    while bytes((await node.frame()).payload) != mark:
        pass


async def test_a_frame_goes_to_those_who_joined_each_by_its_own_link():
    async with relay() as url, nodes(url, 4) as (ada, bob, carol, eve):
        tell(ada, JOIN, ada, GROUP_ID)
        await settled(ada)
        for number, node in enumerate((bob, carol)):
            tell(node, JOIN, ada, bytes([number] * 8), GROUP_ID)
            await settled(node)
        tell(ada, GROUP, ada, GROUP_ID, b"sealed")
        for number, node in enumerate((bob, carol)):
            frame = await node.frame()
            assert (frame.kind, frame.src, frame.dst) == (GROUP, ada.id, node.id)
            assert frame.link == bytes([number] * 8)
            assert bytes(frame.payload) == GROUP_ID + b"sealed"
        await settled(eve)  # and nothing but its own mark has come


async def test_nobody_joins_a_group_that_is_not_open_nor_sends_to_that_of_another():
    async with relay() as url, nodes(url, 3) as (ada, bob, eve):
        tell(bob, JOIN, ada, LINK, GROUP_ID)
        await settled(bob)
        tell(ada, JOIN, ada, GROUP_ID)
        tell(ada, GROUP, ada, GROUP_ID, b"nobody has joined")
        await settled(ada)
        tell(bob, JOIN, ada, LINK, GROUP_ID)
        await settled(bob)
        # A member is no owner, and neither is a stranger.
        for other in (bob, eve):
            tell(other, GROUP, ada, GROUP_ID, b"forged")
            tell(other, GROUP, other, GROUP_ID, b"forged")
            await settled(other)
        tell(ada, GROUP, ada, GROUP_ID, b"sealed")
        assert bytes((await bob.frame()).payload) == GROUP_ID + b"sealed"


ENDS = {
    "the member leaves": lambda ada, bob: tell(bob, LEAVE, ada, LINK, GROUP_ID),
    "the owner takes it out": lambda ada, bob: tell(ada, LEAVE, bob, LINK, GROUP_ID),
    "the owner closes the group": lambda ada, bob: tell(ada, LEAVE, ada, GROUP_ID),
    "the member closes the link": lambda ada, bob: tell(bob, CLOSE, ada),
    "the owner closes the link": lambda ada, bob: tell(ada, CLOSE, bob),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_who_is_no_member_any_more_is_handed_nothing(end):
    async with relay() as url, nodes(url, 2) as (ada, bob):
        tell(ada, JOIN, ada, GROUP_ID)
        await settled(ada)
        tell(bob, JOIN, ada, LINK, GROUP_ID)
        await settled(bob)
        end(ada, bob)
        # What ada says of the end may only now be on its way to bob.
        for node in (ada, bob, ada):
            await settled(node)
        tell(ada, GROUP, ada, GROUP_ID, b"sealed")
        await settled(ada)
        mark = os.urandom(8)
        bob.send(bob, mark)
        assert bytes((await bob.frame()).payload) == mark


async def test_a_stranger_takes_nobody_out():
    async with relay() as url, nodes(url, 3) as (ada, bob, eve):
        tell(ada, JOIN, ada, GROUP_ID)
        await settled(ada)
        tell(bob, JOIN, ada, LINK, GROUP_ID)
        await settled(bob)
        for kind, to in ((LEAVE, bob), (LEAVE, ada), (CLOSE, ada)):
            tell(eve, kind, to, LINK, GROUP_ID)
        await settled(eve)
        tell(ada, GROUP, ada, GROUP_ID, b"sealed")
        assert bytes((await bob.frame()).payload) == GROUP_ID + b"sealed"


async def test_a_member_that_does_not_read_misses_frames_and_keeps_its_link():
    async with relay(max_group_queue=100_000) as url, nodes(url, 3) as (ada, bob, carol):
        tell(ada, JOIN, ada, GROUP_ID)
        await settled(ada)
        for node in (bob, carol):
            tell(node, JOIN, ada, LINK, GROUP_ID)
            await settled(node)
        content = os.urandom(50_000)
        for number in range(400):
            tell(ada, GROUP, ada, GROUP_ID, number.to_bytes(2, "big") + content)
            frame = await carol.frame()  # who reads is handed each of them
            assert frame.payload[8:10] == number.to_bytes(2, "big")
        ada.send(bob, b"last")
        got = []
        while (frame := await bob.frame()).kind == GROUP:
            got.append(int.from_bytes(frame.payload[8:10], "big"))
        assert bytes(frame.payload) == b"last"
        assert got == sorted(got)
        assert len(got) < 400


async def test_what_breaks_the_protocol_ends_the_connection():
    async with relay() as url, nodes(url, 1) as (ada,):
        tell(ada, GROUP, ada, GROUP_ID, bytes(MAX_GROUP_FRAME + 1))
        assert json.loads(str(await ada.read()))["error"]["code"] == "too_large"


async def test_a_relay_without_groups_says_so_by_silence_and_takes_no_frame_of_one():
    async with relay(max_group_members=0) as url, nodes(url, 1) as (ada,):
        tell(ada, JOIN, ada, GROUP_ID)
        assert json.loads(str(await ada.read()))["error"]["code"] == "malformed"


async def test_the_groups_of_a_node_that_is_gone_are_closed():
    async with relay() as url, nodes(url, 2) as (ada, bob):
        tell(ada, JOIN, ada, GROUP_ID)
        await settled(ada)
        tell(bob, JOIN, ada, LINK, GROUP_ID)
        await settled(bob)
        again = await RawNode.connect(url, ada.identity)
        tell(again, GROUP, again, GROUP_ID, b"of the life before")
        await settled(again)
        mark = os.urandom(8)
        bob.send(bob, mark)
        assert bytes((await bob.frame()).payload) == mark
        again.close()


def test_groups_and_members_are_bounded():
    groups = Groups(
        Limits(max_group_members=2, max_groups_of_node=2, max_groups=3, max_memberships=3)
    )
    for number in range(5):
        groups.open(ADA, bytes([number] * 8))
    assert len(groups) == 2
    groups.open(BOB, GROUP_ID)
    groups.open(EVE, GROUP_ID)
    assert len(groups) == 3
    for number in range(5):
        groups.join(ADA, bytes(8), bytes([number] * 16), LINK)
    assert len(groups.members(ADA, bytes(8))) == 2
    groups.join(BOB, GROUP_ID, EVE, LINK)
    groups.join(ADA, bytes([1] * 8), EVE, LINK)  # more than all groups together may have
    assert not groups.members(ADA, bytes([1] * 8))
    for node in (ADA, BOB, EVE, bytes(16), bytes([1] * 16)):
        groups.forget(node)
    assert len(groups) == 0
    assert (groups._of_owner, groups._of_member, groups.memberships) == ({}, {}, 0)


def test_a_node_is_once_in_a_group_by_its_newest_link():
    groups = Groups(Limits())
    groups.open(ADA, GROUP_ID)
    groups.join(ADA, GROUP_ID, BOB, LINK)
    groups.join(ADA, GROUP_ID, BOB, bytes(8))
    assert dict(groups.members(ADA, GROUP_ID)) == {BOB: bytes(8)}
    groups.end_link(BOB, ADA, LINK)
    assert groups.members(ADA, GROUP_ID)
    groups.end_link(ADA, BOB, bytes(8))
    assert not groups.members(ADA, GROUP_ID)
    groups.join(ADA, b"short", BOB, LINK)
    assert not groups.members(ADA, b"short")


def test_frames_of_groups_are_read_as_others():
    frame = RelayFrame(GROUP, "a" * 16, "b" * 16, LINK, b"x")
    assert RelayFrame.from_bytes(frame.to_bytes()) == frame
