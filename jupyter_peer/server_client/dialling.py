"""Opens the control socket of a server with Tornado, for :class:`.connection.Connection`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from ..control.frames import MAX_FRAME, Frame
from ..errors import NoServerError, PeerError, UnauthorizedError, from_wire
from .connection import Dial

if TYPE_CHECKING:
    import ssl

    from tornado.httpclient import HTTPClientError
    from tornado.websocket import WebSocketClientConnection

_CONNECT_TIMEOUT_S = 10.0
_PING_INTERVAL_S = 30.0


class _TornadoSocket:
    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket

    def write(self, frame: Frame) -> None:
        from tornado.websocket import WebSocketClosedError

        try:
            written = self._socket.write_message(frame.payload, binary=frame.is_binary)
        except WebSocketClosedError:
            # The close callback informs all waiters; so too below.
            return
        written.add_done_callback(lambda done: done.cancelled() or done.exception())

    def close(self) -> None:
        self._socket.close()


def socket_url(url: str) -> str:
    """Return the control socket's address of a server's base URL.

    Raises:
        NoServerError: It is not an http or https URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise NoServerError(
            f"{url!r} is not the address of a Jupyter server", hint="give an http or https URL"
        )
    path = f"{parts.path.rstrip('/')}/jupyter-peer/ws"
    return urlunsplit((parts.scheme.replace("http", "ws", 1), parts.netloc, path, "", ""))


def dial_to(url: str, secret: str, certificate: str | None = None) -> Dial:
    """Return a function that opens a control socket to the server at ``url``.

    Args:
        url: Base URL of the server, http or https.
        secret: Authenticates this client.
        certificate: Path of the server's own TLS certificate, PEM: then no other is accepted, and
            its names do not matter, since they are rarely those of 127.0.0.1.
    """

    async def dial(on_frame: Callable[[str | bytes | None], None]) -> _TornadoSocket:
        from tornado.httpclient import HTTPClientError, HTTPRequest
        from tornado.websocket import websocket_connect

        request = HTTPRequest(
            socket_url(url),
            headers={"Authorization": f"peer-secret {secret}"},
            connect_timeout=_CONNECT_TIMEOUT_S,
            ssl_options=None if certificate is None else _pinned(certificate),
        )
        try:
            socket = await websocket_connect(
                request,
                on_message_callback=on_frame,
                ping_interval=_PING_INTERVAL_S,
                max_message_size=MAX_FRAME,
            )
        except HTTPClientError as error:
            raise _refusal(url, error) from error
        except (OSError, TimeoutError) as error:
            raise NoServerError(
                f"the Jupyter server at {url} does not answer", hint="check that it still runs"
            ) from error
        # Small frames would wait about 40 ms for the acknowledgment of earlier ones.
        socket.protocol.stream.set_nodelay(True)  # type: ignore[union-attr]
        return _TornadoSocket(socket)

    return dial


def _pinned(certificate: str) -> ssl.SSLContext:
    import ssl

    # Only the server's own certificate, the first of a chain.
    first, end, _ = Path(certificate).read_text().partition("-----END CERTIFICATE-----")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=first + end)
    return context


def _refusal(url: str, error: HTTPClientError) -> PeerError:
    if error.code in (401, 403):
        return UnauthorizedError(
            f"the Jupyter server at {url} does not accept this secret",
            hint="restart the kernel, so that the server gives it a new one",
        )
    if error.code == 503 and error.response is not None:
        try:
            return from_wire(json.loads(error.response.body))
        except ValueError:
            pass
    return NoServerError(
        f"the Jupyter server at {url} has no control socket (it answers {error.code})",
        hint="check `jupyter server extension list`, then restart the server",
    )
