"""Nodes on a real JupyterHub, as ``docs/hub.md`` says it; run by ``make hub``.

The name of this file keeps it out of `make test`: servers of a Hub need half a minute to start.
"""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.jupyterhub.running_hub import START_S, HubServer, RunningHub, running_hub
from tests.machine.needs import needs_module, needs_program
from tests.machine.waiting import until_sync

PAGE = (Path(__file__).parents[2] / "docs" / "hub.md").read_text(encoding="utf-8")
(COUNTS_NO_PINGS,) = re.findall(
    r"^```python\n(# jupyterhub_config.py\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
)
#: One named server ends by itself once nobody works there. Jupyter looks once a minute.
ENDS_ITSELF = """
def pre_spawn(spawner):
    if spawner.name == "brief":
        spawner.args = [*spawner.args, "--ServerApp.shutdown_no_activity_timeout=5"]

c.Spawner.pre_spawn_hook = pre_spawn
"""
CULLER = """
c.JupyterHub.services.append({
    "name": "culler",
    "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=20", "--cull-every=2"],
})
c.JupyterHub.load_roles.append({
    "name": "culler",
    "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    "services": ["culler"],
})
"""


class Servers(NamedTuple):
    ada: HubServer
    bob: HubServer


def start(*servers: HubServer) -> None:
    """Start them in this order, and wait until all are up."""
    for server in servers:
        server.begin()
    until_sync(lambda: all(each.is_up for each in servers), START_S, "the servers of the Hub")


def paired(hub: RunningHub) -> Servers:
    """Start a server of ada and one of bob, who pair before any page is opened."""
    ada, bob = HubServer(hub, "ada"), HubServer(hub, "bob")
    start(ada, bob)
    invite = ada.call("POST", "invite", {})["invite"]
    assert bob.call("POST", "pair", {"invite": invite})["ok"]
    return Servers(ada, bob)


def peer_of(server: HubServer) -> Any:
    (peer,) = server.call("GET", "peers")["peers"]
    return peer


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(tmp_path_factory.mktemp("hub"), ENDS_ITSELF) as hub:
        yield hub


