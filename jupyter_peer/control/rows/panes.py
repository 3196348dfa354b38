"""Operations on panes: to share one's own, and to watch those of peers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ...wire.payloads.panes import ModuleName
from ...wire.payloads.widgets import InputId, InputMessage
from ..fields import (
    Done,
    Grant,
    GrantOrNone,
    Json,
    NameParams,
    NoParams,
    Number,
    PersonModel,
    Short,
)
from ..operation import Operation, looks, of_connection

NotebookPath = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
OtherWidgets = Literal["none", "values", "all"]
PaneStatus = Literal["live", "last seen", "ended", "withdrawn", "closed"]


class ViewerModel(msgspec.Struct, frozen=True):
    """A peer that has a pane open."""

    node_id: str
    node_name: str
    grant: Grant


class PaneModel(msgspec.Struct, frozen=True, kw_only=True):
    """A pane of this node.

    Attributes:
        rev: Counts its changes.
        status: ``ended`` once its kernel is gone.
        since: Time when it was shared, epoch seconds.
        kernel_id: None once its kernel is gone, and for a pane of fixed content.
        cell_id: Id of the notebook's cell that the pane belongs to; None for other panes.
        path: Present path of this notebook, if known.
        output: The place of the cell's one output that is shared, from 0; None for all of them.
        failed: Whether its cell ended with an error.
        other_widgets: Rule for inputs to widgets of other libraries than ipywidgets.
        presented_by: What names the cells of a presented notebook; None for other panes.
        grants: Grant of each peer, by node id.
    """

    name: str
    title: str
    rev: int
    status: Literal["live", "ended"]
    since: float
    kernel_id: str | None
    cell_id: str | None
    path: str | None
    output: int | None
    failed: bool
    other_widgets: OtherWidgets
    presented_by: Literal["kernel", "page"] | None
    viewers: list[ViewerModel]
    grants: dict[str, Grant]


class OfferedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A pane that a peer offers to this node; ``last seen`` while the peer is offline."""

    name: str
    title: str
    grant: Grant
    since: float
    status: Literal["live", "last seen"]
    peer: PersonModel


class PanesResult(msgspec.Struct, frozen=True):
    """The panes of this node, and those that peers offer to it."""

    mine: list[PaneModel]
    offered: list[OfferedModel]


class PaneResult(msgspec.Struct, frozen=True):
    """The pane after the operation."""

    pane: PaneModel


class OutputsResult(msgspec.Struct, frozen=True):
    """The current outputs of a pane, in the form of nbformat."""

    outputs: list[Json]


class ShareParams(msgspec.Struct, frozen=True, kw_only=True):
    """The output of a cell, or a display, that becomes a pane.

    Attributes:
        name: Name of the pane, unique on this node.
        title: For people; the name when empty.
        with_: Peers that may see it at once.
        grant: Grant of these peers.
        kernel_id: Kernel whose output is shared. A kernel may omit it, and can name only itself.
        cell: ``msg_id`` of the execute request whose output is the pane, or
        display: a ``display_id``.
        cell_id: Id of the cell in its notebook. If the cell runs again, the pane continues.
        path: Path of this notebook on the server: a copy of it has cells of the same ids.
        outputs: Outputs that the cell already shows, in the form of nbformat. Who gives them sees
            the cell; without them the kernel must have run it.
        output: The place of the one output of the cell that is shared, from 0; all without it.
        known: Ids of the last messages that are in ``outputs``.
        loaders: MIME bundles of other cells that loaded a library into the page. Of these the node
            keeps those whose form it knows.
        notebook: Whether all cells that ``present_cell`` names are shown, in the order of their runs,
            and not ``cell``, which presents them. A page presents without a cell.
        tracebacks: Whether errors in the pane show their traceback, which quotes lines of the source.
            Without it a pane that is shared again keeps the choice, and a new one shows them.
        other_widgets: Rule for inputs to widgets of other libraries than
            ipywidgets: ``none``, plain ``values``, or ``all``. Without it a pane that is shared again
            keeps the rule, and a new one takes ``values``.
    """

    name: Short
    title: Annotated[str, msgspec.Meta(max_length=512)] = ""
    with_: Annotated[list[Short], msgspec.Meta(max_length=256)] = msgspec.field(
        name="with", default_factory=list
    )
    grant: Grant = "view"
    kernel_id: Short | None = None
    cell: Short | None = None
    display: Short | None = None
    cell_id: Short | None = None
    path: NotebookPath | None = None
    outputs: Annotated[list[Json], msgspec.Meta(max_length=10_000)] | None = None
    output: Annotated[int, msgspec.Meta(ge=0, lt=10_000)] | None = None
    known: Annotated[list[Short], msgspec.Meta(max_length=4096)] = msgspec.field(
        default_factory=list
    )
    loaders: Annotated[list[Json], msgspec.Meta(max_length=256)] = msgspec.field(
        default_factory=list
    )
    notebook: bool = False
    tracebacks: bool | None = None
    other_widgets: OtherWidgets | None = None

    def __post_init__(self) -> None:
        is_cell = self.cell is not None or self.cell_id is not None or self.notebook
        if is_cell == (self.display is not None):
            raise ValueError("give either a cell or a display")
        if self.output is not None and (not is_cell or self.notebook):
            raise ValueError("give output with a cell, and not with notebook")


