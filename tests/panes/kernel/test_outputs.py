from __future__ import annotations

import copy
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings, strategies as st
from nbclient.client import NotebookClient

from jupyter_peer.document.outputs import OutputList, weigh
from jupyter_peer.panes.kernel.outputs import MAX_DEPTH, clean, decode
from jupyter_peer.wire.payloads.panes import MAX_OUTPUTS, check_messages, check_outputs
from tests.panes.kernels import display
from tests.panes.messages import Message, messages

Json = dict[str, Any]


def as_nbclient_has_it(sequence: list[Message]) -> list[Json]:
    """Return the outputs nbclient makes of messages, with streams merged as nbformat stores them."""
    cell = nbformat.v4.new_code_cell("")
    client = NotebookClient(nbformat.v4.new_notebook(cells=[cell]))
    client.reset_execution_trackers()
    client.clear_before_next_output = False
    for kind, content in sequence:
        message = {
            "msg_type": kind,
            "header": {"msg_type": kind},
            "parent_header": {"msg_id": "cell"},
            "content": nbformat.from_dict(copy.deepcopy(content)),
        }
        client.process_message(message, cell, 0)
    merged: list[Json] = []
    for output in cell.outputs:
        plain = _plain(output)
        if (
            merged
            and plain["output_type"] == merged[-1]["output_type"] == "stream"
            and plain["name"] == merged[-1]["name"]
        ):
            merged[-1]["text"] += plain["text"]
        else:
            merged.append(plain)
    return merged


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


@given(st.lists(messages(), max_size=20))
@settings(max_examples=200)
def test_outputs_are_those_of_nbclient(sequence: list[Message]) -> None:
    outputs = OutputList()
    for kind, content in sequence:
        outputs.apply(kind, content)
    assert outputs.outputs == as_nbclient_has_it(sequence)
    check_outputs(outputs.outputs, outputs.display_ids)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("", outputs=nbformat.from_dict(outputs.outputs))]
    )
    nbformat.validate(notebook)


@given(st.lists(messages(), max_size=12))
@settings(max_examples=100)
def test_a_follower_that_begins_anywhere_ends_with_the_same(sequence: list[Message]) -> None:
    owner = OutputList(text_limit=2048, max_weight=30_000)
    for middle in range(len(sequence)):
        owner = OutputList(text_limit=2048, max_weight=30_000)
        for kind, content in sequence[:middle]:
            owner.apply(kind, content)
        follower = OutputList.from_state(copy.deepcopy(owner.state()))
        for kind, content in sequence[middle:]:
            effect = owner.apply(kind, content)
            if effect is not None:
                follower.apply(effect["msg_type"], effect["content"])
        follower.truncated = owner.truncated
        assert follower.state() == owner.state()


def test_a_stream_keeps_its_newest_text_and_says_how_much_was_cut() -> None:
    outputs = OutputList(text_limit=100)
    for number in range(5000):
        outputs.apply("stream", {"name": "stdout", "text": f"{number:04}\n"})
    (output,) = outputs.outputs
    assert output["text"] == "".join(f"{number:04}\n" for number in range(4980, 5000))
    assert outputs.truncated == 25_000 - 100
    outputs.apply("stream", {"name": "stderr", "text": "x" * 1000})
    assert outputs.outputs[1]["text"] == "x" * 100
    assert outputs.truncated == 25_000 - 100 + 900
    outputs.apply("clear_output", {"wait": False})
    assert outputs.truncated == 0


def test_an_output_that_does_not_fit_is_replaced_by_one_note() -> None:
    outputs = OutputList(max_weight=10_000)
    outputs.apply("display_data", display("x" * 5000, "d"))
    for _ in range(100):
        outputs.apply("display_data", display("y" * 6000))
    assert len(outputs) == 2
    assert "left out" in outputs.outputs[1]["data"]["text/plain"]
    assert outputs.apply("display_data", display("small")) is not None
    assert outputs.outputs[2]["data"]["text/plain"] == "small"
    outputs.apply("update_display_data", display("z" * 20_000, "d"))
    assert "left out" in outputs.outputs[0]["data"]["text/plain"]
    outputs.apply("update_display_data", display("fits", "d"))
    assert outputs.outputs[0]["data"]["text/plain"] == "fits"
    outputs.apply("clear_output", {"wait": True})
    outputs.apply("display_data", display("y" * 6000))
    assert [output["data"]["text/plain"] for output in outputs.outputs] == ["y" * 6000]


def test_outputs_without_end_are_bounded_in_number_and_weight() -> None:
    outputs = OutputList(max_weight=10_000_000)
    for number in range(3 * MAX_OUTPUTS):
        outputs.apply("display_data", display("", f"d{number}"))
    assert len(outputs) <= MAX_OUTPUTS
    assert outputs.weight <= 10_000_000 + 2_000_000


def test_weight_covers_what_is_sent_and_what_is_held() -> None:
    assert weigh("x" * 10_000_000) >= 10_000_000
    assert weigh("ä" * 10_000_000) >= 20_000_000
    assert weigh("\x1b" * 1000) >= 6000
    assert weigh([[]] * 100_000) >= 6_000_000
    assert weigh(list(range(100_000))) >= 1_000_000
    assert weigh({"a": {"b": {"c": {"d": "x" * 5000}}}}) >= 5000
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert weigh(deep) > 0


kernel_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(
    st.sampled_from(
        ["stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"]
    ),
    kernel_values
    | st.fixed_dictionaries(
        {},
        optional={
            "name": kernel_values,
            "text": kernel_values,
            "data": st.dictionaries(
                st.sampled_from(["text/plain", "application/json", "a+json", "x" * 300]),
                kernel_values,
            )
            | kernel_values,
            "metadata": kernel_values,
            "transient": kernel_values | st.just({"display_id": "d"}),
            "execution_count": kernel_values,
            "traceback": kernel_values,
            "wait": kernel_values,
        },
    ),
)
@settings(max_examples=400)
def test_whatever_a_kernel_sends_becomes_what_peers_accept(msg_type: str, content: Any) -> None:
    import json

    from jupyter_peer.wire.link.envelope import canonical_bytes, from_canonical

    raw = json.dumps(content).encode()
    cleaned = clean(msg_type, decode(raw))
    if cleaned is not None:
        message = {"msg_type": msg_type, "content": cleaned}
        assert check_messages([message]) == [message]
        canonical = canonical_bytes(
            type="pane_update",
            msg_id="0" * 32,
            re=None,
            src="a" * 16,
            ts=0.0,
            data={"messages": [message]},
        )
        from_canonical(canonical)


def test_what_is_nested_too_deeply_is_left_out() -> None:
    for depth in (MAX_DEPTH - 1, MAX_DEPTH + 5, 100_000):
        value: Any = "x"
        for _ in range(depth):
            value = [value]
        cleaned = clean("display_data", {"data": {"application/json": value, "text/plain": "t"}})
        assert cleaned is not None
        assert cleaned["data"]["text/plain"] == "t"
        is_kept = isinstance(cleaned["data"]["application/json"], list)
        assert is_kept == (depth < MAX_DEPTH)
    assert clean("stream", {"text": value}) is not None
    with pytest.raises(ValueError):
        decode(b"[" * 100_000)


@pytest.mark.parametrize("content", [None, [], "x", 3])
def test_what_is_no_content_is_left_out(content: Any) -> None:
    for kind in ("stream", "display_data", "error", "clear_output", "comm_msg"):
        assert clean(kind, content) is None
    assert clean("display_data", {"data": "x"}) is None
    assert clean("update_display_data", display("without an id")) is None
