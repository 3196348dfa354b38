"""What is written from the operation table is fresh."""

from __future__ import annotations

import pytest

from tests.vectors import operations


@pytest.mark.parametrize(
    ("path", "write"),
    [
        (operations.GOLDEN, operations.golden_text),
        (operations.REFERENCE, operations.reference),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_file_says_what_the_table_says_now(path, write):
    is_fresh = path.read_text(encoding="utf-8") == write()
    assert is_fresh, f"{path.name} is stale: run `python -m tests.vectors.operations`"
