from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.session import Session

from jupyter_peer.errors import KernelGoneError, PeerTimeoutError
from jupyter_peer.panes.kernel.captures import OUTPUTS
from jupyter_peer.panes.kernel.channels.listener import TapMessage
from jupyter_peer.panes.kernel.channels.tap import KernelTap
from jupyter_peer.panes.kernel.channels.taps import KernelTaps
from tests.machine.waiting import until
from tests.panes.real_kernels import TIMEOUT, closed, kernel


class Ear:
    """Hears every output."""

    def __init__(self) -> None:
        self.messages: list[TapMessage] = []
        self.reasons: list[str] = []

    def wants(self, msg_type: str, parent_id: str) -> bool:
        return msg_type in OUTPUTS

    def on_message(self, message: TapMessage) -> None:
        self.messages.append(message)

    def on_end(self, reason: str) -> None:
        self.reasons.append(reason)

    def text(self, parent_id: str) -> str:
        return "".join(
            message.content["text"]
            for message in self.messages
            if message.msg_type == "stream" and message.parent_id == parent_id
        )


async def test_a_started_tap_misses_nothing_of_a_real_kernel() -> None:
    async with kernel() as (manager, client):
        tap, ear = KernelTap("k", manager), Ear()
        tap.subscribe(ear)
        await asyncio.gather(tap.start(), tap.start())
        assert tap._live.is_set()
        cell = client.execute(
            "from IPython.display import display, update_display, clear_output\n"
            "print('hello')\n"
            "handle = display('a', display_id='d')\n"
            "clear_output(wait=True)\n"
            "display({'x': 1})\n"
            "1/0",
            # Or the kernel would drop what comes right after the error.
            stop_on_error=False,
        )
        await until(
            lambda: (
                [message.msg_type for message in ear.messages if message.parent_id == cell][-1:]
                == ["error"]
            ),
            TIMEOUT,
        )
        kinds = [message.msg_type for message in ear.messages if message.parent_id == cell]
        assert kinds == ["stream", "display_data", "clear_output", "display_data", "error"]
        second = client.execute("update_display('b', display_id='d')")
        await until(lambda: ear.messages[-1].parent_id == second, TIMEOUT)
        assert ear.messages[-1].content["transient"] == {"display_id": "d"}
        tap.close()
        await closed(tap)


async def test_a_busy_kernel_can_be_tapped(tmp_path: Path) -> None:
    async with kernel() as (manager, client):
        tap, ear = KernelTap("k", manager), Ear()
        tap.subscribe(ear)
        gate = tmp_path / "open"
        cell = client.execute(
            "import pathlib, time\n"
            f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
            "print('done')"
        )
        await tap.start()
        assert not ear.text(cell)
        gate.touch()
        await until(lambda: ear.text(cell) == "done\n", TIMEOUT)
        tap.close()
        await closed(tap)


async def test_a_50_mb_output_and_a_flood_come_whole() -> None:
    async with kernel() as (manager, client):
        tap, ear = KernelTap("k", manager), Ear()
        tap.subscribe(ear)
        await tap.start()
        cell = client.execute("display({'text/plain': 'x' * 50_000_000}, raw=True)\nprint('after')")
        await until(lambda: ear.text(cell) == "after\n", TIMEOUT)
        (large,) = [message for message in ear.messages if message.msg_type == "display_data"]
        assert large.content["data"]["text/plain"] == "x" * 50_000_000
        flood = client.execute("for i in range(3000): print(i, flush=True)")
        await until(lambda: ear.text(flood).endswith("2999\n"), TIMEOUT)
        assert ear.text(flood) == "".join(f"{i}\n" for i in range(3000))
        tap.close()
        await closed(tap)


