"""P1 to P7: one link between two processes, beside the plain JSON wire and a raw WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Protocol

from jupyter_peer.wire.link.frames import FRAGMENT_BYTES

from .answers import COUNT
from .figures import Figure, Goal, figure, held, held_rate, median, percentile
from .hub_link import HubLink
from .workbench import Workbench

JSON, RAW = "json wire", "raw tornado"
OURS = "jupyter-peer"
KIB, MIB = 1024, 1024 * 1024
PANE_EVERY_S = 0.05


class Echoes(Protocol):
    """A link that returns payloads."""

    async def echo(self, payload: bytes) -> None:
        """Send a payload and wait for its return."""


class Floods(Protocol):
    """A link for many messages."""

    async def flood(self, payload: bytes, count: int) -> None:
        """Send a payload many times and wait until the other side has counted them all."""


async def handshake(bench: Workbench) -> list[Figure]:
    """P1: from dialling to being accepted."""
    wire = await bench.wire()
    times = await bench.alternate(
        {
            OURS: partial(_middle_of, wire.ours.connect, bench.pick(20, 2)),
            JSON: partial(_middle_of, wire.plain.connect, bench.pick(20, 2)),
        }
    )
    return compare(times, "P1 handshake to auth_result", "ms", {JSON: held(1.2)}, scale=1e3)


async def round_trip_small(bench: Workbench) -> list[Figure]:
    """P2: a round trip of 64 B."""
    goals = {JSON: held(0.94), RAW: held(2.4)}
    return await _round_trip(bench, "P2 round trip of 64 B, p50", 64, (400, 10), goals)


async def round_trip_medium(bench: Workbench) -> list[Figure]:
    """P3: a round trip of 64 KiB."""
    goals = {JSON: held(0.34), RAW: held(2.0)}
    return await _round_trip(bench, "P3 round trip of 64 KiB, p50", 64 * KIB, (150, 5), goals)


async def round_trip_large(bench: Workbench) -> list[Figure]:
    """P4: a round trip of 1 MB."""
    goals = {JSON: held(0.14), RAW: held(1.8)}
    return await _round_trip(bench, "P4 round trip of 1 MB, p50", 1_000_000, (30, 3), goals)


async def small_rate(bench: Workbench) -> list[Figure]:
    """P5: messages of 200 B per second."""
    goals = {JSON: held_rate(9), RAW: held_rate(2.0)}
    payload, many, few = b"x" * 200, bench.pick(40_000, 600), bench.pick(4_000, 60)
    wire = await bench.wire()
    rates = await bench.alternate(
        {
            OURS: partial(rate, wire.ours, payload, many),
            JSON: partial(rate, wire.plain, payload, few),
            RAW: partial(rate, wire.count, payload, many),
        }
    )
    return compare(rates, "P5 messages of 200 B a second", "1/s", goals)


async def bulk_rate(bench: Workbench) -> list[Figure]:
    """P6: MiB per second, in messages of 64 KiB and of 8 MiB."""
    wire = await bench.wire()
    figures: list[Figure] = []
    for title, size, full, floor in (
        ("64 KiB", 64 * KIB, 96 * MIB, 0.8),
        ("8 MiB", 8 * MIB, 192 * MIB, 0.9),
    ):
        payload = os.urandom(size)
        many, few = bench.pick(full // size, 2), bench.pick(full // size // 6, 1)
        rates = await bench.alternate(
            {
                OURS: partial(rate, wire.ours, payload, many),
                JSON: partial(rate, wire.plain, payload, few),
                RAW: partial(rate, wire.count, payload, many),
            }
        )
        name = f"P6 bulk in messages of {title}"
        goals = {JSON: None, RAW: held_rate(floor)}
        figures += compare(rates, name, "MiB/s", goals, scale=size / MIB)
    return figures


async def pane_beside_bulk(bench: Workbench) -> list[Figure]:
    """P7: the delay of 20 messages per second while large ones use the same link."""
    wire = await bench.wire()
    seconds = 4.0 if not bench.quick else 0.3
    a_byte_s: list[float] = []

    async def busy(link: HubLink) -> float:
        bulk = Bulk(link)
        bulk.start()
        try:
            late_s = await link.lateness(seconds, PANE_EVERY_S)
        finally:
            took = await bulk.stop()
        if link is wire.ours:
            a_byte_s.append(took)
        return percentile(late_s, 0.99)

    async def idle() -> float:
        return percentile(await wire.ours.lateness(seconds, PANE_EVERY_S), 0.99)

    late = await bench.alternate(
        {
            OURS: partial(busy, wire.ours),
            JSON: partial(busy, wire.plain),
            "idle link": idle,
        }
    )
    ours = median(late[OURS]) * 1e3
    name = "P7 pane at 20 Hz beside bulk, p99"
    floor = (median(late["idle link"]) + median(a_byte_s) * FRAGMENT_BYTES) * 1e3
    return [
        figure(name, "ms", ours, median(late[JSON]) * 1e3, JSON, held(0.01)),
        figure(name, "ms", ours, floor, "idle link's p99 + a fragment"),
    ]


class Bulk:
    """Keeps a link busy from :meth:`start` to :meth:`stop`.

    Args:
        link: The link.
        size: Bytes of each message.
    """

    def __init__(self, link: HubLink, size: int = 8 * MIB) -> None:
        self._link = link
        self._payload = os.urandom(size)
        self._count = 0
        self._begun = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to send."""
        self._begun = time.monotonic()
        self._task = asyncio.get_running_loop().create_task(self._send())

    async def stop(self) -> float:
        """Stop sending, wait until all has arrived, and return the seconds per byte."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._link.received(self._count)
        return (time.monotonic() - self._begun) / (self._count * len(self._payload))

    async def _send(self) -> None:
        while True:
            # In a thread, as panes do for large data.
            digest = await asyncio.to_thread(lambda: hashlib.sha256(self._payload).hexdigest())
            self._link.hub.send(
                self._link.peer_id, COUNT, {}, (self._payload,), digests=(digest,), stream="bulk"
            )
            self._count += 1
            await self._link.drained()


def compare(
    values: dict[str, list[float]],
    name: str,
    unit: str,
    goals: Mapping[str, Goal | None],
    scale: float = 1.0,
) -> list[Figure]:
    """Return a row for each baseline, with the medians of both."""
    ours = median(values[OURS]) * scale
    return [
        figure(name, unit, ours, median(values[baseline]) * scale, baseline, goal)
        for baseline, goal in goals.items()
    ]


async def _round_trip(
    bench: Workbench, name: str, size: int, counts: tuple[int, int], goals: dict[str, Goal]
) -> list[Figure]:
    wire = await bench.wire()
    payload, count = b"x" * size, bench.pick(*counts)
    times = await bench.alternate(
        {
            OURS: partial(echo_time, wire.ours, payload, count),
            JSON: partial(echo_time, wire.plain, payload, max(3, count // 4)),
            RAW: partial(echo_time, wire.echo, payload, count),
        }
    )
    return compare(times, name, "ms", goals, scale=1e3)


async def echo_time(link: Echoes, payload: bytes, count: int) -> float:
    """Return the median of several round trips, in seconds."""
    times: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        await link.echo(payload)
        times.append(time.perf_counter() - begun)
    return median(times)


async def _middle_of(measure: Callable[[], Awaitable[float]], count: int) -> float:
    return median([await measure() for _ in range(count)])


async def rate(link: Floods, payload: bytes, count: int) -> float:
    """Return the messages per second that the other side has counted."""
    begun = time.perf_counter()
    await link.flood(payload, count)
    return count / (time.perf_counter() - begun)