@pytest.fixture(scope="module")
def servers(hub: RunningHub) -> Servers:
    return paired(hub)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = needs_program("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_the_hub_gives_address_and_name_before_any_page_is_opened(servers: Servers) -> None:
    for server, other in (servers, reversed(servers)):
        me = server.call("GET", "identity")
        assert me["addresses"][0] == server.address
        assert me["node_name"] == server.user
        assert peer_of(other)["node_name"] == server.user
    assert peer_of(servers.bob)["address"] == servers.ada.address


def logged_in(hub: RunningHub, user: str) -> dict[str, str]:
    """Log in by the Hub's page, open the user's server, and return the headers of that browser."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(f"{hub.url}hub/login", timeout=20) as page:
        page.read()
    # The Hub and each server have a cookie of that name, at their own paths.
    token = next(each.value for each in cookies if each.name == "_xsrf")
    form = urllib.parse.urlencode({"username": user, "password": "x", "_xsrf": token})
    with browser.open(f"{hub.url}hub/login", form.encode(), timeout=60) as page:
        page.read()
    with browser.open(f"{hub.url}user/{user}/api/status", timeout=20) as page:
        assert page.status == 200
    path = f"/user/{user}/"
    sent = {each.name: each.value for each in cookies if each.path in ("/", path)}
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in sent.items())}


def test_the_hubs_login_guards_the_api_and_the_nodes_keys_guard_the_wire(
    hub: RunningHub, servers: Servers
) -> None:
    ada, _ = servers
    api = f"{ada.prefix}jupyter-peer/api/"
    by_ada, by_bob = logged_in(hub, "ada"), logged_in(hub, "bob")
    assert hub.request("GET", f"{api}identity").status == 403
    assert hub.request("GET", f"{api}identity", headers=by_bob).status == 403
    # A cookie alone is not enough: another page of the Hub's host could send it.
    assert hub.request("POST", f"{api}invite", {}, by_ada).status == 403
    # Nobody logs in for the page of guest links; it comes with its own policy, and sets no cookie.
    page = hub.request("GET", f"{ada.prefix}jupyter-peer/s/0123456789abcdef")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Set-Cookie"] is None
    # Nor for the wire: whoever comes there proves a key, and cookies prove nothing.
    for headers in ({}, by_bob):
        assert asyncio.run(_is_upgraded(ada.address, headers))
    # But no page may come there.
    refused = {"Origin": hub.url.rstrip("/"), **by_ada}
    assert not asyncio.run(_is_upgraded(ada.address, refused))


async def _is_upgraded(address: str, headers: Mapping[str, str]) -> bool:
    try:
        socket = await websocket_connect(HTTPRequest(address, headers=dict(headers)))
    except HTTPClientError as refusal:
        if refusal.code == 403:
            return False
        raise
    await _close(socket)
    return True


async def _close(socket: WebSocketClientConnection) -> None:
    socket.close()
    while await socket.read_message() is not None:
        pass


def test_a_guest_link_opens_in_a_browser_that_knows_nothing_of_the_hub(
    hub: RunningHub, servers: Servers, browser: Browser
) -> None:
    ada, _ = servers
    content = {"output_type": "display_data", "data": {"text/plain": "seen"}, "metadata": {}}
    post = {"name": "note", "title": "A note", "outputs": [content]}
    _asked(hub, ada, "post", post)
    link = ada.call("POST", "links", {"pane": "note"})["link"]
    assert link.startswith(f"{hub.url}{ada.prefix}jupyter-peer/s/")
    page = browser.new_context().new_page()
    page.goto(link)
    expect(
        page.frame_locator("main iframe").frame_locator("iframe").get_by_text("seen")
    ).to_be_visible(timeout=30_000)
    assert page.context.cookies() == []


def _asked(hub: RunningHub, server: HubServer, op: str, params: object) -> Any:
    """Ask by the control socket, as a page or a kernel does."""

    async def ask() -> Any:
        url = f"{hub.url.replace('http', 'ws', 1)}{server.prefix}jupyter-peer/ws"
        socket = await websocket_connect(HTTPRequest(url, headers=hub.operator))
        await socket.write_message(json.dumps({"id": 1, "op": op, "params": params}))
        while True:
            frame = json.loads(await socket.read_message())
            if frame.get("id") == 1:
                await _close(socket)
                return frame["result"]

    # Playwright keeps a loop in this thread.
    return _in_a_thread(lambda: asyncio.run(ask()))


def _in_a_thread(work: Callable[[], Any]) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(60)


def test_jupyterlab_shows_the_peers_to_who_has_logged_in_to_the_hub(
    hub: RunningHub, servers: Servers, browser: Browser
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{hub.url}hub/login?next=%2Fuser%2Fada%2Flab")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("x")
    page.get_by_role("button", name=re.compile("Sign in", re.IGNORECASE)).click()
    page.get_by_role("tab", name="Peers").click(timeout=60_000)
    expect(page.get_by_text("bob", exact=True).first).to_be_visible(timeout=30_000)


@pytest.mark.timeout(300)
def test_two_that_the_hub_restarts_twice_find_each_other_without_a_page(servers: Servers) -> None:
    for _ in range(2):
        for server in servers:
            server.stop()
        start(*servers)
        begun = time.monotonic()
        for server in servers:
            until_sync(lambda server=server: peer_of(server)["status"] == "connected", 10)
        print(f"connected {time.monotonic() - begun:.1f} s after both were up")


@pytest.mark.timeout(300)
def test_named_servers_keep_their_identities_whatever_the_order_of_their_starts(
    hub: RunningHub,
) -> None:
    plain, gpu = HubServer(hub, "grace"), HubServer(hub, "grace", "gpu")
    seen = []
    for order in ((plain, gpu), (gpu, plain)):
        for server in order:
            server.start()
        seen.append([server.call("GET", "identity") for server in (plain, gpu)])
        assert [each["node_name"] for each in seen[-1]] == ["grace", "grace-gpu"]
        for server in order:
            server.stop()
    first, second = ([each["node_id"] for each in ids] for ids in seen)
    assert first == second
    assert len(set(first)) == 2


@pytest.mark.timeout(300)
def test_a_server_that_jupyter_ends_by_itself_ends_while_its_link_is_up(
    hub: RunningHub, servers: Servers
) -> None:
    brief = HubServer(hub, "carl", "brief")
    brief.start()
    invite = brief.call("POST", "invite", {})["invite"]
    assert servers.bob.call("POST", "pair", {"invite": invite})["ok"]
    until_sync(lambda: not brief.state, 150, "the end of an idle server")
    # A peer that dials again does not start it.
    peers = servers.bob.call("GET", "peers")["peers"]
    (carl,) = [peer["node_id"] for peer in peers if peer["node_name"] == "carl-brief"]
    answer = hub.request(
        "POST",
        f"{servers.bob.prefix}jupyter-peer/api/connect",
        {"node_id": carl},
        hub.operator,
    )
    assert json.loads(answer.text)["code"] == "unreachable"
    assert not brief.state


def route_activity(hub: RunningHub, server: HubServer) -> str:
    """When the proxy has last passed anything on to a server."""
    route = hub.api("GET", "proxy")[f"/{server.prefix}"]
    return route["data"]["last_activity"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("config", ["", COUNTS_NO_PINGS], ids=["as it comes", "as the page says"])
def test_pings_keep_the_dialled_server_from_the_culler_unless_the_hub_counts_work_alone(
    tmp_path: Path, config: str
) -> None:
    needs_module("jupyterhub_idle_culler")
    with running_hub(tmp_path, CULLER + config) as hub:
        ada, bob = paired(hub)
        if config:
            until_sync(lambda: not ada.state and not bob.state, 150, "both to be culled")
            return
        begun = route_activity(hub, ada)
        # Bob has dialled: only pings pass, and only by the route to ada.
        until_sync(lambda: not bob.state, 150, "the culling of bob")
        assert ada.is_up
        assert route_activity(hub, ada) > begun
