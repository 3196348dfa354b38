"""A kernel that shows what the bench says, in place of a Jupyter server's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jupyter_peer.errors import KernelGoneError
from jupyter_peer.panes.kernel.channels.listener import TapListener, TapMessage
from jupyter_peer.panes.kernel.comms import read

Json = dict[str, Any]
KERNEL, CELL = "bench-kernel", "bench-cell"


class SpokenKernel:
    """A tap as a pane's owner needs it; see :class:`jupyter_peer.panes.owner.kernels.Tap`."""

    def __init__(self) -> None:
        self._listeners: list[TapListener] = []

    def of(self, kernel_id: str) -> SpokenKernel:
        """Return the tap of a kernel.

        Raises:
            KernelGoneError: There is no such kernel.
        """
        if kernel_id != KERNEL:
            raise KernelGoneError
        return self

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        """Pass what is shown to a listener; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def start(self) -> None:
        """Return at once: nothing can be missed."""

    def send(
        self,
        msg_type: str,
        content: Json,
        metadata: Json | None = None,
        buffers: Sequence[bytes] = (),
    ) -> str:
        """Ignore a message to the kernel."""
        return ""

    def masked(self, output: Json, parent_id: str) -> Json:
        """Return an output as it is: the bench has no secrets."""
        return output

    def show(self, msg_type: str, content: Json) -> None:
        """Publish a message of the cell."""
        for listener in list(self._listeners):
            if listener.wants(msg_type, CELL):
                told = read(msg_type, content, ())
                if told is not None:
                    listener.on_message(TapMessage(msg_type, CELL, *told, msg_id=""))
