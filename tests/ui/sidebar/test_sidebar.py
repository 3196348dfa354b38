"""The peers panel, in a real browser on real servers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.conftest import PageErrors
from tests.ui.lab import Lab

PANEL = "#jupyter-peer-sidebar"
CONNECTED = re.compile(r"Connected · direct · (<1|\d+) ms")


@pytest.fixture(scope="module")
def both(start_labs: Callable[..., list[Lab]]) -> list[Lab]:
    return start_labs(["ada-laptop", "bob"])


def open_panel(page: Page) -> Locator:
    """Click the tab in the left side bar, as a person would."""
    page.locator(f'.jp-SideBar.jp-mod-left [data-id="{PANEL[1:]}"]').click()
    panel = page.locator(PANEL)
    expect(panel).to_be_visible()
    return panel


def row_of(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("list", name="Peers").get_by_role("listitem").filter(has_text=name)


def act_on(panel: Locator, name: str, action: str) -> None:
    """Choose an action in the menu of a peer."""
    row_of(panel, name).get_by_role("button", name=f"Actions for {name}").click()
    panel.page.get_by_role("menuitem", name=action, exact=True).click()


def assert_fits(panel: Locator) -> None:
    """Nothing is wider than the panel, all text has the contrast that WCAG asks for, and axe finds no fault."""
    assert panel.evaluate(TOO_WIDE) == []
    assert_accessible(panel)
    assert panel.evaluate(LOWEST_CONTRAST) >= 4.5


def use_theme(page: Page, theme: str) -> None:
    """Change the theme and wait until its colours are there."""
    change = f"window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})"
    page.evaluate(change)
    is_light = "false" if "Dark" in theme else "true"
    body = f'body[data-jp-theme-name="{theme}"][data-jp-theme-light="{is_light}"]'
    page.wait_for_selector(body, state="attached")


def set_width(page: Page, width: int) -> None:
    """Drag the panel's edge; JupyterLab keeps it between its own bounds."""
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle").locator("visible=true")
    box, panel = handle.first.bounding_box(), page.locator(PANEL).bounding_box()
    assert box is not None
    assert panel is not None
    page.mouse.move(box["x"] + 1, 400)
    page.mouse.down()
    page.mouse.move(panel["x"] + width, 400, steps=4)
    page.mouse.up()


def test_the_panel_shows_this_node_and_its_peers(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    identity, other = ada.api("GET", "identity"), bob.api("GET", "identity")
    panel = open_panel(open_lab(ada))

    card = panel.get_by_role("region", name="This node")
    expect(card).to_contain_text(identity["node_name"])
    expect(card).to_contain_text(identity["node_id"])
    card.get_by_role("button", name="Fingerprint and addresses").click()
    dialog = panel.page.get_by_role("dialog")
    expect(dialog).to_contain_text(identity["fingerprint"])
    assert_accessible(dialog)
    dialog.get_by_role("button", name="Close").click()

    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)
    row_of(panel, "bob").get_by_role("button").first.click()
    expect(row_of(panel, "bob")).to_contain_text(other["node_id"])


@pytest.mark.parametrize(
    "theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]
)
def test_the_panel_fits_and_is_readable_in_each_theme_and_width(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[[str], None], theme: str
) -> None:
    page = open_lab(ada)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)
    row_of(panel, "bob").get_by_role("button").first.click()
    for name, width in [("wide", 420), ("narrow", 250)]:
        set_width(page, width)
        shoot(f"{theme.split()[-1].lower()}-{name}")
        assert_fits(panel)


TOO_WIDE = """node => [node, ...node.querySelectorAll('.jp-Peers-section')]
  .filter(each => each.scrollWidth > each.clientWidth)
  .map(each => each.className)"""

# The lowest contrast (WCAG 2, 1.4.3) of a text in the panel against what is behind it.
LOWEST_CONTRAST = """node => {
  const channels = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map(i => top[i] * alpha + below[i] * (1 - alpha));
  };
  const luminance = colour => {
    const [r, g, b] = colour.map(c => {
      c /= 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    if (!element) return [255, 255, 255];
    const own = channels(getComputedStyle(element).backgroundColor);
    return (own[3] ?? 1) === 1 ? own : over(own, behind(element.parentElement));
  };
  let lowest = 21;
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!element.getClientRects().length || element.closest('.jp-sr-only, :disabled')) continue;
    const ground = behind(element);
    const ink = over(channels(getComputedStyle(element).color), ground);
    const [high, low] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    lowest = Math.min(lowest, (high + 0.05) / (low + 0.05));
  }
  return lowest;
}"""


