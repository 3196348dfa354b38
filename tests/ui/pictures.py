"""Takes the pictures of the documentation: ``make pictures`` writes ``docs/images``.

The name of this file keeps it out of ``make test``, which would write new pictures each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.lab import Lab
from tests.ui.panes.test_panes import open_tab
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import open_panel

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PLOT = """# Loss of the training
import matplotlib.pyplot as plt
import numpy as np
epochs = np.arange(1, 25)
noise = np.random.default_rng(7).normal(0, 0.02, (2, 24))
figure, axes = plt.subplots(figsize=(6, 2.1))
axes.plot(epochs, 0.9 * np.exp(-epochs / 7) + 0.1 + noise[0], label='training')
axes.plot(epochs, 0.9 * np.exp(-epochs / 8) + 0.16 + noise[1], label='test')
axes.set_xlabel('epoch'); axes.set_ylabel('loss'); axes.legend(); plt.show()"""
SLIDERS = """# Rate of learning
import ipywidgets as widgets
widgets.VBox([
    widgets.FloatLogSlider(description='rate', value=0.003, min=-5, max=-1),
    widgets.IntSlider(description='batch', value=64, min=8, max=256),
])"""


def share(page: Page, place: int) -> Locator:
    """Open the dialog that shares the output of a cell, and return it."""
    output = page.locator(".jp-Notebook .jp-CodeCell").nth(place).locator(".jp-OutputArea-output")
    output.first.click(button="right")
    page.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox", name="bob")).to_be_checked()
    return dialog


@pytest.mark.timeout(300)
def test_pictures_of_sharing_watching_and_a_guest(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    IMAGES.mkdir(exist_ok=True)
    write_notebook(ada, "training.ipynb", PLOT, SLIDERS)
    owner = open_lab(ada)
    owner.set_viewport_size({"width": 1100, "height": 720})
    owner.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'training.ipynb'})"
    )
    owner.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    owner.locator(".jp-Notebook .jp-CodeCell").first.click()
    for _ in range(2):
        owner.keyboard.press("Shift+Enter")
    expect(owner.locator(".jp-OutputArea-output img")).to_be_visible()
    expect(owner.locator(".widget-readout").first).to_be_visible()
    open_panel(owner)
    dialog = share(owner, 0)
    owner.screenshot(path=IMAGES / "share.png")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_have_count(0)
    dialog = share(owner, 1)
    dialog.get_by_label("view it and use its controls").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_have_count(0)

    viewer = open_lab(bob, new=True)
    viewer.set_viewport_size({"width": 1100, "height": 720})
    open_panel(viewer)
    names = [pane["name"] for pane in ada.api("GET", "panes")["mine"]]
    for name in names:
        open_tab(viewer, bob, name)
    viewer.evaluate(
        """() => {
          const { shell } = window.jupyterapp;
          const panes = [...shell.widgets('main')].filter(w => w.id.startsWith('jupyter-peer-pane:'));
          shell.add(panes[1], 'main', { mode: 'split-bottom', ref: panes[0].id });
        }"""
    )
    for name, what in zip(names, ("img", ".widget-readout"), strict=True):
        frame = viewer.frame_locator(f"iframe[title^='The pane ada/{name},']")
        expect(frame.frame_locator("iframe").locator(what).first).to_be_visible()
    viewer.screenshot(path=IMAGES / "watch.png")

    link = ada.api("POST", "links", {"pane": "loss-of-the-training"})["link"]
    guest = viewer.context.new_page()
    guest.set_viewport_size({"width": 800, "height": 330})
    guest.goto(link)
    drawn = guest.frame_locator("main iframe").frame_locator("iframe").locator("img")
    expect(drawn).to_be_visible()
    guest.screenshot(path=IMAGES / "guest.png")
