"""One control socket that reconnects: requests, progress and events, on a thread of its own.

Below is a :class:`ControlSocket`, which the client dials with Tornado; above are the calls. The
thread keeps views live and receives answers while a cell blocks the kernel's own loop.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..control import frames as control
from ..control.table import operation
from ..errors import NoServerError, PeerError, PeerTimeoutError, UnauthorizedError
from ..primitives import background, loop_thread
from ..primitives.backoff import Backoff, spread
from ..primitives.pauses import pause_until
from ..primitives.signal import Signal

log = logging.getLogger(__name__)

T = TypeVar("T")
Json = dict[str, Any]

FIRST_DELAY = 0.2
LONGEST_DELAY = 15.0
GOODBYE_TIMEOUT = 0.5

_TRIES = 3
_KEPT = frozenset({"peers", "panes", "lobby"})


class ControlSocket(Protocol):
    """An open WebSocket to the server."""

    def write(self, frame: control.Frame) -> None:
        """Queue one message."""

    def close(self) -> None:
        """Close it."""


#: Opens a socket. The callback receives each frame, and None once the socket is closed.
Dial = Callable[[Callable[["str | bytes | None"], None]], Awaitable[ControlSocket]]


class LoopThread(loop_thread.LoopThread):
    """A thread of the client; see :class:`.loop_thread.LoopThread`."""

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine from any thread.

        Raises:
            NoServerError: The thread has been stopped.
        """
        try:
            return super().submit(work)
        except RuntimeError:
            raise _closed() from None


def check_may_block() -> None:
    """Raise an error in a thread whose event loop serves others, because a wait would stop them.

    Raises:
        RuntimeError: The caller runs on a :class:`LoopThread`.
    """
    if loop_thread.is_here():
        raise RuntimeError(
            "this call blocks, so it cannot be made in a callback of the client or in a coroutine "
            "of an agent; await its async form: turn.aio, or jupyter_peer.aio"
        )


@dataclass
class _Pending:
    answer: asyncio.Future[Json]
    on_progress: Callable[[Json], None] | None
    on_result: Callable[[Json], None] | None


