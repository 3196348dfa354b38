"""What became of numbered things: each is done, or refused with a reason, and never anything else."""

from __future__ import annotations

from collections import Counter

from jupyter_peer.errors import PeerError

_DONE, _REFUSED, _CARRIED_OUT, _TWICE = 1, 2, 4, 8
#: What may be said while links are cut and nodes are away. An answer that never comes is a loss.
_REASONS = {"busy", "link_closed", "not_connected", "unreachable", "store"}


class Tally:
    """Things of one kind, numbered from 0.

    One byte each is kept, so that a long run does not look like a leak.

    Args:
        name: What they are.

    Attributes:
        done: How many were done, with an answer that says so.
        reasons: Codes of refusals, and how often each was said.
        wrong: The first things that must not happen, in words.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = 0
        self.reasons: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._marks = bytearray()

    @property
    def begun(self) -> int:
        """How many were begun."""
        return len(self._marks)

    def begin(self) -> int:
        """Begin one and return its number."""
        self._marks.append(0)
        return len(self._marks) - 1

    def did(self, number: int) -> None:
        """Note the answer that one was done."""
        self.done += 1
        self._marks[number] |= _DONE

    def refused(self, number: int, error: PeerError) -> None:
        """Note that one was refused, or that the link was lost before its answer."""
        self._marks[number] |= _REFUSED
        self.reasons[error.code] += 1
        if error.code not in _REASONS:
            self.blame(f"number {number}: {error.code}, {error.message}")

    def carried_out(self, number: int) -> None:
        """Note, where it is done, that one was done."""
        carried_out = self._marks[number] & _CARRIED_OUT
        self._marks[number] |= _TWICE if carried_out else _CARRIED_OUT

    def blame(self, words: str) -> None:
        """Note something that must not happen."""
        if len(self.wrong) < 20:
            self.wrong.append(f"{self.name}, {words}")

    def losses(self) -> list[str]:
        """Return what was lost, done twice, or wrong, in words; nothing when all is well."""
        return self.wrong + [
            f"{self.name}, number {number}: {fault}"
            for number, marks in enumerate(self._marks)
            if (fault := _fault(marks)) is not None
        ]


def _fault(marks: int) -> str | None:
    if marks & _TWICE:
        return "was carried out twice"
    if not marks & (_DONE | _REFUSED):
        return "was neither done nor refused"
    if marks & _DONE and not marks & _CARRIED_OUT:
        return "was answered and never carried out"
    return None
