"""U3 and U5: a viewer that cannot keep up, and one whose link was cut."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..hub.config import HubConfig
from ..panes.state import PaneCursor
from .figures import Figure, Goal, figure, median, percentile
from .node import PATIENCE_S, start_node
from .owner import PANE, Following
from .relayed import broker_url, start_broker
from .workbench import Workbench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..panes.watch import Watch

MIB = 1024 * 1024
RATE = 1000.0
INTERVAL_S = 0.1


@asynccontextmanager
async def _following(
    bench: Workbench, name: str, relay_url: str | None = None
) -> AsyncIterator[Following]:
    wire = await bench.wire()
    node = await start_node(bench.folder, f"{name}-{bench.number()}", relay_url=relay_url)
    following = Following(node, (wire.node.hub, wire.ours.peer_id), relay_url)
    try:
        await following.begin()
        yield following
    finally:
        await following.close()


def _newest(watch: Watch) -> Any:
    outputs = watch.state.outputs.outputs
    return json.loads(outputs[-1]["data"]["text/plain"]) if outputs else None


async def slow_viewer(bench: Workbench) -> list[Figure]:
    """U3: 1,000 updates a second for 10 s to a viewer that looks ten times a second."""
    seconds = 10.0 if not bench.quick else 0.6
    ages: list[float] = []
    async with _following(bench, "slow") as following:
        watch = await following.watcher.open(following.owner_id, PANE)
        cursor = PaneCursor(watch.state)
        speech = asyncio.ensure_future(following.speak(seconds, RATE, 200))
        begun = time.monotonic()
        has_all = 0.0
        said: dict[str, float] = {}
        while not has_all and time.monotonic() < begun + seconds + PATIENCE_S:
            await asyncio.sleep(INTERVAL_S)
            bench.step("1,000 updates a second", (time.monotonic() - begun) / seconds)
            cursor.next()
            newest = _newest(watch)
            if newest is None:
                continue
            if speech.done():
                said = said or speech.result()
                has_all = time.monotonic() if newest["number"] == said["said"] else 0.0
            else:
                ages.append(time.monotonic() - newest["at"])
        said = said or await speech
    late = (has_all - said["last"]) / INTERVAL_S if has_all else PATIENCE_S / INTERVAL_S
    title = f"U3 {said['said'] / seconds:,.0f} updates a second"
    return [
        figure(
            f"{title}, newest state at the viewer",
            "intervals",
            late,
            goal=Goal(2, unit="intervals"),
        ),
        figure(
            f"{title}, age of what is seen, p99",
            "ms",
            percentile(ages, 0.99) * 1e3,
            INTERVAL_S * 1e3,
            "an interval",
            Goal(2),
        ),
        figure(
            f"{title}, owner's memory grows", "MiB", said["grown"] / MIB, goal=Goal(2, unit="MiB")
        ),
    ]


async def reconnect(bench: Workbench) -> list[Figure]:
    """U5: from a cut link to the first fresh update of a pane, on each transport."""
    figures = [await _reconnect(bench, "direct", None)]
    async with AsyncExitStack() as stack:
        broker = await start_broker(stack)
        figures.append(await _reconnect(bench, "relay", broker_url(broker)))
    return figures


async def _reconnect(bench: Workbench, path: str, relay_url: str | None) -> Figure:
    times: list[float] = []
    trips: list[float] = []
    count = bench.pick(9, 2)
    async with _following(bench, "cut", relay_url) as following:
        node, owner_id = following.node, following.owner_id
        watch = await following.watcher.open(owner_id, PANE)
        speech = asyncio.ensure_future(following.speak(bench.pick(15, 3), 100.0, 200))
        for number in range(count):
            bench.step(f"cuts the link, {path}, {number + 1} of {count}", number / count)
            trips.append(await node.hub.ping(owner_id, PATIENCE_S))
            fresh = asyncio.Event()
            cut = time.monotonic()

            def look(cut: float = cut, fresh: asyncio.Event = fresh) -> None:
                newest = _newest(watch)
                if newest is not None and newest["at"] > cut:
                    fresh.set()

            unsubscribe = watch.subscribe(look)
            node.transport.cut()
            await asyncio.wait_for(fresh.wait(), PATIENCE_S)
            times.append(time.monotonic() - cut)
            unsubscribe()
        await speech
    limit = HubConfig().backoff_s + 3 * median(trips)
    return figure(
        f"U5 cut link to first fresh update, {path}",
        "ms",
        median(times) * 1e3,
        limit * 1e3,
        "back-off + 3 round trips",
        Goal(1),
    )
