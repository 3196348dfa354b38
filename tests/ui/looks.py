"""Pictures of every view beside JupyterLab's own: ``python -m tests.ui.looks``, or ``make looks``.

A person looks at them: ``build/looks/index.html`` has a row for each view and a column for each
theme. Views are taken from two real JupyterLabs at a real relay, with kernels, agents and panes.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect, sync_playwright

from tests.machine.needs import needs_program
from tests.relay.process import relay_process
from tests.ui.axe import find_faults
from tests.ui.conftest import CHROMIUM_ARGS
from tests.ui.kernels import running_kernel
from tests.ui.lab import Lab, open_workspace
from tests.ui.panes.test_panes import content
from tests.ui.sidebar.test_panel import write_notebook
from tests.ui.sidebar.test_sidebar import PANEL, act_on, open_panel, row_of, set_width, use_theme

SIZE = {"width": 1280, "height": 1000}
# The last two: a person's own colours, which replace those of every theme.
LOOKS = {
    "light": ("JupyterLab Light", "none"),
    "dark": ("JupyterLab Dark", "none"),
    "high-contrast": ("JupyterLab Dark High Contrast", "none"),
    "forced-light": ("JupyterLab Light", "active"),
    "forced-dark": ("JupyterLab Dark", "active"),
}
PLOT = """# Loss of the training
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(5, 1.6))
axes.plot([1 / n for n in range(1, 20)]); plt.show()
print('token = abc')"""
SLIDER = "import ipywidgets\nipywidgets.IntSlider(64, description='batch', max=256)"
FAILS = "1 / 0"
WORKS = "%load_ext jupyter_peer\n%peer panel"
AGENT = """import jupyter_peer as peer
me = peer.client()

@peer.tool
def restart(run):
    return f"restarted {run}"

@me.agent(name="helper", tools=[restart])
def helper(turn):
    if "restart" in turn.prompt:
        return turn.tools.restart(7)
    if "fail" in turn.prompt:
        raise KeyError(turn.prompt)
    return "The loss is 0.05 after 20 epochs, and it still falls."
