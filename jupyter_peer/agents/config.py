"""The settings of agents, each a trait of ``PeerExtension``."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..control.rows.agents import AgentMode

READ_ONLY: Literal["read-only"] = "read-only"
ASK: Literal["ask"] = "ask"


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of agents; durations in seconds.

    Attributes:
        allow: Whether peers may ask as soon as the server has started.
        mode: Mode of the agents at the start: ``read-only`` or ``ask``.
        max_hops: Highest number of nodes that may have forwarded a question.
        max_prompt: Characters of a question.
        turns_at_once: Questions of one peer that are answered at once.
        turns_a_minute: Questions of one peer that are answered in a minute.
        max_turn_s: Longest time for an answer, whatever the asker's deadline is.
        approval_s: Time that the owner has to allow a tool.
        audit_prompts: Whether the audit log contains the beginning of questions.
    """

    allow: bool = False
    mode: AgentMode = READ_ONLY
    max_hops: int = 3
    max_prompt: int = 64 * 1024
    turns_at_once: int = 2
    turns_a_minute: int = 20
    max_turn_s: float = 300.0
    approval_s: float = 60.0
    audit_prompts: bool = False
