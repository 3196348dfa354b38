"""The context that the handlers of one server share: the running node, or the error of its start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..errors import NotEnabledError, PeerError
from ..primitives.task_set import TaskSet
from .control.secrets import Secrets

if TYPE_CHECKING:
    from .control.session import ControlSession
    from .running import Running

log = logging.getLogger(__name__)

#: Key of the context in Tornado's settings.
SETTING = "jupyter_peer_context"


class UnavailableError(Exception):
    """The extension cannot serve requests; ``error`` has the reason. REST answers with status 503."""

    def __init__(self, error: PeerError) -> None:
        self.error = error
        super().__init__(error.message)


class ServerContext:
    """Starts the node once, at the latest for the first request.

    Args:
        start: Starts it; raises PeerError if that fails.
        secrets: The secrets of kernels and the command line.
    """

    def __init__(self, start: Callable[[], Awaitable[Running]], secrets: Secrets) -> None:
        self.secrets = secrets
        self.sessions: set[ControlSession] = set()
        self._start = start
        self._starting: asyncio.Task[Running] | None = None
        self._ending = TaskSet("closing a control session")
        self._is_closed = False

    @property
    def running(self) -> Running | None:
        """The started node; None before it is started and if it failed to start."""
        task = self._starting
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result()

    async def ready(self) -> Running:
        """Return the node; start it if necessary.

        Raises:
            UnavailableError: It failed to start, or the server is stopping.
        """
        if self._is_closed:
            raise UnavailableError(
                NotEnabledError("the Jupyter server is stopping", hint="start it again")
            )
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(
                self._start_guarded(), name="jupyter-peer start"
            )
        # A cancelled request must not stop the start for the others.
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
        """Close a session whose connection is lost."""
        if session in self.sessions:
            self.sessions.discard(session)
            self._ending.start(session.close())

    def kernel_ended(self, kernel_id: str) -> None:
        """Close the connections of a kernel that ended."""
        for session in list(self.sessions):
            if session.caller.kernel_id == kernel_id:
                session.hang_up()

    async def close(self) -> None:
        """Close all sessions and refuse all requests from now on; may be called twice."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        for session in list(self.sessions):
            session.hang_up()
            self.end(session)
        await self._ending.join()