@pytest.mark.parametrize("how", ["restart", "shutdown", "killed", "exit"])
async def test_a_tap_ends_when_its_kernel_does(how: str) -> None:
    async with kernel() as (manager, client):
        taps = KernelTaps(lambda kernel_id: manager)
        tap, ear = taps("k"), Ear()
        assert taps("k") is tap
        tap.subscribe(ear)
        await tap.start()
        cell = client.execute("print('last words', flush=True)")
        await until(lambda: ear.text(cell), TIMEOUT)
        if how == "restart":
            await manager.restart_kernel(now=False)
        elif how == "shutdown":
            await manager.shutdown_kernel()
        elif how == "killed":
            os.kill(manager.provisioner.process.pid, signal.SIGKILL)
        else:
            client.execute("import os; os._exit(1)")
        await until(lambda: ear.reasons, TIMEOUT)
        assert len(ear.reasons) == 1
        assert tap.is_closed
        with pytest.raises(KernelGoneError):
            await tap.start()
        assert taps("k") is not tap
        await closed(tap)
        taps.close()


async def test_a_restarted_kernel_can_be_tapped_anew() -> None:
    async with kernel() as (manager, client):
        taps = KernelTaps(lambda kernel_id: manager)
        first, ear = taps("k"), Ear()
        first.subscribe(ear)
        await first.start()
        await manager.restart_kernel(now=True)
        await until(lambda: ear.reasons, TIMEOUT)
        await client.wait_for_ready(timeout=TIMEOUT)
        second, other = taps("k"), Ear()
        second.subscribe(other)
        await second.start()
        cell = client.execute("print('new')")
        await until(lambda: other.text(cell) == "new\n", TIMEOUT)
        assert not other.reasons
        await closed(first)
        taps.close()
        await closed(second)


async def test_a_tap_closes_when_nobody_listens_any_more() -> None:
    async with kernel() as (manager, _):
        ends: list[bool] = []
        tap = KernelTap("k", manager, on_close=lambda: ends.append(True))
        first, second = tap.subscribe(Ear()), tap.subscribe(Ear())
        await tap.start()
        first()
        first()
        assert not ends
        second()
        assert ends == [True]
        await closed(tap)


class NoManager:
    """A kernel manager whose kernel is what a test binds."""

    def __init__(self, iopub: int, control: int, key: bytes = b"secret") -> None:
        self.info = {
            "transport": "tcp",
            "ip": "127.0.0.1",
            "iopub_port": iopub,
            "control_port": control,
            "key": key,
            "signature_scheme": "hmac-sha256",
        }
        self.callbacks: dict[str, list[Any]] = {"restart": [], "dead": []}

    def get_connection_info(self) -> dict[str, Any]:
        return self.info

    def add_restart_callback(self, callback: Any, event: str = "restart") -> None:
        self.callbacks[event].append(callback)

    def remove_restart_callback(self, callback: Any, event: str = "restart") -> None:
        if callback in self.callbacks[event]:
            self.callbacks[event].remove(callback)


class Puppet:
    """A kernel's two sockets, to say whatever a test wants."""

    def __init__(self, key: bytes = b"secret", *, echoes: bool = False) -> None:
        self.echoes = echoes
        context = zmq.Context.instance()
        self.pub = context.socket(zmq.PUB)
        self.control = context.socket(zmq.ROUTER)
        self.pub.linger = self.control.linger = 0
        self.manager = NoManager(
            self.pub.bind_to_random_port("tcp://127.0.0.1"),
            self.control.bind_to_random_port("tcp://127.0.0.1"),
            key,
        )
        self.session = Session(key=key)

    def send(self, msg_type: str, content: Any, parent: Any = None) -> None:
        message = self.session.msg(msg_type, content=content, parent=parent)
        if self.echoes:
            # As kernels do that have no session of their own.
            message["header"]["session"] = parent["header"]["session"] if parent else ""
        self.pub.send_multipart(self.session.serialize(message, ident=b"topic"))

    def raw(self, *frames: bytes) -> None:
        self.pub.send_multipart(frames)

    def close(self) -> None:
        self.pub.close()
        self.control.close()


@contextlib.asynccontextmanager
async def puppet(**options: Any) -> AsyncIterator[tuple[Puppet, KernelTap, Ear]]:
    """Yield a puppet and a started tap on it."""
    kernel = Puppet(**options)
    tap, ear = KernelTap("p", kernel.manager, timeout=5), Ear()
    tap.subscribe(ear)
    starting = asyncio.ensure_future(tap.start())
    try:

        async def is_live() -> bool:
            kernel.send("status", {"execution_state": "idle"})
            return tap._live.is_set()

        await until(is_live)
        await starting
        yield kernel, tap, ear
    finally:
        tap.close()
        await closed(tap)
        kernel.close()


