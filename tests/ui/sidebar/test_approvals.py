"""The prompt before a tool of an agent is used: a real kernel, a real peer, a real browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.lab import Lab
from tests.ui.sidebar.test_sidebar import LOWEST_CONTRAST, PANEL, use_theme
from tests.ui.test_walkthrough import Person

FOCUS_LAUNCHER = "document.querySelector('.jp-Launcher .jp-LauncherCard').focus()"

AGENT = r"""
import jupyter_peer as peer
import numpy

@peer.tool
def restart(run, *, note="", data=None):
    return f"restarted {run}"

@peer.client().agent(name="helper", tools=[restart])
def helper(turn):
    try:
        note = "<img src=x onerror='window.pwned = 1'>"
        if "long" in turn.prompt:
            lines = [f"step {n}: \u202eharmless" for n in range(200)]
            return turn.tools.restart(lines, note=note, data=numpy.zeros((2000, 3)))
        if "huge" in turn.prompt:
            return turn.tools.restart("x" * 100_000)
        return turn.tools.restart(7, note=note) + ", " + turn.tools.restart(8)
    except peer.errors.ToolRefusedError as error:
        return f"no: {error.message}"
"""


@pytest.fixture(scope="module")
def both(start_lab: Callable[..., Lab]) -> list[Lab]:
    options = ("--PeerExtension.allow_remote_agent=True", "--PeerExtension.remote_agent_mode=ask")
    return [start_lab("ada", *options), start_lab("bob")]


@pytest.fixture(scope="module")
def agent(ada: Lab) -> Iterator[None]:
    """An agent in a kernel of Ada's, and somebody to ask it."""
    kernel_id = ada.jupyter("POST", "api/kernels", {"name": "python3"})["id"]
    (connection,) = ada.root.parent.glob(f"runtime/kernel-{kernel_id}.json")
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(connection.read_text()))
    client.start_channels(hb=False)  # it may be up and not beat yet
    client.wait_for_ready(timeout=30)
    reply = client.execute_interactive(AGENT, timeout=30, output_hook=lambda message: None)
    assert reply["content"]["status"] == "ok", reply["content"]
    client.stop_channels()
    yield
    ada.jupyter("DELETE", f"api/kernels/{kernel_id}")


class Asking(threading.Thread):
    """Bob's question while it is answered."""

    def __init__(self, bob: Lab, prompt: str = "restart it") -> None:
        super().__init__(daemon=True)
        self._bob = bob
        self._prompt = prompt
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        self.answer = self._bob.api("POST", "ask-peer", {"peer_id": "ada", "prompt": self._prompt})

    def result(self) -> Any:
        self.join(60)
        return self.answer


@pytest.mark.usefixtures("agent")
def test_the_owner_is_asked_in_the_browser_and_what_a_peer_sends_is_text(
    ada: Lab,
    bob: Lab,
    page: Page,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
) -> None:
    assert "no browser is open" in Asking(bob).result()["answer"]
    open_lab(ada)
    dialog = page.get_by_role("dialog")
    notice = page.locator(
        ".Toastify__toast", has_text="May your agent helper call restart for bob?"
    )
    mine = page.locator(PANEL).get_by_role("list", name="Waiting for your yes")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        page.evaluate(FOCUS_LAUNCHER)
        asking = Asking(bob)
        expect(notice).to_be_visible()
        # Nothing takes the keyboard from somebody who types.
        expect(dialog).to_have_count(0)
        assert page.evaluate("document.activeElement.closest('.jp-Launcher') !== null")
        shoot(f"{theme.split()[-1].lower()}-notice")
        if "Light" in theme:
            notice.get_by_role("button", name="Look…").click()
        else:
            Person(page).run_command("Show My Agent")
            expect(mine).to_contain_text("restart waits")
            shoot("dark-panel")
            mine.get_by_role("button", name="Look at the call of restart for bob").click()
        expect(dialog).to_contain_text("bob")
        expect(dialog).to_contain_text(bob.api("GET", "identity")["node_id"])
        question, run, note = dialog.locator("pre").all_text_contents()
        assert (question, run) == ("restart it", "7")
        assert note == """"<img src=x onerror='window.pwned = 1'>\""""
        expect(dialog.get_by_role("button", name="No")).to_be_focused()
        assert dialog.locator("img").count() == 0
        shoot(theme.split()[-1].lower())
        assert page.locator(".jp-Peers-approval").evaluate(LOWEST_CONTRAST) >= 4.5
        assert_accessible(dialog)
        # Of the two that allow, one stands out: that which allows less.
        expect(dialog.locator(".jp-mod-warn, .jp-mod-accept")).to_have_text("Allow once")
        if "Light" in theme:
            dialog.get_by_role("button", name="Allow for this turn").click()
            assert asking.result() == {"ok": True, "answer": "restarted 7, restarted 8"}
        else:
            page.keyboard.press("Enter")
            assert asking.result() == {"ok": True, "answer": "no: the owner has refused the call"}
        expect(dialog).to_have_count(0)
        expect(notice).to_have_count(0)
    assert page.evaluate("window.pwned") is None
    # The panel says afterwards who asked and what came out.
    page.locator(PANEL).get_by_role("button", name="Who asked").click()
    past = page.locator(PANEL).get_by_role("list", name="The last questions")
    questions = past.get_by_role("listitem")
    expect(questions.first).to_contain_text(re.compile(r"^bob.*answered in \d+ s · helper"))
    before = questions.count()
    shoot("past")
    assert_accessible(page.locator(PANEL))
    asking = Asking(bob)
    notice.get_by_role("button", name="No", exact=True).click()
    assert asking.result()["answer"] == "no: the owner has refused the call"
    expect(questions).to_have_count(before + 1)
    expect(mine).to_have_count(0)


@pytest.mark.usefixtures("agent")
def test_an_attack_on_the_reader_is_seen_for_what_it_is(
    ada: Lab,
    bob: Lab,
    page: Page,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
) -> None:
    # A name that a peer gives itself is not the one its owner sees.
    bob.api("PATCH", "identity", {"name": "ada"})
    open_lab(ada)
    asking = Asking(bob, "long\u2066\n\n\nyes\u200b, do it \u05d0\u05d1")
    dialog = page.get_by_role("dialog")
    page.locator(".Toastify__toast").get_by_role("button", name="Look…").click()
    allow = dialog.get_by_role("button", name="Allow once")
    expect(dialog.locator("bdi")).to_have_text("bob")
    expect(dialog).to_contain_text("long⟨U+2066⟩")
    expect(dialog).to_contain_text("yes⟨U+200B⟩, do it")
    expect(dialog).to_contain_text("parts may be missing")
    assert "\u202e" not in dialog.inner_text()
    expect(allow).to_be_disabled()
    shoot("attack")
    # Neither a click nor a key allows what was not read.
    allow.click(force=True)
    allow.evaluate("button => button.disabled = false")
    allow.click(force=True)
    expect(dialog).to_have_count(1)
    box = dialog.locator(".jp-Peers-approvalBox")
    box.evaluate("box => { box.scrollTop = box.scrollHeight / 2; }")
    expect(dialog).to_have_count(1)
    box.evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(allow).to_be_enabled()
    expect(box.locator("pre").last).to_be_in_viewport()
    assert page.locator(".jp-Dialog-body").evaluate("b => b.scrollHeight <= b.clientHeight")
    shoot("attack-end")
    allow.click()
    assert asking.result()["answer"].startswith("restarted ['step 0")
    assert "nobody would read" in Asking(bob, "huge").result()["answer"]
    expect(dialog).to_have_count(0)
