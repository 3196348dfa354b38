"""The result of a connection check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .drawing.blocks import Block, Line, Look, Piece, Text, for_terminals
from .drawing.markup import Html, line, table
from .drawing.shown import Record, Records
from .results import peer_title

_LOOKS: dict[str, Look] = {"ok": "good", "warning": "warn", "failed": "bad"}
_WIDE = 600


class Finding(Block):
    """One line of a connection check: its status, what was checked, the result, what to do."""

    def __init__(self, finding: Mapping[str, Any]) -> None:
        status = line(finding.get("status", ""), 10)
        self._status = Text(status, _LOOKS.get(status, "faint"))
        self._check = line(finding.get("title") or finding.get("check", ""), 40)
        self._subject = line(finding.get("subject") or "")
        self._words = line(finding.get("text", ""), _WIDE)
        self._hint = f"→ {line(finding['hint'], _WIDE)}" if finding.get("hint") else ""

    def cells(self) -> tuple[Html, Html, Html]:
        """Return the cells of its row."""
        return (
            self._status.html(),
            Html(_lines(Text(self._check, "strong"), Text(self._subject, "code"))),
            Html(_lines(self._words, Text(self._hint, "faint"))),
        )

    def html(self) -> Html:
        return table("", (), [self.cells()])

    def text(self) -> str:
        head = f"{self._status.text:<8} {self._check} {self._subject}".rstrip()
        return "\n".join((head, *(f"{'':<9}{text}" for text in (self._words, self._hint) if text)))


class Report(Block):
    """All lines of a connection check, and the number of each status."""

    def __init__(self, findings: Iterable[Finding], title: str) -> None:
        self._findings = list(findings)
        self._title = title

    def html(self) -> Html:
        heads = ("", "check", "result, and what to do")
        return table(self._title, heads, [finding.cells() for finding in self._findings])

    def text(self) -> str:
        return "\n".join((*(finding.text() for finding in self._findings), "", self._title))

    def terminal_text(self) -> str:
        return for_terminals(self.text())


class Findings(Records):
    """The lines of a connection check: ``check, subject, status, text, hint, data``.

    Attributes:
        answer: All that the server returned: also ``peer``, ``at`` and ``took_s``.
    """

    def __init__(
        self, findings: Iterable[Mapping[str, Any]] = (), answer: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(findings)
        self.answer = Record(answer or {})

    def of(self, check: str) -> Findings:
        """Return the lines of one check."""
        return Findings(finding for finding in self if finding.get("check") == check)

    @property
    def is_well(self) -> bool:
        """Whether nothing failed."""
        return all(finding.get("status") != "failed" for finding in self)

    def summary(self) -> str:
        """Return the number of lines of each status."""
        counts = {
            status: sum(finding.get("status") == status for finding in self)
            for status in ("failed", "warning", "ok", "skipped")
        }
        return ", ".join(f"{count} {status}" for status, count in counts.items() if count)

    def _describe(self) -> list[Block]:
        peer = self.answer.get("peer")
        about = peer_title(peer) if isinstance(peer, Mapping) else "this node"
        title = f"Connection check of {about}: {self.summary() or 'nothing was checked'}"
        return [Report(map(Finding, self), title)]

    def to_json(self) -> Any:
        return self.answer


def _lines(*pieces: Piece) -> str:
    return "".join(Line(piece).html() for piece in pieces if str(getattr(piece, "text", piece)))
