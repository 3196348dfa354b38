"""``jupyter peer``: what can be done from a terminal.

Each subcommand is a class in :mod:`.commands`, named here by its path and imported when it is
asked for, so that help costs nothing but Jupyter's own application class.
"""

from __future__ import annotations

from collections.abc import Sequence

from .commands.shared.command import Dispatcher, run_command

_HERE = "jupyter_peer.commands."
_SUBCOMMANDS = {
    "id": ("node.IdCommand", "who this node is: name, id, fingerprint, addresses"),
    "invite": ("invites.InviteCommand", "make an invite, to be used once by one person"),
    "invites": ("invites.InvitesCommand", "list the invites made here"),
    "revoke": ("invites.RevokeCommand", "take an unused invite back"),
    "pair": ("peers.PairCommand", "use somebody's invite"),
    "list": ("peers.ListCommand", "list the peers"),
    "connect": ("peers.ConnectCommand", "connect to a known peer, or to an address"),
    "disconnect": ("peers.DisconnectCommand", "close the link to a peer"),
    "block": ("peers.BlockCommand", "refuse a peer from now on"),
    "unblock": ("peers.UnblockCommand", "take `block` back"),
    "forget": ("peers.ForgetCommand", "forget a peer and what it was allowed"),
    "alias": ("peers.AliasCommand", "give a peer a name of your own"),
    "ask": ("ask.AskCommand", "ask a peer's agent; the answer is streamed"),
    "mcp": ("mcp.McpCommand", "let an AI client on this machine look at peers and panes (MCP)"),
    "panes": ("panes.PanesCommand", "list the panes shared by you and with you"),
    "grant": ("panes.GrantCommand", "let a peer see a pane, or not any more"),
    "unshare": ("panes.UnshareCommand", "withdraw a pane from everybody"),
    "chat": ("chat.ChatCommand", "write to a peer, or read what was written"),
    "directory": (
        "directory.directory.DirectoryCommand",
        "keep, sign and serve a directory of trusted nodes",
    ),
    "lobby": ("rooms.LobbyCommand", "be seen at the lobby, leave it, or see who is there"),
    "rooms": ("rooms.RoomsCommand", "list the rooms of the lobby"),
    "room": ("rooms.RoomCommand", "make, join or leave a room"),
    "log": ("audit.LogCommand", "read the audit log"),
    "relay": ("relay.RelayCommand", "run a relay, for peers behind routers"),
    "doctor": ("doctor.DoctorCommand", "what works, what does not, why, and what to do"),
    "demo": ("demo.DemoCommand", "see two people share a live plot, on this machine"),
}


def _subcommands() -> dict[str, tuple[str, str]]:
    return {name: (_HERE + path, text) for name, (path, text) in _SUBCOMMANDS.items()}


class PeerApp(Dispatcher):
    """Dispatches to the subcommands."""

    description = (
        "Share single live outputs with other people's Jupyter servers. "
        "The commands talk to the Jupyter server that runs on this machine."
    )
    examples = """
        jupyter peer invite --ttl=10m     # give the text it prints to a colleague ...
        jupyter peer pair jpeer1:...      # ... who runs this
        jupyter peer list
        jupyter peer demo                 # try it alone
    """
    subcommands = _subcommands()


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``jupyter peer`` and return its exit code: 0 done, 1 refused or failed, 2 misused."""
    return run_command(PeerApp, argv)
