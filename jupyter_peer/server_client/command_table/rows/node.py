"""The commands about this node: its identity, its reach, its connection check, its audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...results.drawing.shown import Shown
from .. import known
from ..command import Argument, Command, Values
from ..surface import Surface

if TYPE_CHECKING:
    from ...client import Client


def _reach(me: Client, values: Values, at: Surface) -> Shown:
    return me.reach(values.mode, values.url, values.port, on_progress=at.steps)


ROWS = (
    Command(
        "whoami",
        "show this node's identity: name, node id, public key, fingerprint, addresses",
        lambda me, values, at: me.whoami(),
        also="id",
    ),
    Command(
        "name",
        "set the name that other people see for this node",
        lambda me, values, at: me.name(values.name),
        (Argument("name", "the new name; it may have several words", rest=" "),),
    ),
    Command(
        "reach",
        "show or choose who can reach this node; the choice is applied at once and stored",
        _reach,
        (
            # The server checks it: a wrong word is a refused request, not a misuse.
            Argument(
                "mode",
                "local: this computer; network: this network; relay: anywhere, by a relay; webrtc: "
                "through routers; without it, the reach is shown",
                ("local", "network", "relay", "webrtc"),
                metavar="local|network|relay|webrtc",
                optional=True,
            ),
            Argument(
                "url",
                "relay, webrtc: the URL of the relay; without it, the last one",
                optional=True,
            ),
            Argument(
                "--port",
                "network: the port to open (9797)",
                kind=int,
                bounds=(1, 65535),
                metavar="PORT",
            ),
        ),
        details="The extra port of `network` serves peers alone, never Jupyter. What the server's "
        "configuration sets takes precedence over the choice.",
        examples=("peer reach", "peer reach network", "peer reach relay wss://relay.example"),
    ),
)
DOCTOR = Command(
    "doctor",
    "connection check: what works, what fails, why, and what to do",
    lambda me, values, at: me.doctor(values.peer, on_progress=at.steps),
    (Argument("peer", "a peer; each path to it is tried", known.peers, optional=True),),
    details="With a peer, each path to it is tried without touching the live connection.",
    examples=("peer doctor", "peer doctor ada"),
)
PANEL = Command(
    "panel",
    "invite, pair, watch and share with buttons",
    lambda me, values, at: at.panel(me),
    in_terminal=False,
)
LOG = Command(
    "log",
    "show the audit log, newest first: what happened between this node and its peers",
    lambda me, values, at: me.log(values.limit),
    (Argument("--limit", "how many entries (50)", kind=int, default=50, metavar="N"),),
)
