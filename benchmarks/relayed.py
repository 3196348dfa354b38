"""P8, P10 and S4: links over a relay, and the cost of idle nodes at a relay."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec

from jupyter_peer.errors import LinkClosedError, WireError
from jupyter_peer.sockets.frames import Payload
from jupyter_peer.sockets.websocket import NORMAL, to_text
from jupyter_peer.transports.direct.websocket import open_websocket
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import Registration

from .figures import Figure, Goal, figure, growth, held, held_rate, median, percentile
from .guests import invite_guest
from .hub_link import HubLink
from .links import JSON, KIB, MIB, OURS, PANE_EVERY_S, Bulk, compare, echo_time, rate
from .nats_server import start_nats
from .node import PATIENCE_S, start_node
from .processes import Program, watched
from .raw import RawLink
from .sweeps import FLAT, sweep
from .workbench import Workbench

FORWARDER = "raw tornado forwarder"
REGISTERED = (1, 100, 500, 1000, 2000)
BULK = 64 * KIB
# Sealed messages are cut into fragments; on the JSON wire a relay frame limits the message.
BULK_BESIDE_PANE = {True: 8 * MIB, False: 320 * KIB}

#: Small messages, bulk and added latency; a cluster has no held figures yet.
_HELD = {"one broker": (held_rate(14), held_rate(3.2), held(0.7))}


class Relayed(msgspec.Struct, frozen=True):
    """Links over a relay, and raw links as their baseline."""

    ours: HubLink
    plain: HubLink
    echo: RawLink
    count: RawLink


@asynccontextmanager
async def _relayed(bench: Workbench, brokers: list[Program]) -> AsyncIterator[Relayed]:
    """Connect over the first and the last of the brokers, which may be the same."""
    wire = await bench.wire()
    here, there = broker_url(brokers[0]), broker_url(brokers[-1])
    async with AsyncExitStack() as stack:
        links = []
        for sealed in (True, False):
            name = f"relayed-{bench.number()}"
            node = await start_node(bench.folder, name, sealed=sealed, relay_url=here)
            stack.push_async_callback(node.close)
            links.append(await invite_guest(node, wire.ours, sealed=sealed, relay_url=there))
        forwarder = await Program.start("-m", "benchmarks.forwarder", str(wire.raw_port))
        stack.push_async_callback(forwarder.stop)
        port = int(forwarder.first_line)
        echo, count = await RawLink.open(port, "echo"), await RawLink.open(port, "count")
        stack.callback(echo.close)
        stack.callback(count.close)
        yield Relayed(links[0], links[1], echo, count)


async def start_broker(stack: AsyncExitStack, *nats: str) -> Program:
    """Start a relay, joined with others through a NATS server; its URL is its first line."""
    broker = await Program.start("-m", "benchmarks.broker", *nats)
    stack.push_async_callback(broker.stop)
    return broker


def broker_url(broker: Program) -> str:
    """Return the URL of a relay."""
    return broker.first_line.decode().strip()


async def over_relay(bench: Workbench) -> list[Figure]:
    """P8: small messages, bulk, a pane beside bulk, and latency, over one broker."""
    bench.step("starts a relay", 0.0)
    async with AsyncExitStack() as stack:
        brokers = [await start_broker(stack)]
        async with _relayed(bench, brokers) as links:
            return await _over(bench, links, "one broker")


async def over_two_brokers(bench: Workbench) -> list[Figure]:
    """P8N: the same with two brokers joined by NATS, one for each node."""
    bench.step("starts nats-server and two relays", 0.0)
    async with AsyncExitStack() as stack:
        nats = await start_nats(stack, bench.folder)
        brokers = [await start_broker(stack, nats) for _ in range(2)]
        async with _relayed(bench, brokers) as links:
            return await _over(bench, links, "two brokers")


async def _over(bench: Workbench, links: Relayed, where: str) -> list[Figure]:
    wire = await bench.wire()
    title = f"P8{'N' if where == 'two brokers' else ''} over {where}"
    small, many, few = b"x" * 200, bench.pick(20_000, 200), bench.pick(2_000, 20)
    rates = await bench.alternate(
        {
            OURS: partial(rate, links.ours, small, many),
            JSON: partial(rate, links.plain, small, few),
            FORWARDER: partial(rate, links.count, small, many),
        }
    )
    small_goal, bulk_goal, added_goal = _HELD.get(where, (None, None, None))
    goals = {JSON: small_goal, FORWARDER: None}
    figures = compare(rates, f"{title}, messages of 200 B a second", "1/s", goals)
    bulk, count = os.urandom(BULK), bench.pick(512, 4)
    rates = await bench.alternate(
        {
            OURS: partial(rate, links.ours, bulk, count),
            JSON: partial(rate, links.plain, bulk, count // 4),
            FORWARDER: partial(rate, links.count, bulk, count),
        }
    )
    goals = {JSON: bulk_goal, FORWARDER: None}
    figures += compare(rates, f"{title}, bulk in 64 KiB", "MiB/s", goals, scale=BULK / MIB)
    late = await bench.alternate(
        {OURS: partial(_busy, bench, links.ours), JSON: partial(_busy, bench, links.plain)}
    )
    name = f"{title}, pane at 20 Hz beside bulk, p99"
    figures += compare(late, name, "ms", {JSON: None}, scale=1e3)
    payload, trips = b"x" * 64, bench.pick(200, 5)
    times = await bench.alternate(
        {
            "over the relay": partial(echo_time, links.ours, payload, trips),
            "direct": partial(echo_time, wire.ours, payload, trips),
            FORWARDER: partial(echo_time, links.echo, payload, trips),
            "raw": partial(echo_time, wire.echo, payload, trips),
        }
    )
    ours, direct = median(times["over the relay"]) * 1e3, median(times["direct"]) * 1e3
    added = (median(times[FORWARDER]) - median(times["raw"])) * 1e3
    name = f"{title}, added to a round trip of 64 B"
    return [*figures, figure(name, "ms", ours - direct, max(added, 1e-3), FORWARDER, added_goal)]


async def _busy(bench: Workbench, link: HubLink) -> float:
    bulk = Bulk(link, BULK_BESIDE_PANE[bool(link.hub.peer(link.peer_id).sealed)])
    bulk.start()
    try:
        late_s = await link.lateness(4.0 if not bench.quick else 0.3, PANE_EVERY_S)
    finally:
        await bulk.stop()
    return percentile(late_s, 0.99)


class Crowd:
    """Idle nodes that are registered at a relay.

    Args:
        broker: The relay.
    """

    def __init__(self, broker: Program) -> None:
        self._url = broker_url(broker) + "/relay-ws"
        self._nodes: list[Registered] = []

    async def grow(self, count: int) -> None:
        """Register nodes until this number is reached."""
        while len(self._nodes) < count:
            some = min(16, count - len(self._nodes))
            self._nodes += await asyncio.gather(*(register(self._url) for _ in range(some)))

    def close(self) -> None:
        """Hang up."""
        for node in self._nodes:
            node.close()
        self._nodes.clear()


class Registered:
    """One idle node; made by :func:`register`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._registration = Registration(Identity.from_seed(os.urandom(32)))
        self._is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Register.

        Raises:
            WireError: The relay refuses.
        """
        self._socket = await open_websocket(self.url, self, ssl_context=None, max_message=MIB)
        self._socket.send_text(self._registration.begin())
        async with asyncio.timeout(PATIENCE_S):
            await self._is_done

    def on_message(self, opcode: int, payload: Payload) -> None:
        """Continue the registration."""
        if self._is_done.done():
            return
        try:
            answer = self._registration.receive(to_text(payload))
        except Exception as error:
            self._is_done.set_exception(error)
            return
        if answer is None:
            self._is_done.set_result(None)
        else:
            self._socket.send_text(answer)

    def on_read(self) -> None:
        """Do nothing more."""

    def on_broken(self, error: WireError) -> None:
        """End: nothing more can be read."""
        self._socket.abort()

    def on_end(self) -> None:
        """Record that the relay has hung up."""
        if not self._is_done.done():
            self._is_done.set_exception(LinkClosedError())

    def close(self) -> None:
        """Hang up."""
        self._socket.end(NORMAL)


async def register(url: str) -> Registered:
    """Return a registered node."""
    node = Registered(url)
    await node.open()
    return node


def memory_of(program: Program) -> int:
    """Return the resident bytes of a program.

    Raises:
        NotEnabledError: psutil is not installed.
    """
    return int(watched(program.pid).memory_info().rss)


async def idle_nodes(bench: Workbench) -> list[Figure]:
    """P10: memory of a relay for 2,000 registered nodes."""
    async with AsyncExitStack() as stack:
        broker = await start_broker(stack)
        return await _idle(bench, broker, "P10 relay's memory", held(5.6, "KiB"))


async def idle_nodes_of_cluster(bench: Workbench) -> list[Figure]:
    """P10N: the same at one of two brokers that are joined by NATS."""
    async with AsyncExitStack() as stack:
        nats = await start_nats(stack, bench.folder)
        brokers = [await start_broker(stack, nats) for _ in range(2)]
        return await _idle(bench, brokers[0], "P10N memory of one of two brokers")


async def _idle(
    bench: Workbench, broker: Program, title: str, goal: Goal | None = None
) -> list[Figure]:
    count = bench.pick(2000, 20)
    async with AsyncExitStack() as nodes:
        crowd = Crowd(broker)
        nodes.callback(crowd.close)
        await crowd.grow(10)  # memory that only the first nodes need
        before = memory_of(broker)
        for step in range(10):
            bench.step(f"registers {count:,} nodes", step / 10)
            await crowd.grow(10 + count * (step + 1) // 10)
        grown = (memory_of(broker) - before) / KIB / count
    name = f"{title} for each of {count:,} idle nodes"
    return [figure(name, "KiB", grown, goal=goal)]


async def by_registered(bench: Workbench) -> list[Figure]:
    """S4: a round trip over a relay with 1 to 2,000 registered nodes, and its memory."""
    counts = REGISTERED if not bench.quick else (*REGISTERED[:1], 5)
    async with AsyncExitStack() as stack:
        broker = await start_broker(stack)
        crowd = Crowd(broker)
        stack.callback(crowd.close)
        async with _relayed(bench, [broker]) as links:
            empty = memory_of(broker)
            memory: dict[int, float] = {}

            async def trip(count: int) -> float:
                # The nodes of the last round have left, so points are independent.
                crowd.close()
                await crowd.grow(count)
                memory[count] = max(memory_of(broker) - empty, 1) / MIB
                return await echo_time(links.ours, b"x" * 64, bench.pick(100, 3))

            name = "S4 round trip over a relay by registered nodes"
            times = await sweep(bench, name, "ms", counts, trip, 1e3, rounds=1)
    for count, size in memory.items():
        bench.point("S4 relay's memory by registered nodes", count, size, "MiB")
    exponent = growth(counts, times)
    return [
        figure("S4 growth of a round trip by registered nodes", "exponent", exponent, goal=FLAT)
    ]
