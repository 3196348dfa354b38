"""What viewers may do with each widget: its values, as its own page could set them, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import ipywidgets
import pytest
import traitlets

from jupyter_peer.document.widgets import Model
from jupyter_peer.errors import BadRequestError, NotGrantedError
from jupyter_peer.panes.owner.input.controls import CONTROLS, CORE_MODULES, MODULE
from jupyter_peer.panes.owner.input.rules import Act, check_act, own_keys_of_pages
from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import change, make, view
from tests.panes.owner.test_inputs import audit, reached, sliding
from tests.panes.widget_cells import PATIENCE, notebook, send, shown, turn, value
from tests.peers.nodes import two_nodes

Json = dict[str, Any]

CORE = {
    kind._model_name.default_value: kind
    for name in dir(ipywidgets)
    if isinstance(kind := getattr(ipywidgets, name), type)
    and issubclass(kind, ipywidgets.Widget)
    and getattr(kind, "_model_name", None) is not None
    and isinstance(kind._model_name, traitlets.Unicode)
}
CONTROL_NAMES = sorted(
    name for name, kind in CORE.items() if kind._model_module.default_value in CORE_MODULES
)


def model(name: str, module: str = MODULE, /, **state: Any) -> Model:
    made = Model()
    made.update({"_model_name": name, "_model_module": module, **state}, [], [])
    return made


def is_allowed(widget: Model, act: Act, other_widgets: str = "values") -> bool:
    with contextlib.suppress(NotGrantedError):
        check_act(widget, act, other_widgets)
        return True
    return False


def sets(widget: Model, other_widgets: str = "values", **state: Any) -> bool:
    return is_allowed(widget, Act(state, []), other_widgets)


def says(widget: Model, said: Any, other_widgets: str = "values", buffers: int = 0) -> bool:
    return is_allowed(widget, Act({}, [], said, True, buffers), other_widgets)


@pytest.mark.parametrize("name", CONTROL_NAMES)
def test_of_each_widget_of_ipywidgets_only_values_are_for_viewers(name: str) -> None:
    kind = CORE[name]
    state = {key: trait.default() for key, trait in kind.class_traits(sync=True).items()}
    widget = model(name, kind._model_module.default_value, **{
        key: each for key, each in state.items()
        if isinstance(each, str | int | float | bool | None) and not key.startswith("_model_")
    })  # fmt: skip
    values = {"value", "index", "selected_index", "playing", "repeat", "error"}
    for key in state:
        for new in (0, 1, True, "x", "", None, [], {}, [0, 1]):
            if sets(widget, **{key: new}):
                assert key in values, (key, new)
                assert key in CONTROLS[name]
    assert not sets(widget, max=10**9)
    assert not sets(widget, disabled=False)
    assert not sets(widget, description="<b>")
    assert not sets(widget, children=[])


def test_what_takes_no_input_takes_none() -> None:
    for name in ("ImageModel", "AudioModel", "VideoModel", "LabelModel", "HTMLModel", "BoxModel",
                 "HTMLMathModel", "IntProgressModel", "FloatProgressModel", "ValidModel", "StackModel",
                 "ControllerModel", "ControllerButtonModel", "OutputModel", "LayoutModel",
                 "LinkModel", "DirectionalLinkModel", "NoSuchModel"):  # fmt: skip
        widget = model(name, value=0, format="png", outputs=[], selected_index=0)
        for key, new in {"value": 1, "format": "url", "outputs": [], "selected_index": 0}.items():
            assert not sets(widget, **{key: new}), (name, key)
    picture = model("ImageModel", format="png")
    picture.update({}, [["value"]], ["AAAA"])
    assert not is_allowed(picture, Act({}, [["value"]], buffers=1))


DAY = {"year": 2026, "month": 10, "date": 29}
NOON = {"hours": 12, "minutes": 0, "seconds": 0, "milliseconds": 0}
FILE = {"name": "a.csv", "type": "text/csv", "size": 3, "last_modified": 1}
LIMITS = {"min": 2, "max": 5}
OPTIONS = {"_options_labels": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("name", "state", "good", "bad"),
    [
        ("IntTextModel", {}, [-1, 0, 10**9], [1.5, "1", None, True, [1]]),
        ("BoundedIntTextModel", LIMITS, [2, 5], [1, 6, 3.0, True]),
        ("IntSliderModel", LIMITS, [2, 3, 5], [1, 6, "3", None]),
        (
            "IntSliderModel",
            {"min": 1, "max": 10, "step": 4, "readout": False},
            [1, 5, 9, 10],
            [2, 8, 11],
        ),
        ("IntSliderModel", {"min": 1, "max": 10, "step": 4, "readout": True}, [1, 2], [0]),
        ("IntRangeSliderModel", LIMITS, [[2, 5], [3, 3]], [[5, 2], [1, 3], [3, 6], [3], 3, [3, "4"]]),
        ("FloatTextModel", {}, [1, 1.5], ["1", None, True, float("inf")]),
        ("BoundedFloatTextModel", LIMITS, [2.5], [1.99, 5.01]),
        ("FloatSliderModel", LIMITS, [2, 4.99], [5.1, None]),
        (
            "FloatSliderModel",
            {"min": 0, "max": 1, "step": 0.1, "readout": False},
            [0.1 + 0.2, 0.7, 1],
            [0.15, 0.999],
        ),
        ("FloatRangeSliderModel", LIMITS, [[2.5, 3]], [[3, 2.5], [0, 3]]),
        ("FloatLogSliderModel", {"base": 10, "min": 0, "max": 2}, [1, 50, 100], [0.5, 101, "1"]),
        ("PlayModel", LIMITS, [2, 5], [1, 6]),
        ("CheckboxModel", {}, [True, False], [1, "yes", None]),
        ("ToggleButtonModel", {}, [True], [0]),
        ("TextModel", {}, ["", "<b>typed</b>"], [1, None, ["a"]]),
        ("TextareaModel", {}, ["a\nb"], [{}]),
        ("PasswordModel", {}, ["secret"], [5]),
        ("ComboboxModel", {"options": ["a"], "ensure_option": True}, ["a", ""], ["b", 1]),
        ("ComboboxModel", {"options": ["a"], "ensure_option": False}, ["b"], [None]),
        ("ColorPickerModel", {}, ["#fff", "teal", "rgb(1, 2, 3)"], ["url(x)", "#ff;x", "", 1]),
        ("DatePickerModel", {}, [DAY, None], ["2026", {**DAY, "month": 12}, {"year": 1}, DAY | NOON]),
        ("DatePickerModel", {"min": DAY}, [DAY], [{**DAY, "date": 28}]),
        ("DatePickerModel", {"max": DAY}, [DAY], [{**DAY, "year": 2027}]),
        ("TimeModel", {}, [NOON], [{**NOON, "hours": 24}, DAY]),
        ("DatetimeModel", {}, [DAY | NOON], [DAY]),
        ("NaiveDatetimeModel", {}, [DAY | NOON], [NOON]),
        ("TagsInputModel", {"allowed_tags": [], "allow_duplicates": True}, [["a", "a"], []], ["a", [1]]),
        ("TagsInputModel", {"allowed_tags": ["a"]}, [["a"]], [["b"]]),
        ("TagsInputModel", {"allow_duplicates": False}, [["a", "b"]], [["a", "a"]]),
        ("ColorsInputModel", {}, [["red", "#123456"]], [["<b>"]]),
        ("IntsInputModel", LIMITS, [[2, 3]], [[1], [2.5]]),
        ("FloatsInputModel", LIMITS, [[2.5]], [[6]]),
        ("FileUploadModel", {"multiple": False}, [[FILE], []], [[FILE, FILE], FILE, [{"name": "a"}]]),
        ("FileUploadModel", {"multiple": True}, [[FILE, FILE]], [[{**FILE, "more": 1}], [{**FILE, "size": "3"}]]),
    ],
)  # fmt: skip
def test_a_value_that_the_owners_widget_could_not_produce_is_refused(
    name: str, state: Json, good: list[Any], bad: list[Any]
) -> None:
    widget = model(name, value=None, **state)
    for each in good:
        assert sets(widget, value=each), each
    for each in bad:
        assert not sets(widget, value=each), each


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        *(
            (name, [0, 2], [-1, 3, None, 1.0, "a", True])
            for name in ("DropdownModel", "RadioButtonsModel", "ToggleButtonsModel", "SelectModel",
                         "SelectionSliderModel")
        ),
        ("SelectMultipleModel", [[], [0, 2]], [[3], [0, 0], 0, ["a"]]),
        ("SelectionRangeSliderModel", [[0, 2], [1, 1]], [[2, 0], [0, 3], [0]]),
    ],
)  # fmt: skip
def test_only_the_options_can_be_selected(name: str, good: list[Any], bad: list[Any]) -> None:
    for each in good:
        assert sets(model(name, index=0, **OPTIONS), index=each), each
    for each in bad:
        assert not sets(model(name, index=0, **OPTIONS), index=each), each
    assert not sets(model(name, index=0), index=0)
    assert not sets(model(name, index=0, **OPTIONS), _options_labels=["d"])


def test_only_the_pages_of_a_tab_can_be_turned_to() -> None:
    for name in ("TabModel", "AccordionModel"):
        widget = model(name, children=["IPY_MODEL_a", "IPY_MODEL_b"], selected_index=0)
        assert sets(widget, selected_index=1)
        assert sets(widget, selected_index=None)
        assert not sets(widget, selected_index=2)


def test_files_have_their_contents_as_buffers_and_nothing_else_has_any() -> None:
    upload = model("FileUploadModel", value=[], multiple=True)
    assert is_allowed(upload, Act({"value": [FILE]}, [["value", 0, "content"]], buffers=1))
    assert not is_allowed(upload, Act({"value": [FILE]}, [["value", 1, "content"]], buffers=1))
    assert not is_allowed(upload, Act({"value": [FILE]}, [["value"]], buffers=1))
    assert not is_allowed(model("TextModel", value=""), Act({}, [["value"]], buffers=1))


def test_of_other_libraries_binary_values_stay_where_the_owner_has_them() -> None:
    array = Model()
    array.update({"_model_name": "A", "_model_module": "lib", "n": 1}, [["data"]], ["AAAA"])
    assert is_allowed(array, Act({}, [["data"]], buffers=1))
    assert not is_allowed(array, Act({}, [["n"]], buffers=1))
    assert not is_allowed(array, Act({}, [["data"], ["more"]], buffers=2))
    canvas = model("MPLCanvasModel", "jupyter-matplotlib")
    assert not says(canvas, {"type": "button_press", "x": 1, "y": 2}, buffers=1)


def test_a_slider_without_a_readout_stops_at_its_steps_alone() -> None:
    def slider(step: Any) -> Model:
        return model("FloatSliderModel", value=0.0, min=0.0, max=1.0, step=step, readout=False)

    assert sets(slider(0.25), value=0.5)
    assert not sets(slider(0.25), value=0.3)
    for no_step in (None, "a", 0, -1):
        assert sets(slider(no_step), value=0.3)


def test_a_disabled_widget_takes_nothing() -> None:
    assert not sets(model("IntTextModel", value=0, disabled=True), value=1)
    assert not says(model("ButtonModel", disabled=True), {"event": "click"})
    assert not sets(model("M", "other", value=0, disabled=True), "all", value=1)
    assert sets(model("IntTextModel", value=0, disabled=False), value=1)


def test_a_message_passes_only_where_its_meaning_is_known() -> None:
    click, submit = {"event": "click"}, {"event": "submit"}
    assert says(model("ButtonModel"), click)
    assert says(model("ToggleButtonsModel"), click)
    assert says(model("TextModel"), submit)
    for name, said in (
        ("ButtonModel", submit),
        ("ButtonModel", {**click, "more": 1}),
        ("ButtonModel", None),
        ("ButtonModel", [click]),
        ("TextModel", click),
        ("IntSliderModel", click),
        ("HTMLModel", click),
        ("OutputModel", {}),
    ):
        assert not says(model(name), said), (name, said)
    assert not says(model("ButtonModel"), click, buffers=1)
    canvas = model("MPLCanvasModel", "jupyter-matplotlib")
    assert says(canvas, {"type": "button_press", "x": 1, "y": 2})
    assert says(canvas, {"type": "toolbar_button", "name": "zoom"})
    for said in ({"type": "closing"}, {"type": "toolbar_button", "name": "save_figure"}, {}, "x"):
        assert not says(canvas, said)
    counter = model("AnyModel", "anywidget")
    assert not says(counter, {"kind": "anywidget-command", "name": "run"})
    assert says(counter, {"kind": "anywidget-command", "name": "run"}, "all")


def test_of_other_libraries_values_of_their_kind_pass() -> None:
    state = {"count": 1, "ratio": 0.5, "on": True, "name": "ada", "points": [1, 2], "range": {"a": 1},
             "nothing": None}  # fmt: skip
    widget = model("AnyModel", "anywidget", **state, layout="IPY_MODEL_l", child="IPY_MODEL_c")
    for good in ({"count": 2}, {"count": 2.5}, {"ratio": 1}, {"on": False}, {"name": "bob, b/c"},
                 {"points": [3, [4]]}, {"range": {"a": [1, "x"]}}, {"nothing": 5}, {"name": None}):  # fmt: skip
        assert sets(widget, **good), good
        assert not sets(widget, "none", **good), good
    for bad in ({"count": "2"}, {"on": 1}, {"name": 5}, {"points": {}}, {"range": []},
                {"layout": None}, {"child": "x"}, {"_esm": ""}, {"msg_id": "x"}):  # fmt: skip
        assert not sets(widget, **bad), bad


@pytest.mark.parametrize(
    "text",
    ["<img src=x>", "http://evil/", "//evil", "/logout", "../logout", "a/../../logout", "./x", "?logout",
     "data:text/html,x", " javascript:x", "\tJavaScript:x", "url(x)", "@import 'x'", "\\\\evil"],
)  # fmt: skip
def test_of_other_libraries_no_text_that_a_page_may_load_or_draw_passes(text: str) -> None:
    widget = model("LeafletTileLayerModel", "jupyter-leaflet", name="osm", more={"a": ["x"]})
    assert not sets(widget, name=text)
    assert not sets(widget, more={"a": [{"b": text}]})
    assert not sets(widget, more={text: 1})
    # The owner can allow it.
    assert sets(widget, "all", name=text)
    for key in ("url", "src", "href", "tile_url", "html"):
        assert not sets(model("M", "other", **{key: "x"}), **{key: "y"})


def test_whatever_the_owner_allows_no_code_and_no_other_widget_passes() -> None:
    widget = model("AnyModel", "anywidget", _esm="", _css="", _model_module_version="1", value=0,
                   description_allow_html=False, msg_id="", _js2py_relayout=None)  # fmt: skip
    for bad in ({"_esm": "x"}, {"_css": "x"}, {"_model_module_version": "2"}, {"msg_id": "x"},
                {"description_allow_html": True}, {"value": ["IPY_MODEL_x"]}):  # fmt: skip
        assert not sets(widget, "all", **bad), bad
    assert not says(widget, "IPY_MODEL_x", "all")
    assert sets(widget, _js2py_relayout={"relayout_data": {"xaxis.range[0]": 1}})
    assert not sets(widget, _js2py_relayout={"relayout_data": {"images[0].source": "/logout"}})


def test_what_pages_write_by_themselves_is_nobodys_act() -> None:
    figure = model("FigureModel", "jupyterlab-plotly", _js2py_layoutDelta=None, _js2py_relayout=None,
                   _last_layout_edit_id=0, _view_count=None)  # fmt: skip
    keys = {"_js2py_layoutDelta", "_last_layout_edit_id", "_view_count", "unknown"}
    assert own_keys_of_pages(figure, {*keys, "_js2py_relayout"}) == keys
    # The address of the page that shows it.
    a_map = model("LeafletMapModel", "jupyter-leaflet", window_url="", zoom=3)
    assert own_keys_of_pages(a_map, {"window_url", "zoom"}) == {"window_url"}


# With nodes.


async def test_an_unknown_key_is_left_out_and_the_rest_goes_on() -> None:
    async with sliding() as (ada, _, watch):
        await turn(watch, "slider", value=5, unknown=1, _view_count=2)
        await turn(watch, "slider", unknown=1)
        assert reached(ada) == [{"value": 5}]
        assert audit(ada, "pane_input_refused") == []


async def test_a_click_that_waits_is_dropped_when_its_button_is_disabled() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact")
        make(ada.kernel, "button", "ButtonModel", disabled=False)
        view(ada.kernel, "button")
        watch = await bob.watcher.open(ada.id, "loss")
        click = {"method": "custom", "content": {"event": "click"}}
        await send(watch, "button", click)
        await send(watch, "button", click)
        change(ada.kernel, "button", ada.kernel.sent[0].msg_id, disabled=True)
        ada.kernel.idle(ada.kernel.sent[0].msg_id)
        assert len(ada.kernel.sent) == 1


async def test_a_value_that_fits_no_more_when_its_turn_comes_is_taken_back_everywhere() -> None:
    async with sliding() as (ada, _, watch):
        # So large that the pane is not sent whole instead of what is new.
        change(ada.kernel, "slider", tooltip="x" * 2000)
        await turn(watch, "slider", value=50)
        await turn(watch, "slider", id="late", value=90)
        change(ada.kernel, "slider", "sent-0", value=50, max=60)
        ada.kernel.idle("sent-0")
        assert reached(ada) == [{"value": 50}]
        await until(lambda: "late" in [m.get("re") for m in watch.state.held()[1]["messages"]])
        assert watch.state.widgets.get("slider").state["value"] == 50


async def test_what_a_link_sets_in_the_viewers_page_is_not_the_viewers_fault() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact")
        make(ada.kernel, "slider", value=0, min=0, max=9)
        make(ada.kernel, "bar", "IntProgressModel", value=0)
        ends = {"source": ["IPY_MODEL_slider", "value"], "target": ["IPY_MODEL_bar", "value"]}
        make(ada.kernel, "link", "DirectionalLinkModel", **ends)
        children = ["IPY_MODEL_slider", "IPY_MODEL_bar"]
        make(ada.kernel, "box", "VBoxModel", children=children)
        view(ada.kernel, "box")
        watch = await bob.watcher.open(ada.id, "loss")
        await turn(watch, "slider", value=3)
        await turn(watch, "bar", value=3)
        assert reached(ada) == [{"value": 3}]
        assert audit(ada, "pane_input_refused") == []


async def test_who_may_only_view_is_not_blamed_for_what_the_page_does() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        make(ada.kernel, "play", "PlayModel", value=0, min=0, max=99, playing=True)
        view(ada.kernel, "play")
        watch = await bob.watcher.open(ada.id, "loss")
        await turn(watch, "play", value=1)
        with pytest.raises(NotGrantedError):
            await turn(watch, "play", playing=False)
        assert reached(ada) == []


@pytest.mark.parametrize("kind", ["LinkModel", "DirectionalLinkModel"])
async def test_what_follows_a_play_by_links_does_not_count_once_more(kind: str) -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact")
        numbers = {"min": 0, "max": 99, "step": 1}
        make(ada.kernel, "play", "PlayModel", value=20, interval=200, playing=True, **numbers)
        make(ada.kernel, "slider", value=20, **numbers)
        make(ada.kernel, "far", "FloatSliderModel", value=20, **numbers)
        ends = [[f"IPY_MODEL_{each}", "value"] for each in ("play", "slider", "far")]
        for at in range(2):
            make(ada.kernel, f"link{at}", kind, source=ends[at], target=ends[at + 1])
        children = [f"IPY_MODEL_{each}" for each in ("play", "slider", "far")]
        make(ada.kernel, "box", "VBoxModel", children=children)
        view(ada.kernel, "box")
        watch = await bob.watcher.open(ada.id, "loss")
        # The page of the owner drives, and Bob's counts too: a little behind or before it.
        for value in (19, 21, 25):
            await turn(watch, "play", value=value)
            await turn(watch, "slider", value=value)
            await turn(watch, "far", value=float(value))
        assert reached(ada) == []
        # What Bob sets is far from it, or after the end of the play.
        await turn(watch, "slider", value=60)
        ada.kernel.idle("sent-0")
        change(ada.kernel, "play", "page", echo=True, playing=False)
        await turn(watch, "slider", value=21)
        assert reached(ada) == [{"value": 60}, {"value": 21}]
        assert audit(ada, "pane_input_refused") == []


async def test_one_page_drives_a_play() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact")
        make(ada.kernel, "play", "PlayModel", value=0, min=0, max=99, playing=False)
        view(ada.kernel, "play")
        watch = await bob.watcher.open(ada.id, "loss")

        def done() -> None:
            for sent in list(ada.kernel.sent):
                ada.kernel.idle(sent.msg_id)

        # Bob starts it and nobody else has a page: his counts.
        await turn(watch, "play", playing=True)
        change(ada.kernel, "play", "sent-0", echo=True, playing=True)
        done()
        await turn(watch, "play", value=1)
        change(ada.kernel, "play", "sent-1", echo=True, value=1)
        done()
        # A page of the owner counts too: from now on it alone does.
        change(ada.kernel, "play", "page", echo=True, value=2)
        await turn(watch, "play", value=2)
        assert reached(ada) == [{"playing": True}, {"value": 1}]
        # Stopping is Bob's act, and so is what he chooses then.
        await turn(watch, "play", playing=False)
        await turn(watch, "play", value=0)
        done()
        change(ada.kernel, "play", "sent-2", echo=True, playing=False)
        done()
        await turn(watch, "play", value=7)
        done()
        # The owner starts it.
        change(ada.kernel, "play", "page", echo=True, playing=True)
        await turn(watch, "play", value=8)
        assert reached(ada)[2:] == [{"playing": False}, {"value": 0}, {"value": 7}]
        assert audit(ada, "pane_input_refused") == []


async def test_what_an_owner_allows_of_other_widgets_is_one_of_three() -> None:
    async with two_nodes() as (ada, bob):
        with pytest.raises(BadRequestError) as refused:
            await ada.share(to=bob, other_widgets="some")
        assert "values" in refused.value.hint


ATTACKED = """
import ipywidgets as w
from IPython.display import display
slider = w.IntSlider(max=10, description="n"); button = w.Button(disabled=True)
clicks = []; button.on_click(clicks.append)
image = w.Image(value=b"x", format="png"); box = w.VBox([slider, button, image]); display(box)
"""


async def test_a_viewer_changes_nothing_but_values_of_a_real_kernels_widgets() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(ATTACKED, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider, box = await shown(watch), await shown(watch, "VBoxModel")
        button, image = await shown(watch, "ButtonModel"), await shown(watch, "ImageModel")
        attacks = [
            turn(watch, slider, max=99),
            turn(watch, slider, min=-5),
            turn(watch, slider, disabled=True),
            turn(watch, slider, description="<b>"),
            turn(watch, slider, value=11),
            turn(watch, box, children=[]),
            turn(watch, image, format="url"),
            send(watch, image, {"method": "update", "state": {}, "buffer_paths": [["value"]]},
                 buffers=["L2xvZ291dA=="]),
            send(watch, button, {"method": "custom", "content": {"event": "click"}}),
        ]  # fmt: skip
        results = await asyncio.gather(*attacks, return_exceptions=True)
        assert [type(each) for each in results] == [NotGrantedError] * len(attacks)
        await turn(watch, slider, value=4)
        await until(lambda: value(watch) == 4, timeout=PATIENCE)
        told = "slider.max, slider.min, slider.disabled, slider.description, slider.value, "
        told += "len(box.children), image.format, bytes(image.value), clicks"
        assert await book.tell(f"({told})") == "(10, 0, False, 'n', 4, 3, 'png', b'x', [])"
