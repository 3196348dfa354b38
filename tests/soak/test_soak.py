"""The short form of a soak, and what the long form would say of a loss or a leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_peer.errors import LinkClosedError, PeerTimeoutError
from tests.soak.numbered_pane import PAGE, Counting, newest
from tests.soak.run import Report, soak
from tests.soak.tally import Tally
from tests.soak.usage import SLACK_MIB, Usage


@pytest.mark.timeout(600)
async def test_each_fault_under_load_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    report = await soak(tmp_path, lambda: True)
    assert report.failures == [], report.table()
    assert set(report.faults.values()) == {1}
    assert all(tally.done for tally in report.tallies)
    assert "Nothing was lost and nothing grew." in report.table()


def test_a_thing_is_lost_unless_it_was_done_once_or_refused_with_a_reason() -> None:
    tally = Tally("messages")
    done, refused, both, silent, untrue, twice, late = (tally.begin() for _ in range(7))
    for number in (done, both, twice, twice):
        tally.carried_out(number)
    for number in (done, untrue, twice):
        tally.did(number)
    # The link may be lost before the answer, so that one was carried out all the same.
    tally.refused(refused, LinkClosedError())
    tally.refused(both, LinkClosedError())
    tally.refused(late, PeerTimeoutError())
    assert tally.losses() == [
        f"messages, number {late}: timeout, no answer came in time",
        f"messages, number {silent}: was neither done nor refused",
        f"messages, number {untrue}: was answered and never carried out",
        f"messages, number {twice}: was carried out twice",
    ]
    assert (tally.begun, tally.done, tally.reasons.total()) == (7, 3, 3)


class Page:
    """A kernel that shows the last page."""

    text = ""

    def say(self, msg_type: str, content: object) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


def test_a_page_with_a_line_missing_doubled_or_out_of_order_is_told() -> None:
    kernel = Page()
    counting = Counting(kernel)  # type: ignore[arg-type]
    assert newest(kernel.text) is None
    for number in range(1, 2 * PAGE + 2):
        counting.write()
        assert newest(kernel.text) == counting.written == number
    for wrong in ("1\n3\n", "1\n1\n", "2\n1\n", "2\n3\n"):
        with pytest.raises(ValueError, match="a page from"):
            newest(wrong)


def test_one_socket_task_or_file_more_is_growth_and_memory_beyond_the_slack() -> None:
    before = Usage(100.0, 10, 4, 20)
    assert before._replace(memory=100.0 + SLACK_MIB, tasks=9).growth(before) == []
    grown = Usage(100.5 + SLACK_MIB, 11, 5, 21).growth(before)
    assert [each.partition(" ")[0] for each in grown] == ["memory", "tasks", "sockets", "files"]
    report = Report()
    report.before, report.after = {"relay": before}, {"relay": before._replace(sockets=5)}
    assert report.growth() == ["GREW: relay: sockets from 4 to 5"]
    report.failures = report.growth()
    assert "GREW: relay: sockets from 4 to 5" in report.table()
    assert "Nothing was lost" not in report.table()
