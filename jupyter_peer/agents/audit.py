"""What of agents goes into the audit log: who, which, how it ended.

Never what was said, and what was asked only if the owner has chosen so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..hub.hub import PeerHub

REFUSALS_EVERY_S = 60.0
#: Characters of a question; an entry has at most 4 KiB, and most take up to 6 bytes there.
MAX_PROMPT = 500


class AgentAudit:
    """Writes entries.

    Args:
        hub: Has the store.
        with_prompts: Whether entries have the beginning of questions.
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
        """Write down what may happen once this returns.

        Raises:
            StoreError: The audit log takes no entry, so it must not happen.
        """
        self._hub.store.add_audit(kind, peer, detail, self._now())

    def note(self, kind: str, peer: str | None, **detail: Any) -> None:
        """Write down what has happened."""
        self._hub.store.note_audit(kind, peer, detail, self._now())

    def prompt(self, text: str) -> dict[str, str]:
        """Return what an entry about a question has of its text."""
        return {"prompt": text[:MAX_PROMPT]} if self._with_prompts else {}

    def refused(self, peer: str, code: str) -> None:
        """Write that a question was refused.

        Repeated within a minute it is counted, and the next entry has the number: a flood must not
        push everything else out of the log.
        """
        at, more = self._refused.get((peer, code), (-REFUSALS_EVERY_S, 0))
        if self._clock() - at < REFUSALS_EVERY_S:
            self._refused[peer, code] = (at, more + 1)
            return
        self._refused[peer, code] = (self._clock(), 0)
        self.note("agent_refused", peer, code=code, **({"more_before": more} if more else {}))

    def forget(self, peer: str) -> None:
        """Count nothing of a peer any more."""
        self._refused = {key: value for key, value in self._refused.items() if key[0] != peer}
