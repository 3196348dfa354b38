"""Widgets of a peer's pane, used from Python: which one is meant, and what is sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import BadRequestError
from ..wire.widget_messages import encode_buffer
from ..wire.widgets import WidgetSet
from .markup import line

Json = dict[str, Any]

CLICK: Json = {"event": "click"}


def find_model(widgets: WidgetSet, which: str) -> str:
    """Return the id of the one widget that has this id or description.

    Raises:
        BadRequestError: None has, or several.
    """
    if which in widgets:
        return which
    described = {
        model_id: text
        for model_id in widgets
        if (model := widgets.get(model_id)) is not None and (text := model.text("description"))
    }
    found = [model_id for model_id, text in described.items() if text == which]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadRequestError(
            f"{len(found)} widgets of the pane are called {which!r}",
            hint=f"name one by its id: {', '.join(found[:8])}",
        )
    names = ", ".join(sorted({line(text, 40) for text in described.values()})[:16])
    raise BadRequestError(
        f"the pane has no widget {which!r}",
        hint=f"its widgets are called {names}" if names else "view.widgets has them by id",
    )


def update_of(model_id: str, state: Mapping[str, Any]) -> Json:
    """Return the message that sets keys of a model.

    Args:
        model_id: The model.
        state: Keys and JSON values; those that are bytes travel as buffers.
    """
    binary = {
        key: value
        for key, value in state.items()
        if isinstance(value, bytes | bytearray | memoryview)
    }
    data: Json = {
        "method": "update",
        "state": {key: value for key, value in state.items() if key not in binary},
        "buffer_paths": [[key] for key in binary],
    }
    return {
        "msg_type": "comm_msg",
        "content": {"comm_id": model_id, "data": data},
        "buffers": [encode_buffer(memoryview(value)) for value in binary.values()],
    }


def saying(model_id: str, content: Any) -> Json:
    """Return the message that says something to a model."""
    data = {"method": "custom", "content": content}
    return {"msg_type": "comm_msg", "content": {"comm_id": model_id, "data": data}}
