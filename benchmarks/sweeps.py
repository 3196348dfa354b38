"""S1 to S3: how cost grows with bytes, peers and viewers.

The growth of a figure is the exponent of the power law that fits its points: 1 is linear, 0 is flat.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from .crowd import Audience
from .fan_out import UPDATE_BYTES, spend
from .figures import Figure, Goal, figure, growth, median
from .links import KIB, MIB, echo_time
from .workbench import Workbench

# A bound on a measured exponent: the expected value plus the noise of a busy machine.
LINEAR, FLAT = Goal(1.1, unit="exponent"), Goal(0.15, unit="exponent")
SIZES = (64, KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB)
PEERS = (1, 5, 20, 50, 100, 200)
VIEWERS = (1, 2, 5, 10, 20, 50)


async def by_bytes(bench: Workbench) -> list[Figure]:
    """S1: round trips from 64 B to 16 MB."""
    wire = await bench.wire()
    sizes = SIZES if not bench.quick else SIZES[:3]
    times = await sweep(
        bench,
        "S1 round trip by bytes",
        "ms",
        sizes,
        lambda size: echo_time(wire.ours, b"x" * size, 1 if size > MIB else bench.pick(10, 1)),
        scale=1e3,
    )
    # The constant cost of a message hides the growth by bytes, so small messages are left out.
    start = 3 if not bench.quick else 0
    return [_growth("S1 growth of a round trip by bytes", sizes[start:], times[start:], LINEAR)]


async def by_peers(bench: Workbench) -> list[Figure]:
    """S2: one message to each of 1 to 200 connected peers."""
    wire = await bench.wire()
    counts = PEERS if not bench.quick else PEERS[:2]
    repeat = bench.pick(20, 2)

    async def per_peer(count: int) -> float:
        node_ids = await wire.viewers.of(count)
        times: list[float] = []
        for _ in range(repeat):
            begun = time.monotonic()
            wire.viewers.send_to_each(node_ids, b"x" * 200)
            times.append((await wire.viewers.arrived(count) - begun) / count)
        return median(times)

    costs = await sweep(bench, "S2 a message to each, time a peer", "ms", counts, per_peer, 1e3)
    beside = partial(echo_time, wire.ours, b"x" * 64, bench.pick(100, 3))
    await wire.viewers.of(counts[-1])
    crowded = await beside()
    return [
        _growth("S2 growth of the time a peer by peers", counts, costs, FLAT),
        figure(f"S2 round trip of 64 B beside {counts[-1]} other peers", "ms", crowded * 1e3),
    ]


async def by_viewers(bench: Workbench) -> list[Figure]:
    """S3: an update of 100 KB to 1 to 50 viewers."""
    wire = await bench.wire()
    counts = VIEWERS if not bench.quick else VIEWERS[:2]
    cpu: dict[int, list[float]] = {}

    async def last(count: int) -> float:
        audience: Audience = wire.viewers
        node_ids = await audience.of(count)
        spent = [
            await spend(audience, node_ids, audience.send_to_all) for _ in range(bench.pick(5, 1))
        ]
        cpu.setdefault(count, []).extend(each.cpu_s for each in spent)
        return median([each.last_s for each in spent])

    title = f"S3 {UPDATE_BYTES // 1000} KB to viewers"
    times = await sweep(bench, f"{title}, last arrival", "ms", counts, last, 1e3)
    costs = [median(cpu[count]) * 1e3 for count in counts]
    for count, cost in zip(counts, costs, strict=True):
        bench.point(f"{title}, CPU", count, cost, "ms")
    return [
        _growth("S3 growth of the last arrival by viewers", counts, times, LINEAR),
        _growth("S3 growth of CPU by viewers", counts, costs, LINEAR),
    ]


async def sweep(
    bench: Workbench,
    name: str,
    unit: str,
    xs: Sequence[int],
    measure: Callable[[int], Awaitable[float]],
    scale: float,
    rounds: int | None = None,
) -> list[float]:
    """Measure the points in turns; record and return the medians of the rounds."""
    values: dict[int, list[float]] = {x: [] for x in xs}
    rounds = rounds or bench.rounds
    total = rounds * len(xs)
    for number in range(total):
        x = xs[number % len(xs)]
        bench.step(f"{x:,}, round {number // len(xs) + 1} of {rounds}", number / total)
        values[x].append(await measure(x) * scale)
    middles = [median(values[x]) for x in xs]
    for x, middle in zip(xs, middles, strict=True):
        bench.point(name, x, middle, unit)
    return middles


def _growth(name: str, xs: Sequence[int], ys: Sequence[float], goal: Goal) -> Figure:
    return figure(name, "exponent", growth(xs, ys), goal=goal)
