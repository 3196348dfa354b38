"""U1, U4 and U6: delays that people notice, with real Jupyter servers and kernels."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from jupyter_peer.server_client.client import Client

from .collab import COLLAB, NOT_INSTALLED
from .figures import Figure, Goal, figure, held, median, percentile
from .jupyters import Jupyters
from .links import MIB
from .node import PATIENCE_S
from .workbench import Workbench

OWN_PAGE = "owner's own browser socket"
_EVERY_S = 0.04
_SHOW = """
import base64, os
from IPython.display import Image
def show(kind, count, every):
    sent = {}
    for number in range(count):
        if kind == "text":
            key = os.urandom(12).hex()
            obj = type("Text", (), {"__repr__": lambda self: key})()
        else:
            raw = os.urandom(75_000)
            key = base64.b64encode(raw[:18]).decode()
            obj = Image(data=raw, format="png")
        sent[key] = time.time()
        pane.display(obj)
        time.sleep(every)
    answer(sent)
"""
_SEE = """
def see(view, count, patience):
    seen, until = {}, time.monotonic() + patience
    while len(seen) < count and time.monotonic() < until:
        if view.wait_for_update(timeout=1):
            at = time.time()
            for output in view.outputs:
                data = output.get("data", {})
                seen[data["image/png"][:24] if "image/png" in data else data["text/plain"]] = at
    answer(seen)
