"""P13: the two engines of WebRTC, one after the other in every round: rate, and processor time a MiB."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from functools import partial

from jupyter_peer.errors import NotEnabledError
from jupyter_peer.transports.webrtc.link import DataChannelLink
from jupyter_peer.transports.webrtc.sdp import Description

from .engine_end import ENGINES, FRAME_BYTES, LINK_TIMEOUT_S, connect, on_loopback
from .figures import Figure, figure, held, held_rate, median
from .processes import Program
from .workbench import Workbench

MIB = 1024 * 1024


async def engines(bench: Workbench) -> list[Figure]:
    """P13: bulk between this process and another; the processor time is that of both.

    Raises:
        NotEnabledError: An engine is not installed.
    """
    missing = [name for each in ENGINES.values() for name in each.needs if not _is_here(name)]
    if missing:
        raise NotEnabledError(f"not installed: {', '.join(missing)}")
    costs: dict[str, list[float]] = {name: [] for name in ENGINES}

    async def once(name: str, size: int) -> float:
        seconds, used = await _flood(name, size)
        costs[name].append(used / size * MIB)
        return size / MIB / seconds

    sizes = {"libwebrtc": bench.pick(128, 1) * MIB, "aiortc": bench.pick(8, 1) * MIB}
    with on_loopback():
        rates = await bench.alternate({name: partial(once, name, sizes[name]) for name in ENGINES})
    rate, cost = ({name: median(of[name]) for name in of} for of in (rates, costs))
    return [
        figure(
            "P13 WebRTC, bulk", "MiB/s",
            rate["libwebrtc"], rate["aiortc"], "aiortc", held_rate(5.5),
        ),
        figure(
            "P13 WebRTC, processor time a MiB", "ms",
            cost["libwebrtc"] * 1e3, cost["aiortc"] * 1e3, "aiortc", held(0.16),
        ),
    ]  # fmt: skip


def _is_here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


async def _flood(name: str, size: int) -> tuple[float, float]:
    """Send so many bytes to another process.

    Returns:
        Seconds until all have arrived, and processor seconds of both processes.
    """
    engine = ENGINES[name]()
    connection = connect(engine)
    offer = (await connection.offer()).to_sdp()
    other = await Program.start("-m", "benchmarks.engine_end", name, offer)
    try:
        answer = json.loads(other.first_line)
        await connection.accept(Description.from_sdp("answer", answer, allow_loopback=True))
        link = await connection.link(LINK_TIMEOUT_S)
        times: asyncio.Queue[float] = asyncio.Queue()
        link.attach(lambda frame: times.put_nowait(float(frame)), lambda reason: None)
        link.send(["begin"])
        there = await times.get()
        begun, here = time.monotonic(), time.process_time()
        await _send(link, size)
        link.send(["end"])
        there = await times.get() - there
        return time.monotonic() - begun, time.process_time() - here + there
    finally:
        await connection.ended()
        await engine.close()
        await other.stop()


async def _send(link: DataChannelLink, size: int) -> None:
    """Send as fast as the link takes it."""
    frame = bytes(FRAME_BYTES)
    for _ in range(0, size, FRAME_BYTES):
        link.send([frame])
        if link.is_backed_up:
            writable = asyncio.Event()
            link.on_writable(writable.set)
            await writable.wait()
