"""What a broker does with frames, node by node, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest

from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import CLOSE, TTL, RelayFrame, Undeliverable, read_notice
from tests.machine.waiting import until
from tests.relay.nodes import LINK, RawNode, nodes, relay

NOBODY = Identity.from_seed(bytes(32)).node_id


async def test_frames_arrive_in_order_with_one_hop_less_and_untouched():
    async with relay() as url, nodes(url) as (ada, bob):
        payloads = [b"", b"x", os.urandom(65_000), b"last"]
        for payload in payloads:
            ada.send(bob, payload)
        for payload in payloads:
            frame = await bob.frame()
            assert (frame.src, frame.dst, frame.link) == (ada.id, bob.id, LINK)
            assert bytes(frame.payload) == payload
            assert frame.ttl == TTL - 1
        bob.close_link(ada)
        frame = await ada.frame()
        assert frame.kind == CLOSE
        assert frame.reason == "done"


async def test_a_frame_without_hops_left_goes_no_further():
    async with relay() as url, nodes(url) as (ada, bob):
        ada.send_raw(RelayFrame(0, bob.id, ada.id, LINK, b"late", ttl=0).to_bytes())
        ada.send_raw(RelayFrame(0, bob.id, ada.id, LINK, b"good", ttl=1).to_bytes())
        frame = await bob.frame()
        assert bytes(frame.payload) == b"good"
        assert frame.ttl == 0


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda ada, bob: RelayFrame(0, bob.id, bob.id, LINK).to_bytes(), "bad_identity"),
        (lambda ada, bob: RelayFrame(0, bob.id, NOBODY, LINK).to_bytes(), "bad_identity"),
        (lambda ada, bob: b"\x01\x00", "malformed"),
        (
            lambda ada, bob: b"\x02" + RelayFrame(0, bob.id, ada.id, LINK).to_bytes()[1:],
            "malformed",
        ),
        (
            lambda ada, bob: b"\x01\x07" + RelayFrame(0, bob.id, ada.id, LINK).to_bytes()[2:],
            "malformed",
        ),
        (
            lambda ada, bob: (
                RelayFrame(0, bob.id, ada.id, LINK)
                .to_bytes()
                .replace(bob.id.encode(), b"\xff" * 16)
            ),
            "malformed",
        ),
        (lambda ada, bob: "text", "protocol"),
        (lambda ada, bob: bytes(512 * 1024 + 1), "too_large"),
    ],
    ids=["other source", "unknown source", "short", "version", "kind", "node id", "text", "large"],
)
async def test_a_node_that_breaks_the_protocol_hears_why_and_is_cut_off(make, code):
    async with relay() as url, nodes(url) as (ada, bob):
        ada.send_raw(make(ada, bob))
        with pytest.raises(BaseException) as caught:
            read_notice(str(await ada.read()))
        assert caught.value.code == code
        assert await ada.read() is None
        # and nobody else is touched
        bob.send(bob, b"still here")
        assert bytes((await bob.frame()).payload) == b"still here"


async def test_frames_for_an_absent_node_are_held_and_come_in_order_when_it_is_there():
    absent = Identity.from_seed(os.urandom(32))
    async with relay() as url, nodes(url, 1) as (ada,):
        for number in range(5):
            ada.send(absent.node_id, b"%d" % number)
        ada.send(absent.node_id, b"other link", link=b"8 bytes!")
        bob = await RawNode.connect(url, absent)
        got = [bytes((await bob.frame()).payload) for _ in range(6)]
        assert got == [b"0", b"1", b"2", b"3", b"4", b"other link"]
        ada.send(bob, b"live")
        assert bytes((await bob.frame()).payload) == b"live"
        bob.close()


async def test_what_is_held_too_long_is_undeliverable():
    async with relay(hold_s=0.1) as url, nodes(url, 1) as (ada,):
        ada.send(NOBODY, b"hello")
        ada.send(NOBODY, b"again")
        assert read_notice(str(await ada.read())) == Undeliverable(NOBODY, LINK)
        bob = await RawNode.connect(url, Identity.from_seed(bytes(32)))
        ada.send(bob, b"new")
        assert bytes((await bob.frame()).payload) == b"new"
        bob.close()


async def test_a_link_that_holds_too_much_ends_and_no_other():
    async with relay(hold_node=20_000) as url, nodes(url, 1) as (ada,):
        ada.send(NOBODY, b"small", link=b"8 bytes!")
        for _ in range(3):
            ada.send(NOBODY, bytes(8_000))
        frame = await ada.frame()
        assert (frame.kind, frame.src, frame.link, frame.reason) == (
            CLOSE,
            NOBODY,
            LINK,
            "overflow",
        )
        bob = await RawNode.connect(url, Identity.from_seed(bytes(32)))
        assert bytes((await bob.frame()).payload) == b"small"
        bob.close()


async def test_a_node_that_does_not_read_loses_that_link_and_stalls_nobody():
    async with relay(max_link_queue=256 * 1024) as url, nodes(url, 3) as (ada, bob, eve):
        # eve reads nothing
        ended = asyncio.ensure_future(ada.frame())
        sent = 0
        while not ended.done():
            ada.send(eve, bytes(60_000))
            ada.send(bob, b"%d" % sent, link=b"8 bytes!")
            assert bytes((await bob.frame()).payload) == b"%d" % sent
            sent += 1
            assert sent < 2_000, "the queue never overflows"
        frame = ended.result()
        assert (frame.kind, frame.src, frame.link, frame.reason) == (
            CLOSE,
            eve.id,
            LINK,
            "overflow",
        )
        # what eve gets is the beginning of the link without a gap, and its end
        ada.send(eve, b"another link", link=b"8 bytes!")
        got = [await eve.frame()]
        while got[-1].payload != b"another link":
            got.append(await eve.frame())
        kinds = [frame.kind for frame in got if frame.link == LINK]
        assert kinds.count(CLOSE) == 1
        assert len(kinds) - kinds.index(CLOSE) <= sent - kinds.index(CLOSE)


async def test_a_second_proof_of_one_id_replaces_the_first():
    async with relay() as url, nodes(url) as (ada, bob):
        again = await RawNode.connect(url, bob.identity)
        assert await bob.read() is None
        assert bob.socket.connection.close_reason == "replaced"
        ada.send(bob, b"to whom")
        assert bytes((await again.frame()).payload) == b"to whom"
        again.close()


async def test_a_silent_node_is_pinged_and_dropped_when_it_does_not_answer():
    async with relay(idle_s=0.3) as url, nodes(url, 1) as (ada,):
        deaf = await RawNode.connect(url)
        mute = deaf.socket.connection
        mute._is_closing = True  # no pongs
        await until(lambda: mute.is_ended)
        deaf.close()
        ada.send(ada, b"still here")
        assert bytes((await ada.frame()).payload) == b"still here"


async def test_a_node_over_its_rate_is_slowed_down_and_loses_nothing():
    loop = asyncio.get_running_loop()
    async with relay(rate=100_000, burst_s=0.5) as url, nodes(url) as (ada, bob):
        began = loop.time()
        for _ in range(20):
            ada.send(bob, bytes(10_000))
        for _ in range(20):
            assert len((await bob.frame()).payload) == 10_000
        # all but the burst and the last read, of 64 KiB at most, have to be waited for
        assert loop.time() - began > 0.5


async def test_when_it_ends_it_hands_out_what_is_queued_and_says_so():
    async with contextlib.AsyncExitStack() as stack, contextlib.AsyncExitStack() as connected:
        url = await stack.enter_async_context(relay(max_link_queue=1 << 25))
        ada, bob = await connected.enter_async_context(nodes(url))
        sent = 300
        for number in range(sent):  # bob does not read yet: most of it waits in the relay
            ada.send(bob, number.to_bytes(4, "big") * 16_000)
            await asyncio.sleep(0)
        ada.send(ada, b"what came before is taken")
        await ada.frame()
        ending = asyncio.ensure_future(stack.aclose())
        for number in range(sent):
            assert bytes((await bob.frame()).payload[:4]) == number.to_bytes(4, "big")
        assert await bob.read() is None
        assert bob.socket.connection.close_code == 1012
        await ending
