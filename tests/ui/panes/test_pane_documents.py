"""A pane as a document of JupyterLab: what it shows beside its owner's cell, its tab, its toolbar and its own window."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.gallery.likeness import TOLERANCE, difference
from tests.gallery.outputs import GalleryCell
from tests.gallery.pages import OwnersPage, ViewersPage, picture, text
from tests.machine.waiting import until_sync
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import LOWEST_CONTRAST, open_panel, use_theme

SHARE = """%%peer share log --with bob
import base64
from IPython.display import Image, display
pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
display(Image(base64.b64decode(pixel)))
steps = display({"text/plain": "begun"}, raw=True, display_id=True)
for step in range(60):
    print("step", step)"""
RUNNING = """%%peer share running --with bob
import pathlib, time
for n in range(80): print("line", n)
while not pathlib.Path("go-on").exists(): time.sleep(0.1)
for n in range(80, 160): print("line", n)"""
#: Outputs that need no library of their own; `make gallery` compares those of 38 libraries.
ALL = r'''run = globals().get("run", 0) + 1
import sys
import ipywidgets, matplotlib.pyplot as plt, pandas as pd
from IPython.display import HTML, JSON, SVG, Javascript, Latex, Markdown, display

print(f"run {run} \x1b[1;32mbold green\x1b[0m \x1b[7minverse\x1b[0m \x1b[38;2;255;128;0mtrue colour\x1b[0m")
print("see https://jupyter.org/about", file=sys.stderr, flush=True)
display({"rate": 0.1, "layers": [1, 2, 3]})
display(Markdown(r"""# Heading
> A quote, and `code`

```python
return x + 1  # one
```

| name | $\alpha$ |
|------|---------:|
| a    |        1 |
"""))
display(HTML("".join(f'<div class="alert alert-{kind}">{kind} and <a href="#">a link</a></div>' for kind in ("info", "danger"))))
display(HTML("<button>press</button> <input value='text'> <progress value='0.4'></progress><details open><summary>more</summary>folded</details>"))
display(pd.DataFrame({"epoch": [1, run], r"$\beta$": [0.5, 0.25]}))
display(Latex(r"\begin{align} a &= \frac{1}{2} \\ b &= \sqrt{c} \end{align}"))
figure, axes = plt.subplots(figsize=(3, 1.5)); axes.plot([run, 3, 2]); display(figure); plt.close(figure)
display(SVG("<svg width='90' height='30'><circle cx='15' cy='15' r='12' fill='teal'/></svg>"))
display(JSON({"rate": 0.1, "layers": [1, 2], "on": True, "nested": {}}, expanded=True, root=f"run {run}"))
display(Javascript("element.append('written by a script')"))
out = ipywidgets.Output(layout={"border": "1px solid gray"}); out.append_stdout(f"printed in run {run}\n")
display(ipywidgets.VBox([ipywidgets.IntSlider(run, description=r"$\gamma$"), ipywidgets.Label(r"$x^2$"), out]))
raise ValueError(f"run {run}")'''
OUTPUTS = 14
PATIENCE = 15
#: JupyterLab's tree has a field to search in it, which a pane's has not.
WITHOUT_SEARCH = ".jp-RenderedJSON .filter { visibility: hidden }"
IS_CURRENT = "() => window.jupyterapp.shell.currentWidget?.id ?? ''"
AT_END = "() => scrollY + innerHeight >= document.documentElement.scrollHeight - 4"


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    """A kernel of Ada's that shares a long log."""
    with running_kernel(ada) as kernel:
        kernel.run(SHARE)
        yield kernel


