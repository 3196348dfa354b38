"""What every transport must do, whatever is below it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest

from jupyter_peer.errors import LinkClosedError, UnreachableError
from jupyter_peer.relay.backends.nats import NatsBackend
from jupyter_peer.transports.base import PeerLink, Transport
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.link.identity import Identity
from tests.machine.needs import needs_module
from tests.machine.waiting import PATIENCE_S, until
from tests.peers.loopback import LoopbackNetwork
from tests.relay.nats_server import nats_server
from tests.relay.nodes import relay as running_relay
from tests.transports.lan.lan_nodes import LanNode
from tests.transports.webrtc.webrtc_nodes import (
    ADDRESS,
    ENGINES,
    MemoryLobby,
    WebRtcNode,
    on_loopback,
)


class Kind(NamedTuple):
    """Two transports of a kind.

    Attributes:
        here: Dials.
        there: Is dialled.
        address: Returns where.
        node_id: Whom, for transports that route by it.
        is_ready: Returns whether the second can be dialled now.
    """

    here: Transport
    there: Transport
    address: Callable[[], str]
    node_id: str | None = None
    is_ready: Callable[[], bool] = lambda: True


@contextlib.asynccontextmanager
async def loopback() -> AsyncIterator[Kind]:
    network = LoopbackNetwork()
    here, there = network.transport("here"), network.transport("there")
    yield Kind(here, there, lambda: "loopback:there")
    await here.close()
    await there.close()


@contextlib.asynccontextmanager
async def direct() -> AsyncIterator[Kind]:
    here, there = DirectTransport(), DirectTransport()
    ((host, port),) = there.listen("127.0.0.1", 0)
    yield Kind(here, there, lambda: f"ws://{host}:{port}/peer-ws")
    await here.close()
    await there.close()


@contextlib.asynccontextmanager
async def lan() -> AsyncIterator[Kind]:
    here, there = LanNode(), LanNode()
    yield Kind(here, there, lambda: f"lan:ws://127.0.0.1:{there.port}/peer-ws")
    await here.close()
    await there.close()


@contextlib.asynccontextmanager
async def relay() -> AsyncIterator[Kind]:
    ada, bob = (Identity.from_seed(os.urandom(32)) for _ in range(2))
    async with running_relay(hold_s=0.3) as url:
        here, there = RelayTransport(ada, url), RelayTransport(bob, url)
        yield Kind(here, there, lambda: f"relay:{url}", bob.node_id, lambda: there.is_registered)
        await here.close()
        await there.close()


def webrtc(here_engine: str, there_engine: str) -> Callable[[], Any]:
    @contextlib.asynccontextmanager
    async def kind() -> AsyncIterator[Kind]:
        for module in (*ENGINES[here_engine].needs, *ENGINES[there_engine].needs):
            needs_module(module, "webrtc-fast")
        lobby = MemoryLobby()
        here = WebRtcNode(lobby, engine=ENGINES[here_engine])
        there = WebRtcNode(lobby, engine=ENGINES[there_engine])
        with on_loopback():
            yield Kind(here, there, lambda: ADDRESS, there.node_id)
            await here.close()
            await there.close()

    return kind


@contextlib.asynccontextmanager
async def two_brokers() -> AsyncIterator[Kind]:
    ada, bob = (Identity.from_seed(os.urandom(32)) for _ in range(2))
    with nats_server() as nats:
        backends = [NatsBackend([nats.url]) for _ in range(2)]
        async with (
            running_relay(backends[0], hold_s=0.3) as one,
            running_relay(backends[1], hold_s=0.3) as other,
        ):
            here, there = RelayTransport(ada, one), RelayTransport(bob, other)
            yield Kind(
                here, there, lambda: f"relay:{one}", bob.node_id, lambda: there.is_registered
            )
            await here.close()
            await there.close()


KINDS = {
    "loopback": loopback,
    "direct": direct,
    "lan": lan,
    "relay": relay,
    "two brokers": two_brokers,
    "webrtc": webrtc("python", "python"),
    "webrtc, native": webrtc("native", "native"),
    "webrtc, native to python": webrtc("native", "python"),
    "webrtc, python to native": webrtc("python", "native"),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@contextlib.asynccontextmanager
async def linked(kind) -> AsyncIterator[tuple[PeerLink, PeerLink]]:
    """Yield both ends of one link."""
    accepted: asyncio.Queue[PeerLink] = asyncio.Queue()

    async def accept(link: PeerLink) -> None:
        accepted.put_nowait(link)

    async def refuse(link: PeerLink) -> None:
        raise AssertionError("nobody dials this side")

    async with kind() as (here, there, address, node_id, is_ready):
        await here.start(refuse)
        await there.start(accept)
        await until(is_ready)
        assert here.can_dial(address())
        dialled = await here.dial(address(), node_id)
        incoming = await asyncio.wait_for(accepted.get(), PATIENCE_S)
        yield dialled, incoming
        await dialled.close()
        await incoming.close()


async def test_frames_arrive_whole_and_in_order_in_both_directions(kind):
    async with linked(kind) as (here, there):
        here.max_frame = there.max_frame = 70_000
        for one, other in ((here, there), (there, here)):
            frames = [b"", b"x", "text äö", bytes(range(256)) * 256, b"z" * 126, b"y" * 125]
            one.send(frames[:3])
            one.send(frames[3:])
            assert [await asyncio.wait_for(other.recv(), PATIENCE_S) for _ in frames] == frames


async def test_a_link_knows_which_side_dialled_and_names_its_transport(kind):
    async with linked(kind) as (here, there):
        assert here.is_dialled
        assert not there.is_dialled
        assert here.transport == there.transport
        assert here.priority == there.priority


async def test_attached_frames_come_one_after_the_other_is_handled(kind):
    async with linked(kind) as (here, there):
        gate = asyncio.Event()
        begun: list[bytes] = []

        async def slow(frame: bytes) -> None:
            begun.append(frame)
            await gate.wait()

        there.attach(slow, lambda reason: None)
        here.send([b"1", b"2", b"3"])
        await until(lambda: begun)
        for _ in range(20):
            await asyncio.sleep(0)
        assert begun == [b"1"]
        gate.set()
        await until(lambda: begun == [b"1", b"2", b"3"])


async def test_a_reader_that_stops_backs_the_writer_up_and_nothing_is_lost(kind):
    async with linked(kind) as (here, there):
        there.max_frame = 70_000
        gate = asyncio.Event()
        got = 0

        async def slow(frame: bytes) -> None:
            nonlocal got
            await gate.wait()
            got += len(frame)

        there.attach(slow, lambda reason: None)
        sent = 0
        # more than any socket buffer of this machine holds
        while not here.is_backed_up:
            here.send([bytes(60_000)])
            sent += 60_000
            assert sent < 64 * 1024 * 1024, "the link never backs up"
            await asyncio.sleep(0)
        writable = asyncio.Event()
        here.on_writable(writable.set)
        await asyncio.sleep(0)
        assert not writable.is_set()
        gate.set()
        await asyncio.wait_for(writable.wait(), PATIENCE_S)
        await until(lambda: got == sent)


async def test_closing_one_end_ends_the_other_once(kind):
    async with linked(kind) as (here, there):
        reasons: list[str] = []
        there.attach(lambda frame: None, reasons.append)
        await here.close("done")
        await here.close("again")
        await until(lambda: there.is_closed)
        await there.close()
        assert len(reasons) == 1
        with pytest.raises(LinkClosedError):
            here.send([b"x"])
        with pytest.raises(LinkClosedError):
            there.send([b"x"])


async def test_recv_on_a_closed_link_gives_what_came_before_and_then_an_error(kind):
    async with linked(kind) as (here, there):
        here.send([b"last words"])
        await until(lambda: there._waiting)
        await here.close()
        await until(lambda: there.is_closed)
        assert await there.recv() == b"last words"
        with pytest.raises(LinkClosedError):
            await there.recv()


async def test_a_frame_over_the_limit_closes_the_link(kind):
    async with linked(kind) as (here, there):
        here.send([b"x" * 16 * 1024])
        assert len(await there.recv()) == 16 * 1024
        here.send([b"x" * (16 * 1024 + 1)])
        await until(lambda: there.is_closed)


async def test_more_frames_than_a_handshake_has_close_the_link(kind):
    async with linked(kind) as (here, there):
        here.send([b"x"] * 50)
        await until(lambda: there.is_closed)


async def test_frames_right_behind_a_handshake_wait_for_the_side_that_dialled(kind):
    """Whoever was let in may be told a lot before it has read that it is."""
    async with linked(kind) as (here, there):
        sent = [bytes([n]) * 1000 for n in range(200)]
        for n in range(0, 200, 5):
            there.send(sent[n : n + 5])
            await asyncio.sleep(0)
        got = [await here.recv() for _ in range(3)]
        rest: list[bytes] = []
        here.attach(rest.append, lambda reason: None)
        await until(lambda: len(rest) == 197)
        assert got + rest == sent
        assert not here.is_closed


async def test_an_address_where_nothing_listens_is_unreachable(kind):
    async with kind() as (here, there, address, node_id, _):
        await here.start(lambda link: None)
        gone = address()
        await there.close()
        with pytest.raises(UnreachableError):
            await here.dial(gone, node_id)


async def test_closing_a_transport_closes_its_links_and_leaves_no_task(kind):
    before = asyncio.all_tasks()
    async with linked(kind) as (here, there):
        assert not here.is_closed
    await until(lambda: here.is_closed and there.is_closed)
    await until(lambda: not (asyncio.all_tasks() - before))
    gc.collect()
