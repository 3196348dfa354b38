"""Compacts the messages for a viewer that is behind: fewer messages lead to the same pane.

Messages of outputs and of widgets do not depend on each other, except that a widget comes before the
output that shows it. So they are compacted separately, and the messages of widgets go first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..document.outputs import weigh_held
from ..document.widgets import COMMS, Values, compact_comms

Json = dict[str, Any]

MESSAGE_WEIGHT = 64


def compact(
    pairs: Iterable[tuple[Json, int]], known: Values | None = None
) -> list[tuple[Json, int]]:
    """Return fewer messages that lead to the same outputs and widgets, each with its weight.

    Args:
        pairs: Messages, each with its weight.
        known: See :func:`.compact_comms`.
    """
    comms: list[Json] = []
    outputs: list[tuple[Json, int]] = []
    weights: dict[int, int] = {}
    for message, weight in pairs:
        if message["msg_type"] in COMMS:
            comms.append(message)
            weights[id(message)] = weight
        else:
            outputs.append((message, weight))
    if not comms:
        return compact_outputs(outputs)
    fewer = [
        (message, weights.get(id(message)) or weigh_held(message) + MESSAGE_WEIGHT)
        for message in compact_comms(comms, known)
    ]
    return fewer + compact_outputs(outputs)


def compact_outputs(pairs: Iterable[tuple[Json, int]]) -> list[tuple[Json, int]]:
    """Return fewer output messages that lead to the same outputs, each with its weight.

    Outputs that a later ``clear_output`` removes are dropped. Of several updates of one display only
    the last stays, in the place of the display itself if that is among the messages. Texts of one
    stream are joined if no other output is between them; updates do not count, because they change
    no order.
    """
    kept: list[tuple[Json, int] | None] = []
    texts: dict[int, list[str]] = {}
    places: dict[str, int] = {}
    clears_next = False
    last_output: int | None = None
    for message, weight in pairs:
        msg_type, content = message["msg_type"], message["content"]
        if msg_type == "clear_output":
            if not content["wait"]:
                kept, texts, places, last_output = [(message, weight)], {}, {}, None
                clears_next = False
            elif not clears_next:
                kept.append((message, weight))
                clears_next = True
            continue
        display_id = content.get("transient", {}).get("display_id")
        if msg_type == "update_display_data":
            place = places.get(display_id)
            before = kept[place] if place is not None else None
            if place is not None and before is not None:
                if before[0]["msg_type"] != "update_display_data":
                    shown = before[0]["content"] | {
                        "data": content["data"],
                        "metadata": content["metadata"],
                    }
                    kept[place] = ({"msg_type": before[0]["msg_type"], "content": shown}, weight)
                    continue
                kept[place] = None
            places[display_id] = len(kept)
            kept.append((message, weight))
            continue
        if clears_next:
            kept, texts, places, last_output = [(_CLEAR_NOW, MESSAGE_WEIGHT)], {}, {}, None
            clears_next = False
        before = kept[last_output] if last_output is not None else None
        if before is not None and _is_joined(before[0], message):
            assert last_output is not None
            joined = texts.setdefault(last_output, [before[0]["content"]["text"]])
            joined.append(content["text"])
            kept[last_output] = (before[0], before[1] + weight)
            continue
        last_output = len(kept)
        if display_id:
            places[display_id] = len(kept)
        kept.append((message, weight))
    for place, parts in texts.items():
        whole = kept[place]
        assert whole is not None
        content = {"name": whole[0]["content"]["name"], "text": "".join(parts)}
        kept[place] = ({"msg_type": "stream", "content": content}, whole[1])
    return [pair for pair in kept if pair is not None]


def _is_joined(before: Json, message: Json) -> bool:
    return bool(
        before["msg_type"] == message["msg_type"] == "stream"
        and before["content"]["name"] == message["content"]["name"]
    )


_CLEAR_NOW: Json = {"msg_type": "clear_output", "content": {"wait": False}}
