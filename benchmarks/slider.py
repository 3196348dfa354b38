"""U2: from moving a slider until the output of its callback is back at the viewer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from .felt import OWN_PAGE
from .figures import Figure, figure, held, percentile
from .node import PATIENCE_S
from .workbench import Workbench

if TYPE_CHECKING:
    from .jupyters import Jupyters

#: Pause between moves; the next starts when the last one is visible.
_PAUSE_S = 0.01
_MAKE = """
import ipywidgets
def on_move(change):
    label.value = f"seen {change.new}"
slider, label = ipywidgets.IntSlider(description="n", max=10**9), ipywidgets.Label()
slider.observe(on_move, "value")
pane = me.share("u2", with_=["bob"], grant="interact")
pane.display(ipywidgets.VBox([slider, label]))
answer({"slider": slider.model_id, "label": label.model_id})
"""
_MOVE = """
def move(view, ids, first, count, pause, patience):
    times, until = [], time.monotonic() + patience
    for number in range(first, first + count):
        time.sleep(pause)
        begun = time.perf_counter()
        view.send(ids["slider"], {"value": number})
        while time.monotonic() < until:
            state = view.widgets["state"].get(ids["label"], {}).get("state", {})
            if state.get("value") == f"seen {number}":
                times.append(time.perf_counter() - begun)
                break
            view.wait_for_update(timeout=1)
    answer(times)
"""


async def slider_to_output(bench: Workbench) -> list[Figure]:
    """U2: from the viewer's slider to the owner's callback and back to the viewer."""
    both = await bench.jupyters()
    ids = await both.ada.run(_MAKE)
    await both.bob.run(_MOVE)
    await both.bob.run("view = me.open('ada/u2')")
    theirs: list[float] = []
    own: list[float] = []
    count = bench.pick(60, 4)
    for number in range(bench.rounds):
        bench.step(f"moves, round {number + 1} of {bench.rounds}", number / bench.rounds)
        first = 1 + 2 * number * count
        theirs += await both.bob.run(
            f"move(view, {ids!r}, {first}, {count}, {_PAUSE_S}, {PATIENCE_S})"
        )
        own += await _own_page(both, ids, first + count, count)
    await both.ada.run("pane.unshare()")
    await both.bob.run("view.close()")
    figures = []
    for share, name, goal in ((0.5, "p50", held(0.2)), (0.99, "p99", None)):
        ours, page = percentile(theirs, share) * 1e3, percentile(own, share) * 1e3
        title = f"U2 slider to its callback's output, {name}"
        figures.append(figure(title, "ms", ours, page, OWN_PAGE, goal))
    return figures


async def _own_page(both: Jupyters, ids: dict[str, str], first: int, count: int) -> list[float]:
    """Return the seconds of moves in the owner's own page."""
    times: list[float] = []
    seen = asyncio.Event()
    wanted = ""

    def on_said(said: Any) -> None:
        if said.type != "comm_msg" or said.content["comm_id"] != ids["label"]:
            return
        if said.content["data"].get("state", {}).get("value") == wanted:
            seen.set()

    both.ada.listeners.append(on_said)
    try:
        for number in range(first, first + count):
            await asyncio.sleep(_PAUSE_S)
            wanted = f"seen {number}"
            seen.clear()
            data = {"method": "update", "state": {"value": number}, "buffer_paths": []}
            begun = time.perf_counter()
            await both.ada.say("comm_msg", {"comm_id": ids["slider"], "data": data})
            async with asyncio.timeout(PATIENCE_S):
                await seen.wait()
            times.append(time.perf_counter() - begun)
    finally:
        both.ada.listeners.remove(on_said)
    return times
