"""What is particular to links over a relay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient

from jupyter_peer.errors import BadAddressError, UnreachableError
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.transports.base import PeerLink
from jupyter_peer.transports.relay import (
    link as relay_link,
    relay as relay_module,
    socket as relay_socket,
)
from jupyter_peer.transports.relay.relay import RelayTransport
from jupyter_peer.wire.addresses import relay_address, relay_urls
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.relay.frames import CLOSE, DATA, RelayFrame
from jupyter_peer.wire.relay.link import BINARY, CREDIT, OPEN, WINDOW, limit_payload
from tests.machine.certificates import make_certificate
from tests.machine.waiting import PATIENCE_S, until
from tests.relay.nodes import LINK, RawNode, relay


@contextlib.asynccontextmanager
async def node(
    url: str | None = None, **options: Any
) -> AsyncIterator[tuple[RelayTransport, str, list[PeerLink]]]:
    """Yield a started transport, its node id and the links that come in."""
    identity = Identity.from_seed(os.urandom(32))
    transport = RelayTransport(identity, url, **options)
    incoming: list[PeerLink] = []

    async def accept(link: PeerLink) -> None:
        incoming.append(link)

    await transport.start(accept)
    try:
        yield transport, identity.node_id, incoming
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("relay.example", ["ws://relay.example/relay-ws"]),
        ("wss://relay.example", ["wss://relay.example/relay-ws"]),
        ("https://h/base/", ["wss://h/base/relay-ws"]),
        (" h:9000 , ws://h:9001/relay-ws,", ["ws://h:9000/relay-ws", "ws://h:9001/relay-ws"]),
        ("h:9000,http://h:9000", ["ws://h:9000/relay-ws"]),
    ],
)
def test_relay_urls_are_understood_as_people_write_them(written, meant):
    assert relay_urls(written) == meant
    assert relay_urls(relay_address(meant).removeprefix("relay:")) == meant


@pytest.mark.parametrize("text", ["", ",", "ftp://h", "a b", ",".join("abcdefghi"), "x" * 600])
def test_what_is_no_relay_url_is_refused(text):
    with pytest.raises(BadAddressError):
        RelayTransport(Identity.from_seed(bytes(32)), text or ",")


async def test_dialling_needs_an_address_that_is_one_and_a_node():
    async with node() as (ada, _, _):
        for address, node_id in (("relay:ws://h", None), ("relay:ftp://h", "a" * 16)):
            with pytest.raises(UnreachableError):
                await ada.dial(address, node_id)


async def test_a_relay_that_is_not_there_is_unreachable_at_once():
    async with node("ws://127.0.0.1:9") as (ada, _, _):
        with pytest.raises(UnreachableError, match="refused"):
            await ada.dial("relay:ws://127.0.0.1:9", "a" * 16)
        (finding,) = await ada.diagnose()
        assert finding.status == "failed"
        assert "refused" in finding.text


async def test_a_relay_with_a_certificate_of_its_own_names_the_setting_for_it(tmp_path):
    certificate, key = map(str, make_certificate(tmp_path, "127.0.0.1"))
    async with (
        serving(Options(port=0, certfile=certificate, keyfile=key)) as (url,),
        node(url) as (ada, _, _),
    ):
        (finding,) = await ada.diagnose()
        assert finding.status == "failed"
        assert "relay_certificate" in finding.hint


async def test_why_a_relay_is_out_of_reach_is_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(relay_socket, "_FIRST_PAUSE_S", 0.001)
    caplog.set_level(logging.DEBUG, relay_socket.__name__)
    async with node("ws://127.0.0.1:9"):
        await until(lambda: len(caplog.records) >= 3)
    assert [record.levelno for record in caplog.records[:3]] == [logging.INFO] + 2 * [logging.DEBUG]


async def test_a_peer_that_is_not_at_the_relay_is_unreachable():
    async with relay(hold_s=0.1) as url, node(url) as (ada, _, _):
        with pytest.raises(UnreachableError, match="not connected to the relay"):
            await ada.dial(f"relay:{url}", "a" * 16)
        (finding,) = await ada.diagnose()
        assert finding.status == "ok"


async def test_a_foreign_relay_is_left_when_no_link_needs_it():
    now = 0.0
    async with (
        relay() as url,
        node(url) as (_, bob_id, incoming),
        node(now=lambda: now) as (ada, _, _),
    ):
        link = await ada.dial(f"relay:{url}", bob_id)
        (foreign,) = ada._foreign.values()
        now = 1000.0
        foreign.socket.nudge()
        await until(lambda: foreign.socket.read_at == now, what="a pong")
        assert not foreign.socket.is_over
        await link.close()
        now += relay_module._IDLE_S + 1
        foreign.socket.nudge()
        await until(lambda: foreign.socket.is_over)
        again = await ada.dial(f"relay:{url}", bob_id)
        await until(lambda: len(incoming) == 2)
        await again.close()


async def test_over_a_relay_that_a_peer_named_nobody_dials_this_node():
    async with relay() as url, node(url) as (_, bob_id, _), node() as (ada, ada_id, incoming):
        await ada.dial(f"relay:{url}", bob_id)
        (foreign,) = ada._foreign.values()
        throwaway = foreign._own_id.decode()
        assert throwaway != ada_id
        eve = await RawNode.connect(url)
        eve.send(throwaway, bytes((OPEN,)) + limit_payload(WINDOW))
        assert (await eve.frame()).kind == CLOSE
        assert incoming == []
        eve.close()


async def test_a_transport_that_was_closed_has_no_socket_left_in_the_loop():
    async with relay() as url:
        async with node(url) as (ada, _, _):
            await until(lambda: ada.is_registered)
            connection = ada._own.socket._connection
        assert connection._is_lost


async def test_dialling_over_ones_own_relay_by_another_name_does_not_replace_ones_connection():
    async with relay() as url:
        other_name = url.replace("127.0.0.1", "localhost")
        async with node(url) as (ada, _, _), node(other_name) as (_, bob_id, incoming):
            await until(lambda: ada.is_registered)
            links = [await ada.dial(f"relay:{other_name}", bob_id) for _ in range(3)]
            await until(lambda: len(incoming) == 3)
            assert [link.address for link in links] == [f"relay:{other_name}"] * 3
            assert await replaced(url) == 0
            assert ada.is_registered


async def replaced(url: str) -> int:
    """Return how often a relay has seen a node come by a second connection."""
    page = await AsyncHTTPClient().fetch(url.replace("ws://", "http://") + "/metrics")
    (line,) = re.findall(r"^jupyter_peer_relay_replaced_total (\d+)$", page.body.decode(), re.M)
    return int(line)


async def test_a_relay_that_falls_silent_is_noticed_and_its_links_end(monkeypatch):
    monkeypatch.setattr(relay_socket, "_PING_S", 0.1)
    monkeypatch.setattr(relay_socket, "_PONG_S", 0.1)
    connected = []

    async def forward(reader, writer):
        """Pass bytes on until the test says that the network is gone."""
        upstream = await asyncio.open_connection("127.0.0.1", port)
        connected.append(asyncio.current_task())

        async def pump(source, sink):
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    await is_up.wait()
                    sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))

    is_up = asyncio.Event()
    is_up.set()
    async with relay() as url, node(url) as (_, bob_id, _):
        port = int(url.rpartition(":")[2])
        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        between = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with node(between) as (ada, _, _):
            link = await ada.dial(f"relay:{between}", bob_id)
            is_up.clear()
            await until(lambda: link.is_closed)
            is_up.set()
            again = await ada.dial(f"relay:{between}", bob_id)
            assert not again.is_closed
        server.close()
        await until(lambda: all(task.done() for task in connected))


async def test_who_dials_asks_again_since_the_first_word_may_be_lost(monkeypatch):
    monkeypatch.setattr(relay_link, "_FIRST_REPEAT_S", 0.05)
    async with relay() as url, node(url) as (ada, ada_id, _):
        bob = await RawNode.connect(url)
        dialling = asyncio.ensure_future(ada.dial(f"relay:{url}", bob.id))
        first, second = await bob.frame(), await bob.frame()
        assert (first.link, bytes(first.payload)) == (second.link, bytes(second.payload))
        assert first.payload[0] == OPEN
        assert not dialling.done()
        bob.send(ada_id, bytes((CREDIT,)) + limit_payload(WINDOW), link=first.link)
        link = await asyncio.wait_for(dialling, PATIENCE_S)
        assert not link.is_closed
        bob.close()


async def test_a_node_that_is_back_ends_the_links_it_had():
    async with relay() as url, node(url) as (bob, bob_id, incoming):
        eve = await RawNode.connect(url)
        for link in (LINK, b"8 bytes!"):
            eve.send(bob_id, bytes((OPEN,)) + limit_payload(WINDOW), link=link)
            assert (await eve.frame()).kind != CLOSE
        await until(lambda: len(incoming) == 2)
        bob._own.socket._connection.abort()  # as a cable that is pulled
        ends = [await eve.frame(), await eve.frame()]
        assert {(end.kind, end.link, end.reason) for end in ends} == {
            (CLOSE, LINK, "link_closed"),
            (CLOSE, b"8 bytes!", "link_closed"),
        }
        assert all(link.is_closed for link in incoming)
        eve.close()


async def test_who_ignores_the_window_loses_the_link():
    async with relay() as url, node(url) as (_, bob_id, incoming):
        eve = await RawNode.connect(url)
        eve.send(bob_id, bytes((OPEN,)) + limit_payload(WINDOW))
        (link,) = await until(lambda: incoming)
        gate = asyncio.Event()
        link.max_frame = 70_000
        link.attach(lambda frame: gate.wait(), lambda reason: None)
        for _ in range(20):
            eve.send(bob_id, bytes((BINARY,)) + bytes(60_000))
        await until(lambda: link.is_closed)
        assert link.close_reason == "overflow"
        answers = [await eve.frame() for _ in range(2)]
        assert (answers[1].kind, answers[1].reason) == (CLOSE, "overflow")
        gate.set()
        eve.close()


async def test_what_belongs_to_no_link_is_answered_by_its_end():
    async with relay() as url, node(url) as (_, bob_id, incoming):
        eve = await RawNode.connect(url)
        for payload, code in (
            (bytes((BINARY,)) + b"x", "link_closed"),
            (b"\x09", "malformed"),
            (b"", "malformed"),
        ):
            eve.send(bob_id, payload)
            frame = await eve.frame()
            assert (frame.kind, frame.link, frame.reason) == (CLOSE, LINK, code)
        eve.close_link(bob_id)  # and an end is answered by nothing
        eve.send(bob_id, bytes((OPEN,)) + limit_payload(0))
        assert (await eve.frame()).kind != CLOSE
        (link,) = await until(lambda: incoming)
        eve.send(bob_id, b"\x09")
        await until(lambda: link.is_closed)
        assert link.close_reason == "malformed"
        eve.close()


async def test_links_over_one_socket_take_turns():
    async with relay() as url, node(url) as (_, bob_id, incoming), node(url) as (ada, _, _):
        links = [await ada.dial(f"relay:{url}", bob_id) for _ in range(3)]
        await until(lambda: len(incoming) == 3)
        got = [0, 0, 0]

        def count(index: int, link: PeerLink) -> None:
            link.max_frame = 70_000

            def take(frame: bytes) -> None:
                got[index] += 1

            link.attach(take, lambda reason: None)

        for index, link in enumerate(incoming):
            count(index, link)

        def fill(link: PeerLink, left: int) -> None:
            while left and not link.is_backed_up:
                link.send([bytes(60_000)])
                left -= 1
            if left:
                link.on_writable(lambda: fill(link, left))

        for link in links:
            fill(link, 400)
        spread = 0
        while min(got) < 400:
            await asyncio.sleep(0)
            if max(got) < 350:
                spread = max(spread, max(got) - min(got))
        assert spread < 100


async def test_a_relay_that_does_not_read_makes_a_node_say_no_more_and_more(monkeypatch):
    async with relay() as url, node(url) as (transport, node_id, incoming):
        own = transport._own
        assert own is not None
        await own.socket.until_registered(5)
        connection = own.socket._connection
        assert connection is not None
        written: list[bytes] = []
        monkeypatch.setattr(type(connection), "write", lambda self, data: written.append(data))
        stranger = Identity.from_seed(os.urandom(32)).node_id
        drained = asyncio.get_running_loop().create_future()
        connection._drained = drained  # as long as the relay takes nothing
        opening = bytes((OPEN,)) + limit_payload(WINDOW)
        for number in range(5000):
            link = number.to_bytes(8, "big")
            own.on_frame(RelayFrame(DATA, node_id, stranger, link, b"\0of no link").to_bytes())
            own.on_frame(RelayFrame(DATA, node_id, stranger, LINK, opening).to_bytes())
        assert len(written) == 1
        assert len(incoming) <= 1
        connection.resume_writing()
        # what was put by is told when the relay reads again
        await until(lambda: len(written) > 1000)
        assert len(written) <= 1 + 1024
