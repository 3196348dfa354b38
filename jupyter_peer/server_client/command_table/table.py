"""The table of commands, for ``%peer``, ``jupyter peer`` and Tab.

A new command is one row: its name, one line of help, its arguments and the call it makes. What the
call returns draws itself as text, HTML and JSON (:mod:`..results`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import BadRequestError, PeerError, to_wire
from ..results.drawing.shown import Shown
from . import known
from .command import Argument, Command, MisuseError, Values
from .surface import Surface

if TYPE_CHECKING:
    from ..client import Client

_PEER = Argument(
    "peer", "a peer: its alias, node name, node id, or a unique prefix of one", known.peers
)
_MY_PANE = Argument("name", "one of your panes", known.my_panes)
_GRANTS = ("view", "interact")


def _pair(me: Client, values: Values, at: Surface) -> Shown:
    peer = me.pair(values.invite, on_progress=at.steps)
    if peer.get("rtt_ms") is None:
        # The first round trip may not have been measured yet; a failure does not undo the pairing.
        try:
            peer["rtt_ms"] = me.ping(peer["node_id"])
        except PeerError as error:
            if at.steps is not None:
                at.steps({"step": "ping", "ok": False, **to_wire(error)})
    return peer


def _alias(me: Client, values: Values, at: Surface) -> Shown:
    # In a terminal a forgotten NAME must not remove the alias.
    if (values.remove and values.name) or (at.is_terminal and not (values.remove or values.name)):
        raise MisuseError("give either a NAME or --remove", hint="see %peer alias --help")
    return me.alias(values.peer, values.name)


def _share(me: Client, values: Values, at: Surface) -> Shown:
    from ..views.cell import running_cell

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


def _chat(me: Client, values: Values, at: Surface) -> Shown:
    if values.text is None:
        return me.chats(values.peer, values.limit)
    return me.chat(values.peer, values.text)


def _agent(me: Client, values: Values, at: Surface) -> Shown:
    if values.action == "on":
        return me.agent_on(values.agent, values.mode)
    if values.agent is not None or values.mode is not None:
        raise MisuseError("--agent and --mode belong to `on`", hint="see %peer agent --help")
    return me.agent_off() if values.action == "off" else me.agents()


def _lobby(me: Client, values: Values, at: Surface) -> Shown:
    calls = {
        "status": me.lobby,
        "on": me.lobby_on,
        "off": me.lobby_off,
        "who": me.lobby_who,
    }
    return calls[values.action]()


def _room(me: Client, values: Values, at: Surface) -> Shown:
    if values.action == "create":
        visibility = "public" if values.public else "unlisted"
        return me.create_room(values.name, visibility, values.join_policy, values.group)
    if values.action == "join":
        return me.join_room(values.name, values.token)
    return me.leave_room(values.name)


def _reach(me: Client, values: Values, at: Surface) -> Shown:
    return me.reach(values.mode, values.url, values.port, on_progress=at.steps)


_ROWS = (
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
        "show or choose who can reach this node; applied at once and kept",
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
        "configuration sets is stronger than the choice.",
        examples=("peer reach", "peer reach network", "peer reach relay wss://relay.example"),
    ),
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
                "make a code that one can say, such as 7-adult-amulet; it lives ten minutes",
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
        _pair,
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
        (_PEER,),
    ),
    Command(
        "block",
        "refuse a peer from now on",
        lambda me, values, at: me.block(values.peer),
        (_PEER,),
        details="Its connection and its views of your panes close at once.",
    ),
    Command(
        "unblock",
        "allow a blocked peer to connect again",
        lambda me, values, at: me.unblock(values.peer),
        (_PEER,),
    ),
    Command(
        "forget",
        "forget a peer and its grants",
        lambda me, values, at: me.forget(values.peer),
        (_PEER,),
        details="To come back, the peer needs a new invite.",
    ),
    Command(
        "alias",
        "give a peer a name of your own, or remove it",
        _alias,
        (
            _PEER,
            Argument("name", "your name for the peer", optional=True, rest=" "),
            Argument("--remove", "remove the alias", kind=bool),
        ),
        examples=("peer alias ada Ada Lovelace", "peer alias ada --remove"),
    ),
    Command(
        "share",
        "run the cell and share its output as a live pane",
        _share,
        (
            Argument(
                "name",
                "name of the pane: letters, digits, dots, dashes, underscores",
                known.my_panes,
            ),
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
                choices=_GRANTS,
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
                "what peers who can use the pane may set of widgets of other libraries than "
                "ipywidgets: none, plain values (the default), or all",
                choices=("none", "values", "all"),
                default="values",
            ),
        ),
        magic="%%peer",
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
            _PEER,
            # The client checks it: a wrong word is a refused request here, not a misuse.
            Argument(
                "grant",
                "view: can view it; interact: can also use its widgets; none: neither",
                (*_GRANTS, "none"),
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
        lambda me, values, at: me.link(values.name, values.ttl, values.grant, values.max_guests),
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
                choices=_GRANTS,
                default="view",
            ),
            Argument(
                "--max",
                "how many may have it open at once (64)",
                kind=int,
                default=64,
                bounds=(1, 64),
                metavar="N",
                dest="max_guests",
            ),
        ),
        details="Whoever has the link sees the pane, live and sealed end to end, without an account "
        "and with nothing to install. Stop it at any moment with %peer unlink.",
        examples=("peer link loss --ttl=8h", "peer link loss --grant=interact --max=20"),
    ),
    Command(
        "links",
        "list your guest links and who has each of them open",
        lambda me, values, at: me.links(),
        details="The URL of a link is not stored.",
    ),
    Command(
        "unlink",
        "stop a guest link and cut off its guests",
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
    Command(
        "chat",
        "send a message to a peer, or show the last messages",
        _chat,
        (
            Argument(
                "--limit",
                "how many messages to show at most (50)",
                kind=int,
                default=50,
                bounds=(1, 1000),
                metavar="N",
            ),
            Argument(
                "peer",
                "the peer; without it, the messages of all peers",
                known.peers,
                optional=True,
            ),
            Argument(
                "text",
                "the message; without it, the last messages are shown",
                optional=True,
                rest=" ",
                verbatim=True,
                stdin="text",
            ),
        ),
        examples=(
            "peer chat bob the run is done",
            "tail -n 20 train.log | peer chat bob -",
            "peer chat",
        ),
    ),
    Command(
        "ask",
        "ask a peer's agent; the answer is shown while it arrives",
        lambda me, values, at: at.ask(me, values.peer, values.text, values.timeout, values.agent),
        (
            Argument(
                "--agent", "one of the peer's agents; without it, the peer chooses", metavar="NAME"
            ),
            Argument(
                "--timeout",
                "how long to wait for the answer, in seconds (60)",
                kind=float,
                default=60.0,
                metavar="SECONDS",
            ),
            _PEER,
            Argument(
                "text", "the question: the rest of the line", rest=" ", verbatim=True, stdin="text"
            ),
        ),
        details="An interrupt (Ctrl-C, or interrupting the cell) cancels the question at the peer.",
        examples=(
            "peer ask ada what is the final loss?",
            "peer ask --timeout=10 ada < question.txt",
        ),
    ),
    Command(
        "agent",
        "allow peers to ask agents here, or stop it; show which agents there are",
        _agent,
        (
            Argument(
                "action",
                "on: allow it until the server ends; off: stop it; status: show it (the default)",
                choices=("on", "off", "status"),
                default="status",
                optional=True,
            ),
            Argument(
                "--agent",
                "with on: the agent that answers questions to no agent in particular",
                known.agents,
                metavar="NAME",
            ),
            Argument(
                "--mode",
                "with on: read-only, or ask: you approve each call of a tool that can change something",
                choices=("read-only", "ask"),
            ),
        ),
    ),
    Command(
        "doctor",
        "connection check: what works, what fails, why, and what to do",
        lambda me, values, at: me.doctor(values.peer, on_progress=at.steps),
        (Argument("peer", "a peer; each path to it is tried", known.peers, optional=True),),
        details="With a peer, each path to it is tried without touching the live connection.",
        examples=("peer doctor", "peer doctor ada"),
    ),
    Command(
        "lobby",
        "show this node's state at the lobby, list it there, or see who is listed",
        _lobby,
        (
            Argument(
                "action",
                "on: list this node, so that everybody there sees its name and id; off: leave the "
                "lobby and its rooms; who: show who is listed; without it, show the state",
                ("on", "off", "who"),
                choices=("on", "off", "who", "status"),
                metavar="on|off|who",
                default="status",
                optional=True,
            ),
        ),
    ),
    Command(
        "rooms",
        "list the rooms you are in, with their members, and the public ones",
        lambda me, values, at: me.rooms(),
    ),
    Command(
        "room",
        "create, join or leave a room of the lobby",
        _room,
        (
            Argument("action", "what to do", choices=("create", "join", "leave")),
            Argument("name", "letters, digits, dots, dashes, underscores", known.rooms),
            Argument(
                "--for",
                "create: who can join: open (anyone who knows the name), token, directory",
                choices=("open", "token", "directory"),
                default="open",
                dest="join_policy",
            ),
            Argument("--public", "create: list the room for everybody", kind=bool),
            Argument("--group", "create: only this group of the directory can join"),
            Argument("--token", "join: the token that a member gave you"),
        ),
        details="Members see each other and each other's addresses. To connect, they still pair "
        "with an invite or trust a directory. A room ends when its last member leaves.",
        examples=(
            "peer room create class --for=token",
            "peer room join class --token=...",
            "peer room leave class",
        ),
    ),
    Command(
        "panel",
        "invite, pair, watch and share with buttons",
        lambda me, values, at: at.panel(me),
        in_terminal=False,
    ),
    Command(
        "log",
        "show the audit log, newest first: what happened between this node and its peers",
        lambda me, values, at: me.log(values.limit),
        (Argument("--limit", "how many entries (50)", kind=int, default=50, metavar="N"),),
    ),
)
#: The commands by name, in the order of the help.
COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
