"""Writes about agents to the audit log: the peer, the agent, and the end of the turn.

Answers are never written, and questions only if the owner has chosen so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ..hub.hub import PeerHub

REFUSALS_EVERY_S = 60.0
#: Characters of a question; an entry has at most 4 KiB, and most take up to 6 bytes there.
MAX_PROMPT = 500
#: Hex digits that name a question in the logs of all nodes it passes.
QUESTION_DIGITS = 16


class AgentAudit:
    """Writes entries.

    Args:
        hub: The node, which has the store.
        with_prompts: Whether entries contain the beginning of questions.
        clock: Monotonic seconds.
        now: Epoch seconds.
    """

    def __init__(
        self,
        hub: PeerHub,
        with_prompts: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._with_prompts = with_prompts
        self._clock = clock
        self._now = now
        self._refused: dict[tuple[str, str], tuple[float, int]] = {}

    def allow(self, kind: str, peer: str, **detail: Any) -> None:
        """Write an entry about an act that may happen after this returns.

        Raises:
            StoreError: The audit log accepts no entry, so the act must not happen.
        """
        self._hub.store.add_audit(kind, peer, detail, self._now())

    def note(self, kind: str, peer: str | None, **detail: Any) -> None:
        """Write an entry about an act that has happened."""
        self._hub.store.note_audit(kind, peer, detail, self._now())

    def prompt(self, text: str) -> dict[str, str]:
        """Return the part of a question's text for its entry."""
        return {"prompt": text[:MAX_PROMPT]} if self._with_prompts else {}

    @staticmethod
    def chain(root: bytes, nodes: Iterable[str]) -> dict[str, Any]:
        """Return what entries about a question have of its chain.

        ``question`` is the same in the logs of all nodes that the question passes.
        """
        return {"question": root.hex()[:QUESTION_DIGITS], "chain": list(nodes)}

    def refused(self, peer: str, code: str) -> bool:
        """Write that a question was refused, and return whether an entry was written.

        Refusals within a minute are counted, and the next entry has the number. So a flood cannot
        push other entries out of the log.
        """
        at, more = self._refused.get((peer, code), (-REFUSALS_EVERY_S, 0))
        if self._clock() - at < REFUSALS_EVERY_S:
            self._refused[peer, code] = (at, more + 1)
            return False
        self._refused[peer, code] = (self._clock(), 0)
        self.note("agent_refused", peer, code=code, **({"more_before": more} if more else {}))
        return True

    def forget(self, peer: str) -> None:
        """Forget the counts of a peer."""
        self._refused = {key: value for key, value in self._refused.items() if key[0] != peer}
