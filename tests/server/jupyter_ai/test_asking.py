"""Whom a message in a chat asks, and how a peer's text stands in Markdown."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jupyter_peer.errors import BadRequestError, UnknownPeerError
from jupyter_peer.server.jupyter_ai.asking import Quotation, addressed


def find(name):
    if name not in ("ada", "Ada Lovelace"):
        raise UnknownPeerError
    return SimpleNamespace(label=name)


@pytest.mark.parametrize(
    ("body", "name", "question"),
    [
        ("@Peers ada which epoch is best?", "ada", "which epoch is best?"),
        ("@peers: ada: why?\n  And how?", "ada", "why?\n  And how?"),
        ("Ada Lovelace why?", "Ada Lovelace", "why?"),
    ],
)
def test_a_message_names_a_peer_and_asks(body, name, question):
    peer, asked = addressed(body, find)
    assert (peer.label, asked) == (name, question)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", BadRequestError),
        ("@Peers ada", BadRequestError),
        ("@Peers carol why?", UnknownPeerError),
        ("@Peersada why?", UnknownPeerError),
    ],
)
def test_a_message_without_a_peer_or_a_question_says_how_to_ask(body, error):
    with pytest.raises(error) as caught:
        addressed(body, find)
    assert "which epoch is best?" in caught.value.hint


def test_no_text_ends_its_block():
    written = []
    quotation = Quotation(written.append)
    for piece in ("a\n~~~~~~~~~~", "~~~~~~~~~~\n", "# b ~~~"):
        quotation.add(piece)
    quotation.end("stopped")
    fence, *lines, end, rest = "".join(written).split("\n")
    assert (fence, rest) == (f"{end}text", "")
    assert lines == ["a", "~" * (len(end) - 1), "# b ~~~", "[stopped]"]


def test_nothing_is_written_without_a_text():
    written = []
    Quotation(written.append).end()
    assert written == []
