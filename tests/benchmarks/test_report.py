"""What the bench writes."""

from __future__ import annotations

import io
import json

import pytest

from benchmarks.figures import Figure, Goal, figure
from benchmarks.report import Progress, check_writable, summary, table, write_json
from jupyter_peer.errors import BadRequestError

FIGURES = [
    figure("P2 round trip", "ms", 0.5, 1.0, "json wire", Goal(0.6)),
    figure("P5 rate", "1/s", 123456.0, 100000.0, "raw tornado", Goal(5, at_least=True)),
    Figure("P9 fan-out", "", None),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_table_says_of_each_figure_whether_its_goal_is_met():
    head, rule, first, second, failed = table(FIGURES).splitlines()
    assert head.split() == ["figure", "ours", "baseline", "ratio", "held", "at", "met"]
    assert set(rule) == {"-"}
    assert first.split() == [
        "P2",
        "round",
        "trip",
        "0.5",
        "ms",
        "1.00",
        "ms",
        "json",
        "wire",
        "0.5x",
        "<=",
        "0.6x",
        "yes",
    ]
    assert second.endswith("NO")
    assert "123,456 1/s" in second
    assert failed.split() == ["P9", "fan-out", "not", "measured"]
    assert summary(FIGURES) == "1 of 2 bounds kept"


def test_the_json_is_a_list_of_objects_with_the_same_eight_keys(tmp_path):
    path = tmp_path / "figures.json"
    write_json(str(path), FIGURES)
    rows = json.loads(path.read_text())
    keys = {"name", "unit", "ours", "baseline", "baseline_name", "ratio", "goal", "met"}
    assert [set(row) for row in rows] == [keys] * 3
    assert [row["met"] for row in rows] == [True, False, None]
    assert rows[2]["ours"] is None


def test_a_file_that_cannot_be_written_is_said_so(tmp_path):
    nowhere = str(tmp_path / "no" / "figures.json")
    for path in (nowhere, str(tmp_path)):
        with pytest.raises(BadRequestError, match="cannot be written"):
            check_writable("", path)
    check_writable("", str(tmp_path / "figures.json"))
    with pytest.raises(BadRequestError, match="cannot be written"):
        write_json(nowhere, FIGURES)


def test_progress_is_drawn_on_a_terminal_and_taken_away_again():
    terminal = Terminal()
    progress = Progress(2, terminal)
    progress.begin("P2", 1)
    progress.step("json wire, round 1 of 5", 0.5)
    last = terminal.getvalue().rpartition("\x1b[K")[2]
    assert last == f"[{'#' * 18}{'.' * 6}] P2 json wire, round 1 of 5"
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_progress_leaves_files_and_pipes_alone():
    stream = io.StringIO()
    progress = Progress(2, stream)
    progress.begin("P2", 0)
    progress.step("x", 0.5)
    progress.clear()
    assert stream.getvalue() == ""
