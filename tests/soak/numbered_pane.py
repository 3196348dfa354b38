"""A pane that counts, a page of lines at a time, and viewers that check every revision of it."""

from __future__ import annotations

from jupyter_peer.panes.viewer.watch import Watch
from tests.panes.kernels import FakeTap
from tests.peers.nodes import texts

NAME = "loss"
PAGE = 200


class Counting:
    """Writes the numbers from 1 on; a new page begins with an empty pane.

    Attributes:
        written: The last number.
    """

    def __init__(self, kernel: FakeTap) -> None:
        self._kernel = kernel
        self.written = 0

    def write(self) -> None:
        """Write the next number."""
        if self.written and self.written % PAGE == 0:
            self._kernel.say("clear_output", {"wait": False})
        self.written += 1
        self._kernel.write(f"{self.written}\n")


def newest(text: str) -> int | None:
    """Return the last number of a page, or None when it is empty.

    Raises:
        ValueError: A line of the page is missing, doubled or out of order.
    """
    numbers = [int(line) for line in text.split()]
    if not numbers:
        return None
    last = numbers[-1]
    if numbers != list(range((last - 1) // PAGE * PAGE + 1, last + 1)):
        raise ValueError(f"a page from {numbers[0]} to {last} has {len(numbers)} lines")
    return last


class Viewing:
    """One viewer.

    Args:
        watch: Its hold on the pane.

    Attributes:
        seen: The last number that it has seen.
        wrong: The first things that it must not have seen, in words.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.seen = 0
        self.wrong: list[str] = []
        watch.subscribe(self._look)
        self._look()

    def _look(self) -> None:
        try:
            last = newest("".join(texts(self._watch)))
        except ValueError as error:
            self._blame(str(error))
            return
        if last is None:
            return
        if last < self.seen:
            self._blame(f"{last} came after {self.seen}")
        self.seen = last

    def _blame(self, words: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(words)
