from __future__ import annotations

import contextlib
import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from jupyter_peer.document.widgets import VIEW_MIME, WidgetSet, compact_comms, references
from jupyter_peer.errors import MalformedError, PeerError, TooLargeError
from jupyter_peer.wire.payloads.hub import convert
from jupyter_peer.wire.payloads.panes import check_messages
from jupyter_peer.wire.payloads.widgets import (
    MAX_INPUT,
    MAX_MODELS,
    InputMessage,
    PaneInput,
    check_document,
    check_input,
    decode_buffer,
    encode_buffer,
)
from tests.panes.messages import comms, json_values

Json = dict[str, Any]


def opening(model_id: str = "m", buffers: tuple[str, ...] = (), **state: Any) -> Json:
    paths = [[key] for key in state if key.startswith("binary")]
    kept = {key: value for key, value in state.items() if not key.startswith("binary")}
    return {
        "msg_type": "comm_open",
        "content": {
            "comm_id": model_id,
            "target_name": "jupyter.widget",
            "data": {"state": kept, "buffer_paths": paths},
        },
        "buffers": list(buffers),
    }


def update(
    model_id: str = "m",
    paths: list[Any] | None = None,
    buffers: tuple[str, ...] = (),
    re: str | None = None,
    **state: Any,
) -> Json:
    data = {
        "method": "echo_update" if re else "update",
        "state": state,
        "buffer_paths": paths or [],
    }
    message: Json = {
        "msg_type": "comm_msg",
        "content": {"comm_id": model_id, "data": data},
        "buffers": list(buffers),
    }
    return message | ({"re": re} if re else {})


def folded(messages: list[Json]) -> Json:
    widgets = WidgetSet()
    for message in messages:
        widgets.apply(message)
    return widgets.document()


def test_an_update_replaces_the_keys_it_names_with_their_buffers() -> None:
    widgets = WidgetSet()
    widgets.apply(opening(value=1, min=0))
    widgets.apply(update(paths=[["data", 0, "x"], ["raw"]], buffers=("AAAA", "AQID"), data=[{}]))
    model = widgets.document()["state"]["m"]
    assert model["state"] == {"value": 1, "min": 0, "data": [{}]}
    assert model["buffers"] == [
        {"path": ["data", 0, "x"], "encoding": "base64", "data": "AAAA"},
        {"path": ["raw"], "encoding": "base64", "data": "AQID"},
    ]
    widgets.apply(update(data=[], raw=None, value=2))
    assert widgets.document()["state"]["m"]["state"] == {
        "value": 2,
        "min": 0,
        "data": [],
        "raw": None,
    }
    assert "buffers" not in widgets.document()["state"]["m"]
    widgets.apply({"msg_type": "comm_close", "content": {"comm_id": "m"}})
    assert widgets.document()["state"] == {}
    assert widgets.weight == 0
    assert not widgets.apply(update(value=3))


def test_a_document_does_not_change_afterwards() -> None:
    widgets = WidgetSet()
    widgets.apply(opening(value=1))
    document = widgets.document()
    before = copy.deepcopy(document)
    widgets.apply(update(value=2, paths=[["raw"]], buffers=("AAAA",)))
    assert document == before


@given(st.lists(comms(), max_size=12))
def test_a_document_brings_the_models_it_was_made_of(messages: list[Json]) -> None:
    widgets = WidgetSet()
    for message in messages:
        widgets.apply(message)
    document = widgets.document()
    assert check_document(copy.deepcopy(document)) == document
    assert WidgetSet.from_document(document).document() == document
    whole = [model.opening(each) for each in widgets if (model := widgets.get(each))]
    assert folded(check_messages(whole)) == document


@given(st.lists(comms(), max_size=6), st.lists(comms(), max_size=14))
def test_fewer_messages_lead_to_the_same_models(before: list[Json], after: list[Json]) -> None:
    fewer = compact_comms(after)
    assert len(fewer) <= len(after)
    assert folded(before + fewer) == folded(before + after)


@given(st.lists(comms(), max_size=14))
def test_the_weight_is_that_of_what_is_there(messages: list[Json]) -> None:
    widgets = WidgetSet()
    for message in messages:
        widgets.apply(message)
    fresh = WidgetSet.from_document(widgets.document())
    assert 0.5 * fresh.weight <= widgets.weight <= 2 * fresh.weight


def test_of_a_drag_the_newest_value_stays_and_the_last_echo() -> None:
    moves = [opening(value=0), *(update(re=f"i{n}", value=n) for n in range(1, 100))]
    fewer = compact_comms([*moves, update(value=50)])
    assert [message.get("re") for message in fewer] == [None, "i99", None]
    assert folded(fewer)["state"]["m"]["state"] == {"value": 50}


def test_a_value_that_is_set_and_reset_at_once_is_a_command_and_stays() -> None:
    commands = [update(run=text) for text in ("first", None, "second", None)]
    assert compact_comms([*commands, update(value=1)]) == [*commands, update(value=1)]
    # What goes on beside them is folded as ever.
    moves = [update(value=number) for number in range(1, 100)]
    assert compact_comms([*moves, *commands, *moves]) == [*commands, moves[-1]]
    flash = [update(on=True), update(on=False)]
    assert compact_comms(flash * 3) == flash * 3


def test_a_reset_to_the_value_before_the_messages_is_a_command_too() -> None:
    flash = [update(text="pressed"), update(text="rest")]
    assert compact_comms(flash, {("m", "text"): "rest"}) == flash
    assert compact_comms(flash, {("m", "text"): "before"}) == flash[1:]
    assert compact_comms([opening(text="rest"), *flash]) == [opening(text="rest"), *flash]