class Connection:
    """Requests and events of one control socket; reconnects for as long as it is open.

    All methods belong to the loop's thread.

    Args:
        dial: Opens the socket; raises NoServerError or UnauthorizedError.
        first_delay: Seconds before the first new attempt; doubles up to ``longest_delay``.
        longest_delay: Seconds.
    """

    def __init__(
        self, dial: Dial, *, first_delay: float = FIRST_DELAY, longest_delay: float = LONGEST_DELAY
    ) -> None:
        self._dial = dial
        # Half of the delay is random, so that kernels do not reconnect all at once.
        self._backoff = Backoff(first_delay, longest_delay, spread(0.5, 1.0))
        self._socket: ControlSocket | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[ControlSocket]] = []
        self._pending: dict[int, _Pending] = {}
        self._ids = itertools.count(1)
        self._events: dict[str, Signal[[Json]]] = defaultdict(
            lambda: Signal("an event of the control socket")
        )
        self._link: Signal[[bool]] = Signal("the control socket opened or was lost")
        self._closed = False
        #: The newest data of the events that carry a whole state.
        self.newest: dict[str, Json] = {}

    @property
    def is_up(self) -> bool:
        """Whether the socket is open right now."""
        return self._socket is not None

    @property
    def pending(self) -> int:
        """Number of requests without an answer yet."""
        return len(self._pending)

    def subscribe(self, event: str, callback: Callable[[Json], None]) -> Callable[[], None]:
        """Call back with the data of each event of a name; return a function that stops it."""
        return self._events[event].connect(callback)

    def on_link(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """Call back with True when the socket opens and with False when it is lost."""
        return self._link.connect(callback)

    async def ready(self) -> ControlSocket:
        """Return the open socket; dial at once if there is none.

        Raises:
            NoServerError: The attempt under way failed.
            UnauthorizedError: The server does not accept the secret.
        """
        if self._closed:
            raise _closed()
        if self._socket is not None:
            return self._socket
        waiter: asyncio.Future[ControlSocket] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._wanted.set()
        if self._keeper is None:
            self._keeper = background.start(self._keep(), "keeping the control socket")
        return await waiter

    def tell(self, op: str, params: Mapping[str, Any]) -> None:
        """Send a request that is not answered; do nothing while the socket is down."""
        if self._socket is not None:
            self._socket.write(control.encode_request(op, params))

    async def request(
        self,
        op: str,
        params: Mapping[str, Any] | None = None,
        *,
        on_progress: Callable[[Json], None] | None = None,
        on_result: Callable[[Json], None] | None = None,
        timeout: float | None = None,
    ) -> Json:
        """Call an operation of the server and return its result.

        Args:
            op: Its name in the operation table, :mod:`jupyter_peer.control.table`.
            params: Its parameters.
            on_progress: Called with each step.
            on_result: Called with the result before any frame that follows it is handled.
            timeout: Seconds for the answer; None uses the time in the table.

        Raises:
            PeerError: The operation's own error.
            NoServerError: The server cannot be reached, or disconnected before it answered.
            PeerTimeoutError: The server did not answer in time.
        """
        row = operation(op)
        seconds = row.timeout_s if timeout is None else timeout
        for left in range(_TRIES if row.is_repeatable else 1, 0, -1):
            socket = await self.ready()
            number = next(self._ids)
            answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
            self._pending[number] = _Pending(answer, on_progress, on_result)
            try:
                socket.write(control.encode_request(op, params or {}, number))
                await asyncio.wait((answer,), timeout=seconds)
                if answer.done():
                    return answer.result()
                raise PeerTimeoutError(
                    f"the Jupyter server did not answer {op!r} within {seconds:g} s",
                    hint="check that it runs and is not busy, then try again",
                )
            except _LostError:
                if left == 1:
                    raise NoServerError(
                        f"the connection to the Jupyter server was lost before it answered {op!r}",
                        hint=f"check whether it completed {op!r} before you try again",
                    ) from None
            except asyncio.CancelledError:
                if row.ends_unawaited:
                    self.tell("cancel", {"request": number})
                raise
            finally:
                self._pending.pop(number, None)
                if answer.done():
                    answer.exception()  # marks it as read: nobody needs it if the wait was cancelled
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close the socket and end every wait; may be called twice."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        self._settle(_closed())

    async def _keep(self) -> None:
        while True:
            gone = asyncio.Event()
            try:
                socket = await self._dial(lambda frame, gone=gone: self._on_frame(frame, gone))  # type: ignore[misc]
            except PeerError as error:
                self._settle(error)
                if isinstance(error, UnauthorizedError):
                    self._backoff.skip()
            except Exception as error:
                log.warning("dialling the control socket failed", exc_info=True)
                self._settle(
                    NoServerError(
                        f"connecting to the Jupyter server failed: {type(error).__name__}",
                        hint="check that it still runs",
                    )
                )
            else:
                self._backoff.reset()
                try:
                    self._up(socket)
                    await gone.wait()
                finally:
                    self._down(socket)
                    if self._closed:
                        # The loop stops next; the socket must be closed by then.
                        await pause_until(gone, GOODBYE_TIMEOUT)
            # All waiters have their answer by now; only a new one ends the pause early.
            self._wanted.clear()
            await pause_until(self._wanted, self._backoff.next())

    def _up(self, socket: ControlSocket) -> None:
        self._socket = socket
        self._settle(socket)
        self._link.emit(True)

    def _down(self, socket: ControlSocket) -> None:
        self._socket = None
        socket.close()
        for pending in list(self._pending.values()):
            if not pending.answer.done():
                pending.answer.set_exception(_LostError())
        self._link.emit(False)

    def _settle(self, outcome: ControlSocket | PeerError) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if waiter.done():
                continue
            if isinstance(outcome, PeerError):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)

    def _on_frame(self, frame: str | bytes | None, gone: asyncio.Event) -> None:
        if frame is None:
            gone.set()
            return
        try:
            message = control.decode_message(frame)
        except PeerError:
            log.warning("the server sent a frame that is not of the control socket", exc_info=True)
            return
        if isinstance(message, control.Event):
            if message.event in _KEPT:
                self.newest[message.event] = message.data
            if message.event in self._events:
                self._events[message.event].emit(message.data)
            return
        pending = None if message.id is None else self._pending.get(message.id)
        if pending is None or pending.answer.done():
            return
        if isinstance(message, control.Progress):
            if pending.on_progress is not None:
                _call(pending.on_progress, message.progress)
        elif isinstance(message, control.Failure):
            pending.answer.set_exception(message.error)
        else:
            if pending.on_result is not None:
                _call(pending.on_result, message.result)
            pending.answer.set_result(message.result)


def _closed() -> NoServerError:
    return NoServerError("this client has been closed", hint="create a new client")


class _LostError(Exception):
    """The socket closed while an answer was awaited."""


def _call(callback: Callable[[T], None], value: T) -> None:
    # An error in one listener must not stop the others.
    try:
        callback(value)
    except Exception:
        log.exception("a listener of the control socket failed")
