"""What is particular to WebSockets over TCP."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
import urllib.request

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import BadAddressError, UnreachableError
from jupyter_peer.transports.direct import direct
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.wire.addresses import PATH, normalize_address
from tests.machine.idle_sockets import idle_sockets
from tests.machine.waiting import PATIENCE_S, until


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("example.org", "ws://example.org/peer-ws"),
        ("example.org:9797", "ws://example.org:9797/peer-ws"),
        ("[::1]:9797", "ws://[::1]:9797/peer-ws"),
        ("http://h:8888/user/ada/", "ws://h:8888/user/ada/peer-ws"),
        ("https://h/user/ada", "wss://h/user/ada/peer-ws"),
        ("wss://h/peer-ws", "wss://h/peer-ws"),
        (" ws://h:1/x/peer-ws/ ", "ws://h:1/x/peer-ws"),
    ],
)
def test_addresses_are_understood_as_people_write_them(written, meant):
    assert normalize_address(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ftp://h/",
        "ws://",
        "ws://user:pw@h/",
        "h:notaport",
        "h:99999",
        "ws://h/?q=1",
        "ws://h/#f",
        "a b",
        "ws://h\n/",
        "x" * 600,
        "ws://[::1",
        "ws://h<script>/",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadAddressError):
        normalize_address(text)


@given(st.text(max_size=80))
def test_any_text_is_an_address_that_stays_the_same_or_an_error(text):
    try:
        address = normalize_address(text)
    except BadAddressError:
        return
    assert normalize_address(address) == address
    assert address.startswith(("ws://", "wss://"))


async def test_the_extra_listener_serves_nothing_but_the_peer_wire():
    transport = DirectTransport()
    ((_, port),) = transport.listen("127.0.0.1", 0)

    async def accept(link):
        await link.close()

    await transport.start(accept)

    def status(path: str) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    try:
        for path in ("/", "/api", "/lab", "/tree", "/peer-ws/../api", "/metrics"):
            assert await asyncio.to_thread(status, path) == 404
        assert await asyncio.to_thread(status, "/peer-ws") == 426
    finally:
        await transport.close()


async def test_requests_that_never_end_are_cut_off_and_hold_up_nobody(monkeypatch):
    """Slow loris: a byte now and then, for ever, on many connections."""
    monkeypatch.setattr(direct, "DIAL_TIMEOUT_S", 0.3)
    transport = DirectTransport()
    ((host, port),) = transport.listen("127.0.0.1", 0)
    came = asyncio.Event()

    async def accept(link):
        came.set()
        await link.close()

    await transport.start(accept)
    slow = [await asyncio.open_connection(host, port) for _ in range(50)]

    async def drip(reader, writer) -> bytes:
        """Send a header byte by byte until the other side has had enough."""
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET /peer-ws HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            while not reader.at_eof():
                writer.write(b"a")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(reader.read(), 0.05)
        return b""

    dripping = asyncio.gather(*(drip(reader, writer) for reader, writer in slow))
    try:
        link = await transport.dial(f"ws://{host}:{port}/peer-ws", None)
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        await link.close()
        await asyncio.wait_for(dripping, 15)
    finally:
        dripping.cancel()
        for _, writer in slow:
            writer.close()
        await transport.close()


async def test_a_server_that_does_not_speak_websocket_is_unreachable():
    async def answer(reader, writer):
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = DirectTransport()
    try:
        with pytest.raises(UnreachableError):
            await transport.dial(f"ws://127.0.0.1:{port}/peer-ws", None)
    finally:
        server.close()
        await transport.close()


async def test_a_dial_that_is_given_up_leaves_no_connection_behind():
    opened, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader, writer):
        opened.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until the client goes away
        writer.close()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = DirectTransport()
    task = asyncio.ensure_future(transport.dial(f"ws://127.0.0.1:{port}/peer-ws", None))
    await asyncio.wait_for(opened.wait(), PATIENCE_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(gone.wait(), PATIENCE_S)
    server.close()
    await transport.close()


async def test_of_links_that_nobody_ends_only_so_many_are_taken_and_closed_ones_make_room():
    transport = DirectTransport(max_links=3)
    accepted = []

    async def accept(link):
        accepted.append(link)

    await transport.start(accept)
    ((_, port),) = transport.listen("127.0.0.1", 0)
    try:
        async with idle_sockets(port, PATH, 5) as sockets:
            assert len(accepted) == 3
            await accepted[1].close("busy")  # the other end takes its time to close too
            await sockets.open(2)
            assert len(accepted) == 4
            assert [link.is_ended for link in accepted] == [False, True, False, False]
            sockets.cut()
            await until(lambda: transport.has_room("never"))
    finally:
        await transport.close()
