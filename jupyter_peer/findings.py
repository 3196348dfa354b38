"""Findings of the connection check: one for each thing that was examined."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .errors import PeerError

Status = Literal["ok", "warning", "failed", "skipped"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one thing that was examined.

    Attributes:
        check: Kind of thing, in one or two words with a dash; for programs.
        subject: Which one of several: an address, a server; else empty.
        status: ``ok``; ``warning`` (works, or may work, with a limit); ``failed``; or ``skipped``
            (not configured, or nothing to examine).
        text: The finding and its meaning, in a sentence.
        hint: Advice; empty if nothing is needed.
        data: Figures, for programs.
    """

    check: str
    subject: str = ""
    status: Status
    text: str
    hint: str = ""
    data: dict[str, Any] = {}


def ok(check: str, text: str, subject: str = "", **data: Any) -> Finding:
    """Return the finding that something works."""
    return Finding(check=check, subject=subject, status="ok", text=text, data=data)


def warning(check: str, text: str, hint: str, subject: str = "", **data: Any) -> Finding:
    """Return the finding that something works with a limit, or not for everybody."""
    return Finding(check=check, subject=subject, status="warning", text=text, hint=hint, data=data)


def failed(check: str, text: str, hint: str, subject: str = "", **data: Any) -> Finding:
    """Return the finding that something does not work."""
    return Finding(check=check, subject=subject, status="failed", text=text, hint=hint, data=data)


def skipped(check: str, text: str, hint: str = "", subject: str = "") -> Finding:
    """Return the finding that there was nothing to examine."""
    return Finding(check=check, subject=subject, status="skipped", text=text, hint=hint)


def failure(check: str, error: PeerError, subject: str = "") -> Finding:
    """Return the finding that something failed with an error."""
    text = error.message
    if ":" not in text.partition(" ")[0]:  # a URL keeps its lower case
        text = text[:1].upper() + text[1:]
    return failed(check, f"{text}.", error.hint, subject, code=error.code)
