"""From where a pane may be let to load, and that nothing else opens with it."""

from __future__ import annotations

import json
import re

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_peer.server.http import viewer_page
from jupyter_peer.sockets.frame_policy import FRAME_HEADERS, SITES, headers_for


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    """A page, since Node may not be here."""
    (tmp_path / "viewer.html").write_text("<!doctype html>the page")
    monkeypatch.setattr(viewer_page, "STATIC", tmp_path)


def directives(headers):
    policy = headers["Content-Security-Policy"]
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


def test_a_site_opens_scripts_styles_pictures_and_fonts_and_nothing_else():
    closed = directives(FRAME_HEADERS)
    opened = directives(headers_for(["unpkg.com"]))
    added = " https://unpkg.com https://*.unpkg.com"
    assert {name for name in closed if closed[name] != opened[name]} == {
        "script-src",
        "style-src",
        "img-src",
        "font-src",
    }
    for name in ("script-src", "style-src", "img-src", "font-src"):
        assert opened[name] == closed[name] + added
    assert opened["connect-src"] == opened["frame-src"] == opened["default-src"] == "'none'"
    allowed = headers_for(["unpkg.com"])["Connection-Allowlist"]
    assert allowed == '("https://unpkg.com/*" "https://*.unpkg.com/*");webrtc=allow'


@pytest.mark.parametrize(
    "site",
    ["evil.example", "*", "https:", "'self'", "unpkg.com;", "com", "evil.unpkg.com", "127.0.0.1"],
)
def test_no_other_site_can_be_named(site):
    with pytest.raises(ValueError, match=re.escape(site)):
        headers_for(["unpkg.com", site])


def test_the_list_holds_public_names_alone():
    assert list(SITES) == sorted(set(SITES))
    for site in SITES:
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", site)


async def test_the_page_is_served_with_the_policy_of_the_chosen_sites(extension, jp_fetch):
    response = await jp_fetch("jupyter-peer", "viewer", "", params={"sites": "unpkg.com,d3js.org"})
    assert "https://d3js.org" in directives(response.headers)["script-src"]
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("jupyter-peer", "viewer", "", params={"sites": "evil.example"})
    assert refused.value.code == 400


async def test_an_administrator_can_forbid_all_sites(extension, jp_fetch, jp_serverapp):
    settings = jp_serverapp.web_app.settings
    assert json.loads(settings["page_config_data"]["peerPaneSites"]) == list(SITES)
    viewer_page.announce_sites(settings, False)
    assert json.loads(settings["page_config_data"]["peerPaneSites"]) == []
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("jupyter-peer", "viewer", "", params={"sites": "unpkg.com"})
    assert refused.value.code == 403
    policy = directives((await jp_fetch("jupyter-peer", "viewer", "")).headers)
    assert not any("https:" in value for value in policy.values())
