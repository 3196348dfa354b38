"""How the answer about who can reach a node is shown."""

from __future__ import annotations

from jupyter_peer.server_client.results.reach import Reach


def finding(check, status, text, hint=""):
    return {"check": check, "subject": None, "status": status, "text": text, "hint": hint}


def answer(**changed):
    return Reach(
        {
            "mode": "network",
            "chosen": "network",
            "relay_url": None,
            "fixed_by": None,
            "addresses": ["ws://192.168.1.20:9797/peer-ws"],
            "checked": [
                finding("reach", "ok", "Peers on this network can reach you at 192.168.1.20:9797."),
                finding("address", "ok", "This node answers there."),
            ],
        }
        | changed
    )


def test_it_says_in_words_who_can_reach_the_node_and_where():
    shown = answer().to_text()
    assert shown.splitlines()[0] == "reach: this network (network)"
    assert "Peers on this network can reach you at 192.168.1.20:9797." in shown
    assert "ws://192.168.1.20:9797/peer-ws" in shown
    assert "This node answers there." not in shown


def test_what_the_configuration_decides_is_named_with_the_way_out():
    shown = answer(
        mode="relay",
        relay_url="wss://relay.example",
        fixed_by="relay_url",
        checked=[finding("choice", "warning", "It decides.", "take it out of the configuration")],
    ).to_text()
    assert "set by relay_url in the configuration" in shown
    assert "It decides." in shown
    assert "→ take it out of the configuration" in shown


def test_a_single_check_that_failed_is_shown_with_its_hint():
    failed = finding("lobby", "failed", "The lobby does not answer.", "ask who runs it")
    shown = answer(checked=[failed]).to_text()
    assert "The lobby does not answer." in shown
    assert "ask who runs it" in shown


def test_the_reason_why_a_relay_does_not_answer_is_given_once():
    reason = "The relay cannot be used: it does not answer."
    summary = finding(
        "reach", "failed", f"Nobody can reach you at the moment. {reason}", "check it"
    )
    shown = answer(checked=[summary, finding("relay", "failed", reason, "check it")]).to_text()
    assert (shown.count(reason), shown.count("check it")) == (1, 1)


def test_a_node_on_its_own_computer_is_shown_the_switch():
    assert "%peer reach network" in answer(mode="local", checked=[]).to_text()
    assert "%peer reach network" not in answer().to_text()
