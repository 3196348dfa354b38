"""What of all a kernel says belongs to one pane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BadRequestError
from ..wire.pane_messages import MAX_NAME
from .outputs import display_id_of
from .state import PaneState
from .tap import TapMessage

Json = dict[str, Any]

_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error", "clear_output"})
_DISPLAYS = frozenset({"display_data", "execute_result", "update_display_data"})


class PaneSource:
    """Feeds a state with the messages of one cell, or of one display.

    A cell's are the outputs whose parent is its execute request, and updates of its displays from
    any cell. A display's are those that carry its display id; the newest replaces the one before.

    Args:
        source: ``{"cell": msg_id}`` or ``{"display": display_id}``.
        on_change: Called when the state has changed.
        on_end: Called once when the kernel restarts or dies.

    Raises:
        BadRequestError: ``source`` is neither.
    """

    def __init__(
        self,
        source: Mapping[str, str],
        on_change: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        kind, key = next(iter(source.items())) if len(source) == 1 else ("", "")
        if kind not in ("cell", "display") or not key:
            raise BadRequestError("a pane shows one cell or one display")
        if len(key) > MAX_NAME:
            raise BadRequestError(f"a {kind} id has at most {MAX_NAME} characters")
        self.state = PaneState()
        self._cell = key if kind == "cell" else None
        self._display = key if kind == "display" else None
        self._on_change = on_change
        self._on_end = on_end

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Whether a message may belong to the pane; if not, its content need not be read."""
        if self._display is not None:
            return msg_type in _DISPLAYS
        if msg_type == "update_display_data":
            return bool(self.state.outputs.display_ids) or parent_id == self._cell
        return parent_id == self._cell and msg_type in _OUTPUTS

    def on_message(self, message: TapMessage) -> None:
        """Take a message of the kernel's."""
        if self._display is not None:
            changed = self._show(message)
        elif self._belongs(message):
            changed = self.state.apply(message.msg_type, message.content)
        else:
            changed = False
        if changed:
            self._on_change()

    def on_end(self, reason: str) -> None:
        """Take notice that the kernel is no more what it was."""
        self._on_end()

    def _belongs(self, message: TapMessage) -> bool:
        if message.msg_type == "update_display_data":
            display_id = display_id_of(message.content)
            return display_id is not None and self.state.outputs.has_display(display_id)
        return message.parent_id == self._cell and message.msg_type in _OUTPUTS

    def _show(self, message: TapMessage) -> bool:
        if message.msg_type not in _DISPLAYS or display_id_of(message.content) != self._display:
            return False
        content = {key: message.content[key] for key in ("data", "metadata", "transient")}
        # The first message of the display may have come before anybody listened.
        msg_type = "update_display_data" if len(self.state.outputs) else "display_data"
        return self.state.apply(msg_type, content)
