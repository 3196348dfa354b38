"""Decides which page drives a ``Play`` widget that is playing.

Each page that shows a playing ``Play`` counts by itself and sends each step to the kernel. With a page
of the owner and a page of a viewer open, the kernel would get each step twice. So one page drives: a
page of the owner as soon as one counts, otherwise that of the viewer who pressed the button. Steps of
other pages are ignored without an error, because no person made them. So are the values that a page
sets by a link of widgets as it counts: by a link in both directions they would count once more.
"""

from __future__ import annotations

from typing import Any

from ....document.widgets import Model

Json = dict[str, Any]

_MODEL = "PlayModel"
#: The second is the name of ipywidgets 7.
_PLAYING = ("playing", "_playing")
_OWNER = ""
#: A page that counts by itself is at most this far from the others, and at least some steps.
_APART_MS, _APART_STEPS = 1000, 3


def is_playing(state: Json) -> bool:
    """Return whether a state of a ``Play`` means that it plays."""
    return any(state.get(key) is True for key in _PLAYING)


class PlayDrivers:
    """Remembers which page drives each playing ``Play`` of one kernel."""

    def __init__(self) -> None:
        self._drivers: dict[str, str] = {}

    def step_left_out(self, model_id: str, model: Model, peer_id: str, state: Json) -> set[str]:
        """Return the keys of an input that are a step of a page that does not drive.

        Args:
            model_id: Id of the widget.
            model: The widget's model at the owner.
            peer_id: The viewer whose page sent the input.
            state: New values in the input.
        """
        if model.text("_model_name") != _MODEL:
            return set()
        if is_playing(state):
            if not is_playing(model.state):
                self._drivers[model_id] = peer_id
            return set()
        # Stopping returns to the beginning, and only a person does so.
        is_step = "value" in state and state["value"] != model.state.get("min")
        is_driver = self._drivers.get(model_id, _OWNER) == peer_id
        return {"value"} if is_step and is_playing(model.state) and not is_driver else set()

    def counts_elsewhere(self, model_id: str, model: Model, peer_id: str, value: Any) -> bool:
        """Return whether a page that does not drive has set a linked key, because it counts.

        A value far from that of the ``Play`` was set by a person, and so was the beginning, to which
        stopping returns.

        Args:
            model_id: Id of a model that a link connects with the key.
            model: That model at the owner.
            peer_id: The viewer whose page sent the input.
            value: New value of the key.
        """
        if model.text("_model_name") != _MODEL or not is_playing(model.state):
            return False
        numbers = [value, *(model.state.get(key) for key in ("value", "step", "interval"))]
        if not all(map(_is_number, numbers)) or value == model.state.get("min"):
            return False
        _, now, step, interval = numbers
        steps = max(_APART_STEPS, _APART_MS / max(interval, 1))
        return self._drivers.get(model_id, _OWNER) != peer_id and abs(value - now) <= steps * abs(
            step
        )

    def heard(self, model_id: str, model: Model, state: Json, is_of_owners_page: bool) -> None:
        """Handle new values of a widget from the kernel.

        Args:
            model_id: Id of the widget.
            model: The widget's model with the new values.
            state: The new values.
            is_of_owners_page: Whether a page of the owner has set them.
        """
        if model.text("_model_name") != _MODEL:
            return
        if not is_playing(model.state):
            self._drivers.pop(model_id, None)
        elif "value" in state and is_of_owners_page:
            self._drivers[model_id] = _OWNER

    def drop(self, model_id: str) -> None:
        """Forget a widget that was closed."""
        self._drivers.pop(model_id, None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