@pytest.mark.parametrize("rest", [None, False, 0, "", [], {}])
@pytest.mark.parametrize("reset", [None, False, 0, "", [], {}])
def test_a_reset_to_another_value_without_effect_is_a_command_too(rest: Any, reset: Any) -> None:
    # The first change of a plotly figure: `_py2js_update` begins with {} and is reset to None.
    flash = [update(change={"y": 1}), update(change=reset)]
    assert compact_comms([update(n=1), *flash], {("m", "change"): rest}) == [update(n=1), *flash]
    assert compact_comms([opening(change=rest), *flash]) == [opening(change=rest), *flash]


@given(st.lists(comms(), max_size=14))
def test_what_is_folded_once_stays_when_it_is_folded_again(messages: list[Json]) -> None:
    fewer = compact_comms(messages)
    assert compact_comms(fewer) == fewer


def test_a_message_finds_the_values_of_its_time() -> None:
    said = {
        "msg_type": "comm_msg",
        "content": {"comm_id": "m", "data": {"method": "custom", "content": 1}},
    }
    whole = [update(value=2), said, update(value=3), said, update(value=4)]
    assert compact_comms([update(value=1), *whole]) == whole


def test_what_a_widget_says_stays_as_long_as_the_widget() -> None:
    said = {
        "msg_type": "comm_msg",
        "content": {"comm_id": "m", "data": {"method": "custom", "content": 1}},
    }
    assert compact_comms([said, update(value=1), said]) == [said, update(value=1), said]
    gone = {"msg_type": "comm_close", "content": {"comm_id": "m"}}
    assert compact_comms([opening(), said, gone]) == [gone]


def test_references_are_found_wherever_they_stand() -> None:
    captured = {"data": {VIEW_MIME: {"model_id": "shown"}}}
    value = {"a": ["IPY_MODEL_x", {"b": "IPY_MODEL_y"}], "outputs": [captured], "c": "IPY_z"}
    assert references(value) == {"x", "y", "shown"}
    assert references("IPY_MODEL_q") == {"q"}
    deep: Any = "IPY_MODEL_deep"
    for _ in range(10_000):
        deep = [deep]
    assert references(deep) == {"deep"}


@given(st.binary(max_size=200))
def test_buffers_come_back_as_they_were(data: bytes) -> None:
    assert decode_buffer(encode_buffer(data)) == data


@given(st.recursive(json_values | comms(), lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_widget_payloads_raise_nothing_but_malformed(value: Any) -> None:
    with contextlib.suppress(MalformedError):
        check_messages([value])
    with contextlib.suppress(MalformedError):
        check_document(value)
    with contextlib.suppress(PeerError):
        check_input(convert({"pane": "p", "message": value}, PaneInput).message)


@pytest.mark.parametrize(
    "change",
    [
        {"msg_type": "comm_info_request"},
        {"buffers": ["A"]},
        {"buffers": ["AAA-"]},
        {"buffers": ["AAAA"]},
        {"buffers": [1]},
        {"re": "x" * 65},
        {"re": "<b>"},
        {"content": {}},
        {"content": {"comm_id": "", "data": {"method": "update", "state": {}}}},
        {"content": {"comm_id": "m" * 257, "data": {"method": "update", "state": {}}}},
        {"content": {"comm_id": 1, "data": {"method": "update", "state": {}}}},
        {"content": {"comm_id": "m", "data": {"method": "request_state"}}},
        {"content": {"comm_id": "m", "data": {"method": "update", "state": []}}},
        {
            "content": {
                "comm_id": "m",
                "data": {"method": "update", "state": {}, "buffer_paths": [[0]]},
            },
            "buffers": ["AAAA"],
        },
        {
            "content": {
                "comm_id": "m",
                "data": {"method": "update", "state": {}, "buffer_paths": [["a"] * 33]},
            },
            "buffers": ["AAAA"],
        },
        {
            "content": {
                "comm_id": "m",
                "data": {"method": "update", "state": {str(n): 0 for n in range(4097)}},
            }
        },
    ],
)
def test_a_comm_message_of_another_shape_is_refused(change: Json) -> None:
    with pytest.raises(MalformedError):
        check_messages([update(value=1) | change])


def test_a_document_with_too_many_models_is_refused() -> None:
    model = {"model_name": "", "model_module": "", "model_module_version": "", "state": {}}
    most = {str(number): model for number in range(MAX_MODELS)}
    assert len(check_document({"state": most})["state"]) == MAX_MODELS
    with pytest.raises(MalformedError):
        check_document({"state": most | {"one more": model}})


def _input(data: Json, buffers: list[str] | None = None) -> InputMessage:
    message = {"msg_type": "comm_msg", "content": {"comm_id": "m", "data": data}}
    return msgspec.convert(message | {"buffers": buffers or []}, InputMessage)


def test_an_input_is_bounded_in_size_and_depth() -> None:
    check_input(_input({"method": "update", "state": {"value": "x" * (MAX_INPUT - 100)}}))
    with pytest.raises(TooLargeError):
        check_input(_input({"method": "update", "state": {"value": "x" * MAX_INPUT}}))
    with pytest.raises(TooLargeError):
        check_input(_input({"method": "custom"}, ["AAAA" * (MAX_INPUT // 4 + 1)]))
    deep: Any = 1
    for _ in range(20):
        deep = [deep]
    for data in ({"method": "update", "state": {"v": deep}}, {"method": "custom", "content": deep}):
        with pytest.raises(MalformedError):
            check_input(_input(data))


@pytest.mark.parametrize("method", ["echo_update", "update_states", "request_state", "", None])
def test_an_input_updates_or_says_something_and_nothing_else(method: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        _input({"method": method, "state": {}})
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(opening(), InputMessage)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"msg_type": "comm_close", "content": {"comm_id": "m"}}, InputMessage)
