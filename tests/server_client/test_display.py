"""Results and magics in IPython's own machinery, which has opinions on dicts, lists and strings."""

import time

import pytest
from IPython.core.formatters import DisplayFormatter

from jupyter_peer.kernel import magics
from jupyter_peer.server_client.command_table.line import overview
from jupyter_peer.server_client.results.drawing.markup import clock_time
from jupyter_peer.server_client.results.panes import Audience, Panes
from jupyter_peer.server_client.results.results import (
    AuditLog,
    Done,
    Identity,
    Invite,
    Invites,
    Peer,
    Peers,
)
from tests.kernel.shells import new_shell


@pytest.mark.parametrize(
    ("result", "begins"),
    [
        (Peers([{"node_name": "bob", "node_id": "n" * 16, "status": "connected"}]), "peer "),
        (Peer(node_name="bob", node_id="n" * 16, status="connected"), "bob (nnnn"),
        (Invite("jpeer1:x", id="1", expires=time.time() + 60), "jpeer1:x\ninvite 1"),
        (Invites([{"id": "1", "status": "open"}]), "id "),
        (Identity(node_name="ada"), "name: "),
        (Panes({"mine": [], "offered": []}), "You share no pane"),
        (AuditLog([{"kind": "paired", "at": 1.0}]), "when "),
        (Done("it is done", {"pane": {}}), "it is done"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_ipython_shows_the_text_of_a_result(result, begins):
    shown, _ = DisplayFormatter().format(result)
    assert shown["text/plain"].startswith(begins)
    assert "<div" in shown["text/html"]


def test_nodes_found_nearby_are_shown_behind_the_peers_as_what_strangers_say():
    eve = {"node_id": "e" * 16, "node_name": "<i>e\x1bve", "source": "lan", "addresses": ["lan:x"]}
    for peers in ([], [{"node_name": "bob", "node_id": "n" * 16, "status": "connected"}]):
        shown, _ = DisplayFormatter().format(Peers(peers, {}, [eve]))
        assert "found nearby, not paired" in shown["text/plain"]
        assert "e" * 16 in shown["text/plain"]
        assert "\x1b" not in shown["text/plain"] + shown["text/html"]
        assert "<i>" not in shown["text/html"]
        shown, _ = DisplayFormatter().format(Peers(peers, {}, []))
        assert "found" not in shown["text/plain"] + shown["text/html"]


BOB = {"node_id": "n" * 16, "node_name": "bob", "alias": "my bob"}
EVE = {"node_id": "e" * 16, "node_name": "eve", "blocked": True}
LINK = {"pane": "loss", "guests": [{"name": "Zoë"}, {"name": ""}]}


def test_panes_name_the_guests_of_links_and_who_can_view():
    viewers = [{"node_id": BOB["node_id"], "node_name": "bob"}]
    grants = {BOB["node_id"]: "view", EVE["node_id"]: "interact"}
    mine = {"name": "loss", "title": "", "viewers": viewers, "grants": grants}
    text = Panes({"mine": [mine]}, [BOB, EVE], [LINK]).to_text()
    assert "my bob (view), anyone with the link" in text
    assert "my bob, Zoë (guest), a guest" in text


@pytest.mark.parametrize(
    ("grants", "links", "words"),
    [
        ({}, [], "No peer can view it"),
        ({EVE["node_id"]: "view"}, [], "No peer can view it"),
        ({BOB["node_id"]: "view"}, [], "1 peer can view it"),
        ({"a": "view", "b": "view"}, [], "2 peers can view it"),
        ({}, [LINK | {"guests": []}], "Anyone with the link can view it"),
        ({"a": "view"}, [LINK | {"guests": []}], "1 peer and anyone with the link can view it"),
        ({}, [LINK], "Watching: Zoë (guest), a guest"),
        ({}, [LINK | {"pane": "other"}], "No peer can view it"),
    ],
)
def test_who_can_view_a_pane_is_said_as_in_the_sidebar(grants, links, words):
    pane = {"name": "loss", "viewers": [], "grants": grants}
    assert str(Audience(pane, [BOB, EVE], links)) == words


def test_the_audit_log_names_peers_and_times():
    entries = [
        {
            "kind": "pane_shared",
            "at": 1.0,
            "peer": None,
            "detail": {"pane": "loss", "with": ["n" * 16, "m" * 16], "grant": "view"},
        },
        {"kind": "invite_minted", "at": 0.0, "peer": "n" * 16, "detail": {"expires": 0.0}},
    ]
    shared, minted = (
        AuditLog(entries, [{"node_id": "n" * 16, "node_name": "bob"}]).to_text().splitlines()[1:]
    )
    assert f"pane loss, with bob and {'m' * 16}, grant view" in shared
    assert "invite minted  bob" in minted
    assert f"expires {clock_time(0.0)}" in minted


def test_the_list_of_commands_is_a_table_and_plain_text():
    shown, _ = DisplayFormatter().format(overview())
    assert "%%peer share NAME" in shown["text/html"]
    assert "<table" in shown["text/html"]
    assert max(map(len, shown["text/plain"].splitlines())) <= 96


def test_magics_load_beside_ipythons_own_transformers_and_twice():
    shell = new_shell()
    before = len(shell.input_transformers_cleanup)
    magics.load(shell)
    once = len(shell.input_transformers_cleanup)
    magics.load(shell)
    assert before < len(shell.input_transformers_cleanup) == once
    assert "peer" in shell.magics_manager.magics["cell"]


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        ({"trusted": True, "origin": "directory"}, "trusted"),
        ({"trusted": False, "origin": "directory", "status": "connected"}, "by directory"),
        ({"trusted": False, "origin": "open-lan", "status": "connected"}, "by open-lan"),
        ({"trusted": False, "origin": "directory", "status": "offline"}, "if directory allows it"),
        ({"trusted": False, "origin": "invite"}, "not trusted"),
        ({"trusted": True, "blocked": True}, "blocked"),
    ],
)
def test_a_list_says_why_a_peer_may_connect(peer, words):
    shown, _ = DisplayFormatter().format(Peers([{"node_id": "n" * 16, **peer}]))
    assert f"  {words}  " in shown["text/plain"]
