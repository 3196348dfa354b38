"""The policy ``directory``: accepts the nodes that a signed directory lists."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..errors import KeyChangedError, NotTrustedError
from ..wire.directory import Directory
from .base import Applicant, TrustPolicy, Verdict

log = logging.getLogger(__name__)


class DirectoryPolicy(TrustPolicy):
    """Accepts the members of a directory; nobody without a current directory.

    Members are not remembered as trusted: the current directory decides each time.

    Args:
        current: Returns the newest verified version; None without one.
        groups: A member must be in at least one of these groups; empty for any member.
    """

    name = "directory"

    def __init__(self, current: Callable[[], Directory | None], groups: Sequence[str] = ()) -> None:
        self._current = current
        self._groups = tuple(groups)

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        directory = self._current()
        if directory is None or not directory.is_current(now):
            log.warning("%s is refused: there is no valid directory", applicant.node_id)
            return Verdict.refuse(
                NotTrustedError(
                    "the peer accepts members of a directory, but has no valid directory right now",
                    hint="try again later, or ask the peer for an invite",
                )
            )
        listed = directory.member(applicant.node_id, now)
        if listed is not None and listed.pk != applicant.public_key:
            return Verdict.refuse(KeyChangedError("the directory lists this node with another key"))
        if not self.stands_by(applicant.node_id, applicant.public_key, now):
            return Verdict.refuse(
                NotTrustedError(
                    "the peer accepts only members of its directory, and this node is not a member",
                    hint="ask its publisher to add this node, or ask the peer for an invite",
                )
            )
        log.info("the directory accepts %s", applicant.node_id)
        return Verdict.accept(self.name, remember=False)

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        # Wherever it was discovered: it must prove its key, and both sides decide by that key.
        return self.expects(node_id, now)

    def expects(self, node_id: str, now: float) -> bool:
        directory = self._current()
        member = directory.member(node_id, now) if directory is not None else None
        return member is not None and (
            not self._groups or not set(self._groups).isdisjoint(member.groups)
        )

    def stands_by(self, node_id: str, public_key: str, now: float) -> bool:
        directory = self._current()
        groups: Sequence[str | None] = self._groups or (None,)
        return directory is not None and any(
            directory.is_member(node_id, public_key, now, group) for group in groups
        )
