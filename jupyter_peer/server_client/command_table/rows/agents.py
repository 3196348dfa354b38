"""The commands for chat and agents."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ...results.drawing.shown import Shown
from .. import known
from ..command import Argument, Command, MisuseError, Values
from ..surface import Surface
from .arguments import PEER

if TYPE_CHECKING:
    from ...client import Client


def _chat(me: Client, values: Values, at: Surface) -> Shown:
    if values.text is None:
        return me.chats(values.peer, values.limit)
    return me.chat(values.peer, values.text)


def _agent(me: Client, values: Values, at: Surface) -> Shown:
    see = "see %peer agent --help"
    if values.only and values.action != "allow":
        raise MisuseError("--only belongs to `allow`", hint=see)
    if values.mode is not None and values.action != "on":
        raise MisuseError("--mode belongs to `on`", hint=see)
    if values.action == "on":
        return me.agent_on(values.agent, values.mode)
    if values.action == "allow":
        if values.agent is None:
            raise MisuseError(
                "allow needs an agent", hint="name it: %peer agent allow --agent NAME"
            )
        only = values.only and [peer.strip() for peer in values.only.split(",")]
        return me.agent_allow(values.agent, only)
    if values.agent is not None:
        raise MisuseError("--agent belongs to `on` and `allow`", hint=see)
    return me.agent_off() if values.action == "off" else me.agents()


def _guide(me: Client, values: Values, at: Surface) -> Shown:
    me.guide(cells=values.cells, model=values.model)
    return me.agent_on("guide", values.mode)


_MODE = Argument(
    "--mode",
    "read-only, or ask: you approve each call of a tool that can change something",
    choices=("read-only", "ask"),
)

ROWS = (
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
            PEER,
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
        "allow peers to ask agents here, all or some; stop it; show which agents there are",
        _agent,
        (
            Argument(
                "action",
                "on: allow it until the server ends; off: stop it; allow: choose who may ask --agent; "
                "status: show it (the default)",
                choices=("on", "off", "allow", "status"),
                default="status",
                optional=True,
            ),
            Argument(
                "--agent",
                "with on: the agent that answers questions to no agent in particular; with allow: "
                "the agent that --only is about",
                known.agents,
                metavar="NAME",
            ),
            Argument(
                "--only",
                "with allow: the peers that may ask the agent, with commas between them; without it "
                "every paired peer may",
                known.peers,
                metavar="PEERS",
            ),
            dataclasses.replace(_MODE, help=f"with on: {_MODE.help}"),
        ),
        examples=("peer agent on --mode ask", "peer agent allow --agent helper --only bob,cy"),
    ),
    Command(
        "guide",
        "let peers ask about this notebook's variables: the built-in guide answers",
        _guide,
        (
            Argument(
                "--cells",
                "let the guide show the cells that have run, and in mode ask run one again",
                kind=bool,
            ),
            Argument(
                "--model",
                "a model of pydantic-ai that answers with the guide's tools, as openai:gpt-5",
                metavar="NAME",
            ),
            _MODE,
        ),
        details=(
            "Peers learn names, types and sizes of variables, and the content of those they name, "
            "unless its name looks like a secret. Nothing that they send is run. "
            "%peer agent off stops it."
        ),
        in_terminal=False,
    ),
    Command(
        "approvals",
        "list the tool calls that wait for your decision; a terminal asks you about each",
        lambda me, values, at: at.approvals(me),
        details=(
            "You answer once, turn (every call of this tool until the turn ends) or no. Until Ctrl-C the "
            "terminal also asks about calls that come later, so no browser has to be open."
        ),
    ),
)
