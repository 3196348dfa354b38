"""The controls of ipywidgets 8: the keys that a person can set with each, and the values.

This is an allow-list: viewers cannot set a control that is not in the table, or a key that is not in
its row. A value is allowed if the control itself could produce it in the owner's page: it is in range,
among the options, and of the right type. Source: ``@jupyter-widgets/controls`` 5.0, ``src/widget_*.ts``.

Some models are omitted on purpose. Boxes, labels, pictures and progress bars have no input.
``ControllerModel`` and its parts represent a game pad at the owner's page. Layouts, styles and links
belong to the owner.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeGuard

from ....document.widgets import Model

MODULE = "@jupyter-widgets/controls"
#: Modules of ipywidgets itself. Only the controls among their models take input.
CORE_MODULES = frozenset({MODULE, "@jupyter-widgets/base", "@jupyter-widgets/output"})

Check = Callable[[Any, Model], bool]

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,32}|(?:rgb|hsl)a?\([0-9.,%/ a-z]{1,64}\)")
_TOLERANCE = 1e-9


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bound(model: Model, key: str, default: float) -> float:
    bound = model.state.get(key)
    return bound if _is_number(bound) else default


def _is_in_range(value: Any, model: Model) -> bool:
    return bool(_bound(model, "min", -math.inf) <= value <= _bound(model, "max", math.inf))


def _is_on_step(value: float, model: Model) -> bool:
    """Return whether the handle of a slider stops at a value; its readout accepts any number."""
    step = model.state.get("step")
    if model.state.get("readout") is not False or not _is_number(step) or step <= 0:
        return True
    steps = (value - _bound(model, "min", 0)) / step
    return value == model.state.get("max") or abs(steps - round(steps)) < 1e-6


def _bool(value: Any, model: Model) -> bool:
    return isinstance(value, bool)


def _text(value: Any, model: Model) -> bool:
    return isinstance(value, str)


def _int(value: Any, model: Model) -> bool:
    return _is_int(value) and _is_in_range(value, model)


def _float(value: Any, model: Model) -> bool:
    return _is_number(value) and _is_in_range(value, model)


def _int_slider(value: Any, model: Model) -> bool:
    return _int(value, model) and _is_on_step(value, model)


def _float_slider(value: Any, model: Model) -> bool:
    return _float(value, model) and _is_on_step(value, model)


def _log_slider(value: Any, model: Model) -> bool:
    if not _is_number(value):
        return False
    base = _bound(model, "base", 10.0)
    try:
        low, high = (base ** _bound(model, key, 0.0) for key in ("min", "max"))
    except (OverflowError, ZeroDivisionError):
        return False
    return bool(low * (1 - _TOLERANCE) <= value <= high * (1 + _TOLERANCE))


def _pair(check: Check) -> Check:
    def is_pair(value: Any, model: Model) -> bool:
        return (
            isinstance(value, list)
            and len(value) == 2
            and all(check(each, model) for each in value)
            and bool(value[0] <= value[1])
        )

    return is_pair


def _among(value: Any, items: Any) -> bool:
    return _is_int(value) and isinstance(items, list) and 0 <= value < len(items)


def _option(value: Any, model: Model) -> bool:
    return _among(value, model.state.get("_options_labels"))


def _options(value: Any, model: Model) -> bool:
    return (
        isinstance(value, list)
        and all(_option(each, model) for each in value)
        and len(set(value)) == len(value)
    )


def _page(value: Any, model: Model) -> bool:
    return value is None or _among(value, model.state.get("children"))


def _combobox(value: Any, model: Model) -> bool:
    options = model.state.get("options")
    is_free = model.state.get("ensure_option") is False
    return isinstance(value, str) and (
        is_free or value == "" or (isinstance(options, list) and value in options)
    )


def _color(value: Any, model: Model) -> bool:
    return isinstance(value, str) and _COLOR.fullmatch(value) is not None


_DATE = {"year": (1, 9999), "month": (0, 11), "date": (1, 31)}
_TIME = {"hours": (0, 23), "minutes": (0, 59), "seconds": (0, 59), "milliseconds": (0, 999)}


def _moment(fields: dict[str, tuple[int, int]]) -> Check:
    """Return a check for a date, a time, or both, given by their fields."""

    def order(value: Any) -> tuple[int, ...] | None:
        if not isinstance(value, dict) or value.keys() != fields.keys():
            return None
        numbers = tuple(value[name] for name in fields)
        ranges = fields.values()
        is_usable = all(
            _is_int(number) and low <= number <= high
            for number, (low, high) in zip(numbers, ranges, strict=True)
        )
        return numbers if is_usable else None

    def is_moment(value: Any, model: Model) -> bool:
        if value is None:
            return True
        at = order(value)
        low, high = order(model.state.get("min")), order(model.state.get("max"))
        return at is not None and (low is None or low <= at) and (high is None or at <= high)

    return is_moment


def _tags(is_tag: Check) -> Check:
    def are_tags(value: Any, model: Model) -> bool:
        if not isinstance(value, list) or not all(is_tag(tag, model) for tag in value):
            return False
        allowed = model.state.get("allowed_tags")
        is_allowed = (
            not isinstance(allowed, list) or not allowed or all(t in allowed for t in value)
        )
        is_single = model.state.get("allow_duplicates") is not False
        return is_allowed and (is_single or len(set(value)) == len(value))

    return are_tags


_FILE = {"name": str, "type": str, "size": int, "last_modified": int}


def _files(value: Any, model: Model) -> bool:
    """Return whether a value is a list of uploaded files; their contents are buffers."""
    if not isinstance(value, list) or (len(value) > 1 and model.state.get("multiple") is not True):
        return False
    return all(
        isinstance(file, dict)
        and file.keys() <= {*_FILE, "content"}
        and all(isinstance(file.get(key), kind) for key, kind in _FILE.items())
        and file.get("content") is None
        for file in value
    )


def _no_error(value: Any, model: Model) -> bool:
    return bool(value == "")


_DATETIME = _moment(_DATE | _TIME)
_CLICK = ({"event": "click"},)
_SUBMIT = ({"event": "submit"},)

#: Model name -> the keys that a person sets with it, and whether a value can be produced there.
CONTROLS: dict[str, dict[str, Check]] = {
    "IntTextModel": {"value": _int},
    "BoundedIntTextModel": {"value": _int},
    "IntSliderModel": {"value": _int_slider},
    "IntRangeSliderModel": {"value": _pair(_int_slider)},
    "FloatTextModel": {"value": _float},
    "BoundedFloatTextModel": {"value": _float},
    "FloatSliderModel": {"value": _float_slider},
    "FloatRangeSliderModel": {"value": _pair(_float_slider)},
    "FloatLogSliderModel": {"value": _log_slider},
    # `_playing` and `_repeat` are the names of ipywidgets 7.
    "PlayModel": {
        "value": _int,
        "playing": _bool,
        "repeat": _bool,
        "_playing": _bool,
        "_repeat": _bool,
    },
    "CheckboxModel": {"value": _bool},
    "ToggleButtonModel": {"value": _bool},
    "ButtonModel": {},
    "DropdownModel": {"index": _option},
    "RadioButtonsModel": {"index": _option},
    "ToggleButtonsModel": {"index": _option},
    "SelectModel": {"index": _option},
    "SelectionSliderModel": {"index": _option},
    "SelectMultipleModel": {"index": _options},
    "SelectionRangeSliderModel": {"index": _pair(_option)},
    "AccordionModel": {"selected_index": _page},
    "TabModel": {"selected_index": _page},
    "TextModel": {"value": _text},
    "TextareaModel": {"value": _text},
    "PasswordModel": {"value": _text},
    "ComboboxModel": {"value": _combobox},
    "ColorPickerModel": {"value": _color},
    "DatePickerModel": {"value": _moment(_DATE)},
    "TimeModel": {"value": _moment(_TIME)},
    "DatetimeModel": {"value": _DATETIME},
    "NaiveDatetimeModel": {"value": _DATETIME},
    "TagsInputModel": {"value": _tags(_text)},
    "ColorsInputModel": {"value": _tags(_color)},
    "FloatsInputModel": {"value": _tags(_float)},
    "IntsInputModel": {"value": _tags(_int)},
    "FileUploadModel": {"value": _files, "error": _no_error},
}

#: Model name -> what its page says to the kernel besides values.
MESSAGES: dict[str, tuple[dict[str, str], ...]] = {
    "ButtonModel": _CLICK,
    "ToggleButtonsModel": _CLICK,
    "TextModel": _SUBMIT,
    "PasswordModel": _SUBMIT,
    "ComboboxModel": _SUBMIT,
}


def is_file_content(path: list[Any], state: dict[str, Any]) -> bool:
    """Return whether a buffer of an input is the content of a file in its value."""
    files = state.get("value")
    return len(path) == 3 and path[0] == "value" and path[2] == "content" and _among(path[1], files)
