"""A WebSocket that a server took over from Tornado, spoken to byte by byte, plain and by TLS."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import ssl

import pytest
from tornado.util import _websocket_mask

from jupyter_peer.errors import LinkClosedError
from jupyter_peer.sockets import websocket
from jupyter_peer.sockets.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    MessageReader,
    accept_key,
    close_payload,
    frame_head,
    read_close,
)
from jupyter_peer.transports.direct.direct import DirectTransport
from jupyter_peer.transports.direct.websocket import any_certificate
from tests.machine.certificates import make_certificate
from tests.machine.waiting import PATIENCE_S, until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Wire:
    """A client that writes any bytes, beside the link they arrive at."""

    def __init__(self, reader, writer, link):
        self._reader = reader
        self._writer = writer
        self._messages = MessageReader(1 << 20, from_client=False)
        self._waiting = []
        self.link = link
        self.got = []
        self.closed = []

    def write(self, data):
        self._writer.write(data)

    def send(self, opcode, payload, *, fin=True, mask=b"\x01\x02\x03\x04"):
        head = bytearray(frame_head(opcode, len(payload), mask))
        if not fin:
            head[0] &= 0x7F
        self.write(bytes(head) + (_websocket_mask(mask, payload) if mask else payload))

    async def next(self):
        """Return the next (opcode, payload) from the other side, None when it has hung up."""
        while not self._waiting:
            data = await asyncio.wait_for(self._reader.read(65536), PATIENCE_S)
            if not data:
                return None
            self._waiting += [(opcode, bytes(load)) for opcode, load in self._messages.feed(data)]
        return self._waiting.pop(0)

    async def is_cut(self):
        await until(lambda: self.closed)
        while await self.next() is not None:
            pass
        return True


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["plain", "tls"])
def wire(request):
    """Return what opens a connection: one moved to asyncio, or one that stays Tornado's stream."""
    contexts = (None, None)
    if request.param == "tls":
        cert, key = request.getfixturevalue("certificate")
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(cert, key)
        contexts = (server, any_certificate())
    return functools.partial(open_wire, *contexts)


@contextlib.asynccontextmanager
async def open_wire(server_context, client_context, max_frame=100_000):
    links = asyncio.Queue()
    transport = DirectTransport()
    ((host, port),) = transport.listen("127.0.0.1", 0, server_context)

    async def accept(link):
        links.put_nowait(link)

    await transport.start(accept)
    reader, writer = await asyncio.open_connection(host, port, ssl=client_context)
    try:
        writer.write(
            f"GET /peer-ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        assert head.startswith(b"HTTP/1.1 101")
        assert accept_key(KEY).encode() in head
        link = await asyncio.wait_for(links.get(), PATIENCE_S)
        found = Wire(reader, writer, link)
        link.max_frame = max_frame
        link.attach(found.got.append, found.closed.append)
        yield found
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await transport.close()


async def test_messages_arrive_whole_however_they_are_cut(wire):
    async with wire() as it:
        sizes = [0, 1, 125, 126, 127, 65535, 65536, 70000]
        sent = [os.urandom(size) for size in sizes]
        whole = bytearray()
        mask = b"abcd"
        for payload in sent:
            whole += frame_head(BINARY, len(payload), mask) + _websocket_mask(mask, payload)
        head, rest = whole[:400], whole[400:]
        for at in range(len(head)):
            it.write(head[at : at + 1])
            if at % 50 == 0:
                await asyncio.sleep(0)
        it.write(rest)
        await until(lambda: len(it.got) == len(sent))
        assert it.got == sent
        assert all(isinstance(frame, bytes) for frame in it.got)


async def test_many_messages_in_one_read_keep_their_order(wire):
    async with wire() as it:
        for number in range(2000):
            it.send(TEXT, str(number).encode())
        await until(lambda: len(it.got) == 2000)
        assert it.got == [str(number) for number in range(2000)]


async def test_a_message_in_pieces_is_put_together_with_pings_between(wire):
    async with wire() as it:
        it.send(BINARY, b"one ", fin=False)
        it.send(PING, b"still there?")
        it.send(CONTINUATION, b"two ", fin=False)
        it.send(CONTINUATION, b"three")
        await until(lambda: it.got)
        assert it.got == [b"one two three"]
        assert await it.next() == (PONG, b"still there?")


async def test_a_close_is_answered_and_ends_the_link(wire):
    async with wire() as it:
        it.send(BINARY, b"last words")
        it.send(CLOSE, close_payload(1000, "done"))
        await until(lambda: it.closed)
        opcode, payload = await it.next()
        assert (opcode, read_close(payload)[0]) == (CLOSE, 1000)
        assert it.got == [b"last words"]


async def test_a_message_over_the_limit_is_refused_by_its_head(wire):
    async with wire(max_frame=1000) as it:
        it.send(BINARY, bytes(1000))
        it.write(frame_head(BINARY, 1001, b"abcd"))  # not a byte of it has come
        await until(lambda: it.closed)
        opcode, payload = await it.next()
        assert (opcode, read_close(payload)[0]) == (CLOSE, 1009)
        assert it.got == [bytes(1000)]


async def test_pieces_that_are_too_large_together_are_refused(wire):
    async with wire(max_frame=1000) as it:
        it.send(BINARY, bytes(600), fin=False)
        it.send(CONTINUATION, bytes(401))
        assert await it.is_cut()
        assert it.got == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(frame_head(BINARY, 3) + b"abc", id="not masked"),
        pytest.param(frame_head(BINARY | 0x40, 0, b"abcd"), id="an extension nobody agreed on"),
        pytest.param(frame_head(0x3, 0, b"abcd"), id="an unknown opcode"),
        pytest.param(frame_head(0xB, 0, b"abcd"), id="an unknown control opcode"),
        pytest.param(frame_head(CONTINUATION, 0, b"abcd"), id="a continuation of nothing"),
        pytest.param(frame_head(PING, 126, b"abcd") + bytes(126), id="a long ping"),
        pytest.param(bytes((PING, 0x80)) + b"abcd", id="a ping in pieces"),
        pytest.param(frame_head(TEXT, 2, bytes(4)) + b"\xff\xfe", id="text that is not UTF-8"),
        pytest.param(
            bytes((BINARY, 0x80)) + b"abcd" + frame_head(BINARY, 0, b"abcd"),
            id="a message inside another",
        ),
    ],
)
async def test_what_is_no_websocket_ends_the_link_and_nothing_else(wire, bad):
    async with wire() as it:
        it.send(BINARY, b"fine")
        it.write(bad)
        assert await it.is_cut()
        assert it.got == [b"fine"]


