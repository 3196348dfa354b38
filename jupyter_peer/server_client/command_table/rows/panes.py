"""The commands about panes and guest links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....errors import BadRequestError
from ...results.drawing.shown import Shown
from .. import known
from ..command import Argument, Command, Values
from ..surface import Surface
from .arguments import GRANTS, PEER

if TYPE_CHECKING:
    from ...client import Client

_MY_PANE = Argument("name", "one of your panes", known.my_panes)


def _share(me: Client, values: Values, at: Surface) -> Shown:
    from ...views.cell import running_cell

    cell = running_cell()
    if cell is None:
        raise BadRequestError(
            "only a cell that runs in a Jupyter kernel can be shared",
            hint="write %%peer share as the first line of a notebook's cell",
        )
    return me.share(
        values.name,
        values.with_,
        values.grant,
        values.title,
        cell=cell.msg_id,
        tracebacks=not values.no_tracebacks,
        other_widgets=values.other_widgets,
    )


def _link(me: Client, values: Values, at: Surface) -> Shown:
    link = me.link(values.name, values.ttl, values.grant, values.max_guests)
    return link.drawn() if values.qr else link


_NAME = Argument(
    "name", "name of the pane: letters, digits, dots, dashes, underscores", known.my_panes
)
_OPTIONS = (
    Argument(
        "--with",
        "a peer that can view it; may be given several times",
        known.peers,
        metavar="PEER",
        dest="with_",
        repeats=True,
    ),
    Argument(
        "--grant",
        "what these peers can do: view (the default) or interact",
        choices=GRANTS,
        default="view",
    ),
    Argument("--title", "a title for people", default="", metavar="TEXT"),
    Argument(
        "--no-tracebacks",
        "of an error show its name and message only; a traceback quotes lines of your source",
        kind=bool,
    ),
    Argument(
        "--other-widgets",
        "which inputs of peers are allowed to widgets of other libraries than "
        "ipywidgets: none, plain values (the default), or all",
        choices=("none", "values", "all"),
        default="values",
    ),
)

ROWS = (
    Command(
        "share",
        "run the cell and share its output as a live pane",
        _share,
        (
            _NAME,
            *_OPTIONS,
        ),
        magic="%%peer",
        in_terminal=False,
    ),
    Command(
        "present",
        "share all outputs of this notebook as one pane, cell by cell as they run",
        lambda me, values, at: me.present(
            values.name,
            values.with_,
            values.grant,
            values.title,
            tracebacks=not values.no_tracebacks,
            other_widgets=values.other_widgets,
        ),
        (_NAME, *_OPTIONS),
        details="For a class: the cells that run from now on are shown in their order, without their "
        "source. A guest link opens it in any browser: %peer link NAME. %peer unshare NAME ends it.",
        in_terminal=False,
    ),
    Command(
        "panes",
        "list your panes with their viewers, and the panes shared with you",
        lambda me, values, at: me.panes(),
    ),
    Command(
        "grant",
        "allow a peer to view a pane, to use it, or neither",
        lambda me, values, at: me.grant(values.name, values.peer, values.grant),
        (
            _MY_PANE,
            PEER,
            # The client checks it: a wrong word is a refused request here, not a misuse.
            Argument(
                "grant",
                "view: can view it; interact: can also use its widgets; none: neither",
                (*GRANTS, "none"),
                metavar="view|interact|none",
            ),
        ),
        examples=("peer grant loss ada interact", "peer grant loss ada none"),
        json_key="pane",
    ),
    Command(
        "unshare",
        "stop sharing a pane",
        lambda me, values, at: me.unshare(values.name),
        (_MY_PANE,),
        details="Everybody who has it open sees that it ended.",
    ),
    Command(
        "link",
        "make a link that opens one of your panes in any browser",
        _link,
        (
            _MY_PANE,
            Argument(
                "--ttl",
                "how long it is valid: 90s, 10m, 8h, 7d (8h)",
                ("1h", "8h", "24h", "7d"),
                metavar="8h",
            ),
            Argument(
                "--grant",
                "what guests can do: view (the default) or interact",
                choices=GRANTS,
                default="view",
            ),
            Argument(
                "--max",
                "highest number of guests at once (64)",
                kind=int,
                default=64,
                bounds=(1, 64),
                metavar="N",
                dest="max_guests",
            ),
            Argument("--qr", "draw it as a QR code in a terminal, too", kind=bool),
        ),
        details="Whoever has the link sees the pane, live and sealed end to end, without an account "
        "and with nothing to install. Stop it at any moment with %peer unlink.",
        examples=("peer link loss --ttl=8h", "peer link loss --grant=interact --max=20"),
    ),
    Command(
        "links",
        "list your guest links with their present guests",
        lambda me, values, at: me.links(),
        details="The URL of a link is not stored.",
    ),
    Command(
        "unlink",
        "stop a guest link and disconnect its guests",
        lambda me, values, at: me.unlink(values.id),
        (Argument("id", "the id that %peer links shows", known.links),),
    ),
    Command(
        "open",
        "show a peer's pane here, live",
        lambda me, values, at: me.open(values.pane),
        (
            Argument(
                "pane",
                "the peer and the pane; the name alone if only one peer offers it",
                known.offered_panes,
                metavar="PEER/NAME",
            ),
        ),
        details="A terminal prints what the pane shows now.",
    ),
)
