"""Outputs that an ``Output`` widget captures from a cell.

While an ``Output`` widget captures, its ``msg_id`` names the message whose outputs belong to it, and a
page puts them into its ``outputs``. The owner may have no page open, so this module does the same
with the messages of the kernel.
"""

from __future__ import annotations

from typing import Any

from ...document.outputs import OutputList
from . import outputs
from .outputs import display_id_of

Json = dict[str, Any]

OUTPUT_MODULE, OUTPUT_MODEL = "@jupyter-widgets/output", "OutputModel"
#: The outputs travel whole with each change, so they are kept shorter than those of a cell.
TEXT_LIMIT = 128 * 1024
MAX_WEIGHT = 4 * 1024 * 1024
_TYPES = frozenset({"stream", "display_data", "execute_result", "error"})
_DISPLAYS = frozenset({"display_data", "execute_result", "update_display_data"})
OUTPUTS = _TYPES | {"clear_output", "update_display_data"}


class Captures:
    """The capturing widgets: the message that each captures, and the outputs of each."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[str]] = {}
        self._parents: dict[str, str] = {}
        self._lists: dict[str, OutputList] = {}

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Return whether :meth:`take` may need such a message."""
        if parent_id in self._stacks:
            return msg_type in OUTPUTS
        return msg_type in _DISPLAYS and bool(self._lists)

    def is_captured(self, parent_id: str) -> bool:
        """Return whether a widget captures the outputs of a message now."""
        return parent_id in self._stacks

    def begin(self, model_id: str, parent_id: str) -> None:
        """Start to capture the outputs of a message for a widget; an empty id ends the capture."""
        self._leave(model_id)
        if parent_id:
            self._parents[model_id] = parent_id
            self._stacks.setdefault(parent_id, []).append(model_id)

    def put(self, model_id: str, shown: object) -> None:
        """Store the outputs that the kernel reports for a widget."""
        shown_now = OutputList(text_limit=TEXT_LIMIT, max_weight=MAX_WEIGHT)
        for output in shown if isinstance(shown, list) else ():
            msg_type = output.get("output_type") if isinstance(output, dict) else None
            if msg_type in _TYPES and (content := outputs.clean(msg_type, output)) is not None:
                shown_now.apply(msg_type, content)
        self._lists[model_id] = shown_now

    def outputs_of(self, model_id: str) -> list[Json]:
        """Return the outputs of a widget in the form of nbformat."""
        return self._lists[model_id].outputs if model_id in self._lists else []

    def take(self, msg_type: str, content: Json, parent_id: str) -> list[str]:
        """Apply an output message; return the widgets whose outputs have changed."""
        changed = self._update_displays(content) if msg_type in _DISPLAYS else []
        stack = self._stacks.get(parent_id)
        if not stack or msg_type == "update_display_data":
            return changed
        model_id = stack[-1]
        shown = self._lists.get(model_id)
        if shown is None:
            self.put(model_id, None)
            shown = self._lists[model_id]
        if shown.apply(msg_type, content) is not None and model_id not in changed:
            changed.append(model_id)
        return changed

    def _update_displays(self, content: Json) -> list[str]:
        """Replace the displays of one display id; return the widgets that show them."""
        display_id = display_id_of(content)
        return [
            model_id
            for model_id, shown in self._lists.items()
            if display_id is not None
            and shown.has_display(display_id)
            and shown.apply("update_display_data", content) is not None
        ]

    def drop(self, model_id: str) -> None:
        """Forget a widget that was closed."""
        self._leave(model_id)
        self._lists.pop(model_id, None)

    def _leave(self, model_id: str) -> None:
        parent_id = self._parents.pop(model_id, None)
        if parent_id is not None:
            stack = self._stacks[parent_id]
            stack.remove(model_id)
            if not stack:
                del self._stacks[parent_id]
