"""Requests that wait for their reply."""

from __future__ import annotations

import asyncio

from ..errors import LinkClosedError, PeerError, PeerTimeoutError
from .dispatch import Message


class PendingReplies:
    """Maps the ``msg_id`` of a request to whoever waits for the reply with that ``re``."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[Message]]] = {}

    def expect(self, node_id: str, msg_id: str) -> asyncio.Future[Message]:
        """Return the future of a reply; must be called before the request is sent."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[msg_id] = (node_id, future)
        return future

    async def wait(self, msg_id: str, timeout: float) -> Message:
        """Wait for a reply that is expected; afterwards it is not any more.

        Raises:
            PeerTimeoutError: It did not come within ``timeout`` seconds.
            PeerError: The peer answered with an error, or the link was lost.
        """
        _, future = self._waiting[msg_id]
        try:
            return await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError as error:
            raise PeerTimeoutError(f"no answer within {timeout:g} s") from error
        finally:
            self._waiting.pop(msg_id, None)

    def resolve(self, message: Message, error: PeerError | None) -> bool:
        """Hand on a reply; return whether anybody waits for it.

        Only the peer that was asked can answer.
        """
        waiting = self._waiting.get(message.re or "")
        if waiting is None or waiting[0] != message.peer_id:
            return False
        if not waiting[1].done():
            if error is None:
                waiting[1].set_result(message)
            else:
                waiting[1].set_exception(error)
        return True

    def drop(self, msg_id: str) -> None:
        """Expect a reply no longer: its request could not be sent."""
        self._waiting.pop(msg_id, None)

    def fail(self, node_id: str | None, reason: str) -> None:
        """End all waits for one peer, or for all."""
        for waited_for, future in list(self._waiting.values()):
            if node_id in (None, waited_for) and not future.done():
                why = "" if reason == "lost" else f": {reason}"
                future.set_exception(LinkClosedError(f"the link was lost{why}"))
