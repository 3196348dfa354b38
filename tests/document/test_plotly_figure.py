"""Changes of a plotly figure, applied as its page applies them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.document.plotly_figure import apply_changes
from jupyter_peer.document.widgets import WidgetSet

Json = dict[str, Any]
BARS: Json = {
    "_widget_data": [{"type": "bar", "y": [1, 2]}, {"type": "scatter", "y": [3, 4]}],
    "_widget_layout": {"title": {"text": "before"}, "height": 200},
}


def changed(**change: Any) -> Json:
    ((key, value),) = change.items()
    values, _ = apply_changes(BARS | {f"_py2js_{key}": value}, {})
    return values


@pytest.mark.parametrize(
    ("change", "data", "layout"),
    [
        (
            {
                "restyle": {
                    "restyle_data": {"y": [[9, 9]], "marker.color": "red"},
                    "restyle_traces": [0],
                }
            },
            [{"type": "bar", "y": [9, 9], "marker": {"color": "red"}}, BARS["_widget_data"][1]],
            BARS["_widget_layout"],
        ),
        (
            {
                "relayout": {
                    "relayout_data": {"title.text": "after", "height": None, "xaxis.range[1]": 3}
                }
            },
            BARS["_widget_data"],
            {"title": {"text": "after"}, "xaxis": {"range": []}},
        ),
        (
            {"update": {"style_data": {"visible": [False]}, "layout_data": {"width": 1}}},
            [trace | {"visible": False} for trace in BARS["_widget_data"]],
            BARS["_widget_layout"] | {"width": 1},
        ),
        (
            {"addTraces": {"trace_data": [{"type": "pie"}]}},
            [*BARS["_widget_data"], {"type": "pie"}],
            BARS["_widget_layout"],
        ),
        ({"deleteTraces": {"delete_inds": [0]}}, BARS["_widget_data"][1:], BARS["_widget_layout"]),
        (
            {"moveTraces": {"current_trace_inds": [0], "new_trace_inds": [1]}},
            BARS["_widget_data"][::-1],
            BARS["_widget_layout"],
        ),
        (
            {"animate": {"style_data": [{"y": [7]}], "layout_data": {}, "style_traces": [1]}},
            [BARS["_widget_data"][0], {"type": "scatter", "y": [7]}],
            BARS["_widget_layout"],
        ),
    ],
)
def test_each_change_leads_to_the_figure_it_describes(
    change: Json, data: list[Json], layout: Json
) -> None:
    assert changed(**change) == {"_widget_data": data, "_widget_layout": layout}


@pytest.mark.parametrize(
    "change",
    [None, {}, {"restyle_data": 3}, {"restyle_data": {"": 1}}, {"restyle_data": {"y[9].a": 1}},
     {"restyle_data": {"y": "_undefined_"}, "restyle_traces": [99, "x", True]}],
)  # fmt: skip
def test_a_change_that_means_nothing_leaves_the_figure(change: Any) -> None:
    values = changed(restyle=change)
    assert values in ({}, {key: BARS[key] for key in ("_widget_data", "_widget_layout")})


def test_binary_arrays_move_with_their_traces_and_the_weight_follows() -> None:
    widgets = WidgetSet()
    widgets.put("m", BARS)
    restyle = {"restyle_data": {"y": [{"dtype": "float64"}]}, "restyle_traces": [1]}
    path = ["_py2js_restyle", "restyle_data", "y", 0, "buffer"]
    widgets.update("m", {"_py2js_restyle": restyle}, [path], ["AAAA"])
    widgets.update("m", {"_py2js_restyle": None})
    widgets.update("m", {"_py2js_deleteTraces": {"delete_inds": [0]}})
    widgets.update("m", {"_py2js_deleteTraces": None})
    model = widgets.get("m")
    assert model is not None
    assert model.state["_widget_data"] == [{"type": "scatter", "y": {"dtype": "float64"}}]
    assert model.buffers == {("_widget_data", 0, "y", "buffer"): "AAAA"}
    assert widgets.weight == WidgetSet.from_document(widgets.document()).weight
