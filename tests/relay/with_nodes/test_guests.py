"""Guests at a relay: their page, and how little a browser can do there."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_peer.relay.broker.limits import Limits
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.sockets import guest_page
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import Registration, RelayFrame
from tests.machine.waiting import PATIENCE_S, until

PAGE = b"<!doctype html><style>a{}</style><script>run()</script>"
ADA, BOB = "a" * 16, "b" * 16
OPENED: list[WebSocketClientConnection] = []


@pytest.fixture(autouse=True)
def built(tmp_path, monkeypatch):
    """Files as the build makes them, since Node may not be here."""
    (tmp_path / "guest.html").write_bytes(PAGE)
    monkeypatch.setattr(guest_page, "STATIC", tmp_path)
    guest_page.guest_page.cache_clear()
    yield
    guest_page.guest_page.cache_clear()


@pytest.fixture(autouse=True)
def sockets():
    """Sockets that are closed after the test."""
    yield OPENED
    while OPENED:
        OPENED.pop().close()


def http(url: str) -> str:
    return url.replace("ws://", "http://")


async def registered(url: str, origin: str | None, door: str = "/relay-ws"):
    """Register a fresh node as a browser does; return its id and socket."""
    identity = Identity.from_seed(os.urandom(32))
    headers = {} if origin is None else {"Origin": origin}
    socket = await websocket_connect(HTTPRequest(url + door, headers=headers))
    OPENED.append(socket)
    registration = Registration(identity)
    await socket.write_message(registration.begin())
    while not registration.is_registered:
        answer = registration.receive(await socket.read_message())
        if answer is not None:
            await socket.write_message(answer)
    return identity.node_id, socket


def frame(src: str, dst: str) -> bytes:
    return RelayFrame(0, dst, src, os.urandom(8), b"\3" + bytes(8)).to_bytes()


async def test_the_page_is_the_same_under_every_path_and_its_digest_is_told() -> None:
    async with serving(Options(port=0)) as (url,):
        client = AsyncHTTPClient()
        page = await client.fetch(f"{http(url)}/s/{ADA}/0123456789abcdef")
        assert page.body == PAGE
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        health = json.loads((await client.fetch(f"{http(url)}/health")).body)
        assert health["guest_page"] == guest_page.guest_page().digest  # type: ignore[union-attr]


async def test_an_operator_can_do_without_guests() -> None:
    async with serving(Options(port=0, has_guests=False)) as (url,):
        with pytest.raises(HTTPClientError, match="404"):
            await AsyncHTTPClient().fetch(f"{http(url)}/s/{ADA}/0123456789abcdef")
        with pytest.raises(HTTPClientError, match="403"):
            await registered(url, http(url))
        await registered(url, None)


async def test_a_browser_comes_in_only_from_the_relays_own_page_and_not_at_the_lobby() -> None:
    async with serving(Options(port=0)) as (url,):
        await registered(url, http(url))
        for origin in ("http://evil.example", "null", "https://127.0.0.1"):
            with pytest.raises(HTTPClientError, match="403"):
                await registered(url, origin)
        with pytest.raises(HTTPClientError, match="403"):
            await registered(url, http(url), "/lobby-ws")


async def test_a_guest_sends_to_one_node_alone() -> None:
    async with serving(Options(port=0)) as (url,):
        me, socket = await registered(url, http(url))
        await socket.write_message(frame(me, ADA), binary=True)
        await socket.write_message(frame(me, ADA), binary=True)
        await socket.write_message(frame(me, BOB), binary=True)
        refusal = json.loads(await socket.read_message())
        assert refusal["error"]["code"] == "bad_identity"


async def test_a_node_has_so_many_guests_at_a_relay_and_an_address_too() -> None:
    limits = Limits(max_guests_of_node=2, max_guests_of_address=3)
    async with serving(Options(port=0, limits=limits)) as (url,):
        guests = [await registered(url, http(url)) for _ in range(3)]
        reading = {asyncio.ensure_future(socket.read_message()): socket for _, socket in guests}
        for me, socket in guests:
            await socket.write_message(frame(me, ADA), binary=True)
        # The relay may read their sockets in any order.
        (refused,), _ = await asyncio.wait(
            reading, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        assert json.loads(refused.result())["error"]["code"] == "busy"
        del reading[refused]

        async def comes_in() -> bool:
            try:
                await registered(url, http(url))
            except HTTPClientError as error:
                return error.code != 503
            return True

        await until(comes_in)
        assert not await comes_in()
        # Nodes are no guests, and do not count.
        await registered(url, None)
        next(iter(reading.values())).close()
        await until(comes_in)
        assert sum(each.done() for each in reading) <= 1  # and nobody else was refused
