"""How peers are shown by `%peer peers` and `jupyter peer peers`."""

from __future__ import annotations

import pytest

from jupyter_peer.server_client.results.results import Peer, Peers

BOB = {
    "node_id": "b" * 16,
    "node_name": "bob",
    "alias": None,
    "calls_itself": None,
    "status": "connected",
    "transport": "direct",
    "rtt_ms": 6.0,
    "panes": [],
    "trusted": True,
    "blocked": False,
    "last_seen": None,
    "capabilities": [],
}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, f"bob ({'b' * 16}) is"),
        ({"calls_itself": "ali"}, f"bob ({'b' * 16}, calls itself ali) is"),
        ({"alias": "desk", "calls_itself": "ali"}, f"desk ({'b' * 16}, calls itself ali) is"),
        ({"calls_itself": "ali\u202e\x1b[31m"}, "calls itself ali"),
    ],
)
def test_a_rename_is_shown_beside_the_name_that_stays(changes, shown):
    text = Peer({**BOB, **changes}).to_text()
    assert shown in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_rename_is_shown_in_the_list_too():
    text = Peers([{**BOB, "calls_itself": "ali"}]).to_text()
    assert "bob" in text
    assert "calls itself ali" in text
