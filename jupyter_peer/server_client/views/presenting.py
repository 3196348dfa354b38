"""Tells the server of each cell that runs in this kernel while a pane presents its notebook."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from ...errors import BadRequestError, LookupFailedError
from ..connection import Connection, Json, LoopThread
from . import cell as cells

_EVENT = "pre_run_cell"


def presenting_cell() -> str:
    """Return the ``msg_id`` of the presenting cell, which is not part of the pane.

    Raises:
        BadRequestError: This code runs in no cell of a kernel.
    """
    cell = cells.running_cell()
    if cell is None:
        raise BadRequestError(
            "only a notebook whose cells run in a Jupyter kernel can be presented",
            hint="run %peer present in a cell of the notebook",
        )
    return cell.msg_id


class Presenting:
    """Names the cells of one pane from the moment on in which each begins.

    Code that runs for a front end and not for a person (silent, or without a place in the history) is
    not told of.

    Args:
        connection: The control socket.
        thread: Where it runs.
        name: Name of the pane.

    Attributes:
        name: Name of the pane.
    """

    def __init__(self, connection: Connection, thread: LoopThread, name: str) -> None:
        self._connection = connection
        self._thread = thread
        self.name = name
        self._is_over = False

    def start(self) -> None:
        """Begin with the next cell; another one for this pane ends."""
        events = cells.interactive_shell().events
        for callback in list(events.callbacks[_EVENT]):
            other = getattr(callback, "__self__", None)
            if isinstance(other, Presenting) and other.name == self.name:
                events.unregister(_EVENT, callback)
        events.register(_EVENT, self._on_cell)

    def _on_cell(self, info: Any) -> None:
        if self._is_over:
            cells.interactive_shell().events.unregister(_EVENT, self._on_cell)
            return
        cell = cells.running_cell()
        if cell is None or info.silent or not info.store_history:
            return
        # The cell does not wait: the server remembers its outputs until this request arrives.
        named = {"name": self.name, "cell": cell.msg_id}
        self._thread.submit(self._connection.request("present_cell", named)).add_done_callback(
            self._on_told
        )

    def _on_told(self, told: Future[Json]) -> None:
        # The pane was taken back, or another kernel presents it now.
        self._is_over = not told.cancelled() and isinstance(told.exception(), LookupFailedError)
