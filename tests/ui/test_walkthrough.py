"""All that two people do with one plot, by mouse alone and by keyboard alone, in JupyterLab and in Notebook 7.

``pytest -s`` prints the clicks or keys of each step, and its seconds.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.machine.waiting import until_sync
from tests.ui.conftest import PageErrors
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import PANEL
from tests.ui.test_notebook7 import open_notebook

PLOT = """# Loss of the run
import ipywidgets
from IPython.display import SVG, display
run = globals().get('run', 0) + 1
def draw(epochs=3):
    print('run', run, 'epochs', epochs)
    line = ' '.join(f'{20 * n},{50 / (n + 1)}' for n in range(epochs + 1))
    display(SVG(f'''<svg xmlns="http://www.w3.org/2000/svg" width="180" height="60">
      <polyline points="{line}" fill="none" stroke="teal" /></svg>'''))
ipywidgets.interact(draw, epochs=(1, 9));"""


class Person:
    """Somebody at a page, whose clicks or keys are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0
        self.steps: dict[str, int] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count and time a step; its page is the one in front."""
        self.page.bring_to_front()
        before, began = self.count, time.monotonic()
        yield
        self.steps[name] = self.count - before
        print(f"{name}: {self.steps[name]}, {time.monotonic() - began:.1f} s")

    def click(self, target: Locator, button: str = "left") -> None:
        self.count += 1
        target.click(button="right" if button == "right" else "left")

    def choose(self, target: Locator, value: str) -> None:
        """Open a list and choose: two clicks."""
        self.count += 2
        target.select_option(value)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.count += 1
            self.page.keyboard.press(key)

    def run_command(self, words: str) -> None:
        """Choose a command of the palette; the letters of its name are not counted."""
        self.press("Control+Shift+C")
        self.page.locator(".lm-CommandPalette-input").press_sequentially(words)
        self.press("Enter")

    @property
    def panel(self) -> Locator:
        return self.page.locator(PANEL)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def plot(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").first

    @property
    def pane(self) -> Locator:
        return self.page.locator(".jp-PeerPane:visible")


@pytest.fixture
def strangers(both: list[Lab]) -> list[Lab]:
    """Two people who have not met."""
    for lab in both:
        for peer in lab.api("GET", "peers")["peers"]:
            lab.api("DELETE", f"peers/{peer['node_id']}")
        until_sync(lambda lab=lab: not lab.api("GET", "peers")["peers"], what="them to be apart")
    return both


def computed(page: Page) -> Person:
    """The owner of the plot, which is there."""
    # The notebook's own mark says "idle" before there is a kernel, and what is run then is lost.
    page.wait_for_function(
        """() => {
          const { context } = window.jupyterapp?.shell.currentWidget ?? {};
          return context?.sessionContext?.session?.kernel?.status === 'idle';
        }"""
    )
    ada = Person(page)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    expect(ada.plot).to_contain_text("run 1 epochs 3", timeout=60_000)
    return ada


def plot_of(lab: Lab) -> str:
    """Write the plot into a notebook that has no kernel yet."""
    name = f"plot-{secrets.token_hex(4)}.ipynb"
    write_notebook(lab, name, PLOT)
    return name


def in_lab(page: Page, lab: Lab) -> Person:
    page.evaluate(
        "path => { window.jupyterapp.commands.execute('docmanager:open', { path }); }",
        plot_of(lab),
    )
    return computed(page)


def walk_with_the_mouse(ada: Person, bob: Person, show_panel: Callable[[Person], None]) -> None:
    """Pair, share, open, run again, give use, move a slider, take it back and stop."""
    with ada.step("invite"):
        show_panel(ada)
        ada.click(ada.panel.get_by_role("button", name="Invite", exact=True))
        ada.click(ada.dialog.get_by_role("button", name="Create invite"))
        ada.click(ada.dialog.get_by_role("button", name="Copy invite"))
        text = ada.dialog.get_by_role("textbox", name="The invite").input_value()
        ada.click(ada.dialog.get_by_role("button", name="Done"))
    with bob.step("pair"):
        show_panel(bob)
        bob.click(bob.panel.get_by_role("button", name="Pair", exact=True))
        bob.dialog.get_by_role("textbox", name="Paste the invite").fill(text)
        bob.count += 2  # the menu of the field, and Paste
        bob.click(bob.dialog.get_by_role("button", name="Pair", exact=True))
        expect(bob.panel.get_by_role("list", name="Peers")).to_contain_text("ada")
    with ada.step("share"):
        expect(ada.panel.get_by_role("list", name="Peers")).to_contain_text("bob")
        ada.click(ada.plot.locator(".jp-OutputArea-output").first, "right")
        ada.click(ada.page.locator(".lm-Menu").get_by_text("Share Output with a Peer…"))
        ada.click(ada.dialog.get_by_role("button", name="Share", exact=True))
        expect(ada.plot.locator(".jp-Peers-cellMark")).to_contain_text("1 peer can view it")
    with bob.step("open"):
        bob.click(bob.page.locator(".Toastify__toast").get_by_role("button", name="Open"))
        inside = content(bob.pane)
        expect(inside.locator("body")).to_contain_text("run 1 epochs 3")
    with ada.step("run again"):
        ada.click(ada.plot.locator(".cm-content"))
        ada.click(ada.page.locator("[data-command='notebook:run-cell-and-select-next']"))
        expect(inside.locator("body")).to_contain_text("run 2 epochs 3")
    can = ada.panel.get_by_role("combobox", name="What bob can do")
    with ada.step("give use"):
        ada.click(ada.panel.get_by_role("button", name="Loss of the run Watching: bob"))
        ada.choose(can, "interact")
        expect(bob.pane).to_contain_text("you can use it")
    with bob.step("move a slider"):
        knob = inside.locator(".noUi-handle")
        knob.scroll_into_view_if_needed()
        box = knob.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        bob.page.mouse.move(x, y)
        bob.page.mouse.down()
        bob.page.mouse.move(x + 300, y, steps=4)
        bob.page.mouse.up()
        bob.count += 1
        expect(ada.plot).to_contain_text("run 2 epochs 9")
        expect(inside.locator("body")).to_contain_text("run 2 epochs 9")
    with ada.step("take it back"):
        ada.choose(can, "view")
        expect(bob.pane).to_contain_text("you can view it")
    with ada.step("stop"):
        ada.click(ada.plot.locator(".jp-Peers-cellMark"))
        ada.click(ada.dialog.get_by_role("button", name="Stop", exact=True))
        expect(bob.pane).to_contain_text("Stopped by ada")
    assert ada.steps["share"] == 3
    assert bob.steps["open"] == 1


def walk_with_the_keyboard(ada: Person, bob: Person, lab: Lab) -> None:
    """Do the same by keys; the lab is ada's."""
    ada.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with ada.step("invite"):
        ada.run_command("Invite a Peer")
        expect(ada.dialog.get_by_role("textbox", name="For whom")).to_be_focused()
        ada.press("Enter")
        expect(ada.dialog.get_by_role("textbox", name="The invite")).to_be_visible()
        expect(ada.dialog.get_by_role("button", name="Copy invite")).to_be_focused()
        ada.press("Enter", "Escape")
        expect(ada.dialog).to_have_count(0)
    with bob.step("pair"):
        bob.run_command("Pair with a Peer")
        expect(bob.dialog.get_by_role("textbox", name="Paste the invite")).to_be_focused()
        bob.press("Control+V", "Enter")
        expect(bob.dialog).to_have_count(0)
    with ada.step("share"):
        until_sync(lambda: lab.api("GET", "peers")["peers"], what="them to be paired")
        ada.press("Control+Alt+P")
        expect(ada.dialog.get_by_role("checkbox", name="bob")).to_be_focused()
        ada.press("Enter")
        expect(ada.plot.locator(".jp-Peers-cellMark")).to_contain_text("1 peer can view it")
    with bob.step("open"):
        toasts = bob.page.locator(".Toastify__toast")
        expect(toasts.filter(has_text="ada shares")).to_have_count(1)
        bob.run_command("Open a Peer’s Pane")
        expect(bob.dialog).to_be_visible()
        bob.press("Enter")
        inside = content(bob.pane)
        expect(inside.locator("body")).to_contain_text("run 1 epochs 3")
    with ada.step("run again"):
        ada.press("Control+Enter")
        expect(inside.locator("body")).to_contain_text("run 2 epochs 3")
    can = ada.panel.get_by_role("combobox", name="What bob can do")
    with ada.step("give use"):
        ada.run_command("Show What I Share with Peers")
        row = ada.panel.get_by_role("button", name="Loss of the run Watching: bob")
        tab_to(ada, row)
        ada.press("Enter")
        tab_to(ada, can)
        ada.press("ArrowDown")
        expect(bob.pane).to_contain_text("you can use it")
    with bob.step("move a slider"):
        tab_to(bob, inside.locator(".noUi-handle"))
        bob.press("ArrowRight")
        expect(ada.plot).to_contain_text("run 2 epochs 4")
        expect(inside.locator("body")).to_contain_text("run 2 epochs 4")
    with bob.step("leave the pane"):
        tab_to(bob, bob.page.get_by_role("group", name="The pane ada/loss-of-the-run"), back=True)
    with ada.step("take it back"):
        tab_to(ada, can)
        ada.press("ArrowUp")
        expect(bob.pane).to_contain_text("you can view it")
    with ada.step("stop"):
        ada.run_command("Stop Sharing with All Peers")
        ada.press("Tab", "Enter")
        expect(bob.pane).to_contain_text("Stopped by ada")


