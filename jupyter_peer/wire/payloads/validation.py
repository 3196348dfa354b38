"""What is said of a value that does not fit its struct: which field, and never what was in it.

The words go into answers and logs, and what is in a field is somebody's, as long as a message can be.
"""

from __future__ import annotations

import msgspec

_LONGEST = 200
_PLACE = " - at `"


def misfit(error: Exception) -> str:
    """Return what is wrong by the words of the error, at most 200 characters of them.

    Args:
        error: Of msgspec, or what the check of a struct or the encoding of a key has raised.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "a key is not UTF-8"
    text = str(error)
    if isinstance(error, msgspec.ValidationError) and text.startswith("Invalid "):
        # of a value that is none of a few, msgspec tells the value
        text = f"Invalid value{_PLACE}{text.rpartition(_PLACE)[2]}" if _PLACE in text else "Invalid"
    return text[:_LONGEST]
