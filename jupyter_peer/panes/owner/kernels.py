"""The kernels that an owner's panes listen to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from ..kernel.kernel_widgets import Kernel, KernelWidgets

Json = dict[str, Any]

#: How long a kernel is listened to for somebody who thinks of sharing.
HEAR_S = 600.0


class Tap(Kernel, Protocol):
    """The part of :class:`~.tap.KernelTap` that a pane uses."""

    async def start(self) -> None:
        """Wait until no message can be missed."""

    def masked(self, output: Json, parent_id: str) -> Json:
        """Return an output that a front end shows, without the secrets of this node."""


class HeardKernels:
    """The outputs and widgets of each kernel, while somebody listens.

    Attributes:
        tap: Returns the tap of a kernel; raises KernelGoneError if there is no such kernel.
    """

    def __init__(self, tap: Callable[[str], Tap]) -> None:
        self.tap = tap
        self._kernels: dict[str, KernelWidgets] = {}
        self._ends: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """Stop all timers; the taps close by themselves."""
        for timer in self._ends:
            timer.cancel()

    def widgets(self, kernel_id: str, tap: Tap) -> KernelWidgets:
        """Return the widgets of a kernel that its tap knows."""
        kernel = self._kernels.get(kernel_id)
        if kernel is None or kernel.kernel is not tap:
            gone = [each for each, widgets in self._kernels.items() if not widgets.is_used]
            for each in gone:
                del self._kernels[each]
            kernel = self._kernels[kernel_id] = KernelWidgets(tap)
        return kernel

    async def hear(self, kernel_id: str) -> None:
        """Remember the outputs of a kernel's cells for a while, for panes that are shared meanwhile.

        Raises:
            KernelGoneError, PeerTimeoutError: The kernel does not answer.
        """
        tap = self.tap(kernel_id)
        end = self.widgets(kernel_id, tap).hearing.begin()

        def stop() -> None:
            end()
            self._ends.discard(timer)

        timer = asyncio.get_running_loop().call_later(HEAR_S, stop)
        self._ends.add(timer)
        try:
            await tap.start()
        except BaseException:
            timer.cancel()
            stop()
            raise

    def has_heard(self, kernel_id: str, cell: str) -> bool:
        """Return whether this node has lately seen an output of a cell."""
        kernel = self._kernels.get(kernel_id)
        return kernel is not None and bool(kernel.hearing.of(cell))
