"""A kernel's tap as tests play it, and messages as kernels send them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jupyter_peer.errors import KernelGoneError
from jupyter_peer.panes.kernel.channels.listener import TapListener, TapMessage
from jupyter_peer.panes.kernel.comms import read

Json = dict[str, Any]


class Sent(NamedTuple):
    """A message to the kernel."""

    msg_id: str
    msg_type: str
    content: Json
    buffers: list[bytes]


class FakeTap:
    """Says what a test says."""

    def __init__(self) -> None:
        self.listeners: list[TapListener] = []
        self.starts = 0
        self.error: BaseException | None = None
        self.gate: asyncio.Event | None = None
        self.sent: list[Sent] = []

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener) if listener in self.listeners else None

    async def start(self) -> None:
        self.starts += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error

    def send(
        self,
        msg_type: str,
        content: Json,
        metadata: Json | None = None,
        buffers: Sequence[bytes] = (),
    ) -> str:
        if self.error is not None:
            raise self.error
        self.sent.append(Sent(f"sent-{len(self.sent)}", msg_type, content, list(buffers)))
        return self.sent[-1].msg_id

    def masked(self, output: Json, parent_id: str) -> Json:
        return output

    def say(
        self,
        msg_type: str,
        content: Json,
        parent: str = "cell",
        buffers: Sequence[bytes] = (),
        msg_id: str = "",
    ) -> None:
        """Let the kernel publish a message."""
        for listener in list(self.listeners):
            if listener.wants(msg_type, parent):
                told = read(msg_type, content, buffers)
                if told is not None:
                    listener.on_message(TapMessage(msg_type, parent, *told, msg_id=msg_id))

    def idle(self, parent: str) -> None:
        """Let the kernel be done with a message."""
        self.say("status", {"execution_state": "idle"}, parent)

    def write(
        self, text: str, parent: str = "cell", name: str = "stdout", msg_id: str = ""
    ) -> None:
        self.say("stream", {"name": name, "text": text}, parent, msg_id=msg_id)

    def show(self, text: str, display_id: str | None = None, parent: str = "cell") -> None:
        self.say("display_data", display(text, display_id), parent)

    def end(self) -> None:
        """Let the kernel restart."""
        listeners, self.listeners = self.listeners, []
        for listener in listeners:
            listener.on_end("the kernel was restarted")


class FakeTaps:
    """Kernels by id; those not in it have gone."""

    def __init__(self, *kernel_ids: str) -> None:
        self.taps = {kernel_id: FakeTap() for kernel_id in kernel_ids or ("k1",)}

    def __call__(self, kernel_id: str) -> FakeTap:
        if kernel_id not in self.taps:
            raise KernelGoneError
        return self.taps[kernel_id]


def display(text: str, display_id: str | None = None, **data: Any) -> Json:
    """Return the content of a display."""
    content: Json = {"data": {"text/plain": text, **data}, "metadata": {}}
    return content if display_id is None else content | {"transient": {"display_id": display_id}}
