"""Proofs: what their signatures cover, and what cannot be left out, exchanged or read otherwise."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from jupyter_peer.errors import (
    ProofError,
    ProofForgedError,
    ProofIncompleteError,
    ProofMalformedError,
)
from jupyter_peer.wire.link.frames import batch_digest
from jupyter_peer.wire.payloads.agent_chain import begin_chain
from jupyter_peer.wire.proofs.proof import Proof, SignedMessage, proof_of, read_proof
from jupyter_peer.wire.proofs.statements import AnswerStatement, PaneStatement, statement_of
from tests.wire.makers import ADA, BOB, EVE, NOW, canonical

REQUEST = "1" * 32
ASKED = "a" * 32
KEYS = (BOB.public_key, ADA.public_key)


def signed(type_: str, data: dict[str, Any], identity: Any = ADA, **fields: Any) -> SignedMessage:
    raw = canonical(data, identity, type=type_, **fields)
    return SignedMessage(raw.decode(), identity.sign(raw))


def question(**changes: Any) -> SignedMessage:
    data = {
        "request_id": REQUEST,
        "prompt": "what is the final loss?",
        "deadline": NOW + 60,
        **begin_chain(BOB, b"r" * 32, ADA.node_id).fields(),
        **changes,
    }
    return signed("agent_request", data, BOB, msg_id=ASKED)


def piece(n: int, text: str = "", **changes: Any) -> SignedMessage:
    return signed("agent_stream", {"request_id": REQUEST, "n": n, "text": text, **changes})


def end(asked: SignedMessage, pieces: int, **changes: Any) -> SignedMessage:
    data = {
        "request_id": REQUEST,
        "ok": True,
        "question": asked.digest,
        "pieces": pieces,
        **changes,
    }
    return signed("agent_result", data, re=ASKED)


def answer(*texts: str) -> list[SignedMessage]:
    asked = question()
    pieces = [piece(n, text) for n, text in enumerate(texts)]
    return [asked, *pieces, end(asked, len(texts))]


def as_batch(messages: list[SignedMessage]) -> list[SignedMessage]:
    """The same messages under one signature of ada's."""
    raws = [message.canonical.encode() for message in messages]
    hashes = b"".join(hashlib.sha256(raw).digest() for raw in raws)
    sig = ADA.sign(batch_digest(raws))
    return [SignedMessage(message.canonical, sig, hashes) for message in messages]


def test_an_answer_is_proven_with_its_question_and_its_time() -> None:
    proof = read_proof(proof_of(answer("0.", "01"), *KEYS).to_text())
    said = statement_of(proof)
    assert isinstance(said, AnswerStatement)
    assert (said.by, said.at, said.asked_at) == (ADA.node_id, NOW, NOW)
    assert (said.question, said.parts) == ("what is the final loss?", ["0.", "01"])
    assert said.chain == (BOB.node_id,)


def test_a_message_of_a_batch_is_proven_alone() -> None:
    first, *rest = answer("0.", "01")
    batch = as_batch([piece(7, "of another question"), *rest])
    said = statement_of(proof_of([first, *batch[1:]], *KEYS))
    assert isinstance(said, AnswerStatement)
    assert said.parts == ["0.", "01"]


def without(messages: list[SignedMessage], at: int) -> list[SignedMessage]:
    return messages[:at] + messages[at + 1 :]


def swapped(messages: list[SignedMessage]) -> list[SignedMessage]:
    first, one, two, last = messages
    return [first, two, one, last]


def altered(message: SignedMessage, old: str, new: str) -> SignedMessage:
    assert old in message.canonical
    return msgspec.structs.replace(message, canonical=message.canonical.replace(old, new))


def other_question() -> list[SignedMessage]:
    return [question(prompt="is the moon a cheese?"), *answer("yes")[1:]]


def of_eve() -> list[SignedMessage]:
    asked = question()
    raw = canonical({"request_id": REQUEST, "n": 0, "text": "no"}, ADA, type="agent_stream")
    return [asked, SignedMessage(raw.decode(), EVE.sign(raw)), end(asked, 1)]


def foreign_piece() -> list[SignedMessage]:
    asked = question()
    strange = signed("agent_stream", {"request_id": REQUEST, "n": 0, "text": "no"}, BOB)
    return [asked, strange, end(asked, 1)]


def in_no_batch() -> list[SignedMessage]:
    first, one, last = answer("0.01")
    (batched,) = as_batch([piece(0, "other")])
    return [first, msgspec.structs.replace(batched, canonical=one.canonical), last]


def failed() -> list[SignedMessage]:
    asked = question()
    error = {"code": "agent_failed", "message": "no", "hint": ""}
    return [asked, end(asked, 0, ok=False, error=error)]


