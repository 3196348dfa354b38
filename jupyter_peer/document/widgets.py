"""Applies comm messages of widgets to their state.

The same code runs at the owner, in the hubs of viewers and in their kernels, as in :mod:`.outputs`.
The rules are those of ipywidgets: ``comm_open`` brings a whole model, an update replaces
the keys it names, with the binary buffers at and below them, and ``comm_close`` removes the model. An
echo is an update like any other: the last one has the newest value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from .outputs import weigh, weigh_held
from .plotly_figure import apply_changes, changes_figure

Json = dict[str, Any]
Path = tuple[str | int, ...]
#: Values of models, by the model and the key.
Values = Mapping[tuple[str, str], Any]

COMMS = frozenset({"comm_open", "comm_msg", "comm_close"})
UPDATES = ("update", "echo_update")
VIEW_MIME = "application/vnd.jupyter.widget-view+json"
#: Prefix of a string in a state that refers to another model.
MODEL = "IPY_MODEL_"
_MODEL_WEIGHT = 512
_NAMES = ("model_name", "model_module", "model_module_version")


class Model:
    """One widget model.

    Attributes:
        state: Its keys, without binary values. Never changed; a new dict replaces it.
        buffers: Binary values, as base64, by their path in the state. Never changed either.
        weight: Estimated bytes of both.
    """

    __slots__ = ("_weigh", "_weights", "buffers", "state", "weight")

    def __init__(self, weigh_value: Callable[[Any], int] = weigh) -> None:
        self.state: Json = {}
        self.buffers: dict[Path, str] = {}
        self.weight = _MODEL_WEIGHT
        self._weigh = weigh_value
        self._weights: dict[str, int] = {}

    @property
    def keys(self) -> set[str]:
        """The keys it has, binary ones included."""
        return {*self.state, *(str(path[0]) for path in self.buffers)}

    def text(self, key: str) -> str:
        """Return a key that should hold a text; empty if it does not."""
        value = self.state.get(key)
        return value if isinstance(value, str) and len(value) <= 256 else ""

    def update(
        self, state: Json, paths: Sequence[Sequence[str | int]], buffers: Sequence[str]
    ) -> set[str]:
        """Apply new values; return their keys."""
        came = {tuple(path): buffer for path, buffer in zip(paths, buffers, strict=True)}
        changed = {*state, *(str(path[0]) for path in came)}
        self.state = {
            **{key: value for key, value in self.state.items() if key not in changed},
            **state,
        }
        if came or self.buffers:
            kept = {path: data for path, data in self.buffers.items() if path[0] not in changed}
            self.buffers = {**kept, **came}
        for key in changed:
            weight = 32 + len(key) + (self._weigh(state[key]) if key in state else 0)
            weight += sum([64 + len(data) for path, data in came.items() if path[0] == key])
            self.weight += weight - self._weights.get(key, 0)
            self._weights[key] = weight
        return changed

    def document(self) -> Json:
        """Return the model for a widget-state document."""
        model: Json = {
            **{key: self.text(f"_{key}") for key in _NAMES},
            "state": self.state,
        }
        if self.buffers:
            model["buffers"] = [
                {"path": list(path), "encoding": "base64", "data": data}
                for path, data in self.buffers.items()
            ]
        return model

    def opening(self, model_id: str) -> Json:
        """Return the ``comm_open`` for its current state."""
        return {
            "msg_type": "comm_open",
            "content": {
                "comm_id": model_id,
                "target_name": "jupyter.widget",
                "data": {
                    "state": self.state,
                    "buffer_paths": [list(path) for path in self.buffers],
                },
            },
            "buffers": list(self.buffers.values()),
        }


class WidgetSet:
    """The models of one pane, or of one kernel.

    Args:
        weigh_value: :func:`.outputs.weigh`, or for a follower :func:`.outputs.weigh_held`.

    Attributes:
        weight: Estimated bytes of all models.
    """

    def __init__(self, weigh_value: Callable[[Any], int] = weigh) -> None:
        self.weight = 0
        self._weigh = weigh_value
        self._models: dict[str, Model] = {}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> WidgetSet:
        """Return a follower's models from a checked widget-state document."""
        widgets = cls(weigh_held)
        for model_id, model in (document.get("state") or {}).items():
            buffers = model.get("buffers", ())
            names = {f"_{key}": model[key] for key in _NAMES if model[key]}
            widgets.put(
                model_id,
                names | model["state"],
                [buffer["path"] for buffer in buffers],
                [buffer["data"] for buffer in buffers],
            )
        return widgets

    def document(self) -> Json:
        """Return the widget-state document; it is never changed afterwards."""
        return {
            "version_major": 2,
            "version_minor": 0,
            "state": {model_id: model.document() for model_id, model in self._models.items()},
        }

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def get(self, model_id: str) -> Model | None:
        """Return a model; None without one."""
        return self._models.get(model_id)

    def modules(self) -> set[str]:
        """Return the names of the modules whose code makes and draws the models."""
        keys = ("_model_module", "_view_module")
        return {model.text(key) for model in self._models.values() for key in keys} - {""}

    def apply(self, message: Mapping[str, Any]) -> bool:
        """Apply a well-formed comm message.

        Returns:
            Whether it had a meaning here; a message to an unknown model has none.
        """
        msg_type, content = message["msg_type"], message["content"]
        model_id = content["comm_id"]
        if msg_type == "comm_close":
            return self.drop(model_id)
        data, buffers = content["data"], message.get("buffers", ())
        if msg_type == "comm_open":
            self.put(model_id, data["state"], data.get("buffer_paths", ()), buffers)
            return True
        if model_id not in self._models:
            return False
        if data["method"] in UPDATES:
            self.update(model_id, data["state"], data.get("buffer_paths", ()), buffers)
        return True

    def put(
        self, model_id: str, state: Json, paths: Sequence[Any] = (), buffers: Sequence[str] = ()
    ) -> None:
        """Add or replace a model."""
        self.drop(model_id)
        model = self._models[model_id] = Model(self._weigh)
        model.update(state, paths, buffers)
        self.weight += model.weight

    def update(
        self, model_id: str, state: Json, paths: Sequence[Any] = (), buffers: Sequence[str] = ()
    ) -> set[str]:
        """Set keys of a model; return these keys."""
        model = self._models[model_id]
        before = model.weight
        changed = model.update(state, paths, buffers)
        if any(map(changes_figure, changed)):
            values, arrays = apply_changes(model.state, model.buffers)
            model.update(values, list(arrays), list(arrays.values()))
        self.weight += model.weight - before
        return changed

    def drop(self, model_id: str) -> bool:
        """Remove a model; return whether it existed."""
        model = self._models.pop(model_id, None)
        if model is not None:
            self.weight -= model.weight
        return model is not None


