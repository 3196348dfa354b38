"""Invites: made, listed, taken back."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from traitlets import Unicode

from ..server_client.client import Client
from ..server_client.durations import format_duration
from ..server_client.results.markup import ago, clock_time, line, text_table
from .shared.server_command import ServerCommand
from .shared.terminal import for_terminals


class InviteCommand(ServerCommand):
    """Makes an invite."""

    name = "jupyter-peer-invite"
    description = (
        "Make an invite and print it. Send it to one person by a way you both trust: whoever uses "
        "it first becomes your peer. It works once. The text goes to stdout, everything else to "
        "stderr."
    )
    examples = """
        jupyter peer invite --ttl=10m --note="for Ada"
        jupyter peer invite | wl-copy
    """

    ttl = Unicode(
        "", help="How long it can be used: 90s, 10m, 24h, 7d; the server's setting if empty."
    ).tag(config=True)
    note_text = Unicode("", help="A note for your own list of invites.").tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "ttl": "InviteCommand.ttl",
        "note": "InviteCommand.note_text",
        **ServerCommand.aliases,
    }

    def ask(self, client: Client) -> dict[str, Any]:
        invite = client.invite(self.ttl or None, self.note_text)
        self._warning = for_terminals(invite.warning())
        return {"invite": invite.text, "id": invite.id, "expires": invite.expires}

    def show(self, answer: dict[str, Any]) -> str:
        return str(answer["invite"])

    def note(self, answer: dict[str, Any]) -> str:
        left = format_duration(answer["expires"] - time.time())
        about = (
            f"invite {answer['id']} works once, until {clock_time(answer['expires'])} ({left}); "
            f"to take it back: jupyter peer revoke {answer['id']}"
        )
        return f"{about}\n{self._warning}" if self._warning else about


class InvitesCommand(ServerCommand):
    """Lists the invites."""

    name = "jupyter-peer-invites"
    description = "List the invites made here, newest first. Their texts are not kept."

    def ask(self, client: Client) -> dict[str, Any]:
        return {"invites": list(client.invites())}

    def show(self, answer: dict[str, Any]) -> str:
        if not answer["invites"]:
            return "no invites: `jupyter peer invite` makes one"
        return text_table(
            ("id", "status", "made", "expires", "used by", "note"),
            [
                (
                    invite["id"],
                    invite["status"],
                    ago(invite["created"]),
                    clock_time(invite["expires"]),
                    invite["used_by"] or "-",
                    line(invite["note"] or "-"),
                )
                for invite in answer["invites"]
            ],
        )


class RevokeCommand(ServerCommand):
    """Revokes an invite."""

    name = "jupyter-peer-revoke"
    words = "ID"
    description = "Take an unused invite back. `jupyter peer invites` shows the ids."

    def ask(self, client: Client) -> dict[str, Any]:
        return client.revoke(self.extra_args[0])

    def show(self, answer: dict[str, Any]) -> str:
        return f"invite {self.extra_args[0]} cannot be used any more"
