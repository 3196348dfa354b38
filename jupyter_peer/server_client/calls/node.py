"""The calls about this node: its identity, its reach, its audit log, its connections."""

from __future__ import annotations

import asyncio

from ..bridge import exposed
from ..results.agent_results import Agents
from ..results.findings import Findings
from ..results.links import Links
from ..results.panes import Panes
from ..results.reach import Reach
from ..results.results import (
    AuditLog,
    Identity,
    Invites,
    Peers,
    Record,
)
from ..results.rooms import Lobby
from .asking import Asking, Steps

_GLANCED = ("peers", "panes", "invites", "links", "lobby", "agents")


class NodeCalls(Asking):
    """The calls about this node: its identity, its reach, its audit log, its connections."""

    @exposed
    async def whoami(self) -> Identity:
        """Return this node's identity: id, name, fingerprint, addresses, capabilities."""
        return Identity(await self._ask("identity"))

    @exposed
    async def name(self, name: str) -> Identity:
        """Set this node's cosmetic name."""
        return Identity(await self._ask("set_name", {"name": name}))

    @exposed
    async def reach(
        self,
        mode: str | None = None,
        relay_url: str | None = None,
        port: int | None = None,
        on_progress: Steps | None = None,
    ) -> Reach:
        """Return or choose who can reach this node; a choice is applied at once and stored.

        Args:
            mode: ``local`` (this computer), ``network`` (this network), ``relay`` (anywhere, by a
                relay) or ``webrtc`` (through routers); None changes nothing.
            relay_url: The relay, for ``relay`` and ``webrtc``; None for the last one.
            port: The port that ``network`` opens; None for the last one (9797 at first) or a free one.
            on_progress: Called with ``{step, address, ok, message}`` on the way.

        Raises:
            BadRequestError: There is no such mode, no relay is known, or the port is in use.
            NotEnabledError: A requirement of the mode is not installed or is switched off.
        """
        if mode is None:
            return Reach(await self._ask("reach"))
        params = {"mode": mode, "relay_url": relay_url, "port": port}
        return Reach(await self._ask("set_reach", params, on_progress=on_progress))

    @exposed
    async def metrics(self) -> Record:
        """Return figures of each link, by node id."""
        return Record((await self._ask("metrics"))["peers"])

    @exposed
    async def log(self, limit: int = 50) -> AuditLog:
        """Return the newest entries of the audit log."""
        entries, peers = await asyncio.gather(
            self._ask("audit", {"limit": limit}), self._ask("peers")
        )
        return AuditLog(entries["audit"], peers["peers"])

    @exposed
    async def doctor(self, peer: str | None = None, on_progress: Steps | None = None) -> Findings:
        """Check the connections of this node, or each path to one peer.

        Args:
            peer: Any of its names; None for this node.
            on_progress: Called with ``{step, address, ok, message}`` on the way.

        Raises:
            UnknownPeerError: No peer has this name.
        """
        params = {} if peer is None else {"peer": peer}
        answer = await self._ask("doctor", params, on_progress=on_progress)
        return Findings(answer["findings"], answer)

    @exposed
    async def glance(self, patience: float = 0.5) -> Record:
        """Return the names for completion, by operation (``peers``, ``links``, ...); never fails.

        A part that the server does not return within ``patience`` seconds is the last known one.
        """
        answers = await asyncio.gather(
            *(self._ask(op, timeout=patience) for op in _GLANCED),
            return_exceptions=True,
        )
        newest = self._connection.newest
        peers, panes, invites, links, lobby, agents = (
            newest.get(op, {}) if isinstance(answer, BaseException) else answer
            for op, answer in zip(_GLANCED, answers, strict=True)
        )
        return Record(
            peers=Peers(peers.get("peers", ()), peers.get("self", {}), peers.get("found", ())),
            panes=Panes(panes),
            invites=Invites(invites.get("invites", ())),
            links=Links(links.get("links", ())),
            lobby=Lobby(lobby),
            agents=Agents(agents),
        )

    @exposed
    async def ready(self) -> None:
        """Wait until the server is connected.

        Raises:
            NoServerError: It does not answer.
            UnauthorizedError: It does not accept the secret.
        """
        await self._connection.ready()
