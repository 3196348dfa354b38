"""Nodes that send and never read: what the broker would tell them does not pile up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jupyter_peer.errors import PeerError
from jupyter_peer.relay.backends.memory import MemoryBackend
from jupyter_peer.relay.broker.broker import Broker
from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.relay.broker.metrics import Metrics
from jupyter_peer.relay.proof import Proof
from jupyter_peer.sockets.frames import BINARY
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import DATA, RelayFrame
from tests.machine.waiting import until

ADA, BOB, EVE = (Identity.from_seed(bytes([each]) * 32).node_id for each in (1, 2, 3))
LINKS = 8


class Stuck:
    """A connection whose other side reads nothing at all."""

    address = "nowhere"
    is_guest = False
    read_at = 1e9
    is_pinged = False
    is_backed_up = True

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bytes = 0
        self.ended: list[str] = []
        self.carrier: Any = None
        self._is_over = asyncio.Event()

    def write(self, data: bytes) -> asyncio.Future[None]:
        self.bytes += len(data)
        return asyncio.get_running_loop().create_future()

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    async def carry(self, carrier: Any) -> None:
        self.carrier = carrier
        await self._is_over.wait()
        raise ConnectionResetError

    def end(self, code: int, reason: str) -> None:
        self.ended.append(reason)
        self._is_over.set()


@contextlib.asynccontextmanager
async def stuck(*ids: str, **limits: float) -> AsyncIterator[tuple[Broker, list[Stuck]]]:
    """Yield a broker and a connection for each of these nodes."""
    broker = Broker(Limits(max_links=LINKS, drain_s=0, **limits), MemoryBackend(), Metrics())
    broker.start()
    connections = [Stuck() for _ in ids]
    serving = [
        asyncio.ensure_future(broker.serve(each, Proof(node_id, b"", lambda **_: "")))  # type: ignore[arg-type]
        for node_id, each in zip(ids, connections, strict=True)
    ]
    await until(lambda: all(each.carrier for each in connections))
    try:
        yield broker, connections
    finally:
        await broker.close()
        await asyncio.gather(*serving, return_exceptions=True)


def send(connection: Stuck, src: str, dst: str, number: int) -> None:
    with contextlib.suppress(PeerError):
        frame = RelayFrame(DATA, dst, src, number.to_bytes(8, "big"), b"x").to_bytes()
        connection.carrier.take(BINARY, memoryview(frame))


async def test_links_that_are_refused_do_not_pile_up_for_who_does_not_read_that():
    async with stuck(ADA, hold_node=0) as (broker, (ada,)):
        for number in range(1000):
            send(ada, ADA, EVE, number)
            if number % 10 == 0:
                ada.carrier.taken()
        assert ada.ended == ["overflow"]
        assert broker._queued == 0
        await until(lambda: broker.nodes == 0)


async def test_one_link_that_is_refused_again_and_again_does_not_pile_up_either():
    async with stuck(ADA, hold_node=0, max_link_queue=4096) as (broker, (ada,)):
        for _ in range(1000):
            send(ada, ADA, EVE, 1)
            ada.carrier.taken()
        assert ada.ended == ["overflow"]
        assert broker._queued == 0


async def test_links_to_who_does_not_read_are_few_and_it_is_not_cut_off_for_them():
    async with stuck(ADA, BOB) as (broker, (ada, bob)):
        for number in range(LINKS + 4):
            send(ada, ADA, BOB, number)
            ada.carrier.taken()
        # the first fills the socket, so many wait, and of the rest the sender is told
        assert broker._nodes[BOB.encode()].outbox.lanes == LINKS
        assert broker._nodes[ADA.encode()].outbox.lanes <= 4
        assert broker._metrics.links_ended["overflow"] == 3
        assert ada.ended == bob.ended == []
        for number in range(1000):
            send(ada, ADA, BOB, number)
        assert ada.ended == ["overflow"]
        assert bob.ended == []
        assert broker._nodes[BOB.encode()].outbox.lanes == LINKS


@pytest.mark.parametrize("backed_up", [True, False])
async def test_notices_of_what_could_not_be_delivered_are_bounded_for_who_does_not_read(backed_up):
    async with stuck(ADA, hold_s=0.01) as (broker, (ada,)):
        ada.is_backed_up = backed_up
        for number in range(3 * LINKS):
            send(ada, ADA, EVE, number)
        await until(lambda: broker._metrics.undeliverable == 3 * LINKS)
        assert ada.ended == (["overflow"] * len(ada.ended) if backed_up else [])
        assert bool(ada.ended) == backed_up
        assert len(ada.texts) == 1 + (LINKS if backed_up else 3 * LINKS)
