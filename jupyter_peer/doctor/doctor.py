"""The connection check of one node: its checks, and the order of their results.

Each check examines one thing. The server above passes its settings to them. No check changes
anything.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..directory.refresh import DirectoryStatus
from ..findings import Finding, ok, skipped, warning
from ..hub.hub import PeerHub
from ..phrase import phrase
from .checks.clock import check_clock
from .checks.files import check_files
from .checks.installation import check_browser_side, check_versions
from .checks.listening import check_base_url, check_host, check_listening, check_proxy
from .checks.nat import check_nat
from .checks.reach import check_addresses, reach_in_words
from .checks.trust import check_trust
from .examine import Check, Report, examine
from .facts import ServerFacts
from .peer import examine_peer

_SWITCHES = {
    "relay": phrase(
        "set PeerExtension.relay_url to a relay, for peers that cannot dial each other"
    ).on_page(
        phrase(
            "choose “Anywhere, by a relay” under “Who can reach me”, for peers that cannot "
            "dial each other"
        )
    ),
    "lobby": phrase("set PeerExtension.lobby_url to a lobby, which lists who is online"),
    "lan": phrase("set PeerExtension.enable_lan=True to find nodes in the local network"),
    "webrtc": phrase(
        "set PeerExtension.enable_webrtc=True to connect through most routers"
    ).on_page(phrase("choose “Through routers (WebRTC)” under “Who can reach me”")),
}
_NOT_SET = {
    "relay": phrase("No relay is configured."),
    "lobby": phrase("No lobby is configured."),
    "lan": phrase("Discovery in the local network (mDNS) is switched off."),
    "webrtc": phrase("WebRTC is switched off."),
}
_TAKES = {
    "relay": phrase("the server's log says why"),
    "lobby": phrase("read the reason in the server's log; this version may not support it"),
    "lan": phrase("set PeerExtension.enable_direct=True, which it needs"),
    "webrtc": phrase("set PeerExtension.lobby_url: nodes exchange their addresses through a lobby"),
}


#: The checks of whether others can reach this node, besides those of its transports.
_OF_REACH = ("listening", "address", "lobby")


class Doctor:
    """Examines a node.

    Args:
        hub: The node.
        facts: Returns the current facts of its server.
        directory: Returns the state of the directory; None without one.
        more: Returns further checks by name, such as that of a lobby.
        labextensions: Folders in which JupyterLab looks for extensions.
    """

    def __init__(
        self,
        hub: PeerHub,
        facts: Callable[[], ServerFacts],
        *,
        directory: Callable[[], DirectoryStatus] | None = None,
        more: Callable[[], dict[str, Check]] = dict,
        labextensions: Sequence[str | Path] = (),
    ) -> None:
        self._hub = hub
        self._facts = facts
        self._directory = directory
        self._more = more
        self._labextensions = labextensions
        # One at a time, because a check dials and an impatient caller may start several.
        self._lock = asyncio.Lock()

    async def examine(
        self, node_id: str | None = None, report: Report = lambda step: None
    ) -> list[Finding]:
        """Run the checks and return their findings.

        Args:
            node_id: The peer whose paths are tried; None for this node.
            report: Told of each step.

        Raises:
            UnknownPeerError: There is no such peer.
        """
        async with self._lock:
            if node_id is not None:
                return await examine_peer(self._hub, node_id, report)
            return await examine(self._checks(), report=report)

    async def examine_reach(self, mode: str, report: Report = lambda step: None) -> list[Finding]:
        """Return whether others can reach this node as a mode promises; its summary comes first.

        Args:
            mode: ``local``, ``network``, ``relay`` or ``webrtc``.
            report: Told of each step.
        """
        async with self._lock:
            checks = {
                name: check
                for name, check in self._checks().items()
                if name in _OF_REACH or name.startswith("transport ")
            }
            findings = await examine(checks, report=report)
            return [*reach_in_words(mode, findings), *findings]

    def _checks(self) -> dict[str, Check]:
        hub, facts = self._hub, self._facts()
        directory = self._directory() if self._directory is not None else None
        checks: dict[str, Check] = {
            "versions": check_versions,
            "sidebar": lambda: check_browser_side(self._labextensions),
            "data-dir": lambda: asyncio.to_thread(
                check_files,
                facts.data_dir,
                is_fallback=facts.is_fallback,
                damage=hub.store.damage,
            ),
            "trust": lambda: check_trust(facts.trust_mode, directory, time.time()),
            "listening": lambda: check_listening(facts),
            "host-check": lambda: check_host(facts),
            "base-url": lambda: check_base_url(facts),
            "proxy": lambda: check_proxy(facts),
            "address": lambda: check_addresses(hub, facts),
        }
        for name in _SWITCHES:
            if name not in facts.ways:
                checks[name] = functools.partial(_not_in_effect, name, name in facts.wanted)
        for transport in hub.transports:
            checks[f"transport {transport.name}"] = transport.diagnose
        checks |= self._more()
        checks |= {
            "nat": lambda: check_nat(facts.stun_servers),
            "clock": lambda: check_clock(hub, facts.brokers),
            "peers": self._peers,
        }
        return checks

    def _peers(self) -> list[Finding]:
        found = Counter(node.source for node in self._hub.found_nodes())
        nearby = [
            ok(
                "found",
                phrase("Nodes found by {source}: {count}.", source=source, count=count),
            )
            for source, count in sorted(found.items())
        ]
        peers = self._hub.peers()
        if not peers:
            return [
                *nearby,
                skipped(
                    "peers",
                    phrase("No peers yet."),
                    phrase("%peer invite makes an invite").on_page(
                        phrase("“Invite” makes an invite")
                    ),
                ),
            ]
        count = Counter(peer.status for peer in peers)
        figures: dict[str, Any] = dict(count)
        text = phrase(
            "Connected: {connected}, connecting: {connecting}, offline: {offline}, "
            "blocked: {blocked}.",
            **{
                status: count[status]
                for status in ("connected", "connecting", "offline", "blocked")
            },
        )
        away = [peer for peer in peers if peer.status == "offline" and peer.last_error]
        if not away:
            return [*nearby, ok("peers", text, **figures)]
        return [
            *nearby,
            warning(
                "peers",
                text,
                phrase(
                    "%peer doctor {node_id} shows why {label} cannot be reached",
                    node_id=away[0].node_id,
                    label=away[0].label,
                ).on_page(
                    phrase(
                        "“Connection Check” in the menu of {label} shows why {label} cannot be "
                        "reached",
                        label=away[0].label,
                    )
                ),
                **figures,
            ),
        ]


def _not_in_effect(name: str, is_wanted: bool) -> list[Finding]:
    if is_wanted:
        return [warning(name, phrase("It is switched on but has no effect."), _TAKES[name])]
    return [skipped(name, _NOT_SET[name], _SWITCHES[name])]
