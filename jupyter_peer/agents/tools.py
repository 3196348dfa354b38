"""The tools of an agent: what it may call while it answers."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Tool(msgspec.Struct, frozen=True):
    """A tool of an agent.

    Attributes:
        name: What it is called.
        read_only: Whether it may be used without asking the owner: it only looks.
    """

    name: str
    read_only: bool = False


class ToolUser(Protocol):
    """An agent, as far as its name and its tools are concerned."""

    @property
    def name(self) -> str:
        """The name by which peers ask it."""

    @property
    def description(self) -> str:
        """What its owner tells peers of it."""

    @property
    def tools(self) -> dict[str, Tool]:
        """Its tools by name."""
