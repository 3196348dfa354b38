"""What is said of goals that are not met."""

from __future__ import annotations

from benchmarks.catalogue import MEASUREMENTS
from benchmarks.figures import Figure, Goal, figure
from benchmarks.reasons import REASONS, reasons


def test_a_goal_that_is_not_met_is_explained_by_measurement_and_baseline():
    missed = figure("P2 round trip", "ms", 2.0, 1.0, "json wire", Goal(0.6))
    other = figure("P2 round trip", "ms", 2.0, 1.0, "raw tornado", Goal(1.5))
    first, second = reasons([missed, other])
    assert first.startswith("P2 round trip (json wire): both wires")
    assert second.startswith("P2 round trip (raw tornado): ")


def test_nothing_is_said_of_what_is_met_not_judged_not_measured_or_not_understood():
    assert (
        reasons(
            [
                figure("P2 round trip", "ms", 0.5, 1.0, "json wire", Goal(0.6)),
                figure("P2 round trip", "ms", 2.0, 1.0, "json wire"),
                Figure("P2 round trip", "", None),
                figure("X9 unknown", "ms", 2.0, 1.0, "json wire", Goal(0.6)),
            ]
        )
        == []
    )


def test_every_reason_belongs_to_a_measurement():
    assert {short for short, _ in REASONS} <= {each.name for each in MEASUREMENTS}
