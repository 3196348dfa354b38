"""The running cell, and displays that are updated after it has ended."""

from __future__ import annotations

import contextvars
import threading
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple


class Cell(NamedTuple):
    """A running cell.

    Attributes:
        msg_id: Id of the execute request, the parent of the cell's outputs.
        cell_id: Id of the cell in its notebook, if the front end sends it.
    """

    msg_id: str
    cell_id: str | None


def interactive_shell() -> Any:
    """Return IPython's shell, or None outside of it."""
    from IPython.core.getipython import get_ipython

    return get_ipython()


def running_cell() -> Cell | None:
    """Return the cell this code runs in; None outside of a kernel."""
    kernel = getattr(interactive_shell(), "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent()
    msg_id = (parent.get("header") or {}).get("msg_id")
    cell_id = (parent.get("metadata") or {}).get("cellId")
    return Cell(msg_id, cell_id) if isinstance(msg_id, str) else None


class LiveDisplay:
    """One output under a display id, updated from any thread.

    The updates are sent in the context of the cell that showed it first. So a kernel that
    routes outputs by the running cell does not put them below another cell.
    """

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.cell: Cell | None = None
        self._context: contextvars.Context | None = None
        self._lock = threading.Lock()

    @property
    def is_shown(self) -> bool:
        """Whether it is displayed where updates reach it."""
        return self._context is not None

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show the bundle in the running cell. In a terminal it is printed and stays as it is."""
        shell = interactive_shell()
        if shell is None:
            return
        cell = running_cell()
        shell.display_pub.publish(data=dict(bundle), transient={"display_id": self.id})
        if cell is not None:
            with self._lock:
                self.cell = cell
                self._context = contextvars.copy_context()

    def update(self, bundle: Mapping[str, Any]) -> None:
        """Replace the shown bundle; does nothing before :meth:`show`."""
        shell = interactive_shell()
        with self._lock:
            if self._context is None or shell is None:
                return
            self._context.run(
                shell.display_pub.publish,
                data=dict(bundle),
                transient={"display_id": self.id},
                update=True,
            )

    def detach(self) -> None:
        """Stop updating; the output stays as it is."""
        with self._lock:
            self._context = None
