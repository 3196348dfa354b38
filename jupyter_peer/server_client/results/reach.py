"""Result of the call about who can reach this node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .drawing.blocks import Block, Facts, Line, Look, Text, note
from .drawing.markup import line
from .drawing.shown import Record, Shown
from .findings import Finding

_WORDS = {
    "local": "this computer",
    "network": "this network",
    "relay": "anywhere, by a relay",
    "webrtc": "through routers (WebRTC)",
}
_LOOKS: dict[str, Look] = {"ok": "good", "warning": "warn", "failed": "bad"}
#: The first findings in `checked` are sentences; the others are single checks.
_SUMMARY = ("choice", "reach")


class Reach(Shown, Record):
    """Who can reach this node: ``mode, chosen, relay_url, fixed_by, addresses, checked``."""

    def _describe(self) -> list[Block]:
        checked: list[Mapping[str, Any]] = self.get("checked") or []
        mode = str(self.get("mode", ""))
        blocks: list[Block] = [
            Line("reach: ", Text(_WORDS.get(mode, mode), "strong"), f" ({mode})"),
        ]
        if trait := self.get("fixed_by"):
            blocks.append(Line(Text(f"set by {line(trait)} in the configuration", "faint")))
        summary = [finding for finding in checked if finding.get("check") in _SUMMARY]
        said = " ".join(str(finding.get("text", "")) for finding in summary)
        for finding in summary:
            look = _LOOKS.get(finding.get("status", ""), "")
            blocks.append(Line(Text(line(finding.get("text", ""), 600), look)))
            if finding.get("hint"):
                blocks.append(Line(Text(f"→ {line(finding['hint'], 600)}", "faint")))
        blocks += [
            Finding(finding)
            for finding in checked
            if finding.get("status") == "failed"
            and finding.get("check") not in _SUMMARY
            and str(finding.get("text", "")) not in said  # the summary names its reason
        ]
        if facts := self._facts():
            blocks.append(Facts(facts))
        if mode == "local":
            blocks.append(
                note(
                    "%peer reach network opens a port for peers; %peer reach relay URL uses a relay"
                )
            )
        return blocks

    def _facts(self) -> list[tuple[str, Text]]:
        relay = [("relay", Text(self["relay_url"], "code"))] if self.get("relay_url") else []
        return [*relay, *(("address", Text(at, "code")) for at in self.get("addresses") or ())]
