"""The cell that runs, and displays that stay up to date after it has ended."""

from __future__ import annotations

import contextvars
import threading
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple


class Cell(NamedTuple):
    """A running cell.

    Attributes:
        msg_id: Of the execute request: what its outputs are known by.
        cell_id: Of the cell in its notebook, where the front end tells it.
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

    The updates go out in the context of the cell that showed it first, so that a kernel which
    routes by the running cell does not put them under another one.
    """

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.cell: Cell | None = None
        self._context: contextvars.Context | None = None
        self._lock = threading.Lock()

    @property
    def is_shown(self) -> bool:
        """Whether it stands somewhere where updates reach it."""
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
        """Show the bundle in place of what is shown; does nothing before :meth:`show`."""
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
        """Leave what is shown as it is from now on."""
        with self._lock:
            self._context = None
