"""G1 to G4: the page of a guest link in a browser that knows nothing of Jupyter."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_peer.errors import NotEnabledError
from jupyter_peer.sockets.guest_page import guest_page

from .delay import delayed
from .figures import Figure, Goal, figure, median, percentile
from .workbench import Workbench

if TYPE_CHECKING:
    from playwright.async_api import Browser, Frame, Page

ROUND_TRIP_S = 0.05
_PATIENCE_MS = 30_000
_PHONE = {"width": 390, "height": 700}
RATE, SIZE = 10, 100_000
_PAGE_KIB = 350
_ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_SHOW = """
import time
def show(count):
    sent = {}
    for number in range(count):
        key = f"g2-{number}"
        sent[key] = time.time()
        pane.display(type("Text", (), {"__repr__": lambda self: key})())
        time.sleep(0.25)
    answer(sent)
"""
_UPDATE = """
import time
class Padded:
    def __init__(self, number, size):
        self._text = f"g3-{number} " + "x" * size
    def __repr__(self):
        return self._text
def update(first, count, rate, size):
    begun = time.perf_counter()
    for number in range(count):
        pane.display(Padded(first + number, size))
        time.sleep(max(0.0, begun + (number + 1) / rate - time.perf_counter()))
    answer(time.perf_counter() - begun)
"""
# The frame draws what the page hands on; a person sees it at the next picture.
_WATCH = """
() => {
  window.seen = {};
  const look = () => {
    const key = /g2-\\d+/.exec(document.body.textContent);
    if (key && !(key[0] in window.seen)) window.seen[key[0]] = Date.now() / 1000;
    requestAnimationFrame(look);
  };
  look();
}
"""

_BLANK = "() => document.querySelector('iframe') === null && Date.now()"


async def open_cold(bench: Workbench) -> list[Figure]:
    """G1: from following a link to the first picture, cold, and the size of the page."""
    page = guest_page()
    served = page.get("") if page is not None else None
    if served is None:
        raise NotEnabledError("the page of guest links was not built", hint="run make package")
    both = await bench.jupyters()
    await both.ada.run("pane = me.share('g1', with_=['bob']); pane.display('first picture')")
    link = await both.ada.run("answer(me.link('g1').url)")
    times: list[float] = []
    async with _chromium() as browser, delayed(urlsplit(link).port or 80, ROUND_TRIP_S) as port:
        for number in range(bench.rounds):
            bench.step(f"opens a link, round {number + 1}", number / bench.rounds)
            begun = time.perf_counter()
            await _opened(browser, _by(link, port), "first picture")
            times.append(time.perf_counter() - begun)
    await both.ada.run("pane.unshare()")
    rtt = f"{ROUND_TRIP_S * 1e3:.0f} ms round trip"
    size = len(served.file.compressed) / 1024
    return [
        figure(f"G1 link to first picture, {rtt}", "s", median(times), goal=Goal(2.0, unit="s")),
        figure("G1 page, compressed", "KiB", size, goal=Goal(_PAGE_KIB, unit="KiB")),
    ]


async def age(bench: Workbench) -> list[Figure]:
    """G2: from ``display()`` to the page of a guest."""
    both = await bench.jupyters()
    count = bench.pick(40, 4)
    await both.ada.run(_SHOW)
    await both.ada.run("pane = me.share('g2', with_=['bob']); pane.display('begins')")
    link = await both.ada.run("answer(me.link('g2').url)")
    async with _chromium() as browser:
        bench.step("shows outputs to a guest", 0.2)
        page = await _opened(browser, link, "begins")
        frame = page.frames[-1]
        await frame.evaluate(_WATCH)
        sent = await both.ada.run(f"show({count})")
        await frame.wait_for_function(
            f"Object.keys(window.seen).length >= {count}", timeout=_PATIENCE_MS
        )
        seen = await frame.evaluate("window.seen")
    await both.ada.run("pane.unshare()")
    ages = [(seen[key] - at) * 1e3 for key, at in sent.items()]
    return [
        figure("G2 display() to a guest's page, p50", "ms", median(ages)),
        figure("G2 display() to a guest's page, p95", "ms", percentile(ages, 0.95)),
    ]


async def memory(bench: Workbench) -> list[Figure]:
    """G3: what large updates, ten a second, leave in the memory of a page as large as a phone's."""
    both = await bench.jupyters()
    turns, count = bench.pick(6, 2), bench.pick(100, 5)
    await both.ada.run(_UPDATE)
    await both.ada.run("pane = me.share('g3', with_=['bob']); pane.display('begins')")
    link = await both.ada.run("answer(me.link('g3').url)")
    async with _chromium() as browser:
        page = await _opened(browser, link, "begins", viewport=_PHONE)
        used: list[float] = []
        took_s = 0.0
        for turn in range(turns):
            bench.step(f"shows {count} outputs of 100 KB to a guest", turn / turns)
            took_s += await both.ada.run(f"update({turn * count}, {count}, {RATE}, {SIZE})")
            newest = page.frames[-1].get_by_text(f"g3-{(turn + 1) * count - 1} ")
            await newest.wait_for(timeout=_PATIENCE_MS)
            used.append(await _heap(page))
    await both.ada.run("pane.unshare()")
    return [
        figure(
            f"G3 page's memory after {turns * count} updates of 100 KB",
            "MiB",
            used[-1],
            used[0],
            f"after {count} updates",
            goal=Goal(1.25),
        ),
        figure("G3 updates of 100 KB", "1/s", turns * count / took_s),
    ]