def references(value: Any) -> set[str]:
    """Return the ids of the models to which a value of a state, or an output, refers.

    That is ``IPY_MODEL_<id>`` in strings, and the ``model_id`` of widgets in captured outputs.
    """
    found: set[str] = set()
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if item.startswith(MODEL):
                found.add(item[len(MODEL) :])
        elif isinstance(item, list):
            pending += [part for part in item if isinstance(part, str | list | dict)]
        elif isinstance(item, dict):
            if VIEW_MIME in item and (shown := shown_in(item)) is not None:
                found.add(shown)
            pending += [part for part in item.values() if isinstance(part, str | list | dict)]
    return found


def shown_in(data: Mapping[str, Any]) -> str | None:
    """Return the model whose view a MIME bundle shows."""
    view = data.get(VIEW_MIME)
    model_id = view.get("model_id") if isinstance(view, dict) else None
    return model_id if isinstance(model_id, str) and 0 < len(model_id) <= 256 else None


def compact_comms(messages: Iterable[Json], known: Values | None = None) -> list[Json]:
    """Return fewer comm messages with the same result; fewer of these are the same again.

    A value is dropped when a later message replaces it, and a message when it has no value left.
    Four things stay while the model exists: the last echo of each value that a viewer has set,
    because that viewer waits for it; a value that the next message resets, because it is a command to the
    page; custom messages; and the values that these find.

    Args:
        messages: Well-formed messages.
        known: The values before the messages, of keys that they set.
    """
    whole = list(messages)
    commands = _commands(whole, known or {})
    kept: list[Json] = []
    closed: set[str] = set()
    later: set[tuple[str, str]] = set()
    later_echoes: set[tuple[str, str]] = set()
    begun: set[str] = set()
    for at in range(len(whole) - 1, -1, -1):
        message = whole[at]
        msg_type, content = message["msg_type"], message["content"]
        model_id = content["comm_id"]
        if model_id in closed or model_id in begun:
            if msg_type == "comm_close" and model_id in begun:
                kept.append(message)
                begun.discard(model_id)
                closed.add(model_id)
            continue
        if msg_type == "comm_close":
            closed.add(model_id)
            kept.append(message)
        elif msg_type == "comm_open":
            begun.add(model_id)
            kept.append(message)
        elif content["data"]["method"] not in UPDATES:
            kept.append(message)
            later = {mark for mark in later if mark[0] != model_id}
        else:
            left = _without(message, later, later_echoes, commands.get(at, frozenset()))
            if left is not None:
                kept.append(left)
    return kept[::-1]


