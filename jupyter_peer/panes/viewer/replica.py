"""The copy of one peer's pane that this node keeps while somebody here watches it.

It requests the state from the owner and follows the updates. If it cannot (a link was cut, a step is
missing, a long string was not kept), it requests all changes since its revision. Everything from the
owner is checked before it changes anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from ...document.outputs import weigh_held
from ...errors import (
    BusyError,
    LinkClosedError,
    LinkError,
    LookupFailedError,
    MalformedError,
    NotGrantedError,
    PaneEndedError,
    PeerError,
    TooLargeError,
)
from ...hub.hub import PeerHub
from ...hub.message import Message
from ...wire.payloads.hub import convert
from ...wire.payloads.panes import (
    MAX_BUFFERS,
    PaneBuffers,
    PaneContent,
    PaneSnapshot,
    PaneUpdate,
    check_messages,
    check_outputs,
)
from ...wire.payloads.widgets import InputMessage, check_document
from ..buffers import Arrived, BufferCache, references
from ..owner.delivery import stream_of
from ..state import Delta, PaneState

log = logging.getLogger(__name__)

Json = dict[str, Any]

LIVE = "live"
LAST_SEEN = "last seen"
ENDED = "ended"
WITHDRAWN = "withdrawn"

#: A link that is lost ends the wait earlier; a state of many megabytes on a slow one takes long.
ASK_TIMEOUT_S = 300.0
INPUT_TIMEOUT_S = 30.0
_MAX_INBOX = 64
_MAX_INBOX_BYTES = 64 * 1024 * 1024
_FIRST_PAUSE_S = 0.1
_LAST_PAUSE_S = 5.0


#: Receives the owner's answer with the whole state.
_Receive = Callable[[Message], None]


class _Outcome(Enum):
    TAKEN = "taken"
    GAP = "a step is missing"
    LOST = "a long string is missing"


class Replica:
    """One pane of one peer.

    Args:
        hub: The node.
        cache: Returns the long strings kept from a peer's link.
        node_id: The owner.
        name: Name of the pane.
        clock: Returns epoch seconds.
        on_change: Called when the state or another attribute has changed.

    Attributes:
        state: State of the pane, which stays after the pane has ended.
        status: ``live``, ``last seen`` (the link is down), ``ended`` (the owner's kernel has ended) or
            ``withdrawn``.
        last_seen: Time when the link was lost.
        title, grant, since: As the owner reports them.
    """

    def __init__(
        self,
        hub: PeerHub,
        cache: Callable[[str], BufferCache],
        node_id: str,
        name: str,
        clock: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        self.node_id = node_id
        self.name = name
        self.state = PaneState()
        self.status = LAST_SEEN
        self.last_seen: float | None = None
        self.title = name
        self.grant = "view"
        self.since = 0.0
        self.is_known = False
        self._ended_epoch: str | None = None
        self._hub = hub
        self._cache = cache
        self._clock = clock
        self._on_change = on_change
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._has_overflown = False
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    # Calls of consumers.

    def ask(self) -> asyncio.Task[None]:
        """Request the newer changes from the owner; the task raises the error of a failure."""
        if self._task is not None and not self._task.done():
            return self._task
        return self._start(ask=True)

    async def opened(self) -> None:
        """Request the changes, and return when the owner has answered.

        Raises:
            PeerError: The owner refuses, or cannot be reached.
        """
        while True:
            task = self.ask()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()
                return
            if self._task is None:
                raise NotGrantedError if self.status == WITHDRAWN else LinkClosedError
            # The link was replaced, and the request was sent again.

    async def prove(self) -> Message:
        """Request the whole state from the owner; return the signed answer.

        Raises:
            PeerError: The owner refuses, or cannot be reached.
        """
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})
        answers: list[Message] = []
        task = self._start(ask=True, whole=answers.append)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        if not answers:
            raise LinkClosedError("the link was lost before the owner had answered")
        return answers[-1]

    async def input(self, message: InputMessage, id: str | None) -> None:
        """Send an input to a widget of the pane; returns when the owner has accepted it.

        Raises:
            PeerError: The owner refuses, or cannot be reached.
        """
        asked: Json = {"pane": self.name, "message": msgspec.to_builtins(message)}
        if id is not None:
            asked["id"] = id
        reply = await self._hub.request(
            self.node_id,
            "pane_input",
            asked,
            timeout=INPUT_TIMEOUT_S,
            stream=f"{stream_of(self.name)}/input",
        )
        if reply.type != "pane_input":
            raise MalformedError("the message does not answer an input")

    def take(self, message: Message) -> None:
        """Apply a ``pane_update``."""
        if self._is_asking():
            self._put_by(message)
            return
        if self.status == WITHDRAWN:
            return
        try:
            outcome = self._digest(message, PaneUpdate)
        except MalformedError as error:
            self._failures += 1
            log.warning("%s: pane %s: %s", self.node_id, self.name, error)
            outcome = _Outcome.GAP
        except TooLargeError as error:
            self._give_up(error)
            return
        if outcome is _Outcome.TAKEN:
            return
        if outcome is _Outcome.LOST:
            self._inbox.append(message)
        self._start(ask=outcome is _Outcome.GAP)

    def end(self, epoch: str | None) -> None:
        """Handle the end of the owner's kernel, and with it of this life of the pane."""
        self._ended_epoch = epoch
        if epoch in (None, self.state.epoch):
            self.mark(ENDED)

    def mark(self, status: str) -> None:
        """Set the status of the pane."""
        if status in (WITHDRAWN, LAST_SEEN):
            self.stop()
        if status == LAST_SEEN:
            if self.status != LIVE:
                return
            # The owner may have been silent for a while before the link counted as lost.
            self.last_seen = self._hub.peer(self.node_id).last_seen or self._clock()
        if status != self.status:
            self.status = status
            self._on_change()

    def stop(self) -> None:
        """Ignore the owner until the next :meth:`ask`."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        self._inbox.clear()
        self._has_overflown = False

    def _is_asking(self) -> bool:
        return self._task is not None and not self._task.done()

    def _start(self, *, ask: bool, whole: _Receive | None = None) -> asyncio.Task[None]:
        self._task = asyncio.get_running_loop().create_task(self._catch_up(ask, whole))
        self._task.add_done_callback(_log_failure)
        return self._task

    # Catching up.

    def _put_by(self, message: Message) -> None:
        if not self._inbox:
            self._inbox_bytes = 0
        self._inbox.append(message)
        self._inbox_bytes += weigh_held(message.data) + sum(map(len, message.buffers))
        if len(self._inbox) > _MAX_INBOX or self._inbox_bytes > _MAX_INBOX_BYTES:
            self._inbox.clear()
            self._has_overflown = True

    async def _catch_up(self, ask: bool, receive: _Receive | None) -> None:
        whole = False
        while True:
            outcome = _Outcome.TAKEN
            if ask:
                if self._failures:
                    pause = _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10)
                    await asyncio.sleep(min(pause, _LAST_PAUSE_S))
                outcome = await self._ask(whole, receive)
            while self._inbox and outcome is _Outcome.TAKEN:
                outcome = await self._digest_or_fetch(self._inbox.popleft(), PaneUpdate)
            if outcome is _Outcome.TAKEN and not self._has_overflown:
                return
            if ask:
                self._failures += 1
            self._has_overflown = False
            ask, whole = True, outcome is _Outcome.LOST

    async def _ask(self, whole: bool, receive: _Receive | None = None) -> _Outcome:
        asked: Json = {"pane": self.name}
        if self.is_known and receive is None:
            asked |= {"epoch": self.state.epoch, "rev": self.state.rev}
        if whole or receive is not None:
            asked["whole"] = True
        try:
            reply = await self._hub.request(
                self.node_id,
                "pane_open",
                asked,
                timeout=ASK_TIMEOUT_S,
                stream=stream_of(self.name),
            )
            if reply.type != "pane_snapshot":
                raise MalformedError("the answer is not a snapshot of a pane")
            if receive is not None:
                receive(reply)
            return await self._digest_or_fetch(reply, PaneSnapshot)
        except PaneEndedError:
            self.mark(ENDED)
            raise
        except (NotGrantedError, LookupFailedError):
            self.mark(WITHDRAWN)
            raise
        except BusyError:
            self.mark(LAST_SEEN)
            raise
        except TooLargeError as error:
            self._give_up(error)
            raise

    async def _digest_or_fetch(self, message: Message, kind: type[PaneContent]) -> _Outcome:
        is_answer = kind is PaneSnapshot
        try:
            outcome = self._digest(message, kind, may_begin=is_answer)
            if outcome is _Outcome.LOST:
                blobs = await self._fetch(message)
                outcome = self._digest(message, kind, blobs, may_begin=is_answer)
        except MalformedError as error:
            if is_answer and not self.is_known:
                raise
            log.warning("%s: pane %s: %s", self.node_id, self.name, error)
            return _Outcome.GAP
        return outcome

    async def _fetch(self, message: Message) -> dict[str, Any]:
        missing = self._arrived(message).missing(references(message.data))
        reply = await self._hub.request(
            self.node_id,
            "pane_buffers",
            {"pane": self.name, "hashes": missing[:MAX_BUFFERS]},
            timeout=ASK_TIMEOUT_S,
        )
        if reply.type != "pane_buffers":
            raise MalformedError("the answer has no buffers")
        hashes = convert(reply.data, PaneBuffers).hashes
        # The hub has verified the buffers against `buffers`; `hashes` is only the owner's statement.
        if len(hashes) != len(reply.buffers):
            raise MalformedError("the answer does not have the buffers that it lists")
        return dict(zip(reply.data.get("buffers", ()), reply.buffers, strict=False))

    def _arrived(self, message: Message) -> Arrived:
        return Arrived(message.data.get("buffers"), message.buffers, self._cache(self.node_id))

    def _digest(
        self,
        message: Message,
        kind: type[PaneContent],
        blobs: dict[str, Any] | None = None,
        *,
        may_begin: bool = True,
    ) -> _Outcome:
        content = convert(message.data, kind)
        if content.pane != self.name:
            raise MalformedError("the message is about another pane")
        is_other = not self.is_known or content.epoch != self.state.epoch
        is_old = not is_other and content.rev <= self.state.rev
        found = references(message.data)
        arrived = self._arrived(message)
        if blobs:
            arrived.add(blobs)
        unpacked: Json | None = None
        if not arrived.missing(found):
            unpacked = arrived.unpack(message.data, found)
        elif not is_old:
            return _Outcome.LOST
        if not is_old:
            # Queued updates may belong to a life before that of the answer.
            if is_other and not may_begin:
                return _Outcome.GAP
            if content.messages is not None and (is_other or content.prev != self.state.rev):
                return _Outcome.GAP
            assert unpacked is not None
            self.state.follow(_delta(content, unpacked))
            self.is_known = True
        self._failures = 0
        self._note(content, is_other)
        return _Outcome.TAKEN

    def _note(self, content: PaneContent, is_other: bool) -> None:
        if isinstance(content, PaneSnapshot):
            self.title, self.grant, self.since = content.title, content.grant, content.since
            self.status = ENDED if content.ended else LIVE
        elif is_other or self.status == LAST_SEEN:
            self.status = LIVE
        if content.epoch == self._ended_epoch:
            self.status = ENDED
        self._on_change()

    def _give_up(self, error: PeerError) -> None:
        log.warning("%s: pane %s is closed: %s", self.node_id, self.name, error)
        # The state was emptied, so no update can follow it.
        self.is_known = False
        self._send_close()
        self.mark(WITHDRAWN)

    def _send_close(self) -> None:
        try:
            self._hub.send(
                self.node_id, "pane_close", {"pane": self.name}, stream=stream_of(self.name)
            )
        except LinkError as error:
            log.debug("%s cannot be told that a pane is closed: %s", self.node_id, error.code)

    def close(self) -> None:
        """Stop following the pane, and notify the owner."""
        self.stop()
        if self.status != WITHDRAWN:
            self._send_close()


def _delta(content: PaneContent, unpacked: Json) -> Delta:
    messages = snapshot = None
    if content.messages is not None:
        messages = check_messages(unpacked["messages"])
    else:
        snapshot = {
            "outputs": check_outputs(unpacked["outputs"], content.display_ids),
            "display_ids": content.display_ids,
            "clear_wait": content.clear_wait,
            "text_limit": content.text_limit,
            "truncated": content.truncated,
            "widgets": check_document(unpacked.get("widgets", {})),
        }
    return Delta(content.epoch, content.prev, content.rev, messages, snapshot, content.truncated, 0)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, PeerError):
            log.info("a pane cannot be followed: %s", error)
        else:
            log.error("following a pane failed", exc_info=error)
