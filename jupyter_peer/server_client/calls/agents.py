"""The calls about agents and chat."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import BadRequestError
from ..bridge import exposed
from ..connection import Json
from ..results.agent_results import Agents, PeerAgents
from ..results.approvals import Approvals
from ..results.chat import ChatLine, ChatLines
from ..results.results import (
    Done,
    Record,
)
from .asking import Asking


class AgentCalls(Asking):
    """The calls about agents and chat."""

    @exposed
    async def chat(self, peer: str, text: str) -> ChatLine:
        """Send a line to a connected peer; return when it has arrived.

        Args:
            peer: Any of its names.
            text: Plain text of up to 16 KiB.

        Raises:
            UnknownPeerError: No peer has this name.
            BadRequestError, TooLargeError: The text is empty, or too long.
            NotConnectedError: The peer is not connected.
            UnsupportedError: Its version has no chat.
            RefusedError: One side is blocked or not trusted, or too many lines came at once.
        """
        answer = await self._ask("chat", {"peer": peer, "text": text})
        return ChatLine(answer["line"])

    @exposed
    async def chats(self, peer: str | None = None, limit: int = 50) -> ChatLines:
        """Return the newest lines with one peer, or with all, and mark them as read.

        The server keeps the last lines of each peer in memory until it stops.

        Raises:
            UnknownPeerError: No peer has this name.
        """
        params: Json = {"limit": limit, "seen": True}
        answer = await self._ask("chats", params if peer is None else {**params, "peer": peer})
        return ChatLines(answer["lines"], peer)

    @exposed
    async def unread(self) -> Record:
        """Return the number of unread lines of each peer, by node id; mark none as read."""
        return Record((await self._ask("chats", {"limit": 1}))["unread"])

    @exposed
    async def agents(self) -> Agents:
        """Return the agents of this node, and their mode."""
        return Agents(await self._ask("agents"))

    @exposed
    async def agents_of(self, peer: str) -> PeerAgents:
        """Return the agents of a peer that you may ask: ``name, description, default``.

        Raises:
            NotEnabledError, NotTrustedError: You may ask none of them.
            UnsupportedError: The peer's version does not list its agents.
            UnknownPeerError, LinkError: There is no such peer, or it cannot be reached.
        """
        return PeerAgents((await self._ask("peer_agents", {"peer": peer}))["agents"])

    @exposed
    async def agent_on(self, agent: str | None = None, mode: str | None = None) -> Agents:
        """Let peers ask agents here, until the server ends or :meth:`agent_off`.

        Args:
            agent: Answers questions that name no agent. None takes the newest, or without any the
                built-in reader, which finds lines in the panes a peer may see.
            mode: ``read-only``, or ``ask``: you decide on each call of a tool that does more.

        Raises:
            UnknownAgentError: There is no such agent.
        """
        if mode not in (None, "read-only", "ask"):
            raise BadRequestError(f"{mode!r} is not a mode", hint="use read-only or ask")
        return Agents(await self._ask("agent_on", {"agent": agent, "mode": mode}))

    @exposed
    async def agent_allow(self, agent: str, only: Sequence[str] | None = None) -> Agents:
        """Choose which peers may ask an agent; others hear that there is no such agent.

        It is kept until it is changed, also for an agent that registers again under this name.

        Args:
            agent: Its name.
            only: The peers that may ask it; None for every paired peer.

        Raises:
            UnknownAgentError: There is no such agent.
            UnknownPeerError: One of the peers is not known.
        """
        names = None if only is None else list(only)
        return Agents(await self._ask("agent_allow", {"agent": agent, "only": names}))

    @exposed
    async def agent_off(self) -> Agents:
        """Stop peers from asking, and end running turns."""
        return Agents(await self._ask("agent_off"))

    @exposed
    async def stop_turn(self, turn: int) -> Agents:
        """Stop answering one question; its asker is told. :meth:`agents` lists the turns that run.

        Raises:
            LookupFailedError: The turn is over.
        """
        return Agents(await self._ask("stop_turn", {"turn": turn}))

    @exposed
    async def approvals(self, watching: bool | None = True) -> Approvals:
        """Return the tool calls that await your decision, oldest first.

        Args:
            watching: Whether this client shows them to you from now on. A call is refused at once
                when nothing shows it. None leaves that as it is.
        """
        answer = await self._ask("approvals", {"watching": watching})
        return Approvals(answer["approvals"])

    @exposed
    async def approve(self, id: int, allow: bool, for_turn: bool = False) -> Done:
        """Allow one call of a tool, or refuse it.

        Args:
            id: Id of the call.
            allow: Whether it may run.
            for_turn: Whether a yes is for every call of this tool until the turn ends.

        Raises:
            LookupFailedError: It was answered already, or has expired.
        """
        await self._ask("approve", {"id": id, "allow": allow, "for_turn": for_turn})
        return Done(
            "refused" if not allow else "allowed for this turn" if for_turn else "allowed once"
        )