def test_a_press_in_a_pane_makes_it_the_current_document_and_close_tab_closes_it(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(bob)
    write_notebook(bob, "own.ipynb", "1")
    view = open_tab(page, bob, "log")
    expect(content(view).get_by_text("step 1", exact=False).first).to_be_visible()
    page.evaluate(
        """async () => {
          const { commands, shell } = window.jupyterapp;
          await commands.execute('docmanager:open', {
            path: 'own.ipynb', options: { mode: 'split-right' }
          });
        }"""
    )
    page.wait_for_function(f"!({IS_CURRENT})().startsWith('jupyter-peer-pane:')")
    content(view).locator("body").click()
    page.wait_for_function(f"({IS_CURRENT})().startsWith('jupyter-peer-pane:')")
    page.get_by_role("menuitem", name="File").click()
    page.locator(".lm-Menu").get_by_text("Close Tab", exact=True).click()
    expect(page.locator(".jp-PeerPane")).to_have_count(0)
    expect(page.locator(".jp-NotebookPanel")).to_be_visible()


def test_a_pane_is_dragged_from_the_list_and_reached_and_left_with_the_keyboard(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    panel = open_panel(page)
    row = panel.get_by_role("list", name="Panes shared with me").get_by_role("listitem").first
    row.locator(".jp-Peers-name").hover()
    page.mouse.down()
    page.mouse.move(1100, 400, steps=5)
    shoot("dragged")
    page.mouse.up()
    view = page.locator(".jp-PeerPane.jp-mod-tab:visible")
    expect(view).to_contain_text("Live")
    expect(page.locator(".jp-Launcher")).to_be_visible()
    view.locator(".jp-PeerPane-header").click(button="right")
    menu = page.locator(".lm-Menu")
    expect(menu.get_by_text("Open in a Window of Its Own")).to_be_visible()
    shoot("menu")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ask an agent of its owner").click()
    expect(panel.get_by_role("textbox", name="Ask ada")).to_be_focused()

    page.evaluate("window.jupyterapp.commands.execute('application:close')")
    expect(view).to_have_count(0)
    row.locator(".jp-Peers-name").dblclick()
    expect(view).to_contain_text("Live")
    page.evaluate("window.jupyterapp.commands.execute('application:close')")
    expect(view).to_have_count(0)
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(content(view).locator("body")).to_contain_text("step 59")
    expect(view).to_be_focused()
    page.keyboard.press("Tab")
    expect(view.locator(".jp-PeerPane-header")).to_be_focused()
    page.keyboard.press("Tab")
    expect(view.locator("iframe")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(view.locator(".jp-PeerPane-header")).to_be_focused()
    page.keyboard.press("Control+Alt+O")
    expect(row.get_by_role("button")).to_be_focused()


def test_a_log_is_followed_by_whoever_has_scrolled_to_its_end(
    ada: Lab, bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(bob)
    cell = threading.Thread(target=kernel.run, args=[RUNNING])
    cell.start()
    until_sync(
        lambda: any(pane["name"] == "running" for pane in ada.api("GET", "panes")["mine"]),
        what="the pane to be shared",
    )
    view = open_tab(page, bob, "running")
    inside = content(view).locator("body")
    expect(inside).to_contain_text("line 79")
    assert not inside.evaluate(AT_END)
    inside.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
    (ada.root / "go-on").touch()
    cell.join()
    expect(inside).to_contain_text("line 159")
    assert inside.evaluate(AT_END)


def test_the_toolbar_saves_copies_pauses_and_fits(
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
    tmp_path: Path,
) -> None:
    page = open_lab(bob)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view = open_tab(page, bob, "log")
    expect(content(view).locator("body")).to_contain_text("step 59")
    tools = page.get_by_role("toolbar", name="main area toolbar")
    for theme in ("Light", "Dark"):
        use_theme(page, f"JupyterLab {theme}")
        shoot(theme.lower())
        assert view.evaluate(LOWEST_CONTRAST) >= 4.5
    with page.expect_download() as saved:
        tools.get_by_role("button", name="Save the picture").click()
    assert saved.value.suggested_filename == "ada-log.png"
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as saved:
        tools.get_by_role("button", name="Save the data").click()
    outputs = json.loads(Path(saved.value.path()).read_text())
    assert [each["output_type"] for each in outputs] == ["display_data", "display_data", "stream"]
    tools.get_by_role("button", name="Copy the text").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('step 59')")

    tools.get_by_role("button", name="Pause").click()
    expect(view).to_contain_text("Paused")
    kernel.run("steps.update({'text/plain': 'gone on'}, raw=True)")
    tools.get_by_role("button", name="Go on showing changes").click()
    expect(content(view).locator("body")).to_contain_text("gone on")
    tools.get_by_role("button", name="Fit all of it").click()
    root = content(view).locator("html")
    expect(content(view).locator("#pane[style*=zoom]")).to_have_count(1)
    assert root.evaluate("node => node.scrollHeight <= node.clientHeight")
    shoot("fitted")


def test_a_pane_opens_in_a_window_of_its_own_and_comes_back_in_front(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(bob)
    write_notebook(bob, "behind.ipynb", "1")
    page.evaluate(
        "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'behind.ipynb'})"
    )
    view = open_tab(page, bob, "log")
    expect(content(view).locator("body")).to_contain_text("step 59")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open in a window of its own").click()
    window = opened.value
    alone = window.locator(".jp-PeerPane.jp-mod-tab:visible")
    expect(content(alone).locator("body")).to_contain_text("step 59", timeout=60_000)
    shoot("window", of=window)
    window.close()

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
    expect(page.locator(".lm-TabBar-tab.jp-mod-current")).to_contain_text("ada/log")


def differs(hers: Locator, his: Locator) -> str:
    """Return in what an output at its owner differs from the one at a viewer, or nothing."""
    texts = text(hers), text(his)
    share = difference(*(inner(picture(each)) for each in (hers, his)))
    return "" if texts[0] == texts[1] and share <= TOLERANCE else f"{texts} {share:.1%}"


def inner(whole: Image.Image) -> Image.Image:
    """Return a picture without a line of the output above or below, which begins within a pixel."""
    return whole.crop((0, 1, whole.width, whole.height - 1))


def test_each_output_of_a_viewer_is_that_of_the_owner_by_picture_and_text_late_and_live(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    cell = GalleryCell("all", ALL, "all", "", "", "")
    owner = OwnersPage(
        open_lab(ada), ada, [GalleryCell("", "%load_ext jupyter_peer", "", "", "", ""), cell]
    )
    owner.page.add_style_tag(content=WITHOUT_SEARCH)
    viewer = ViewersPage(open_lab(bob, new=True), bob)
    for page in (owner.page, viewer.page):
        use_theme(page, "JupyterLab Light")
    owner.run(0)
    owner.run(1)
    inside = viewer.open("all")
    viewer.fit(inside, owner.width(1))
    for run in (1, 2):
        if run == 2:
            owner.run(1)
        # The last output alone says which run it is of.
        expect(inside.locator(".error")).to_contain_text(f"ValueError: run {run}")
        hers, his = owner.outputs(1), inside.locator("#pane > .output").all()
        assert (len(hers), len(his)) == (OUTPUTS, OUTPUTS)
        left = list(zip(hers, his, strict=True))
        deadline = time.monotonic() + PATIENCE
        while (left := [pair for pair in left if differs(*pair)]) and time.monotonic() < deadline:
            pass
        assert [differs(*pair) for pair in left] == []
        expect(inside.locator(".note")).to_have_count(0)
