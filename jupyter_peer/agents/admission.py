"""Decides which questions are answered, in the order of SPEC section 6.3."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from ..errors import (
    AgentLoopError,
    BusyError,
    NotEnabledError,
    NotTrustedError,
    PeerError,
    PeerTimeoutError,
    TooLargeError,
    TooManyHopsError,
)
from ..hub.hub import PeerHub
from ..wire.payloads.agent_chain import Chain, check_chain
from ..wire.payloads.agents import AgentRequest
from .board import Agent, AgentBoard
from .config import AgentConfig

MINUTE_S = 60.0
#: Turns of all peers together: each may be a thread in a kernel.
MAX_TURNS = 32


class AgentAdmission:
    """Checks questions against all settings of the owner.

    Args:
        hub: Knows the trusted peers.
        board: Knows the agents.
        config: Has the limits.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        board: AgentBoard,
        config: AgentConfig,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._board = board
        self._config = config
        self._clock = clock
        self._admitted: dict[str, deque[float]] = {}

    def admit(
        self, request: AgentRequest, peer: str, sent: float, under_way: int, in_all: int
    ) -> tuple[Agent, Chain, float]:
        """Return the agent that answers, the proven chain, and the seconds for the answer.

        Args:
            request: The question.
            peer: Node id of the sender.
            sent: Time of sending, by the sender's clock.
            under_way: Number of questions of this peer that are being answered.
            in_all: Number of questions of all peers that are being answered.

        Raises:
            PeerError: The question is not answered; the code names the reason.
        """
        chain = request.chain()
        self.check_may_ask(peer)
        if self._hub.node_id in chain.nodes:
            raise AgentLoopError
        if len(chain.nodes) > self._config.max_hops:
            raise TooManyHopsError(
                f"the question has come through {len(chain.nodes)} nodes, and this one answers "
                f"after {self._config.max_hops} at most"
            )
        # Only now, because checking a chain costs a signature for each of its nodes.
        check_chain(chain, peer, self._hub.node_id)
        seconds = min(request.deadline - sent, self._config.max_turn_s)
        if not math.isfinite(seconds) or seconds <= 0:
            raise PeerTimeoutError("the deadline had passed before the question arrived")
        if len(request.prompt) > self._config.max_prompt:
            raise TooLargeError(f"a question has at most {self._config.max_prompt} characters here")
        self._check_rate(peer, under_way, in_all)
        # A question for an unknown agent counts too, so that nobody can try many names.
        self._admitted[peer].append(self._clock())
        return self._board.find(request.agent, peer), chain, seconds

    def check_may_ask(self, peer: str) -> None:
        """Check that a peer may ask agents here.

        Raises:
            NotEnabledError: Agents are switched off.
            NotTrustedError: The peer is not paired.
        """
        if not self._board.is_on:
            raise NotEnabledError(
                "the agents of this peer are switched off",
                hint="ask its owner to switch them on",
            )
        if not self._is_trusted(peer):
            raise NotTrustedError("only paired peers may ask agents here")

    def forget(self, peer: str) -> None:
        """Forget the counts of a peer that was removed."""
        self._admitted.pop(peer, None)

    def _is_trusted(self, peer: str) -> bool:
        try:
            info = self._hub.peer(peer)
        except PeerError:
            return False
        if info.blocked:
            return False
        # Under `open-lan` a peer may be anybody. That is enough for a pane, but not for an agent.
        return info.trusted or (info.origin == "directory" and self._hub.is_peer(peer))

    def _check_rate(self, peer: str, under_way: int, in_all: int) -> None:
        if under_way >= self._config.turns_at_once:
            raise BusyError(
                f"{under_way} questions of yours are being answered here already",
                hint="wait for one of the answers",
            )
        if in_all >= MAX_TURNS:
            raise BusyError("too many questions are being answered here")
        times = self._admitted.setdefault(peer, deque())
        while times and self._clock() - times[0] >= MINUTE_S:
            times.popleft()
        if len(times) >= self._config.turns_a_minute:
            wait = MINUTE_S - (self._clock() - times[0])
            raise BusyError(
                f"you have asked {len(times)} times in a minute", hint=f"ask again in {wait:.0f} s"
            )
