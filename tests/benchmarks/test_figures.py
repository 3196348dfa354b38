"""Ratios, goals and growth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from benchmarks.figures import Goal, figure, growth, held, held_rate, percentile


def test_the_ratio_is_ours_by_the_baseline_and_is_held_against_the_goal():
    row = figure("P2 x", "ms", 3.0, 2.0, "raw tornado", Goal(1.5))
    assert (row.ratio, row.goal, row.met) == (1.5, "<= 1.5x", True)
    row = figure("P2 x", "ms", 3.1, 2.0, "raw tornado", Goal(1.5))
    assert (row.ratio, row.met) == (1.55, False)


def test_where_more_is_better_the_goal_is_a_floor():
    floor = Goal(5, at_least=True)
    assert figure("P5 x", "1/s", 50.0, 10.0, "raw", floor).met is True
    row = figure("P5 x", "1/s", 49.0, 10.0, "raw", floor)
    assert (row.goal, row.met) == (">= 5x", False)


def test_a_held_figure_may_get_worse_by_a_tenth_and_no_more():
    for ratio, is_met in ((1.2, True), (1.3, True), (1.33, False)):
        row = figure("P1 x", "ms", ratio, 1.0, "json wire", held(1.2))
        assert (row.goal, row.met) == ("1.2x", is_met)
    for ratio, is_met in ((9.0, True), (8.2, True), (8.1, False)):
        row = figure("P5 x", "1/s", ratio, 1.0, "json wire", held_rate(9))
        assert (row.goal, row.met) == ("9x", is_met)
    assert figure("P12 x", "ms", 78.0, goal=held(71, "ms")).met is True


def test_a_goal_with_a_unit_is_held_against_the_figure_itself():
    row = figure("U6 x", "s", 1.9, 1.0, "anything", Goal(2, unit="s"))
    assert (row.goal, row.met, row.ratio) == ("<= 2 s", True, 1.9)
    assert figure("U6 x", "s", 2.1, goal=Goal(2, unit="s")).met is False


@pytest.mark.parametrize("baseline", [None, 0.0])
def test_without_a_baseline_a_goal_of_the_ratio_is_neither_met_nor_missed(baseline):
    row = figure("U1 x", "ms", 3.0, baseline, "not installed", Goal(1))
    assert (row.ratio, row.met) == (None, None)
    assert row.baseline_name == "not installed"


def test_without_a_goal_nothing_is_met():
    row = figure("P9 x", "ms", 3.0, 6.0, "json wire")
    assert (row.ratio, row.goal, row.met) == (0.5, "", None)


def test_a_percentile_is_one_of_the_values():
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError):
        percentile([], 0.5)


@given(st.floats(-2, 3), st.floats(0.001, 1000))
def test_growth_is_the_exponent_of_a_power_law(exponent, factor):
    xs = [1.0, 2.0, 10.0, 64.0]
    assert math.isclose(growth(xs, [factor * x**exponent for x in xs]), exponent, abs_tol=1e-6)


def test_growth_needs_two_points():
    with pytest.raises(ValueError):
        growth([4, 4], [1, 2])