"""
SHARES = """%%peer share accuracy --with ada --title "Accuracy on the test set"
print("epoch 1: 0.82")"""
MENU = ".lm-Menu"
ASKED = "The loss is 0.05"


class Scene:
    """Ada's JupyterLab in a page, with all that there is to be seen."""

    def __init__(self, page: Page, ada: Lab, bob: Lab, folder: Path) -> None:
        self.page, self.ada, self.bob = page, ada, bob
        self.panel = page.locator(PANEL)
        self.dialog = page.get_by_role("dialog")
        self._folder = folder
        self._look = ""
        self.views: list[str] = []

    def set(self) -> None:
        """Open a notebook whose first cell is shared, a pane of bob's, a chat and an answer."""
        open_workspace(self.page, self.ada)
        self.open_notebook()
        open_panel(self.page)
        set_width(self.page, 320)
        expect(row_of(self.panel, "bob")).to_contain_text("Connected")
        row_of(self.panel, "bob").get_by_role("button").first.click()
        self.share_form(0)
        self.dialog.get_by_label("The output may show a password").check()
        self.dialog.get_by_role("button", name="Share", exact=True).click()
        expect(self.dialog).to_have_count(0)
        self.command("jupyter-peer:show-shared")
        row = self.panel.get_by_role("button", name="Loss of the training")
        row.first.click()
        self.bob.api("POST", "chat", {"peer": "ada", "text": "how far is it?"})
        act_on(self.panel, "bob", "Chat")
        self.panel.get_by_role("textbox", name="Write to bob").fill("half of it is done")
        self.page.keyboard.press("Enter")
        act_on(self.panel, "bob", "Ask…")
        self.panel.get_by_role("textbox", name="Ask bob").fill("How good is it?")
        self.page.keyboard.press("Enter")
        expect(self.panel.get_by_role("log", name="Answers of bob")).to_contain_text(ASKED)
        agent = self.panel.get_by_role("checkbox", name="Peers may ask my agent")
        if not agent.is_checked():
            agent.click()
        self.panel.get_by_role("button", name="helper").click()

    def open_notebook(self) -> None:
        """Run a notebook with a plot, a slider, an error and the panel of the kernel."""
        write_notebook(self.ada, "training.ipynb", PLOT, SLIDER, FAILS, WORKS)
        self.command("docmanager:open", {"path": "training.ipynb"})
        self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']")
        self.page.evaluate(
            "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.ready; }"
        )
        for number in range(4):
            self.cell(number).locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            prompt = self.cell(number).locator(".jp-InputPrompt")
            expect(prompt).to_contain_text(f"[{number + 1}]", timeout=60_000)
        expect(self.cell(0).locator("img")).to_be_visible(timeout=60_000)
        expect(self.cell(2)).to_contain_text("ZeroDivisionError")
        expect(self.cell(3).get_by_role("button", name="Make an invite")).to_be_visible()

    def cell(self, number: int) -> Locator:
        """A cell of the notebook."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def command(self, command: str, args: object = None) -> None:
        """Run a command of JupyterLab, without its answer."""
        self.page.evaluate(
            "([id, args]) => { window.jupyterapp.commands.execute(id, args ?? {}); }",
            [command, args],
        )

    def share_form(self, number: int) -> None:
        """Open the dialog that shares an output."""
        output = self.cell(number).locator(".jp-OutputArea-output").first
        output.click(button="right")
        self.page.locator(MENU).get_by_text("Share Output with a Peer…").click()
        expect(self.dialog).to_be_visible()

    def dress(self, look: str) -> None:
        """Change theme and colours."""
        theme, forced = LOOKS[look]
        self._look = look
        scheme = "dark" if "dark" in look else "light"
        self.page.emulate_media(
            forced_colors="active" if forced == "active" else "none",
            color_scheme="dark" if scheme == "dark" else "light",
        )
        use_theme(self.page, theme)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    @contextlib.contextmanager
    def view(
        self, name: str, of: Locator | None = None, ours: Locator | None = None
    ) -> Iterator[None]:
        """Take a picture of what the block has opened, print what axe finds in our part, and close it."""
        try:
            yield
            self.page.wait_for_timeout(300)  # a person sees what has come to rest
            path = self._folder / f"{name}-{self._look}.png"
            if of is None:
                self.page.screenshot(path=path)
            else:
                of.last.screenshot(path=path)
            for fault in find_faults(*(ours.all() if ours else [])):
                print(f"{name}, {self._look}: {fault}")
        except (Error, AssertionError) as failure:
            print(f"{name}, {self._look}: {str(failure)[:300]}")
        if name not in self.views:
            self.views.append(name)
        for _ in range(2):
            self.page.keyboard.press("Escape")

    def sidebars(self) -> None:
        """Take the side bar: JupyterLab's, and ours in two widths."""
        left = self.page.locator("#jp-left-stack")
        theirs = {
            "files": "filebrowser",
            "running": "jp-running-sessions",
            "extensions": "extensionmanager.main-view",
            "contents": "table-of-contents",
        }
        for name, tab in theirs.items():
            with self.view(f"side-{name}", left):
                self.page.locator(f'.jp-SideBar [data-id="{tab}"]').click()
        self.page.locator(f'.jp-SideBar [data-id="{PANEL[1:]}"]').click()
        titles = self.panel.locator(".jp-AccordionPanel-title")
        for width in (320, 250):
            set_width(self.page, width)
            # All sections do not fit at once: each is shown alone.
            for index, label in enumerate(titles.locator(".lm-AccordionPanel-titleLabel").all()):
                words = label.inner_text().split(" (")[0].lower().replace(" ", "-")
                with self.view(f"side-peers-{words}-{width}", left, self.panel):
                    self.unfold(titles, index)
        set_width(self.page, 320)
        self.unfold(titles, None)

    @staticmethod
    def unfold(titles: Locator, only: int | None) -> None:
        """Unfold one section alone, or all."""
        for number, title in enumerate(titles.all()):
            is_wanted = only is None or number == only
            if (title.get_attribute("aria-expanded") == "true") != is_wanted:
                title.click(position={"x": 8, "y": 8})

    def documents(self) -> None:
        """Take a notebook with its marks, a pane, the connection check, the settings and the status bar."""
        marks = self.page.locator(".jp-Peers-cellMark")
        with self.view("document-notebook", ours=marks):
            self.command("docmanager:open", {"path": "training.ipynb"})
            self.cell(0).scroll_into_view_if_needed()
        with self.view("document-panel-of-a-kernel", ours=self.cell(3).locator(".jp-OutputArea")):
            self.cell(3).scroll_into_view_if_needed()
        (peer,) = self.ada.api("GET", "peers")["peers"]
        document = self.page.locator(".jp-PeerPane-document:visible")
        with self.view("document-pane", ours=document):
            self.command("jupyter-peer:open-pane", {"peer": peer["node_id"], "name": "accuracy"})
            pane = document.locator(".jp-PeerPane")
            expect(content(pane).locator("body")).to_contain_text("epoch 1")
        with self.view("document-check", ours=self.page.locator(".jp-Peers-refreshed:visible")):
            self.command("jupyter-peer:doctor")
            expect(self.page.locator(".jp-Peers-finding").first).to_be_visible(timeout=30_000)
        with self.view("document-activity", ours=self.page.locator(".jp-Peers-refreshed:visible")):
            self.command("jupyter-peer:activity")
            expect(self.page.locator(".jp-Peers-activity tbody tr").first).to_be_visible()
        with self.view("document-settings"):
            self.command("settingeditor:open", {"query": "Peers"})
            expect(self.page.get_by_text("Notify when somebody pairs").first).to_be_visible()
        with self.view("status", self.page.locator("#jp-bottom-panel")):
            pass
        self.command("docmanager:open", {"path": "training.ipynb"})

    def menus(self) -> None:
        """Take context menus."""
        menu = self.page.locator(MENU)
        with self.view("menu-cell", menu):
            self.cell(0).locator(".jp-OutputArea-output").first.click(button="right")
            expect(menu).to_be_visible()
        with self.view("menu-peer", menu):
            row_of(self.panel, "bob").get_by_role("button", name="Actions for bob").click()
            expect(menu).to_be_visible()
        for name, row in {"mine": "Panes that I share", "offered": "Panes shared with me"}.items():
            with self.view(f"menu-{name}", menu):
                self.panel.get_by_role("list", name=row).locator("li").first.click(button="right")
                expect(menu).to_be_visible()
        with self.view("menu-header", menu):
            (peer,) = self.ada.api("GET", "peers")["peers"]
            self.command("jupyter-peer:open-pane", {"peer": peer["node_id"], "name": "accuracy"})
            self.page.locator(".jp-PeerPane-header:visible").click(button="right")
            expect(menu).to_be_visible()
        self.command("docmanager:open", {"path": "training.ipynb"})

    def dialogs(self) -> None:
        """Take JupyterLab's dialogs and ours."""
        form, box = self.dialog, self.page.locator(".jp-Dialog-content")

        def opened(name: str, open_: Callable[[], object]) -> None:
            with self.view(f"dialog-{name}", box, None if name.startswith("their") else box):
                open_()
                expect(box).to_be_visible()

        opened("their-kernel", lambda: self.command("notebook:change-kernel"))
        opened("their-restart", lambda: self.command("notebook:restart-kernel"))
        opened("their-about", lambda: self.command("help:about"))
        opened("invite", lambda: self.command("jupyter-peer:invite"))
        with self.view("dialog-invite-made", box, box):
            self.command("jupyter-peer:invite")
            form.get_by_role("button", name="Create invite").click()
            expect(form.get_by_role("textbox", name="The invite")).to_be_visible()
        with self.view("dialog-code-made", box, box):
            self.command("jupyter-peer:invite")
            form.get_by_role("combobox", name="You give it as").select_option("code")
            form.get_by_role("button", name="Create invite").click()
            expect(form.get_by_role("status", name="The code")).to_be_visible()
        opened("pair", lambda: self.command("jupyter-peer:pair"))
        with self.view("dialog-pair-failed", box, box):
            self.command("jupyter-peer:pair")
            form.get_by_role("textbox", name="Paste the invite").fill("jpeer1:AAAA")
            self.page.keyboard.press("Enter")
            expect(form.get_by_role("alert")).to_be_visible()
        for number, name in enumerate(("share", "share-widget", "share-error")):
            opened(name, lambda number=number: self.share_form(number))
        with self.view("dialog-link-made", box, box):
            self.command("jupyter-peer:link", {"name": "loss-of-the-training"})
            form.get_by_role("button", name="Make link").click()
            expect(form.get_by_label("The link", exact=True)).to_be_visible()
        self.drop_links()
        opened("link", lambda: self.command("jupyter-peer:link", {"name": "loss-of-the-training"}))
        opened("stop", lambda: self.command("jupyter-peer:unshare-all"))
        opened("rename", lambda: self.command("jupyter-peer:rename"))
        opened("details", lambda: self.command("jupyter-peer:details"))
        opened("create-room", lambda: self.command("jupyter-peer:create-room"))
        opened("join-room", lambda: self.command("jupyter-peer:join-room"))
        opened("forget", lambda: act_on(self.panel, "bob", "Forget…"))
        opened("rename-peer", lambda: act_on(self.panel, "bob", "Rename…"))
        opened("open-pane", lambda: self.command("jupyter-peer:open-pane"))
        asking = {"peer_id": "ada", "prompt": "restart it"}
        asked = threading.Thread(target=self.bob.api, args=("POST", "ask-peer", asking))
        toast = self.page.locator(".Toastify__toast")
        with self.view("notice-approval", toast, toast):
            asked.start()
            expect(toast.get_by_role("button", name="Look…")).to_be_visible()
        opened("approval", lambda: toast.get_by_role("button", name="Look…").click())
        asked.join(20)
        for invite in self.ada.api("GET", "invites")["invites"]:
            self.ada.api("DELETE", f"invites/{invite['id']}")

    def drop_links(self) -> None:
        """Stop all links."""
        for link in self.ada.api("GET", "links")["links"]:
            self.ada.api("DELETE", f"links/{link['id']}")

    def notices(self) -> None:
        """Take a notification."""
        self.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
        with self.view("notice", self.page.locator(".Toastify__toast")):
            self.bob.api("POST", "chat", {"peer": "ada", "text": "are you there?"})
            expect(self.page.locator(".Toastify__toast")).to_be_visible()
        self.page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")

    def all(self, parts: list[str]) -> None:
        """Take all views of some kinds in each look."""
        for look in LOOKS:
            self.dress(look)
            for part in parts:
                getattr(self, part)()


