"""The ``%peer panel`` of a notebook, in a real browser, with real kernels on two real servers."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.lab import Lab
from tests.ui.sidebar.test_sidebar import LOWEST_CONTRAST, use_theme

SHARE = """%%peer share steps --with bob --title "Steps of the training"
import base64, sys
from IPython.display import Image, display
print("step 1 <b>not bold</b>")
print("careful", file=sys.stderr)
display(Image(base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)))
pwn = "window.pwned = 1"
svg = f"<svg xmlns='http://www.w3.org/2000/svg' onload='{pwn}'><script>{pwn}</script></svg>"
display({"image/svg+xml": svg, "text/plain": "a drawing"}, raw=True)
display({"text/html": f"<script>{pwn}</script>"}, raw=True)"""


@pytest.fixture(scope="module")
def bob(both: list[Lab]) -> Lab:
    return both[1]


def write_notebook(lab: Lab, name: str, *cells: str) -> None:
    """Write a notebook into the folder a lab shows."""
    document = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell{n}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for n, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (lab.root / name).write_text(json.dumps(document))


def run_notebook(page: Page, name: str) -> Locator:
    """Open a notebook, run all its cells, and return it."""
    page.evaluate(
        """async path => {
          const widget = await window.jupyterapp.commands.execute('docmanager:open', {path});
          await widget.context.ready;
          await widget.context.sessionContext.ready;
          await window.jupyterapp.commands.execute('notebook:run-all-cells');
        }""",
        name,
    )
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def open_panel(page: Page, lab: Lab, *more: str) -> Locator:
    write_notebook(lab, "panel.ipynb", "%load_ext jupyter_peer\n%peer panel", *more)
    notebook = run_notebook(page, "panel.ipynb")
    panel = notebook.locator(".jp-OutputArea")
    expect(panel.get_by_role("button", name="Make an invite")).to_be_visible(timeout=30_000)
    return panel


def test_two_people_pair_share_watch_and_withdraw_by_their_panels(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(ada)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hers = open_panel(page, ada)
    hers.get_by_role("button", name="Make an invite").click()
    copy = hers.get_by_role("button", name="Copy")
    copy.click()
    expect(hers.get_by_role("button", name="Copied")).to_be_visible()
    expect(copy).to_be_visible()
    invite = page.evaluate("navigator.clipboard.readText()")
    assert invite.startswith("jpeer1:")
    expect(hers.get_by_text("It works once, until")).to_be_visible()
    shoot("invite")
    assert_accessible(hers)

    other = open_lab(bob, new=True)
    his = open_panel(other, bob)
    his.get_by_placeholder("paste an invite").fill("jpeer1:rubbish")
    his.get_by_role("button", name="Pair").click()
    expect(his.get_by_text("invite_malformed")).to_be_visible()
    his.get_by_placeholder("paste an invite").fill(invite)
    his.get_by_role("button", name="Pair").click()
    expect(his.get_by_text("Connected with")).to_be_visible()
    expect(his.get_by_text("ada connected")).to_be_visible()
    expect(hers.get_by_text("bob connected")).to_be_visible()
    # the invite is spent, so it is not shown any more
    expect(copy).to_be_hidden()
    expect(hers.get_by_text("is used")).to_be_visible()

    write_notebook(ada, "share.ipynb", "%load_ext jupyter_peer", SHARE)
    run_notebook(page, "share.ipynb")
    his.get_by_role("button", name="Open").click()
    expect(his.get_by_text("step 1 <b>not bold</b>")).to_be_visible()
    expect(his.locator("img")).to_have_count(2)
    # her own notebook obeys what she wrote; in his it is a picture, or withheld
    expect(his.get_by_role("img", name="a drawing")).to_be_attached()
    expect(his.get_by_text("text/html is withheld")).to_be_visible()
    assert other.evaluate("window.pwned") is None
    shoot("watched", of=other)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        use_theme(other, theme)
        other.wait_for_selector("#jupyterlab-splash", state="detached")
        shoot(theme.split()[-1].lower(), of=other)
        assert his.evaluate("node => node.scrollWidth <= node.clientWidth")
        assert his.evaluate(LOWEST_CONTRAST) >= 3
        assert_accessible(his)

    page.get_by_role("tab", name="panel.ipynb").click()
    expect(hers.get_by_text("Watching: bob")).to_be_visible()
    shoot("mine")
    hers.get_by_role("button", name="Unshare").click()
    expect(hers.get_by_text("steps is no longer shared.")).to_be_visible()
    expect(his.get_by_text("withdrawn")).to_be_visible()
    expect(his.get_by_role("button", name="Open")).to_have_count(0)
    his.get_by_role("button", name="Close").click()
    expect(his.get_by_text("step 1")).to_have_count(0)
