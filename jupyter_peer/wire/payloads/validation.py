"""The words for a value that does not fit its struct: they name the field and never its value.

The words appear in answers and logs. A value is somebody's content and may be as long as a message.
"""

from __future__ import annotations

import msgspec

_LONGEST = 200
_PLACE = " - at `"


def misfit(error: Exception) -> str:
    """Return the words of a validation error, at most 200 characters.

    Args:
        error: An error of msgspec, of a struct's own check, or of the encoding of a key.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "a key is not UTF-8"
    text = str(error)
    if isinstance(error, msgspec.ValidationError) and text.startswith("Invalid "):
        # if only a few values are allowed, msgspec's words quote the wrong one
        text = f"Invalid value{_PLACE}{text.rpartition(_PLACE)[2]}" if _PLACE in text else "Invalid"
    return text[:_LONGEST]
