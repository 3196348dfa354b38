"""The taps of all kernels of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ....errors import KernelGoneError
from .tap import KernelTap


class KernelTaps:
    """One tap for each kernel, made when it is needed.

    Args:
        manager_of: Returns the ``KernelManager`` of a kernel id; None if there is no such kernel.
        secrets: Returns the secrets of this node.
    """

    def __init__(
        self,
        manager_of: Callable[[str], Any | None],
        secrets: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._manager_of = manager_of
        self._secrets = secrets
        self._taps: dict[str, KernelTap] = {}

    def __call__(self, kernel_id: str) -> KernelTap:
        """Return the kernel's tap; a new tap is not started yet.

        Raises:
            KernelGoneError: There is no such kernel here.
        """
        tap = self._taps.get(kernel_id)
        if tap is None or tap.is_closed:
            manager = self._manager_of(kernel_id)
            if manager is None:
                raise KernelGoneError
            tap = KernelTap(
                kernel_id,
                manager,
                on_close=lambda: self._drop(kernel_id),
                secrets=self._secrets,
            )
            self._taps[kernel_id] = tap
        return tap

    def _drop(self, kernel_id: str) -> None:
        tap = self._taps.get(kernel_id)
        if tap is not None and tap.is_closed:
            del self._taps[kernel_id]

    def end(self, kernel_id: str) -> None:
        """Handle the shutdown of a kernel."""
        if kernel_id in self._taps:
            self._taps[kernel_id].end("the kernel was shut down")

    def close(self) -> None:
        """Close all taps; may be called twice."""
        for tap in list(self._taps.values()):
            tap.close()
