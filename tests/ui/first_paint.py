"""How long a pane takes from *Open* to its first picture: ``python -m tests.ui.first_paint``.

Each round has a browser profile of its own, so that nothing is in its cache.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.machine.needs import needs_program
from tests.ui.conftest import CHROMIUM_ARGS, WIDE
from tests.ui.kernels import running_kernel
from tests.ui.lab import Lab, open_workspace
from tests.ui.panes.test_panes import content, open_tab

ROUNDS = 5
SHARE = """%%peer share plain --with bob
import pandas as pd
pd.DataFrame({"epoch": range(5)})"""
SHARE_PLOT = """%%peer share plot --with bob
import plotly.graph_objects as go
go.Figure(go.Bar(x=list("abc"), y=[2, 3, 1]))"""
#: What is opened in each round, by the selector of what it draws.
OPENED = {
    "a table, the first pane": ("plain", "table"),
    "a plot of plotly": ("plot", ".main-svg .bars path"),
    "the plot once more": ("plot", ".main-svg .bars path"),
}


def first_paint(page: Page, lab: Lab, pane: str, selector: str) -> float:
    """Open a pane, return the seconds until it shows something, and close it."""
    begun = time.monotonic()
    view = open_tab(page, lab, pane)
    content(view).locator(selector).first.wait_for(timeout=60_000)
    seconds = time.monotonic() - begun
    page.evaluate("window.jupyterapp.commands.execute('application:close')")
    view.wait_for(state="detached")
    return seconds


def main() -> int:
    """Print the median of each."""
    seconds: dict[str, list[float]] = {what: [] for what in OPENED}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        labs = [Lab(Path(folder) / name, name) for name in ("ada", "bob")]
        browser = playwright.chromium.launch(
            executable_path=needs_program("chromium"), args=CHROMIUM_ARGS
        )
        try:
            ada, bob = (lab.started() for lab in labs)
            bob.pair_with(ada)
            with running_kernel(ada) as kernel:
                kernel.run(SHARE)
                kernel.run(SHARE_PLOT)
                for _ in range(ROUNDS):
                    context = browser.new_context(viewport=WIDE)
                    page = context.new_page()
                    open_workspace(page, bob)
                    for what, (pane, selector) in OPENED.items():
                        seconds[what].append(first_paint(page, bob, pane, selector))
                    context.close()
        finally:
            browser.close()
            for lab in labs:
                lab.close()
    for what, each in seconds.items():
        print(f"{what}: {statistics.median(each):.2f} s ({min(each):.2f} to {max(each):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
