"""Findings of the connection check: one for each thing that was examined."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .errors import PeerError
from .phrase import Phrase, phrase

Status = Literal["ok", "warning", "failed", "skipped"]

_TITLES = {
    "versions": phrase("Versions"),
    "extension": phrase("Server extension"),
    "sidebar": phrase("JupyterLab panel"),
    "data-dir": phrase("Data directory"),
    "disk": phrase("Disk space"),
    "store": phrase("Database"),
    "trust": phrase("Trust"),
    "directory": phrase("Directory"),
    "jupyter": phrase("Jupyter server"),
    "peer-listen": phrase("Port for peers"),
    "host-check": phrase("Host names"),
    "base-url": phrase("Base URL"),
    "proxy": phrase("Proxy"),
    "address": phrase("Address"),
    "nat": phrase("Router (NAT)"),
    "relay": phrase("Relay"),
    "lobby": phrase("Lobby"),
    "lan": phrase("Local network"),
    "webrtc": phrase("WebRTC"),
    "clock": phrase("Clock"),
    "found": phrase("Found nodes"),
    "peers": phrase("Peers"),
    "link": phrase("Connection"),
    "path": phrase("Path"),
    "last-attempt": phrase("Last attempt"),
    "server": phrase("Jupyter server"),
    "node": phrase("Node"),
    "turn": phrase("TURN server"),
    "speed": phrase("Speed"),
    "reach": phrase("Reach"),
    "choice": phrase("Choice"),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one thing that was examined.

    Attributes:
        check: Kind of thing, in one or two words with a dash; for programs.
        title: The same for people.
        subject: Which one of several: an address, a server; else empty.
        status: ``ok``; ``warning`` (works, or may work, with a limit); ``failed``; or ``skipped``
            (not configured, or nothing to examine).
        text: The finding and its meaning, in a sentence.
        hint: Advice; empty if nothing is needed.
        text_phrase: The same for the page, which translates it.
        hint_phrase: The advice for the page; it names what a person can click, not a command.
        data: Figures, for programs.
    """

    check: str
    title: str
    subject: str = ""
    status: Status
    text: str
    hint: str = ""
    text_phrase: Phrase
    hint_phrase: Phrase | None = None
    data: dict[str, Any] = {}


def ok(check: str, text: Phrase, subject: str = "", **data: Any) -> Finding:
    """Return the finding that something works."""
    return _finding(check, "ok", text, None, subject, data)


def warning(
    check: str, text: Phrase, hint: Phrase | None, subject: str = "", **data: Any
) -> Finding:
    """Return the finding that something works with a limit, or not for everybody."""
    return _finding(check, "warning", text, hint, subject, data)


def failed(
    check: str, text: Phrase, hint: Phrase | None, subject: str = "", **data: Any
) -> Finding:
    """Return the finding that something does not work."""
    return _finding(check, "failed", text, hint, subject, data)


def skipped(check: str, text: Phrase, hint: Phrase | None = None, subject: str = "") -> Finding:
    """Return the finding that there was nothing to examine."""
    return _finding(check, "skipped", text, hint, subject, {})


def failure(check: str, error: PeerError, subject: str = "") -> Finding:
    """Return the finding that something failed with an error."""
    text = phrase("{reason}.", reason=error.message_phrase)
    found = failed(check, text, error.hint_phrase, subject, code=error.code)
    return msgspec.structs.replace(found, text=_sentence(found.text))


def title(check: str) -> str:
    """Return the name of a check for people."""
    known = _TITLES.get(check)
    return str(known) if known else check.replace("-", " ").capitalize()


def _finding(
    check: str,
    status: Status,
    text: Phrase,
    hint: Phrase | None,
    subject: str,
    data: dict[str, Any],
) -> Finding:
    hint = hint if hint and hint.template else None
    return Finding(
        check=check,
        title=title(check),
        subject=subject,
        status=status,
        text=str(text),
        hint=str(hint or ""),
        text_phrase=text,
        hint_phrase=hint and hint.for_page,
        data=data,
    )


def _sentence(text: str) -> str:
    """Return a text with a capital letter; an address keeps its lower case."""
    return text if ":" in text.partition(" ")[0] else text[:1].upper() + text[1:]
