"""The commands of the palette, with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.lab import Lab
from tests.ui.sidebar.test_panel import write_notebook


@pytest.fixture(scope="module")
def ada(start_lab: Callable[..., Lab]) -> Lab:
    return start_lab("ada")


@pytest.mark.parametrize(
    ("entry", "field"),
    [("Invite a Peer", "For whom (a note to yourself)"), ("Pair with a Peer", "Paste the invite")],
)
def test_a_dialog_of_the_palette_gets_what_is_typed_and_the_notebook_nothing(
    ada: Lab, open_lab: Callable[..., Page], entry: str, field: str
) -> None:
    write_notebook(ada, "own.ipynb", "1")
    page = open_lab(ada)
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'own.ipynb'})"
    )
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(1)
    page.locator(".jp-Notebook .jp-InputPrompt").first.click()
    page.keyboard.press("Control+Shift+C")
    page.keyboard.type(entry)
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog").get_by_role("textbox", name=field)
    expect(box).to_be_focused()
    page.keyboard.type("aabb", delay=60)
    expect(box).to_have_value("aabb")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(1)
    page.keyboard.press("Escape")
