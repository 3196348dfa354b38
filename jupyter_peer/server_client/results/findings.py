"""What the doctor found, as a table in the notebook and as lines in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .markup import (
    BAD,
    GOOD,
    WARN,
    Html,
    code,
    coloured,
    escape,
    faint,
    join,
    line,
    strong,
    table,
    tag,
)
from .results import Record, Records, peer_title

_COLOURS = {"ok": GOOD, "warning": WARN, "failed": BAD}
_WIDE = 600


class Findings(Records):
    """The lines of the doctor: ``check, subject, status, text, hint, data``.

    Attributes:
        answer: All that the server said: also ``peer``, ``at`` and ``took_s``.
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
        """Return how many lines there are of each kind."""
        counts = {
            status: sum(finding.get("status") == status for finding in self)
            for status in ("failed", "warning", "ok", "skipped")
        }
        return ", ".join(f"{count} {status}" for status, count in counts.items() if count)

    def _title(self) -> str:
        peer = self.answer.get("peer")
        about = peer_title(peer) if isinstance(peer, Mapping) else "this node"
        return f"{about}: {self.summary() or 'nothing was looked at'}"

    def _html(self) -> Html:
        rows = []
        for finding in self:
            status = str(finding.get("status", ""))
            colour = _COLOURS.get(status)
            said = [tag("div", escape(line(finding.get("text", ""), _WIDE)))]
            if finding.get("hint"):
                said.append(tag("div", faint(f"→ {line(finding['hint'], _WIDE)}")))
            subject = line(finding.get("subject") or "")
            what = [strong(line(finding.get("check", ""), 40))]
            if subject:
                what.append(tag("div", code(subject)))
            rows.append(
                (coloured(status, colour) if colour else faint(status), join(what), join(said))
            )
        return table(self._title(), ("", "what", "what it means, and what to do"), rows)

    def to_text(self) -> str:
        """Return the lines for a terminal."""
        return self._text()

    def _text(self) -> str:
        lines = []
        for finding in self:
            status, check = line(finding.get("status", ""), 10), line(finding.get("check", ""), 40)
            subject = line(finding.get("subject") or "")
            lines.append(f"{status:<8} {check}{f' {subject}' if subject else ''}")
            lines.append(f"{'':<9}{line(finding.get('text', ''), _WIDE)}")
            if finding.get("hint"):
                lines.append(f"{'':<9}→ {line(finding['hint'], _WIDE)}")
        return "\n".join([*lines, "", self._title()])
