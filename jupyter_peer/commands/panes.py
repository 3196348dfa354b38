"""Panes: who shares what with whom. They are shared from notebooks, and looked at there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..server_client.client import Client
from ..server_client.results.markup import line, text_table
from ..server_client.results.results import granted, peer_title
from .shared.server_command import ServerCommand


class PanesCommand(ServerCommand):
    """Lists the panes."""

    name = "jupyter-peer-panes"
    description = "List the panes you share, with who may see and who watches them, and those shared with you."

    def ask(self, client: Client) -> dict[str, Any]:
        self._titles = {peer["node_id"]: peer_title(peer) for peer in client.peers()}
        return client.panes()

    def show(self, answer: dict[str, Any]) -> str:
        mine = [
            (
                line(pane["name"]),
                line(pane["title"] or "-"),
                ", ".join(
                    f"{self._titles.get(node, node)} ({grant})"
                    for node, grant in pane["grants"].items()
                )
                or "nobody",
                ", ".join(peer_title(viewer) for viewer in pane["viewers"]) or "nobody",
            )
            for pane in answer["mine"]
        ]
        offered = [
            (
                f"{peer_title(pane['peer'])}/{line(pane['name'])}",
                line(pane["title"] or "-"),
                line(pane["grant"]),
            )
            for pane in answer["offered"]
        ]
        return "\n".join(
            (
                "shared by you",
                _table(("pane", "title", "may be seen by", "watched by"), mine),
                "",
                "shared with you",
                _table(("open as", "title", "you may"), offered),
            )
        )


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    text = text_table(heads, rows) if rows else "nothing"
    return "\n".join(f"  {row}" for row in text.splitlines())


class GrantCommand(ServerCommand):
    """Grants and revokes."""

    name = "jupyter-peer-grant"
    words = "PANE PEER GRANT"
    description = (
        "Let a peer see one of your panes (GRANT is `view`), also use its widgets (`interact`), or "
        "neither any more (`none`)."
    )
    examples = """
        jupyter peer grant loss ada view
        jupyter peer grant loss ada interact
        jupyter peer grant loss ada none
    """

    def ask(self, client: Client) -> dict[str, Any]:
        return {"pane": client.grant(*self.extra_args)}

    def show(self, answer: dict[str, Any]) -> str:
        pane, peer, grant = self.extra_args
        return granted(pane, peer, grant)


class UnshareCommand(ServerCommand):
    """Withdraws a pane."""

    name = "jupyter-peer-unshare"
    words = "PANE"
    description = (
        "Withdraw one of your panes from everybody. Whoever watches it sees that it is gone."
    )

    def ask(self, client: Client) -> dict[str, Any]:
        return client.unshare(self.extra_args[0])

    def show(self, answer: dict[str, Any]) -> str:
        return f"{self.extra_args[0]} is not shared any more"
