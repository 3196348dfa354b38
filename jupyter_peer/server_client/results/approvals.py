"""Tool calls that wait for the owner's decision, as the owner has to read them.

The server has made every character of these texts visible. Nothing here is cut, so the owner has
the whole call before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .drawing.blocks import Block, Exact, Line, Text, note
from .drawing.markup import clock_time
from .drawing.shown import Records


class Approvals(Records):
    """The tool calls that wait for your decision, oldest first."""

    _KEY = "approvals"

    def _describe(self) -> list[Block]:
        if not self:
            return [Line("No call of a tool waits for you.")]
        blocks = [block for each in self for block in describe(each)]
        return [*blocks, note("Decide in JupyterLab, in %peer panel or by jupyter peer approvals.")]


def describe(approval: Mapping[str, Any]) -> Iterable[Block]:
    """Return one call of a tool: who asks through whom, the question, the tool and each argument."""
    asker = {"label": approval["peer_name"], "node_id": approval["peer"]}
    agent = Text(approval["agent"], "strong")
    yield Line(*_name(asker), " asked your agent ", agent, Text(":", "faint"))
    yield Exact(approval["question"])
    if len(approval["chain"]) > 1:
        yield Line(Text("The question came through these, the first asker first:", "faint"))
        for at, person in enumerate(approval["chain"], 1):
            yield Line(Text(f"{at}. ", "faint"), *_name(person))
    arguments = approval["arguments"]
    ending = " with:" if arguments else " with no arguments."
    yield Line("The agent wants to call ", Text(approval["tool"], "code"), ending)
    for each in arguments:
        yield from _argument(each)
    yield Line(Text(f"Without an answer it is a no at {clock_time(approval['expires'])}.", "faint"))


def _name(person: Mapping[str, Any]) -> list[Text]:
    """Return the owner's name for a node, apart from the text around it, and its id."""
    label, node_id = person["label"], person["node_id"]
    known = [] if label == node_id else [Text(label, "name"), Text(" ", "faint")]
    return [*known, Text(f"({node_id})", "faint")]


def _argument(argument: Mapping[str, Any]) -> Iterable[Block]:
    name = argument["name"]
    remark = (
        "" if argument["is_exact"] else " (as the object describes itself; parts may be missing)"
    )
    if name.isidentifier():
        yield Line(Text(name, "code"), Text(f" ={remark}", "faint"))
    else:
        # A name in ``**names`` can be any text, and a line would cut it.
        yield Exact(name)
        yield Line(Text(f"={remark}", "faint"))
    yield Exact(argument["value"])
