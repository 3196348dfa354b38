"""What tests of the page of guest links share: a pane, links to it, and what the page shows."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import FrameLocator, Page, expect

from tests.ui.lab import Lab

SHARE = """%%peer share loss --title "Loss of the training" --other-widgets all
import ipywidgets as w
from IPython.display import HTML, display
slider = w.IntSlider(description="n", max=100)
label = w.Label()
def changed(change):
    label.value = f"moved to {change.new}"
slider.observe(changed, "value")
display(HTML("<p id='drawn'></p><script>drawn.textContent = 'drawn by a ' + 'script'</script>"))
display(w.VBox([slider, label]))
display({"application/json": {"rate": 0.1, "layers": [1, 2]}, "text/plain": ""}, raw=True)
print("step 0", flush=True)
handle = display({"text/plain": "plot 0"}, raw=True, display_id="plot")"""
STEP = """from IPython.display import update_display
update_display({{"text/plain": "plot {0}"}}, raw=True, display_id="plot")"""
LINK = re.compile(r"(.*)/s/([a-z2-7]{16})/([0-9a-f]{16})#(v1\..*)")


def make(ada: Lab, **options: Any) -> dict[str, str]:
    """A new link, by each way that leads to it."""
    made = ada.api("POST", "links", {"pane": "loss", **options})
    found = LINK.fullmatch(made["link"])
    assert found is not None, made
    identity = ada.api("GET", "identity")
    (port,) = {
        match[1]
        for address in identity["addresses"]
        if (match := re.fullmatch(r"ws://127\.0\.0\.1:(\d+)/peer-ws", address))
        and match[1] not in ada.url
    }
    _, _, link_id, secret = found.groups()
    return {
        "id": made["id"],
        "relay": made["link"],
        "jupyter": f"{ada.url}/jupyter-peer/s/{link_id}#{secret}",
        "peer_listen": f"http://127.0.0.1:{port}/s/{link_id}#{secret}",
    }


def content(page: Page) -> FrameLocator:
    """The frame in the frame in which the pane is drawn."""
    return page.frame_locator("main iframe").frame_locator("iframe")


def guests(ada: Lab, link_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        guest
        for link in ada.api("GET", "links")["links"]
        if link["id"] == link_id
        for guest in link["guests"]
    ]
    return found


def expect_status(page: Page, words: str) -> None:
    expect(page.locator("#status-words")).to_contain_text(words)