"""
_LARGE = """
def show_large(size, show):
    raw = os.urandom(size * 3 // 4)
    begun = time.time()
    show(Image(data=raw, format="png"))
    answer(begun)
"""
_SEE_LARGE = """
def see_large(view, size, patience):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        view.wait_for_update(timeout=1)
        if any(len(output.get("data", {}).get("image/png", "")) >= size for output in view.outputs):
            break
    answer(time.time())
"""


async def display_to_viewer(bench: Workbench) -> list[Figure]:
    """U1: from ``display()`` to the viewer's kernel client.

    Beside the owner's own page, and beside a second client of one server that has
    jupyter-collaboration, where that is installed.
    """
    both = await bench.jupyters()
    collab = await bench.collab()
    count = bench.pick(60, 4)
    await both.ada.run(_SHOW)
    await both.bob.run(_SEE)
    await both.ada.run("pane = me.share('u1', with_=['bob'])")
    await both.bob.run("view = me.open('ada/u1')")
    figures: list[Figure] = []
    for kind, what in (("text", "text"), ("png", "a PNG of 100 KB")):
        theirs: list[float] = []
        own: list[float] = []
        second: list[float] = []
        for number in range(bench.rounds):
            bench.step(f"shows {what}, round {number + 1} of {bench.rounds}", number / bench.rounds)
            for late, times in zip((theirs, own), await _shown(both, kind, count), strict=True):
                late += times
            if collab is not None:
                second += await collab.lateness(kind, count, _EVERY_S)
        title = f"U1 display() to the viewer, {what}"
        for share, name, goal in ((0.5, "p50", held(2.0)), (0.99, "p99", None)):
            ours, page = percentile(theirs, share) * 1e3, percentile(own, share) * 1e3
            figures.append(figure(f"{title}, {name}", "ms", ours, page, OWN_PAGE, goal))
        # A second client receives an output from the page of the first, not from the kernel.
        there = (percentile(own, 0.5) + percentile(second, 0.5)) * 1e3 if second else None
        beside = f"own page, then {COLLAB}" if second else NOT_INSTALLED
        ours = percentile(theirs, 0.5) * 1e3
        figures.append(figure(f"{title}, p50", "ms", ours, there, beside, Goal(1.0)))
    await both.ada.run("pane.unshare()")
    await both.bob.run("view.close()")
    return figures


async def _shown(both: Jupyters, kind: str, count: int) -> tuple[list[float], list[float]]:
    """Return the delay of each update at the viewer and at the owner's own page."""
    arrived: dict[str, float] = {}

    def on_said(said: Any) -> None:
        data = said.data
        key = data["image/png"][:24] if "image/png" in data else data.get("text/plain", "")
        arrived.setdefault(key, said.at)

    both.ada.listeners.append(on_said)
    try:
        sent, seen = await asyncio.gather(
            both.ada.run(f"show({kind!r}, {count}, {_EVERY_S})"),
            both.bob.run(f"see(view, {count}, {_EVERY_S * count + 5})"),
        )
    finally:
        both.ada.listeners.remove(on_said)
    # Of updates that arrive together only the newest is shown; the others have no delay.
    theirs = [seen[key] - at for key, at in sent.items() if key in seen]
    own = [arrived[key] - at for key, at in sent.items() if key in arrived]
    return theirs, own


async def large_output(bench: Workbench) -> list[Figure]:
    """U4: the time of an output of 50 MB to the viewer's kernel, and pings meanwhile."""
    size = bench.pick(50_000_000, 2_000_000)
    wire = await bench.wire()
    both = await bench.jupyters()
    await both.ada.run(_SHOW + _LARGE)
    await both.bob.run(_SEE_LARGE)
    await both.bob.run("view = None")
    running = both.bob.running()
    rates: list[float] = []
    raw: list[float] = []
    busy: list[float] = []
    idle: list[float] = []
    alone: list[float] = []
    with Client(running.url, running.secret) as client:
        for number in range(bench.pick(3, 1)):
            bench.step(f"shows {size / 1e6:.0f} MB, round {number + 1}", number / 3)
            await both.ada.run(f"pane = me.share('u4-{number}', with_=['bob'])")
            await both.bob.run(f"view = me.open('ada/u4-{number}')")
            idle += await _pings(client, asyncio.ensure_future(asyncio.sleep(bench.pick(2, 1) / 2)))
            alone += await _pings(
                client, asyncio.ensure_future(both.ada.run(f"show_large({size}, display)"))
            )
            work = asyncio.gather(
                both.ada.run(f"show_large({size}, pane.display)"),
                both.bob.run(f"see_large(view, {size}, {PATIENCE_S})"),
            )
            busy += await _pings(client, work)
            begun, whole = await work
            rates.append(size / MIB / (whole - begun))
            await both.ada.run("pane.unshare()")
            await both.bob.run("view.close()")
            payload, count = os.urandom(8 * MIB), max(1, size // (8 * MIB))
            started = time.perf_counter()
            await wire.count.flood(payload, count)
            raw.append(len(payload) * count / MIB / (time.perf_counter() - started))
    floor, unwatched = percentile(idle, 0.99) * 1e3, percentile(alone, 0.99) * 1e3
    title = f"U4 {size / 1e6:.0f} MB output"
    ping = percentile(busy, 0.99) * 1e3
    return [
        figure(
            f"{title} to the viewer's kernel",
            "MiB/s",
            median(rates),
            median(raw),
            "raw tornado, bulk",
        ),
        # Jupyter's own work for the owner's page stops its loop too.
        figure(f"{title}, ping p99 meanwhile", "ms", ping, unwatched, "the same, nobody watching"),
        figure(f"{title}, ping p99 above idle", "ms", ping - floor),
    ]


async def _pings(client: Client, until: asyncio.Future[Any]) -> list[float]:
    """Return the seconds of all pings from Bob's node to Ada's until something is done."""
    times: list[float] = []
    while not until.done():
        times.append(await asyncio.to_thread(client.ping, "ada") / 1e3)
        await asyncio.sleep(0.02)
    return times


async def first_output(bench: Workbench) -> list[Figure]:
    """U6: from minting an invite to the first remote output in the other's notebook."""
    both = await bench.jupyters()
    times: list[float] = []
    for number in range(bench.rounds):
        bench.step(f"pairs and shows, round {number + 1}", number / bench.rounds)
        await both.part()
        text, shown = f"hello {number}", asyncio.Event()

        def on_said(said: Any, text: str = text, shown: asyncio.Event = shown) -> None:
            if text in str(said.data.get("text/html", "")) + str(said.data.get("text/plain", "")):
                shown.set()

        both.bob.listeners.append(on_said)
        begun = time.perf_counter()
        await both.pair()
        await both.ada.run(f"pane = me.share('u6', with_=['bob']); pane.display({text!r})")
        await both.bob.run("view = me.open('ada/u6'); display(view)")
        async with asyncio.timeout(PATIENCE_S):
            await shown.wait()
        times.append(time.perf_counter() - begun)
        both.bob.listeners.remove(on_said)
        await both.ada.run("pane.unshare()")
        await both.bob.run("view.close()")
    return [
        figure("U6 invite to first remote output", "s", median(times), goal=held(0.17, "s")),
    ]
