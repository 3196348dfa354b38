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


def test_nothing_is_shared_of_a_notebook_behind_another_tab(
    ada: Lab, open_lab: Callable[..., Page]
) -> None:
    write_notebook(ada, "behind.ipynb", "1")
    page = open_lab(ada)
    can_share = "() => window.jupyterapp.commands.isEnabled('jupyter-peer:share')"
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'behind.ipynb'})"
    )
    page.wait_for_function(can_share)
    button = page.locator(".jp-cell-toolbar [data-command='jupyter-peer:share']")
    expect(button).to_be_enabled()
    page.evaluate("() => { window.jupyterapp.commands.execute('launcher:create'); }")
    page.wait_for_function(f"() => !({can_share})()")
    page.get_by_role("tab", name="behind.ipynb").click()
    page.wait_for_function(can_share)
    expect(button).to_be_enabled()
