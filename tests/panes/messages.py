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
