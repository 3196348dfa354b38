"""A pane that changes ten times a second for minutes: ``python -m tests.ui.steady``, or ``make steady``.

First each change is a picture of 100 KB, then a figure of plotly. A run fails when a picture of the
browser shows no plot, when the plot moves, or when more is held at the end than after half of the
time: by the owner's page, by the viewer's page, by the frame of the pane, or by their processes.
Decoded pictures do not count: Chromium keeps up to 1000 of them, and lets them go before each measurement.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.ui.devtools import Chromium, Holding
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_panel import write_notebook

MAX_GROWTH = 1.1
# Noise of the count: a change that is under way when it is counted.
SPARE_NODES = 2000
RATE = 10
CHANGES = """import time
began = time.monotonic()
for number in range({count}):
    change()
    time.sleep(max(0, began + (number + 1) / {rate} - time.monotonic()))"""


class Kind(NamedTuple):
    """What changes.

    Attributes:
        share: Shows it, and defines ``change()``.
        element: Selects what is drawn, as a person sees it.
        state: Tells in JavaScript what of ``drawn`` differs from one change to the next.
    """

    share: str
    element: str
    state: str


KINDS = {
    # Noise does not compress: 182 x 182 pixels of three bytes are 99 KB.
    "picture": Kind(
        """%%peer share noise --with bob
import os, struct, zlib
from IPython.display import Image, display
SIDE = 182
def chunk(kind, data):
    body = kind + data
    return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))
