"""An answer is true only if what it names was the best of its moment."""

from __future__ import annotations

import pytest

from jupyter_peer.demo.answer import best_named, is_true

ROWS = {
    1: {"loss": 0.3, "accuracy": 0.90},
    2: {"loss": 0.2, "accuracy": 0.95},
    3: {"loss": 0.25, "accuracy": 0.95},
    4: {"loss": 0.1, "accuracy": 0.97},
}
HEAD = "3 of 12 epochs are done."


def test_what_is_best_is_read_from_an_answer():
    answer = f"{HEAD} Best loss: 0.2, after epoch 2. Best accuracy: 1, after epoch 3."
    assert best_named(answer) == {"loss": (0.2, 2), "accuracy": (1.0, 3)}


@pytest.mark.parametrize(
    "answer",
    [
        f"{HEAD} Best loss: 0.2, after epoch 2.",
        f"{HEAD} Best accuracy: 0.95, after epoch 2.",
        # one epoch was done while it was written
        f"{HEAD} Best loss: 0.1, after epoch 4.",
    ],
)
def test_the_best_of_its_moment_is_true(answer):
    assert is_true(answer, ROWS)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        HEAD,
        "Best loss: 0.2, after epoch 2.",
        f"{HEAD} Best loss: 0.3, after epoch 1.",
        f"{HEAD} Best loss: 0.21, after epoch 2.",
        f"{HEAD} Best accuracy: 0.95, after epoch 3.",
        f"{HEAD} Best loss: 0.2, after epoch 2. Best accuracy: 0.9, after epoch 1.",
        f"{HEAD} Best loss: 0.0, after epoch 5.",
        f"{HEAD} Best mood: 0.2, after epoch 2.",
        "4 of 12 epochs are done. Best loss: 0.2, after epoch 2.",
    ],
)
def test_anything_else_is_not(answer):
    assert not is_true(answer, ROWS)
