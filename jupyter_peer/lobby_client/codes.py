"""Exchanges an invite with another node through a mailbox of the lobby (``relay/SPEC.md``, *Codes*).

Both nodes use a throwaway key, so the lobby does not learn who pairs with whom. The mailbox carries
the messages of :mod:`jupyter_peer.wire.codes.code`. The lobby cannot read the invite in the last one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from ..errors import (
    BadRequestError,
    BusyError,
    CodeUnknownError,
    CodeWrongError,
    LinkClosedError,
    MalformedError,
    PeerError,
    PeerTimeoutError,
    ProtocolError,
)
from ..wire.codes.code import SECRET_BYTES, Code, CodeGuest, CodeOwner
from ..wire.link.identity import Identity
from ..wire.relay import lobby as wire
from .connection import LobbyConnection

#: How long the other side may take for each step once both are there.
STEP_S = 30.0
_MAX_UNREAD = 8

RandomBytes = Callable[[int], bytes]


class Mailbox(Protocol):
    """The interface of a mailbox, as the exchange needs it; see :class:`LobbyMailbox`."""

    async def claim(self, number: int, body: bytes) -> None:
        """Claim another node's mailbox and leave the first message in it.

        Raises:
            CodeUnknownError: There is no such mailbox, or another node has claimed it.
        """

    async def say(self, body: bytes) -> None:
        """Send a message to the other node."""

    async def hear(self, timeout: float) -> bytes:
        """Return the next message of the other node.

        Raises:
            CodeWrongError: The other node reports that the words differ.
            CodeUnknownError: The mailbox has ended.
            LinkError: The lobby or the other node has disconnected or does not answer.
        """

    async def close(self, reason: wire.CodeEnd) -> None:
        """End the mailbox; never raises."""


class LobbyMailbox:
    """A mailbox at a real lobby; made by :func:`at_lobby`.

    Attributes:
        number: Number of the mailbox; 0 before :meth:`open` or :meth:`claim`.
    """

    def __init__(self) -> None:
        self.number = 0
        self._connection: LobbyConnection | None = None
        self._heard: asyncio.Queue[wire.CodeSaid | wire.CodeClosed] = asyncio.Queue(_MAX_UNREAD)

    async def connect(
        self, url: str, identity: Identity, ssl_context: ssl.SSLContext | None
    ) -> None:
        """Connect to the lobby without being listed there.

        Raises:
            PeerError: The lobby cannot be reached, or refuses.
        """
        self._connection = await LobbyConnection.open(identity, url, self._take, ssl_context)
        await self._request(wire.Register(addresses=[], listed=False), wire.Registered)

    async def open(self) -> float:
        """Open a mailbox and return its lifetime in seconds.

        Raises:
            PeerError: The lobby refuses.
        """
        opened = await self._request(wire.OpenCode(), wire.CodeOpened)
        assert isinstance(opened, wire.CodeOpened)
        self.number = opened.number
        return min(opened.life_s, wire.CODE_LIFE_S)

    async def claim(self, number: int, body: bytes) -> None:
        self.number = number
        await self._request(wire.ClaimCode(number=number, body=_to_text(body)), wire.Done)

    async def say(self, body: bytes) -> None:
        await self._request(wire.SayCode(number=self.number, body=_to_text(body)), wire.Done)

    async def hear(self, timeout: float) -> bytes:
        notice = await self._next(timeout)
        if isinstance(notice, wire.CodeSaid):
            return _to_bytes(notice.body)
        if notice.reason == "wrong":
            raise CodeWrongError
        if notice.reason == "expired":
            raise CodeUnknownError("the code has expired", hint="make a new one")
        raise CodeUnknownError("the other side has gone", hint="make a new code and try again")

    async def close(self, reason: wire.CodeEnd) -> None:
        # If the lobby has disconnected, it has ended the mailbox too.
        with contextlib.suppress(PeerError):
            await self._request(wire.CloseCode(number=self.number, reason=reason), wire.Done)

    async def leave(self) -> None:
        """Leave the lobby; this ends an open mailbox."""
        if self._connection is not None:
            self._connection.leave()
            await self._connection.until_closed()

    async def _next(self, timeout: float) -> wire.CodeSaid | wire.CodeClosed:
        connection = self._at_lobby()
        hearing = asyncio.ensure_future(self._heard.get())
        ending = asyncio.ensure_future(connection.ended.wait())
        try:
            await asyncio.wait(
                {hearing, ending}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if hearing.done():
                return hearing.result()
            if ending.done():
                raise connection.error or LinkClosedError("the connection to the lobby was closed")
            raise PeerTimeoutError("the other side does not answer", hint="make a new code")
        finally:
            hearing.cancel()
            ending.cancel()

    async def _request(self, message: wire.Request, kind: type[wire.Notice]) -> wire.Notice:
        answer = await self._at_lobby().request(message)
        if not isinstance(answer, kind):
            raise ProtocolError("the lobby's answer is not one to this request")
        return answer

    def _at_lobby(self) -> LobbyConnection:
        if self._connection is None:
            raise LinkClosedError("this node is not at the lobby")
        return self._connection

    def _take(self, notice: wire.Notice) -> None:
        if not isinstance(notice, wire.CodeSaid | wire.CodeClosed):
            return
        if notice.number == self.number or self.number == 0:
            try:
                self._heard.put_nowait(notice)
            except asyncio.QueueFull:
                raise BusyError("the lobby says more than an exchange has") from None


@contextlib.asynccontextmanager
async def at_lobby(
    urls: Sequence[str], seed: bytes, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[LobbyMailbox]:
    """Yield a connection to the first broker of a lobby that answers.

    Args:
        urls: The lobby's URLs, one for each broker, with the path ``/lobby-ws``.
        seed: 32 random bytes for a throwaway key.
        ssl_context: For ``wss://``.

    Raises:
        PeerError: No broker answers, or the lobby refuses.
    """
    mailbox, identity = LobbyMailbox(), Identity.from_seed(seed)
    try:
        reason: PeerError = BadRequestError("no URL of a lobby was given")
        for url in urls:
            try:
                await mailbox.connect(url, identity, ssl_context)
                break
            except PeerError as error:
                reason = error
        else:
            raise reason
        yield mailbox
    finally:
        await mailbox.leave()


async def hand_over(
    mailbox: Mailbox,
    code: Code,
    invite: str,
    random_bytes: RandomBytes,
    life_s: float = wire.CODE_LIFE_S,
) -> None:
    """Wait for the guest with the code, and send the invite; every failure ends the code.

    Args:
        mailbox: A mailbox that this node has opened.
        code: The code of this mailbox.
        invite: Text of the invite, which is sent if the other side knows the words.
        random_bytes: Source of secrets.
        life_s: Seconds to wait for the other side.

    Raises:
        CodeWrongError: Somebody guessed the words, or intercepted the exchange.
        CodeUnknownError: The time is over, or the other side left before the end.
        LinkError: The lobby has disconnected, or the other side does not answer.
    """
    owner = CodeOwner(code, random_bytes(SECRET_BYTES))
    share = await mailbox.hear(life_s)
    try:
        await mailbox.say(owner.on_share(share))
        sealed = owner.on_confirmation(await mailbox.hear(STEP_S), invite)
    except (CodeWrongError, MalformedError):
        await mailbox.close("wrong")
        raise CodeWrongError from None
    await mailbox.say(sealed)
    # The other side ends the mailbox after it has read the invite; later errors do not matter.
    with contextlib.suppress(PeerError):
        await mailbox.hear(STEP_S)


async def receive(mailbox: Mailbox, code: Code, random_bytes: RandomBytes) -> str:
    """Return the invite that belongs to a code.

    Raises:
        CodeUnknownError: Nobody waits for this code.
        CodeWrongError: The words are wrong, or somebody intercepted the exchange. The code is used up.
        LinkError: The lobby has disconnected, or the other side does not answer.
    """
    guest = CodeGuest(code, random_bytes(SECRET_BYTES))
    await mailbox.claim(code.number, guest.share)
    try:
        confirmation = guest.on_answer(await mailbox.hear(STEP_S))
        await mailbox.say(confirmation)
        invite = guest.on_invite(await mailbox.hear(STEP_S))
    except (CodeWrongError, MalformedError):
        await mailbox.close("wrong")
        raise CodeWrongError from None
    await mailbox.close("over")
    return invite


def _to_text(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _to_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("a message of the code exchange is not base64") from error