def of_an_older_version() -> list[SignedMessage]:
    asked = question()
    plain = {"request_id": REQUEST, "ok": True, "text": "0.01"}
    return [asked, signed("agent_result", plain, re=ASKED)]


def through_a_chain_of_others() -> list[SignedMessage]:
    stolen = begin_chain(EVE, b"r" * 32, ADA.node_id).fields()
    asked = question(**stolen)
    return [asked, end(asked, 0)]


@pytest.mark.parametrize(
    ("messages", "refusal"),
    [
        (without(answer("0.", "01"), 1), ProofIncompleteError),
        (without(answer("0.", "01"), 2), ProofIncompleteError),
        (swapped(answer("0.", "01")), ProofIncompleteError),
        (without(answer("0.01"), 0), ProofMalformedError),
        (without(answer("0.01"), 2), ProofMalformedError),
        ([question(), altered(piece(0, "0.01"), "0.01", "0.99"), end(question(), 1)], None),
        (other_question(), ProofForgedError),
        (of_eve(), ProofForgedError),
        (foreign_piece(), ProofForgedError),
        (in_no_batch(), ProofForgedError),
        (through_a_chain_of_others(), ProofForgedError),
        (failed(), ProofIncompleteError),
        (of_an_older_version(), ProofIncompleteError),
        ([piece(0, "only a piece")], ProofMalformedError),
    ],
)
def test_nothing_of_an_answer_can_be_left_out_altered_or_exchanged(
    messages: list[SignedMessage], refusal: type[ProofError] | None
) -> None:
    with pytest.raises(refusal or ProofForgedError) as caught:
        statement_of(proof_of(messages, *KEYS))
    assert caught.value.hint


def test_a_key_that_is_not_of_the_sender_proves_nothing() -> None:
    with pytest.raises(ProofForgedError, match="no key"):
        statement_of(proof_of(answer("0.01"), BOB.public_key, EVE.public_key))


def pane(
    outputs: list[Any] | None, buffers: tuple[bytes, ...] = (), **changes: Any
) -> SignedMessage:
    data = {
        "pane": "loss",
        "title": "Training",
        "grant": "view",
        "since": NOW,
        "epoch": "0" * 16,
        "rev": 3,
        "outputs": outputs,
        **changes,
    }
    if buffers:
        data["buffers"] = [hashlib.sha256(each).hexdigest() for each in buffers]
    return msgspec.structs.replace(signed("pane_snapshot", data), buffers=buffers)


def test_the_state_of_a_pane_is_proven_with_its_long_texts() -> None:
    text = b"0.01 " * 1000
    name = hashlib.sha256(text).hexdigest()
    outputs = [{"output_type": "stream", "name": "stdout", "text": {"$buffer": name}}]
    proof = read_proof(proof_of([pane(outputs, (text,))], ADA.public_key).to_text())
    said = statement_of(proof)
    assert isinstance(said, PaneStatement)
    assert (said.by, said.pane, said.title, said.rev) == (ADA.node_id, "loss", "Training", 3)
    assert (said.outputs, said.blobs) == (outputs, {name: text})


def test_a_buffer_of_a_pane_cannot_be_exchanged() -> None:
    message = msgspec.structs.replace(pane([], (b"good",)), buffers=(b"evil",))
    with pytest.raises(ProofForgedError):
        statement_of(proof_of([message], ADA.public_key))


def test_the_last_changes_of_a_pane_are_not_its_state() -> None:
    message = pane(None, prev=2, messages=[])
    with pytest.raises(ProofIncompleteError):
        statement_of(proof_of([message], ADA.public_key))


GOOD = proof_of(answer("0.01"), *KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[" * 100_000,
        json.dumps(json.loads(GOOD.to_text()), indent=1),
        GOOD.to_text().replace('{"format"', '{"format":"jupyter-peer proof 1","format"', 1),
        GOOD.to_text().replace('{"format"', '{"more":1,"format"', 1),
        GOOD.to_text().replace("jupyter-peer proof 1", "jupyter-peer proof 2"),
        GOOD.to_text().replace("proof 1", "proof\\u0020001"),
        Proof(keys=("AAAA",), messages=GOOD.messages).to_text(),
        proof_of([SignedMessage("{}", b"")], *KEYS).to_text(),
        proof_of([SignedMessage("é", b"")], *KEYS).to_text(),
        proof_of([altered(question(), '{"data"', ' {"data"')], *KEYS).to_text(),
    ],
)
def test_a_text_in_another_form_is_no_proof_whatever_a_parser_reads_in_it(text: str) -> None:
    with pytest.raises(ProofMalformedError):
        statement_of(read_proof(text))
