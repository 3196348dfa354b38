"""The requests of one turn to the server: each ends with the turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from ...errors import TurnCancelledError
from ..connection import Json, LoopThread, check_may_block
from ..core import ServerCore

T = TypeVar("T")

_TIMEOUT = 3600.0


class TurnRequests:
    """The requests of one turn. All methods may be called from any thread.

    Args:
        number: Names the turn on its server.
        core: The client's calls.
        thread: Runs those calls.
    """

    def __init__(self, number: int, core: ServerCore, thread: LoopThread) -> None:
        self.number = number
        self.core = core
        self.thread = thread
        self._over = threading.Event()
        self._under_way: set[Future[Any]] = set()
        self._on_over: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._over.is_set()

    def raise_if_over(self) -> None:
        """Raise TurnCancelledError once nobody waits for the answer any more."""
        if self._over.is_set():
            raise TurnCancelledError("nobody waits for the answer any more")

    def request(self, op: str, params: Json = {}) -> Json:  # noqa: B006 - only read
        """Send the server a request for this turn, and block until it answers.

        Raises:
            TurnCancelledError: The turn is over.
            RuntimeError: The caller runs in an event loop that others use.
        """
        return self.wait(self._request(op, params))

    async def request_async(self, op: str, params: Json = {}) -> Json:  # noqa: B006 - only read
        """Send the server a request for this turn, from a coroutine of any loop."""
        return await self.wait_async(self._request(op, params))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the client for this turn, and block until it is done.

        Raises:
            TurnCancelledError: The turn is over.
            RuntimeError: The caller runs in an event loop that others use.
        """
        try:
            check_may_block()
        except RuntimeError:
            work.close()
            raise
        future = self._begin(work)
        try:
            return future.result()
        except CancelledError:
            self.raise_if_over()
            raise

    async def wait_async(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the client for this turn, from a coroutine of any loop."""
        future = self._begin(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self.raise_if_over()
            raise

    def end(self) -> None:
        """End the turn and its requests: nobody waits for the answer any more."""
        self._over.set()
        with self._lock:
            under_way, callbacks = list(self._under_way), self._on_over
            self._on_over = []
        for future in under_way:
            future.cancel()
        for callback in callbacks:
            callback()

    def on_over(self, callback: Callable[[], object]) -> None:
        """Call back once when the turn is over, from the thread that ends it."""
        with self._lock:
            if not self._over.is_set():
                self._on_over.append(callback)
                return
        callback()

    def _request(self, op: str, params: Json) -> Coroutine[Any, Any, Json]:
        whole = {"turn": self.number, **params}
        return self.core.connection.request(op, whole, timeout=_TIMEOUT)

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            self.raise_if_over()
        except TurnCancelledError:
            work.close()
            raise
        future = self.thread.submit(work)
        with self._lock:
            self._under_way.add(future)
        future.add_done_callback(self._forget)
        if self._over.is_set():
            future.cancel()
        return future

    def _forget(self, future: Future[Any]) -> None:
        with self._lock:
            self._under_way.discard(future)
