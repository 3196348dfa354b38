"""Links for anyone, made with the mouse in JupyterLab and opened in a browser without Jupyter."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.lab import Lab
from tests.ui.sidebar.test_panel import write_notebook

PRINTS = "# Loss of the run\nprint('computed before')"


@pytest.fixture
def notebook(ada: Lab, open_lab: Callable[..., Page]) -> Page:
    """A page of Ada's with a cell that has run."""
    write_notebook(ada, "linked.ipynb", PRINTS)
    page = open_lab(ada)
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'linked.ipynb'})"
    )
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_contain_text("computed before")
    return page


@pytest.fixture
def guest(browser: Browser) -> Iterator[Page]:
    """A page in a profile that knows nothing of Jupyter."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def drawn(guest: Page) -> Locator:
    return guest.frame_locator("iframe").frame_locator("iframe").locator("body")


def test_anyone_with_the_link_sees_an_output_until_it_is_stopped(
    ada: Lab, notebook: Page, guest: Page, shoot: Callable[..., None]
) -> None:
    cell = notebook.locator(".jp-Notebook .jp-CodeCell").first
    cell.locator(".jp-OutputArea-output").first.click(button="right")
    notebook.locator(".lm-Menu").get_by_text("Share Output with a Peer…").click()
    dialog = notebook.get_by_role("dialog")
    for peer in dialog.get_by_role("checkbox").all():
        peer.uncheck()
    dialog.get_by_label("Anyone with the link").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    dialog.get_by_label("People at once").fill("2")
    dialog.get_by_role("button", name="Make link").click()
    link = dialog.get_by_label("The link", exact=True).input_value()
    expect(dialog).to_contain_text("Only browsers on this computer can open this link.")
    expect(dialog.get_by_role("button", name="Open to this network")).to_be_visible()
    qr = dialog.get_by_alt_text("QR code of the link")
    assert_accessible(dialog)
    assert qr.evaluate("image => image.complete && image.naturalWidth > 0")
    shoot("link")
    dialog.get_by_role("button", name="Done").click()

    mark = cell.locator(".jp-Peers-cellMark")
    expect(mark).to_have_text("Anyone with the link can view it")
    guest.goto(link)
    expect(drawn(guest)).to_contain_text("computed before")
    expect(mark).to_have_text("Watching: a guest")
    expect(notebook.locator("#jp-main-statusbar")).to_contain_text("a guest is watching")
    notebook.evaluate("() => window.jupyterapp.commands.execute('jupyter-peer:open')")
    links = notebook.get_by_role("list", name="Links", exact=True)
    expect(links).to_contain_text("1 of 2 open · can view")
    shoot("panel")
    links.get_by_role("button", name="Drop A guest").click()
    expect(links).to_contain_text("0 of 2 open")
    expect(guest.locator("iframe")).to_have_count(0)
    links.get_by_role("button", name="Stop the link to Loss of the run").click()
    expect(links).to_have_count(0)
    guest.reload()
    expect(guest.locator("body")).not_to_contain_text("computed before")
    mark.click()
    dialog.get_by_role("button", name="Stop", exact=True).click()
