"""Checks what strangers may do, and the state of the directory that decides about them."""

from __future__ import annotations

from ...directory.refresh import DirectoryStatus
from ...findings import Finding, failed, ok, warning


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
                "Every program on every machine in the local network can connect without an invite "
                "(trust_mode is open-lan).",
                "use it only where you trust everybody; set PeerExtension.trust_mode='manual' "
                "to end it",
            )
        ]
    if directory is None:
        return [ok("trust", "Strangers need an invite (trust_mode is manual).")]
    return [
        ok("trust", "Strangers need an invite or a place in the directory."),
        _directory(directory, now),
    ]


def _directory(status: DirectoryStatus, now: float) -> Finding:
    why = f" The last attempt failed: {status.error['message']}." if status.error else ""
    hint = status.error["hint"] if status.error else ""
    if status.serial is None or status.expires is None:
        return failed(
            "directory",
            f"The directory was never received, so it has no members yet.{why}",
            hint or "run the check again in a moment: the directory is being fetched",
            status.url,
        )
    nodes = f"{status.members} node{'s' * (status.members != 1)}"
    what = f"serial {status.serial} with {nodes}"
    data = {"serial": status.serial, "expires": status.expires, "members": status.members}
    if status.expires <= now:
        return failed(
            "directory",
            f"The newest version ({what}) has expired, so nobody is a member.{why}",
            "ask the directory's publisher to sign it again: jupyter peer directory sign",
            status.url,
            **data,
        )
    left = _words(status.expires - now)
    if why:
        return warning(
            "directory",
            f"The last version received ({what}) is in use, for {left} more.{why}",
            hint,
            status.url,
            **data,
        )
    return ok(
        "directory", f"The version in use is {what}, valid for {left} more.", status.url, **data
    )


def _words(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours")):
        if seconds >= 2 * size:
            return f"{min(seconds, 1e9) / size:.0f} {unit}"
    return f"{seconds / 60:.0f} minutes"
