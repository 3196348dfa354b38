"""What the doctor found, as a reader sees it."""

from __future__ import annotations

from IPython.core.formatters import DisplayFormatter

from jupyter_peer.server_client.command_table.line import parse, run
from jupyter_peer.server_client.results.findings import Findings


def finding(check: str, status: str, text: str = "It is so.", hint: str = "", subject: str = ""):
    return {
        "check": check,
        "subject": subject,
        "status": status,
        "text": text,
        "hint": hint,
        "data": {"ms": 1},
    }


FOUND = [
    finding("disk", "ok"),
    finding("address", "failed", "It cannot be dialled.", "open a port", "ws://h/peer-ws"),
    finding("nat", "warning", "A symmetric NAT.", "use a relay"),
    finding("lobby", "skipped"),
]


def shown(findings: Findings) -> dict[str, str]:
    data, _ = DisplayFormatter().format(findings)
    return data


def test_each_line_says_what_it_means_and_what_to_do():
    text = shown(Findings(FOUND))["text/plain"]
    assert text.splitlines() == [
        "ok       disk",
        "         It is so.",
        "failed   address ws://h/peer-ws",
        "         It cannot be dialled.",
        "         → open a port",
        "warning  nat",
        "         A symmetric NAT.",
        "         → use a relay",
        "skipped  lobby",
        "         It is so.",
        "",
        "Connection check of this node: 1 failed, 1 warning, 1 ok, 1 skipped",
    ]


def test_in_a_notebook_it_is_a_table():
    html = shown(Findings(FOUND, {"peer": {"node_name": "ada"}}))["text/html"]
    assert "<table" in html
    assert "ada: 1 failed" in html
    assert html.count("<tr") == len(FOUND) + 1


def test_what_others_say_of_themselves_does_nothing():
    hostile = Findings([finding("path", "failed", "<script>\x1b[2J\u202e", "<b>", "<i>\n")])
    data = shown(hostile)
    assert "<script>" not in data["text/html"]
    assert "<i>" not in data["text/html"]
    assert "\x1b" not in data["text/plain"] + data["text/html"]


def test_findings_can_be_worked_with():
    findings = Findings(FOUND)
    assert not findings.is_well
    assert Findings(FOUND[2:]).is_well
    assert [f.text for f in findings.of("nat")] == ["A symmetric NAT."]
    assert findings[1].data == {"ms": 1}
    assert (
        shown(Findings())["text/plain"].strip()
        == "Connection check of this node: nothing was checked"
    )


def test_the_magic_takes_a_peer_or_none():
    asked = []

    class Me:
        def doctor(self, peer, on_progress):
            asked.append(peer)
            return Findings()

    for words in (["doctor"], ["doctor", "ada"]):
        assert isinstance(run(Me, words), Findings)
    assert asked == [None, "ada"]
    assert parse(["doctor", "ada"])[0].usage == "[PEER]"
