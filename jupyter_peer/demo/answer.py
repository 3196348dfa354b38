"""Compares the answer of Ada's agent with what her kernel has computed."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DONE = re.compile(r"\b(\d+) of (\d+) epochs are done\.")
_BEST = re.compile(r"Best (\w+): (\d+(?:\.\d+)?), after epoch (\d+)\.")


def best_named(answer: str) -> dict[str, tuple[float, int]]:
    """Return the best value of each metric and its epoch, as an answer names them."""
    return {name: (float(value), int(epoch)) for name, value, epoch in _BEST.findall(answer)}


def is_true(answer: str, rows: Mapping[int, Mapping[str, float]]) -> bool:
    """Return whether an answer names best values that were right when it was written.

    Args:
        answer: The agent's answer.
        rows: The metrics of each epoch that Ada's kernel has shown.
    """
    done, bests = _DONE.search(answer), best_named(answer)
    if done is None or not bests:
        return False
    for metric, (value, epoch) in bests.items():
        # The training goes on while the agent answers.
        known = {number: row for number, row in rows.items() if number <= max(int(done[1]), epoch)}
        if epoch not in known or known[epoch].get(metric) != value:
            return False
        choose = max if metric == "accuracy" else min
        if choose(known, key=lambda number: known[number][metric]) != epoch:
            return False
    return True
