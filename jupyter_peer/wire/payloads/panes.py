"""One typed struct per payload of the panes (SPEC section 6.2).

Owner to viewer: ``pane_offer``, ``pane_withdraw``, ``pane_grant``, ``pane_snapshot`` (the reply to
``pane_open``), ``pane_update``, ``pane_buffers`` and ``pane_module`` (replies). Viewer to owner:
``pane_open``, ``pane_close``, ``pane_buffers``, ``pane_module``.

Long strings inside ``messages``, ``outputs`` and ``widgets`` may be references (:mod:`.blobs`). So a
payload is checked in two steps. :func:`.hub.convert` checks its own fields. After the references
were resolved, :func:`check_messages`, :func:`check_outputs` and :func:`.widgets.check_document` check
the content.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from ...errors import BadNameError, MalformedError
from .hub import Hash
from .validation import misfit
from .widgets import CommClose, CommMessage, CommOpen

MAX_PANES = 64
MAX_OUTPUTS = 10_000
MAX_MESSAGES = 10_000
MAX_MIME_TYPES = 64
MAX_TRACEBACK = 10_000
MAX_BUFFERS = 256
MAX_NAME = 256
MAX_TITLE = 512
#: Bytes of the code of one widget module, and of all that one pane needs.
MAX_MODULE = 8 * 1024 * 1024
MAX_MODULES = 32 * 1024 * 1024
MIN_TEXT_LIMIT = 1024
MAX_TEXT_LIMIT = 16 * 1024 * 1024

_PANE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: nbformat's rule: only these MIME types hold JSON, all others text.
_JSON_MIME = re.compile(r"application/(.*\+)?json")

Json = dict[str, Any]
PaneName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
#: As npm names packages, without anything that leads out of a folder.
ModuleName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(@[A-Za-z0-9][A-Za-z0-9._-]{0,63}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z"
    ),
]
Epoch = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
Rev = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Grant = Literal["view", "interact"]
Reason = Literal["unshared", "revoked", "ended"]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
_Title = Annotated[str, msgspec.Meta(max_length=MAX_TITLE)]
_Short = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
_DisplayId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
_Raw = Annotated[list[Json], msgspec.Meta(max_length=MAX_OUTPUTS)]
_Indices = Annotated[list[_Count], msgspec.Meta(max_length=MAX_OUTPUTS)]
_DisplayIds = Annotated[dict[_DisplayId, _Indices], msgspec.Meta(max_length=MAX_OUTPUTS)]
_TextLimit = Annotated[int, msgspec.Meta(ge=MIN_TEXT_LIMIT, le=MAX_TEXT_LIMIT)]


def check_pane_name(name: object) -> str:
    """Return the name of a pane.

    Raises:
        BadNameError: The name is not 1 to 64 letters, digits, dots, dashes and underscores.
    """
    if isinstance(name, str) and _PANE_NAME.fullmatch(name):
        return name
    raise BadNameError("this name cannot be used for a pane")


def is_json_mime(mime: str) -> bool:
    """Return whether data of this MIME type is JSON and not text."""
    return mime.startswith("application/") and _JSON_MIME.fullmatch(mime) is not None


class PaneOffer(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_offer``: a pane that the receiver may open; sent again after each change."""

    pane: PaneName
    title: _Title = ""
    grant: Grant
    epoch: Epoch
    since: float


