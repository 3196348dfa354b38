"""Who signed what, and when: the result of checking a proof."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ...document.blobs import inline_strings
from ...errors import ProofForgedError, WireError
from ...files.durable_files import replace_file
from ...wire.payloads.panes import check_outputs
from ...wire.proofs.proof import Proof, read_proof
from ...wire.proofs.statements import AnswerStatement, PaneStatement, statement_of
from .drawing.blocks import Block, Facts, Line, Prose, Text, note
from .drawing.markup import clock_time, line
from .drawing.shown import Record, Shown
from .outputs import Foreign

_CLOCK = "The time is by the clock of the peer that signed. Names are not signed, only node ids."


class Provenance(Shown, Record):
    """The statement of a proof: ``kind, by, at`` and more, all signed by the node ``by``.

    An ``answer`` has ``question, agent, chain, asked_at, parts``; a ``pane`` has ``pane, title, epoch,
    rev, outputs``.
    """

    def __init__(self, facts: Mapping[str, Any], proof: Proof) -> None:
        super().__init__(facts)
        self._proof = proof

    def save(self, path: str | Path) -> Path:
        """Write the proof to a file for ``jupyter peer verify``; return its path."""
        file = Path(path).expanduser()
        replace_file(file, self._proof.to_text().encode())
        return file

    def _describe(self) -> list[Block]:
        good = Text("The signatures match.", "good")
        when = clock_time(self["at"])
        if self["kind"] == "answer":
            rows = [
                ("answered by", self["by"]),
                ("at", when),
                ("asked by", " through ".join(map(line, reversed(self["chain"])))),
                ("agent", line(self["agent"] or "the peer's choice")),
            ]
            shown: list[Block] = [
                Line(Text("question", "faint")),
                Prose(self["question"]),
                Line(Text("answer", "faint")),
                *(Prose(p) if isinstance(p, str) else _display(p) for p in self["parts"]),
            ]
        else:
            rows = [
                ("pane", f"{self['pane']} ({line(self['title'])}), after {_changes(self['rev'])}"),
                ("shown by", self["by"]),
                ("at", when),
            ]
            shown = [Foreign(output) for output in self["outputs"]]
        return [Line(good), Facts(rows), *shown, note(_CLOCK)]


def verified(text: str | bytes) -> Provenance:
    """Check the text of a proof file and return its statement.

    Raises:
        ProofMalformedError, ProofForgedError, ProofIncompleteError: It shows nothing.
    """
    proof = read_proof(text)
    statement = statement_of(proof)
    if isinstance(statement, AnswerStatement):
        facts = statement._asdict() | {"parts": _joined(statement.parts)}
        return Provenance({"kind": "answer", **facts}, proof)
    return Provenance({"kind": "pane", **_pane_facts(statement)}, proof)


def _joined(parts: list[str | dict[str, Any]]) -> list[str | dict[str, Any]]:
    """Return the parts with neighbouring texts as one, as :class:`.Answer` has them."""
    joined: list[str | dict[str, Any]] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        run = list(group)
        joined += ["".join(map(str, run))] if is_text else run
    return joined


def _pane_facts(statement: PaneStatement) -> dict[str, Any]:
    facts = statement._asdict()
    try:
        outputs = inline_strings(statement.outputs, facts.pop("blobs"))
        facts["outputs"] = check_outputs(outputs, {})
    except WireError as error:
        raise ProofForgedError("a long text of the pane is not in the proof") from error
    return facts


def _changes(count: int) -> str:
    """Return in words how many changes led to the state that was signed."""
    return "1 change" if count == 1 else f"{count:,} changes"


def _display(bundle: dict[str, Any]) -> Foreign:
    return Foreign({"output_type": "display_data", **bundle})
