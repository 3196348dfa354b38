"""The widgets of one pane: those in its outputs, and all models to which they refer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from ...document.outputs import weigh_held
from ...document.widgets import UPDATES, shown_in
from ...wire.payloads.widgets import MAX_MODELS
from ..kernel.kernel_widgets import KernelWidgets
from ..kernel.outputs import without_traceback
from ..state import PaneState
from .addressed import Addressed

Json = dict[str, Any]

#: Bound of all widgets of a pane, out of the bound of the pane.
MAX_WEIGHT = 16 * 1024 * 1024
#: Inputs that are remembered, to know what the kernel says because of them.
_MAX_INPUTS = 1024


class PaneWidgets:
    """Keeps exactly the models in a pane's state that the pane shows.

    Args:
        state: State of the pane.
        kernel: The widgets of the kernel.
        on_change: Called when the state has changed.
        tracebacks: Whether errors that an ``Output`` widget shows keep their traceback.
    """

    def __init__(
        self,
        state: PaneState,
        kernel: KernelWidgets,
        on_change: Callable[[], None],
        *,
        tracebacks: bool = True,
    ) -> None:
        self._tracebacks = tracebacks
        self._state = state
        self._kernel = kernel
        self._on_change = on_change
        self._roots: set[str] = set()
        self._reached: set[str] = set()
        self._inputs: OrderedDict[str, str | None] = OrderedDict()
        self._is_over = False
        self._addressed = Addressed(self.has)

    def has(self, model_id: str) -> bool:
        """Return whether the pane has a model."""
        return model_id in self._state.widgets

    # Outputs of the pane.

    def before(self, content: Json) -> None:
        """Add the widgets of an output before the output itself."""
        shown = shown_in(content.get("data", {}))
        if shown is not None and shown not in self._roots:
            if self._state.outputs.clear_wait:
                # This output replaces everything that is shown.
                self._roots = {shown}
                self._is_over = False
                self._sync()
            else:
                # Only the new ones, because a cell may show thousands of widgets.
                self._roots.add(shown)
                order = self._reach([shown])
                self._reached.update(order)
                self._bring(order)

    def after(self) -> None:
        """Handle outputs that were removed or replaced."""
        outputs = self._state.outputs.outputs
        roots = {shown for output in outputs if (shown := shown_in(output.get("data", {})))}
        if roots != self._roots:
            self._roots = roots
            self._is_over = False
            self._sync()

    @property
    def is_any(self) -> bool:
        """Whether the pane shows any widget."""
        return bool(self._roots)

    # Messages of the kernel.

    def on_widgets(self, model_ids: Iterable[str]) -> None:
        """Handle models that were made or closed, or that refer to other models than before."""
        ids = list(model_ids)
        if not ids or any(each in self._reached or self._kernel.is_link(each) for each in ids):
            self._sync()

    def on_comm(self, message: Json, parent_id: str) -> None:
        """Handle a ``comm_msg`` of one of the pane's models."""
        content = message["content"]
        if content["data"]["method"] in UPDATES:
            model = self._kernel.get(content["comm_id"])
            known = self._state.widgets.get(content["comm_id"])
            if model is None or known is None:
                return
            if self._state.widgets.weight + model.weight - known.weight > self._limit:
                self._give_up()
                return
            if (input_id := self._inputs.get(parent_id)) is not None:
                message = message | {"re": input_id}
        elif weigh_held(message) > MAX_WEIGHT or not self._addressed.admits(message):
            return
        if self._tell([message]):
            self._on_change()

    def _tell(self, messages: list[Json]) -> bool:
        if not self._tracebacks:
            messages = [_without_tracebacks(each) for each in messages]
        return self._state.tell(messages)

    @property
    def _limit(self) -> int:
        return min(MAX_WEIGHT, self._state.room + self._state.widgets.weight)

    def _sync(self) -> None:
        """Set the models of the state to those that the outputs reach."""
        if not self._roots and not len(self._state.widgets):
            self._reached = set()
            return
        order = self._reach(self._roots)
        self._reached = set(order)
        members = {each for each in order if self._kernel.get(each) is not None}
        members |= self._kernel.links(members.__contains__)
        gone = [_closing(model_id) for model_id in self._state.widgets if model_id not in members]
        if gone and self._state.tell(gone):
            self._on_change()
        self._bring(order)

    def _bring(self, order: list[str]) -> None:
        """Add models to the state, and the links whose two ends are then in it."""
        widgets = self._state.widgets
        # The pane waits for unknown models.
        known = {each: None for each in order if self._kernel.get(each) is not None}
        links = self._kernel.links(lambda each: each in known or each in widgets)
        if not self._is_over:
            self._open([each for each in (*known, *sorted(links)) if each not in widgets])
        if len(known) < len(order):
            self._kernel.want([each for each in order if each not in known])

    def _open(self, new: list[str]) -> None:
        models = [
            (each, model)
            for each in dict.fromkeys(new)
            if (model := self._kernel.get(each)) is not None
        ]
        weight = self._state.widgets.weight + sum([model.weight for _, model in models])
        if weight > self._limit or len(self._state.widgets) + len(models) > MAX_MODELS:
            self._give_up()
        elif self._tell([model.opening(each) for each, model in models]):
            for message in self._kernel.custom.of({each for each, _ in models}):
                if self._addressed.admits(message):
                    self._tell([message])
            self._on_change()

    def _reach(self, roots: Iterable[str]) -> list[str]:
        """Return all models that the roots reach; a model comes after those to which it refers."""
        order: dict[str, None] = {}
        begun: set[str] = set()
        pending = [(root, False) for root in sorted(roots, reverse=True)]
        while pending:
            model_id, is_done = pending.pop()
            if is_done:
                order[model_id] = None
            elif model_id not in begun:
                begun.add(model_id)
                pending.append((model_id, True))
                pending += [(each, False) for each in sorted(self._kernel.refs(model_id))]
        return list(order)

    def _give_up(self) -> None:
        """Show the fallbacks of all widgets, because together they are too large."""
        was_over, self._is_over = self._is_over, True
        self._state.tell([_closing(model_id) for model_id in self._state.widgets])
        if not was_over:
            text = (
                f"[left out: the widgets of this pane take more than the {MAX_WEIGHT // 2**20} MiB, "
                f"or are more than the {MAX_MODELS} models, that a shared pane may have]"
            )
            self._state.apply("display_data", {"data": {"text/plain": text}, "metadata": {}})
        self._on_change()

    # Inputs of viewers.

    def note_input(self, msg_id: str, input_id: str | None) -> None:
        """Record the message by which an input of this pane was sent to the kernel."""
        self._inputs[msg_id] = input_id
        while len(self._inputs) > _MAX_INPUTS:
            self._inputs.popitem(last=False)

    def is_input(self, msg_id: str) -> bool:
        """Return whether a message to the kernel was an input of this pane."""
        return msg_id in self._inputs


def _closing(model_id: str) -> Json:
    return {"msg_type": "comm_close", "content": {"comm_id": model_id}}


def _without_tracebacks(message: Json) -> Json:
    """Return a comm message of a widget; errors among its outputs lose their traceback."""
    data = message["content"].get("data", {})
    shown = data.get("state", {}).get("outputs")
    if not isinstance(shown, list):
        return message
    cut = [
        without_traceback(each)
        if isinstance(each, dict) and each.get("output_type") == "error"
        else each
        for each in shown
    ]
    state = data["state"] | {"outputs": cut}
    return message | {"content": message["content"] | {"data": data | {"state": state}}}
