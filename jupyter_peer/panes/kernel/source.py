"""Selects the kernel messages that belong to one pane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ...document.widgets import VIEW_MIME
from ...errors import BadRequestError
from ...phrase import phrase
from ...wire.payloads.panes import MAX_NAME
from ..owner.input.rules import VALUES
from ..owner.widgets import PaneWidgets
from ..state import PaneState
from .callback_log import log_output
from .channels.listener import TapMessage
from .comms import STATUS
from .kernel_widgets import KernelWidgets
from .outputs import DISPLAY_TYPES, OUTPUT_TYPES, clean, display_id_of, without_traceback

Json = dict[str, Any]

_OUTPUTS = OUTPUT_TYPES - {"update_display_data"}


class PaneSource:
    """Feeds a state with the messages of one cell, or of one display.

    The messages of a cell are the outputs whose parent is its execute request. A later display with
    the display id of one of them replaces it, as in a notebook. The messages of a display are those
    with its display id; the newest replaces the one before. Outputs of a widget's callback after a
    viewer's input come last, as in a notebook, unless an ``Output`` widget captures them.

    Args:
        source: ``{"cell": msg_id}`` or ``{"display": display_id}``.
        kernel: The widgets of the kernel.
        on_change: Called when the state has changed.
        on_end: Called once when the kernel restarts or dies.
        other_widgets: Rule for inputs to widgets of other libraries.
        tracebacks: Whether errors keep their traceback.

    Raises:
        BadRequestError: ``source`` has another form.

    Attributes:
        state: The state of the pane.
        widgets: The widgets of the pane.
        kernel: All widgets of the kernel.
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
        kind, key = next(iter(source.items())) if len(source) == 1 else ("", "")
        if kind not in ("cell", "display") or not key:
            raise BadRequestError("a pane shows one cell or one display")
        if len(key) > MAX_NAME:
            raise BadRequestError(
                phrase("a {kind} id has at most {most} characters", kind=kind, most=MAX_NAME)
            )
        self.state = PaneState()
        self.kernel = kernel
        self.other_widgets = other_widgets
        self.widgets = PaneWidgets(self.state, kernel, on_change, tracebacks=tracebacks)
        self._tracebacks = tracebacks
        self._cell = key if kind == "cell" else None
        self._display = key if kind == "display" else None
        self._known: Collection[str] = ()
        self._waiting: str | None = None
        self._on_change = on_change
        self._on_end = on_end

    def begin(
        self, outputs: Iterable[Json], heard: Iterable[TapMessage], known: Collection[str]
    ) -> None:
        """Begin with the earlier outputs of the cell.

        Args:
            outputs: nbformat outputs.
            heard: Later messages.
            known: Ids of messages that are in the outputs and may still arrive.
        """
        self._known = frozenset(known)
        for output in outputs:
            content = clean(str(output.get("output_type")), output)
            if content is not None:
                self._show(output["output_type"], content)
        for message in heard:
            self.on_message(message)

    def run_again(self, cell: str, heard: Iterable[TapMessage]) -> None:
        """Continue with another execute request of the same cell.

        Args:
            cell: ``msg_id`` of the request.
            heard: Its earlier messages.
        """
        self._cell = cell
        self._show("clear_output", {"wait": False})
        self._on_change()
        self.begin((), heard, ())

    def wait_for_owner(self, cell: str, prompt: str | None) -> None:
        """Show viewers that a cell waits for input from its owner.

        A kernel asks only the page that ran the cell, so that page reports it.

        Args:
            cell: ``msg_id`` of its execute request.
            prompt: Prompt of the cell; None after the answer.
        """
        if not self.is_own(cell):
            return
        self._waiting = None if prompt is None else cell
        words = "this cell waits for its owner to answer"
        if self._put_note(None if prompt is None else f"[{words}: {prompt.strip()}]"):
            self._on_change()

    def _log_callback(self, message: TapMessage) -> None:
        """Log the output of a viewer's input for the owner, unless an ``Output`` widget shows it."""
        parent_id = message.parent_id
        if self.widgets.is_input(parent_id) and not self.kernel.captures.is_captured(parent_id):
            log_output(message)

    def _put_note(self, text: str | None) -> bool:
        return self.state.put_note(text)

    def _on_status(self, message: TapMessage) -> None:
        # A cell that was interrupted, or whose page was closed, gets no answer.
        if message.content["execution_state"] == "idle":
            self.wait_for_owner(message.parent_id, None)

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Return whether a message may belong to the pane; otherwise its content is not read."""
        if msg_type == STATUS:
            return parent_id == self._waiting
        if self._display is not None and msg_type in DISPLAY_TYPES:
            return True
        if self.is_own(parent_id):
            return msg_type in _OUTPUTS or msg_type in DISPLAY_TYPES
        return msg_type in DISPLAY_TYPES and self.state.outputs.has_displays

    def is_own(self, parent_id: str) -> bool:
        """Return whether outputs of a request belong to the pane: its cell's, or a viewer's input."""
        return parent_id == self._cell or self.widgets.is_input(parent_id)

    def on_message(self, message: TapMessage) -> None:
        """Handle a message of the kernel."""
        if message.msg_type == STATUS:
            self._on_status(message)
            return
        if message.msg_id in self._known:
            return
        self._log_callback(message)
        if self._display is not None:
            shown = self._of_display(message) or self._of_input(message)
        else:
            shown = self._of_cell(message)
        if shown is not None and self._show(*shown):
            self._on_change()

    def on_end(self, reason: str) -> None:
        """Handle the restart or the end of the kernel."""
        self._on_end()

    def _of_cell(self, message: TapMessage) -> tuple[str, Json] | None:
        is_captured = self.kernel.captures.is_captured(message.parent_id)
        if self.is_own(message.parent_id) and not is_captured and message.msg_type in _OUTPUTS:
            return message.msg_type, message.content
        display_id = display_id_of(message.content) if message.msg_type in DISPLAY_TYPES else None
        if display_id is None or not self.state.outputs.has_display(display_id):
            return None
        return "update_display_data", shown_in(message.content)

    def _of_display(self, message: TapMessage) -> tuple[str, Json] | None:
        if message.msg_type not in DISPLAY_TYPES or display_id_of(message.content) != self._display:
            return None
        # The display's first message may have come before anybody listened.
        is_there = self.state.outputs.has_display(self._display or "")
        msg_type = "update_display_data" if is_there else "display_data"
        return msg_type, shown_in(message.content)

    def _of_input(self, message: TapMessage) -> tuple[str, Json] | None:
        if message.msg_type not in _OUTPUTS or not self.widgets.is_input(message.parent_id):
            return None
        if self.kernel.captures.is_captured(message.parent_id):
            return None
        # A pane of one display is cleared only by the cell that has shown it.
        is_clear = message.msg_type == "clear_output"
        return None if is_clear else (message.msg_type, message.content)

    def _show(self, msg_type: str, content: Json) -> bool:
        if msg_type == "error" and not self._tracebacks:
            content = without_traceback(content)
        outputs = self.state.outputs
        may_lose = self.widgets.is_any and (
            outputs.clear_wait or msg_type in ("clear_output", "update_display_data")
        )
        if VIEW_MIME in content.get("data", ()):
            self.widgets.before(content)
        changed = self.state.apply(msg_type, content)
        if changed and may_lose:
            self.widgets.after()
        return changed


def shown_in(content: Json) -> Json:
    """Return the fields that all types of displays have, without the count of a result."""
    return {key: content[key] for key in ("data", "metadata", "transient")}