async def stop(bench: Workbench) -> list[Figure]:
    """G4: from stopping a link to a page that shows nothing of it."""
    both = await bench.jupyters()
    await both.ada.run("pane = me.share('g4', with_=['bob']); pane.display('is shown')")
    times: list[float] = []
    async with _chromium() as browser:
        for number in range(bench.rounds):
            bench.step(f"stops a link, round {number + 1}", number / bench.rounds)
            link = await both.ada.run("link = me.link('g4'); answer(link.url)")
            page = await _opened(browser, link, "is shown")
            blank = asyncio.ensure_future(page.wait_for_function(_BLANK, timeout=_PATIENCE_MS))
            told = await both.ada.run("import time; at = time.time(); me.unlink(link); answer(at)")
            times.append(float(await (await blank).json_value()) / 1e3 - told)
            await page.context.close()
    await both.ada.run("pane.unshare()")
    return [figure("G4 link stopped to blank page", "s", median(times), goal=Goal(1.0, unit="s"))]


async def _heap(page: Page) -> float:
    """Return MiB that JavaScript keeps in the page and in its frames, without what is garbage."""
    from playwright.async_api import Error

    total = 0.0
    parts: list[Page | Frame] = [page, *page.frames[1:]]
    for each in parts:
        # A frame that shares the process of its parent has no session of its own.
        with contextlib.suppress(Error):
            session = await page.context.new_cdp_session(each)
            await session.send("HeapProfiler.collectGarbage")
            total += (await session.send("Runtime.getHeapUsage"))["usedSize"]
    return total / 2**20


async def _opened(browser: Browser, link: str, text: str, **options: Any) -> Page:
    """Return the page of a link, in a profile of its own, once it draws a text."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.goto(link)
    drawn = page.frame_locator("main iframe").frame_locator("iframe").get_by_text(text)
    await drawn.wait_for(timeout=_PATIENCE_MS)
    return page


def _by(link: str, port: int) -> str:
    """Return a link that leads through another port of this machine."""
    return link.replace(f":{urlsplit(link).port}/", f":{port}/", 1)


def _chromium() -> Any:
    """Return a context manager that runs Chromium.

    Raises:
        NotEnabledError: Playwright or Chromium is not installed.
    """
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise NotEnabledError(
            "playwright is not installed", hint="pip install playwright"
        ) from None
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise NotEnabledError("chromium is not installed", hint="apt-get install chromium")
    return _Chromium(async_playwright(), path)


class _Chromium:
    def __init__(self, playwright: Any, path: str) -> None:
        self._playwright = playwright
        self._path = path

    async def __aenter__(self) -> Browser:
        running = await self._playwright.__aenter__()
        browser: Browser = await running.chromium.launch(
            executable_path=self._path, args=list(_ARGS)
        )
        return browser

    async def __aexit__(self, *exc: object) -> None:
        await self._playwright.__aexit__(*exc)
