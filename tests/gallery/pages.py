"""The two pages that show one output: the owner's notebook, and the pane in a tab of the viewer."""

from __future__ import annotations

import io
from collections.abc import Callable
from math import ceil, floor
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.gallery.outputs import GalleryCell
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_panel import write_notebook

NOTEBOOK = "gallery.ipynb"
#: Looks at a page until it shows the same twice; some outputs never rest.
MOST_LOOKS = 24
PAUSE_MS = 300

#: The text that can be seen, that of components too; formulas are compared by picture alone.
_TEXT = """node => {
  const words = [];
  const read = node => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement === null || node.parentElement.checkVisibility()) words.push(node.data);
    } else if (node.matches?.('input, textarea')) {
      words.push(node.value);
    } else if (!node.matches?.('script, style, noscript, mjx-container, select, .note, .jp-OutputPrompt, .jp-InternalAnchorLink')) {
      (node.shadowRoot?.childNodes ?? []).forEach(read);
      node.childNodes.forEach(read);
    }
  };
  read(node);
  return words.join(' ').split(/\\s+/).filter(Boolean).join(' ');
}"""
#: The box around the outputs of a cell, with their margins, in the picture of its output area, which begins at a
#: whole pixel.
_BOX = """node => {
  const { left, top } = node.getBoundingClientRect();
  const area = { left: Math.floor(left), top: Math.floor(top) };
  const boxes = [...node.querySelectorAll(':scope > .jp-OutputArea-child > .jp-OutputArea-output')]
    .filter(each => each.offsetHeight > 0).map(each => {
      const { left, top, right, bottom } = each.getBoundingClientRect();
      const { marginLeft, marginTop } = getComputedStyle(each);
      return { left: left - parseFloat(marginLeft), top: top - parseFloat(marginTop), right, bottom };
    });
  if (boxes.length === 0) return [0, 0, 1, 1];
  return [Math.min(...boxes.map(each => each.left)) - area.left, Math.min(...boxes.map(each => each.top)) - area.top,
    Math.max(...boxes.map(each => each.right)) - area.left, Math.max(...boxes.map(each => each.bottom)) - area.top];
}"""
_RUN = """async index => {
  const { shell, commands } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  await commands.execute('notebook:run-cell');
}"""


class Look(NamedTuple):
    """What one page shows of an output."""

    picture: Image.Image
    text: str
    notes: str = ""


class OwnersPage:
    """The notebook of the owner, in JupyterLab."""

    def __init__(self, page: Page, lab: Lab, cells: list[GalleryCell]) -> None:
        self.page = page
        write_notebook(lab, NOTEBOOK, *(each.source for each in cells))
        page.evaluate(
            """async path => {
              const { commands, shell } = window.jupyterapp;
              const widget = await commands.execute('docmanager:open', { path });
              await widget.context.ready;
              await widget.context.sessionContext.ready;
              shell.collapseLeft();
            }""",
            NOTEBOOK,
        )

    def run(self, index: int) -> None:
        """Run a cell to its end."""
        self.page.evaluate(_RUN, index)

    def look(self, index: int) -> Look:
        """Return what the cell shows once it rests."""
        area = self._area(index)

        def look() -> Look:
            left, top, right, bottom = area.evaluate(_BOX)
            # Whole pixels alone, without a line of what is around.
            box = (ceil(left), ceil(top), floor(right), floor(bottom))
            return Look(picture(area).crop(box), text(area))

        return settled(self.page, look)

    def outputs(self, index: int) -> list[Locator]:
        """Return the outputs of the cell, each for itself."""
        return self._area(index).locator("> .jp-OutputArea-child > .jp-OutputArea-output").all()

    def width(self, index: int) -> float:
        """Return the width of an output in pixels."""
        return float(self.outputs(index)[0].evaluate("node => node.getBoundingClientRect().width"))

    def _area(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-OutputArea").first


class ViewersPage:
    """The tabs of the viewer, in JupyterLab."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page = page
        self._lab = lab
        page.evaluate("window.jupyterapp.shell.collapseLeft()")

    def open(self, pane: str) -> FrameLocator:
        """Open a pane in a tab, and return what is in it once it is live."""
        view = open_tab(self.page, self._lab, pane)
        expect(view).to_contain_text("Live", timeout=30_000)
        return content(view)

    def look(self, inside: FrameLocator) -> Look:
        """Return what a pane shows once it rests."""
        pane = inside.locator("#pane")

        def look() -> Look:
            notes = inside.locator(".note").all_inner_texts()
            return Look(picture(pane), text(pane), " ".join(notes))

        return settled(self.page, look)

    def close(self) -> None:
        """Close the tab."""
        self.page.evaluate("window.jupyterapp.commands.execute('application:close')")
        expect(self.page.locator(".jp-PeerPane.jp-mod-tab")).to_have_count(0)

    def fit(self, inside: FrameLocator, width: float) -> None:
        """Make the page as wide as it takes for the outputs of a pane to have a width."""
        now = inside.locator("#pane").evaluate("node => node.clientWidth")
        size = self.page.viewport_size
        assert size is not None
        self.page.set_viewport_size(
            {"width": size["width"] + round(width - now), "height": size["height"]}
        )


def settled(page: Page, look: Callable[[], Look]) -> Look:
    """Return what a page shows once that is twice the same."""
    before = look()
    for _ in range(MOST_LOOKS):
        page.wait_for_timeout(PAUSE_MS)
        now = look()
        if now[1:] == before[1:] and now.picture.tobytes() == before.picture.tobytes():
            return now
        before = now
    return before


def text(node: Locator) -> str:
    """Return the words that can be seen in a node."""
    words: str = node.evaluate(_TEXT)
    return words


def picture(node: Locator) -> Image.Image:
    """Return a node as it is drawn."""
    # An output that shows nothing has no height, of which there is no picture.
    if not node.evaluate("node => node.clientHeight"):
        return Image.new("RGB", (1, 1))
    return Image.open(io.BytesIO(node.screenshot(animations="disabled"))).convert("RGB")
