"""IPython for tests: without the history, whose thread would outlive the test."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


def new_shell() -> InteractiveShell:
    """Return a shell of its own."""
    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
