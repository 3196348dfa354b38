"""Applies Jupyter's output messages to a list of nbformat outputs.

The same code runs at the owner and at every follower: the viewer's hub and kernels. The rules are
nbformat's (see ``nbclient``'s ``process_message``): streams of one name merge if no other output is
between them, ``clear_output(wait=True)`` clears when the next output arrives, and
``update_display_data`` replaces the data of every output of its display id.

Only the owner enforces the bounds, before it sends messages. So a follower that applies them always
ends with the owner's outputs, however the messages were compacted.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

import msgspec

from ..wire.payloads.panes import MAX_OUTPUTS

Json = dict[str, Any]

#: Characters a stream output keeps; the oldest are cut.
TEXT_LIMIT = 1024 * 1024
#: Bound of all outputs, in bytes of :func:`weigh`: a whole snapshot fits one message of 64 MiB.
MAX_WEIGHT = 62 * 1024 * 1024
#: Bytes that notes about omitted outputs may add.
_NOTES_WEIGHT = 1024 * 1024
_OUTPUT_WEIGHT = 512
#: Display id of the note of :meth:`OutputList.put_note`.
NOTE = "jupyter-peer-note"
# Weight of the content of an almost empty message.
_EMPTY_WEIGHT = 128
_LONG = 4096
_MAX_CHUNKS = 1024


def weigh(value: Any) -> int:
    """Estimate the bytes of a JSON value, on the wire or in memory, whichever is more.

    Long strings count their UTF-8, because they travel raw; short ones their escaped JSON. Numbers
    and brackets count more than their text, because a Python object is larger.
    """
    return _weigh(value, 3, _utf8_bytes)


def weigh_held(value: Any) -> int:
    """Weigh as :func:`weigh` does, but count long strings by their size in memory.

    Its time does not depend on their length. So a peer that repeats a long string by reference, at
    almost no cost, makes no work for the receiver.
    """
    return _weigh(value, 3, sys.getsizeof)


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _weigh(value: Any, levels: int, weigh_text: Callable[[str], int]) -> int:
    if isinstance(value, str):
        if len(value) <= _LONG:
            return 32 + len(encode_basestring_ascii(value))
        return 64 + weigh_text(value)
    if isinstance(value, dict | list):
        if not levels or len(value) > _MAX_CHUNKS:
            return _weigh_encoded(value)
        if isinstance(value, list):
            return 64 + sum([_weigh(item, levels - 1, weigh_text) for item in value])
        return 64 + sum(
            [
                32 + 6 * len(key) + _weigh(item, levels - 1, weigh_text)
                for key, item in value.items()
            ]
        )
    return 24


def _weigh_encoded(value: Any) -> int:
    try:
        text = msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        return MAX_WEIGHT
    return 2 * len(text) + 28 * text.count(b",") + 64 * (text.count(b"[") + text.count(b"{"))


class _Stream:
    """The text of one stream output: its newest ``limit`` characters.

    Text arrives in many small pieces, so it is joined only when it is read.
    """

    __slots__ = ("_built", "_chunks", "_length", "_skip", "name", "weight")

    def __init__(self, name: str) -> None:
        self.name = name
        self.weight = 0
        self._chunks: deque[tuple[str, int]] = deque()
        self._length = 0
        self._skip = 0
        self._built: Json | None = None

    def append(self, text: str, weight: int, limit: int) -> int:
        """Append text; return how many characters were cut at the beginning."""
        self._built = None
        self._chunks.append((text, weight))
        self._length += len(text)
        self.weight += weight
        cut = max(0, self._length - limit)
        if cut:
            self._skip += cut
            self._length = limit
            while self._chunks and self._skip >= len(self._chunks[0][0]):
                first, first_weight = self._chunks.popleft()
                self._skip -= len(first)
                self.weight -= first_weight
        if len(self._chunks) > _MAX_CHUNKS:
            self._chunks = deque([(self._text(), self.weight)])
            self._skip = 0
        return cut

    def _text(self) -> str:
        text = "".join([chunk for chunk, _ in self._chunks])
        return text[self._skip :] if self._skip else text

    def output(self) -> Json:
        if self._built is None:
            text = self._text()
            self._chunks = deque([(text, self.weight)])
            self._skip = 0
            self._built = {"output_type": "stream", "name": self.name, "text": text}
        return self._built


class OutputList:
    """The outputs of one pane.

    Args:
        outputs: Initial outputs, in nbformat.
        display_ids: The display ids of these outputs.
        clear_wait: Whether the next output replaces all.
        text_limit: Characters that a stream keeps.
        max_weight: Bound of all outputs together, see :func:`weigh`; None for a follower.

    Attributes:
        truncated: Characters cut so far from the present streams.
        weight: Weight of all outputs.
        effect_weight: Weight of the last message that had an effect.
    """

    def __init__(
        self,
        outputs: Iterable[Json] = (),
        *,
        display_ids: Mapping[str, list[int]] | None = None,
        clear_wait: bool = False,
        text_limit: int = TEXT_LIMIT,
        max_weight: int | None = None,
    ) -> None:
        self.text_limit = text_limit
        self.clear_wait = clear_wait
        self.truncated = 0
        self.weight = self.effect_weight = 0
        self._max_weight = max_weight
        self._reserved = 0
        self._weigh = weigh_held if max_weight is None else weigh
        self._items: list[Json | _Stream] = []
        self._weights: list[int] = []
        self._displays = {key: list(indices) for key, indices in (display_ids or {}).items()}
        self._ends_with_note = False
        for output in outputs:
            if output.get("output_type") == "stream":
                stream = _Stream(output["name"])
                stream.append(output["text"], self._weigh(output["text"]), text_limit)
                self._append(stream, 0)
                self.weight += stream.weight
            else:
                self._append(output, self._weigh(output))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> OutputList:
        """Return a follower's outputs from a snapshot's ``outputs``, ``display_ids`` and so on."""
        outputs = cls(
            state.get("outputs") or (),
            display_ids=state.get("display_ids"),
            clear_wait=state.get("clear_wait", False),
            text_limit=state.get("text_limit", TEXT_LIMIT),
        )
        outputs.truncated = state.get("truncated", 0)
        return outputs

    def state(self) -> Json:
        """Return the arguments of :meth:`from_state`."""
        return {
            "outputs": self.outputs,
            "display_ids": self.display_ids,
            "clear_wait": self.clear_wait,
            "text_limit": self.text_limit,
            "truncated": self.truncated,
        }

    @property
    def outputs(self) -> list[Json]:
        """The nbformat outputs. An output never changes; a new one replaces it."""
        return [item.output() if isinstance(item, _Stream) else item for item in self._items]

    @property
    def display_ids(self) -> dict[str, list[int]]:
        """Display id -> the indices of its outputs."""
        return {key: list(indices) for key, indices in self._displays.items()}

    def has_display(self, display_id: str) -> bool:
        """Whether an output has this display id."""
        return display_id in self._displays

    @property
    def has_displays(self) -> bool:
        """Whether any output has a display id."""
        return bool(self._displays)

    @property
    def ends_with_error(self) -> bool:
        """Whether the last output is the error of a cell that has failed."""
        last = self._items[-1] if self._items else None
        return isinstance(last, dict) and last["output_type"] == "error"

    def __len__(self) -> int:
        return len(self._items)

    def reserve(self, weight: int) -> None:
        """Reserve a part of the bound for other content of the pane."""
        self._reserved = weight

    def put_note(self, text: str | None) -> bool:
        """Show a note behind the outputs in place of the one before, or with None no note.

        The note is not an output of the kernel, so a waiting ``clear_output`` continues to wait.

        Returns:
            Whether anything changed.
        """
        places = self._displays.pop(NOTE, [])
        for place in reversed(places):
            del self._items[place]
            self.weight -= self._weights.pop(place) + _OUTPUT_WEIGHT
            for indices in self._displays.values():
                indices[:] = [at - (at > place) for at in indices]
        has_room = text is not None and len(self._items) < MAX_OUTPUTS
        if has_room:
            content: Json = {"data": {"text/plain": text}, "metadata": {}}
            self._show("display_data", content, self._weigh(content), NOTE)
        return bool(places) or has_room

    def apply(self, msg_type: str, content: Json) -> Json | None:
        """Apply a well-formed message.

        Returns:
            The effective message for followers: shortened to the bounds, or a note in its
            place. None when nothing changed.
        """
        if msg_type == "clear_output":
            return self._clear(bool(content.get("wait")))
        if msg_type == "update_display_data":
            return self._update(content)
        if msg_type == "stream":
            return self._write(content)
        if msg_type in ("display_data", "execute_result", "error"):
            return self._add(msg_type, content)
        return None

    def _clear(self, wait: bool) -> Json | None:
        if not self._items or (wait and self.clear_wait):
            return None
        self.effect_weight = _EMPTY_WEIGHT
        if wait:
            self.clear_wait = True
        else:
            self._clear_now()
        return {"msg_type": "clear_output", "content": {"wait": wait}}

    def _clear_now(self) -> None:
        self._items, self._weights, self._displays = [], [], {}
        self.weight = self.truncated = 0
        self.clear_wait = self._ends_with_note = False

    def _write(self, content: Json) -> Json | None:
        name, text = content["name"], content["text"]
        cut = max(0, len(text) - self.text_limit)
        if cut:
            text = text[cut:]
        weight = self._weigh(text)
        last = self._items[-1] if self._items and not self.clear_wait else None
        stream = last if isinstance(last, _Stream) and last.name == name else None
        if not self._has_room(weight, is_new=stream is None):
            return self._leave_out(weight, None)
        if stream is None:
            if self.clear_wait:
                self._clear_now()
            stream = _Stream(name)
            self._append(stream, 0)
        self.weight -= stream.weight
        self.truncated += cut + stream.append(text, weight, self.text_limit)
        self.weight += stream.weight
        self.effect_weight = weight + _EMPTY_WEIGHT
        return {"msg_type": "stream", "content": {"name": name, "text": text}}

    def _add(self, msg_type: str, content: Json) -> Json | None:
        display_id = _display_id(content)
        weight = self._weigh(content)
        older = () if self.clear_wait or not display_id else self._displays.get(display_id, ())
        if not self._has_room(weight * (1 + len(older)), is_new=True):
            return self._leave_out(weight, display_id)
        if self.clear_wait:
            self._clear_now()
        if display_id:
            self._replace(display_id, content, weight)
        self._show(msg_type, content, weight, display_id)
        self.effect_weight = weight
        return {"msg_type": msg_type, "content": content}

    def _show(self, msg_type: str, content: Json, weight: int, display_id: str | None) -> None:
        keys = {
            "display_data": ("data", "metadata"),
            "execute_result": ("data", "metadata", "execution_count"),
            "error": ("ename", "evalue", "traceback"),
        }[msg_type]
        if display_id:
            self._displays.setdefault(display_id, []).append(len(self._items))
        self._append({"output_type": msg_type, **{key: content[key] for key in keys}}, weight)

    def _update(self, content: Json) -> Json | None:
        display_id = _display_id(content)
        older = self._displays.get(display_id, ()) if display_id else ()
        if not display_id or not older:
            return None
        weight = self._weigh(content)
        before = sum([self._weights[index] for index in older])
        if not self._has_room(weight * len(older) - before, is_new=False):
            content = _note(weight, self._max_weight, display_id)
            weight = self._weigh(content)
        self._replace(display_id, content, weight)
        self.effect_weight = weight
        return {"msg_type": "update_display_data", "content": content}

    def _replace(self, display_id: str, content: Json, weight: int) -> None:
        for index in self._displays.get(display_id, ()):
            item = self._items[index]
            assert not isinstance(item, _Stream)
            self._items[index] = item | {"data": content["data"], "metadata": content["metadata"]}
            self.weight += weight - self._weights[index]
            self._weights[index] = weight

    def _append(self, item: Json | _Stream, weight: int) -> None:
        self._items.append(item)
        self._weights.append(weight)
        self.weight += weight + _OUTPUT_WEIGHT
        self._ends_with_note = False

    def _has_room(self, weight: int, is_new: bool) -> bool:
        if self._max_weight is None:
            return True
        held, count = (0, 0) if self.clear_wait else (self.weight, len(self._items))
        return held + weight + _OUTPUT_WEIGHT <= self._max_weight - self._reserved and (
            count < MAX_OUTPUTS - 1 or not is_new
        )

    def _leave_out(self, weight: int, display_id: str | None) -> Json | None:
        assert self._max_weight is not None
        if self.clear_wait:
            self._clear_now()
        is_full = len(self._items) >= MAX_OUTPUTS or self.weight > self._max_weight + _NOTES_WEIGHT
        # One note in a row is enough, unless an update may replace it by something smaller.
        if is_full or (self._ends_with_note and (not display_id)):
            return None
        content = _note(weight, self._max_weight, display_id)
        self.effect_weight = weight = self._weigh(content)
        if display_id:
            self._replace(display_id, content, weight)
        self._show("display_data", content, weight, display_id)
        self._ends_with_note = display_id is None
        return {"msg_type": "display_data", "content": content}


def _display_id(content: Json) -> str | None:
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    return display_id or None


def _note(weight: int, limit: int | None, display_id: str | None) -> Json:
    text = (
        f"[left out: an output of about {weight / 2**20:.1f} MiB does not fit the "
        f"{(limit or 0) / 2**20:.0f} MiB that a shared pane may hold]"
    )
    content: Json = {"data": {"text/plain": text}, "metadata": {}}
    return content | {"transient": {"display_id": display_id}} if display_id else content
