"""What a pane makes the browser look up or connect to, seen in the browser's own log of its network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.machine.needs import needs_program
from tests.machine.waiting import until_sync
from tests.ui.canary import HINTS, Canary, listener
from tests.ui.conftest import CHROMIUM_ARGS, WIDE, PageErrors
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab

ALL_HINTS = set(re.findall(r"^  (\w+): ", HINTS, re.M))
MARKUP = (
    '<link rel="preconnect" href="http://{mark}-markup.localhost:{port}">'
    '<link rel="dns-prefetch" href="http://{mark}-lookupmarkup.example">'
)


SITE = '<script src="https://cdn.jsdelivr.net/npm/x.js"></script>'


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


@pytest.fixture
def net_log(tmp_path: Path) -> Path:
    return tmp_path / "net.json"


@pytest.fixture
def page(
    browser: Browser, tmp_path: Path, net_log: Path, page_errors: PageErrors
) -> Iterator[Page]:
    """A page of a profile that is kept on disk: others than these may do without predictions."""
    context = browser.browser_type.launch_persistent_context(
        tmp_path / "profile",
        executable_path=needs_program("chromium"),
        args=[*CHROMIUM_ARGS, f"--log-net-log={net_log}"],
        viewport=WIDE,
    )
    context.set_default_timeout(15_000)
    yield context.pages[0]
    context.close()
    page_errors.allow()


def script(mark: str, port: int) -> str:
    return f"<script>(() => {{ const MARK = '{mark}', PORT = {port};\n{HINTS} }})();</script>"


def names(log: Path, mark: str) -> set[str]:
    """Return the hints with a mark whose names the browser has asked for or connected to."""
    return set(re.findall(rf"\b{mark}-(\w+)\.(?:localhost|example)", log.read_text()))


def test_a_pane_makes_the_browser_look_up_no_name_and_open_no_connection(
    bob: Lab, kernel: Kernel, page: Page, net_log: Path, open_lab: Callable[..., Page]
) -> None:
    with Canary().running() as canary, listener() as (port, connections):
        # Where nothing holds it back, each hint is noticed.
        markup = MARKUP.format(mark="free", port=port)
        canary.pages["/page"] = f"<head>{markup}</head><body>{script('free', port)}<p>here</p>"
        page.goto(f"{canary.url}/page")
        expect(page.get_by_text("here")).to_be_visible()
        until_sync(lambda: len(connections) >= 4, timeout=20)
        open_lab(bob)
        seen = len(connections)
        html = MARKUP.format(mark="pane", port=port) + script("pane", port) + SITE + "<p>here</p>"
        kernel.run(
            "%%peer share hints --with bob\nfrom IPython.display import HTML, display\n"
            f"display(HTML({html!r}))"
        )
        view = open_tab(page, bob, "hints")
        expect(content(view).get_by_text("here")).to_be_visible(timeout=20_000)
        # A site that its viewer allows opens the way to nothing else.
        view.get_by_role("button", name="Allow for This Pane").click()
        expect(view).to_contain_text("This pane may load from cdn.jsdelivr.net", timeout=30_000)
        expect(content(view).get_by_text("here")).to_be_visible(timeout=20_000)
        # A connection that is made later says that those before had their time.
        page.goto(f"{canary.url}/page")
        expect(page.get_by_text("here")).to_be_visible()
        until_sync(lambda: len(connections) > seen, timeout=20)
        page.context.close()
    assert names(net_log, "free") == {*ALL_HINTS, "markup", "lookupmarkup"}
    assert names(net_log, "pane") == set()
