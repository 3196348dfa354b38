"""What the handlers of one server share: the running hub, or the reason why there is none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import NotEnabledError, PeerError
from .control.secrets import Secrets
from .control.session import ControlSession
from .running import Running

log = logging.getLogger(__name__)

#: Key of the context in Tornado's settings.
SETTING = "jupyter_peer_context"


class UnavailableError(Exception):
    """The extension cannot serve anything; ``error`` says why. Answered with status 503."""

    def __init__(self, error: PeerError) -> None:
        self.error = error
        super().__init__(error.message)


class ServerContext:
    """Starts the node once, at the latest when the first request needs it.

    Args:
        start: Starts it; raises PeerError when it cannot.
        secrets: Those of kernels and the command line.
    """

    def __init__(self, start: Callable[[], Awaitable[Running]], secrets: Secrets) -> None:
        self.secrets = secrets
        self.sessions: set[ControlSession] = set()
        self._start = start
        self._starting: asyncio.Task[Running] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def running(self) -> Running | None:
        """The started node, None before it is up and when it could not start."""
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    async def ready(self) -> Running:
        """Return the node, started if need be.

        Raises:
            UnavailableError: It could not start, or the server is being stopped.
        """
        if self._is_closed:
            raise UnavailableError(NotEnabledError("the server is being stopped"))
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(
                self._start_guarded(), name="jupyter-peer start"
            )
        # One impatient request must not stop the start for all.
        return await asyncio.shield(self._starting)

    async def _start_guarded(self) -> Running:
        try:
            return await self._start()
        except PeerError as error:
            log.error("jupyter-peer is disabled: %s", error)
            raise UnavailableError(error) from error
        except Exception as error:
            log.exception("jupyter-peer is disabled: it failed to start")
            reason = NotEnabledError(
                "jupyter-peer failed to start", hint="the server's log has the details"
            )
            raise UnavailableError(reason) from error

    def end(self, session: ControlSession) -> None:
        """End a session whose connection is gone."""
        if session in self.sessions:
            self.sessions.discard(session)
            task = asyncio.get_running_loop().create_task(session.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def kernel_ended(self, kernel_id: str) -> None:
        """Hang up on a kernel that is gone."""
        for session in list(self.sessions):
            if session.caller.kernel_id == kernel_id:
                session.hang_up()

    async def close(self) -> None:
        """End all sessions and refuse everything from now on; may be called twice."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for session in list(self.sessions):
            session.hang_up()
            self.end(session)
        await asyncio.gather(*self._ending, return_exceptions=True)
