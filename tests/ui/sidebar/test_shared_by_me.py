"""What this node shares, who watches it, and whether peers may ask its agent, in the peers panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.ui.axe import assert_accessible
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab
from tests.ui.sidebar.test_sidebar import PANEL, assert_fits, set_width, use_theme


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    """A kernel of Ada's that shares two panes."""
    with running_kernel(ada) as kernel:
        kernel.run('%%peer share loss --with bob --title "Loss of the training"\nprint("one")')
        kernel.run("%%peer share raw --with bob\nprint('two')")
        yield kernel


def grants(lab: Lab, name: str) -> list[str]:
    (pane,) = [each for each in lab.api("GET", "panes")["mine"] if each["name"] == name]
    return list(pane["grants"].values())


def test_the_status_bar_says_who_watches_and_leads_to_grants_and_stop(
    ada: Lab,
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
) -> None:
    page = open_lab(ada)
    status = page.locator("#jp-bottom-panel").get_by_role("button", name="shared")
    expect(status).to_have_text("2 shared")
    watching = open_lab(bob, new=True)
    view = open_tab(watching, bob, "loss")
    expect(content(view).get_by_text("one")).to_be_visible()
    expect(status).to_have_text("2 shared · bob is watching")
    page.bring_to_front()
    status.click()
    panel = page.locator(PANEL)
    panel.get_by_role("button", name="Loss of the training Watching: bob").click()
    agent = panel.get_by_role("checkbox", name="Peers may ask my agent")
    agent.click()
    expect(status).to_have_text("2 shared · bob is watching · agent on")
    for theme in ("Light", "Dark"):
        use_theme(page, f"JupyterLab {theme}")
        for name, width in [("wide", 420), ("narrow", 250)]:
            set_width(page, width)
            shoot(f"{theme.lower()}-{name}")
            assert_fits(panel)
    agent.click()
    choice = panel.get_by_role("combobox", name="What bob can do with Loss of the training")
    expect(choice).to_have_value("view")
    choice.select_option("can use")
    expect(view).to_contain_text("you can use it")
    assert grants(ada, "loss") == ["interact"]
    choice.select_option("no access")
    expect(view).to_contain_text("Stopped by ada")
    assert grants(ada, "loss") == []
    activity_is_told(page, shoot)
    panel.get_by_role("button", name="Stop sharing raw").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(status).to_have_text("1 shared")
    panel.get_by_role("button", name="Take all shared outputs back").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(panel.get_by_text("Share Output with a Peer…")).to_be_visible()


def activity_is_told(page: Page, shoot: Callable[..., None]) -> None:
    """Look at the audit log in its tab: all of it, and what concerns Bob."""
    page.locator(PANEL).get_by_role("button", name="Show what happened").click()
    tab = page.locator(".jp-Peers-refreshed:visible")
    newest = tab.get_by_role("table").get_by_role("row").nth(1)
    expect(newest).to_contain_text("You took a pane back from the peer")
    expect(newest).to_contain_text("pane: loss")
    every = tab.get_by_role("row")
    expect(every.filter(has_text="You let peers ask agents")).to_have_count(1)
    for theme in ("Dark", "Light"):
        use_theme(page, f"JupyterLab {theme}")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        shoot(f"activity-{theme.lower()}")
        assert_accessible(tab)
    tab.get_by_role("combobox", name="Peer").select_option("bob")
    expect(every.filter(has_text="You shared a pane")).to_have_count(2)
    expect(every.filter(has_text="You let peers ask agents")).to_have_count(0)
    page.get_by_role("button", name="Show what happened").press("Enter")
    expect(tab.get_by_role("combobox", name="Peer")).to_have_value("")
