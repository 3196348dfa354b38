"""Selects the outputs of a whole notebook for one pane, cell by cell as the cells run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ...document.outputs import NOTE
from ..owner.input.rules import VALUES
from .channels.listener import TapMessage
from .comms import STATUS
from .kernel_widgets import KernelWidgets
from .outputs import MAX_WEIGHT, clean
from .source import PaneSource

Json = dict[str, Any]

#: In place of the cell that presents, where a page does; no cell has this id.
PAGE = "page"
#: Runs of cells whose outputs the pane keeps; the oldest go first.
MAX_CELLS = 500
#: Over this weight the oldest half goes, so that the newest always has room.
_FULL = MAX_WEIGHT * 3 // 4
_LINE: Json = {"data": {"text/plain": "―" * 8, "text/html": "<hr>"}, "metadata": {}}


class NotebookSource(PaneSource):
    """Feeds a state with the outputs of all cells that run from now on, in the order of their runs.

    A line separates the outputs of two runs. ``clear_output`` of a cell clears the outputs of that run
    and nothing else. The presenting cell is not part of the pane. Neither is code that the kernel does
    not announce, such as that of a debugger or an agent.

    Args:
        source: ``{"notebook": msg_id}`` of the cell that presents, or :data:`PAGE`.
        kernel, on_change, on_end, other_widgets, tracebacks: See :class:`.PaneSource`.
    """

    def __init__(
        self,
        source: Mapping[str, str],
        kernel: KernelWidgets,
        on_change: Callable[[], None],
        on_end: Callable[[], None],
        other_widgets: str = VALUES,
        tracebacks: bool = True,
    ) -> None:
        own = {"cell": source.get("notebook", "")}
        super().__init__(own, kernel, on_change, on_end, other_widgets, tracebacks)
        self._presenter, self._cell = self._cell, None
        self._cells: dict[str, None] = {}
        # The runs, with the index of the first output of each; the line before it belongs to the run.
        self._parts: list[tuple[str, int]] = []
        self._waits: set[str] = set()

    @property
    def presented_by(self) -> str:
        """What names its cells: the ``kernel``, in which a cell presents, or the ``page``."""
        return PAGE if self._presenter == PAGE else "kernel"

    def add_cell(self, cell: str, heard: Iterable[TapMessage]) -> None:
        """Add the outputs of a run of a cell, from its beginning.

        Args:
            cell: ``msg_id`` of its execute request.
            heard: Its earlier messages.
        """
        if cell == self._presenter or cell in self._cells:
            return
        self._cells[cell] = None
        while len(self._cells) > MAX_CELLS:
            oldest = next(iter(self._cells))
            del self._cells[oldest]
            self._remove({oldest})
        for message in heard:
            self.on_message(message)

    def begin(
        self, outputs: Iterable[Json], heard: Iterable[TapMessage], known: Collection[str]
    ) -> None:
        """Begin without outputs, because earlier runs were not presented."""

    def is_own(self, parent_id: str) -> bool:
        return parent_id in self._cells or self.widgets.is_input(parent_id)

    def _put_note(self, text: str | None) -> bool:
        # A note there is removed first.
        (note, *_) = self.state.outputs.display_ids.get(NOTE, [len(self.state.outputs)])
        self._parts = [(cell, at - (at > note)) for cell, at in self._parts]
        return super()._put_note(text)

    def on_message(self, message: TapMessage) -> None:
        if message.msg_type == STATUS:
            self._on_status(message)
            return
        self._log_callback(message)
        shown = self._of_cell(message)
        if shown is None:
            return
        msg_type, content = shown
        cell = message.parent_id
        if msg_type == "update_display_data":
            changed = self._show(msg_type, content)
        elif msg_type == "clear_output":
            if content.get("wait"):
                self._waits.add(cell)
                return
            changed = self._remove({cell})
        else:
            changed = self._add(cell, msg_type, content)
        if changed:
            self._on_change()

    def _add(self, cell: str, msg_type: str, content: Json) -> bool:
        changed = False
        if cell in self._waits:
            self._waits.discard(cell)
            changed = self._remove({cell})
        if self.state.outputs.weight > _FULL:
            oldest = [part for part, _ in self._parts[: len(self._parts) // 2]]
            changed |= self._remove({*oldest} - {cell})
        if not self._parts or self._parts[-1][0] != cell:
            at = len(self.state.outputs)
            self._parts.append((cell, at))
            if at:
                self._show("display_data", _LINE)
        return self._show(msg_type, content) or changed

    def _remove(self, cells: set[str]) -> bool:
        """Remove the outputs of some runs; the others are shown again."""
        outputs = self.state.outputs.outputs
        ids = {at: key for key, places in self.state.outputs.display_ids.items() for at in places}
        ends = [at for _, at in self._parts[1:]] + [len(outputs)]
        parts = [(cell, at, end) for (cell, at), end in zip(self._parts, ends, strict=True)]
        kept = [part for part in parts if part[0] not in cells]
        self._waits -= cells
        if len(kept) == len(parts):
            return False
        self._show("clear_output", {"wait": False})
        self._parts = []
        for cell, start, end in kept:
            self._parts.append((cell, len(self.state.outputs)))
            # There is no line above the first run.
            skips = len(self._parts) == 1 and start > 0
            for at in range(start + skips, end):
                content = clean(str(outputs[at]["output_type"]), outputs[at])
                if content is not None:
                    transient = {"transient": {"display_id": ids[at]}} if at in ids else {}
                    self._show(outputs[at]["output_type"], content | transient)
        return True
