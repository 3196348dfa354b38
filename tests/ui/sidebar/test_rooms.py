"""Rooms in the peers panel, in a real browser on real servers at a real relay."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.relay.process import RelayProcess, relay_process
from tests.ui.axe import assert_accessible
from tests.ui.lab import Lab
from tests.ui.sidebar.test_panel import open_panel as open_panel_of_notebook
from tests.ui.sidebar.test_sidebar import (
    LOWEST_CONTRAST,
    assert_fits,
    open_panel,
    set_width,
    use_theme,
)


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayProcess]:
    with relay_process() as process:
        yield process


@pytest.fixture(scope="module")
def both(start_labs: Callable[..., list[Lab]], relay: RelayProcess) -> list[Lab]:
    return start_labs(["ada-laptop", "bob"], f"--PeerExtension.lobby_url={relay.url}")


@pytest.fixture(scope="module")
def bob(both: list[Lab]) -> Lab:
    return both[1]


def member(panel: Locator, room: str, name: str) -> Locator:
    return (
        panel.get_by_role("list", name=f"In {room}").get_by_role("listitem").filter(has_text=name)
    )


def test_two_people_meet_in_a_room_pair_by_a_code_and_part(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[[str], None]
) -> None:
    mine = open_panel(open_lab(ada))
    mine.get_by_role("button", name="Create a Room").click()
    form = mine.page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name of the room").fill("class")
    form.get_by_role("combobox", name="Who may join").select_option("token")
    form.get_by_role("button", name="Create room").click()
    token = mine.locator(".jp-Peers-text code").inner_text()
    expect(mine).to_contain_text("Nobody else yet.")

    theirs = open_panel(open_lab(bob, new=True))
    theirs.get_by_role("button", name="Join a Room").click()
    form = theirs.page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name of the room").fill("class")
    theirs.page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("This room asks for a token.")
    form.get_by_role("textbox", name="Token").fill(token)
    theirs.page.keyboard.press("Enter")
    expect(member(theirs, "class", "ada-laptop")).to_contain_text("not paired")
    expect(member(mine, "class", "bob")).to_contain_text("not paired")

    # Meeting is not trusting: a stranger is told what to do instead.
    member(theirs, "class", "ada-laptop").get_by_role("button", name="Connect").click()
    expect(member(theirs, "class", "ada-laptop").get_by_role("alert")).to_contain_text("invite")
    shoot("met")
    mine.get_by_role("button", name="Invite", exact=True).click()
    dialog = mine.page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="You give it as").select_option("code")
    dialog.get_by_role("button", name="Create invite").click()
    code = dialog.get_by_role("status", name="The code").inner_text()
    expect(dialog).to_contain_text("Works once; expires in 10 minutes.")
    shoot("code")
    theirs.get_by_role("button", name="Pair", exact=True).click()
    form.get_by_role("textbox", name="Paste the invite").fill(code)
    theirs.page.keyboard.press("Enter")
    expect(dialog).to_contain_text("This code was used.")
    dialog.get_by_role("button", name="Done").click()
    expect(member(mine, "class", "bob")).to_contain_text("your peer, connected")
    theirs.get_by_role("button", name="Leave class").click()
    expect(mine).to_contain_text("Nobody else yet.")
    mine.get_by_role("button", name="Leave class").click()
    expect(mine.get_by_role("button", name="Leave class")).to_have_count(0)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_rooms_fit_and_are_readable_in_each_theme_and_width(
    ada: Lab, bob: Lab, open_lab: Callable[..., Page], shoot: Callable[[str], None], theme: str
) -> None:
    for name in ("a-room-with-a-rather-long-name", "chess"):
        ada.api("POST", "rooms", {"name": name, "visibility": "public"})
    bob.api("POST", "rooms/chess/join", {})
    bob.api("POST", "rooms", {"name": "public-room-of-bob", "visibility": "public"})
    page = open_lab(ada)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(member(panel, "chess", "bob")).to_be_visible()
    bob.api("PATCH", "lobby", {"listed": True})
    panel.get_by_role("button", name="Look around").click()
    expect(panel.get_by_role("list", name="Public rooms")).to_contain_text("public-room-of-bob")
    expect(panel.get_by_role("list", name="Listed at the lobby")).to_contain_text("bob")
    panel.get_by_role("checkbox", name="Everybody at the lobby may see").click()
    expect(panel).to_contain_text("switching it off leaves all rooms")
    for name, width in [("wide", 420), ("narrow", 250)]:
        set_width(page, width)
        shoot(f"{theme.split()[-1].lower()}-{name}")
        assert_fits(panel)
    panel.get_by_role("button", name="Create a Room").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("textbox", name="Name of the room")).to_be_focused()
    assert_accessible(form)
    shoot(f"{theme.split()[-1].lower()}-form")
    page.keyboard.press("Escape")
    panel.get_by_role("checkbox", name="Everybody at the lobby may see").click()
    expect(panel.get_by_role("list", name="In chess")).to_have_count(0)
    bob.api("PATCH", "lobby", {"listed": False})


def test_a_notebooks_panel_shows_who_was_found_who_is_listed_and_what_was_written(
    ada: Lab,
    start_lab: Callable[..., Lab],
    relay: RelayProcess,
    open_lab: Callable[..., Page],
    shoot: Callable[[str], None],
) -> None:
    eve = start_lab("eve", f"--PeerExtension.lobby_url={relay.url}")
    ada.api("POST", "rooms", {"name": "lounge"})
    eve.api("POST", "rooms/lounge/join", {})
    eve.api("PATCH", "lobby", {"listed": True})
    page = open_lab(ada)
    panel = open_panel_of_notebook(page, ada)
    found = panel.get_by_text("in a room of yours, not paired")
    expect(found).to_be_visible()
    panel.get_by_role("button", name="Who is listed").click()
    expect(panel.get_by_text("Listed at the lobby:")).to_be_visible()
    panel.get_by_role("button", name="Connect").click()
    expect(panel.get_by_text("give it an invite, or ask for one")).to_be_visible()
    shoot("found")
    eve.pair_with(ada)
    expect(found).to_be_hidden()
    eve.api("POST", "chat", {"peer": "ada-laptop", "text": "<b>hello</b> ada"})
    expect(panel.get_by_text("1 unread line")).to_be_visible()
    row = panel.locator(".widget-hbox").filter(has_text="1 unread line").last
    row.get_by_role("button", name="Chat").click()
    expect(panel.get_by_text("<b>hello</b> ada")).to_be_visible()
    panel.get_by_placeholder("write to eve").fill("hello eve")
    panel.get_by_role("button", name="Send").click()
    expect(panel.get_by_text("hello eve")).to_be_visible()
    assert [line["text"] for line in eve.api("GET", "chat")["lines"]][-1] == "hello eve"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        use_theme(page, theme)
        panel.get_by_role("button", name="Send").scroll_into_view_if_needed()
        shoot(f"chat-{theme.split()[-1].lower()}")
        assert panel.evaluate("node => node.scrollWidth <= node.clientWidth")
        assert panel.evaluate(LOWEST_CONTRAST) >= 3
    ada.api("PATCH", "lobby", {"listed": False})
