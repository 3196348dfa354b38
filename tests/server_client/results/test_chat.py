"""Chat in a notebook: what a line shows, what words are sent, whatever is in them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.errors import BadRequestError
from jupyter_peer.server_client.client import Client
from jupyter_peer.server_client.command_table.command import HelpAskedError
from jupyter_peer.server_client.command_table.completion import candidates
from jupyter_peer.server_client.command_table.line import parse, run, split
from jupyter_peer.server_client.results.chat import ChatLine, ChatLines
from tests.server_client.fake_server import PEER, FakeServer

WHO = {"node_id": PEER["node_id"], "node_name": "ada", "alias": None}


def line(text: str, **fields: Any) -> dict[str, Any]:
    return {"number": 1, "peer": WHO, "mine": False, "at": 1.0, "text": text, **fields}


def test_a_line_is_text_whatever_is_in_it() -> None:
    hostile = line(
        "<script>alert(1)</script> **bold**\n\x1b[2J second",
        peer={**WHO, "node_name": "<img src=x>"},
    )
    bundle = ChatLines([hostile])._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/plain"] + bundle["text/html"]
    assert "**bold**" in bundle["text/plain"]


def test_lines_say_who_and_when() -> None:
    shown = ChatLines([line("one\ntwo"), line("hi", mine=True)])
    first, second, third = shown.to_text().splitlines()
    assert first.endswith("ada: one")
    assert second == "    two"
    assert third.endswith("you to ada: hi")
    assert "1970-01-0" in first
    assert ChatLine(line("x")).to_text().endswith("ada: x")
    assert "Send one: %peer chat ada TEXT" in ChatLines([], "ada").to_text()
    assert "%peer chat PEER TEXT" in ChatLines([])._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("chat ada it's done", "it's done"),
        ('chat ada "it is done"', "it is done"),
        ("chat 'ada' say \"x\" and  more", 'say "x" and  more'),
        ("chat ada --help me", "--help me"),
        ("chat ada -5", "-5"),
        ("chat ada '", "'"),
        ('chat ada "a" and "b"', '"a" and "b"'),
        ('chat ada "--limit 5"', "--limit 5"),
        ("chat ada see --limit 5", "see --limit 5"),
    ],
)
def test_the_text_is_sent_as_it_is_written(
    client: Client, server: FakeServer, written: str, text: str
) -> None:
    server.answers["chat"] = {"line": line(text, mine=True)}
    assert text in run(lambda: client, split(written)).to_text()
    assert server.asked[-1] == ("chat", {"peer": "ada", "text": text})


def test_without_a_text_the_last_lines_are_read(client: Client, server: FakeServer) -> None:
    server.answers["chats"] = {"lines": [line("hello")], "unread": {}}
    assert "hello" in run(lambda: client, split("chat ada")).to_text()
    assert server.asked[-1] == ("chats", {"peer": "ada", "limit": 50, "seen": True})
    assert "hello" in run(lambda: client, split("chat ada --limit 7")).to_text()
    assert server.asked[-1] == ("chats", {"peer": "ada", "limit": 7, "seen": True})
    assert [each.text for each in client.chats(limit=3)] == ["hello"]
    assert server.asked[-1] == ("chats", {"limit": 3, "seen": True})


def test_words_that_do_not_fit_and_help() -> None:
    with pytest.raises(HelpAskedError, match="%peer chat"):
        parse(split("chat --help"))
    with pytest.raises(BadRequestError, match="quotation"):
        split("chat 'ada hello")


def test_tab_offers_peers(server: FakeServer, in_kernel: None) -> None:
    assert "ada" in candidates("%peer chat ", "")


def test_a_notebook_can_listen(client: Client, server: FakeServer) -> None:
    from tests.machine.waiting import until_sync

    heard: list[dict[str, Any]] = []
    client.on_event("chat", heard.append)
    client.ready()
    server.push("chat", {"lines": [line("hello")], "unread": {PEER["node_id"]: 1}})
    until_sync(lambda: heard)
    assert heard[0]["lines"][0]["text"] == "hello"