def tab_to(person: Person, target: Locator, *, back: bool = False) -> None:
    """Press Tab, or Shift+Tab to go back, until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(40):
        if target.evaluate("node => node === node.ownerDocument.activeElement"):
            return
        person.press("Shift+Tab" if back else "Tab")
    pytest.fail("the keyboard does not reach it")


def two_notebooks(page: Page, labs: list[Lab]) -> tuple[Person, Person]:
    """Ada's plot and a notebook of bob's, each in a page of Notebook 7."""
    write_notebook(labs[1], "own.ipynb", "1")
    other = page.context.new_page()
    open_notebook(page, labs[0], plot_of(labs[0]))
    open_notebook(other, labs[1], "own.ipynb")
    return computed(page), Person(other)


def test_two_people_do_all_with_the_mouse(
    strangers: list[Lab], open_lab: Callable[..., Page]
) -> None:
    ada = in_lab(open_lab(strangers[0]), strangers[0])
    bob = Person(open_lab(strangers[1], new=True))
    tab = f'.jp-SideBar.jp-mod-left [data-id="{PANEL[1:]}"]'
    walk_with_the_mouse(ada, bob, lambda person: person.click(person.page.locator(tab)))


def test_two_people_do_all_with_the_mouse_in_notebook_7(
    strangers: list[Lab], page: Page, page_errors: PageErrors
) -> None:
    page_errors.allow()  # Notebook's own code logs one as it loads settings

    def show(person: Person) -> None:
        person.click(person.page.get_by_role("menuitem", name="View"))
        person.click(person.page.locator(".lm-Menu").get_by_text("Left Sidebar"))
        person.click(person.page.locator(".lm-Menu").get_by_text("Show Peers"))

    walk_with_the_mouse(*two_notebooks(page, strangers), show)


def test_two_people_do_all_with_the_keyboard(
    strangers: list[Lab], open_lab: Callable[..., Page]
) -> None:
    ada = in_lab(open_lab(strangers[0]), strangers[0])
    walk_with_the_keyboard(ada, Person(open_lab(strangers[1], new=True)), strangers[0])


def test_two_people_do_all_with_the_keyboard_in_notebook_7(
    strangers: list[Lab], page: Page, page_errors: PageErrors, shoot: Callable[..., None]
) -> None:
    page_errors.allow()  # Notebook's own code logs one as it loads settings
    walk_with_the_keyboard(*two_notebooks(page, strangers), strangers[0])
    shoot("end")
