"""All known widgets of one kernel.

A widget is made before it is shown, and often in another cell, so panes cannot select their widgets
from the messages as they arrive. This module keeps the state of all widgets. For widgets from before
it listened, it asks the kernel (``request_states``, or ``request_state`` for each model).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ...document.loaders import Loaders
from ...document.widgets import MODEL, Model, WidgetSet, references
from ..owner.input.play import PlayDrivers
from ..owner.input.queue import InputQueue
from .captures import OUTPUT_MODEL, OUTPUT_MODULE, Captures
from .channels.listener import TapListener, TapMessage
from .comms import STATES, STATUS, without_secrets
from .custom_messages import CustomMessages
from .hearing import Hearing
from .questions import Questions
from .write_back import WriteBack

Json = dict[str, Any]

#: Models that no pane has are forgotten when all together take more.
MAX_WEIGHT = 32 * 1024 * 1024
MAX_MODELS = 16_384
_COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})
_LINKS = frozenset({"LinkModel", "DirectionalLinkModel"})


class Kernel(Protocol):
    """The part of :class:`~.tap.KernelTap` that this module uses."""

    def subscribe(self, listener: TapListener) -> Callable[[], None]:
        """Add a listener; return a function that removes it."""

    def send(
        self,
        msg_type: str,
        content: Json,
        metadata: Json | None = None,
        buffers: Sequence[bytes] = (),
    ) -> str:
        """Send a message on the shell channel; return its id."""


class WidgetListener(Protocol):
    """A pane that may have widgets of the kernel."""

    def has(self, model_id: str) -> bool:
        """Return whether the pane has a model."""

    def on_widgets(self, model_ids: Iterable[str]) -> None:
        """Handle models that were made or closed, or that refer to other models than before."""

    def on_comm(self, message: Json, parent_id: str) -> None:
        """Handle a ``comm_msg`` of a model."""

    def is_input(self, msg_id: str) -> bool:
        """Return whether a message to the kernel was an input of a viewer of the pane."""


class KernelWidgets:
    """Keeps the widgets of one kernel while panes are attached.

    Args:
        kernel: The kernel's tap.

    Attributes:
        hearing: The latest outputs of the kernel's cells.
        captures: The outputs that its ``Output`` widgets have captured.
        custom: The custom messages of its widgets.
        inputs: The inputs of viewers.
        plays: The pages that drive its ``Play`` widgets.
        loaders: The known libraries that its cells have loaded into pages.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.hearing = Hearing(kernel.subscribe)
        self.loaders = Loaders()
        self._panes: list[WidgetListener] = []
        self._unsubscribe: Callable[[], None] | None = None
        self._begin()

    def _begin(self) -> None:
        self.captures = Captures()
        self.custom = CustomMessages()
        self.inputs = InputQueue(self)
        self.plays = PlayDrivers()
        self._models = WidgetSet()
        self._refs: dict[str, dict[str, set[str]]] = {}
        self._links: set[str] = set()
        self._idle: dict[str, Callable[[], None]] = {}
        self._questions = Questions(
            self.kernel.send,
            self.when_idle,
            is_known=self._models.__contains__,
            # Models to which these refer may have to be requested in turn.
            on_done=lambda: self._tell_of(()),
        )
        self._captured: set[str] = set()
        self._write_back = WriteBack(
            self.kernel.send, self._idle.__contains__, self.captures.outputs_of
        )
        self._is_telling = False

    # Calls of the panes.

    def attach(self, pane: WidgetListener) -> Callable[[], None]:
        """Listen for a pane; the returned function ends this and may be called twice."""
        self._panes.append(pane)
        if self._unsubscribe is None:
            self._unsubscribe = self.kernel.subscribe(self)

        def detach() -> None:
            if pane in self._panes:
                self._panes.remove(pane)
                if not self._panes and self._unsubscribe is not None:
                    self._unsubscribe()
                    self._unsubscribe = None
                    # Without a listener, the states would become stale.
                    self._begin()

        return detach

    @property
    def is_used(self) -> bool:
        """Whether a pane is attached or somebody needs the hearing."""
        return bool(self._panes) or self.hearing.is_used

    def get(self, model_id: str) -> Model | None:
        """Return a model; None if it is not known."""
        return self._models.get(model_id)

    def refs(self, model_id: str) -> set[str]:
        """Return the models to which a model refers."""
        return set().union(*self._refs.get(model_id, {}).values())

    def links(self, is_member: Callable[[str], bool]) -> set[str]:
        """Return the link models whose two ends are both members."""
        return {
            model_id
            for model_id in self._links
            if (ends := self.refs(model_id)) and all(map(is_member, ends))
        }

    def is_link(self, model_id: str) -> bool:
        """Return whether a model links keys of two other models."""
        return model_id in self._links

    def linked_keys(self, model_id: str) -> set[str]:
        """Return the keys of a model that a page sets because of links."""
        return {key for link in self._linked() for end_id, key in link if end_id == model_id}

    def linked_with(self, model_id: str, key: str) -> set[tuple[str, str]]:
        """Return the keys of other models that follow a key by links: model ids and keys."""
        links = self._linked()
        found = {(model_id, key)}
        while more := {end for link in links if not found.isdisjoint(link) for end in link} - found:
            found |= more
        return found - {(model_id, key)}

    def _linked(self) -> list[list[tuple[str, str]]]:
        """Return the ends of each link: model ids and keys."""
        links = [link for link_id in self._links if (link := self._models.get(link_id)) is not None]
        return [
            [
                (end[0].removeprefix(MODEL), str(end[1]))
                for name in ("source", "target")
                if isinstance(end := link.state.get(name), list)
                and len(end) == 2
                and isinstance(end[0], str)
            ]
            for link in links
        ]

    def want(self, model_ids: Iterable[str]) -> None:
        """Ask the kernel for unknown models; the panes are called when they are known."""
        self._questions.want(model_ids)

    def when_idle(self, msg_id: str, callback: Callable[[], None]) -> None:
        """Call back when the kernel is done with a message."""
        self._idle[msg_id] = callback

    def echo(
        self, msg_id: str, model_id: str, state: Json, paths: list[Any], buffers: list[str]
    ) -> None:
        """Send the panes the values that the kernel has accepted without an echo.

        Args:
            msg_id: The message that has set them.
            model_id: The model.
            state: Keys and values.
            paths: Paths of the binary values.
            buffers: The binary values, as base64.
        """
        if model_id in self._models:
            data = {"method": "echo_update", "state": state, "buffer_paths": paths}
            content = {"comm_id": model_id, "data": data}
            self._update(TapMessage("comm_msg", msg_id, content, buffers))

    def values(self, model_id: str, keys: set[Any]) -> tuple[Json, list[Any], list[str]]:
        """Return the current values of keys of a model: state, buffer paths and buffers."""
        model = self._models.get(model_id)
        if model is None:
            return {}, [], []
        buffers = {path: data for path, data in model.buffers.items() if path[0] in keys}
        state = {key: value for key, value in model.state.items() if key in keys}
        return state, [list(path) for path in buffers], list(buffers.values())

    # Messages of the kernel.

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """Return whether a message may concern widgets."""
        if msg_type in _COMMS:
            return True
        if msg_type == STATUS:
            return parent_id in self._idle
        return self.captures.wants(msg_type, parent_id)

    def on_message(self, message: TapMessage) -> None:
        """Handle a message of the kernel."""
        if message.msg_type == "comm_open":
            data = message.content["data"]
            self._put(message.content["comm_id"], data, message.buffers)
            self._tell_of([message.content["comm_id"]])
        elif message.msg_type == "comm_msg":
            self._on_comm(message)
        elif message.msg_type == "comm_close":
            self._close(message.content["comm_id"])
        elif message.msg_type == STATUS:
            if message.content["execution_state"] == "idle":
                on_idle = self._idle.pop(message.parent_id, lambda: None)
                # Earlier messages come first, and captures are written back before the next input.
                self._tell_captured()
                on_idle()
        else:
            taken = self.captures.take(message.msg_type, message.content, message.parent_id)
            if taken:
                self._captured.update(taken)
                if self._is_input(message.parent_id):
                    self._write_back.note(taken, message.parent_id)
                self._tell_captured_soon()

    def on_end(self, reason: str) -> None:
        """Handle the end of the kernel; the panes listen for it themselves."""
        self._idle.clear()
        self.inputs.close()

    def _on_comm(self, message: TapMessage) -> None:
        model_id, data = message.content["comm_id"], message.content["data"]
        if data["method"] == STATES:
            self._learn(data["states"])
        elif data["method"] == "custom":
            # Even for a model that was made before anybody listened.
            told = {"content": message.content, "buffers": list(message.buffers)}
            self.custom.add({"msg_type": "comm_msg", **told})
            self._pass_on(told, message)
        elif model_id in self._models:
            self._update(message)
        elif data["method"] == "update" and "_model_name" in data["state"]:
            # The answer to `request_state` has the whole state.
            self._put(model_id, data, message.buffers)
            self._tell_of([model_id])

    def _learn(self, states: dict[str, tuple[Json, list[str]]]) -> None:
        new = [model_id for model_id in states if model_id not in self._models]
        # Wanted models come last, so that they are dropped last if there are too many.
        for model_id in sorted(new, key=self._questions.is_wanted):
            data, buffers = states[model_id]
            self._put(model_id, data, buffers)
        self._tell_of(new)

    def _put(self, model_id: str, data: Json, buffers: Sequence[str]) -> None:
        name = data["state"].get("_model_name")
        state, paths, buffers = without_secrets(name, data["state"], data["buffer_paths"], buffers)
        self._questions.found(model_id)
        self._models.put(model_id, state, paths, buffers)
        self._refs[model_id] = {}
        self._note_refs(model_id, state)
        if state.get("_model_name") in _LINKS:
            self._links.add(model_id)
        if self._is_output(model_id):
            self.captures.put(model_id, state.get("outputs"))
            self._capture(model_id, state)
        self._make_room()

    def _update(self, message: TapMessage) -> None:
        model_id, data = message.content["comm_id"], message.content["data"]
        state, paths = data["state"], data["buffer_paths"]
        keys = {*state, *(path[0] for path in paths)}
        is_echo = data["method"] == "echo_update"
        self.inputs.heard(message.parent_id, model_id, keys, is_echo)
        if self._is_output(model_id):
            state = self._of_output(model_id, data["method"], state)
            if not state:
                return
        model = self._models.get(model_id)
        name = model.text("_model_name") if model is not None else ""
        state, paths, buffers = without_secrets(name, state, paths, message.buffers)
        had_refs = self.refs(model_id)
        self._models.update(model_id, state, paths, buffers)
        self._note_refs(model_id, state)
        if model is not None:
            is_of_owners_page = is_echo and not self._is_input(message.parent_id)
            self.plays.heard(model_id, model, state, is_of_owners_page)
        data = data | {"state": state, "buffer_paths": paths}
        told = {"content": {"comm_id": model_id, "data": data}, "buffers": list(buffers)}
        if self.refs(model_id) - had_refs:
            # A model comes after those to which it refers.
            self._tell_of([model_id])
            self._pass_on(told, message)
        else:
            self._pass_on(told, message)
            if had_refs != self.refs(model_id):
                self._tell_of([model_id])
        self._make_room()

    def _is_input(self, msg_id: str) -> bool:
        return any(pane.is_input(msg_id) for pane in self._panes)

    def _pass_on(self, told: Json, message: TapMessage) -> None:
        model_id = message.content["comm_id"]
        for pane in list(self._panes):
            if pane.has(model_id):
                pane.on_comm({"msg_type": "comm_msg", **told}, message.parent_id)

    def _close(self, model_id: str) -> None:
        if model_id in self._models:
            self._drop(model_id)
            self._questions.gone(model_id)
            self._tell_of([model_id])

    def _drop(self, model_id: str) -> None:
        self._models.drop(model_id)
        self._refs.pop(model_id, None)
        self._links.discard(model_id)
        self.captures.drop(model_id)
        self.custom.drop(model_id)
        self.plays.drop(model_id)
        self._write_back.drop(model_id)
        self._captured.discard(model_id)

    def _note_refs(self, model_id: str, state: Json) -> None:
        refs = self._refs[model_id]
        for key, value in state.items():
            if found := references(value):
                refs[key] = found
            else:
                refs.pop(key, None)

    def _make_room(self) -> None:
        if self._models.weight <= MAX_WEIGHT and len(self._models) <= MAX_MODELS:
            return
        for model_id in list(self._models):
            if not any(pane.has(model_id) for pane in self._panes):
                self._drop(model_id)
                if self._models.weight <= MAX_WEIGHT // 2 and len(self._models) <= MAX_MODELS // 2:
                    return

    def _tell_of(self, model_ids: Iterable[str]) -> None:
        for pane in list(self._panes):
            pane.on_widgets(model_ids)

    # Output widgets.

    def _is_output(self, model_id: str) -> bool:
        model = self._models.get(model_id)
        return (
            model is not None
            and model.text("_model_name") == OUTPUT_MODEL
            and model.text("_model_module") == OUTPUT_MODULE
        )

    def _capture(self, model_id: str, state: Json) -> None:
        if "msg_id" in state:
            parent_id = state["msg_id"]
            self.captures.begin(model_id, parent_id if isinstance(parent_id, str) else "")
            # It is meant for the owner's page only.
            self._models.update(model_id, {"msg_id": ""})

    def _of_output(self, model_id: str, method: str, state: Json) -> Json:
        """Return the part of an ``Output`` widget's update that panes receive."""
        self._capture(model_id, state)
        state = {key: value for key, value in state.items() if key != "msg_id"}
        if "outputs" in state:
            if method == "echo_update":
                # A page has captured the same outputs, which this module captured before.
                del state["outputs"]
            else:
                self._write_back.drop(model_id)
                self.captures.put(model_id, state["outputs"])
                state["outputs"] = self.captures.outputs_of(model_id)
                self._captured.discard(model_id)
        return state

    def _tell_captured_soon(self) -> None:
        # A hundred lines that are printed at once are one change.
        if not self._is_telling:
            self._is_telling = True
            asyncio.get_running_loop().call_soon(self._tell_captured)

    def _tell_captured(self) -> None:
        self._is_telling = False
        captured, self._captured = self._captured, set()
        for model_id in captured:
            if model_id in self._models:
                state = {"outputs": self.captures.outputs_of(model_id)}
                data = {"method": "update", "state": state, "buffer_paths": []}
                had_refs = self.refs(model_id)
                self._models.update(model_id, state)
                self._note_refs(model_id, state)
                if self.refs(model_id) != had_refs:
                    self._tell_of([model_id])
                message = TapMessage("comm_msg", "", {"comm_id": model_id, "data": data})
                self._pass_on({"content": message.content, "buffers": []}, message)
        self._write_back.flush()
