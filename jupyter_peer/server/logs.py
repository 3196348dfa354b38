"""Forwards the package's log to Jupyter's own log, where users look."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..primitives.log_pace import LogPace

PACKAGE = "jupyter_peer"


class _Forwarder(logging.Handler):
    def __init__(self, target: logging.Logger) -> None:
        super().__init__()
        self._target = target
        self.addFilter(LogPace())

    def emit(self, record: logging.LogRecord) -> None:
        if self._target.isEnabledFor(record.levelno):
            self._target.handle(record)


def forward_logs(target: logging.Logger) -> Callable[[], None]:
    """Forward the package's log to ``target``, rate-limited; return a function that stops it."""
    package = logging.getLogger(PACKAGE)
    forwarder = _Forwarder(target)
    package.addHandler(forwarder)
    if package.level == logging.NOTSET:
        package.setLevel(target.getEffectiveLevel())
    # A program that configures the root logger would otherwise see each line twice.
    package.propagate = False

    def end() -> None:
        package.removeHandler(forwarder)
        if not any(isinstance(handler, _Forwarder) for handler in package.handlers):
            package.propagate = True
            package.setLevel(logging.NOTSET)

    return end
