"""Tool calls that wait for the owner, as a server lists them."""

from __future__ import annotations

import time
from typing import Any

from tests.server_client.fake_server import PEER

EXPIRES = time.time() + 60


def person(label: str, node_id: str) -> dict[str, str]:
    """A node of a chain, as its owner knows it."""
    return {"label": label, "node_id": node_id}


def argument(name: str, value: str, is_exact: bool = True) -> dict[str, Any]:
    """An argument of a call."""
    return {"name": name, "value": value, "is_exact": is_exact}


def waiting(id: int, **fields: Any) -> dict[str, Any]:
    """A call of a tool that waits for the owner."""
    call = {
        "id": id,
        "peer": PEER["node_id"],
        "peer_name": "bob",
        "chain": [person("bob", PEER["node_id"])],
        "question": "restart it",
        "agent": "helper",
        "tool": "restart",
        "arguments": [argument("run", str(id))],
        "expires": EXPIRES,
    }
    return call | fields
