"""Finds widgets of a peer's pane for Python code, and builds the messages to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...document.widgets import MODEL, WidgetSet, shown_in
from ...errors import BadRequestError
from ...wire.payloads.widgets import encode_buffer
from ..results.drawing.markup import line

Json = dict[str, Any]

CLICK: Json = {"event": "click"}


def find_model(widgets: WidgetSet, which: str) -> str:
    """Return the id of the only widget with this id or description.

    Raises:
        BadRequestError: No widget or several widgets have it.
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


def shown_beneath(widgets: WidgetSet, output: Mapping[str, Any]) -> list[Json]:
    """Return the text and pictures of an output's widgets: captured outputs and pictures.

    Args:
        widgets: All widgets of the pane.
        output: An nbformat output.

    Returns:
        Outputs in the order of the widgets. A peer may have sent invalid ones.
    """
    data = output.get("data")
    root = shown_in(data) if isinstance(data, Mapping) else None
    found: list[Json] = []
    seen: set[str] = set()
    pending = [root] if root is not None else []
    while pending:
        model_id = pending.pop()
        model = None if model_id in seen else widgets.get(model_id)
        if model is None:
            continue
        seen.add(model_id)
        name, captured = model.text("_model_name"), model.state.get("outputs")
        if name == "OutputModel" and isinstance(captured, list):
            found += [each for each in captured if isinstance(each, dict)]
        elif name == "ImageModel" and (picture := model.buffers.get(("value",))):
            bundle = {f"image/{model.text('format') or 'png'}": picture}
            found.append({"output_type": "display_data", "data": bundle, "metadata": {}})
        children = model.state.get("children")
        if isinstance(children, list):
            pending += [
                child[len(MODEL) :]
                for child in reversed(children)
                if isinstance(child, str) and child.startswith(MODEL)
            ]
    return found


def update_of(model_id: str, state: Mapping[str, Any]) -> Json:
    """Return the message that sets keys of a model.

    Args:
        model_id: The model.
        state: Keys and JSON values; bytes travel as buffers.
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
    """Return the custom message to a model."""
    data = {"method": "custom", "content": content}
    return {"msg_type": "comm_msg", "content": {"comm_id": model_id, "data": data}}
