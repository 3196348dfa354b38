"""Which engine makes connections, and what is particular to libwebrtc."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
from collections.abc import AsyncIterator

from jupyter_peer.transports.webrtc import native_engine
from jupyter_peer.transports.webrtc.connection import IceServers
from jupyter_peer.transports.webrtc.engine import load_engine
from jupyter_peer.transports.webrtc.native_engine import NativeConnection, NativeEngine
from jupyter_peer.transports.webrtc.python_engine import PythonEngine
from tests.machine.needs import needs_module
from tests.machine.waiting import until


def test_the_quick_engine_is_used_where_it_is_installed(monkeypatch):
    needs_module("wrtc", "webrtc-fast")
    assert isinstance(load_engine(), NativeEngine)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "wrtc" else find(name)
    )
    assert isinstance(load_engine(), PythonEngine)


def test_aiortc_is_used_where_libwebrtc_cannot_be_loaded(monkeypatch, caplog):
    load = importlib.import_module

    def broken(name):
        if name == NativeEngine.module:
            raise ImportError("GLIBC_2.27 not found")
        return load(name)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(importlib, "import_module", broken)
    assert isinstance(load_engine(), PythonEngine)
    assert "GLIBC" in caplog.text


@contextlib.asynccontextmanager
async def connection() -> AsyncIterator[NativeConnection]:
    """Yield a connection of libwebrtc, and check that it ends."""
    needs_module("wrtc", "webrtc-fast")
    ended = asyncio.Event()
    servers = IceServers(stun=["stun:127.0.0.1:9?transport=udp"])
    engine = NativeEngine()
    made = engine.connect(servers, 0, "webrtc:", lambda _: ended.set(), allow_loopback=True)
    assert isinstance(made, NativeConnection)
    yield made
    await made.ended()
    assert ended.is_set()
    await engine.close()


async def report(made: NativeConnection, state: str) -> bool:
    """Let libwebrtc report a state; return whether the connection counts as silent now."""

    async def change() -> bool:
        made._peer._state(state)
        return made._peer._silence is not None

    return await made._there(change())


async def test_a_path_that_stays_silent_is_given_up_and_one_that_comes_back_is_not(monkeypatch):
    async with connection() as made:
        closed: list[bool] = []
        made._keep(await made._open_channel())
        made._channel.on("close", lambda: closed.append(True))
        assert await report(made, "disconnected")
        assert not await report(made, "connected")
        assert made._ending is None
        monkeypatch.setattr(native_engine, "SILENCE_S", 0.01)
        await report(made, "disconnected")
        await until(lambda: made._ending is not None)
        assert closed


async def test_an_offer_waits_for_servers_that_do_not_answer_only_so_long(monkeypatch):
    monkeypatch.setattr(native_engine, "GATHER_TIMEOUT_S", 0.01)
    async with connection() as made:
        assert (await made.offer()).fingerprints


async def test_the_thread_of_the_library_ends_with_its_engine():
    async with connection() as made:
        assert made._thread.loop.is_running()
    assert made._thread.loop.is_closed()
