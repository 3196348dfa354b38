"""Spoken codes: this node waits at its lobby for the person who received one."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from ...control.rows.invites import CodeStatus
from ...errors import (
    BusyError,
    CodeUnknownError,
    CodeWrongError,
    NotEnabledError,
    PeerError,
)
from ...hub.invites import MintedInvite
from ...lobby_client.codes import LobbyMailbox, RandomBytes, at_lobby, hand_over, receive
from ...phrase import phrase
from ...primitives.task_set import TaskSet
from ...wire.codes.code import WORD_BYTES, Code

log = logging.getLogger(__name__)

MAX_CODES = 4
_MAX_REMEMBERED = 100


class Codes:
    """The codes of this node, and codes that its user received.

    Args:
        urls: Returns the ``/lobby-ws`` of the lobby; empty without a lobby.
        trusting: Returns the TLS context for it.
        random_bytes: Source of words, keys and secrets.
        is_off: Whether the configuration rules a lobby out, so that no choice of a relay brings one.

    Attributes:
        on_end: Called with the id of an invite when somebody has used its code, or its code ended.
    """

    def __init__(
        self,
        urls: Callable[[], Sequence[str]],
        trusting: Callable[[], ssl.SSLContext],
        random_bytes: RandomBytes,
        is_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._urls = urls
        self._is_off = is_off
        self._trusting = trusting
        self._random_bytes = random_bytes
        self.on_end: Callable[[str, CodeStatus], None] = lambda *_: None
        self._tasks = TaskSet("waiting for a code to be used")
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._status: dict[str, CodeStatus] = {}

    @classmethod
    def none(cls) -> Codes:
        """Return the codes of a node without a lobby."""
        return cls(list, ssl.create_default_context, os.urandom)

    def check(self) -> None:
        """Check that a code can be made now.

        Raises:
            NotEnabledError: There is no lobby.
            BusyError: Enough codes wait already.
        """
        self._lobby()
        if len(self._waiting) >= MAX_CODES:
            raise BusyError(
                phrase("{most} codes wait to be used already", most=MAX_CODES),
                hint="use one, revoke its invite, or wait until it has expired",
            )

    def status(self, invite_id: str) -> CodeStatus | None:
        """Return the status of an invite's code; None without one, or after a restart."""
        return self._status.get(invite_id)

    async def offer(self, invite: MintedInvite) -> str:
        """Return a code for an invite; the first node that uses the code gets the invite.

        Raises:
            NotEnabledError: There is no lobby.
            PeerError: The lobby cannot be reached, or refuses.
        """
        urls = self._lobby()
        async with AsyncExitStack() as stack:
            mailbox = await stack.enter_async_context(
                at_lobby(urls, self._random_bytes(32), self._trusting())
            )
            life_s = await mailbox.open()
            code = Code.of(mailbox.number, self._random_bytes(WORD_BYTES))
            waiting = self._wait(mailbox, code, invite, life_s, stack.pop_all())
            self._set(invite.id, "waiting")
            self._waiting[invite.id] = self._tasks.start(waiting)
        return code.text

    async def invite_of(self, code: Code) -> str:
        """Return the invite that belongs to a code.

        Raises:
            NotEnabledError: There is no lobby.
            CodeUnknownError: Nobody waits for this code.
            CodeWrongError: Its words are wrong.
            PeerError: The lobby cannot be reached, or the other side does not answer.
        """
        urls = self._lobby()
        async with at_lobby(urls, self._random_bytes(32), self._trusting()) as mailbox:
            return await receive(mailbox, code, self._random_bytes)

    def cancel(self, invite_id: str) -> None:
        """End the code of an invite that was revoked."""
        task = self._waiting.pop(invite_id, None)
        if task is not None:
            self._set(invite_id, "ended")
            task.cancel()

    async def close(self) -> None:
        """End all codes; may be called twice."""
        await self._tasks.close()

    def _lobby(self) -> Sequence[str]:
        urls = self._urls()
        if self._is_off():
            raise NotEnabledError(
                "a code needs a relay at which both nodes meet, and lobby_url is off",
                hint="remove PeerExtension.lobby_url from the configuration, "
                "or use an invite instead of a code",
            )
        if not urls:
            raise NotEnabledError(
                "a code needs a relay at which both nodes meet, and this node has none",
                hint=phrase(
                    "choose one with %peer reach relay URL, or use an invite instead of a code"
                ).on_page(
                    phrase(
                        "choose “Anywhere, by a relay” under “Who can reach me”, or use an invite"
                    )
                ),
            )
        return urls

    async def _wait(
        self,
        mailbox: LobbyMailbox,
        code: Code,
        invite: MintedInvite,
        life_s: float,
        stack: AsyncExitStack,
    ) -> None:
        status: CodeStatus = "ended"
        async with stack:
            try:
                await hand_over(mailbox, code, invite.text, self._random_bytes, life_s)
                status = "used"
            except CodeWrongError:
                status = "wrong"
            except CodeUnknownError:
                status = "expired"
            except PeerError as error:
                log.info("the code of invite %s has ended: %s", invite.id, error.code)
        if self._waiting.pop(invite.id, None) is not None:
            self._set(invite.id, status)
            self.on_end(invite.id, status)

    def _set(self, invite_id: str, status: CodeStatus) -> None:
        self._status[invite_id] = status
        while len(self._status) > _MAX_REMEMBERED:
            del self._status[next(iter(self._status))]
