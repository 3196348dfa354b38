"""Keeps data and layout of plotly's ``FigureWidget`` up to date.

The widget sends changes to its pages in keys that are set and reset at once (``_py2js_restyle`` and
others). ``_widget_data`` and ``_widget_layout`` keep their first values, and each page applies the
changes itself. This module does the same, so that a late viewer sees the current figure.

Source: plotly 6 and 7, ``js/src/widget.ts`` (class ``FigureModel``) and ``basewidget.py``.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]
Path = tuple[str | int, ...]

DATA, LAYOUT = "_widget_data", "_widget_layout"
_CHANGE = "_py2js_"
#: Plotly's value for "unchanged".
_UNDEFINED = "_undefined_"
_STEP = re.compile(r"[^.\[\]]+")


class _Buffer(str):
    """Binary data, as base64, at its place in the state."""

    __slots__ = ()


def changes_figure(key: str) -> bool:
    """Whether a key of a figure's state holds a change."""
    return key.startswith(_CHANGE)


def apply_changes(
    state: Mapping[str, Any], buffers: Mapping[Path, str]
) -> tuple[Json, dict[Path, str]]:
    """Return the data and the layout of a figure after the changes in its state.

    Args:
        state: State of the model, with ``_py2js_*`` keys.
        buffers: Buffers of the model, as base64 by their path.

    Returns:
        New values of :data:`DATA` and :data:`LAYOUT`, and the buffers in these. Both are empty when
        nothing changes.
    """
    asked = [key for key in state if key in _APPLY and isinstance(state[key], dict)]
    if not asked or not isinstance(state.get(DATA), list):
        return {}, {}
    tree = _filled({key: state.get(key) for key in (DATA, LAYOUT, *asked)}, buffers)
    figure = _Figure(tree[DATA], tree[LAYOUT] if isinstance(tree[LAYOUT], dict) else {})
    for key in asked:
        _APPLY[key](figure, tree[key])
    emptied: dict[Path, str] = {}
    values = _emptied({DATA: figure.data, LAYOUT: figure.layout}, (), emptied)
    return values, emptied


class _Figure:
    def __init__(self, data: list[Any], layout: Json) -> None:
        self.data = data
        self.layout = layout

    def traces(self, asked: Any) -> list[Any]:
        """Return the traces that a change applies to; all of them if it names none."""
        if asked is None:
            return self.data
        indices = asked if isinstance(asked, list) else [asked]
        return [self.data[each] for each in indices if _is_index(each, self.data)]

    def restyle(self, style: Any, asked: Any) -> None:
        traces = self.traces(asked)
        for key, value in style.items() if isinstance(style, dict) else ():
            values = value if isinstance(value, list) and value else [value]
            for number, trace in enumerate(traces):
                _assign(trace, key, values[number % len(values)])

    def relayout(self, layout: Any) -> None:
        _assign_all(self.layout, layout)

    def animate(self, change: Json) -> None:
        styles = change.get("style_data")
        for trace, style in zip(
            self.traces(change.get("style_traces")),
            styles if isinstance(styles, list) else (),
            strict=False,
        ):
            _assign_all(trace, style)
        self.relayout(change.get("layout_data"))

    def update(self, change: Json) -> None:
        self.restyle(change.get("style_data"), change.get("style_traces"))
        self.relayout(change.get("layout_data"))

    def add(self, traces: Any) -> None:
        self.data += traces if isinstance(traces, list) else []

    def delete(self, indices: Any) -> None:
        gone = set(indices) if isinstance(indices, list) else set()
        self.data = [trace for index, trace in enumerate(self.data) if index not in gone]

    def move(self, change: Json) -> None:
        before, after = change.get("current_trace_inds"), change.get("new_trace_inds")
        if not isinstance(before, list) or not isinstance(after, list):
            return
        pairs = [
            (new, self.data[old])
            for old, new in zip(before, after, strict=False)
            if _is_index(old, self.data) and _is_index(new, self.data)
        ]
        self.delete(before)
        for index, trace in sorted(pairs, key=lambda pair: pair[0]):
            self.data.insert(index, trace)


_APPLY: dict[str, Callable[[_Figure, Json], None]] = {
    "_py2js_addTraces": lambda figure, change: figure.add(change.get("trace_data")),
    "_py2js_deleteTraces": lambda figure, change: figure.delete(change.get("delete_inds")),
    "_py2js_moveTraces": _Figure.move,
    "_py2js_restyle": lambda figure, change: figure.restyle(
        change.get("restyle_data"), change.get("restyle_traces")
    ),
    "_py2js_relayout": lambda figure, change: figure.relayout(change.get("relayout_data")),
    "_py2js_update": _Figure.update,
    "_py2js_animate": _Figure.animate,
}


def _is_index(value: Any, items: list[Any]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(items)


def _assign_all(target: Any, values: Any) -> None:
    for key, value in values.items() if isinstance(values, dict) else ():
        _assign(target, key, value)


def _assign(target: Any, key: str, value: Any) -> None:
    """Set a value by plotly's path (``marker.color``, ``xaxis.range[0]``); None removes it."""
    steps = [int(step) if step.isdigit() else step for step in _STEP.findall(key)]
    if value == _UNDEFINED or not steps:
        return
    for step, following in itertools.pairwise(steps):
        target = _child(target, step, [] if isinstance(following, int) else {})
    last = steps[-1]
    if isinstance(target, list):
        if _is_index(last, target):
            target[int(last)] = copy.deepcopy(value)
        elif last == len(target):
            target.append(copy.deepcopy(value))
    elif isinstance(target, dict):
        if value is None:
            target.pop(str(last), None)
        else:
            target[str(last)] = copy.deepcopy(value)


def _child(target: Any, step: str | int, empty: Any) -> Any:
    if isinstance(target, list):
        if step == len(target):
            target.append(empty)
        return target[int(step)] if _is_index(step, target) else None
    if not isinstance(target, dict):
        return None
    child = target.get(str(step))
    if not isinstance(child, dict | list):
        child = target[str(step)] = empty
    return child


def _filled(values: Json, buffers: Mapping[Path, str]) -> Json:
    """Return a copy of some keys of a state with the buffers inserted."""
    tree: Json = copy.deepcopy(values)
    for path, data in buffers.items():
        if path[0] in tree:
            target: Any = tree
            for step in path[:-1]:
                target = _child(target, step, {})
            if isinstance(target, dict):
                target[str(path[-1])] = _Buffer(data)
    return tree


def _emptied(value: Any, path: Path, buffers: dict[Path, str]) -> Any:
    """Return a copy without buffers; add these to ``buffers`` by their paths."""
    if isinstance(value, dict):
        kept = {}
        for key, item in value.items():
            if isinstance(item, _Buffer):
                here = (*path, key)
                buffers[here] = str(item)
            else:
                kept[key] = _emptied(item, (*path, key), buffers)
        return kept
    if isinstance(value, list):
        return [_emptied(item, (*path, index), buffers) for index, item in enumerate(value)]
    return value
