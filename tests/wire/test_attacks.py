"""The table of attacks in the protocol names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import jupyter_peer

SPEC = Path(jupyter_peer.__file__).parent / "wire" / "SPEC.md"
TESTS = Path(__file__).parent.parent
PAGES = TESTS.parent / "labextension"
NAMED = re.compile(r"`([^`]+)`")


def rows() -> list[str]:
    """Return what is in the last column of each row."""
    text = SPEC.read_text()
    section = text[text.index("## 9 Attacks") : text.index("## 10 ")]
    table = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.rstrip("| ").rpartition("|")[2] for line in table[1:]]


def named() -> list[tuple[str, str]]:
    """Return each file that the table names, with each of its tests, or with an empty text."""
    found = []
    for row in rows():
        file = ""
        for text in NAMED.findall(row):
            is_file = text.endswith((".py", ".spec.ts"))
            if is_file:
                file = text
            found.append((file, "" if is_file else text))
    return found


def path(file: str) -> Path:
    return (TESTS if file.endswith(".py") else PAGES) / file


def pattern(written: str) -> re.Pattern[str]:
    """Return what finds a test whose name is written with `...` for what is left out."""
    return re.compile(r"\w*".join(map(re.escape, written.split("..."))))


def test_the_table_names_files_of_tests() -> None:
    files = {file for file, _ in named()}
    assert len(files) > 50
    assert sorted(file for file in files if not path(file).is_file()) == []


def test_the_table_names_tests_that_are_in_those_files() -> None:
    missing = [
        f"{file}: {test}"
        for file, test in named()
        if not pattern(test).search(path(file).read_text())
    ]
    assert missing == []
