"""The statement of a proof: a question and its answer, or the state of a pane (SPEC section 12)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...errors import ProofForgedError, ProofIncompleteError, ProofMalformedError, WireError
from ..link.envelope import Envelope
from ..payloads.agent_chain import check_chain
from ..payloads.agents import AgentRequest, AgentResult, AgentStream
from ..payloads.hub import convert
from ..payloads.panes import PaneSnapshot
from .proof import Proof

Json = dict[str, Any]


class AnswerStatement(NamedTuple):
    """A node has given this answer to this question.

    Attributes:
        by: Id of the node that answered.
        at: Time of the end of the answer, by that node's clock, epoch seconds.
        question: Text of the question.
        agent: Name of the agent; None if the owner could choose the agent.
        chain: Ids of the nodes that forwarded the question, the first asker first.
        asked_at: Time of the question, by the last asker's clock.
        parts: Texts of the answer, and ``data`` and ``metadata`` of its displays, in order.
    """

    by: str
    at: float
    question: str
    agent: str | None
    chain: tuple[str, ...]
    asked_at: float
    parts: list[str | Json]


class PaneStatement(NamedTuple):
    """A pane of a node has shown these outputs.

    Attributes:
        by: Node id of the owner.
        at: Time, by that node's clock, epoch seconds.
        pane, title: The pane's name, and its title for people.
        epoch, rev: The life and the revision of the pane.
        outputs: The outputs in the form of nbformat; long strings are references into ``blobs``.
        blobs: Long strings in UTF-8, by their SHA-256.
    """

    by: str
    at: float
    pane: str
    title: str
    epoch: str
    rev: int
    outputs: list[Json]
    blobs: dict[str, bytes]


def statement_of(proof: Proof) -> AnswerStatement | PaneStatement:
    """Check a whole proof and return its statement.

    Raises:
        ProofMalformedError: The messages are not those of an answer or of a pane.
        ProofForgedError: A signature does not match, or a message belongs to another question.
        ProofIncompleteError: A part of the signed content is missing.
    """
    envelopes = proof.check()
    try:
        if envelopes[-1].type == "agent_result":
            return _answer(envelopes, proof.messages[0].digest)
        if envelopes[-1].type == "pane_snapshot" and len(envelopes) == 1:
            return _pane(envelopes[0])
    except WireError as error:
        raise ProofMalformedError(
            f"a message of the proof is malformed: {error.message}"
        ) from error
    raise ProofMalformedError("the messages are neither an answer nor the state of a pane")


def _answer(envelopes: list[Envelope], asked: str) -> AnswerStatement:
    first, *between, last = envelopes
    if first.type != "agent_request" or any(each.type != "agent_stream" for each in between):
        raise ProofMalformedError("the messages are not a question and its answer")
    request, result = convert(first.data, AgentRequest), convert(last.data, AgentResult)
    pieces = [convert(each.data, AgentStream) for each in between]
    if not result.ok:
        raise ProofIncompleteError("the answer ended with an error")
    if result.question is None or result.pieces is None:
        raise ProofIncompleteError(
            "the peer's version does not sign answers as a whole",
            hint="ask again when the peer has updated jupyter-peer",
        )
    if (
        result.question != asked
        or last.re != first.msg_id
        or result.request_id != request.request_id
        or any(each.src != last.src for each in between)
        or any(piece.request_id != request.request_id for piece in pieces)
    ):
        raise ProofForgedError("the answer was given to another question")
    if [piece.n for piece in pieces] != list(range(result.pieces)):
        raise ProofIncompleteError(
            f"the answer has {result.pieces} pieces, and the proof has other ones"
        )
    chain = request.chain()
    try:
        check_chain(chain, first.src, last.src)
    except WireError as error:
        raise ProofForgedError("the signed chain of the question is not valid") from error
    parts: list[str | Json] = []
    for piece in pieces:
        shown = piece.display
        parts.append(
            piece.text if shown is None else {"data": shown.data, "metadata": shown.metadata}
        )
    return AnswerStatement(
        by=last.src,
        at=last.ts,
        question=request.prompt,
        agent=request.agent,
        chain=chain.nodes,
        asked_at=first.ts,
        parts=[part for part in (*parts, result.text) if part],
    )


def _pane(envelope: Envelope) -> PaneStatement:
    state = convert(envelope.data, PaneSnapshot)
    if state.outputs is None:
        raise ProofIncompleteError("the proof has only the last changes of the pane")
    names = envelope.data.get("buffers", ())
    return PaneStatement(
        by=envelope.src,
        at=envelope.ts,
        pane=state.pane,
        title=state.title,
        epoch=state.epoch,
        rev=state.rev,
        outputs=state.outputs,
        blobs={name: bytes(raw) for name, raw in zip(names, envelope.buffers, strict=True)},
    )
