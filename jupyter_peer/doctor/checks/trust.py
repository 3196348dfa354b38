"""Checks what strangers may do, and the state of the directory that decides about them."""

from __future__ import annotations

from ...directory.refresh import DirectoryStatus
from ...errors import from_wire
from ...findings import Finding, failed, ok, warning
from ...phrase import Phrase, phrase


def check_trust(trust_mode: str, directory: DirectoryStatus | None, now: float) -> list[Finding]:
    """Return the findings about nodes that may connect.

    Args:
        trust_mode: The setting.
        directory: Its state, in the trust mode ``directory``.
        now: Epoch seconds.
    """
    if trust_mode == "open-lan":
        return [
            warning(
                "trust",
                phrase(
                    "Every program on every machine in the local network can connect without an "
                    "invite (trust_mode is open-lan)."
                ),
                phrase(
                    "use it only where you trust everybody; set PeerExtension.trust_mode='manual' "
                    "to end it"
                ),
            )
        ]
    if directory is None:
        return [ok("trust", phrase("Strangers need an invite (trust_mode is manual)."))]
    return [
        ok("trust", phrase("Strangers need an invite or a place in the directory.")),
        _directory(directory, now),
    ]


def _directory(status: DirectoryStatus, now: float) -> Finding:
    error = from_wire(status.error) if status.error else None
    hint = error.hint_phrase if error and error.hint else None
    why = (
        phrase("The last attempt failed: {reason}.", reason=error.message_phrase)
        if error
        else phrase("No attempt has failed since.")
    )
    if status.serial is None or status.expires is None:
        return failed(
            "directory",
            phrase("The directory was never received, so it has no members yet. {why}", why=why),
            hint or phrase("run the check again in a moment: the directory is being fetched"),
            status.url,
        )
    version = {"serial": status.serial, "members": status.members}
    data = {**version, "expires": status.expires}
    if status.expires <= now:
        return failed(
            "directory",
            phrase(
                "The newest version (serial {serial}, members: {members}) has expired, so nobody "
                "is a member. {why}",
                **version,
                why=why,
            ),
            phrase("ask the directory's publisher to sign it again: jupyter peer directory sign"),
            status.url,
            **data,
        )
    left = _words(status.expires - now)
    if error:
        return warning(
            "directory",
            phrase(
                "The last version received (serial {serial}, members: {members}) is in use, and "
                "expires in {left}. {why}",
                **version,
                left=left,
                why=why,
            ),
            hint,
            status.url,
            **data,
        )
    return ok(
        "directory",
        phrase(
            "The version in use (serial {serial}, members: {members}) expires in {left}.",
            **version,
            left=left,
        ),
        status.url,
        **data,
    )


def _words(seconds: float) -> Phrase:
    if seconds >= 2 * 86400:
        return phrase("{count:.0f} days", count=min(seconds, 1e9) / 86400)
    if seconds >= 2 * 3600:
        return phrase("{count:.0f} hours", count=seconds / 3600)
    return phrase("{count:.0f} minutes", count=seconds / 60)
