from __future__ import annotations

import logging

from jupyter_peer.primitives.log_pace import BURST, EVERY_S, LogPace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(text: str, *arguments: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("jupyter_peer.hub", level, "", 0, text, arguments, None)


def test_a_flood_of_one_kind_of_line_is_cut_and_counted_and_hides_no_other():
    clock = Clock()
    pace = LogPace(clock)
    written = [pace.filter(line("%s: refused", number)) for number in range(1000)]
    assert written == [True] * BURST + [False] * (1000 - BURST)
    assert pace.filter(line("%s: something else", 1))
    clock.now += EVERY_S
    record = line("%s: refused", "ada")
    assert pace.filter(record)
    assert record.getMessage() == (f"ada: refused (and {1000 - BURST} more lines like this before)")
    assert not pace.filter(line("%s: refused", 1))
    clock.now += 1e6
    record = line("%s: refused", 2)
    assert pace.filter(record)
    assert record.getMessage() == "2: refused (and 1 more lines like this before)"
    assert pace.filter(line("%s: refused", 3))


def test_what_is_for_finding_faults_is_all_there():
    pace = LogPace(Clock())
    assert all(pace.filter(line("a step", level=logging.DEBUG)) for _ in range(1000))


def test_kinds_without_end_are_not_remembered():
    pace = LogPace(Clock())
    assert all(pace.filter(line(f"text {number}")) for number in range(2000))
    assert len(pace._kinds) <= 512
