"""The table of commands, for ``%peer``, ``jupyter peer`` and Tab.

A new command is one row: its name, one line of help, its arguments and its call. The result of the
call draws itself as text, HTML and JSON (:mod:`..results`).
"""

from __future__ import annotations

from .command import Command
from .rows import agents, lobby, node, panes, peers

#: The commands by name, in the order of the help.
COMMANDS: dict[str, Command] = {
    row.name: row
    for row in (
        *node.ROWS,
        *peers.ROWS,
        *panes.ROWS,
        *agents.ROWS,
        node.DOCTOR,
        *lobby.ROWS,
        node.PANEL,
        node.LOG,
    )
}
