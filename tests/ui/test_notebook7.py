"""The peers panel and panes in the real Notebook 7, whose pages have one document each."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PageErrors
from tests.ui.kernels import running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import PANEL

pytest.importorskip("notebook", reason="Notebook 7 is not installed")


# What of a tab reaches out of the bar that has it.
CUT = """tab => {
  const bar = tab.closest('.lm-TabBar').getBoundingClientRect();
  return [...tab.querySelectorAll('svg, .lm-TabBar-tabLabel')]
    .map(part => part.getBoundingClientRect())
    .filter(({ top, bottom }) => top < bar.top || bottom > bar.bottom)
    .map(({ top, bottom }) => [top, bottom, bar.top, bar.bottom]);
}"""


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    page.goto(f"{lab.url}/notebooks/{name}?token={lab.token}", wait_until="domcontentloaded")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)


def test_a_pane_opens_below_the_notebook_and_an_output_is_shared_from_its_menu(
    ada: Lab, bob: Lab, page: Page, page_errors: PageErrors, shoot: Callable[..., None]
) -> None:
    page_errors.allow()  # Notebook's own code logs one as it loads settings
    write_notebook(bob, "own.ipynb", "print('mine')")
    with running_kernel(ada) as kernel:
        kernel.run('%%peer share loss --with bob --title "Loss"\nprint("live")')
        open_notebook(page, bob, "own.ipynb")
        page.get_by_role("menuitem", name="View").click()
        page.locator(".lm-Menu").get_by_text("Left Sidebar").click()
        page.locator(".lm-Menu").get_by_text("Show Peers").click()
        shoot("panel")
        page.locator(PANEL).get_by_role("button", name="Open Loss of ada").click()
        view = page.locator(".jp-PeerPane:visible")
        expect(content(view).get_by_text("live")).to_be_visible(timeout=30_000)
        shoot("pane")
        tab = page.locator("#jp-down-stack .lm-TabBar-tab").first
        assert tab.evaluate(CUT) == [], "something of the tab is cut"
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output").first
    expect(output).to_contain_text("mine", timeout=30_000)
    output.click(button="right")
    page.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    page.get_by_role("dialog").get_by_role("button", name="Share", exact=True).click()
    expect(page.locator(".jp-Peers-cellMark")).to_contain_text(re.compile("1 peer can view it"))
    shoot("shared")
