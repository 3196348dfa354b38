"""Measurements run one after another, and ``python -m benchmarks``."""

from __future__ import annotations

import io
import json

import pytest

from benchmarks import catalogue
from benchmarks.__main__ import main, parser
from benchmarks.catalogue import MEASUREMENTS, Measurement, choose
from benchmarks.figures import figure
from benchmarks.report import Progress
from benchmarks.run import run
from jupyter_peer.errors import LookupFailedError, NotEnabledError


async def _one(bench):
    return [figure("X1 one", "ms", 1.0)]


async def _refused(bench):
    raise NotEnabledError("something is not installed")


async def _broken(bench):
    await bench.wire()
    raise RuntimeError("out of luck")


async def _echo(bench):
    wire = await bench.wire()
    await wire.ours.echo(b"hello")
    return [figure("X3 echo", "ms", 1.0)]


@pytest.fixture
def played(monkeypatch):
    """Let names lead to functions of this module."""
    functions = {f.__name__: f for f in (_one, _refused, _broken, _echo)}
    monkeypatch.setattr(Measurement, "load", lambda self: functions[self.place])


def test_measurements_are_chosen_by_their_short_names():
    assert choose("") == list(MEASUREMENTS)
    assert [each.name for each in choose("p5, P2")] == ["P2", "P5"]
    with pytest.raises(LookupFailedError, match="P99"):
        choose("P2,P99")


def test_every_measurement_can_be_loaded_and_has_a_name_of_its_own():
    assert all(callable(each.load()) for each in MEASUREMENTS)
    assert len({each.name for each in MEASUREMENTS}) == len(MEASUREMENTS)


async def test_a_failure_is_reported_and_does_not_end_the_others(played):
    measurements = [
        Measurement("X1", "one", "_one"),
        Measurement("X2", "two", "_broken"),
        Measurement("X4", "four", "_refused"),
        Measurement("X3", "three", "_echo"),
    ]
    told = []
    outcome = await run(
        measurements, quick=True, progress=Progress(4, io.StringIO()), on_figures=told.extend
    )
    assert [each.name for each in outcome.figures] == ["X1 one", "X2 two", "X4 four", "X3 echo"]
    assert [each.ours for each in outcome.figures] == [1.0, None, None, 1.0]
    assert outcome.failures == {
        "X2": "RuntimeError: out of luck",
        "X4": "not_enabled: something is not installed",
    }
    assert told == outcome.figures


@pytest.fixture
def two(played, monkeypatch):
    """Let the catalogue hold one measurement that works and one that is refused."""
    works = Measurement("X1", "one", "_one")
    monkeypatch.setattr(catalogue, "MEASUREMENTS", (works, Measurement("X4", "four", "_refused")))


def test_without_options_it_measures_everything_and_prints_a_table(two, capsys):
    assert main([]) == 0
    said = capsys.readouterr()
    assert "X1 one" in said.out
    assert "0 of 0 bounds kept" in said.out
    assert "X4 was not measured: not_enabled: something is not installed" in said.err


def test_figures_go_to_a_file_beside_the_table_or_to_stdout_in_its_place(two, capsys, tmp_path):
    path = tmp_path / "figures.json"
    for words in ([f"--json={path}"], ["--json", str(path)]):
        assert main(["--quick", *words]) == 0
        assert "X1 one" in capsys.readouterr().out
        assert [row["ours"] for row in json.loads(path.read_text())] == [1.0, None]
        path.unlink()
    for words in (["--json", "--quick"], ["--quick", "--json"], ["--json=-"]):
        assert main(words) == 0
        assert [row["ours"] for row in json.loads(capsys.readouterr().out)] == [1.0, None]


def test_each_option_of_the_help_is_understood(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "make bench ONLY=P2,P5 JSON=figures.json" in capsys.readouterr().out
    words = ["--only=P2", "--quick", "--json=a", "--csv=b", "--plot=c"]
    assert vars(parser().parse_args(words)) == {
        "only": "P2",
        "quick": True,
        "json": "a",
        "csv": "b",
        "plot": "c",
    }
    with pytest.raises(SystemExit) as ended:
        main(["--qick"])
    assert ended.value.code == 2


def test_an_unknown_measurement_is_refused_before_anything_runs(capsys):
    assert main(["--only=P99"]) == 1
    assert "there is no measurement P99" in capsys.readouterr().err
