"""Settings that are lists of texts, in every form of the command line."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from traitlets import List, Unicode


class Texts(List[str]):
    """A list of texts: ``--x=a --x=b``, ``--x=a`` alone, or ``--x='["a", "b"]'``.

    For the last form the base class calls its own validation in a way that fails, and then uses
    the whole literal as one text.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(Unicode(), **settings)

    def from_string(self, s: str) -> list[str]:
        """Return the texts in one argument."""
        if not s.strip():
            return []
        try:
            value = ast.literal_eval(s)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return [s]
        if isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value):
            return list(value)
        return [s]

    def from_string_list(self, s_list: Sequence[str]) -> list[str]:
        """Return the texts in several arguments."""
        return self.from_string(s_list[0]) if len(s_list) == 1 else list(s_list)
