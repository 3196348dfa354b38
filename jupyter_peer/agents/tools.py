"""The tools that an agent may call while it answers."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Tool(msgspec.Struct, frozen=True):
    """A tool of an agent.

    Attributes:
        name: Name of the tool.
        read_only: Whether it changes nothing, so it may be used without asking the owner.
    """

    name: str
    read_only: bool = False


class ToolUser(Protocol):
    """The name and the tools of an agent."""

    @property
    def name(self) -> str:
        """The name by which peers ask it."""

    @property
    def description(self) -> str:
        """The owner's description for peers."""

    @property
    def tools(self) -> dict[str, Tool]:
        """The tools by name."""
