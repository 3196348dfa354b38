"""What Tab offers after ``%peer``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import PeerError
from .command import Argument, Command
from .commands import (
    AGENT,
    AGENT_ACTION,
    AGENT_MODE,
    COMMANDS,
    GRANT,
    GRANT_OR_NONE,
    INVITE,
    JOIN_POLICY,
    LOBBY,
    MINE,
    OFFERED,
    PEER,
    ROOM,
    ROOM_ACTION,
    TTL,
)

_FIXED = {
    GRANT: ("view", "interact"),
    GRANT_OR_NONE: ("view", "interact", "none"),
    LOBBY: ("on", "off", "who"),
    AGENT_ACTION: ("on", "off", "status"),
    AGENT_MODE: ("read-only", "ask"),
    ROOM_ACTION: ("create", "join", "leave"),
    JOIN_POLICY: ("open", "token", "directory"),
    TTL: ("10m", "1h", "24h", "7d"),
}
# What the completer takes as one word, and what needs no quotes.
_PLAIN = re.compile(r"[\w.-]+")


def candidates(text: str, symbol: str) -> list[str]:
    """Return what may stand at the cursor.

    Args:
        text: The line up to the cursor.
        symbol: The word at the cursor, as far as it is written.
    """
    words = text[: len(text) - len(symbol)].split()[1:]
    if not words:
        return [*COMMANDS, "--help"]
    command = COMMANDS.get(words[0])
    if command is None:
        return []
    kind, options = _wanted(command, words[1:])
    if symbol.startswith("-"):
        return options
    return [*_values(kind), *(options if not symbol else ())]


def _wanted(command: Command, words: list[str]) -> tuple[str | None, list[str]]:
    options = {argument.flag: argument for argument in command.arguments if argument.is_option}
    places = [argument for argument in command.arguments if not argument.is_option]
    awaited: Argument | None = None
    placed = 0
    for word in words:
        if awaited is not None:
            awaited = None
        elif word in options:
            awaited = options[word] if options[word].takes_value else None
        elif not word.startswith("-"):
            placed += 1
    if awaited is not None:
        return awaited.completes, []
    again = [flag for flag, argument in options.items() if flag not in words or argument.may_repeat]
    kind = places[placed].completes if placed < len(places) else None
    return kind, [*again, "--help"]


def _values(kind: str | None) -> Iterable[str]:
    if kind is None:
        return ()
    if kind in _FIXED:
        return _FIXED[kind]
    from ...server_client.client import kernel_client

    try:
        known = kernel_client().glance()
    except PeerError:
        return ()
    if kind == PEER:
        return [_name(peer) for peer in known.peers]
    if kind == MINE:
        return [pane["name"] for pane in known.panes.mine]
    if kind == OFFERED:
        return [f"{_name(pane['peer'])}/{pane['name']}" for pane in known.panes.offered]
    if kind == AGENT:
        return [str(agent["name"]) for agent in known.agents.get("agents", ())]
    if kind == ROOM:
        return [str(room["name"]) for room in known.lobby.get("rooms", ())]
    assert kind == INVITE
    return [invite["id"] for invite in known.invites if invite.get("status") == "open"]


def _name(peer: Mapping[str, Any]) -> str:
    for key in ("alias", "node_name"):
        name = peer.get(key)
        if isinstance(name, str) and _PLAIN.fullmatch(name):
            return name
    return str(peer["node_id"])
