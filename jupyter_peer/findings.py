"""What the doctor finds: one line for each thing that was looked at."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .errors import PeerError

Status = Literal["ok", "warning", "failed", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        check: What kind of thing, in one or two words with a dash; for programs.
        subject: Which one, where there are several: an address, a server; else empty.
        status: ``ok``; ``warning`` (works, or may work, with a limit); ``failed``; or ``skipped``
            (not set up, or nothing to be looked at).
        text: What was found and what that means, a sentence.
        hint: What to do, empty when nothing is.
        data: Figures, for programs.
    """

    check: str
    subject: str = ""
    status: Status
    text: str
    hint: str = ""
    data: dict[str, Any] = {}


def ok(check: str, text: str, subject: str = "", **data: Any) -> Finding:
    """Return that it works."""
    return Finding(check=check, subject=subject, status="ok", text=text, data=data)


def warning(check: str, text: str, hint: str, subject: str = "", **data: Any) -> Finding:
    """Return that it works with a limit, or may not work for everybody."""
    return Finding(check=check, subject=subject, status="warning", text=text, hint=hint, data=data)


def failed(check: str, text: str, hint: str, subject: str = "", **data: Any) -> Finding:
    """Return that it does not work."""
    return Finding(check=check, subject=subject, status="failed", text=text, hint=hint, data=data)


def skipped(check: str, text: str, hint: str = "", subject: str = "") -> Finding:
    """Return that there was nothing to be looked at."""
    return Finding(check=check, subject=subject, status="skipped", text=text, hint=hint)


def failure(check: str, error: PeerError, subject: str = "") -> Finding:
    """Return that it does not work for the reason of an error."""
    text = error.message
    if ":" not in text.partition(" ")[0]:  # a URL stays as it is
        text = text[:1].upper() + text[1:]
    return failed(check, f"{text}.", error.hint, subject, code=error.code)
