"""Selects the custom messages that are meant for widgets of one pane.

Some libraries send the messages of all widgets by one model. ipycanvas names the canvas in one
message, and the following messages draw on it. Drawings on a canvas of another cell belong to that
cell alone, and a page without that canvas cannot handle the messages.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import msgspec

from ...document.widgets import MODEL

Json = dict[str, Any]

_NAMED = re.compile(MODEL.encode() + rb"([0-9a-zA-Z-]{1,256})")
#: Characters of base64 that are searched for names.
_SEARCHED = 128 * 1024


class Addressed:
    """Follows which widgets each model of one pane addresses.

    Args:
        has: Returns whether the pane has a model.
    """

    def __init__(self, has: Callable[[str], bool]) -> None:
        self._has = has
        self._elsewhere: set[str] = set()

    def admits(self, message: Json) -> bool:
        """Return whether a custom message is for the pane.

        It is if this message, or else the last one that named a model, names a model of the pane.
        """
        model_id = message["content"]["comm_id"]
        if named := _named(message):
            if any(map(self._has, named)):
                self._elsewhere.discard(model_id)
            else:
                self._elsewhere.add(model_id)
        return model_id not in self._elsewhere


def _named(message: Json) -> set[str]:
    said = msgspec.json.encode(message["content"]["data"].get("content"))
    parts = [said, *(base64.b64decode(each[:_SEARCHED]) for each in message["buffers"])]
    return {name.decode() for part in parts for name in _NAMED.findall(part)}
