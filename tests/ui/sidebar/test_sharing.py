"""Sharing what a notebook shows already, with the mouse, between two real JupyterLabs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import assert_fits, open_panel, use_theme

PRINTS = "# Loss of the run\nprint('computed before')\nnumber = globals().get('number', 0) + 1"
SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(3, description='Epochs')\nslider"
RUNS = "import time\nfor step in range(1, 41):\n    print('step', step)\n    time.sleep(0.1)"


@pytest.fixture
def notebook(ada: Lab, bob: Lab, open_lab: Callable[..., Page]) -> Page:
    """A page of Ada's with a notebook of three cells, the first two of which have run."""
    write_notebook(ada, "work.ipynb", PRINTS, SLIDER, RUNS)
    page = open_lab(ada)
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'work.ipynb'})"
    )
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(3)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    for _ in range(2):
        page.keyboard.press("Shift+Enter")
    expect(cell(page, 0)).to_contain_text("computed before")
    expect(cell(page, 1)).to_contain_text("Epochs")
    return page


def cell(page: Page, place: int) -> Locator:
    return page.locator(".jp-Notebook .jp-CodeCell").nth(place)


def share(
    page: Page,
    place: int,
    grant: str = "view it",
    shoot: Callable[..., None] | None = None,
) -> None:
    """Right click, the entry of the menu, and the button of the dialog: three clicks."""
    cell(page, place).locator(".jp-OutputArea-output").first.click(button="right")
    page.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox", name="bob")).to_be_checked()
    if grant != "view it":
        dialog.get_by_label(grant).check()
        # The cell shows a widget, which may be of any library.
        expect(dialog.get_by_label(re.compile("^Widgets that are not"))).to_have_value("values")
        if shoot is not None:
            shoot("dialog")
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_have_count(0)


def stop(page: Page, place: int) -> None:
    cell(page, place).locator(".jp-Peers-cellMark").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(cell(page, place).locator(".jp-Peers-cellMark")).to_have_count(0)


