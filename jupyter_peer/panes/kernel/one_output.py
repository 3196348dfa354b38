"""Selects one of the outputs of a cell, by its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..owner.input.rules import VALUES
from .channels.listener import TapMessage
from .kernel_widgets import KernelWidgets
from .outputs import DISPLAY_TYPES, display_id_of
from .source import PaneSource, shown_in

Json = dict[str, Any]


class OneOutputSource(PaneSource):
    """Feeds a state with the output in one place of a cell, counted as a notebook counts its outputs.

    After the cell clears its outputs or runs again, the pane shows the output that comes into this
    place. What callbacks of widgets print has no place of its own, so it is not shown.

    Args:
        source: ``{"cell": msg_id}``.
        kernel, on_change, on_end, other_widgets, tracebacks: See :class:`.PaneSource`.
        place: Counted from 0.
    """

    def __init__(
        self,
        source: Mapping[str, str],
        kernel: KernelWidgets,
        on_change: Callable[[], None],
        on_end: Callable[[], None],
        other_widgets: str = VALUES,
        tracebacks: bool = True,
        *,
        place: int,
    ) -> None:
        super().__init__(source, kernel, on_change, on_end, other_widgets, tracebacks)
        self._place = place
        self._count = 0
        # The name of the stream that the last output is; a further piece of it is no new output.
        self._stream: str | None = None
        self._waits_to_clear = False

    def _of_cell(self, message: TapMessage) -> tuple[str, Json] | None:
        shown = super()._of_cell(message)
        if shown is None or shown[0] == "update_display_data":
            return shown
        return shown if message.parent_id == self._cell else None

    def _show(self, msg_type: str, content: Json) -> bool:
        if msg_type == "update_display_data":
            return super()._show(msg_type, content)
        if msg_type == "clear_output":
            self._waits_to_clear = bool(content.get("wait"))
            if not self._waits_to_clear:
                self._begin_anew()
            return super()._show(msg_type, content)
        if self._waits_to_clear:
            self._begin_anew()
        stream = content["name"] if msg_type == "stream" else None
        if stream is None or stream != self._stream:
            self._count += 1
        self._stream = stream
        if self._count == self._place + 1:
            return super()._show(msg_type, content)
        # A display of the same id in another place changes this one too, as in a notebook.
        display_id = display_id_of(content) if msg_type in DISPLAY_TYPES else None
        if display_id is None or not self.state.outputs.has_display(display_id):
            return False
        return super()._show("update_display_data", shown_in(content))

    def _begin_anew(self) -> None:
        self._count, self._stream, self._waits_to_clear = 0, None, False
