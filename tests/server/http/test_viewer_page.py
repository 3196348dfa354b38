"""The page in which panes are drawn, as it is served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_peer.server.http import viewer_page
from jupyter_peer.sockets.static_files import accepts_gzip


def code_of(part):
    return f"{part}();".encode() * 1000


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    """Files as the build makes them, since Node may not be here."""
    (tmp_path / "viewer.html").write_text("<!doctype html>the page")
    for part in viewer_page.PARTS:
        (tmp_path / f"{part}.js.gz").write_bytes(gzip.compress(code_of(part)))
    monkeypatch.setattr(viewer_page, "STATIC", tmp_path)
    return tmp_path


def directives(response):
    policy = response.headers["Content-Security-Policy"]
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


async def test_the_page_may_run_scripts_and_reach_nothing(extension, jp_fetch):
    response = await jp_fetch("jupyter-peer", "viewer", "")
    assert response.body == b"<!doctype html>the page"
    # No policy covers hints; WebRTC stays open there, see `FRAME_CONNECTIONS`.
    assert response.headers["Connection-Allowlist"] == "();webrtc=allow"
    policy = directives(response)
    assert policy["sandbox"] == "allow-scripts"
    assert policy["frame-ancestors"] == "'self'"
    for closed in (
        "default-src",
        "connect-src",
        "frame-src",
        "form-action",
        "base-uri",
        "worker-src",
        "object-src",
    ):
        assert policy[closed] == "'none'", closed
    # Nothing in it has an address: no host, no scheme of the network, no wildcard.
    sources = " ".join(value for name, value in policy.items() if name != "frame-ancestors")
    assert not re.search(r"\*|'self'|https?:|wss?:|\.", sources)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_a_policy_of_the_settings_does_not_loosen_it(extension, jp_fetch, jp_serverapp):
    jp_serverapp.web_app.settings["headers"] = {"Content-Security-Policy": "default-src *"}
    policy = directives(await jp_fetch("jupyter-peer", "viewer", ""))
    assert policy["default-src"] == "'none'"


@pytest.mark.parametrize("part", viewer_page.PARTS)
async def test_the_code_of_each_part_is_served_beside_it(extension, jp_fetch, part):
    response = await jp_fetch("jupyter-peer", "viewer", f"{part}.js")
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.body == code_of(part)


@pytest.mark.parametrize("name", ["", "plotly.js"])
async def test_files_are_sent_in_the_form_that_the_browser_accepts(extension, jp_fetch, name):
    async def fetched(accepted, **headers):
        return await jp_fetch(
            "jupyter-peer",
            "viewer",
            name,
            headers={"Accept-Encoding": accepted, **headers},
            decompress_response=False,
            raise_error=False,
        )

    plain, compressed = [await fetched(accepted) for accepted in ("identity", "gzip, br")]
    assert gzip.decompress(compressed.body) == plain.body
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    for sent in (plain, compressed):
        assert sent.headers["Vary"] == "Accept-Encoding"
        assert int(sent.headers["Content-Length"]) == len(sent.body)
    tags = [sent.headers["ETag"] for sent in (plain, compressed)]
    assert tags[0] != tags[1]
    again = [await fetched("gzip", **{"If-None-Match": tag}) for tag in tags]
    assert [(sent.code, len(sent.body)) for sent in again] == [
        (200, len(compressed.body)),
        (304, 0),
    ]
    assert again[1].headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("GZIP", True),
        ("*", True),
        ("*;q=0.5, gzip;q=0", False),
        ("gzip; q=0", False),
        ("gzip;q=nonsense", False),
        ("identity", False),
        ("not-gzip", False),
        ("", False),
    ],
)
def test_gzip_is_sent_only_to_who_accepts_it(header, accepts):
    assert accepts_gzip(header) is accepts


def test_the_page_asks_for_the_parts_that_the_server_has():
    protocol = (Path(__file__).parents[3] / "labextension/src/viewerprotocol.ts").read_text()
    (listed,) = re.findall(r"PARTS = \[(.*?)\] as const", protocol, re.S)
    assert tuple(re.findall(r"'(\w+)'", listed)) == viewer_page.PARTS


@pytest.mark.parametrize(
    "name", ["other", "viewer.html", "..", "%2e%2e%2fapp.py", "widgets.js.map"]
)
async def test_nothing_else_is_served(extension, jp_fetch, name):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("jupyter-peer", "viewer", name)
    assert refused.value.code == 404


async def test_a_page_that_was_not_built_is_said_to_be_missing(extension, jp_fetch, built):
    (built / "viewer.html").unlink()
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch("jupyter-peer", "viewer", "")
    assert refused.value.code == 404


async def test_nobody_gets_it_without_a_login(extension, jp_fetch):
    with pytest.raises(HTTPClientError) as refused:
        await jp_fetch(
            "jupyter-peer", "viewer", "", headers={"Authorization": ""}, follow_redirects=False
        )
    assert refused.value.code in (302, 403)
    assert "login" in refused.value.response.headers.get("Location", "login")
