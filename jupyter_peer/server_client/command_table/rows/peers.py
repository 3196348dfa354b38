"""The commands about invites and peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...results.drawing.shown import Shown
from .. import known
from ..command import Argument, Command, MisuseError, Values
from ..surface import Surface
from .arguments import PEER

if TYPE_CHECKING:
    from ...client import Client


def _alias(me: Client, values: Values, at: Surface) -> Shown:
    # In a terminal a forgotten NAME must not remove the alias.
    if (values.remove and values.name) or (at.is_terminal and not (values.remove or values.name)):
        raise MisuseError("give either a NAME or --remove", hint="see %peer alias --help")
    return me.alias(values.peer, values.name)


ROWS = (
    Command(
        "invite",
        "make a single-use invite for one person",
        lambda me, values, at: me.invite(values.ttl, values.note_text, values.code),
        (
            Argument(
                "--ttl",
                "how long it is valid: 90s, 10m, 24h, 7d; without it, the server's setting",
                ("10m", "1h", "24h", "7d"),
                metavar="24h",
            ),
            Argument(
                "--note",
                "a note for your list of invites",
                default="",
                metavar="TEXT",
                dest="note_text",
            ),
            Argument(
                "--code",
                "make a spoken code, such as 7-adult-amulet; it is valid for ten minutes",
                kind=bool,
            ),
        ),
        details="Send it to one person by a channel you both trust: whoever uses it first becomes "
        "your peer. It works once. A code needs a relay at which both nodes meet, and a wrong guess "
        "ends it.",
        examples=(
            'peer invite --ttl=10m --note="for Ada"',
            "peer invite --code",
            "peer invite | wl-copy",
        ),
    ),
    Command(
        "invites",
        "list the invites made here, newest first",
        lambda me, values, at: me.invites(),
        details="The text of an invite is not stored.",
    ),
    Command(
        "revoke",
        "revoke an unused invite",
        lambda me, values, at: me.revoke(values.id),
        (Argument("id", "the id that %peer invites shows", known.open_invites),),
    ),
    Command(
        "pair",
        "use somebody's invite: both servers connect and trust each other from then on",
        lambda me, values, at: me.pair(values.invite, on_progress=at.steps),
        (
            Argument(
                "invite",
                "the text that starts with jpeer1:, line breaks included, or a code",
                rest="",
                stdin="line",
            ),
        ),
        examples=(
            "peer pair jpeer1:eyJhIjpbIndzOi8v...",
            "peer pair 7-adult-amulet",
            "wl-paste | peer pair",
        ),
    ),
    Command(
        "connect",
        "connect to a known peer, or to the node at an address",
        lambda me, values, at: me.connect(values.target, on_progress=at.steps),
        (
            Argument(
                "target",
                "a peer by any of its names, or host:port, or ws://host:port/peer-ws",
                known.peers,
                metavar="PEER|ADDRESS",
            ),
        ),
    ),
    Command(
        "list",
        "list the peers: name, id, status, path, round trip, trust, last seen, panes",
        lambda me, values, at: me.peers(),
        details="Nodes that were found nearby and are not paired come after them.",
    ),
    Command(
        "disconnect",
        "close the connection to a peer until one side connects again",
        lambda me, values, at: me.disconnect(values.peer),
        (PEER,),
    ),
    Command(
        "block",
        "refuse a peer from now on",
        lambda me, values, at: me.block(values.peer),
        (PEER,),
        details="Its connection and its views of your panes close at once.",
    ),
    Command(
        "unblock",
        "allow a blocked peer to connect again",
        lambda me, values, at: me.unblock(values.peer),
        (PEER,),
    ),
    Command(
        "forget",
        "forget a peer and its grants",
        lambda me, values, at: me.forget(values.peer),
        (PEER,),
        details="To come back, the peer needs a new invite.",
    ),
    Command(
        "alias",
        "give a peer a name of your own, or remove it",
        _alias,
        (
            PEER,
            Argument("name", "your name for the peer", optional=True, rest=" "),
            Argument("--remove", "remove the alias", kind=bool),
        ),
        examples=("peer alias ada Ada Lovelace", "peer alias ada --remove"),
    ),
)
