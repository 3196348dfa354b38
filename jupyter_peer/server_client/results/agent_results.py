"""Results of the calls about this node's agents."""

from __future__ import annotations

from typing import Any

from .drawing.blocks import Block, Line, Table, Text, note
from .drawing.markup import ago, line
from .drawing.shown import Record, Records, Shown


class Agents(Shown, Record):
    """Whether peers can ask agents here: ``on, mode, default, agents, turns, running``."""

    def _describe(self) -> list[Block]:
        blocks: list[Block] = [Line(Text(self._sentence(), "good" if self.get("on") else "faint"))]
        rows = [
            (
                Text(line(agent["name"]), "strong"),
                f"kernel {agent['kernel_id'][:8]}" if agent["kernel_id"] else "the server",
                ", ".join(
                    f"{line(tool['name'])}{' (read-only)' if tool['read_only'] else ''}"
                    for tool in agent["tools"]
                )
                or "-",
                _askers(agent.get("askers")),
                "yes" if agent["name"] == self.get("default") else "-",
            )
            for agent in self.get("agents") or ()
        ]
        if rows:
            blocks.append(
                Table(("agent", "runs in", "tools", "may ask", "default"), rows, "agents")
            )
        blocks += [
            Line(
                Text(f"{line(agent['name'])} failed {ago(failure['at'])}", "bad"),
                f", asked by {line(failure['peer']['label'])}: {line(failure['why'], 300)}",
            )
            for agent in self.get("agents") or ()
            if (failure := agent.get("failure"))
        ]
        running = [
            (
                str(turn["turn"]),
                line(turn["agent"]),
                " through ".join(line(person["label"]) for person in reversed(turn["chain"])),
                ago(turn["since"]),
            )
            for turn in self.get("running") or ()
        ]
        if running:
            heads = ("turn", "agent", "asked by", "since")
            blocks.append(Table(heads, running, "turns that run"))
            blocks.append(note("Stop one with jupyter_peer.client().stop_turn(NUMBER)."))
        return blocks

    def _sentence(self) -> str:
        if not self.get("on"):
            registered = len(self.get("agents") or ())
            known = f"; {registered} registered" if registered else ""
            return f"peers cannot ask agents here{known}. Allow it: %peer agent on"
        how = (
            "you approve each call of a tool that can change something"
            if self.get("mode") == "ask"
            else "tools can only read"
        )
        turns = self.get("turns") or 0
        running = f"; {turns} answering now" if turns else ""
        return f"peers can ask agents here, mode {self.get('mode')}: {how}{running}"


def _askers(askers: list[dict[str, Any]] | None) -> str:
    if askers is None:
        return "all peers"
    return ", ".join(line(person["label"]) for person in askers) or "nobody"


class PeerAgents(Records):
    """The agents of a peer that can be asked: ``name, description, default``."""

    def _describe(self) -> list[Block]:
        if not self:
            return [note("The peer has no agent.")]
        rows = [
            (
                Text(line(each["name"]), "strong"),
                line(each["description"], 300) or "-",
                "yes" if each["default"] else "-",
            )
            for each in self
        ]
        return [Table(("agent", "description", "default"), rows, "agents")]
