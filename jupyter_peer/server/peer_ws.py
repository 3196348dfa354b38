"""The peer wire ``{base_url}peer-ws`` on Jupyter's own port.

No Jupyter login is asked for and none would help: whoever connects proves who it is by the
handshake of the peer wire. So Jupyter's handlers with their cookies, tokens and users are not used
here at all.
"""

from __future__ import annotations

from typing import Any

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated

from ..errors import NotEnabledError, PeerError, to_peer
from ..transports.direct.direct import PeerWebSocketHandler
from .context import SETTING, ServerContext, UnavailableError


class MountedPeerWebSocketHandler(PeerWebSocketHandler):
    """The transport's end point, for the time the node runs."""

    def initialize(self) -> None:  # type: ignore[override]
        """Wait with the transport until the node is up."""

    def check_xsrf_cookie(self) -> None:
        """Check nothing: no cookie matters here."""

    @allow_unauthenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Open the socket."""
        context: ServerContext = self.settings[SETTING]
        try:
            running = await context.ready()
        except UnavailableError as unavailable:
            self._refuse(503, unavailable.error)
            return
        if running.direct is None:
            self._refuse(403, NotEnabledError("direct connections are switched off here"))
            return
        self.transport = running.direct
        await super().get(*args, **kwargs)

    def _refuse(self, status: int, error: PeerError) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(to_peer(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say nothing of the server's insides to strangers."""
        self.finish()
