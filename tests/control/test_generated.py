"""What is written from the tables of operations and commands, and from the settings, is fresh."""

from __future__ import annotations

import pytest

from tests.vectors import configuration, failures, operations, phrases


@pytest.mark.parametrize(
    ("path", "write"),
    [
        (operations.GOLDEN, operations.golden_text),
        (operations.OPERATIONS_PAGE, operations.reference),
        (operations.COMMANDS_PAGE, operations.commands),
        (configuration.PAGE, configuration.reference),
        (failures.PAGE, failures.page),
        (phrases.PAGE, phrases.page),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_file_says_what_the_tables_say_now(path, write):
    is_fresh = path.read_text(encoding="utf-8") == write()
    assert is_fresh, f"{path.name} is stale: run `python -m {write.__module__}`"