def test_a_link_is_taken_down_and_made_again_from_the_panel(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    panel = open_panel(open_lab(ada))
    row = row_of(panel, "bob")
    act_on(panel, "bob", "Disconnect")
    # What it was last heard by may have been a ping of some seconds ago.
    expect(row).to_contain_text(re.compile(r"Offline · last seen (just now|\d+ s ago)"))
    act_on(panel, "bob", "Connect")
    expect(row).to_contain_text(CONNECTED)


def test_a_row_is_as_high_as_one_of_the_running_sessions(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(ada)
    panel = open_panel(page)
    own = panel.locator(".jp-Peers-peer > .jp-Peers-row").bounding_box()
    title = panel.locator(".jp-AccordionPanel-title").first.bounding_box()
    page.locator('.jp-SideBar.jp-mod-left [data-id="jp-running-sessions"]').click()
    running = page.locator("#jp-running-sessions")
    theirs = running.locator(".jp-RunningSessions-item").first.bounding_box()
    their_title = running.locator(".jp-AccordionPanel-title").first.bounding_box()
    assert own is not None
    assert theirs is not None
    assert title is not None
    assert their_title is not None
    assert own["height"] == theirs["height"]
    assert title["height"] == their_title["height"]


def test_a_peer_is_forgotten_only_after_a_question_that_enter_does_not_answer(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(ada)
    panel = open_panel(page)
    act_on(panel, "bob", "Forget…")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert_accessible(dialog)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)


def test_two_people_pair_with_an_invite(
    ada: Lab,
    start_lab: Callable[..., Lab],
    open_lab: Callable[..., Page],
    shoot: Callable[[str], None],
) -> None:
    carol = start_lab("carol")
    mine = open_panel(open_lab(ada))
    mine.get_by_role("button", name="Invite", exact=True).click()
    dialog = mine.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="For whom").fill("carol")
    assert_accessible(dialog)
    dialog.get_by_role("button", name="Create invite").click()
    invite = dialog.get_by_role("textbox", name="The invite").input_value()
    expect(dialog).to_contain_text("Works once; expires in 1 day.")
    # All of the text is in sight, for people who copy it by hand.
    text = dialog.get_by_role("textbox", name="The invite")
    assert text.evaluate("node => node.clientHeight >= 60")
    assert_accessible(dialog)
    shoot("invite")

    theirs = open_panel(open_lab(carol, new=True))
    expect(theirs).to_contain_text("Nobody yet")
    theirs.get_by_role("button", name="Pair", exact=True).click()
    their_dialog = theirs.page.get_by_role("dialog")
    their_dialog.get_by_role("textbox", name="Paste the invite").fill(invite)
    theirs.page.keyboard.press("Enter")
    toast = theirs.page.locator(".Toastify__toast")
    expect(toast).to_contain_text("Paired with ada-laptop")
    expect(row_of(theirs, "ada-laptop")).to_contain_text(CONNECTED)
    # The other side hears of it without asking.
    expect(row_of(mine, "carol")).to_contain_text(CONNECTED)
    # What has been redeemed is no longer offered.
    expect(dialog).to_contain_text("This invite was redeemed.")
    expect(dialog.get_by_role("button", name="Copy invite")).to_be_disabled()
    dialog.get_by_role("button", name="Done").click()

    # The same invite again changes nothing, and the page does not say that it did.
    theirs.get_by_role("button", name="Pair", exact=True).click()
    their_dialog.get_by_role("textbox", name="Paste the invite").fill(invite)
    theirs.page.keyboard.press("Enter")
    expect(toast.filter(has_text="already paired")).to_have_count(1)

    # A text that is not an invite is refused in words.
    theirs.get_by_role("button", name="Pair", exact=True).click()
    their_dialog.get_by_role("textbox", name="Paste the invite").fill("jpeer1:AAAA")
    theirs.page.keyboard.press("Enter")
    expect(their_dialog.get_by_role("alert")).to_be_visible()
    assert_accessible(their_dialog)
    theirs.page.keyboard.press("Escape")

    carol.close()
    expect(row_of(mine, "carol")).not_to_contain_text("Connected")


def test_the_panel_is_used_with_the_keyboard_alone(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(ada)
    page.evaluate("window.jupyterapp.commands.execute('jupyter-peer:open')")
    panel = page.locator(PANEL)
    row = row_of(panel, "bob").get_by_role("button").first
    expect(row).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if row.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize(
    ("command", "field"),
    [("Invite a Peer", "For whom"), ("Pair with a Peer", "Paste the invite")],
)
def test_a_command_of_the_palette_takes_the_keyboard_into_its_dialog(
    ada: Lab, open_lab: Callable[..., Page], command: str, field: str
) -> None:
    page = open_lab(ada)
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").press_sequentially(command)
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog").get_by_role("textbox", name=field)
    expect(box).to_be_focused()
    page.keyboard.type("aabb")
    expect(box).to_have_value("aabb")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)


PLUGINS = {
    "panel": "#jupyter-peer-sidebar",
    "peers": "[aria-label='Peers'] .jp-Peers-peer",
    "pairing": "[data-command='jupyter-peer:invite']",
    "check": "[data-command='jupyter-peer:doctor']",
    "panes": ".jp-AccordionPanel-title:has-text('Shared with me')",
    "reach": ".jp-AccordionPanel-title:has-text('Who can reach me')",
    "status": "#jp-main-statusbar [title='Show what I share with peers']",
    "chat": None,
    "ask": None,
    "sharing": None,
    "rooms": None,
    "agents": None,
    "notices": None,
    "api": None,
    "plugin": None,
}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_each_plugin_can_be_disabled_and_the_others_go_on(
    ada: Lab,
    bob: Lab,
    page: Page,
    open_lab: Callable[..., Page],
    page_errors: list[str],
    request: pytest.FixtureRequest,
    plugin: str,
) -> None:
    config = ada.root.parent / "config" / "labconfig" / "page_config.json"
    config.write_text(json.dumps({"disabledExtensions": {f"jupyter-peer:{plugin}": True}}))
    request.addfinalizer(config.unlink)
    open_lab(ada)
    if plugin == "plugin":
        # What all share is gone: nothing of the extension is there, and JupyterLab says why.
        assert page_errors
        assert all("jupyter-peer" in error for error in page_errors)
        page_errors.clear()
        expect(page.locator('[data-id="jupyter-peer-sidebar"]')).to_have_count(0)
        return
    if plugin != "panel":
        panel = open_panel(page)
        expect(panel.get_by_role("region", name="This node")).to_contain_text("ada-laptop")
    for name, selector in PLUGINS.items():
        if selector and (name == "status" or plugin != "panel"):
            # More than one, where tests before this one have paired more peers.
            there = page.locator(selector).first
            expect(there).to_be_visible(visible=name != plugin)


def test_the_commands_are_in_one_category_of_the_palette(
    ada: Lab, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(ada)
    page.evaluate("window.jupyterapp.commands.execute('apputils:activate-command-palette')")
    page.locator(".lm-CommandPalette-input").fill("peers")
    items = page.locator(".lm-CommandPalette-item[data-command^='jupyter-peer:']")
    expect(items).to_have_count(14)
    for item in items.locator(".lm-CommandPalette-itemLabel").all_inner_texts():
        assert "peer" in item.lower()
    expect(
        page.locator(".lm-CommandPalette-header").and_(page.get_by_text("Peers", exact=True))
    ).to_have_count(1)


def test_the_panel_keeps_what_it_knows_when_the_server_stops(
    start_lab: Callable[..., Lab], open_lab: Callable[..., Page], page_errors: PageErrors
) -> None:
    dora = start_lab("dora")
    panel = open_panel(open_lab(dora))
    expect(panel.get_by_role("region", name="This node")).to_contain_text("dora")
    dora.close()
    expect(panel).to_contain_text("Your Jupyter server does not answer")
    expect(panel.get_by_role("region", name="This node")).to_contain_text("dora")
    # JupyterLab itself logs that it has lost its server, again and again.
    panel.page.close()
    page_errors.allow()
