"""Names that Tab offers, read from what the server last reported (:meth:`.Client.glance`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The completer treats these as one word, and they need no quotes.
_PLAIN = re.compile(r"[\w.-]+")


def peers(known: Any) -> list[str]:
    """Return the names of the peers."""
    return [_name(peer) for peer in known.peers]


def my_panes(known: Any) -> list[str]:
    """Return the names of this node's panes."""
    return [pane["name"] for pane in known.panes.mine]


def offered_panes(known: Any) -> list[str]:
    """Return the panes that peers offer, as ``peer/name``."""
    return [f"{_name(pane['peer'])}/{pane['name']}" for pane in known.panes.offered]


def open_invites(known: Any) -> list[str]:
    """Return the ids of the invites that can still be used."""
    return [invite["id"] for invite in known.invites if invite.get("status") == "open"]


def links(known: Any) -> list[str]:
    """Return the ids of the guest links."""
    return [str(link["id"]) for link in known.links]


def agents(known: Any) -> list[str]:
    """Return the names of the agents that are registered here."""
    return [str(agent["name"]) for agent in known.agents.get("agents", ())]


def rooms(known: Any) -> list[str]:
    """Return the names of the rooms this node is in."""
    return [str(room["name"]) for room in known.lobby.get("rooms", ())]


def _name(peer: Mapping[str, Any]) -> str:
    for key in ("alias", "node_name"):
        name = peer.get(key)
        if isinstance(name, str) and _PLAIN.fullmatch(name):
            return name
    return str(peer["node_id"])
