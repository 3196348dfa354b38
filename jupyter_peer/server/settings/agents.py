"""The settings of agents, as traits of ``PeerExtension``."""

from __future__ import annotations

import logging

from traitlets import Bool, Float, HasTraits, Int, Unicode, validate

from ...agents.config import ASK, READ_ONLY, AgentConfig
from ...wire.payloads.agent_chain import MAX_HOPS
from ...wire.payloads.agents import MAX_PROMPT

log = logging.getLogger(__name__)


class AgentSettings(HasTraits):
    """The settings for who may ask agents, and what agents may do."""

    allow_remote_agent = Bool(
        False,
        help="""Whether peers may ask agents of this node as soon as the server has started.

        `%peer agent on` and `off` switch it for as long as the server runs.""",
    ).tag(config=True)

    remote_agent_mode = Unicode(
        READ_ONLY,
        help="""What an agent may do for a peer: `read-only` (use read-only tools), or `ask` (the
        owner decides in the browser about each call of another tool). Any other value means
        `read-only`.""",
    ).tag(config=True)

    max_peer_hops = Int(
        3,
        min=1,
        max=MAX_HOPS,
        help="Most nodes that a question may have passed before it is answered here.",
    ).tag(config=True)

    max_prompt = Int(
        64 * 1024, min=1, max=MAX_PROMPT, help="Most characters of a question to an agent here."
    ).tag(config=True)

    agent_turns_at_once = Int(
        2, min=1, help="Most questions of one peer that are answered at once."
    ).tag(config=True)

    agent_turns_a_minute = Int(
        20, min=1, help="Most questions of one peer that are answered in a minute."
    ).tag(config=True)

    agent_turn_s = Float(
        300.0, min=1, help="Most seconds an answer may take, even if the asker would wait longer."
    ).tag(config=True)

    agent_approval_s = Float(
        60.0,
        min=1,
        help="""Seconds in which the owner can allow a call of a tool. A quarter of the time that a
        question has left, up to 10 s, always stays for the agent to answer without the tool.""",
    ).tag(config=True)

    audit_prompts = Bool(
        False,
        help="""Whether the audit log, and the events of Jupyter that follow it, have the first 500
        characters of questions. Answers are never in them.""",
    ).tag(config=True)

    @validate("remote_agent_mode")
    def _known_mode(self, proposal: dict[str, str]) -> str:
        if proposal["value"] in (READ_ONLY, ASK):
            return proposal["value"]
        log.warning(
            "PeerExtension.remote_agent_mode cannot be %r; it is %s", proposal["value"], READ_ONLY
        )
        return READ_ONLY

    def agent_config(self) -> AgentConfig:
        """Return the settings of agents."""
        return AgentConfig(
            allow=self.allow_remote_agent,
            mode=ASK if self.remote_agent_mode == ASK else READ_ONLY,
            max_hops=self.max_peer_hops,
            max_prompt=self.max_prompt,
            turns_at_once=self.agent_turns_at_once,
            turns_a_minute=self.agent_turns_a_minute,
            max_turn_s=self.agent_turn_s,
            approval_s=self.agent_approval_s,
            audit_prompts=self.audit_prompts,
        )
