"""The policy ``directory``: whom a signed directory lists is let in, for as long as it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..errors import KeyChangedError, NotTrustedError
from ..wire.directory import Directory
from .base import Applicant, TrustPolicy, Verdict

log = logging.getLogger(__name__)


class DirectoryPolicy(TrustPolicy):
    """Lets in the members of a directory; without one that is current, nobody.

    Members are not remembered as trusted: each time the directory that is in force is asked.

    Args:
        current: Returns the newest version seen, verified, or None when there is none.
        groups: Groups of which a member has to be in at least one; empty for any member.
    """

    name = "directory"

    def __init__(self, current: Callable[[], Directory | None], groups: Sequence[str] = ()) -> None:
        self._current = current
        self._groups = tuple(groups)

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        directory = self._current()
        if directory is None or not directory.is_current(now):
            log.warning("%s is refused: there is no directory in force", applicant.node_id)
            return Verdict.refuse(
                NotTrustedError(
                    "the peer lets in members of a directory, and has none in force right now",
                    hint="try again later, or ask for an invite and pair with it",
                )
            )
        listed = directory.member(applicant.node_id, now)
        if listed is not None and listed.pk != applicant.public_key:
            return Verdict.refuse(KeyChangedError("the directory lists this node with another key"))
        if not self.stands_by(applicant.node_id, applicant.public_key, now):
            return Verdict.refuse(
                NotTrustedError(
                    "the peer lets in members of its directory only, and this node is none",
                    hint="ask who keeps the directory, or ask for an invite and pair with it",
                )
            )
        log.info("the directory lets in %s", applicant.node_id)
        return Verdict.accept(self.name, remember=False)

    def is_welcoming(self, source: str, node_id: str, now: float) -> bool:
        # Wherever it was found: what lets it in, on both sides, is the key it has to prove.
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
