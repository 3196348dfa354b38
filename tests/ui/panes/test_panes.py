"""Panes of a peer in tabs and cells, in a real browser, on two real servers with real kernels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.machine.waiting import until_sync
from tests.ui.axe import assert_accessible
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.sidebar.test_panel import run_notebook, write_notebook
from tests.ui.sidebar.test_sidebar import LOWEST_CONTRAST, open_panel, use_theme

MIME = "application/vnd.jupyter-peer.pane+json"

SHARE = """%%peer share loss --with bob --title "Loss of the training"
import sys
import time
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, JSON, SVG, Latex, Markdown, clear_output, display

print("\\x1b[32mtraining\\x1b[0m begins")
print("careful", file=sys.stderr)
display(Markdown("## Loss $\\\\ell_t = \\\\sum_i x_i^2$\\n\\n- see [the paper](https://paper.example/x)"))
display(Latex("$$\\\\int_0^1 x\\\\,dx = \\\\frac12$$"))
display(pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.25]}))
display(HTML("<p id='drawn'></p><script>drawn.textContent = 'drawn by a ' + 'script'</script>"))
display(JSON({"rate": 0.1, "layers": [1, 2]}))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><circle cx='10' cy='10' r='8'/></svg>"))
handle = display({"text/plain": "a plot"}, raw=True, display_id=True)
def plot(step):
    figure, axes = plt.subplots(figsize=(4, 1.5))
    axes.plot([1 / (n + 1) for n in range(step + 2)])
    axes.set_title(f"step {step}")
    handle.update(figure)
    plt.close(figure)
plot(0)
print("step 0")"""

GO_ON = """for step in range(1, 6):
    plot(step)
    print("step", step)"""


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    """A kernel of Ada's that shares the pane ``loss``."""
    with running_kernel(ada) as kernel:
        kernel.run(SHARE)
        yield kernel


def content(view: Locator) -> FrameLocator:
    """The page in the page in which a pane is drawn."""
    return view.frame_locator("iframe").frame_locator("iframe")


def open_tab(page: Page, lab: Lab, name: str) -> Locator:
    """Open a pane of the peer in a tab, as the palette's command does."""
    (peer,) = lab.api("GET", "peers")["peers"]
    page.evaluate(
        "args => { window.jupyterapp.commands.execute('jupyter-peer:open-pane', args); }",
        {"peer": peer["node_id"], "name": name},
    )
    return page.locator(".jp-PeerPane.jp-mod-tab:visible")


