"""The page of a pane in an MCP host: drawn as the host tells, live by calls of the tool, and only text."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from jupyter_peer.commands.mcp.app import page as app_page

pytest.importorskip("mcp")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
#: A host as the specification describes it: a frame of another origin, and JSON-RPC messages.
HOST = """
<iframe sandbox="allow-scripts" style="width: 600px; height: 300px"></iframe>
<script>
  window.asked = [];
  window.results = [];
  const frame = document.querySelector('iframe');
  const send = message => frame.contentWindow.postMessage({ jsonrpc: '2.0', ...message }, '*');
  addEventListener('message', ({ data }) => {
    asked.push(data.method);
    if (data.method === 'ui/initialize') {
      send({ id: data.id, result: {
        protocolVersion: '2026-01-26', hostInfo: { name: 'host', version: '1' },
        hostCapabilities: { serverTools: {} }, hostContext: { theme: 'dark' }
      } });
    } else if (data.method === 'ui/notifications/initialized') {
      send({ method: 'ui/notifications/tool-input', params: { arguments: { peer: 'ada', name: 'loss' } } });
      send({ method: 'ui/notifications/tool-result', params: FIRST });
    } else if (data.method === 'tools/call') {
      window.called = data.params;
      send({ id: data.id, result: NEXT });
    }
  });
  frame.srcdoc = PAGE;
</script>
"""


def result(text: str, *pictures: str) -> dict[str, Any]:
    pane = {"peer": "ada", "name": "loss", "title": "Training <b>", "status": "live"}
    images = [{"type": "image", "mimeType": "image/png", "data": each} for each in pictures]
    return {
        "content": [{"type": "text", "text": text}, *images],
        "structuredContent": {**pane, "text": text, "notice": ""},
    }


def test_a_host_shows_a_pane_live_and_nothing_of_it_becomes_markup(browser: Browser) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    html = HOST
    for name, value in (
        ("FIRST", result("epoch 1")),
        ("NEXT", result(f"epoch 2 {hostile}", PIXEL)),
        ("PAGE", app_page().text),
    ):
        html = html.replace(name, json.dumps(value).replace("</", "<\\/"))
    context = browser.new_context()
    page = context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_content(html)
    view = page.frame_locator("iframe")
    expect(view.locator("h1")).to_have_text("Training <b> · ada · live")
    expect(view.locator("pre")).to_have_text(f"epoch 2 {hostile}")
    expect(view.locator("img")).to_have_count(1)
    assert page.evaluate("called") == {
        "name": "read_pane",
        "arguments": {"peer": "ada", "name": "loss"},
    }
    assert "ui/notifications/size-changed" in page.evaluate("asked")
    assert view.locator("title").inner_text() != "run"
    assert [url for url in requests if not url.startswith(("about:", "data:"))] == []
    if folder := os.environ.get("JUPYTER_PEER_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/mcp-app.png")
    context.close()
