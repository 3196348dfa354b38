"""``jupyter peer``: the commands of a terminal.

They are the rows of the command table and a few programs of their own. Each is a class in
:mod:`.commands`, named here by its path and imported when it is run, so that help stays quick.
"""

from __future__ import annotations

from collections.abc import Sequence

from .commands.application import Dispatcher, run_command
from .server_client.command_table.table import COMMANDS

_HERE = "jupyter_peer.commands."
#: Commands that a terminal does in its own way, or alone.
_PROGRAMS = {
    "doctor": ("doctor.DoctorCommand", COMMANDS["doctor"].summary),
    "verify": ("verify.ProofCommand", "check offline who signed an answer or a pane, and when"),
    "mcp": (
        "mcp.command.McpCommand",
        "let an AI client on this machine read peers and panes (MCP)",
    ),
    "directory": (
        "directory.directory.DirectoryCommand",
        "keep, sign and serve a directory of trusted nodes",
    ),
    "relay": ("relay.RelayCommand", "run a relay, for peers behind routers"),
    "demo": ("demo.DemoCommand", "watch two people share a live plot, on this machine"),
}


def _subcommands() -> dict[str, tuple[str, str]]:
    """Return class and summary of each command, imported when it is run."""
    rows = {
        word: (f"server_command.{word.title()}Command", row.summary)
        for row in COMMANDS.values()
        for word in filter(None, (row.name, row.also))
        if row.in_terminal
    }
    return {name: (_HERE + path, text) for name, (path, text) in (rows | _PROGRAMS).items()}


class PeerApp(Dispatcher):
    """Runs the subcommands."""

    description = (
        "Share single live outputs with other people's Jupyter servers. "
        "The commands talk to the Jupyter server that runs on this machine."
    )
    examples = """
        jupyter peer invite --ttl=10m     # send the text it prints to a colleague ...
        jupyter peer pair jpeer1:...      # ... who runs this
        jupyter peer list
        jupyter peer demo                 # try it alone
    """
    subcommands = _subcommands()


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``jupyter peer`` and return its exit code: 0 done, 1 refused or failed, 2 misused."""
    return run_command(PeerApp, argv)
