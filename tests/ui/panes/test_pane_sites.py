"""A pane that wants to load from the network: what it gets once a person has allowed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.machine.waiting import until_sync
from tests.ui.conftest import PageErrors
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab

SCRIPT = "document.querySelector('#out').textContent = 'loaded from the site';"
HTML = """<p id="out">nothing loaded</p>
<script src="https://cdn.jsdelivr.net/npm/x.js"></script>
<img src="https://evil.example/pixel.png">
<script>
fetch('https://cdn.jsdelivr.net/told').catch(() => 0);
new Image().src = 'https://cdn.jsdelivr.net.evil.example/pixel.png';
</script>"""


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


def test_a_pane_loads_from_a_known_site_once_a_person_has_allowed_it_and_no_longer_than_that(
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
    page_errors: PageErrors,
) -> None:
    kernel.run(
        "%%peer share network --with bob\nfrom IPython.display import display, HTML\n"
        f"display(HTML({HTML!r}))"
    )
    page = open_lab(bob)
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=SCRIPT, content_type="text/javascript")

    page.context.route(re.compile("^https:"), serve)
    view = open_tab(page, bob, "network")
    expect(content(view).get_by_text("nothing loaded")).to_be_visible(timeout=30_000)
    offer = view.locator(".jp-PeerPane-site")
    expect(offer).to_have_count(1)
    expect(offer).to_contain_text("This pane wants to load from")
    expect(offer).to_contain_text("cdn.jsdelivr.net")
    expect(offer).to_contain_text("That site then sees your address")
    assert asked == []
    shoot("offer")
    view.get_by_role("button", name="Allow for This Pane").click()
    expect(content(view).get_by_text("loaded from the site")).to_be_visible(timeout=30_000)
    # Scripts, styles, pictures and fonts of the site, and nothing of any other.
    assert asked == ["https://cdn.jsdelivr.net/npm/x.js"]
    expect(offer).to_contain_text("This pane may load from cdn.jsdelivr.net")
    shoot("allowed")
    view.get_by_role("button", name="Do Not Allow").click()
    expect(content(view).get_by_text("nothing loaded")).to_be_visible(timeout=30_000)
    assert len(asked) == 1
    view.get_by_role("button", name="Always for ada").click()
    expect(content(view).get_by_text("loaded from the site")).to_be_visible(timeout=30_000)
    until_sync(lambda: "cdn.jsdelivr.net" in settings_of(bob), timeout=10)
    view.get_by_role("button", name="Do Not Allow").click()
    until_sync(lambda: "cdn.jsdelivr.net" not in settings_of(bob), timeout=10)
    page_errors.allow()


def settings_of(lab: Lab) -> str:
    """Return what a person has set of the extension, as text."""
    return str(lab.jupyter("GET", "lab/api/settings/jupyter-peer:plugin")["raw"])
