"""The panel asks its owner about tools: by clicks on its buttons, against a scripted server."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_peer.errors import LookupFailedError
from jupyter_peer.kernel.panel.panel import PeerPanel
from tests.machine.waiting import until
from tests.server_client.fake_server import PEER, FakeServer
from tests.server_client.tool_calls import EXPIRES, argument, person, waiting


def pushed(server: FakeServer, *calls: dict[str, Any]) -> None:
    """Tell what waits now."""
    server.push("approval", {"approvals": list(calls)})


Open = Callable[[], PeerPanel]


@pytest.fixture(autouse=True)
def answered(server: FakeServer) -> None:
    """The server takes what the owner says."""
    server.answers["approve"] = {}


async def test_nothing_is_asked_until_an_agent_wants_to_use_a_tool(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    assert panel.approvals.layout.display == "none"
    pushed(server, waiting(1))
    await until(lambda: panel.approvals.rows)
    assert panel.approvals.layout.display == ""
    pushed(server)
    await until(lambda: not panel.approvals.rows)
    assert panel.approvals.layout.display == "none"
    assert panel.approvals.children == ()


def test_what_waited_before_the_panel_was_opened_is_asked_in_it(
    open_panel: Open, server: FakeServer
):
    server.answers["approvals"] = {"approvals": [waiting(3)]}
    assert list(open_panel().approvals.rows) == [3]


async def test_the_owner_reads_who_asks_which_tool_with_what_and_until_when_all_as_text(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    evil = {
        "peer_name": "<b>bob",
        "question": "<s>?",
        "agent": "<i>a",
        "tool": "<u>t",
        "arguments": [argument("<p>", "'<script>1'"), argument("frame", "0 1 ...", False)],
        "chain": [person("<b>cy", "cycycycycycycyc2"), person("<b>bob", PEER["node_id"])],
    }
    pushed(server, waiting(1, **evil), waiting(2, peer_name=PEER["node_id"], arguments=[]))
    await until(lambda: len(panel.approvals.rows) == 2)
    said, bare = (row.text.value for row in panel.approvals.rows.values())
    for raw in ("<b>bob", "<b>cy", "<s>?", "<i>a", "<u>t", "<p>", "<script>1"):
        assert html.escape(raw) in said
        assert raw not in said
    assert f"({PEER['node_id']})" in said
    assert said.count("parts may be missing") == 1
    assert time.strftime("%H:%M:%S", time.localtime(EXPIRES)) in said
    assert PEER["node_id"] in bare
    assert "no arguments" in bare


@pytest.mark.parametrize("answer", ["no", "once", "turn"])
async def test_a_click_answers_this_call_and_no_other(open_panel: Open, server: FakeServer, answer):
    panel = open_panel()
    pushed(server, waiting(7), waiting(8))
    await until(lambda: len(panel.approvals.rows) == 2)
    row = panel.approvals.rows[8]
    {"no": row.deny_button, "once": row.allow_button, "turn": row.turn_button}[answer].click()
    await until(lambda: "approve" in server.ops())
    said = {"allow": answer != "no", "for_turn": answer == "turn"}
    assert server.wait_for("approve") == {"id": 8, **said}
    pushed(server, waiting(7))
    await until(lambda: list(panel.approvals.rows) == [7])
    assert server.ops().count("approve") == 1


async def test_a_call_keeps_its_buttons_when_others_come_and_go(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    pushed(server, waiting(1), waiting(2))
    await until(lambda: len(panel.approvals.rows) == 2)
    kept = panel.approvals.rows[2]
    pushed(server, waiting(2), waiting(3))
    await until(lambda: 3 in panel.approvals.rows)
    assert panel.approvals.rows[2] is kept
    assert panel.approvals.children[1:] == (kept, panel.approvals.rows[3])


async def test_an_answer_that_comes_too_late_is_said_and_the_button_is_free_again(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    server.answers["approve"] = LookupFailedError("this call no longer waits for an answer")
    pushed(server, waiting(1))
    await until(lambda: panel.approvals.rows)
    clicked = panel.approvals.rows[1].allow_button
    clicked.click()
    assert clicked.disabled
    await until(lambda: "no longer waits" in panel.progress.value)
    await until(lambda: not clicked.disabled)


async def test_what_waits_is_asked_for_again_when_the_server_comes_back(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    server.answers["approvals"] = {"approvals": [waiting(4)]}
    server.drop()
    await until(lambda: list(panel.approvals.rows) == [4])


async def test_the_panel_counts_as_a_place_to_ask_while_a_page_shows_it(
    open_panel: Open, server: FakeServer
):
    panel = open_panel()
    assert server.wait_for("approvals") == {"watching": False}
    for count, views, watching in ((2, 1, True), (3, 0, False)):
        panel._view_count = views
        await until(lambda count=count: server.ops().count("approvals") == count)
        assert server.wait_for("approvals", count) == {"watching": watching}
