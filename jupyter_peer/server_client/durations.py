"""Lengths of time as people write them: ``90s``, ``10m``, ``24h``, ``1h30m``."""

from __future__ import annotations

import math
import re

from jupyter_peer.errors import BadRequestError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern}\s*)+")
_STEPS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def parse_duration(text: str | float) -> float:
    """Return the seconds of ``"24h"``, ``"10m"``, ``"90s"``, ``"1h30m"`` or of a plain number.

    Raises:
        BadRequestError: The text has another form, or the time is not positive.
    """
    if isinstance(text, str):
        words = text.strip().lower()
        if _WHOLE.fullmatch(words):
            seconds = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(words))
        else:
            try:
                seconds = float(words)
            except ValueError:
                seconds = 0.0
    else:
        seconds = float(text)
    if not math.isfinite(seconds) or seconds <= 0:
        raise BadRequestError(
            f"{str(text)[:40]!r} is not a length of time",
            hint="write it as 90s, 10m, 24h, 7d or 1h30m",
        )
    return seconds


def format_duration(seconds: float) -> str:
    """Return a length of time in its two largest units: ``23h 59m``, ``9m 30s``, ``12s``."""
    left = max(0, round(seconds))
    parts = []
    for unit, size in _STEPS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
