"""How agents stand on this node, with a face in the notebook."""

from __future__ import annotations

from .markup import GOOD, Html, coloured, escape, faint, join, line, table, tag, text_table
from .results import Record, Shown


class Agents(Shown, Record):
    """Whether peers may ask, whom, and what those may do: ``on, mode, default, agents, turns``."""

    _HEADS = ("agent", "runs in", "tools", "answers those who name none")

    def _sentence(self) -> str:
        if not self.get("on"):
            registered = len(self.get("agents") or ())
            known = f"; {registered} registered" if registered else ""
            return f"peers cannot ask agents here{known} (%peer agent on lets them)"
        how = (
            "you decide about each tool that does more than look"
            if self.get("mode") == "ask"
            else "with tools that only look"
        )
        turns = self.get("turns") or 0
        under_way = f"; {turns} answering now" if turns else ""
        return f"peers may ask agents here, {self.get('mode')}: {how}{under_way}"

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for agent in self.get("agents") or ():
            tools = ", ".join(
                f"{line(tool['name'])}{' (read-only)' if tool['read_only'] else ''}"
                for tool in agent["tools"]
            )
            place = f"kernel {agent['kernel_id'][:8]}" if agent["kernel_id"] else "the server"
            chosen = "yes" if agent["name"] == self.get("default") else "-"
            rows.append((line(agent["name"]), place, tools or "-", chosen))
        return rows

    def _html(self) -> Html:
        sentence = self._sentence()
        head = tag("div", coloured(sentence, GOOD) if self.get("on") else faint(sentence))
        rows = [tuple(map(escape, row)) for row in self._rows()]
        return join((head, table("agents", self._HEADS, rows))) if rows else head

    def _text(self) -> str:
        rows = self._rows()
        head = self._sentence()
        return f"{head}\n{text_table(self._HEADS, rows)}" if rows else head