def _commands(messages: Sequence[Json], known: Values) -> dict[int, set[str]]:
    """Return the keys that are set and reset at once, by the index of both messages.

    The message that brought the value to which they are reset counts too, if it is among them.
    """
    found: dict[int, set[str]] = {}
    known = dict(known)
    brought: dict[tuple[str, str], int] = {}
    newest: dict[str, tuple[int, dict[str, tuple[Any, int | None]]]] = {}
    for at, message in enumerate(messages):
        model_id = message["content"]["comm_id"]
        data = message["content"].get("data") or {}
        if message["msg_type"] != "comm_msg":
            newest.pop(model_id, None)
            known |= {(model_id, key): value for key, value in data.get("state", {}).items()}
            continue
        if data["method"] not in UPDATES:
            continue
        before_at, before = newest.get(model_id, (-1, {}))
        was = {}
        for key, value in data["state"].items():
            mark = model_id, key
            now, now_at = known.get(mark), brought.get(mark)
            known[mark], brought[mark] = value, at
            old, old_at = before.get(key, (value, None))
            if key in before and now != value and is_back(old, value):
                for each in (before_at, at) if old_at is None else (old_at, before_at, at):
                    found.setdefault(each, set()).add(key)
            else:
                was[key] = now, now_at
        newest[model_id] = at, was
    return found


def is_back(old: Any, value: Any) -> bool:
    """Whether a value is the reset to an older one: the same, or neither has an effect.

    A value without effect is None, False, 0, or empty. Plotly begins with ``{}`` and resets to None.
    An unknown value is None.
    """
    return old == value or not (old or value)


def is_command(message: Json) -> bool:
    """Whether a message does more than change the state, so that no snapshot holds it."""
    return message["msg_type"] == "comm_msg" and message["content"]["data"]["method"] not in UPDATES


def _without(
    message: Json,
    later: set[tuple[str, str]],
    later_echoes: set[tuple[str, str]],
    commands: frozenset[str] | set[str],
) -> Json | None:
    """Return the part of an update that later ones do not replace; record the keys it sets."""
    model_id, data = message["content"]["comm_id"], message["content"]["data"]
    paths = data.get("buffer_paths", ())
    keys = {*data["state"], *(path[0] for path in paths)}
    is_echo = "re" in message
    wanted = {
        key
        for key in keys
        if key in commands
        or (model_id, key) not in later
        or (is_echo and (model_id, key) not in later_echoes)
    }
    marks = {(model_id, key) for key in keys}
    later |= marks
    if is_echo:
        later_echoes |= marks
    if wanted == keys:
        return message
    if not wanted:
        return None
    pairs = [
        (path, buffer)
        for path, buffer in zip(paths, message.get("buffers", ()), strict=True)
        if path[0] in wanted
    ]
    state = {key: value for key, value in data["state"].items() if key in wanted}
    rest = data | {"state": state, "buffer_paths": [path for path, _ in pairs]}
    return message | {
        "content": message["content"] | {"data": rest},
        "buffers": [buffer for _, buffer in pairs],
    }
