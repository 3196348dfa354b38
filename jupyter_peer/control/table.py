"""The operation table: every operation and every event of the control socket.

An operation is one row beside its structs, in the module of its subject. It becomes callable by the
method of the server that serves it (:func:`jupyter_peer.server.call.serves`).
"""

from __future__ import annotations

import msgspec

from ..errors import BadRequestError
from .fields import Done
from .operation import Operation
from .rows import agents, chat, invites, links, lobby, node, panes, peers, reach, turns

_SUBJECTS = (node, reach, invites, peers, panes, links, lobby, chat, agents, turns)

#: All operations by name.
OPERATIONS: dict[str, Operation[msgspec.Struct, msgspec.Struct]] = {
    row.name: row
    for subject in _SUBJECTS
    for row in vars(subject).values()
    if isinstance(row, Operation)
}

#: All events by name, and what each carries.
EVENTS: dict[str, type[msgspec.Struct]] = {
    "peers": peers.PeersResult,
    "panes": panes.PanesResult,
    "invites": Done,  # they have changed; a client that shows them asks
    "reach": Done,  # as with invites
    "links": links.LinksResult,
    "lobby": lobby.LobbyModel,
    "chat": chat.ChatsResult,
    "agents": agents.AgentsModel,
    "approval": agents.ApprovalsModel,
    "pane": panes.PaneEvent,
    "turn": turns.TurnEvent,
    "turn_over": turns.TurnOverEvent,
    "agent_removed": turns.AgentParams,
}


def operation(name: str) -> Operation[msgspec.Struct, msgspec.Struct]:
    """Return a row of the table.

    Raises:
        BadRequestError: There is no such operation.
    """
    row = OPERATIONS.get(name)
    if row is None:
        raise BadRequestError(f"there is no operation {name[:64]!r}", hint="update the older side")
    return row
