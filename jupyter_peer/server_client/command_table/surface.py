"""Where a command runs: it shows steps and streamed answers there, and opens the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import BadRequestError

if TYPE_CHECKING:
    from ..client import Client
    from ..results.answers import Answer
    from ..results.approvals import Approvals

#: Receives each step of a long command: ``{step, address, ok, message}``.
Steps = Callable[[dict[str, Any]], None]


class Surface:
    """A program that wants only the result; no progress is shown.

    Attributes:
        steps: Receives the steps of a long command; None drops them.
        is_terminal: Whether a person types at a shell.
    """

    steps: Steps | None = None
    is_terminal = False

    def ask(
        self, client: Client, peer: str, text: str, timeout: float, agent: str | None
    ) -> Answer:
        """Ask a peer's agent; surfaces for people show the answer while it arrives."""
        return client.ask(peer, text, timeout, agent=agent)

    def approvals(self, client: Client) -> Approvals:
        """List the waiting tool calls; at a terminal, ask the person about each of them."""
        return client.approvals(watching=None)

    def panel(self, client: Client) -> Any:
        """Open the panel of widgets."""
        raise BadRequestError(
            "the panel needs a notebook", hint="run %peer panel in a notebook's cell"
        )
