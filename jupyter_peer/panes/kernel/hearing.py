"""Remembers the latest outputs of a kernel's cells, so that a pane can begin in the middle.

A person can share a cell that already runs, or that somebody runs again in another browser tab. The
node learns of it some messages late. So it listens from the moment when the dialog for sharing opens,
and gives the pane the messages since then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from .channels.listener import TapListener, TapMessage
from .outputs import OUTPUT_TYPES, weigh

#: Cells, and bytes of all their messages, that are remembered; the oldest go first.
MAX_CELLS = 64
MAX_BYTES = 16 * 1024 * 1024
#: One message more weighs so much besides its content.
_MESSAGE_BYTES = 256


class Hearing:
    """Listens to all cells of one kernel while somebody needs it.

    Args:
        subscribe: Adds a listener to the kernel's tap; returns a function that removes it.
    """

    def __init__(self, subscribe: Callable[[TapListener], Callable[[], None]]) -> None:
        self._subscribe = subscribe
        self._unsubscribe: Callable[[], None] | None = None
        self._cells: OrderedDict[str, list[TapMessage]] = OrderedDict()
        self._bytes = 0
        self._users = 0

    def begin(self) -> Callable[[], None]:
        """Start to listen; the returned function ends this for one caller and may be called twice."""
        self._users += 1
        if self._unsubscribe is None:
            self._unsubscribe = self._subscribe(self)
        is_over = False

        def end() -> None:
            nonlocal is_over
            if is_over:
                return
            is_over = True
            if self._users:
                self._users -= 1
                if not self._users:
                    self._forget()

        return end

    def of(self, cell: str) -> list[TapMessage]:
        """Return the messages of a cell.

        Args:
            cell: ``msg_id`` of the cell's execute request.
        """
        return list(self._cells.get(cell, ()))

    def all(self) -> list[TapMessage]:
        """Return the messages of all cells, cell by cell."""
        return [message for cell in self._cells.values() for message in cell]

    @property
    def is_used(self) -> bool:
        """Whether somebody needs the messages and the kernel is alive."""
        return self._users > 0

    def wants(self, msg_type: str, parent_id: str) -> bool:
        """See :class:`.TapListener`."""
        return bool(parent_id) and msg_type in OUTPUT_TYPES

    def on_message(self, message: TapMessage) -> None:
        """Remember a message."""
        self._cells.setdefault(message.parent_id, []).append(message)
        self._cells.move_to_end(message.parent_id)
        self._bytes += _weight(message)
        while self._bytes > MAX_BYTES or len(self._cells) > MAX_CELLS:
            _, gone = self._cells.popitem(last=False)
            self._bytes -= sum(map(_weight, gone))

    def on_end(self, reason: str) -> None:
        """Handle the end of the kernel."""
        self._forget()

    def _forget(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._unsubscribe = None
        self._users = 0
        self._cells.clear()
        self._bytes = 0


def _weight(message: TapMessage) -> int:
    return _MESSAGE_BYTES + weigh(message.content)
