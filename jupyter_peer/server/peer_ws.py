"""The peer wire ``{base_url}peer-ws`` on Jupyter's own port.

No Jupyter login is asked for and none would help: whoever connects proves who it is by the
handshake of the peer wire. So Jupyter's handlers with their cookies, tokens and users are not used
here at all.
"""

from __future__ import annotations

from typing import Any

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated

from ..errors import NotEnabledError, PeerError, to_wire
from ..transports.direct import PeerWebSocketHandler
from .context import SETTING, ServerContext, UnavailableError

_PROXY_HEADERS = ("Forwarded", "Via", "X-Forwarded-For", "X-Real-Ip")


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
        if not self.settings["serverapp"].trust_xheaders and any(
            name in self.request.headers for name in _PROXY_HEADERS
        ):
            # The proxy's own address says nothing about who calls, least of all that he is near.
            self.request.remote_ip = "unknown"
        await super().get(*args, **kwargs)

    def _refuse(self, status: int, error: PeerError) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(to_wire(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say nothing of the server's insides to strangers."""
        self.finish()