def noise():
    rows = b''.join(b'\\x00' + os.urandom(3 * SIDE) for _ in range(SIDE))
    head = struct.pack('>IIBBBBB', SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = (chunk(b'IHDR', head), chunk(b'IDAT', zlib.compress(rows, 0)), chunk(b'IEND', b''))
    return Image(b'\\x89PNG\\r\\n\\x1a\\n' + b''.join(parts))
def change():
    shown.update(noise())
print('above')
shown = display(noise(), display_id=True)
print('below')""",
        "img",
        "drawn.complete && drawn.naturalWidth > 0 && drawn.src",
    ),
    "plotly": Kind(
        """%%peer share noise --with bob
import random
from IPython.display import display
def noise():
    y = [random.random() for _ in range(500)]
    figure = {'data': [{'type': 'scatter', 'y': y}], 'layout': {'width': 600, 'height': 400}}
    return {'application/vnd.plotly.v1+json': figure, 'text/plain': 'a figure'}
def change():
    shown.update(noise(), raw=True)
print('above')
shown = display(noise(), raw=True, display_id=True)
print('below')""",
        ".js-plotly-plot",
        "drawn.querySelector('.js-line')?.getAttribute('d')",
    ),
}
# Does not wait for the cells, which end when all is measured.
RUN = """async () => {
  const { commands } = window.jupyterapp;
  const { context } = await commands.execute('docmanager:open', { path: 'noise.ipynb' });
  await context.sessionContext.ready;
  void commands.execute('notebook:run-all-cells');
}"""
# Looks at each picture of the browser's, in the page in which the pane is drawn.
WATCH = """body => {{
  const seen = window.seen = {{ pictures: 0, changes: 0, blank: 0, moved: 0 }};
  let before = null, last = null;
  const look = () => {{
    const drawn = body.querySelector('.output:not(.coming) {element}');
    const state = drawn && ({state});
    seen.pictures += 1;
    if (!state) {{
      seen.blank += 1;
    }} else {{
      const {{ x, y, width, height }} = drawn.getBoundingClientRect();
      const place = [x, y, width, height, body.scrollHeight, scrollY].join();
      seen.moved += before !== null && place !== before;
      seen.changes += last !== null && state !== last;
      before = place;
      last = state;
    }}
    requestAnimationFrame(look);
  }};
  look();
}}"""


class Measured(NamedTuple):
    """What was held at one time: by each page or frame by name, and by the processes in MiB."""

    holdings: dict[str, Holding]
    processes: list[tuple[float, float]]

    @property
    def own_mib(self) -> float:
        """What processes do not share."""
        return sum(own for _, own in self.processes)


@contextlib.contextmanager
def attached(chromium: Chromium) -> Iterator[Browser]:
    """Drive the browser for a moment; the pages stay."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium.url)
        yield browser
        browser.close()


def opened(browser: Browser, lab: Lab) -> Page:
    """Open a lab in a window of its own, since what is behind another tab is not drawn."""
    (context,) = browser.contexts
    with context.expect_page() as page:
        session = browser.new_browser_cdp_session()
        session.send("Target.createTarget", {"url": "about:blank", "newWindow": True})
    page.value.goto(f"{lab.url}/lab?token={lab.token}", wait_until="domcontentloaded")
    page.value.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    page.value.evaluate("async () => { await window.jupyterapp.restored; }")
    return page.value


def content_of(browser: Browser, lab: Lab) -> Any:
    """Return the page in which the pane is drawn."""
    (page,) = (each for each in browser.contexts[0].pages if each.url.startswith(lab.url))
    return content(page.locator(".jp-PeerPane.jp-mod-tab:visible")).locator("body")


def measure(kind: Kind, seconds: int) -> tuple[dict[str, Any], list[Measured]]:
    """Return what was seen, and what was held by tenths of the time."""
    labs: list[Lab] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for name in ("ada", "bob"):
            labs.append(Lab(Path(folder) / name, name))
            stack.callback(labs[-1].close)
        ada, bob = (lab.started() for lab in labs)
        bob.pair_with(ada)
        chromium = Chromium(Path(folder))
        stack.callback(chromium.close)
        changes = CHANGES.format(count=RATE * seconds, rate=RATE)
        write_notebook(
            ada, "noise.ipynb", "%load_ext jupyter_peer", kind.share, "go = input()", changes
        )
        with attached(chromium) as browser:
            own = opened(browser, ada)
            own.evaluate(RUN)
            own.locator(".jp-Stdin-input").wait_for(timeout=60_000)
            page = opened(browser, bob)
            inside = content(open_tab(page, bob, "noise"))
            inside.locator(kind.element).first.wait_for(timeout=60_000)
            watch = WATCH.format(element=kind.element, state=kind.state)
            inside.locator("body").evaluate(watch)
            own.locator(".jp-Stdin-input").press("Enter")
        began = time.monotonic()
        measured = []
        for number in range(1, 11):
            time.sleep(max(0, began + number * seconds / 10 - time.monotonic()))
            held = chromium.holdings()
            names = {ada.url: "the owner's page", bob.url: "the viewer's page"}
            viewer = f"{bob.url}/jupyter-peer/viewer"
            holdings = {
                "the pane's frame"
                if url.startswith(viewer)
                else next(name for lab, name in names.items() if url.startswith(lab)): each
                for url, each in held.items()
            }
            measured.append(Measured(holdings, chromium.processes()))
        with attached(chromium) as browser:
            seen: dict[str, Any] = content_of(browser, bob).evaluate("() => window.seen")
        return seen, measured


def report(name: str, seen: dict[str, Any], measured: list[Measured]) -> bool:
    """Print what was seen and held; return whether the pane was steady."""
    begun, ended = measured[4], measured[-1]
    print(f"{name}: {seen['changes']} changes in {seen['pictures']} pictures of the browser")
    print(f"  blank: {seen['blank']}, moved: {seen['moved']}")
    is_steady = bool(seen["changes"]) and not seen["blank"] and not seen["moved"]
    for each, last in ended.holdings.items():
        half = begun.holdings[each]
        heaps = " ".join(f"{one.holdings[each].heap_mib:.1f}" for one in measured)
        print(f"  {each}: heap in MiB by tenths {heaps};")
        print(f"    nodes {half.nodes}, {last.nodes}; listeners {half.listeners}, {last.listeners}")
        is_steady &= last.heap_mib <= MAX_GROWTH * half.heap_mib
        is_steady &= last.nodes <= half.nodes + SPARE_NODES
    print("  processes in MiB by tenths:", *(f"{each.own_mib:.0f}" for each in measured))
    print(
        "    resident at the end, with what they share:",
        *(f"{rss:.0f}" for rss, _ in ended.processes),
    )
    return is_steady and ended.own_mib <= MAX_GROWTH * begun.own_mib


def main() -> int:
    """Measure, print, and return 0 when the pane was steady."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--only", choices=KINDS)
    args = parser.parse_args()
    steady = [
        report(name, *measure(kind, args.seconds))
        for name, kind in KINDS.items()
        if args.only in (None, name)
    ]
    return 0 if all(steady) else 1


if __name__ == "__main__":
    sys.exit(main())
