"""Chat and the connection check, in a real browser on two real servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

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

HOSTILE = "<img src=x onerror='window.pwned=1'> **bold** [a](javascript:1)"


@pytest.fixture(scope="module")
def both(start_labs: Callable[..., list[Lab]]) -> list[Lab]:
    return start_labs(["ada-laptop", "bob"])


def log_of(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("log", name=name)


def test_a_line_is_told_opened_answered_and_shown_as_text(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    page = open_lab(ada)
    bob.api("POST", "chat", {"peer": "ada-laptop", "text": HOSTILE})
    toast = page.locator(".Toastify__toast").filter(has_text="bob:")
    expect(toast).to_contain_text(HOSTILE[:60])
    shoot("told")
    toast.get_by_role("button", name="Open").click()
    panel = page.locator(PANEL)
    expect(log_of(panel, "bob")).to_contain_text(HOSTILE)
    expect(toast).to_have_count(0)
    assert page.evaluate("window.pwned") is None

    theirs = open_panel(open_lab(bob, new=True))
    act_on(theirs, "ada-laptop", "Chat")
    expect(theirs.get_by_role("textbox", name="Write to ada-laptop")).to_be_focused()
    panel.get_by_role("textbox", name="Write to bob").fill("the run is done")
    page.keyboard.press("Enter")
    expect(log_of(panel, "bob")).to_contain_text("the run is done")
    expect(log_of(theirs, "ada-laptop")).to_contain_text("the run is done")
    expect(panel.get_by_role("textbox", name="Write to bob")).to_have_value("")
    # Whoever looks at it needs no notification.
    expect(theirs.page.locator(".Toastify__toast")).to_have_count(0)
    assert ada.api("GET", "chat")["unread"] == bob.api("GET", "chat")["unread"] == {}
    # With the panel out of sight a line is unread again.
    panel.get_by_role("button", name="Close").click()
    bob.api("POST", "chat", {"peer": "ada-laptop", "text": "one more"})
    expect(row_of(panel, "bob")).to_contain_text("1 unread line")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_chat_and_connection_check_fit_and_are_readable_in_each_theme_and_width(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[..., None], theme: str
) -> None:
    for text in ("how far is it?", "x" * 120, "two\n    lines of\ncode"):
        bob.api("POST", "chat", {"peer": "ada-laptop", "text": text})
        ada.api("POST", "chat", {"peer": "bob", "text": f"re: {text}"})
    bob.api("POST", "chat", {"peer": "ada-laptop", "text": "are you there?"})
    page = open_lab(ada)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)
    row_of(panel, "bob").get_by_role("button").first.click()
    name = theme.split()[-1].lower()

    def check(what: str) -> None:
        for width_name, width in [("wide", 420), ("narrow", 250)]:
            set_width(page, width)
            shoot(f"{name}-{what}-{width_name}")
            assert_fits(panel)

    check("unread")
    row_of(panel, "bob").get_by_role("button", name="unread").click()
    expect(log_of(panel, "bob")).to_contain_text("are you there?")
    check("chat")
    act_on(panel, "bob", "Connection Check")
    findings = page.get_by_role("list", name="Connection check").locator("visible=true")
    expect(page.get_by_role("tab", name="Connection check: bob")).to_be_visible()
    expect(findings).to_contain_text("proves its key")
    tab = page.locator(".jp-Peers-document:visible")
    assert_fits(tab)
    # The findings stand below their summary.
    boxes = [each.bounding_box() for each in tab.locator(".jp-Peers-check > *").all()]
    assert [box["x"] for box in boxes if box] == [boxes[0]["x"]] * len(boxes)
    shoot(f"{name}-check-peer")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-peer:doctor')")
    expect(findings).to_contain_text("Port for peers")
    expect(findings).to_contain_text("→")
    expect(findings).not_to_contain_text("peer-listen")
    assert_fits(tab)
    shoot(f"{name}-check")