class PaneWithdraw(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_withdraw``: the offer has ended, and no more updates follow.

    ``epoch`` names the life of the pane that has ended, because a snapshot may still be under way.
    """

    pane: PaneName
    reason: Reason
    epoch: Epoch | None = None


class PaneGrant(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_grant``: the receiver's grant has changed."""

    pane: PaneName
    grant: Grant


class PaneOpen(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_open``: the request for the state, or for the changes since ``rev`` of ``epoch``.

    Attributes:
        whole: Whether every long string is sent along, because the viewer has kept none.
    """

    pane: PaneName
    epoch: Epoch | None = None
    rev: Rev | None = None
    whole: bool = False


class PaneClose(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_close``: the request to send no more updates of a pane."""

    pane: PaneName


class PaneContent(msgspec.Struct, frozen=True, kw_only=True):
    """The base of ``pane_snapshot`` and ``pane_update``.

    It has either ``messages`` with ``prev``, the revision before them, or ``outputs`` with the facts
    that later messages need.

    Attributes:
        truncated: Number of characters that were cut from the beginnings of the shown streams.
        text_limit: Number of characters that a stream keeps; the oldest are cut.
        clear_wait: Whether the next output replaces all outputs.
        display_ids: Display id -> the indices of its outputs.
        widgets: The widget-state document beside ``outputs``; empty without widgets.
    """

    pane: PaneName
    epoch: Epoch
    rev: Rev
    prev: Rev | None = None
    messages: _Raw | None = None
    outputs: _Raw | None = None
    widgets: Json = {}
    display_ids: _DisplayIds = {}
    clear_wait: bool = False
    text_limit: _TextLimit = 1024 * 1024
    truncated: _Count = 0

    def __post_init__(self) -> None:
        if (self.messages is None) == (self.outputs is None):
            raise ValueError("either messages or outputs")
        if self.messages is not None and (self.prev is None or self.prev > self.rev):
            raise ValueError("messages need the revision they build on")


class PaneUpdate(PaneContent, frozen=True, kw_only=True):
    """``pane_update``: the changes since the last update."""


class PaneSnapshot(PaneContent, frozen=True, kw_only=True):
    """``pane_snapshot``: the reply to ``pane_open``; it has ``prev`` if a viewer resumes."""

    title: _Title = ""
    grant: Grant
    since: float
    ended: bool = False


class PaneBuffers(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_buffers``: the request for long strings by hash, and the reply with the strings left.

    In the reply the buffers of the envelope are the strings, in the order of ``hashes``.
    """

    pane: PaneName
    hashes: Annotated[list[Hash], msgspec.Meta(max_length=MAX_BUFFERS)]


class PaneModule(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_module``: the request for the code that draws a widget, and the reply.

    In the reply the only buffer of the envelope is the code, an AMD module in UTF-8.
    """

    pane: PaneName
    module: ModuleName


class Transient(msgspec.Struct, frozen=True):
    """``transient`` of a display: facts that are not part of the output."""

    display_id: _DisplayId


_Data = Annotated[dict[_Short, Any], msgspec.Meta(max_length=MAX_MIME_TYPES)]
_Traceback = Annotated[list[str], msgspec.Meta(max_length=MAX_TRACEBACK)]


def _check_data(data: dict[str, Any]) -> None:
    for mime, value in data.items():
        if not isinstance(value, str) and not is_json_mime(mime):
            raise ValueError("only JSON MIME types hold anything but text")


class StreamContent(msgspec.Struct, frozen=True):
    """Content of ``stream``."""

    name: _Short
    text: str


class DisplayContent(msgspec.Struct, frozen=True):
    """Content of ``display_data``."""

    data: _Data
    metadata: Json = {}
    transient: Transient | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        _check_data(self.data)


class UpdateContent(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``update_display_data``, which always has a display id."""

    data: _Data
    metadata: Json = {}
    transient: Transient

    def __post_init__(self) -> None:
        _check_data(self.data)


class ResultContent(DisplayContent, frozen=True, kw_only=True):
    """Content of ``execute_result``."""

    execution_count: _Count | None = None


class ErrorContent(msgspec.Struct, frozen=True):
    """Content of ``error``."""

    ename: str
    evalue: str
    traceback: _Traceback = []


class ClearContent(msgspec.Struct, frozen=True):
    """Content of ``clear_output``."""

    wait: bool = False


class StreamMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="stream"):
    """Text written to stdout or stderr."""

    content: StreamContent


class DisplayMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="display_data"):
    """Something displayed."""

    content: DisplayContent


class UpdateMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="update_display_data"):
    """New data for all displays of one display id."""

    content: UpdateContent


class ResultMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="execute_result"):
    """The value of a cell."""

    content: ResultContent


class ErrorMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="error"):
    """An exception."""

    content: ErrorContent


class ClearMessage(msgspec.Struct, frozen=True, tag_field="msg_type", tag="clear_output"):
    """All outputs are removed, now or when the next one arrives."""

    content: ClearContent


class StreamOutput(msgspec.Struct, frozen=True, tag_field="output_type", tag="stream"):
    """nbformat's output of that type."""

    name: _Short
    text: str


class DisplayOutput(msgspec.Struct, frozen=True, tag_field="output_type", tag="display_data"):
    """nbformat's output of that type."""

    data: _Data
    metadata: Json = {}

    def __post_init__(self) -> None:
        _check_data(self.data)


class ResultOutput(msgspec.Struct, frozen=True, tag_field="output_type", tag="execute_result"):
    """nbformat's output of that type."""

    data: _Data
    metadata: Json = {}
    execution_count: _Count | None = None

    def __post_init__(self) -> None:
        _check_data(self.data)


class ErrorOutput(msgspec.Struct, frozen=True, tag_field="output_type", tag="error"):
    """nbformat's output of that type."""

    ename: str
    evalue: str
    traceback: _Traceback = []


_Message = (
    StreamMessage
    | DisplayMessage
    | UpdateMessage
    | ResultMessage
    | ErrorMessage
    | ClearMessage
    | CommOpen
    | CommMessage
    | CommClose
)
_Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput
_Messages = Annotated[list[_Message], msgspec.Meta(max_length=MAX_MESSAGES)]
_Outputs = Annotated[list[_Output], msgspec.Meta(max_length=MAX_OUTPUTS)]

Checked = TypeVar("Checked")


def check_messages(messages: Any) -> list[Json]:
    """Return the messages with only the known keys.

    Args:
        messages: The messages with their references resolved.

    Raises:
        MalformedError: A message is not an output or comm message of the Jupyter protocol.
    """
    return _checked(messages, _Messages, "messages")


def check_outputs(outputs: Any, display_ids: dict[str, list[int]]) -> list[Json]:
    """Return the outputs with only the keys that nbformat allows.

    Args:
        outputs: The outputs with their references resolved.
        display_ids: Display id -> indices, each of a display.

    Raises:
        MalformedError: An output is not in the form of nbformat.
    """
    checked = _checked(outputs, _Outputs, "outputs")
    marks = 0
    for indices in display_ids.values():
        marks += len(indices)
        if marks > MAX_OUTPUTS:
            raise MalformedError("there are more display ids than outputs")
        for index in indices:
            if index >= len(checked) or "data" not in checked[index]:
                raise MalformedError("a display id leads to no display")
    return checked


def _checked(value: Any, shape: Any, what: str) -> list[Json]:
    try:
        checked: list[Json] = msgspec.to_builtins(msgspec.convert(value, shape))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        # ValueError: keys that have no UTF-8
        raise MalformedError(f"{what}: {misfit(error)}") from None
    return checked