async def test_messages_that_are_not_the_kernels_are_left_out(caplog: Any) -> None:
    async with puppet() as (kernel, _, ear):
        mallory = Session(key=b"other")
        forged = mallory.serialize(mallory.msg("stream", {"name": "stdout", "text": "forged"}))
        kernel.raw(b"topic", *forged)
        own = kernel.session.serialize(
            kernel.session.msg("stream", {"name": "stdout", "text": "own"})
        )
        altered = [*own[:-1], own[-1].replace(b"own", b"bad")]
        kernel.raw(b"topic", *altered)
        kernel.raw(b"topic")
        kernel.raw(b"<IDS|MSG>", b"", b"{}")
        kernel.raw(b"<IDS|MSG>", b"", b"[]", b"{}", b"{}", b"{}")
        kernel.raw(b"<IDS|MSG>", b"", b"\xff", b"{}", b"{}", b"{}")
        kernel.raw(b"topic", *own)
        await until(lambda: ear.messages)
        assert [message.content["text"] for message in ear.messages] == ["own"]
        assert "left out" in caplog.text


async def test_a_kernel_without_a_key_is_taken_at_its_word() -> None:
    async with puppet(key=b"") as (kernel, _, ear):
        kernel.send("stream", {"name": "stdout", "text": "x"})
        await until(lambda: ear.messages)


async def test_sloppy_messages_are_put_right() -> None:
    async with puppet() as (kernel, _, ear):
        header = kernel.session.pack(kernel.session.msg_header("display_data"))
        content = (
            b'{"data": {"text/plain": 3, "application/json": {"a": NaN, "b": "\\ud800"}},'
            b' "metadata": null, "transient": null}'
        )
        parts = [header, b"null", b"{}", content]
        kernel.raw(b"<IDS|MSG>", kernel.session.sign(parts), *parts)
        await until(lambda: ear.messages)
        (message,) = ear.messages
        assert message.parent_id == ""
        assert message.content == {
            "data": {"text/plain": "3", "application/json": {"a": None, "b": "?"}},
            "metadata": {},
        }


@pytest.mark.parametrize("how", ["session", "starting", "disconnect", "autorestart", "dead"])
async def test_the_signs_of_a_restart(how: str) -> None:
    async with puppet(echoes=how == "starting") as (kernel, _, ear):
        if how == "session":
            kernel.session = Session(key=b"secret")
            kernel.send("status", {"execution_state": "busy"})
        elif how == "starting":
            kernel.send("status", {"execution_state": "starting"})
        elif how == "disconnect":
            kernel.close()
        else:
            (callback,) = kernel.manager.callbacks["restart" if how == "autorestart" else "dead"]
            callback()
        await until(lambda: ear.reasons)
        assert kernel.manager.callbacks == {"restart": [], "dead": []}


async def test_kernels_that_echo_the_clients_session_do_not_seem_to_restart() -> None:
    async with puppet(echoes=True) as (kernel, _, ear):
        for client in (Session(key=b"secret"), Session(key=b"secret")):
            request = client.msg("execute_request")
            content = {"name": "stdout", "text": "x"}
            kernel.send("stream", content, parent=request)
        await until(lambda: len(ear.messages) == 2)
        assert not ear.reasons


async def test_a_kernel_that_does_not_answer_is_told_apart_from_one_that_has_gone() -> None:
    kernel = Puppet()
    try:
        silent = KernelTap("p", kernel.manager, timeout=0.1)
        with pytest.raises(PeerTimeoutError):
            await silent.start()
        assert silent.is_closed
        await closed(silent)
        kernel.manager.info["iopub_port"] = 0
        with pytest.raises(KernelGoneError):
            await KernelTap("p", kernel.manager).start()
        with pytest.raises(KernelGoneError):
            KernelTaps(lambda kernel_id: None)("gone")
    finally:
        kernel.close()
