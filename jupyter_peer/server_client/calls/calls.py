"""All calls that both kinds of clients offer."""

from __future__ import annotations

from .agents import AgentCalls
from .lobby import LobbyCalls
from .node import NodeCalls
from .panes import PaneCalls
from .peers import PeerCalls


class Calls(NodeCalls, PeerCalls, PaneCalls, AgentCalls, LobbyCalls):
    """The calls that both kinds of clients offer; ``self`` is their :class:`.ServerCore`."""
