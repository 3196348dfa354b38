"""The commands of ``%peer`` as a table: words, help, what completes them, and what they call."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import BadRequestError
from ...server_client.results.results import Overview, Shown
from .command import WIDTH, Command, HelpAskedError, Steps, argument

if TYPE_CHECKING:
    from ...server_client.client import Client

_WORD = re.compile(r"""\s*(?:(?P<mark>["'])(?P<quoted>.+?)(?P=mark)(?!\S)|(?P<plain>\S+))""")
_SUMMARY_AT = 44
_HEAD = "Share this output, not your server."
_FOOT = (
    "Each command has --help. A peer is named by alias, node name, node id, or the unique beginning "
    "of one."
)

# What a word can be completed with.
PEER, MINE, OFFERED, INVITE, GRANT, GRANT_OR_NONE, TTL = (
    "peer",
    "mine",
    "offered",
    "invite",
    "grant",
    "grant or none",
    "ttl",
)
_CHAT = "chat"
AGENT, AGENT_ACTION, AGENT_MODE = ("agent", "agent action", "agent mode")
LOBBY, ROOM, ROOM_ACTION, JOIN_POLICY = ("lobby", "room", "room action", "join policy")


def _panel(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    from ..panel.panel import PeerPanel

    return PeerPanel(client)


def _share(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    from ...server_client.views.cell import running_cell

    cell = running_cell()
    if cell is None:
        raise BadRequestError(
            "only a cell that runs in a Jupyter kernel can be shared",
            hint="run this in a notebook",
        )
    return client.share(args.name, args.with_, args.grant, args.title, cell=cell.msg_id)


def _chat(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    if args.text:
        return client.chat(args.peer, " ".join(args.text))
    return client.chats(args.peer)


def _ask(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    from ...server_client.results.answers import show_streamed
    from ...server_client.views.cell import running_cell

    question = args.peer, args.text, args.timeout
    if running_cell() is None:
        return client.ask(*question, agent=args.agent)
    return show_streamed(client.ask_stream(*question, agent=args.agent), args.peer)


def _agent(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    if args.action == "on":
        return client.agent_on(args.agent, args.mode)
    if args.agent is not None or args.mode is not None:
        raise BadRequestError("--agent and --mode belong to `on`", hint="%peer agent --help")
    return client.agent_off() if args.action == "off" else client.agents()


def _lobby(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    calls = {
        "status": client.lobby,
        "on": client.lobby_on,
        "off": client.lobby_off,
        "who": client.lobby_who,
    }
    return calls[args.action]()


def _room(client: Client, args: argparse.Namespace, steps: Steps | None) -> Any:
    if args.action == "create":
        visibility = "public" if args.public else "unlisted"
        return client.create_room(args.name, visibility, args.for_, args.group)
    if args.action == "join":
        return client.join_room(args.name, args.token)
    return client.leave_room(args.name)


_PEER = argument("peer", "alias, node name, node id, or a unique beginning of one", PEER)
_MY_PANE = argument("name", "one of my panes", MINE)

_ALL = (
    Command("whoami", "", "identity, addresses, fingerprint", lambda me, args, _: me.whoami()),
    Command(
        "name",
        "NAME",
        "set this node's cosmetic name",
        lambda me, args, _: me.name(" ".join(args.name)),
        (argument("name", "what others see", nargs="+"),),
    ),
    Command(
        "invite",
        "[--ttl 24h] [--note TEXT]",
        "mint a single-use invite to give to one person",
        lambda me, args, _: me.invite(args.ttl, args.note),
        (
            argument("--ttl", "how long it can be used: 90s, 10m, 24h, 7d", TTL),
            argument("--note", "for your own list", default="", metavar="TEXT"),
        ),
    ),
    Command("invites", "", "the invites made here", lambda me, args, _: me.invites()),
    Command(
        "revoke",
        "ID",
        "take an unused invite back",
        lambda me, args, _: me.revoke(args.id),
        (argument("id", "as %%peer invites shows it", INVITE),),
    ),
    Command(
        "pair",
        "INVITE",
        "redeem somebody's invite",
        lambda me, args, steps: me.pair("".join(args.invite), on_progress=steps),
        (argument("invite", "the text that starts with jpeer1:", nargs="+"),),
    ),
    Command(
        "connect",
        "ADDRESS|NODE_ID",
        "dial a known peer, or an address",
        lambda me, args, steps: me.connect(args.target, on_progress=steps),
        (argument("target", "a peer by any of its names, or host:port", PEER),),
    ),
    Command(
        "list",
        "",
        "peers: name, id, status, path, RTT, trust, last seen, panes offered",
        lambda me, args, _: me.peers(),
    ),
    Command(
        "disconnect",
        "PEER",
        "close the link to a peer",
        lambda me, args, _: me.disconnect(args.peer),
        (_PEER,),
    ),
    Command(
        "block",
        "PEER",
        "refuse a peer from now on",
        lambda me, args, _: me.block(args.peer),
        (_PEER,),
    ),
    Command(
        "unblock", "PEER", "take a block back", lambda me, args, _: me.unblock(args.peer), (_PEER,)
    ),
    Command(
        "forget",
        "PEER",
        "forget a peer and its grants",
        lambda me, args, _: me.forget(args.peer),
        (_PEER,),
    ),
    Command(
        "alias",
        "PEER [NAME]",
        "give a peer a name of your own; without NAME take it away",
        lambda me, args, _: me.alias(args.peer, " ".join(args.name) or None),
        (_PEER, argument("name", "what you call it", nargs="*")),
    ),
    Command(
        "share",
        "NAME [--with PEER]... [--grant view|interact] [--title TEXT]",
        "run the cell; what it shows is the pane, live",
        _share,
        (
            argument("name", "of the pane: letters, digits, dots, dashes, underscores", MINE),
            argument(
                "--with",
                "who may see it; may be given more than once",
                PEER,
                action="append",
                default=[],
                dest="with_",
                metavar="PEER",
            ),
            argument(
                "--grant",
                "what they may do: view (as without it) or interact",
                GRANT,
                choices=("view", "interact"),
                default="view",
            ),
            argument("--title", "for people", default="", metavar="TEXT"),
        ),
        magic="%%peer",
    ),
    Command(
        "panes",
        "",
        "mine with their viewers, and those offered to me",
        lambda me, args, _: me.panes(),
    ),
    Command(
        "grant",
        "NAME PEER view|interact|none",
        "let a peer see a pane, touch it, or neither",
        lambda me, args, _: me.grant(args.name, args.peer, args.grant),
        (
            _MY_PANE,
            _PEER,
            argument(
                "grant",
                "what the peer may do",
                GRANT_OR_NONE,
                choices=("view", "interact", "none"),
            ),
        ),
    ),
    Command(
        "unshare",
        "NAME",
        "withdraw a pane from everybody",
        lambda me, args, _: me.unshare(args.name),
        (_MY_PANE,),
    ),
    Command(
        "open",
        "PEER/NAME",
        "show a peer's pane here, live",
        lambda me, args, _: me.open(args.pane),
        (argument("pane", "whose, and which", OFFERED, metavar="PEER/NAME"),),
    ),
    Command(
        _CHAT,
        "[PEER [TEXT]]",
        "write to a peer; without TEXT show the last lines",
        _chat,
        (
            argument("peer", "to whom; without it the lines of all", PEER, nargs="?"),
            argument("text", "what to say", nargs="*"),
        ),
    ),
    Command(
        "ask",
        "[--agent NAME] [--timeout SECONDS] PEER TEXT",
        "ask the peer's agent; interrupting the cell cancels the question",
        _ask,
        (
            argument("--agent", "which of the peer's agents", default=None, metavar="NAME"),
            argument(
                "--timeout",
                "how long to wait for the answer (60)",
                type=float,
                default=60.0,
                metavar="SECONDS",
            ),
            _PEER,
            argument("text", "the question, the rest of the line as it is"),
        ),
        text_after=1,
    ),
    Command(
        "agent",
        "on [--agent NAME] [--mode read-only|ask] | off | status",
        "let peers ask agents here, or not; who answers, and what they may do",
        _agent,
        (
            argument(
                "action",
                "on: let peers ask until the server ends; off; status, as without a word",
                AGENT_ACTION,
                nargs="?",
                choices=("on", "off", "status"),
                default="status",
            ),
            argument(
                "--agent",
                "on: who answers those who name no agent",
                AGENT,
                default=None,
                metavar="NAME",
            ),
            argument(
                "--mode",
                "on: read-only, or ask: you decide about each tool that does more than look",
                AGENT_MODE,
                choices=("read-only", "ask"),
                default=None,
            ),
        ),
    ),
    Command(
        "doctor",
        "[PEER]",
        "what works, what does not, why, and what to do",
        lambda me, args, steps: me.doctor(args.peer, on_progress=steps),
        (argument("peer", "try each path to this peer", PEER, nargs="?"),),
    ),
    Command(
        "lobby",
        "[on|off|who]",
        "be seen by everybody at the lobby, leave it, or see who is there",
        _lobby,
        (
            argument(
                "action",
                "on: be listed; off: leave, rooms too; who: the list; without: how you stand",
                LOBBY,
                nargs="?",
                choices=("on", "off", "who", "status"),
                default="status",
            ),
        ),
    ),
    Command(
        "rooms", "", "the rooms you are in, and the public ones", lambda me, args, _: me.rooms()
    ),
    Command(
        "room",
        "create|join|leave NAME [--for open|token|directory] [--public] [--token TOKEN]",
        "meet others in a room of the lobby",
        _room,
        (
            argument("action", "what to do", ROOM_ACTION, choices=("create", "join", "leave")),
            argument("name", "letters, digits, dots, dashes, underscores", ROOM),
            argument(
                "--for",
                "create: who may join: open (who names it), token, directory",
                JOIN_POLICY,
                choices=("open", "token", "directory"),
                default="open",
                dest="for_",
                metavar="POLICY",
            ),
            argument("--public", "create: list it for everybody", action="store_true"),
            argument("--group", "create: the group of the directory that may join", default=None),
            argument("--token", "join: the token somebody gave you", default=None),
        ),
    ),
    Command("panel", "", "invite, pair, watch and share with the mouse", _panel),
    Command(
        "log",
        "[--limit N]",
        "the audit log, newest first",
        lambda me, args, _: me.log(args.limit),
        (argument("--limit", "how many entries (50)", type=int, default=50, metavar="N"),),
    ),
)
COMMANDS: dict[str, Command] = {command.name: command for command in _ALL}


def split(line: str) -> list[str]:
    """Return the words of a line, quoted as in a shell; what is said in ``chat`` stays as it is.

    A text at the end is one word as it is written: questions have apostrophes.

    Raises:
        BadRequestError: A quotation mark is not closed.
    """
    name, _, rest = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is not None and command.text_after is not None:
        return [name, *_with_text(command, rest, command.text_after)]
    try:
        if line.split(maxsplit=1)[:1] == [_CHAT]:
            return _split_chat(line)
        return shlex.split(line)
    except ValueError:
        raise BadRequestError(
            "a quotation mark is not closed", hint="put names with an apostrophe in double quotes"
        ) from None


def _split_chat(line: str) -> list[str]:
    """Return command, peer and text; people write apostrophes, and quote a whole text at most."""
    unread = io.StringIO(line)
    lexer = shlex.shlex(unread, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    head = [word for word in (lexer.get_token(), lexer.get_token()) if word is not None]
    text = unread.read().strip()
    if not text:
        return head
    if text[0] in "'\"" and text[0] not in text[1:-1]:
        text = text[1:-1] if len(text) > 1 and text[-1] == text[0] else text
    return [*head, "--", text]


def _with_text(command: Command, rest: str, places: int) -> list[str]:
    options = {argument.flag: argument for argument in command.arguments if argument.is_option}
    named: list[str] = []
    placed: list[str] = []
    while (match := _WORD.match(rest)) is not None and len(placed) < places:
        word = match["quoted"] or match["plain"]
        flag, is_joined, _ = word.partition("=")
        rest = rest[match.end() :]
        if word == "--":
            continue
        if not word.startswith("-") or match["quoted"]:
            placed.append(word)
            continue
        named.append(word)
        if flag in options and options[flag].takes_value and not is_joined:
            value = _WORD.match(rest)
            if value is not None:
                named.append(value["quoted"] or value["plain"])
                rest = rest[value.end() :]
    text = rest.strip()
    if (whole := _WORD.fullmatch(text)) is not None and whole["quoted"]:
        text = whole["quoted"]
    return [*named, "--", *placed, *([text] if text else [])]


def parse(words: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """Return the command of a line and its arguments.

    Raises:
        BadRequestError: There is no such command, or the words do not fit it.
        HelpAskedError: Help was asked for, or nothing at all.
    """
    if not words or words[0] in ("--help", "-h", "help"):
        raise HelpAskedError(overview())
    command = COMMANDS.get(words[0])
    if command is None:
        raise BadRequestError(
            f"there is no command {words[0][:40]!r}", hint="%peer alone lists the commands"
        )
    return command, command.parse(words[1:])


def overview() -> Overview:
    """Return the list of commands."""
    commands = [
        (f"{command.magic} {command.name} {command.usage}".rstrip(), command.summary)
        for command in _ALL
    ]
    lines = []
    for usage, summary in commands:
        beside = textwrap.wrap(summary, WIDTH - _SUMMARY_AT)
        if len(usage) + 2 >= _SUMMARY_AT:
            lines.append(f"  {usage}")
        else:
            lines.append(f"  {usage:<{_SUMMARY_AT - 2}}{beside.pop(0)}")
        lines += [f"{'':<{_SUMMARY_AT}}{rest}" for rest in beside]
    text = "\n".join((_HEAD, "", *lines, "", *textwrap.wrap(_FOOT, WIDTH)))
    return Overview(text, _HEAD, commands, _FOOT)


def run(client: Callable[[], Client], words: Sequence[str], steps: Steps | None = None) -> Shown:
    """Run a line.

    Args:
        client: Gives the client, once the words are known to fit.
        words: As :func:`split` gives them.
        steps: Where the steps of a long command go.

    Raises:
        PeerError: The words do not fit, or the command's own error.
    """
    try:
        command, args = parse(words)
    except HelpAskedError as asked:
        return asked.help
    result: Shown = command.run(client(), args, steps)
    return result
