"""Guest links on a real server: the routes, the page, and the doors by which browsers come in."""

from __future__ import annotations

import gzip
import hashlib
import os
import re

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_peer.document.qr import qr_svg
from jupyter_peer.sockets import guest_page
from tests.machine.waiting import until
from tests.wire.by_hand import HandPeer

PAGE = b"<!doctype html><style>a{}</style><script>run()</script>"
WIDGETS = b"widgets()" * 1000
LINK = re.compile(
    r"(?P<page>http://.*/s/)(?P<id>[0-9a-f]{16})#v1\."
    r"(?P<secret>[A-Za-z0-9_-]{22})\.(?P<key>[A-Za-z0-9_-]{43})"
)


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    """Files as the build makes them, since Node may not be here."""
    (tmp_path / "guest.html").write_bytes(PAGE)
    (tmp_path / "widgets.js.gz").write_bytes(gzip.compress(WIDGETS))
    monkeypatch.setattr(guest_page, "STATIC", tmp_path)
    guest_page.guest_page.cache_clear()
    yield
    guest_page.guest_page.cache_clear()


@pytest.fixture
def peer_config():
    return {"peer_listen": "127.0.0.1:0"}


@pytest.fixture
def hub(extension, jp_asyncio_loop):
    return jp_asyncio_loop.run_until_complete(extension.context.ready()).operations.hub


@pytest.fixture
def guest_at():
    """Do a guest's handshake at a WebSocket; return both ends of it, closed after the test."""
    sockets = []

    async def guest_at(url, link, origin):
        shown = {"link": link["id"], "secret": link["secret"], "name": "Grace"}
        hand = HandPeer.dialing(os.urandom(32), guest=shown, name="")
        headers = {"Origin": origin} if origin else {}
        socket = await websocket_connect(HTTPRequest(url, headers=headers))
        sockets.append(socket)
        for frame in hand.start():
            await socket.write_message(frame)
        while not hand.is_ready:
            for frame in hand.receive(await socket.read_message()):
                await socket.write_message(frame, binary=isinstance(frame, bytes))
        return hand, socket

    yield guest_at
    for socket in sockets:
        socket.close()


@pytest.fixture
def pane(hub):
    hub.store.put_pane("loss", "Loss", 1.0)


async def made(call, **options):
    answer = await call("POST", "links", {"pane": "loss", **options})
    assert answer.code == 200, answer
    assert set(answer.json) == {"link", "id", "expires"}
    found = LINK.fullmatch(answer.json["link"])
    assert found is not None
    assert found["id"] == answer.json["id"]
    return found


async def test_a_link_is_made_listed_and_stopped(call, pane):
    link = await made(call, grant="interact", ttl_s=60, max_guests=2)
    (listed,) = (await call("GET", "links")).json["links"]
    assert listed.pop("expires") > 0
    assert listed == {
        "id": link["id"],
        "pane": "loss",
        "grant": "interact",
        "max_guests": 2,
        "guests": [],
    }
    assert (await call("DELETE", f"links/{link['id']}/guests/{'a' * 16}")).code == 403
    assert (await call("DELETE", f"links/{link['id']}")).json == {}
    assert (await call("GET", "links")).json == {"links": []}
    assert (await call("DELETE", f"links/{link['id']}")).code == 404


async def test_a_link_comes_with_its_qr_code_if_that_is_asked_for(call, pane):
    answer = await call("POST", "links", {"pane": "loss", "qr": True})
    assert answer.json["qr"] == qr_svg(answer.json["link"])
    assert answer.json["qr"].startswith("<svg xmlns=")


async def test_a_link_of_a_pane_that_is_not_shared_is_refused(call, hub):
    answer = await call("POST", "links", {"pane": "nope"})
    assert (answer.code, answer.json["code"]) == (404, "unknown_pane")


async def test_the_page_needs_no_login_and_may_do_little(http_server_client, jp_base_url, pane):
    for path in ("0123456789abcdef", "anything/at all"[:8]):
        response = await http_server_client.fetch(f"{jp_base_url}jupyter-peer/s/{path}")
        assert response.body == PAGE
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in response.headers
    frame = await http_server_client.fetch(f"{jp_base_url}jupyter-peer/s/x?frame")
    assert frame.body == PAGE
    assert frame.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")
    widgets = f"{jp_base_url}jupyter-peer/s/x?widgets"
    for accepted in ("gzip", "identity"):
        sent = await http_server_client.fetch(
            widgets, headers={"Accept-Encoding": accepted}, decompress_response=False
        )
        assert sent.headers["Content-Type"].startswith("text/javascript")
        assert sent.headers["Vary"] == "Accept-Encoding"
        is_compressed = sent.headers.get("Content-Encoding") == "gzip"
        assert is_compressed == (accepted == "gzip")
        assert (gzip.decompress(sent.body) if is_compressed else sent.body) == WIDGETS
    with pytest.raises(HTTPClientError):
        await http_server_client.fetch(f"{jp_base_url}jupyter-peer/s/x?../../etc/passwd")


async def test_fetching_the_page_a_thousand_times_uses_up_nothing(
    call, hub, http_server_client, jp_base_url, pane
):
    link = await made(call, max_guests=1)
    audit = len(hub.store.audit(100))
    for _ in range(1000):
        await http_server_client.fetch(f"{jp_base_url}jupyter-peer/s/{link['id']}")
    assert (await call("GET", "links")).json["links"][0]["guests"] == []
    assert len(hub.store.audit(100)) == audit


async def test_a_guest_comes_in_at_jupyters_port_and_at_the_port_for_peers(
    call, pane, guest_at, jp_http_port, jp_base_url
):
    link = await made(call)
    port = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/s/", link["page"])
    assert port is not None
    for at, base in ((jp_http_port, jp_base_url), (port[1], "/")):
        origin = f"http://127.0.0.1:{at}"
        url = f"ws://127.0.0.1:{at}{base}guest-ws"
        hand, socket = await guest_at(url, link, origin)

        async def guests():
            return (await call("GET", "links")).json["links"][0]["guests"]

        (guest,) = await until(guests)
        assert (guest["id"], guest["name"], guest["path"]) == (hand.node_id, "Grace", "direct")
        answer = await call("DELETE", f"links/{link['id']}/guests/{guest['id']}")
        assert answer.json == {}
        while (frame := await socket.read_message()) is not None:
            hand.receive(frame)
        assert [m.data for m in hand.inbox if m.type == "bye"] == [{"reason": "dropped"}]
        await until(lambda: _none(guests))


async def _none(guests):
    return not await guests()


@pytest.mark.parametrize(
    ("door", "origin", "status"),
    [
        ("guest-ws", "http://evil.example", 403),
        ("guest-ws", "null", 403),
        ("guest-ws", None, 403),
        ("peer-ws", "http://127.0.0.1:{}", 403),
    ],
)
async def test_a_browser_comes_in_only_from_the_page_of_this_host(
    pane, call, guest_at, jp_http_port, jp_base_url, door, origin, status
):
    link = await made(call)
    port = link["page"].split(":")[2].split("/")[0]
    for at, base in ((jp_http_port, jp_base_url), (port, "/")):
        with pytest.raises(HTTPClientError) as refused:
            url = f"ws://127.0.0.1:{at}{base}{door}"
            await guest_at(url, link, origin and origin.format(at))
        assert refused.value.code == status


async def test_identity_and_the_page_have_one_digest(call, hub):
    answer = await call("GET", "identity")
    assert answer.json["guest_page"] == hashlib.sha256(PAGE).hexdigest()
