"""The control socket ``{base_url}jupyter-peer/ws`` of browser tabs, kernels and the command line.

A browser uses Jupyter's own login. Kernels and the command line send
``Authorization: peer-secret ...``. Such a request must come from this machine, without an Origin and
without a proxy in between (:mod:`.local_callers`); Jupyter's identity provider is not asked then.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import (
    WebSocketClosedError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)

from ...control.frames import Frame
from ...errors import to_page
from ...wire.addresses import host_of
from ..context import SETTING, ServerContext, UnavailableError
from ..node.addresses import learned_address, local_url
from ..node.names import name_in_jupyter
from ..rest.base import AUTH_RESOURCE, error_body
from .local_callers import why_not_local
from .secrets import BROWSER, Caller, is_secret_header

if TYPE_CHECKING:
    from ..running import Running
    from .session import ControlSession

log = logging.getLogger(__name__)


class ControlWebSocketHandler(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """One control connection; :class:`.ControlSession` serves it."""

    auth_resource = AUTH_RESOURCE
    running: Running
    caller: Caller | None = None
    session: ControlSession | None = None

    @property
    def context(self) -> ServerContext:
        """The context that all handlers of this server share."""
        context: ServerContext = self.settings[SETTING]
        return context

    def set_default_headers(self) -> None:
        """Set none: they concern pages."""

    async def prepare(self) -> None:  # type: ignore[override]
        """Identify the caller."""
        authorization = self.request.headers.get("Authorization", "")
        if not is_secret_header(authorization):
            await super().prepare()
            return
        self.current_user = None
        assert self.serverapp is not None
        reason = why_not_local(self.request, host_of(local_url(self.serverapp)))
        if reason is not None:
            log.warning("a request with a secret was refused: %s", reason)
            raise web.HTTPError(403, f"a secret opens this socket from its own machine: {reason}")
        caller = self.context.secrets.caller_of_header(authorization)
        if caller is None:
            raise web.HTTPError(403, "this secret is not valid or has expired")
        self.caller = caller
        name = caller.kernel_id or caller.kind
        self.current_user = self._jupyter_current_user = User(f"jupyter-peer:{name}")

    def check_origin(self, origin: str | None = None) -> bool:
        """Apply Jupyter's check to browsers; a request with a secret has no Origin."""
        return self.caller is not None or bool(super().check_origin(origin))

    def get_compression_options(self) -> None:
        """Do not compress: it is slow, and most connections stay on one machine."""

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Disable Tornado's pings: it reads Jupyter's milliseconds as seconds."""
        protocol = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            protocol.params.ping_interval = None
        return protocol

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open the socket once the caller is authorized and the node is started."""
        if self.caller is None:
            user = self.current_user
            is_authorized = self.authorizer.is_authorized(self, user, "execute", AUTH_RESOURCE)
            if not await ensure_async(is_authorized):
                raise web.HTTPError(403)
        try:
            self.running = await self.context.ready()
        except UnavailableError as unavailable:
            self.set_status(503)
            self.set_header("Content-Type", "application/json")
            self.finish(msgspec.json.encode(to_page(unavailable.error)))
            return
        await super().get(*args, **kwargs)

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Start to serve the client."""
        from .session import ControlSession  # the running node has imported all that it needs

        super().open(*args, **kwargs)
        self.set_nodelay(True)
        if self.caller is None:
            hub = self.running.operations.hub
            hub.propose_name(name_in_jupyter(self.current_user, os.environ))
            address = learned_address(self.request.headers, self.request.protocol, self.base_url)
            if address is not None:
                hub.add_learned_address(address)
        self.session = ControlSession(self.running, self.caller or BROWSER, _HandlerSocket(self))
        self.context.sessions.add(self.session)

    async def on_message(self, message: str | bytes) -> None:
        """Pass a frame to the session; the next is read when this returns."""
        if self.session is not None:
            await self.session.take(message)

    def on_close(self) -> None:
        """End the session."""
        if self.session is not None:
            self.context.end(self.session)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer a refusal in JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(error_body(status_code, **kwargs))


class _HandlerSocket:
    """A handler as :class:`.session.Socket`."""

    def __init__(self, handler: WebSocketHandler) -> None:
        self._handler = handler

    def write(self, frame: Frame) -> asyncio.Future[None]:
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(written: asyncio.Future[None]) -> None:
            if not written.cancelled():
                written.exception()
            if not taken.done():
                taken.set_result(None)

        try:
            self._handler.write_message(frame.payload, frame.is_binary).add_done_callback(done)
        except WebSocketClosedError:
            taken.set_result(None)
        return taken

    def hang_up(self) -> None:
        self._handler.close(1001, "closed by the server")
