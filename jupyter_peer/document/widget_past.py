"""Messages of widgets that no state holds, stored for late viewers.

A state holds the newest value of each key. It holds neither custom messages nor values that were
set and reset at once, by which some libraries send commands to their pages. The newest of these are
stored here within bounds, with the ids of closed models. A viewer who hears them again ends with the
present values, and hears each custom message with the values of its time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .outputs import weigh_held
from .plotly_figure import changes_figure
from .widgets import UPDATES, Model, WidgetSet, is_back, references, shown_in

Json = dict[str, Any]

MAX_SAID = 256
MAX_SAID_WEIGHT = 2 * 1024 * 1024
MAX_CLOSED = 1024


class Flashes:
    """Finds the values that the next message of their model resets."""

    def __init__(self) -> None:
        self._before: dict[str, Json] = {}

    def resets(self, message: Json, model: Model) -> set[str]:
        """Return the keys that an update resets.

        Args:
            message: The update.
            model: The model before the update.
        """
        model_id, state = message["content"]["comm_id"], message["content"]["data"]["state"]
        before = self._before.get(model_id, {})
        resets = {
            key
            for key, value in state.items()
            if key in before and is_back(before[key], value) and model.state.get(key) != value
        }
        # A later return to the value is not a reset: each pair of messages counts once.
        self._before[model_id] = {key: model.state.get(key) for key in state if key not in resets}
        return resets

    def drop(self, model_id: str) -> None:
        """Forget a model."""
        self._before.pop(model_id, None)


class WidgetPast:
    """The past of the widgets of one pane.

    Attributes:
        weight: Estimated bytes of the messages.
        loaders: MIME bundles by which other cells loaded libraries into the owner's page.
    """

    def __init__(self) -> None:
        self.weight = 0
        self.loaders: list[Json] = []
        self._said: deque[tuple[int, Json, int]] = deque()
        self._closed: dict[str, None] = {}
        self._flashes = Flashes()
        # The values of reset keys as the stored messages leave them, by model.
        self._told: dict[str, Json] = {}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> WidgetPast:
        """Return the past in a checked widget-state document."""
        past = cls()
        for said in document.get("said", ()):
            past._keep(said["rev"], said["message"])
        past._closed = dict.fromkeys(document.get("closed", ()))
        past.loaders = list(document.get("loaders", ()))
        return past

    @property
    def closed(self) -> Iterable[str]:
        """The ids of models that the owner has closed."""
        return self._closed.keys()

    def before(self, rev: int, message: Json, widgets: WidgetSet) -> None:
        """Record a comm message before it is applied.

        Args:
            rev: The revision of the pane after it.
            message: A well-formed message.
            widgets: The widgets before it.
        """
        model_id = message["content"]["comm_id"]
        if message["msg_type"] != "comm_msg":
            self._forget(model_id)
            if message["msg_type"] == "comm_close":
                self._closed[model_id] = None
                while len(self._closed) > MAX_CLOSED:
                    del self._closed[next(iter(self._closed))]
            return
        model = widgets.get(model_id)
        if model is None:
            return
        data = message["content"]["data"]
        if data["method"] not in UPDATES:
            if changed := self._changed(model_id, model):
                self._keep(rev, _update(model_id, changed))
            self._keep(rev, message)
            return
        keys = [key for key in self._flashes.resets(message, model) if not changes_figure(key)]
        for state in (model.state, data["state"]) if keys else ():
            self._keep(rev, _update(model_id, {key: state[key] for key in keys}))

    def document(self, outputs: Sequence[Json], widgets: WidgetSet) -> Json:
        """Return the past for a snapshot, beside the widget-state document.

        Args:
            outputs: Outputs of the pane; closed models without a reference are omitted.
            widgets: Widgets of the pane.
        """
        found: Json = {}
        if self._said:
            said = [(rev, message) for rev, message, _ in self._said]
            for model_id in self._told:
                model = widgets.get(model_id)
                if model is not None and (changed := self._changed(model_id, model)):
                    said.append((said[-1][0], _update(model_id, changed)))
            found["said"] = [{"rev": rev, "message": message} for rev, message in said]
        if self._closed:
            shown = {shown_in(output.get("data") or {}) for output in outputs}
            for model_id in widgets:
                model = widgets.get(model_id)
                shown |= references(model.state) if model is not None else set()
            if closed := [each for each in self._closed if each in shown]:
                found["closed"] = closed
        if self.loaders:
            found["loaders"] = self.loaders
        return found

    def _changed(self, model_id: str, model: Model) -> Json:
        """Return the values of a model that differ from those that the stored messages leave."""
        told = self._told.get(model_id, {})
        return {
            key: model.state[key]
            for key, value in told.items()
            if key in model.state and model.state[key] != value
        }

    def _keep(self, rev: int, message: Json) -> None:
        weight = weigh_held(message)
        if weight > MAX_SAID_WEIGHT:
            return
        content = message["content"]
        if content["data"]["method"] in UPDATES:
            self._told.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        self._said.append((rev, message, weight))
        self.weight += weight
        while len(self._said) > MAX_SAID or self.weight > MAX_SAID_WEIGHT:
            self.weight -= self._said.popleft()[2]

    def _forget(self, model_id: str) -> None:
        self._closed.pop(model_id, None)
        self._told.pop(model_id, None)
        self._flashes.drop(model_id)
        if self._said:
            self._said = deque(
                each for each in self._said if each[1]["content"]["comm_id"] != model_id
            )
            self.weight = sum([weight for _, _, weight in self._said])


def _update(model_id: str, state: Json) -> Json:
    data = {"method": "update", "state": state, "buffer_paths": []}
    return {"msg_type": "comm_msg", "content": {"comm_id": model_id, "data": data}, "buffers": []}
