"""Converts a kernel's output messages to a form that every viewer accepts.

Kernels may send anything: a number as text, NaN, lone surrogates, JSON with a thousand levels. Peers
refuse such values, so the owner corrects them once. :mod:`jupyter_peer.document.outputs` makes
outputs of the messages, because kernels that watch a pane need that too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from ...document.outputs import MAX_WEIGHT, TEXT_LIMIT, OutputList, weigh
from ...wire.payloads.panes import MAX_MIME_TYPES, MAX_NAME, MAX_TRACEBACK, Json, is_json_mime
from ...wire.payloads.widgets import is_flat

__all__ = ["MAX_WEIGHT", "TEXT_LIMIT", "OutputList", "clean", "decode", "display_id_of", "weigh"]

#: Messages that change what a cell shows.
OUTPUT_TYPES = frozenset(
    {
        "stream",
        "display_data",
        "execute_result",
        "error",
        "clear_output",
        "update_display_data",
    }
)
#: Those that carry a display.
DISPLAY_TYPES = frozenset({"display_data", "execute_result", "update_display_data"})
#: Levels of brackets in one value; an envelope has 64 for everything around it too.
MAX_DEPTH = 40
_TOO_DEEP = "[left out: the value is nested too deeply]"


def decode(text: bytes | memoryview) -> Any:
    """Decode the JSON of a kernel, and replace values that standard JSON does not have.

    NaN and infinities become null; lone surrogates become the replacement character.

    Raises:
        ValueError: The bytes are not JSON, or are nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        value = json.loads(bytes(text).decode("utf-8", "replace"), parse_constant=lambda name: None)
        return _scrub(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    if isinstance(value, float) and value - value != 0.0:  # 1e999 is read as infinity
        return None
    return value


def display_id_of(content: Json) -> str | None:
    """Return ``transient.display_id`` of a display's content."""
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    is_usable = isinstance(display_id, str) and 0 < len(display_id) <= MAX_NAME
    return display_id if is_usable else None


def clean(msg_type: str, content: Any) -> Json | None:
    """Return the content of an output message in the form of the wire.

    Args:
        msg_type: The Jupyter message type.
        content: JSON from :func:`decode`.

    Returns:
        A content that :func:`~jupyter_peer.wire.payloads.panes.check_messages` accepts; None for
        other messages and for outputs without anything to show.
    """
    make = _MAKERS.get(msg_type)
    return make(content) if make is not None and isinstance(content, dict) else None


def _stream(content: Json) -> Json | None:
    name = content.get("name")
    text = _text(content.get("text"))
    is_usable = isinstance(name, str) and len(name) <= MAX_NAME
    return {"name": name if is_usable else "stdout", "text": text}


def _display(content: Json) -> Json | None:
    data = content.get("data")
    if not isinstance(data, dict):
        return None
    metadata = content.get("metadata")
    cleaned: Json = {
        "data": {
            mime: _datum(mime, value)
            for mime, value in list(data.items())[:MAX_MIME_TYPES]
            if len(mime) <= MAX_NAME
        },
        "metadata": metadata if isinstance(metadata, dict) and is_flat(metadata, MAX_DEPTH) else {},
    }
    display_id = display_id_of(content)
    if display_id is not None:
        cleaned["transient"] = {"display_id": display_id}
    return cleaned


def _update(content: Json) -> Json | None:
    return _display(content) if display_id_of(content) is not None else None


def _result(content: Json) -> Json | None:
    cleaned = _display(content)
    if cleaned is not None:
        count = content.get("execution_count")
        is_count = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53
        cleaned["execution_count"] = count if is_count else None
    return cleaned


def _error(content: Json) -> Json | None:
    lines = content.get("traceback")
    return {
        "ename": _text(content.get("ename")),
        "evalue": _text(content.get("evalue")),
        "traceback": [_text(line) for line in lines[-MAX_TRACEBACK:]]
        if isinstance(lines, list)
        else [],
    }


def without_traceback(content: Json) -> Json:
    """Return an error message or output without the source lines of its traceback."""
    return content | {"traceback": [f"{content['ename']}: {content['evalue']}"]}


def _clear(content: Json) -> Json | None:
    return {"wait": bool(content.get("wait"))}


_MAKERS: dict[str, Callable[[Json], Json | None]] = {
    "stream": _stream,
    "display_data": _display,
    "update_display_data": _update,
    "execute_result": _result,
    "error": _error,
    "clear_output": _clear,
}


def _datum(mime: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if is_json_mime(mime):
        return value if is_flat(value, MAX_DEPTH) else _TOO_DEEP
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)  # a multiline string of nbformat
    return json.dumps(value) if is_flat(value, MAX_DEPTH) else _TOO_DEEP