def test_a_pane_opens_from_the_sidebar_looks_as_in_jupyterlab_and_moves(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    panel = open_panel(page)
    button = panel.get_by_role("button", name="Open Loss of the training of ada")
    button.focus()
    page.keyboard.press("Enter")
    view = page.locator(".jp-PeerPane.jp-mod-tab")
    expect(view).to_contain_text("ada/loss")
    expect(view).to_contain_text("Loss of the training")
    expect(view).to_contain_text(
        re.compile(r"Live.*direct · (<1|\d+) ms · you can view it · changed")
    )
    inside = content(view)
    expect(inside.get_by_text("training", exact=True)).to_have_class("ansi-green-fg")
    expect(inside.get_by_text("drawn by a script")).to_be_visible()
    expect(inside.locator("mjx-container[display=true]")).to_have_count(1)
    expect(inside.locator("table.dataframe")).to_be_visible()
    expect(inside.get_by_role("img", name="Figure")).to_be_visible()
    # The keys are in the owner's order.
    expect(inside.locator(".json-key")).to_have_text(["root", "rate", "layers"])
    for theme in ("Light", "Dark"):
        use_theme(page, f"JupyterLab {theme}")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        # The frame has the theme's colours, though it inherits nothing.
        ground = view.evaluate("node => getComputedStyle(node).backgroundColor")
        expect(inside.locator("html")).to_have_css("background-color", ground)
        page.set_viewport_size({"width": 1280, "height": 800})
        shoot(theme.lower())
        page.set_viewport_size({"width": 620, "height": 800})
        shoot(f"{theme.lower()}-narrow")
        assert view.evaluate(LOWEST_CONTRAST) >= 3
        assert inside.locator("body").evaluate(LOWEST_CONTRAST) >= 3
        assert inside.locator("html").evaluate("node => node.scrollWidth <= node.clientWidth")
        outer = view.frame_locator("iframe").locator("html")
        assert_accessible(view, outer, inside.locator("html"))

    # It moves, and only what has changed is drawn again.
    plot = inside.get_by_role("img", name="Figure")
    before = plot.get_attribute("src")
    inside.locator("table.dataframe").evaluate("node => { node.dataset.mark = 'same'; }")
    kernel.run(GO_ON)
    expect(plot).not_to_have_attribute("src", before)
    # What another cell prints is not part of the pane.
    expect(inside.locator("body")).not_to_contain_text("step 5")
    expect(inside.locator("table.dataframe")).to_have_attribute("data-mark", "same")


def test_a_tab_says_how_its_pane_stands_and_comes_back_with_the_layout(
    ada: Lab, bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run("%%peer share log --with bob\nprint('one')")
    page = open_lab(bob)
    view = open_tab(page, bob, "log")
    expect(content(view).get_by_text("one")).to_be_visible()
    # JupyterLab saves the layout a moment after it has changed.
    with page.expect_request(
        lambda request: (
            request.method == "PUT" and "jupyter-peer-panes" in (request.post_data or "")
        )
    ):
        page.evaluate("void window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.reload(wait_until="domcontentloaded")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    expect(view).to_contain_text("Live", timeout=30_000)
    expect(content(view).get_by_text("one")).to_be_visible()
    kernel.run("%peer unshare log")
    expect(view).to_contain_text("Stopped by ada")
    expect(view).not_to_contain_text("Live")
    expect(view.locator("iframe")).to_have_count(0)
    kernel.run("%%peer share log --with bob\nprint('two')")
    expect(view).to_contain_text("Live")
    expect(content(view).get_by_text("two")).to_be_visible()


def test_a_tab_that_is_closed_is_closed_at_the_owners_and_opens_again(
    ada: Lab, bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    kernel.run("%%peer share again --with bob\nprint('hello')")
    page = open_lab(bob)
    view = open_tab(page, bob, "again")
    expect(content(view).get_by_text("hello")).to_be_visible(timeout=30_000)
    page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon:visible").last.click()
    until_sync(lambda: viewers(ada, "again") == 0, what="the pane to be watched by nobody")
    view = open_tab(page, bob, "again")
    expect(content(view).get_by_text("hello")).to_be_visible(timeout=30_000)
    assert viewers(ada, "again") == 1


def test_open_shows_the_live_pane_in_a_cell_and_a_saved_notebook_asks_first(
    ada: Lab,
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
) -> None:
    page = open_lab(bob)
    write_notebook(bob, "watch.ipynb", "%load_ext jupyter_peer\n%peer open ada/loss")
    notebook = run_notebook(page, "watch.ipynb")
    view = notebook.locator(".jp-PeerPane")
    expect(view).to_contain_text("Live", timeout=30_000)
    expect(content(view).get_by_text("drawn by a script")).to_be_visible()
    plot = content(view).get_by_role("img", name="Figure")
    before = plot.get_attribute("src")
    kernel.run("plot(20)")
    expect(plot).not_to_have_attribute("src", before)
    shoot("live")

    page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
    saved = json.loads((bob.root / "watch.ipynb").read_text())
    (output,) = saved["cells"][0]["outputs"]
    (peer,) = bob.api("GET", "peers")["peers"]
    assert output["data"][MIME] == {"peer": peer["node_id"], "name": "loss"}
    assert "drawn by a" not in json.dumps(output)

    page.evaluate(
        """async () => {
          await window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown();
          await window.jupyterapp.commands.execute('application:close-all');
        }"""
    )
    until_sync(lambda: viewers(ada, "loss") == 0, what="the pane to be watched by nobody")
    page.evaluate(
        "void window.jupyterapp.commands.execute('docmanager:open', {path: 'watch.ipynb'})",
    )
    expect(view).to_contain_text("A pane of a peer")
    shoot("asks")
    assert viewers(ada, "loss") == 0
    view.get_by_role("button", name="Show it").click()
    expect(view).to_contain_text("Live")
    expect(content(view).get_by_text("drawn by a script")).to_be_visible()
    assert viewers(ada, "loss") == 1


def viewers(lab: Lab, name: str) -> int:
    return next(
        len(pane["viewers"]) for pane in lab.api("GET", "panes")["mine"] if pane["name"] == name
    )


def test_a_link_opens_only_after_its_address_was_shown(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    view = open_tab(page, bob, "loss")
    page.context.route("https://paper.example/**", lambda route: route.fulfill(body="the paper"))
    content(view).get_by_role("link", name="the paper").click()
    expect(view.locator(".jp-PeerPane-host")).to_have_text("paper.example")
    expect(view.locator(".jp-PeerPane-url")).to_have_text("https://…/x")
    shoot("offered")
    with page.context.expect_page() as opened:
        view.get_by_role("button", name="Open", exact=True).click()
    assert opened.value.url == "https://paper.example/x"
    assert opened.value.evaluate("[window.opener, document.referrer]") == [None, ""]
    expect(view.locator(".jp-PeerPane-host")).to_have_count(0)
    # A page in the background gets no real click.
    opened.value.close()
    page.bring_to_front()
    # The bar takes no focus. Soon after a link, another needs a press that the browser has drawn: a person's lasts so long.
    content(view).get_by_role("link", name="the paper").click(delay=150)
    expect(view.locator(".jp-PeerPane-host")).to_be_visible()
    view.get_by_role("button", name="Do not open").click()
    expect(view.locator(".jp-PeerPane-host")).to_have_count(0)
