"""Structs of the widgets in a pane (SPEC section 6.4).

They are the comm messages of the owner's kernel, the widget-state document of a whole pane, and
``pane_input``, the input of a viewer. Binary buffers are base64 text, as in the document that Jupyter
keeps in notebooks. So long buffers are sent by their hash, as every long string.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from ...errors import MalformedError, TooLargeError
from .validation import misfit

Json = dict[str, Any]

MAX_MODELS = 4096
MAX_KEYS = 4096
#: Messages of models in a snapshot.
MAX_SAID = 1024
MAX_LOADERS = 16
MAX_BUFFERS = 1024
MAX_PATH = 32
MAX_INPUT_DEPTH = 16
#: Characters of the values and buffers of one input.
MAX_INPUT = 4 * 1024 * 1024

_MAX_SHORT = 256

CommId = Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_SHORT)]
#: The sender of an input chooses this id; the kernel's echo repeats it.
InputId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
_Short = Annotated[str, msgspec.Meta(max_length=_MAX_SHORT)]
_State = Annotated[Json, msgspec.Meta(max_length=MAX_KEYS)]
_Index = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Path = Annotated[list[str | _Index], msgspec.Meta(min_length=1, max_length=MAX_PATH)]
_Paths = Annotated[list[Path], msgspec.Meta(max_length=MAX_BUFFERS)]
_Base64 = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}\Z")]
_Buffers = Annotated[list[_Base64], msgspec.Meta(max_length=MAX_BUFFERS)]
_PaneName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]


def _check_buffers(buffers: Sequence[str], paths: Sequence[Sequence[str | int]] | None) -> None:
    if any(len(text) % 4 for text in buffers):
        raise ValueError("a buffer is not base64")
    if paths is not None and len(paths) != len(buffers):
        raise ValueError("there are not as many buffers as paths")
    if paths and any(not isinstance(path[0], str) for path in paths):
        raise ValueError("a buffer's path begins with a key of the state")


class OpenData(msgspec.Struct, frozen=True):
    """``data`` of a ``comm_open``: the whole state of a new model."""

    state: _State
    buffer_paths: _Paths = []


class UpdateData(msgspec.Struct, frozen=True, tag_field="method", tag="update"):
    """New values of some keys of a model."""

    state: _State
    buffer_paths: _Paths = []


class EchoData(msgspec.Struct, frozen=True, tag_field="method", tag="echo_update"):
    """New values that a page or a viewer has just set."""

    state: _State
    buffer_paths: _Paths = []


class CustomData(msgspec.Struct, frozen=True, tag_field="method", tag="custom"):
    """A message between the two halves of a widget, such as a click."""

    content: Any = None


class OpenContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``comm_open``."""

    comm_id: CommId
    target_name: Literal["jupyter.widget"] = "jupyter.widget"
    data: OpenData


class MessageContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``comm_msg``."""

    comm_id: CommId
    data: UpdateData | EchoData | CustomData


class CloseContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``comm_close``."""

    comm_id: CommId


class CommOpen(msgspec.Struct, frozen=True, tag_field="msg_type", tag="comm_open"):
    """A new model of the pane; it comes before the output that shows it."""

    content: OpenContent
    buffers: _Buffers = []

    def __post_init__(self) -> None:
        _check_buffers(self.buffers, self.content.data.buffer_paths)


class CommMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="comm_msg"):
    """A change of a model, or a message of it.

    Attributes:
        re: Id of the input that this message echoes.
    """

    content: MessageContent
    buffers: _Buffers = []
    re: InputId | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        data = self.content.data
        _check_buffers(self.buffers, None if isinstance(data, CustomData) else data.buffer_paths)


class CommClose(msgspec.Struct, frozen=True, tag_field="msg_type", tag="comm_close"):
    """A model has left the pane."""

    content: CloseContent


