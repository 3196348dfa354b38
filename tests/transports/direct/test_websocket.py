"""WebSockets that this node opens, to servers that say anything."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import MalformedError, UnreachableError
from jupyter_peer.sockets.frames import (
    BINARY,
    PING,
    PONG,
    TEXT,
    MessageReader,
    accept_key,
    frame_head,
)
from jupyter_peer.transports.direct import websocket
from jupyter_peer.transports.direct.websocket import MAX_ANSWER, _check_answer, open_websocket
from tests.machine.waiting import until


class Ear:
    """Keeps what a WebSocket brings."""

    def __init__(self):
        self.got = []
        self.broken = []
        self.ended = 0

    def on_message(self, opcode, payload):
        self.got.append((opcode, bytes(payload)))

    def on_read(self):
        pass

    def on_broken(self, error):
        self.broken.append(error.code)

    def on_end(self):
        self.ended += 1


@contextlib.asynccontextmanager
async def server(answer):
    """Run a server that writes what ``answer`` makes of a request, and yield its URL."""
    talks = []

    async def serve(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            talks.append(request)
            headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:-2])
            writer.write(answer(accept_key(headers["Sec-WebSocket-Key"])))
            serve.got = await reader.read()
        writer.close()

    serve.got = b""
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/a/peer-ws?b=c", serve, talks
    finally:
        listening.close()
        await listening.wait_closed()


def upgraded(accepted, more=""):
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, "
        f"Upgrade\r\nSec-WebSocket-Accept: {accepted}\r\n{more}\r\n"
    ).encode()


async def test_it_asks_as_the_rfc_says_and_takes_what_comes_right_behind_the_answer():
    ear = Ear()
    early = frame_head(TEXT, 5) + b"early"
    async with server(lambda accepted: upgraded(accepted) + early) as (url, serve, talks):
        opened = await open_websocket(url, ear, ssl_context=None, max_message=100)
        await until(lambda: ear.got)
        assert ear.got == [(TEXT, b"early")]
        opened.send(BINARY, b"masked")
        opened.end(1000, "done")
        opened._transport.write_eof()
        await until(lambda: ear.ended)
        await until(lambda: serve.got)
    assert talks[0].startswith("GET /a/peer-ws?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    messages = list(MessageReader(100, from_client=True).feed(serve.got))
    assert messages[0] == (BINARY, b"masked")
    assert b"masked" not in serve.got
    assert ear.ended == 1
    assert not ear.broken


async def test_a_server_may_not_mask_and_pings_are_answered():
    ear = Ear()
    frames = frame_head(PING, 2) + b"hi" + frame_head(BINARY, 0, b"abcd")
    async with server(lambda accepted: upgraded(accepted) + frames) as (url, serve, _):
        opened = await open_websocket(url, ear, ssl_context=None, max_message=100)
        await until(lambda: ear.broken)
        opened._transport.write_eof()
        await until(lambda: serve.got)
        opened.abort()
        await opened.until_ended()
    assert list(MessageReader(100, from_client=True).feed(serve.got)) == [(PONG, b"hi")]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda a: b"HTTP/1.1 404 Not \x07Found\r\n\r\n", "it answered 404 Not Found"),
        (lambda a: b"HTTP/1.1 200 OK\r\n\r\n", "it answered 200 OK"),
        (lambda a: b"SSH-2.0-OpenSSH\r\n\r\n", "it does not speak HTTP"),
        (lambda a: b"\r\n\r\n", "it does not speak HTTP"),
        (lambda a: upgraded("wrong"), "it does not speak WebSocket"),
        (lambda a: upgraded(a).replace(b"UPGRADE", b"X"), "it does not speak WebSocket"),
        (lambda a: upgraded(a).replace(b", Upgrade", b""), "it does not speak WebSocket"),
        (lambda a: upgraded(a, "Sec-WebSocket-Extensions: x\r\n"), "it does not speak WebSocket"),
        (lambda a: upgraded(a, "Sec-WebSocket-Protocol: x\r\n"), "it does not speak WebSocket"),
        (lambda a: b"HTTP/1.1 101 x\r\nA: " + b"a" * MAX_ANSWER, "its answer is too long"),
    ],
)
async def test_what_is_no_websocket_is_unreachable(answer, why):
    ear = Ear()
    async with server(answer) as (url, _, _):
        with pytest.raises(UnreachableError) as caught:
            await open_websocket(url, ear, ssl_context=None, max_message=100)
    assert caught.value.message == f"{url} does not answer: {why}"
    assert not ear.got


async def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(websocket, "DIAL_TIMEOUT_S", 0.1)
    async with server(lambda accepted: b"HTTP/1.1 101 Switch") as (url, _, _):
        with pytest.raises(UnreachableError, match="it takes too long"):
            await open_websocket(url, Ear(), ssl_context=None, max_message=100)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_connect_that_is_cancelled_closes_its_socket_also_when_cancelled_again(
    monkeypatch, times
):
    loop, tried = asyncio.get_running_loop(), []

    async def never(sock, address):
        tried.append(sock)
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "sock_connect", never)
    task = asyncio.ensure_future(websocket._connect_tcp("127.0.0.1", 9))
    await until(lambda: tried)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: tried[0].fileno() == -1)


async def test_a_port_that_nobody_listens_at_and_a_wrong_address_are_unreachable():
    listening = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    for url, why in (
        (f"ws://localhost:{port}/", "connection refused"),
        (f"ws://127.0.0.1:{port}/", "connection refused"),
        ("http://127.0.0.1/", "no WebSocket address"),
        ("ws:///", "no WebSocket address"),
        ("ws://127.0.0.1:99999/", "out of range"),
    ):
        with pytest.raises(UnreachableError, match=why):
            await open_websocket(url, Ear(), ssl_context=None, max_message=100)


@given(st.text() | st.text(alphabet="HTP/1.0 \r\n:upgradeWebSocket,"))
def test_any_answer_is_an_upgrade_or_none(head):
    try:
        _check_answer(head, "accepted")
    except MalformedError:
        return
    assert head.startswith("HTTP/1.")
    assert "accepted" in head
