"""A pane that changes ten times a second for minutes: ``python -m tests.ui.steady``, or ``make steady``.

Each change is a picture of 100 KB. The run fails when a picture of the browser shows no plot, when
the plot moves, or when the browser's pages need more memory at the end than after half of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.machine.needs import needs_program
from tests.ui.conftest import CHROMIUM_ARGS, WIDE
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab

MAX_GROWTH = 1.1
# Noise does not compress: 182 x 182 pixels of three bytes are 99 KB.
SHARE = """%%peer share noise --with bob
import os, struct, time, zlib
SIDE = 182
def chunk(kind, data):
    body = kind + data
    return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))
def noise():
    rows = b''.join(b'\\x00' + os.urandom(3 * SIDE) for _ in range(SIDE))
    head = struct.pack('>IIBBBBB', SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = (chunk(b'IHDR', head), chunk(b'IDAT', zlib.compress(rows, 0)), chunk(b'IEND', b''))
    return b'\\x89PNG\\r\\n\\x1a\\n' + b''.join(parts)
from IPython.display import Image, display
print('above')
shown = display(Image(noise()), display_id=True)
print('below')"""
CHANGE = """began = time.monotonic()
for number in range(50):
    shown.update(Image(noise()))
    time.sleep(max(0, began + (number + 1) / 10 - time.monotonic()))"""
# Looks at each picture of the browser's, in the page in which the pane is drawn.
WATCH = """body => {
  const seen = window.seen = { pictures: 0, changes: 0, blank: 0, moved: 0 };
  let before = null, source = null;
  const look = () => {
    const image = body.querySelector('img');
    const isThere = image?.complete && image.naturalWidth > 0;
    seen.pictures += 1;
    if (!isThere) {
      seen.blank += 1;
    } else {
      const { x, y, width, height } = image.getBoundingClientRect();
      const place = [x, y, width, height, body.scrollHeight, scrollY].join();
      seen.moved += before !== null && place !== before;
      seen.changes += source !== null && image.src !== source;
      before = place;
      source = image.src;
    }
    requestAnimationFrame(look);
  };
  look();
}"""


@contextlib.contextmanager
def opened() -> Iterator[tuple[Kernel, Page, Lab]]:
    """Yield ada's kernel and a page of bob's, in a browser of their own."""
    labs: list[Lab] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        try:
            labs += [Lab(Path(folder) / name, name) for name in ("ada", "bob")]
            ada, bob = (lab.started() for lab in labs)
            bob.pair_with(ada)
            path = needs_program("chromium")
            args = [*CHROMIUM_ARGS, "--js-flags=--expose-gc"]
            browser = playwright.chromium.launch(executable_path=path, args=args)
            page = browser.new_page(viewport=WIDE)
            page.goto(f"{bob.url}/lab?token={bob.token}", wait_until="domcontentloaded")
            page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
            page.evaluate("async () => { await window.jupyterapp.restored; }")
            with running_kernel(ada) as kernel:
                yield kernel, page, bob
            browser.close()
        finally:
            for lab in labs:
                lab.close()


def memory_mib() -> float:
    """Return what the browser's pages hold for themselves."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                total += process.memory_full_info().uss
    return total / 2**20


def change(kernel: Kernel, seconds: int) -> None:
    """Change the pane ten times a second, in cells of five seconds."""
    for _ in range(seconds // 5):
        kernel.run(CHANGE)


def measure(seconds: int) -> dict[str, Any]:
    """Return what was seen: pictures, changes, blank and moved ones, and memory by tenths of the time."""
    with opened() as (kernel, page, bob):
        kernel.run(SHARE)
        inside = content(open_tab(page, bob, "noise"))
        inside.locator("img").wait_for(timeout=60_000)
        inside.locator("body").evaluate(WATCH)
        cells = threading.Thread(target=change, args=[kernel, seconds], daemon=True)
        cells.start()
        memory: list[float] = []
        for _ in range(10):
            page.wait_for_timeout(100 * seconds)
            # What nobody holds any more is not counted.
            for frame in page.frames:
                frame.evaluate("() => window.gc()")
            memory.append(memory_mib())
        cells.join(60)
        seen: dict[str, Any] = inside.locator("body").evaluate("() => window.seen")
        return seen | {"memory": memory}


def main() -> int:
    """Measure, print, and return 0 when the pane was steady."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    seconds = parser.parse_args().seconds
    seen = measure(seconds)
    begun, ended = seen["memory"][4], seen["memory"][-1]
    print(f"{seconds} s: {seen['changes']} changes in {seen['pictures']} pictures of the browser")
    print(f"blank: {seen['blank']}, moved: {seen['moved']}")
    print("memory of the pages, MiB by tenths:", *(f"{each:.0f}" for each in seen["memory"]))
    is_steady = not seen["blank"] and not seen["moved"] and ended <= MAX_GROWTH * begun
    return 0 if is_steady and seen["changes"] else 1


if __name__ == "__main__":
    sys.exit(main())
