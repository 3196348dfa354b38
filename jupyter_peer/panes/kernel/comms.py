"""Converts a kernel's comm messages to a form that every viewer accepts.

As in :mod:`.outputs`, the owner corrects once what a kernel of any language sends: a state that is
nested too deeply, paths that lead nowhere, buffers without a path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ...document.widgets import UPDATES
from ...wire.payloads.widgets import MAX_BUFFERS, MAX_KEYS, CommId, Path, encode_buffer, is_flat
from . import outputs

Json = dict[str, Any]
Buffer = bytes | bytearray | memoryview

TARGET = "jupyter.widget"
STATUS = "status"
#: The answer to ``request_states`` on the control comm, with the states of all widgets.
STATES = "update_states"
#: What a person types or uploads for the kernel alone: whoever may look at the widget may not see it.
_WITHHELD: dict[str, Json] = {"PasswordModel": {"value": ""}, "FileUploadModel": {"value": []}}
_Maker = Callable[[Json, Sequence[Buffer]], tuple[Json, list[str]] | None]


def read(
    msg_type: str, content: Any, buffers: Sequence[Buffer] = ()
) -> tuple[Json, list[str]] | None:
    """Return the content and the base64 buffers of a message in the form of the wire.

    Args:
        msg_type: The Jupyter message type.
        content: JSON from :func:`.outputs.decode`.
        buffers: The binary buffers behind it.

    Returns:
        The content of an output, comm or ``status`` message, in a form that peers accept; None for
        other messages and for unusable ones.
    """
    make = _MAKERS.get(msg_type)
    if make is None:
        cleaned = outputs.clean(msg_type, content)
        return None if cleaned is None else (cleaned, [])
    return make(content, buffers) if isinstance(content, dict) else None


def _status(content: Json, buffers: Sequence[Buffer]) -> tuple[Json, list[str]] | None:
    state = content.get("execution_state")
    return ({"execution_state": state}, []) if isinstance(state, str) else None


def _open(content: Json, buffers: Sequence[Buffer]) -> tuple[Json, list[str]] | None:
    comm_id, data = _comm_id(content), content.get("data")
    if comm_id is None or content.get("target_name") != TARGET or not isinstance(data, dict):
        return None
    cleaned, texts = _state(data.get("state"), data.get("buffer_paths"), buffers)
    return {"comm_id": comm_id, "target_name": TARGET, "data": cleaned}, texts


def _message(content: Json, buffers: Sequence[Buffer]) -> tuple[Json, list[str]] | None:
    comm_id, data = _comm_id(content), content.get("data")
    if comm_id is None or not isinstance(data, dict):
        return None
    method = data.get("method")
    if method in UPDATES:
        cleaned, texts = _state(data.get("state"), data.get("buffer_paths"), buffers)
        return {"comm_id": comm_id, "data": {"method": method, **cleaned}}, texts
    if method == "custom":
        said = data.get("content")
        if not is_flat([said], outputs.MAX_DEPTH) or len(buffers) > MAX_BUFFERS:
            return None
        texts = [encode_buffer(memoryview(buffer)) for buffer in buffers]
        return {"comm_id": comm_id, "data": {"method": method, "content": said}}, texts
    if method == STATES:
        return {
            "comm_id": comm_id,
            "data": {"method": method, "states": _states(data, buffers)},
        }, []
    return None


def _close(content: Json, buffers: Sequence[Buffer]) -> tuple[Json, list[str]] | None:
    comm_id = _comm_id(content)
    return None if comm_id is None else ({"comm_id": comm_id}, [])


_MAKERS: dict[str, _Maker] = {
    STATUS: _status,
    "comm_open": _open,
    "comm_msg": _message,
    "comm_close": _close,
}


def _comm_id(content: Json) -> str | None:
    comm_id: str | None = _is(content.get("comm_id"), CommId)
    return comm_id


def _is(value: Any, shape: Any) -> Any:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return None


def _state(state: Any, paths: Any, buffers: Sequence[Buffer]) -> tuple[Json, list[str]]:
    """Return ``{state, buffer_paths}`` and the buffers of these paths."""
    cleaned: Json = {}
    if isinstance(state, dict):
        for key, value in list(state.items())[:MAX_KEYS]:
            cleaned[key] = value if is_flat([value], outputs.MAX_DEPTH) else None
    kept: list[list[str | int]] = []
    texts: list[str] = []
    for path, buffer in zip(paths if isinstance(paths, list) else (), buffers, strict=False):
        if len(kept) < MAX_BUFFERS and (usable := _path(path)) is not None:
            kept.append(usable)
            texts.append(encode_buffer(memoryview(buffer)))
    return {"state": cleaned, "buffer_paths": kept}, texts


def _path(path: Any) -> list[str | int] | None:
    usable: list[str | int] | None = _is(path, Path)
    return usable if usable is not None and isinstance(usable[0], str) else None


def _states(data: Json, buffers: Sequence[Buffer]) -> dict[str, tuple[Json, list[str]]]:
    """Return model id -> result of :func:`_state`."""
    states = data.get("states")
    if not isinstance(states, dict):
        return {}
    mine: dict[str, tuple[list[Any], list[Buffer]]] = {}
    paths = data.get("buffer_paths")
    for path, buffer in zip(paths if isinstance(paths, list) else (), buffers, strict=False):
        # The paths start at the whole answer: [model id, "state", key, ...].
        if not isinstance(path, list) or len(path) < 3 or path[1] != "state":
            continue
        if isinstance(path[0], str):
            own = mine.setdefault(path[0], ([], []))
            own[0].append(path[2:])
            own[1].append(buffer)
    found: dict[str, tuple[Json, list[str]]] = {}
    for model_id, model in states.items():
        if _is(model_id, CommId) is not None and isinstance(model, dict):
            own_paths, own_buffers = mine.get(model_id, ([], []))
            found[model_id] = _state(model.get("state"), own_paths, own_buffers)
    return found


def without_secrets(
    name: object, state: Json, paths: list[Any], buffers: Sequence[str]
) -> tuple[Json, list[Any], Sequence[str]]:
    """Return a state and its buffers without values that must stay in the kernel."""
    withheld = _WITHHELD.get(name) if isinstance(name, str) else None
    if withheld is None:
        return state, paths, buffers
    pairs = [
        (path, buffer)
        for path, buffer in zip(paths, buffers, strict=True)
        if path[0] not in withheld
    ]
    hidden = {key: value for key, value in withheld.items() if key in state}
    return state | hidden, [path for path, _ in pairs], [buffer for _, buffer in pairs]
