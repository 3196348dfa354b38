"""This node."""

from __future__ import annotations

from typing import Any

from ..server_client.client import Client
from ..server_client.results.markup import line
from .shared.server_command import ServerCommand


class IdCommand(ServerCommand):
    """Shows the identity."""

    name = "jupyter-peer-id"
    description = "Show who this node is: its name, id, public key, fingerprint and addresses."

    def ask(self, client: Client) -> dict[str, Any]:
        return client.whoami()

    def show(self, answer: dict[str, Any]) -> str:
        rows = [
            ("name", answer["node_name"]),
            ("node id", answer["node_id"]),
            ("public key", answer["public_key"]),
            ("fingerprint", answer["fingerprint"]),
        ]
        rows += [("address", address) for address in answer["addresses"]]
        return "\n".join(f"{head:<12} {line(text)}" for head, text in rows)
