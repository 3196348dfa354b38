"""One measured figure with its baseline, and statistics of several."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

#: A held figure may get worse by this factor: runs on a busy machine differ.
TOLERANCE = 1.1


class Goal(msgspec.Struct, frozen=True):
    """The bound of a figure: a goal, or a value that was reached and is held.

    Attributes:
        bound: The number to compare with.
        at_least: Whether more is better. If so the bound is a floor, otherwise a ceiling.
        unit: Unit of the bound if it applies to the figure itself; empty if it applies to the ratio.
        is_held: Whether the figure was reached before and may be worse by :data:`TOLERANCE`.
    """

    bound: float
    at_least: bool = False
    unit: str = ""
    is_held: bool = False

    @property
    def is_ratio(self) -> bool:
        """Whether the bound applies to the ratio."""
        return not self.unit

    def is_met(self, value: float) -> bool:
        """Return whether a value keeps the bound."""
        slack = TOLERANCE if self.is_held else 1.0
        return value >= self.bound / slack if self.at_least else value <= self.bound * slack

    def __str__(self) -> str:
        sign = "" if self.is_held else ">= " if self.at_least else "<= "
        return f"{sign}{self.bound:.4g}{'x' if self.is_ratio else ' ' + self.unit}"


def held(bound: float, unit: str = "") -> Goal:
    """Return a ceiling that was reached, of the ratio or of the figure in a unit."""
    return Goal(bound, unit=unit, is_held=True)


def held_rate(bound: float) -> Goal:
    """Return a floor of the ratio that was reached."""
    return Goal(bound, at_least=True, is_held=True)


class Figure(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        name: Starts with the measurement's short name: ``P2 round trip of 64 B, p50``.
        unit: Unit of ``ours`` and ``baseline``.
        ours: The value of this program; None if the measurement failed.
        baseline: The value of the baseline; None without one.
        baseline_name: Name of the baseline, or why there is none.
        ratio: ``ours / baseline``, None without a baseline.
        goal: ``1.2x`` (ratio) or ``71 ms`` if held, ``<= 1x`` if still to be reached; empty for none.
        met: Whether the bound is kept; None without a bound or a value.
    """

    name: str
    unit: str
    ours: float | None
    baseline: float | None = None
    baseline_name: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def figure(
    name: str,
    unit: str,
    ours: float,
    baseline: float | None = None,
    baseline_name: str = "",
    goal: Goal | None = None,
) -> Figure:
    """Return a row with its ratio and whether its goal is met.

    Without a baseline, a goal of the ratio is neither met nor missed.
    """
    ratio = ours / baseline if baseline else None
    held = ratio if goal is not None and goal.is_ratio else ours
    return Figure(
        name=name,
        unit=unit,
        ours=ours,
        baseline=baseline,
        baseline_name=baseline_name,
        ratio=ratio,
        goal="" if goal is None else str(goal),
        met=None if goal is None or held is None else goal.is_met(held),
    )


def median(values: Sequence[float]) -> float:
    """Return the median of the values."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile ``share`` (0 to 1) by nearest rank.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def growth(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the exponent of the power law that fits best: 1 is linear, 0 does not grow.

    It is the slope of the least-squares line through the logarithms.

    Raises:
        ValueError: There are fewer than two different positive points.
    """
    points = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True) if x > 0 and y > 0]
    if len({x for x, _ in points}) < 2:
        raise ValueError("growth needs at least two points")
    return statistics.linear_regression(*zip(*points, strict=True)).slope