class ModelBuffer(msgspec.Struct, frozen=True, kw_only=True):
    """A binary part of a model's state, and its path in the state."""

    path: Path
    encoding: Literal["base64"]
    data: _Base64

    def __post_init__(self) -> None:
        _check_buffers([self.data], [self.path])


class WidgetModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model of a widget-state document."""

    model_name: _Short
    model_module: _Short
    model_module_version: _Short
    state: _State
    buffers: Annotated[list[ModelBuffer], msgspec.Meta(max_length=MAX_BUFFERS)] = []


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a model that is not in its state, and the pane's revision after it."""

    rev: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    message: CommMessage


_Loader = Annotated[dict[str, str], msgspec.Meta(max_length=2)]


class WidgetDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The widget-state document of all models of a pane, in the form of Jupyter's notebooks.

    Attributes:
        said: Messages of the models besides their state, the oldest first.
        closed: Closed models to which other models still refer.
        loaders: Libraries that other cells loaded into the page; they run before the outputs.
    """

    version_major: Literal[2] = 2
    version_minor: Literal[0] = 0
    state: Annotated[dict[CommId, WidgetModel], msgspec.Meta(max_length=MAX_MODELS)] = {}
    said: Annotated[list[Said], msgspec.Meta(max_length=MAX_SAID)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    closed: Annotated[list[CommId], msgspec.Meta(max_length=MAX_MODELS)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    loaders: Annotated[list[_Loader], msgspec.Meta(max_length=MAX_LOADERS)] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class InputContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the ``comm_msg`` of an input."""

    comm_id: CommId
    data: UpdateData | CustomData


class InputMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="comm_msg"):
    """The input of a viewer to one widget: new values of its keys, or a message to it."""

    content: InputContent
    buffers: _Buffers = []

    def __post_init__(self) -> None:
        data = self.content.data
        _check_buffers(self.buffers, None if isinstance(data, CustomData) else data.buffer_paths)


class PaneInput(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_input``: an input of a viewer who may use the pane.

    Attributes:
        id: Id of the input; the echo of the owner's kernel repeats it as ``re``.
    """

    pane: _PaneName
    message: InputMessage
    id: InputId | None = None


def check_input(message: InputMessage) -> None:
    """Refuse an input that is too large or nested too deeply.

    Raises:
        TooLargeError: Its values and buffers have more than 4 Mi characters.
        MalformedError: Its values are nested too deeply.
    """
    data = message.content.data
    value = data.content if isinstance(data, CustomData) else data.state
    size = sum(map(len, message.buffers))
    if size <= MAX_INPUT:
        try:
            size += len(msgspec.json.encode(value))
        except (UnicodeEncodeError, RecursionError):
            raise MalformedError("an input is text and numbers, not too deeply nested") from None
    if size > MAX_INPUT:
        raise TooLargeError(f"an input has at most {MAX_INPUT // 2**20} MiB")
    if not is_flat(value, MAX_INPUT_DEPTH):
        raise MalformedError("an input is nested too deeply")


def is_flat(value: Any, depth: int) -> bool:
    """Return whether a JSON value has at most ``depth`` levels of brackets."""
    level = [value]
    for _ in range(depth):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def check_document(value: Json) -> Json:
    """Return a widget-state document with only the known keys.

    Args:
        value: The document with its references resolved; ``{}`` means that there are no models.

    Raises:
        MalformedError: The value is not a widget-state document, or has too many models.
    """
    try:
        document = msgspec.convert(value, WidgetDocument)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedError(f"widgets: {misfit(error)}") from None
    checked: Json = msgspec.to_builtins(document)
    return checked


def encode_buffer(buffer: bytes | memoryview) -> str:
    """Encode a binary buffer as base64 text."""
    return binascii.b2a_base64(buffer, newline=False).decode("ascii")


def decode_buffer(text: str) -> bytes:
    """Decode a binary buffer from base64 text.

    Raises:
        MalformedError: The text is not base64.
    """
    try:
        return binascii.a2b_base64(text)
    except (binascii.Error, ValueError):
        raise MalformedError("a buffer is not base64") from None
