"""The cells of notebooks that a node's panes stay with.

A person runs them again, moves them with their notebook, and answers what they ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import UnknownPaneError
from ...phrase import phrase
from ..kernel.notebook_source import NotebookSource
from .kernels import HeardKernels
from .pane import OwnPane


class NotebookCells:
    """Lets panes continue with their cells.

    Args:
        panes: The panes of this node, by name.
        kernels: The kernels that they listen to.
        tell: Tells the owner that a pane has changed.
    """

    def __init__(
        self, panes: Mapping[str, OwnPane], kernels: HeardKernels, tell: Callable[[], None]
    ) -> None:
        self._panes = panes
        self._kernels = kernels
        self._tell = tell

    def run_again(self, kernel_id: str, cell_id: str, cell: str, path: str | None = None) -> None:
        """Handle a new run of a notebook's cell: its panes continue with the new outputs.

        Args:
            kernel_id: The kernel.
            cell_id: Id of the cell in its notebook.
            cell: ``msg_id`` of the new execute request.
            path: Path of this notebook. The kernel may run a copy of it, whose cells are not shared.
        """
        for pane in self._panes.values():
            if pane.source is None or pane.is_ended:
                continue
            is_elsewhere = None not in (path, pane.path) and path != pane.path
            if (pane.kernel_id, pane.cell_id) == (kernel_id, cell_id) and not is_elsewhere:
                pane.source.run_again(cell, pane.source.kernel.hearing.of(cell))

    def notebook_moved(self, before: str, after: str) -> None:
        """Handle a new path of a notebook, or of a folder: panes stay with their cells."""
        moved = False
        for pane in self._panes.values():
            if pane.path is not None and f"{pane.path}/".startswith(f"{before}/"):
                pane.path = after + pane.path[len(before) :]
                moved = True
        if moved:
            self._tell()

    def wait_for_owner(self, kernel_id: str, cell: str, prompt: str | None) -> None:
        """Handle a cell that waits for input from its owner: its panes show that.

        Args:
            kernel_id: The kernel.
            cell: ``msg_id`` of the execute request.
            prompt: Prompt of the cell; None after the answer.
        """
        for pane in self._panes.values():
            if pane.source is None or pane.is_ended or pane.kernel_id != kernel_id:
                continue
            masked = self._kernels.tap(kernel_id).masked({"prompt": prompt}, cell)
            pane.source.wait_for_owner(cell, masked["prompt"])

    def present_cell(self, kernel_id: str, name: str, cell: str) -> None:
        """Handle a run of a cell of a presented notebook: its pane shows the cell's outputs.

        Args:
            kernel_id: The kernel.
            name: Name of the pane.
            cell: ``msg_id`` of the execute request.

        Raises:
            UnknownPaneError: This kernel presents no pane of this name.
        """
        pane = self._panes.get(name)
        source = pane.source if pane is not None and not pane.is_ended else None
        if pane is None or pane.kernel_id != kernel_id or not isinstance(source, NotebookSource):
            raise UnknownPaneError(phrase("this notebook presents no pane {name}", name=repr(name)))
        source.add_cell(cell, source.kernel.hearing.of(cell))
