"""Answers of agents at nodes of the original system."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import AgentFailedError, AnswerTooLongError, NotEnabledError, PeerError
from jupyter_peer.wire.payloads.agents import MAX_ANSWER, MAX_CHUNK
from tests.peers.nodes import Node
from tests.peers.original_node import ada_and_olga

LONG = "x" * (2 * MAX_CHUNK)


async def answer(path, *messages):
    """Ask olga, who says these messages; return the pieces of her answer, joined."""
    async with ada_and_olga(path) as (hub, olga):
        olga.answers["agent_request"] = list(messages)
        ada = Node(hub)
        pieces: list[str] = []

        async def take(text: str) -> None:
            pieces.append(text)

        try:
            await ada.questions.ask(olga.id, "?", take, timeout_s=5.0)
        finally:
            await ada.close()
        return "".join(pieces)


def piece(delta, event="token"):
    return ("agent_stream", {"turnId": "t", "event": event, "delta": delta})


def end(text, *, ok=True, error=None):
    return ("agent_result", {"ok": ok, "text": text, "error": error})


@pytest.mark.parametrize(
    ("messages", "whole"),
    [
        ([end("hello")], "hello"),
        ([end(LONG)], LONG),
        ([end(None)], ""),
        ([piece("hel"), piece("lo"), end("hello")], "hello"),
        ([piece("hel"), end("hello")], "hello"),
        ([piece(LONG), end(LONG + "y")], LONG + "y"),
        ([piece("let me see"), end("hello")], "let me see\n\nhello"),
        ([piece("let me see. "), piece("hello "), end("hello")], "let me see. hello "),
        ([piece("hm", "reasoning"), piece("b", "delegate_token"), end("hello")], "hello"),
    ],
)
async def test_an_answer_comes_once_and_whole(tmp_path, messages, whole):
    assert await answer(tmp_path, *messages) == whole


@pytest.mark.parametrize(
    ("reason", "kind", "said"),
    [
        (
            "remote agent access is disabled on this node",
            NotEnabledError,
            "olga does not let peers ask agents",
        ),
        ("ValueError: no such model", AgentFailedError, "ValueError: no such model"),
        (None, AgentFailedError, "agent failed"),
    ],
)
async def test_a_reason_in_words_says_why_there_is_no_answer(tmp_path, reason, kind, said):
    with pytest.raises(kind) as caught:
        await answer(tmp_path, end(None, ok=False, error=reason))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([end("x" * (MAX_ANSWER + 1))], PeerError),
        ([piece("x" * MAX_ANSWER), piece("x"), end("")], AnswerTooLongError),
        ([end(7)], PeerError),
        ([end("", ok=False, error={"code": "x"})], PeerError),
    ],
)
async def test_an_answer_that_is_too_long_or_none_is_an_error(tmp_path, messages, kind):
    with pytest.raises(kind):
        await answer(tmp_path, *messages)
