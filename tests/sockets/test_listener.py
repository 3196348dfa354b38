from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import AsyncIterator

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_peer.sockets import listener
from jupyter_peer.sockets.listener import StrangersServer
from tests.machine.idle_sockets import idle_sockets
from tests.machine.waiting import PATIENCE_S, until

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Page(RequestHandler):
    def get(self) -> None:
        self.finish("here")


@contextlib.asynccontextmanager
async def served(most: int) -> AsyncIterator[tuple[StrangersServer, int]]:
    application = Application([("/", Page)], log_function=lambda handler: None)
    server = StrangersServer(application, max_connections=most)
    sockets = bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    server.add_sockets(sockets)
    try:
        yield server, port
    finally:
        server.stop()
        await server.close_all_connections()


async def ask(port: int) -> bytes:
    """Return the answer to a request; nothing when the connection is closed unheard."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(REQUEST)
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_as_many_connections_as_allowed_are_served_and_the_next_when_one_has_ended():
    async with served(3) as (server, port):
        open_ones = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await until(lambda: len(server._connections) == 3)
        assert await ask(port) == b""
        open_ones.pop()[1].close()
        await until(lambda: len(server._connections) == 2)
        assert (await ask(port)).endswith(b"here")
        for _, writer in open_ones:
            writer.close()


async def test_connections_that_never_ask_make_room_for_those_that_do():
    async with served(3) as (server, port), idle_sockets(port, None, 5):
        await until(lambda: len(server._connections) == 3)
        for _ in range(5):
            assert (await ask(port)).endswith(b"here")


async def test_without_a_descriptor_left_who_comes_is_closed_and_the_server_goes_on(
    monkeypatch, caplog
):
    opened: list[int] = []
    real_open = os.open
    monkeypatch.setattr(listener, "_any_file", lambda: _note(opened, real_open(os.devnull, 0)))
    async with served(3) as (_, port):
        is_short = True
        accept = listener.socket.socket.accept
        tries = 0

        def short_of_descriptors(door):
            nonlocal tries
            tries += 1
            assert tries < 100
            if is_short and _is_open(opened[-1]):
                raise OSError(errno.EMFILE, "Too many open files")
            return accept(door)

        monkeypatch.setattr(listener.socket.socket, "accept", short_of_descriptors)
        assert await ask(port) == b""
        assert await ask(port) == b""
        assert {record.levelno for record in caplog.records} == {logging.WARNING}
        is_short = False
        assert (await ask(port)).endswith(b"here")
        assert len(opened) >= 3
    assert not _is_open(opened[-1])


def _note(opened: list[int], descriptor: int) -> int:
    opened.append(descriptor)
    return descriptor


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def test_other_failures_are_not_hidden(monkeypatch):
    async with served(3) as (server, _):
        door = next(iter(server._sockets.values()))

        def broken(self):
            raise OSError(errno.EINVAL, "Invalid argument")

        monkeypatch.setattr(listener.socket.socket, "accept", broken)
        with pytest.raises(OSError, match="Invalid"):
            door.accept()
