"""Which page drives a ``Play`` widget that is playing.

Each page that shows a playing ``Play`` counts by itself and tells the kernel each step. With the owner's
page and a viewer's page open the kernel would get each step twice. So one page drives: a page of the
owner, once one was heard to count; otherwise the viewer who pressed the button. Steps of other pages
are left out without an error, since no person made them.
"""

from __future__ import annotations

from typing import Any

from ....document.widgets import Model

Json = dict[str, Any]

_MODEL = "PlayModel"
#: The second is the name of ipywidgets 7.
_PLAYING = ("playing", "_playing")
_OWNER = ""


def is_playing(state: Json) -> bool:
    """Whether keys of a ``Play`` say that it plays."""
    return any(state.get(key) is True for key in _PLAYING)


class PlayDrivers:
    """Remembers who drives each playing ``Play`` of one kernel."""

    def __init__(self) -> None:
        self._drivers: dict[str, str] = {}

    def step_left_out(self, model_id: str, model: Model, peer_id: str, state: Json) -> set[str]:
        """Return the keys of an input that are a step of a page which does not drive.

        Args:
            model_id: Of the widget.
            model: As the owner knows it.
            peer_id: The viewer whose page sent the input.
            state: What the input sets.
        """
        if model.text("_model_name") != _MODEL:
            return set()
        if is_playing(state):
            if not is_playing(model.state):
                self._drivers[model_id] = peer_id
            return set()
        # Stopping goes back to the beginning, which is the act of a person.
        is_step = "value" in state and state["value"] != model.state.get("min")
        is_driver = self._drivers.get(model_id, _OWNER) == peer_id
        return {"value"} if is_step and is_playing(model.state) and not is_driver else set()

    def heard(self, model_id: str, model: Model, state: Json, is_of_owners_page: bool) -> None:
        """Note what the kernel says of a widget.

        Args:
            model_id: Of the widget.
            model: With the new values.
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
