"""Addresses that worked, and those that a node has learned, are known after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from jupyter_peer.hub import local_node
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, running
from tests.peers.loopback import LoopbackNetwork
from tests.server.servers import jupyter_server

HUB = "wss://hub.example/user/ada/peer-ws"


class Door:
    """A proxy at one address, such as a Hub's, that leads to a server wherever that listens."""

    def __init__(self) -> None:
        self.behind = 0
        self.port = 0

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        with contextlib.suppress(OSError):
            inner, outer = await asyncio.open_connection("127.0.0.1", self.behind)
            ways = [
                asyncio.ensure_future(each) for each in (_copy(reader, outer), _copy(inner, writer))
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            outer.close()
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def door():
    opened = Door()
    server = await asyncio.start_server(opened.lead, "127.0.0.1", 0)
    opened.port = server.sockets[0].getsockname()[1]
    async with server:
        yield opened


@pytest.mark.usefixtures("jp_environ")
async def test_two_that_restart_twice_and_announce_other_addresses_find_each_other(tmp_path):
    async with door() as outside:
        at = f"127.0.0.1:{outside.port}"
        told = {"advertised_addresses": [at]}
        # Both listen at another port each time, and only the first invite names the door.
        for settings in (told, {}, {}):
            async with (
                jupyter_server(tmp_path / "ada", PeerExtension=settings) as ada,
                jupyter_server(tmp_path / "bob") as bob,
            ):
                outside.behind = ada.app.port
                if settings:
                    invite = (await ada.call("POST", "invite", {"ttl_s": 60}))["invite"]
                    peer = (await bob.call("POST", "pair", {"invite": invite}))["peer"]
                    assert peer["address"] == f"ws://{at}/peer-ws"
                await until(lambda ada=ada: ada.hub.peers()[0].status == "connected", 10)
                await until(lambda bob=bob, ada=ada: announced(bob) == ada.hub.addresses())
                assert bob.hub.peers()[0].address == f"ws://{at}/peer-ws"


def announced(at) -> list[str]:
    """The addresses that the only peer of a server has announced."""
    return at.hub.peers()[0].addresses


def learned(hub) -> list[str]:
    return [address for address in hub.addresses() if address.startswith("w")]


async def test_an_address_learned_from_a_browser_is_known_after_a_restart(tmp_path):
    for _ in range(2):
        hub = make_hub(LoopbackNetwork(), tmp_path, "ada")
        async with running(hub):
            hub.add_learned_address(HUB)
    again = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(again):
        assert learned(again) == [HUB]


async def test_an_address_that_no_browser_uses_for_a_month_is_dropped(tmp_path, monkeypatch):
    hub = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(hub):
        hub.add_learned_address("ws://old.example/peer-ws")
        hub.add_learned_address(HUB)
        now = hub._local.clock.time()
        clock = hub._local.clock
        monkeypatch.setattr(clock, "time", lambda: now + local_node.LEARNED_FOR_S - 60)
        hub.add_learned_address(HUB)
        monkeypatch.setattr(clock, "time", lambda: now + local_node.LEARNED_FOR_S + 60)
        assert learned(hub) == [HUB]


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"ws://x/peer-ws":"soon"}'])
async def test_addresses_that_cannot_be_read_are_learned_anew(tmp_path, kept):
    hub = make_hub(LoopbackNetwork(), tmp_path, "ada")
    hub.store.set_setting("learned_addresses", kept)
    hub.store.close()
    again = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(again):
        assert learned(again) == []
        again.add_learned_address(HUB)
        assert json.loads(again.store.setting("learned_addresses") or "").keys() == {HUB}


@pytest.mark.usefixtures("jp_environ")
async def test_the_address_that_a_hub_names_is_in_invites_without_a_page(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    settings = {"advertised_addresses": ["ada.example:9797"]}
    async with jupyter_server(tmp_path, "/user/ada/", PeerExtension=settings) as ada:
        assert ada.hub.addresses()[:2] == ["ws://ada.example:9797/peer-ws", HUB]
        assert (await ada.call("POST", "invite", {}))["local_only"] is False
