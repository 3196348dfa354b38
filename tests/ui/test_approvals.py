"""The prompt before a tool of an agent is used: a real kernel, a real peer, a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Page, expect

from tests.ui.lab import Lab
from tests.ui.test_sidebar import LOWEST_CONTRAST, use_theme

AGENT = """
import jupyter_peer as peer

@peer.tool
def restart(run, *, note=""):
    return f"restarted {run}"

@peer.client().agent(name="helper", tools=[restart])
def helper(turn):
    try:
        return turn.tools.restart(7, note="<img src=x onerror='window.pwned = 1'>")
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

    def __init__(self, bob: Lab) -> None:
        super().__init__(daemon=True)
        self._bob = bob
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        self.answer = self._bob.api("POST", "ask-peer", {"peer_id": "ada", "prompt": "restart it"})

    def result(self) -> Any:
        self.join(15)
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
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        use_theme(page, theme)
        asking = Asking(bob)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("bob has asked your agent helper")
        expect(dialog.locator("pre")).to_have_text(
            """7, note="<img src=x onerror='window.pwned = 1'>\""""
        )
        expect(dialog.get_by_role("button", name="Deny")).to_be_focused()
        assert dialog.locator("img").count() == 0
        shoot(theme.split()[-1].lower())
        assert page.locator(".jp-Peers-approval").evaluate(LOWEST_CONTRAST) >= 4.5
        if "Light" in theme:
            dialog.get_by_role("button", name="Allow once").click()
            assert asking.result() == {"ok": True, "answer": "restarted 7"}
        else:
            page.keyboard.press("Enter")
            assert asking.result() == {"ok": True, "answer": "no: the owner has refused it"}
        expect(dialog).to_have_count(0)
    assert page.evaluate("window.pwned") is None
