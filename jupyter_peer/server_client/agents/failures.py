"""Tells the owner of an agent why it failed, below the cell that registered it."""

from __future__ import annotations

import contextvars
import time

from ..results.drawing.blocks import Line, Prose, Text
from ..results.drawing.markup import clock_time, line
from ..results.drawing.shown import Outcome
from ..views.cell import LiveDisplay, running_cell


class FailureReport:
    """One output of the cell in which it was made; it shows the newest failure and their number.

    Outside of a cell it shows nothing.
    """

    def __init__(self) -> None:
        # In this context the kernel sends outputs to the cell that runs now.
        self._context = contextvars.copy_context() if running_cell() is not None else None
        self._display = LiveDisplay()
        self._count = 0

    def tell(self, agent: str, asker: str, why: str) -> None:
        """Show that an agent has failed; may be called on any thread.

        Args:
            agent: Its name.
            asker: The owner's name for the asker.
            why: The error.
        """
        if self._context is None:
            return
        self._count += 1
        times = f", {self._count} times so far" if self._count > 1 else ""
        head = f"The agent {line(agent)} failed at {clock_time(time.time())}{times}"
        shown = Outcome({}, Line(Text(head, "bad"), f"; {line(asker)} had asked."), Prose(why))
        if self._display.is_shown:
            self._display.update(shown._repr_mimebundle_())
        else:
            self._context.run(self._display.show, shown._repr_mimebundle_())
