"""Sequences of a kernel's messages for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
Message = tuple[str, Json]

DISPLAY_IDS = ("a", "b")

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.just("$buffer"), inner, max_size=3)
    ),
    max_leaves=6,
)

# Long enough to be cut, to be sent by reference, or not to fit.
texts = st.text(max_size=12) | st.builds(
    lambda text, times: text * times, st.sampled_from("xä\n\x1b"), st.integers(1000, 6000)
)


@st.composite
def data(draw: st.DrawFn) -> Json:
    bundle: Json = {"text/plain": draw(texts)}
    if draw(st.booleans()):
        bundle["application/vnd.x+json"] = draw(json_values)
    return bundle


@st.composite
def messages(draw: st.DrawFn) -> Message:
    kind = draw(
        st.sampled_from(
            [
                "stream",
                "stream",
                "display_data",
                "display_data",
                "update_display_data",
                "update_display_data",
                "execute_result",
                "error",
                "clear_output",
            ]
        )
    )
    if kind == "stream":
        return kind, {"name": draw(st.sampled_from(["stdout", "stderr"])), "text": draw(texts)}
    if kind == "error":
        return kind, {"ename": "E", "evalue": draw(texts), "traceback": [draw(texts)]}
    if kind == "clear_output":
        return kind, {"wait": draw(st.booleans())}
    content: Json = {"data": draw(data()), "metadata": draw(st.just({}) | st.just({"m": 1}))}
    if kind == "execute_result":
        content["execution_count"] = draw(st.integers(0, 9))
    if kind == "update_display_data" or draw(st.booleans()):
        content["transient"] = {"display_id": draw(st.sampled_from(DISPLAY_IDS))}
    return kind, content


MODEL_IDS = ("m1", "m2", "m3")
_keys = st.sampled_from(["value", "min", "children", "data"])
_values = json_values | st.sampled_from([f"IPY_MODEL_{each}" for each in MODEL_IDS])


@st.composite
def comms(draw: st.DrawFn) -> Json:
    """One comm message of a widget, as it travels in a pane."""
    model_id = draw(st.sampled_from(MODEL_IDS))
    kind = draw(st.sampled_from(["open", "update", "update", "update", "echo", "custom", "close"]))
    content: Json = {"comm_id": model_id}
    if kind == "close":
        return {"msg_type": "comm_close", "content": content}
    if kind == "custom":
        content["data"] = {"method": "custom", "content": draw(json_values)}
        return {"msg_type": "comm_msg", "content": content, "buffers": []}
    state = draw(st.dictionaries(_keys, _values | texts, max_size=3))
    paths = draw(
        st.lists(
            st.sampled_from([["value"], ["data", 0], ["data", "a"]]), max_size=2, unique_by=str
        )
    )
    buffers = draw(
        st.lists(st.sampled_from(["AAAA", "AQID"]), min_size=len(paths), max_size=len(paths))
    )
    state = {key: value for key, value in state.items() if [key] not in paths}
    content["data"] = {"state": state, "buffer_paths": paths}
    message: Json = {"msg_type": "comm_msg", "content": content, "buffers": buffers}
    if kind == "open":
        return message | {
            "msg_type": "comm_open",
            "content": {**content, "target_name": "jupyter.widget"},
        }
    content["data"]["method"] = "update" if kind == "update" else "echo_update"
    if kind == "echo" and draw(st.booleans()):
        message["re"] = draw(st.sampled_from(["i1", "i2"]))
    return message
