"""P9: one update to many viewers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import msgspec

from .crowd import Audience
from .figures import Figure, figure, held, median
from .workbench import Contender, Workbench

UPDATE_BYTES = 100_000
VIEWERS = 50
Send = Callable[[Sequence[str], bytes], None]


class Spent(msgspec.Struct, frozen=True):
    """Seconds of one update: CPU time of the sender, and time until the last arrival."""

    cpu_s: float
    last_s: float


async def fan_out(bench: Workbench) -> list[Figure]:
    """P9: 100 KB to 50 viewers, beside single sends on the plain JSON wire and on sealed links."""
    wire = await bench.wire()
    count, repeat = bench.pick(VIEWERS, 3), bench.pick(5, 1)
    bench.step(f"connects {count} viewers twice", 0.0)
    sealed, plain = await wire.viewers.of(count), await wire.plain_viewers.of(count)
    spent: dict[str, list[Spent]] = {}

    def contender(name: str, audience: Audience, ids: Sequence[str], send: Send) -> Contender:
        async def measure() -> float:
            some = [await spend(audience, ids, send) for _ in range(repeat)]
            spent.setdefault(name, []).extend(some)
            return median([each.last_s for each in some])

        return measure

    singles, each = f"{count} single sends, json wire", f"{count} single sends, sealed"
    await bench.alternate(
        {
            "one send to all": contender("ours", wire.viewers, sealed, wire.viewers.send_to_all),
            singles: contender(singles, wire.plain_viewers, plain, wire.plain_viewers.send_to_each),
            each: contender(each, wire.viewers, sealed, wire.viewers.send_to_each),
        }
    )
    cpu = {name: median([one.cpu_s for one in all_]) * 1e3 for name, all_ in spent.items()}
    last = {name: median([one.last_s for one in all_]) * 1e3 for name, all_ in spent.items()}
    title = f"P9 100 KB to {count} viewers"
    return [
        figure(f"{title}, CPU", "ms", cpu["ours"], cpu[singles], singles, held(0.16)),
        figure(f"{title}, last arrival", "ms", last["ours"], last[singles], singles),
        figure(f"{title}, CPU", "ms", cpu["ours"], cpu[each], each),
        figure(f"{title}, last arrival", "ms", last["ours"], last[each], each),
    ]


async def spend(audience: Audience, ids: Sequence[str], send: Send) -> Spent:
    """Send an update and return its cost."""
    payload = os.urandom(UPDATE_BYTES)
    begun, cpu = time.monotonic(), time.process_time()
    send(ids, payload)
    last = await audience.arrived(len(ids))
    return Spent(time.process_time() - cpu, last - begun)