async def test_a_reader_that_takes_its_time_is_waited_for(wire):
    async with wire() as it:
        gate, begun = asyncio.Event(), []

        def slowly(frame):
            begun.append(frame)
            return gate.wait()

        it.link.attach(slowly, it.closed.append)
        for number in range(100):
            it.send(BINARY, b"%d" % number)
        await until(lambda: begun)
        for _ in range(20):
            await asyncio.sleep(0)
        assert begun == [b"0"]
        gate.set()
        await until(lambda: len(begun) == 100)
        assert begun == [b"%d" % number for number in range(100)]


async def test_a_connection_that_breaks_in_the_middle_of_a_frame_is_lost(wire):
    async with wire() as it:
        it.write(frame_head(BINARY, 1000, b"abcd") + b"half")
        it._writer.close()
        await until(lambda: it.closed)
        assert it.got == []


async def test_who_does_not_read_backs_up_what_is_written_and_is_told_of_when_it_does(wire):
    async with wire() as it:
        it._writer.transport.pause_reading()
        payload = bytes(60_000)
        await until(lambda: it.link.send([payload]) or it.link.is_backed_up)
        came = asyncio.Event()
        it.link.on_writable(came.set)
        assert not came.is_set()
        it._writer.transport.resume_reading()

        async def read():
            while await it.next() is not None:
                pass

        reading = asyncio.ensure_future(read())
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        assert not it.link.is_backed_up
        reading.cancel()


async def test_who_waits_to_write_is_told_when_the_connection_ends_instead(wire):
    async with wire() as it:
        it._writer.transport.pause_reading()
        await until(lambda: it.link.send([bytes(60_000)]) or it.link.is_backed_up)
        came = asyncio.Event()
        it.link.on_writable(came.set)
        it.link.cut()
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        await until(lambda: it.closed)
        with pytest.raises(LinkClosedError):
            it.link.send([b"late"])


async def test_who_pings_without_reading_gets_no_growing_heap_of_pongs(wire):
    async with wire() as it:
        it._writer.transport.pause_reading()
        await until(lambda: it.link.send([bytes(60_000)]) or it.link.is_backed_up)
        below = it.link._socket._transport
        if hasattr(below, "get_write_buffer_size") and not hasattr(below, "_stream"):
            before = below.get_write_buffer_size()
            for _ in range(1000):
                it.send(PING, b"x" * 100)
            it.send(BINARY, b"behind them")
            await until(lambda: it.got)
            assert below.get_write_buffer_size() <= before
        it.link.cut()


async def test_a_close_that_is_not_answered_is_cut_off_after_a_while(wire, monkeypatch):
    monkeypatch.setattr(websocket, "CLOSE_S", 0.05)
    async with wire() as it:
        await it.link.close("enough")
        opcode, payload = await it.next()
        assert (opcode, read_close(payload)) == (CLOSE, (1000, "enough"))
        with contextlib.suppress(ConnectionError):
            assert await it.next() is None


async def test_a_handler_that_fails_ends_its_connection_only(wire, caplog):
    async with wire() as it:

        def fail(frame):
            raise RuntimeError("a fault of this side")

        it.link.attach(fail, it.closed.append)
        it.send(BINARY, b"fine")
        with contextlib.suppress(ConnectionError):
            assert await it.next() is None
        await until(lambda: it.closed)
        assert "a fault of this side" in caplog.text
