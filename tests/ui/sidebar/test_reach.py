"""Who can reach a node, chosen in the peers panel, in a real browser on a real server."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.lab import Lab
from tests.ui.sidebar.test_sidebar import (
    LOWEST_CONTRAST,
    assert_fits,
    open_panel,
    set_width,
    use_theme,
)


def choice(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("radio", name=name)


@pytest.fixture
def ada(start_lab: Callable[..., Lab]) -> Lab:
    """A node of its own: what it keeps concerns no other test."""
    return start_lab("ada-reach")


def test_a_person_opens_the_node_to_the_network_and_invites_without_a_restart(
    ada: Lab, open_lab: Callable[..., Page], shoot: Callable[[str], None]
) -> None:
    page = open_lab(ada)
    panel = open_panel(page)
    expect(choice(panel, "This computer")).to_be_checked()
    expect(panel).to_contain_text("Only this computer can reach you.")
    panel.get_by_role("button", name="Invite").click()
    page.get_by_role("button", name="Create invite").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("works on this computer only")
    shoot("local-invite")
    form.get_by_role("button", name="Open to this network").click()
    expect(form.get_by_text("works on this computer only")).to_have_count(0)
    form.get_by_role("button", name="Done").click()

    expect(choice(panel, "This network")).to_be_checked()
    expect(panel).to_contain_text("Peers on this network can reach you at")
    answer = ada.api("GET", "reach")
    host, port = answer["addresses"][0].removeprefix("ws://").removesuffix("/peer-ws").split(":")
    with socket.create_connection((host, int(port)), 5):
        """It is open."""
    choice(panel, "This computer").click()
    expect(panel).to_contain_text("Only this computer can reach you.")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), 5)

    choice(panel, "Anywhere, by a relay").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="URL of the relay").fill("ws://127.0.0.1:9")
    page.keyboard.press("Enter")
    expect(choice(panel, "Anywhere, by a relay")).to_be_checked()
    expect(panel).to_contain_text("Nobody can reach you at the moment. The relay cannot be used")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_choices_fit_and_are_readable_in_each_theme_and_width(
    start_lab: Callable[..., Lab],
    open_lab: Callable[..., Page],
    shoot: Callable[[str], None],
    theme: str,
) -> None:
    lab = start_lab("fixed", "--PeerExtension.relay_url=ws://127.0.0.1:9")
    page = open_lab(lab)
    panel = open_panel(page)
    use_theme(page, theme)
    expect(choice(panel, "Anywhere, by a relay")).to_be_checked()
    expect(choice(panel, "This computer")).to_be_disabled()
    expect(panel.get_by_text("Your configuration decides this (relay_url).")).to_have_count(3)
    for name, width in [("wide", 420), ("narrow", 250)]:
        set_width(page, width)
        shoot(f"{theme.split()[-1].lower()}-{name}")
        assert_fits(panel)
    assert panel.evaluate(LOWEST_CONTRAST) >= 3


def test_a_new_node_asks_for_a_name_and_proposes_one(
    start_lab: Callable[..., Lab], open_lab: Callable[..., Page], shoot: Callable[[str], None]
) -> None:
    lab = start_lab("unnamed", is_named=False)
    page = open_lab(lab)
    panel = open_panel(page)
    name = panel.get_by_role("textbox", name="Your name, as peers will see it")
    expect(name).to_have_value(lab.api("GET", "identity")["node_name"])
    set_width(page, 250)
    shoot("name")
    assert_fits(panel)
    name.fill("Ada")
    page.keyboard.press("Enter")
    expect(name).to_have_count(0)
    expect(panel.get_by_role("region", name="This node")).to_contain_text("Ada")
    assert lab.api("GET", "identity")["named"] is True
