"""One typed struct per payload of the panes (SPEC section 6.2).

Owner to viewer: ``pane_offer``, ``pane_withdraw``, ``pane_grant``, ``pane_snapshot`` (the reply to
``pane_open``), ``pane_update``, ``pane_buffers`` and ``pane_module`` (replies). Viewer to owner:
``pane_open``, ``pane_close``, ``pane_buffers``, ``pane_module``. Long strings inside ``messages``, ``outputs`` and ``widgets`` may be
references (:mod:`.blobs`), so a payload is checked in two steps: its own fields by
:func:`.messages.convert`, and after the references were resolved what it holds by
:func:`check_messages`, :func:`check_outputs` and :func:`.widget_messages.check_document`.
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
#: nbformat's rule: only these mime types hold JSON, all others text.
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
        BadNameError: It is not 1 to 64 letters, digits, dots, dashes and underscores.
    """
    if isinstance(name, str) and _PANE_NAME.fullmatch(name):
        return name
    raise BadNameError("this name cannot be used for a pane")


def is_json_mime(mime: str) -> bool:
    """Whether data of this mime type is JSON rather than text."""
    return mime.startswith("application/") and _JSON_MIME.fullmatch(mime) is not None


class PaneOffer(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_offer``: a pane the receiver may open; sent again when something of it changes."""

    pane: PaneName
    title: _Title = ""
    grant: Grant
    epoch: Epoch
    since: float


class PaneWithdraw(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_withdraw``: the offer is gone, and with it every update.

    ``epoch`` says which life of the pane has ended, since a snapshot of it may still be under way.
    """

    pane: PaneName
    reason: Reason
    epoch: Epoch | None = None


class PaneGrant(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_grant``: what the receiver may do has changed."""

    pane: PaneName
    grant: Grant


class PaneOpen(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_open``: send the state, or only what is newer than ``rev`` of ``epoch``.

    Attributes:
        whole: Send every long string along, as if nothing was kept from before.
    """

    pane: PaneName
    epoch: Epoch | None = None
    rev: Rev | None = None
    whole: bool = False


class PaneClose(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_close``: send no more of it."""

    pane: PaneName


class PaneContent(msgspec.Struct, frozen=True, kw_only=True):
    """The base of ``pane_snapshot`` and ``pane_update``.

    Either ``messages`` with ``prev``, the revision they build on, or ``outputs`` with what later
    messages need to know of them.

    Attributes:
        truncated: Characters cut from the beginnings of the streams that are shown.
        text_limit: Characters a stream keeps; the oldest are cut.
        clear_wait: Whether the next output replaces all.
        display_ids: Display id -> the indices of the outputs that carry it.
        widgets: With ``outputs``: the widget-state document; empty without widgets.
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
    """``pane_update``: what is new for a viewer."""


class PaneSnapshot(PaneContent, frozen=True, kw_only=True):
    """``pane_snapshot``: the reply to ``pane_open``; with ``prev`` when a viewer resumes."""

    title: _Title = ""
    grant: Grant
    since: float
    ended: bool = False


class PaneBuffers(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_buffers``: asks for long strings by hash, and answers with those that are still there.

    In the answer the buffers of the envelope are the strings, in the order of ``hashes``.
    """

    pane: PaneName
    hashes: Annotated[list[Hash], msgspec.Meta(max_length=MAX_BUFFERS)]


class PaneModule(msgspec.Struct, frozen=True, kw_only=True):
    """``pane_module``: asks for the code that draws a widget, and answers with it.

    In the answer the only buffer of the envelope is the code, an AMD module as UTF-8.
    """

    pane: PaneName
    module: ModuleName


class Transient(msgspec.Struct, frozen=True):
    """``transient`` of a display: what is not part of the output itself."""

    display_id: _DisplayId


_Data = Annotated[dict[_Short, Any], msgspec.Meta(max_length=MAX_MIME_TYPES)]
_Traceback = Annotated[list[str], msgspec.Meta(max_length=MAX_TRACEBACK)]


def _check_data(data: dict[str, Any]) -> None:
    for mime, value in data.items():
        if not isinstance(value, str) and not is_json_mime(mime):
            raise ValueError("only JSON mime types hold anything but text")


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
    """Content of ``update_display_data``, which makes no sense without a display id."""

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
    """All outputs go, now or when the next one comes."""

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
    """Return the messages with nothing but the known keys.

    Args:
        messages: The messages with their references resolved.

    Raises:
        MalformedError: One is not an output or comm message as the Jupyter protocol has it.
    """
    return _checked(messages, _Messages, "messages")


def check_outputs(outputs: Any, display_ids: dict[str, list[int]]) -> list[Json]:
    """Return the outputs with nothing but the keys nbformat allows.

    Args:
        outputs: The outputs with their references resolved.
        display_ids: Display id -> indices, which must lead to displays.

    Raises:
        MalformedError: One is not an output as nbformat has it.
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