def test_an_output_that_is_there_is_shared_and_goes_on_when_its_cell_runs_again(
    ada: Lab, bob: Lab, notebook: Page, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    share(notebook, 0)
    expect(cell(notebook, 0).locator(".jp-Peers-cellMark")).to_contain_text("1 peer can view it")
    shoot("owner")
    cell(notebook, 0).locator(".jp-InputPrompt").click()
    notebook.keyboard.press("x")
    expect(cell(notebook, 0).locator(".jp-Peers-cellMark")).to_have_count(0)
    notebook.keyboard.press("z")
    expect(cell(notebook, 0).locator(".jp-Peers-cellMark")).to_contain_text("1 peer can view it")
    page = open_lab(bob, new=True)
    view = open_tab(page, bob, "loss-of-the-run")
    expect(content(view).locator("body")).to_contain_text("computed before")
    expect(cell(notebook, 0).locator(".jp-Peers-cellMark")).to_contain_text("Watching: bob")
    shoot("viewer", of=page)
    cell(notebook, 0).locator(".cm-content").click()
    notebook.keyboard.press("Control+A")
    notebook.keyboard.type("print('computed again')")
    notebook.keyboard.press("Shift+Enter")
    expect(content(view).locator("body")).to_contain_text("computed again")
    expect(content(view).locator("body")).not_to_contain_text("computed before")
    stop(notebook, 0)
    expect(view).to_contain_text("Stopped by ada")


def test_one_of_several_outputs_is_shared_and_several_cells_at_once(
    ada: Lab, bob: Lab, notebook: Page, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    def rewrite(code: str) -> None:
        cell(notebook, 0).locator(".cm-content").click()
        notebook.keyboard.press("Control+A")
        notebook.keyboard.type(code)
        notebook.keyboard.press("Shift+Enter")

    rewrite("print('for me'); display('for you'); print('for me too')")
    second = cell(notebook, 0).locator(".jp-OutputArea-output").nth(1)
    expect(second).to_contain_text("for you")
    second.click(button="right")
    notebook.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog = notebook.get_by_role("dialog")
    expect(dialog.get_by_label("this output, number 2 of the cell")).to_be_checked()
    dialog.get_by_role("textbox", name="Name, for commands").fill("second")
    shoot("one-output")
    dialog.get_by_role("button", name="Share", exact=True).click()
    mark = cell(notebook, 0).locator(".jp-Peers-cellMark")
    expect(mark).to_have_text("Output 2 · 1 peer can view it")
    view = open_tab(open_lab(bob, new=True), bob, "second")
    expect(content(view).locator("body")).to_contain_text("for you")
    rewrite("print('for me'); display('for you again')")
    expect(content(view).locator("body")).to_contain_text("for you again")
    expect(content(view).locator("body")).not_to_contain_text("for me")
    stop(notebook, 0)

    cell(notebook, 0).locator(".jp-InputPrompt").click()
    notebook.keyboard.press("Shift+ArrowDown")
    cell(notebook, 1).locator(".jp-InputPrompt").click(button="right")
    notebook.locator(".lm-Menu").get_by_text("Share Outputs of 2 Cells with a Peer…").click()
    shoot("several-cells")
    dialog.get_by_role("button", name="Share", exact=True).click()
    for place in (0, 1):
        expect(cell(notebook, place).locator(".jp-Peers-cellMark")).to_have_text(
            "1 peer can view it"
        )
        stop(notebook, place)


def test_a_widget_that_is_there_is_shared_for_use(
    ada: Lab, bob: Lab, notebook: Page, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    share(notebook, 1, "view it and use its controls", shoot)
    page = open_lab(bob, new=True)
    view = open_tab(page, bob, "slider-ipywidgets-intslider-3-de")
    knob = content(view).locator(".noUi-handle")
    expect(knob).to_be_visible()
    knob.click()
    knob.press("ArrowRight")
    expect(cell(notebook, 1).locator(".widget-readout")).to_have_text("4")
    stop(notebook, 1)


def test_a_cell_shared_while_it_runs_loses_no_line(
    ada: Lab, bob: Lab, notebook: Page, open_lab: Callable[..., Page]
) -> None:
    cell(notebook, 2).locator(".cm-content").click()
    notebook.keyboard.press("Shift+Enter")
    expect(cell(notebook, 2).locator(".jp-OutputArea-output")).to_contain_text("step 3")
    share(notebook, 2)
    page = open_lab(bob, new=True)
    view = open_tab(page, bob, "for-step-in-range-1-41")
    expect(content(view).locator("body")).to_contain_text("step 40")
    lines = content(view).locator("pre").first.inner_text().split("\n")
    assert [line for line in lines if line] == [f"step {n}" for n in range(1, 41)]
    stop(notebook, 2)


def test_a_traceback_and_a_secret_are_asked_about(ada: Lab, bob: Lab, notebook: Page) -> None:
    cell(notebook, 0).locator(".cm-content").click()
    notebook.keyboard.press("Control+A")
    notebook.keyboard.type("print('api_key = abc'); 1 / 0")
    notebook.keyboard.press("Shift+Enter")
    expect(cell(notebook, 0)).to_contain_text("ZeroDivisionError")
    cell(notebook, 0).locator(".jp-OutputArea-output").first.click(button="right")
    notebook.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog = notebook.get_by_role("dialog")
    expect(dialog.get_by_label("Show the traceback")).not_to_be_checked()
    expect(dialog.get_by_label("The output may show a password")).not_to_be_checked()
    assert_accessible(dialog)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("The output may show a password").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog).to_have_count(0)
    (pane,) = ada.api("GET", "panes")["mine"]
    assert pane["cell_id"]
    mark = cell(notebook, 0).locator(".jp-Peers-cellMark")
    expect(mark).to_have_attribute("title", re.compile("with bob. Click to stop"))
    assert_accessible(mark)
    stop(notebook, 0)


def test_the_guide_of_a_notebook_is_switched_on_and_off_with_the_mouse(
    ada: Lab, bob: Lab, notebook: Page, shoot: Callable[..., None]
) -> None:
    def ask() -> dict[str, Any]:
        return bob.api("POST", "ask-peer", {"peer_id": "ada", "prompt": "number?"})

    panel = open_panel(notebook)
    guide = panel.get_by_role("checkbox", name="Guide to work.ipynb")
    expect(guide).not_to_be_checked()
    guide.click()
    expect(guide).to_be_checked()
    # The kernel ran no cell for it.
    expect(cell(notebook, 2)).to_contain_text("[ ]:")
    answer = ask()
    assert "number" in answer["answer"], answer
    cells = panel.get_by_role("checkbox", name="also to the cells that ran")
    cells.click()
    expect(cells).to_be_checked()
    for theme in ("Dark", "Light"):
        use_theme(notebook, f"JupyterLab {theme}")
        # JupyterLab fails if the theme changes again under its splash.
        notebook.wait_for_selector("#jupyterlab-splash", state="detached")
        shoot(f"{theme.lower()}")
        assert_fits(panel)
        assert_accessible(panel)
    # At once, while a cell runs.
    cell(notebook, 2).locator(".cm-content").click()
    notebook.keyboard.press("Shift+Enter")
    expect(cell(notebook, 2)).to_contain_text("step 2")
    guide.click()
    expect(guide).not_to_be_checked()
    assert ask()["answer"].startswith("I am the built-in reader")
    panel.get_by_role("checkbox", name="Peers may ask my agent").click()
    assert ask()["error"]["code"] == "not_enabled"


def test_a_notebook_is_presented_with_the_mouse_and_stopped_with_the_keyboard(
    ada: Lab, bob: Lab, notebook: Page, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    cell(notebook, 0).locator(".jp-InputPrompt").click(button="right")
    notebook.locator(".lm-Menu").get_by_text("Present This Notebook to a Peer…").click()
    dialog = notebook.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox", name="bob")).to_be_checked()
    shoot("dialog")
    assert_accessible(dialog)
    dialog.get_by_role("button", name="Present", exact=True).click()
    expect(dialog).to_have_count(0)
    panel = open_panel(notebook)
    expect(panel.get_by_role("button", name="work Presenting · 1 peer can view it")).to_be_visible()
    cell(notebook, 0).locator(".cm-content").click()
    notebook.keyboard.press("Shift+Enter")
    view = open_tab(open_lab(bob, new=True), bob, "work")
    expect(content(view).locator("body")).to_contain_text("computed before")
    expect(content(view).locator("body")).not_to_contain_text("Epochs")
    notebook.bring_to_front()
    notebook.keyboard.press("Shift+Enter")
    expect(content(view).locator("body")).to_contain_text("Epochs")
    expect(content(view).locator("body")).not_to_contain_text("IntSlider")
    for theme in ("Dark", "Light"):
        use_theme(notebook, f"JupyterLab {theme}")
        # JupyterLab fails if the theme changes again under its splash.
        notebook.wait_for_selector("#jupyterlab-splash", state="detached")
        shoot(f"presenting-{theme.lower()}")
    # The palette has the entry to stop, in place of the one to begin.
    notebook.keyboard.press("Control+Shift+C")
    notebook.keyboard.type("Stop Presenting to Peers")
    notebook.keyboard.press("Enter")
    dialog.get_by_role("button", name="Stop", exact=True).press("Enter")
    expect(view).to_contain_text("Stopped by ada")
