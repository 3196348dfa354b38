"""Messages by which pages of well-known libraries operate their widgets.

A custom message may mean anything to the code that receives it. So it is allowed only if its meaning
is known here. For other libraries, the owner can allow all messages.
"""

from __future__ import annotations

from typing import Any

# matplotlib's webagg protocol (``backend_webagg_core.FigureCanvasWebAggCore.handle_*``), as ipympl uses
# it, without `closing`, which ends the owner's figure, and without saving to the owner's disk.
_MATPLOTLIB = frozenset(
    {
        "ack", "button_press", "button_release", "dblclick", "draw", "figure_enter", "figure_leave",
        "initialized", "key_press", "key_release", "motion_notify", "refresh", "scroll",
        "send_image_mode", "set_device_pixel_ratio", "set_dpi_ratio",
    }
)  # fmt: skip
_MATPLOTLIB_BUTTONS = frozenset({"home", "back", "forward", "pan", "zoom"})
# ipyleaflet: events of the mouse on the map or on a layer.
_LEAFLET = frozenset(
    {"click", "dblclick", "mousedown", "mouseup", "mouseover", "mouseout", "mousemove",
     "contextmenu", "preclick"}
)  # fmt: skip
# ipycanvas: a page is ready to draw, and events of mouse, touch and keyboard on the canvas.
_CANVAS = frozenset(
    {"client_ready", "key_down", "mouse_down", "mouse_move", "mouse_out", "mouse_up", "mouse_wheel",
     "touch_cancel", "touch_end", "touch_move", "touch_start"}
)  # fmt: skip


def is_known_message(module: str, said: Any) -> bool:
    """Return whether a custom message only operates the widget.

    Args:
        module: The widget's ``_model_module``.
        said: The content of the message.
    """
    check = _CHECKS.get(module)
    return check is not None and isinstance(said, dict) and check(said)


def _is_of_matplotlib(said: dict[str, Any]) -> bool:
    kind = said.get("type")
    if kind == "toolbar_button":
        return said.get("name") in _MATPLOTLIB_BUTTONS
    return kind in _MATPLOTLIB


def _is_of_leaflet(said: dict[str, Any]) -> bool:
    return said.get("event") == "interaction" and said.get("type") in _LEAFLET


def _is_of_canvas(said: dict[str, Any]) -> bool:
    return said.get("event") in _CANVAS


_CHECKS = {
    "jupyter-matplotlib": _is_of_matplotlib,
    "jupyter-leaflet": _is_of_leaflet,
    "ipycanvas": _is_of_canvas,
}
