"""Keeps a log readable when somebody on the network decides how often a line is written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from .rate_limit import RateLimit

BURST = 60
EVERY_S = 2.0
_MAX_KINDS = 512


class LogPace(logging.Filter):
    """Limits the log lines of one kind: a burst passes, and then one line from time to time.

    A kind is a message before its arguments are put in. The next line that passes says how many
    were left out. ``DEBUG`` lines always pass.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        if record.levelno <= logging.DEBUG:
            return True
        key = (record.name, str(record.msg))
        kind = self._kinds.pop(key, None) or _Kind()
        while len(self._kinds) >= _MAX_KINDS:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[key] = kind
        if not kind.limit.allows(self._clock()):
            kind.left_out += 1
            return False
        if kind.left_out:
            record.msg = f"{record.msg} (and {kind.left_out} more lines like this before)"
            kind.left_out = 0
        return True


class _Kind:
    __slots__ = ("left_out", "limit")

    def __init__(self) -> None:
        self.limit = RateLimit(1 / EVERY_S, BURST)
        self.left_out = 0
