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
    """What a pane needs of a :class:`~.tap.KernelTap`."""

    async def start(self) -> None:
        """Return when nothing can be missed any more."""

    def masked(self, output: Json, parent_id: str) -> Json:
        """Return an output that a front end has of a message, without what opens this node."""


class HeardKernels:
    """What each kernel has shown and told of its widgets, while somebody listens.

    Attributes:
        tap: Returns the tap of a kernel; raises KernelGoneError when there is no such kernel.
    """

    def __init__(self, tap: Callable[[str], Tap]) -> None:
        self.tap = tap
        self._kernels: dict[str, KernelWidgets] = {}
        self._ends: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """End no hearing any more: the taps close."""
        for timer in self._ends:
            timer.cancel()

    def widgets(self, kernel_id: str, tap: Tap) -> KernelWidgets:
        """Return the widgets of a kernel, as far as its tap has heard of them."""
        kernel = self._kernels.get(kernel_id)
        if kernel is None or kernel.kernel is not tap:
            gone = [each for each, widgets in self._kernels.items() if not widgets.is_used]
            for each in gone:
                del self._kernels[each]
            kernel = self._kernels[kernel_id] = KernelWidgets(tap)
        return kernel

    async def hear(self, kernel_id: str) -> None:
        """Remember for a while what a kernel's cells show; a pane shared meanwhile begins with it.

        Raises:
            KernelGoneError, PeerTimeoutError: The kernel cannot be listened to.
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
        """Whether a cell has shown anything lately, as far as this node knows."""
        kernel = self._kernels.get(kernel_id)
        return kernel is not None and bool(kernel.hearing.of(cell))
