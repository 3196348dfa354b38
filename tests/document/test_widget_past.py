"""What a late viewer hears again of widgets, and what it leads to."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from jupyter_peer.document.widget_past import WidgetPast
from jupyter_peer.document.widgets import WidgetSet
from tests.document.test_widgets import opening, update

Json = dict[str, Any]


def custom(content: str, model_id: str = "m") -> Json:
    data = {"method": "custom", "content": content}
    return {
        "msg_type": "comm_msg",
        "content": {"comm_id": model_id, "data": data},
        "buffers": [],
    }


def heard(*messages: Json) -> tuple[WidgetPast, WidgetSet]:
    past, widgets = WidgetPast(), WidgetSet()
    for rev, message in enumerate([opening(mode="full", other=0), *messages], 1):
        past.before(rev, copy.deepcopy(message), widgets)
        widgets.apply(message)
    return past, widgets


def replay(past: WidgetPast, widgets: WidgetSet) -> tuple[Json, list[tuple[str, Any]]]:
    """Return what a page's model ends with, and each custom message with the mode at that time."""
    model = widgets.get("m")
    assert model is not None
    state, seen = dict(model.state), []
    for said in past.document([], widgets).get("said", []):
        data = said["message"]["content"]["data"]
        if data["method"] == "custom":
            seen.append((data["content"], state["mode"]))
        else:
            state |= data["state"]
    return state, seen


FLASH = [update(mode="diff"), update(mode="full")]


@pytest.mark.parametrize(
    ("messages", "mode"),
    [
        ([*FLASH, update(mode="diff")], "diff"),
        ([*FLASH, update(mode="third")], "third"),
        ([*FLASH, update(other=1), update(mode="diff"), custom("a")], "diff"),
        ([*FLASH, custom("a"), update(mode="third"), update(mode="fourth")], "fourth"),
        (FLASH, "full"),
    ],
)
def test_what_was_reset_at_once_ends_with_the_value_that_the_owner_sees(
    messages: list[Json], mode: str
) -> None:
    past, widgets = heard(*messages)
    assert replay(past, widgets)[0]["mode"] == mode
    # Also for who gets it from a replica, and again after that.
    for _ in range(2):
        past = WidgetPast.from_document(past.document([], widgets))
        assert replay(past, widgets)[0]["mode"] == mode


def test_a_custom_message_is_heard_with_the_values_that_it_was_sent_with() -> None:
    # As ipympl sends a whole picture, and then what has changed in it.
    past, widgets = heard(
        *FLASH, custom("whole"), update(mode="diff"), custom("change"), custom("more")
    )
    assert replay(past, widgets)[1] == [("whole", "full"), ("change", "diff"), ("more", "diff")]


def test_a_model_that_ends_leaves_nothing_to_hear() -> None:
    past, widgets = heard(*FLASH, update(mode="diff"))
    close = {"msg_type": "comm_close", "content": {"comm_id": "m"}, "buffers": []}
    past.before(9, close, widgets)
    assert "said" not in past.document([], widgets)


def test_a_late_viewer_hears_a_value_that_is_reset_to_another_one_without_effect() -> None:
    past, _ = heard(update(other={"y": 1}), update(other=None))
    said = [each["message"] for each in past.document([], WidgetSet())["said"]]
    assert said == [update(other={"y": 1}), update(other=None)]