class PostParams(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed content that becomes a pane: no kernel is behind it, and it can only be viewed.

    Attributes:
        name: Name of the pane, unique on this node. An earlier posted pane of this name is replaced.
        title: For people; the name when empty.
        with_: Peers that may see it, and nobody else.
        outputs: Its outputs, in the form of nbformat.
    """

    name: Short
    title: Annotated[str, msgspec.Meta(max_length=512)] = ""
    with_: Annotated[list[Short], msgspec.Meta(max_length=256)] = msgspec.field(
        name="with", default_factory=list
    )
    outputs: Annotated[list[Json], msgspec.Meta(min_length=1, max_length=16)]


class KernelParams(msgspec.Struct, frozen=True):
    """A kernel of this server."""

    kernel_id: Short


class PresentCellParams(msgspec.Struct, frozen=True):
    """A cell of a presented notebook that runs.

    Attributes:
        name: Name of the pane.
        cell: ``msg_id`` of the execute request.
        kernel_id: Its kernel. A kernel may omit it, and can name only itself.
    """

    name: Short
    cell: Short
    kernel_id: Short | None = None


class RunAgainParams(msgspec.Struct, frozen=True):
    """A notebook's cell that runs again.

    Attributes:
        kernel_id: Its kernel.
        cell_id: Id of the cell in its notebook.
        cell: ``msg_id`` of the new execute request.
        path: Path of this notebook. Without it the cell may be of any notebook of the kernel.
    """

    kernel_id: Short
    cell_id: Short
    cell: Short
    path: NotebookPath | None = None


class WaitForOwnerParams(msgspec.Struct, frozen=True):
    """A cell that waits for input from its owner (``input()``, ``getpass()``).

    Attributes:
        kernel_id: Its kernel.
        cell: ``msg_id`` of the execute request.
        prompt: Prompt of the cell; None after the answer. The answer itself is never sent.
    """

    kernel_id: Short
    cell: Short
    prompt: Annotated[str, msgspec.Meta(max_length=1024)] | None


class GrantParams(msgspec.Struct, frozen=True):
    """The grant of a peer for a pane; None and ``none`` revoke it."""

    name: Short
    peer: Short
    grant: GrantOrNone | None


class ChangePaneParams(msgspec.Struct, frozen=True):
    """Grants to set: one as ``{peer, grant}``, or several as ``{grants: {peer: grant}}``."""

    name: Short
    peer: str | None = None
    grant: GrantOrNone | None = None
    grants: dict[str, GrantOrNone | None] = msgspec.field(default_factory=dict)


class OpenParams(msgspec.Struct, frozen=True):
    """A pane that a peer offers.

    Attributes:
        peer: The owner.
        name: The pane.
        if_watched: Opens it only if a kernel of this server already watches it. So an output that
            came with a notebook file cannot make this node ask a peer for anything.
    """

    peer: Short
    name: Short
    if_watched: bool = False


class PaneInfoModel(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a watched pane besides its outputs. Times are epoch seconds.

    Attributes:
        last_seen: Time when its owner went offline, with ``status`` ``last seen``.
        path: The transport of the connection to the owner.
        truncated: Characters cut from the beginnings of its streams.
    """

    name: str
    title: str
    grant: Grant
    since: float
    status: PaneStatus
    last_seen: float | None
    owner: PersonModel
    path: str | None
    rtt_ms: float | None
    truncated: int


class PaneStateModel(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of a watched pane; later changes build on it.

    Attributes:
        epoch: Changes when the pane begins a new life.
        rev: Counts its changes.
        truncated: Characters cut from the beginnings of its streams.
        outputs: Outputs in the form of nbformat.
        display_ids: The indices of the outputs that carry each display id.
        clear_wait: Whether the next output replaces all of them.
        text_limit: Characters a stream keeps.
        widgets: The widget-state document.
    """

    epoch: str
    rev: int
    truncated: int
    outputs: list[Json]
    display_ids: dict[str, list[int]]
    clear_wait: bool
    text_limit: int
    widgets: Json


class PaneEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a watched pane: ``messages`` that build on ``prev``, or the whole state.

    ``info`` is present if something besides the outputs has changed. The other fields are those of
    :class:`PaneStateModel`.
    """

    watch: int
    info: PaneInfoModel | msgspec.UnsetType = msgspec.UNSET
    epoch: str | msgspec.UnsetType = msgspec.UNSET
    rev: int | msgspec.UnsetType = msgspec.UNSET
    truncated: int | msgspec.UnsetType = msgspec.UNSET
    prev: int | msgspec.UnsetType | None = msgspec.UNSET
    messages: list[Json] | msgspec.UnsetType = msgspec.UNSET
    outputs: list[Json] | msgspec.UnsetType = msgspec.UNSET
    display_ids: dict[str, list[int]] | msgspec.UnsetType = msgspec.UNSET
    clear_wait: bool | msgspec.UnsetType = msgspec.UNSET
    text_limit: int | msgspec.UnsetType = msgspec.UNSET
    widgets: Json | msgspec.UnsetType = msgspec.UNSET


class OpenResult(msgspec.Struct, frozen=True):
    """A new watch of this connection: its number, and the pane so far."""

    watch: int
    info: PaneInfoModel
    state: PaneStateModel


class WatchParams(msgspec.Struct, frozen=True):
    """One watch of this connection."""

    watch: Number


class ProofResult(msgspec.Struct, frozen=True):
    """The text of a proof file (SPEC section 12)."""

    proof: str


class AckParams(msgspec.Struct, frozen=True):
    """The newest revision of a watch that the client has applied."""

    watch: Number
    rev: Number


class InputParams(msgspec.Struct, frozen=True):
    """A change of a widget in a watched pane.

    Attributes:
        watch: The watch of this connection.
        message: ``{msg_type: "comm_msg", content: {comm_id, data}, buffers?}``, where ``data`` is
            ``{method: "update", state, buffer_paths?}`` or ``{method: "custom", content}``.
        id: Id of the input; the echo of the owner's kernel repeats it as ``re``.
    """

    watch: Number
    message: InputMessage
    id: InputId | None = None


class ModuleParams(msgspec.Struct, frozen=True):
    """A module that widgets of a watched pane need.

    Attributes:
        watch: The watch of this connection.
        module: Name of the module in ``_model_module`` or ``_view_module`` of a widget.
    """

    watch: Number
    module: ModuleName


class ModuleResult(msgspec.Struct, frozen=True):
    """The code of a module: one AMD module."""

    code: str


PANES = looks(
    "panes",
    NoParams,
    PanesResult,
    "Return the panes of this node, and those that peers offer to it.",
    "GET panes",
)
SHARE = Operation(
    "share", ShareParams, PaneResult, "Share the output of a cell, or a display.", "POST panes"
)
POST = Operation("post", PostParams, PaneResult, "Share fixed content, without a kernel.")
HEAR = Operation(
    "hear",
    KernelParams,
    Done,
    "Remember the outputs of a kernel's cells, for a pane that begins soon.",
    is_repeatable=True,
)
PRESENT_CELL = Operation(
    "present_cell",
    PresentCellParams,
    Done,
    "Add the outputs of a cell to the pane of its presented notebook.",
    is_repeatable=True,
)
RUN_AGAIN = Operation(
    "run_again", RunAgainParams, Done, "Let the panes of a cell go on with its new outputs."
)
WAIT_FOR_OWNER = Operation(
    "wait_for_owner",
    WaitForOwnerParams,
    Done,
    "Show whether a cell waits for input from its owner.",
    is_repeatable=True,
)
GRANT = Operation("grant", GrantParams, PaneResult, "Set what a peer may do with a pane.")
CHANGE_PANE = Operation(
    "change_pane",
    ChangePaneParams,
    PaneResult,
    "Set the grants of one or several peers for a pane.",
    "PATCH panes/{name}",
)
UNSHARE = Operation("unshare", NameParams, Done, "Stop sharing a pane.", "DELETE panes/{name}")
READ = looks("read", NameParams, OutputsResult, "Return what a pane of this node shows now.")
OPEN = of_connection(
    "open",
    OpenParams,
    OpenResult,
    "Watch a pane of a peer; its changes arrive as `pane` events.",
    is_repeatable=True,
    ends_unawaited=True,
)
ACK = of_connection("ack", AckParams, Done, "Confirm the changes of a watch up to a revision.")
CLOSE = of_connection("close", WatchParams, Done, "End a watch.")
PROVE = of_connection(
    "prove",
    WatchParams,
    ProofResult,
    "Return a proof of a watched pane's state, which its owner signs again.",
    timeout_s=None,
)
INPUT = of_connection("input", InputParams, Done, "Change a widget of a watched pane.")
MODULE = of_connection(
    "module",
    ModuleParams,
    ModuleResult,
    "Return the code that draws widgets of a watched pane, from its owner.",
    is_repeatable=True,
    timeout_s=130.0,
)
