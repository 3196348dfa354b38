"""Peers: found, kept, let go."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from traitlets import Bool

from ..errors import PeerError, from_wire
from ..server_client.client import Client
from ..server_client.results.markup import ago, line, rtt, text_table
from ..server_client.results.results import found_text, peer_title, trust_of
from .shared.command import UsageError
from .shared.server_command import ServerCommand
from .shared.terminal import describe, remark

NAMES = "PEER is an alias, a name, a node id, or a unique beginning of one."


def tell_step(step: Mapping[str, Any]) -> None:
    """Write one step of a connection: an address that is tried, fails, or works."""
    address = line(step.get("address") or "")
    if step.get("ok") is None:
        remark(f"trying {address} ...")
    elif step["ok"]:
        remark(f"connected by {address}")
    else:
        remark(f"  {address}: {describe(from_wire(step))}")


def describe_peer(peer: Mapping[str, Any]) -> str:
    """Return a sentence on a peer: who it is, and by which path."""
    path = ", ".join(filter(None, (line(peer["transport"] or ""), rtt(peer["rtt_ms"]))))
    return f"{peer_title(peer)} ({peer['node_id']}) is {peer['status']}" + (
        f" ({path})" if path else ""
    )


class _PeerCommand(ServerCommand):
    """Does something to one peer."""

    words = "PEER"

    def show(self, answer: dict[str, Any]) -> str:
        return describe_peer(answer["peer"])


class PairCommand(ServerCommand):
    """Redeems an invite."""

    name = "jupyter-peer-pair"
    words = "[INVITE]"
    description = (
        "Use somebody's invite: the two servers connect, and trust each other from then on. "
        "Without INVITE, or with `-`, the invite is read from stdin, where no other user of this "
        "machine can see it."
    )
    examples = """
        jupyter peer pair jpeer1:eyJhIjpbIndzOi8v...
        wl-paste | jupyter peer pair
    """

    def start(self) -> None:
        """Take all words as one invite, which a terminal may have broken at its line breaks."""
        self.extra_args = ["".join(self.extra_args)] if self.extra_args else []
        super().start()

    def ask(self, client: Client) -> dict[str, Any]:
        peer = dict(client.pair(self._invite(), on_progress=tell_step))
        if peer["rtt_ms"] is None:
            # The path has only just been found; that it works at all is what counts.
            try:
                peer["rtt_ms"] = client.ping(peer["node_id"])
            except PeerError as error:
                remark(describe(error))
        return {"peer": peer}

    def show(self, answer: dict[str, Any]) -> str:
        return describe_peer(answer["peer"])

    def _invite(self) -> str:
        given = "".join(self.extra_args)
        if given not in ("", "-"):
            return given
        if sys.stdin.isatty():
            remark("paste the invite, then Enter:")
            return sys.stdin.readline().strip()
        return sys.stdin.read().strip()


class ListCommand(ServerCommand):
    """Lists the peers."""

    name = "jupyter-peer-list"
    description = (
        "List the peers: by which path they are connected, and how quick it is. Nodes that were "
        "found nearby and are no peers come after them."
    )

    def ask(self, client: Client) -> dict[str, Any]:
        peers = client.peers()
        return {"self": peers.me, "peers": list(peers), "found": peers.found}

    def show(self, answer: dict[str, Any]) -> str:
        if not answer["peers"]:
            return (
                "no peers yet: `jupyter peer invite` makes an invite, `jupyter peer pair` uses one"
                + found_text(answer["found"])
            )
        peers = text_table(
            ("peer", "node id", "status", "path", "RTT", "trust", "last seen", "panes offered"),
            [
                (
                    peer_title(peer),
                    peer["node_id"],
                    peer["status"],
                    line(peer["transport"] or "-"),
                    rtt(peer["rtt_ms"]) or "-",
                    trust_of(peer),
                    "now" if peer["status"] == "connected" else ago(peer["last_seen"]),
                    ", ".join(line(pane, 64) for pane in peer["panes"]) or "-",
                )
                for peer in answer["peers"]
            ],
        )
        return peers + found_text(answer["found"])


class ConnectCommand(_PeerCommand):
    """Dials."""

    name = "jupyter-peer-connect"
    words = "PEER|ADDRESS"
    description = (
        f"Connect to a known peer now, or to whoever answers at an address. {NAMES} "
        "ADDRESS is host:port or ws://host:port/peer-ws."
    )

    def ask(self, client: Client) -> dict[str, Any]:
        return {"peer": client.connect(self.extra_args[0], on_progress=tell_step)}


class DisconnectCommand(_PeerCommand):
    """Hangs up."""

    name = "jupyter-peer-disconnect"
    description = f"Close the link to a peer, until one side connects again. {NAMES}"

    def ask(self, client: Client) -> dict[str, Any]:
        return {"peer": client.disconnect(self.extra_args[0])}


class BlockCommand(_PeerCommand):
    """Blocks."""

    name = "jupyter-peer-block"
    description = f"Refuse a peer from now on; its link and its views end at once. {NAMES}"

    def ask(self, client: Client) -> dict[str, Any]:
        return {"peer": client.block(self.extra_args[0])}


class UnblockCommand(_PeerCommand):
    """Unblocks."""

    name = "jupyter-peer-unblock"
    description = f"Let a blocked peer connect again. {NAMES}"

    def ask(self, client: Client) -> dict[str, Any]:
        return {"peer": client.unblock(self.extra_args[0])}


class ForgetCommand(_PeerCommand):
    """Forgets."""

    name = "jupyter-peer-forget"
    description = (
        f"Forget a peer and what it was allowed to see; to come back it needs a new invite. {NAMES}"
    )

    def ask(self, client: Client) -> dict[str, Any]:
        return client.forget(self.extra_args[0])

    def show(self, answer: dict[str, Any]) -> str:
        return f"{self.extra_args[0]} is forgotten; to come back it needs a new invite"


class AliasCommand(_PeerCommand):
    """Names a peer."""

    name = "jupyter-peer-alias"
    words = "PEER [NAME]"
    description = f"Give a peer a name of your own, or with --remove take it away. {NAMES}"

    remove = Bool(False, help="Whether the alias is taken away.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "remove": ({"AliasCommand": {"remove": True}}, "Take the alias away."),
        **ServerCommand.flags,
    }

    def ask(self, client: Client) -> dict[str, Any]:
        peer, *names = self.extra_args
        if self.remove == bool(names):
            raise UsageError("give either a NAME or --remove")
        return {"peer": client.alias(peer, names[0] if names else None)}
