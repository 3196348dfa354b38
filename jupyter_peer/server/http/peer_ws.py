"""The peer wire on Jupyter's own port: ``{base_url}peer-ws``, ``{base_url}guest-ws``, and the page.

A peer or guest proves its identity by the handshake of the peer wire. A Jupyter login would prove
nothing, so Jupyter's handlers with their cookies, tokens and users are not used here.
"""

from __future__ import annotations

from typing import Any

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated

from ...errors import NotEnabledError, PeerError, to_peer
from ...sockets.guest_page import GuestPageHandler
from ...transports.direct.direct import GuestWebSocketHandler, PeerWebSocketHandler
from ..context import SETTING, ServerContext, UnavailableError


class MountedPeerWebSocketHandler(PeerWebSocketHandler):
    """The end point of the direct transport, while the node runs."""

    def initialize(self) -> None:  # type: ignore[override]
        """Do not set the transport yet: the node may not be started."""

    def check_xsrf_cookie(self) -> None:
        """Check nothing: this handler uses no cookie."""

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
            self._refuse(
                403,
                NotEnabledError(
                    "direct connections are disabled here", hint="connect by a relay or by WebRTC"
                ),
            )
            return
        self.transport = running.direct
        await super().get(*args, **kwargs)

    def _refuse(self, status: int, error: PeerError) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(to_peer(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send no details of the server to strangers."""
        self.finish()


class MountedGuestWebSocketHandler(MountedPeerWebSocketHandler, GuestWebSocketHandler):
    """The door for guests, while the node runs."""


class MountedGuestPageHandler(GuestPageHandler):
    """The page of guest links. It is the same for everybody, so nobody has to log in for it."""

    def check_xsrf_cookie(self) -> None:
        """Check nothing: this handler uses no cookie."""

    @allow_unauthenticated
    def get(self, path: str = "") -> None:
        """Serve the page."""
        super().get(path)

    @allow_unauthenticated
    def head(self, path: str = "") -> None:
        """Serve its headers."""
        super().get(path)
