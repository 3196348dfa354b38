"""The peers panel, in a real browser on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

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
    expect(card).to_contain_text(identity["fingerprint"])

    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)
    row_of(panel, "bob").get_by_role("button").first.click()
    expect(row_of(panel, "bob")).to_contain_text(other["node_id"])


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_panel_fits_and_is_readable_in_each_theme_and_width(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[[str], None], theme: str
) -> None:
    page = open_lab(ada)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(row_of(panel, "bob")).to_contain_text(CONNECTED)
    panel.get_by_role("button", name="Fingerprint and addresses").click()
    row_of(panel, "bob").get_by_role("button").first.click()
    for name, width in [("wide", 420), ("narrow", 200)]:
        set_width(page, width)
        shoot(f"{theme.split()[-1].lower()}-{name}")
        # Nothing is wider than the panel, and no text has its background's colour.
        assert panel.evaluate("node => node.scrollWidth <= node.clientWidth")
    assert panel.evaluate(LOWEST_CONTRAST) >= 3


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
    row.get_by_role("button").first.click()
    row.get_by_role("button", name="Disconnect").click()
    expect(row).to_contain_text("Offline · last seen just now")
    row.get_by_role("button", name="Connect", exact=True).click()
    expect(row).to_contain_text(CONNECTED)


def test_two_people_pair_with_an_invite(
    ada: Lab,
    start_lab: Callable[..., Lab],
    open_lab: Callable[..., Page],
    shoot: Callable[[str], None],
) -> None:
    carol = start_lab("carol")
    mine = open_panel(open_lab(ada))
    mine.get_by_role("button", name="Invite", exact=True).click()
    mine.get_by_role("textbox", name="For whom").fill("carol")
    mine.get_by_role("button", name="Create invite").click()
    invite = mine.get_by_role("textbox", name="The invite").input_value()
    expect(mine).to_contain_text("Works once; expires in 1 day.")
    shoot("invite")

    theirs = open_panel(open_lab(carol, new=True))
    expect(theirs).to_contain_text("Nobody yet")
    theirs.get_by_role("button", name="Pair", exact=True).click()
    theirs.get_by_role("textbox", name="Paste the invite").fill(invite)
    theirs.page.keyboard.press("Enter")
    expect(theirs).to_contain_text("Paired with ada-laptop")
    expect(row_of(theirs, "ada-laptop")).to_contain_text(CONNECTED)
    # The other side hears of it without asking.
    expect(row_of(mine, "carol")).to_contain_text(CONNECTED)

    # What is no invite is refused in words.
    theirs.get_by_role("button", name="Done").click()
    theirs.get_by_role("button", name="Pair", exact=True).click()
    theirs.get_by_role("textbox", name="Paste the invite").fill("jpeer1:AAAA")
    theirs.page.keyboard.press("Enter")
    expect(theirs.get_by_role("alert")).to_be_visible()

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

    page.evaluate("window.jupyterapp.commands.execute('jupyter-peer:pair')")
    expect(panel.get_by_role("textbox", name="Paste the invite")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel.get_by_role("textbox", name="Paste the invite")).to_have_count(0)


def test_the_commands_are_in_one_category_of_the_palette(
    ada: Lab, open_lab: Callable[..., Page]
) -> None:
    page = open_lab(ada)
    page.evaluate("window.jupyterapp.commands.execute('apputils:activate-command-palette')")
    page.locator(".lm-CommandPalette-input").fill("peers")
    items = page.locator(".lm-CommandPalette-item[data-command^='jupyter-peer:']")
    expect(items).to_have_count(6)
    expect(
        page.locator(".lm-CommandPalette-header").and_(page.get_by_text("Peers", exact=True))
    ).to_have_count(1)


def test_the_panel_keeps_what_it_knows_when_the_server_stops(
    start_lab: Callable[..., Lab], open_lab: Callable[..., Page], page_errors: list[str]
) -> None:
    dora = start_lab("dora")
    panel = open_panel(open_lab(dora))
    expect(panel.get_by_role("region", name="This node")).to_contain_text("dora")
    dora.close()
    expect(panel).to_contain_text("Your Jupyter server does not answer")
    expect(panel.get_by_role("region", name="This node")).to_contain_text("dora")
    # JupyterLab itself logs that it has lost its server, again and again.
    panel.page.close()
    page_errors.clear()
