"""The newest custom messages of a kernel's widgets, for panes that show the widgets later.

Some libraries send commands to their pages instead of state. ipycanvas draws in this way, before the
cell has shown the canvas. The owner's page knows a widget from its creation, but a pane only once it
is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import Any

from ...document.outputs import weigh_held

Json = dict[str, Any]

MAX_MESSAGES = 256
MAX_WEIGHT = 2 * 1024 * 1024


class CustomMessages:
    """Stores the messages of all widgets of one kernel, up to a number and a size."""

    def __init__(self) -> None:
        self._messages: deque[tuple[Json, int]] = deque()
        self._weight = 0

    def add(self, message: Json) -> None:
        """Store a ``comm_msg``; the oldest are dropped."""
        weight = weigh_held(message)
        self._messages.append((message, weight))
        self._weight += weight
        while self._weight > MAX_WEIGHT or len(self._messages) > MAX_MESSAGES:
            self._weight -= self._messages.popleft()[1]

    def of(self, model_ids: Container[str]) -> list[Json]:
        """Return the messages of some widgets, in their order."""
        return [each for each, _ in self._messages if each["content"]["comm_id"] in model_ids]

    def drop(self, model_id: str) -> None:
        """Forget a widget."""
        kept = [each for each in self._messages if each[0]["content"]["comm_id"] != model_id]
        self._messages = deque(kept)
        self._weight = sum(weight for _, weight in kept)
