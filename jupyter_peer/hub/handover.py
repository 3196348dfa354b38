"""How a better link takes over from a lesser one: nothing is lost, doubled or out of order.

The side that dialled the new link moves first (SPEC section 5). The other goes on with the old one
until it hears so; a new link that dies before that has cost nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..wire.link.outbox import Outgoing
from .session import Session

log = logging.getLogger(__name__)

# The other side may take so long to send what it has queued before it moves.
STANDBY_TIMEOUT_S = 300.0


class Handover:
    """The links to one peer that are being replaced, and those that wait to replace them.

    Args:
        farewell: Makes the message that is a link's last.
        moved: Told of the new link when this side, which was dialled, is to use it.
        done: Told of the new link when nothing is left of the old one.
        idle_s: A link that is taken over from, and on which nothing moves for so long, is dead.
    """

    def __init__(
        self,
        *,
        farewell: Callable[[], Outgoing],
        moved: Callable[[Session], None],
        done: Callable[[Session], None],
        idle_s: float,
    ) -> None:
        self._farewell = farewell
        self._moved = moved
        self._done = done
        self._idle_s = idle_s
        # old link -> new one, before and after this side has moved
        self._standby: dict[Session, Session] = {}
        self._moving: dict[Session, Session] = {}
        self._timers: dict[Session, asyncio.TimerHandle] = {}

    def stand_by(self, old: Session, new: Session) -> None:
        """Keep a link that came in until the other side has moved to it."""
        self._drop_standby(old, "replaced")
        new.hold()
        old.successor = new
        self._standby[old] = new
        self._call_later(STANDBY_TIMEOUT_S, new, lambda: new.link.abort("timeout"))

    def move(self, old: Session, new: Session) -> None:
        """Use a link that was dialled: send what is queued on the old one, and then no more."""
        self._drop_standby(old, "replaced")
        new.hold()
        self._leave(old, new)

    def on_moved(self, old: Session) -> None:
        """Take the word of the other side that nothing more comes on a link."""
        old.peer_has_moved = True
        new = self._standby.pop(old, None)
        if new is not None:
            self._cancel_timer(new)
            self._moved(new)
            self._leave(old, new)
            new.release()
        elif old in self._moving:
            # The other side had all of this one before it moved, and this one has all of it now.
            self._moving[old].release()
            asyncio.get_running_loop().call_soon(old.link.abort, "replaced")
        else:
            # It moved to a link that has died here meanwhile.
            asyncio.get_running_loop().call_soon(old.link.abort, "lost")

    def on_closed(self, session: Session) -> None:
        """Note the end of any link; those that stand or fall with it are ended."""
        self._cancel_timer(session)
        self._drop_standby(session, "lost")
        for old, new in list(self._standby.items()):
            if new is session:
                old.successor = None
                del self._standby[old]
        for old, new in list(self._moving.items()):
            if new is session:
                del self._moving[old]
                old.link.abort("lost")
        successor = self._moving.pop(session, None)
        if successor is None:
            return
        if session.has_moved and session.peer_has_moved:
            successor.release()
            self._done(successor)
        else:
            # It died half-way. Perhaps only this side knows: so the new link ends too, and both
            # sides know that something may be missing, as after any lost link.
            successor.link.abort("lost")

    def close(self) -> None:
        """End all links that are not in use."""
        for session in [*self._standby.values(), *self._moving]:
            session.link.abort("shutdown")

    def _leave(self, old: Session, new: Session) -> None:
        self._moving[old] = new
        old.retire(self._farewell())
        self._watch(old, -1)

    def _watch(self, old: Session, seen: int) -> None:
        """Close a link that is taken over from when nothing moves on it any more."""
        so_far = old.sent_bytes + old.received_bytes
        if so_far == seen:
            log.info("%s: the link that was replaced has died", old.node_id)
            old.link.abort("timeout")
        else:
            self._call_later(self._idle_s, old, lambda: self._watch(old, so_far))

    def _drop_standby(self, old: Session, reason: str) -> None:
        new = self._standby.pop(old, None)
        if new is not None:
            old.successor = None
            new.link.abort(reason)

    def _call_later(self, delay: float, session: Session, callback: Callable[[], None]) -> None:
        self._timers[session] = asyncio.get_running_loop().call_later(delay, callback)

    def _cancel_timer(self, session: Session) -> None:
        timer = self._timers.pop(session, None)
        if timer is not None:
            timer.cancel()
