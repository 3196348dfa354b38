"""An agent of a peer is asked with the mouse: real kernels, two real servers, a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.machine.waiting import until_sync
from tests.ui.kernels import running_kernel
from tests.ui.lab import Lab
from tests.ui.sidebar.test_sidebar import (
    CONNECTED,
    PANEL,
    act_on,
    assert_fits,
    open_panel,
    row_of,
    set_width,
    use_theme,
)

AGENTS = r"""
import time
import jupyter_peer as peer
import pandas
from IPython.display import HTML

me = peer.client()

@me.agent(name="plotter")
def plotter(turn):
    yield "drawn"
    yield pandas.DataFrame({"loss": [0.5, 0.25]})
    yield HTML("<p id='from'></p><script>from.textContent = 'by a script of ' + origin</script>")

@me.agent(name="helper")
def helper(turn):
    if "fail" in turn.prompt:
        raise KeyError(turn.prompt)
    yield "<img src=x onerror='window.pwned=1'> "
    if "wait" in turn.prompt:
        while not turn.is_over:
            time.sleep(0.02)
    yield f"after {len(turn.history)} questions"
"""


@pytest.fixture(scope="module")
def both(start_labs: Callable[..., list[Lab]]) -> list[Lab]:
    return start_labs(["ada", "bob"], "--PeerExtension.allow_remote_agent=True")


@pytest.fixture(scope="module", autouse=True)
def agents(ada: Lab) -> Iterator[None]:
    """Two agents in a kernel of Ada's."""
    with running_kernel(ada) as kernel:
        kernel.run(AGENTS)
        yield


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_an_agent_is_asked_stopped_and_asked_again_with_the_mouse(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[..., None], theme: str
) -> None:
    page = open_lab(bob)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(row_of(panel, "ada")).to_contain_text(CONNECTED)
    act_on(panel, "ada", "Ask…")
    field = panel.get_by_role("textbox", name="Ask ada")
    log = panel.get_by_role("log", name="Answers of ada")
    expect(field).to_be_focused()
    expect(panel.get_by_role("combobox", name="Agent")).to_have_value("helper")

    def ask(question: str) -> None:
        field.fill(question)
        panel.get_by_role("button", name="Ask", exact=True).click()

    ask("wait for me")
    # The first piece is there while the agent goes on.
    expect(log).to_contain_text("<img src=x onerror='window.pwned=1'>")
    expect(log).to_contain_text("answering…")
    shoot(f"{theme.split()[-1].lower()}-answering")
    panel.get_by_role("button", name="Stop", exact=True).click()
    expect(log).to_contain_text("stopped")
    until_sync(lambda: ada.api("GET", "agents")["running"] == [], what="the end of the turn")

    wait = panel.get_by_role("combobox", name="Wait")
    expect(wait).to_have_value("600")
    wait.select_option("1 min")
    ask("one")
    expect(log).to_contain_text("answered")
    ask("two")
    expect(log).to_contain_text("after 1 questions")
    ask("fail")
    failure = panel.get_by_role("alert")
    expect(failure).to_contain_text("agent")
    expect(failure.locator(".jp-Peers-muted")).not_to_be_empty()
    expect(field).to_have_value("fail")
    assert page.evaluate("window.pwned") is None

    panel.get_by_role("combobox", name="Agent").select_option("plotter")
    ask("draw")
    expect(log).to_contain_text("drawn")
    # A DataFrame and HTML are drawn as in a pane: one frame, of an origin that has no name.
    expect(log.locator("iframe")).to_have_count(1)
    drawn = log.frame_locator("iframe").frame_locator("iframe")
    expect(drawn.locator("table.dataframe")).to_be_visible(timeout=30_000)
    expect(drawn.get_by_text("by a script of null")).to_be_visible()
    for name, width in [("wide", 420), ("narrow", 250)]:
        set_width(page, width)
        shoot(f"{theme.split()[-1].lower()}-{name}")
        assert_fits(panel)


def test_the_palette_asks_the_only_peer(ada: Lab, bob: Lab, open_lab: Callable[..., Page]) -> None:
    page = open_lab(bob)
    page.wait_for_function("window.jupyterapp.commands.isEnabled('jupyter-peer:ask')")
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").press_sequentially("Ask an Agent of a Peer")
    page.keyboard.press("Enter")
    expect(page.locator(PANEL).get_by_role("textbox", name="Ask ada")).to_be_focused()