PARTS = ["sidebars", "documents", "menus", "dialogs", "notices"]


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Start everything, and end it."""
    labs: list[Lab] = []
    with (
        tempfile.TemporaryDirectory() as base,
        relay_process() as relay,
        sync_playwright() as playwright,
        contextlib.ExitStack() as stack,
    ):
        options = (
            f"--PeerExtension.lobby_url={relay.url}",
            "--PeerExtension.allow_remote_agent=True",
            "--PeerExtension.remote_agent_mode=ask",
        )
        labs += [Lab(Path(base) / name, name, *options) for name in ("ada", "bob")]
        for lab in labs:
            stack.callback(lab.close)
        ada, bob = (lab.started() for lab in labs)
        bob.pair_with(ada)
        for lab in labs:
            kernel = stack.enter_context(running_kernel(lab))
            kernel.run(AGENT)
        kernel.run(SHARES)
        ada.api("POST", "rooms", {"name": "class", "visibility": "public"})
        bob.api("POST", "rooms/class/join", {})
        path = needs_program("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        stack.callback(browser.close)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(15_000)
        built = Scene(page, ada, bob, folder)
        built.set()
        yield built


def write_index(folder: Path, views: list[str]) -> None:
    """Write a page with a row for each view and a column for each look."""
    rows = "".join(
        f"<h2>{html.escape(view)}</h2><div>"
        + "".join(f'<img src="{view}-{look}.png" alt="{view}, {look}">' for look in LOOKS)
        + "</div>"
        for view in views
    )
    style = "div{display:flex;gap:8px;align-items:start}img{max-width:19%}body{background:#888}"
    (folder / "index.html").write_text(f"<!doctype html><style>{style}</style>{rows}")


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/looks"))
    parser.add_argument("parts", nargs="*", default=PARTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with scene(options.out) as built:
        built.all(options.parts)
    write_index(options.out, built.views)
    print(f"{options.out}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
