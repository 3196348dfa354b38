"""Failures of an agent are shown below the cell that registered it."""

from __future__ import annotations

import pytest

from jupyter_peer.server_client.agents import failures
from jupyter_peer.server_client.agents.failures import FailureReport
from jupyter_peer.server_client.views import cell


class FakePublisher:
    def __init__(self):
        self.published = []

    def publish(self, data, transient, update=False):
        self.published.append((data["text/plain"], transient["display_id"], update))


class FakeShell:
    def __init__(self):
        self.display_pub = FakePublisher()


@pytest.fixture
def shown(monkeypatch):
    shell = FakeShell()
    monkeypatch.setattr(cell, "interactive_shell", lambda: shell)
    for module in (cell, failures):
        monkeypatch.setattr(module, "running_cell", lambda: cell.Cell("cell", None))
    return shell.display_pub.published


def test_a_failure_is_one_output_that_the_next_one_replaces(shown):
    report = FailureReport()
    assert shown == []
    report.tell("helper", "bob", "KeyError: 'x'")
    report.tell("helper", "eve\x1b[31m", "ValueError: \u202e")
    (first, first_id, is_update), (second, second_id, is_next_update) = shown
    assert (is_update, is_next_update, first_id) == (False, True, second_id)
    assert "The agent helper failed at" in first
    assert "bob had asked" in first
    assert "KeyError: 'x'" in first
    assert "2 times so far" in second
    assert "\x1b" not in second


def test_outside_of_a_cell_nothing_is_shown(shown, monkeypatch):
    monkeypatch.setattr(failures, "running_cell", lambda: None)
    FailureReport().tell("helper", "bob", "KeyError")
    assert shown == []
