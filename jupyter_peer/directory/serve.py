"""A read-only web server for one signed directory.

It holds no key and changes nothing. Whoever controls it can only withhold the newest version, and
nodes notice that when their version expires.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from ..errors import BadRequestError, PeerError, to_wire
from .source import read_document

PATH = "/directory.json"
# A request of a node has one line and a few headers.
_MAX_HEADERS = 16 * 1024
_IDLE_S = 30.0


class _DocumentHandler(RequestHandler):
    """The document; an unchanged ``If-None-Match`` is answered with 304."""

    def initialize(self, document: Path) -> None:
        """Set the file, which is read for each request."""
        self._document = document

    async def get(self) -> None:
        """Send the document."""
        try:
            raw = await asyncio.to_thread(read_document, self._document)
        except PeerError as error:
            self.set_status(503)
            self.finish(to_wire(error)["message"].replace(str(self._document), PATH))
            return
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", f'"{hashlib.sha256(raw).hexdigest()}"')
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(raw)

    async def head(self) -> None:
        """Send the same headers without the document."""
        await self.get()

    def compute_etag(self) -> str | None:
        """Leave the tag to :meth:`get`."""
        return None

    def set_default_headers(self) -> None:
        """Send no name of this program."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")


class DirectoryServer:
    """Serves a file at ``/directory.json`` until it is closed.

    Args:
        document: The signed file.
    """

    def __init__(self, document: Path) -> None:
        self._document = document
        self._server: HTTPServer | None = None

    def listen(
        self, host: str, port: int, certificate: Path | None = None, key: Path | None = None
    ) -> str:
        """Start to serve.

        Args:
            host: Address to bind.
            port: Port; 0 for a free one.
            certificate: PEM file, to speak https.
            key: PEM file of the private key, if it is not in the certificate's file.

        Returns:
            The URL.

        Raises:
            BadRequestError: The address or the certificate cannot be used.
        """
        context = None if certificate is None else _tls(certificate, key)
        application = Application(
            [(r"/(?:directory\.json)?", _DocumentHandler, {"document": self._document})],
            log_function=lambda handler: None,
        )
        try:
            sock = _bound(host, port)
        except (OSError, OverflowError, UnicodeError) as error:
            raise BadRequestError(
                f"{host}:{port} cannot be used: {getattr(error, 'strerror', '') or error}",
                hint="choose another --ip or --port",
            ) from error
        self._server = HTTPServer(
            application,
            ssl_options=context,
            idle_connection_timeout=_IDLE_S,
            max_header_size=_MAX_HEADERS,
            max_body_size=0,
        )
        self._server.add_sockets([sock])
        bound = sock.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        return f"{'http' if context is None else 'https'}://{shown}:{bound}{PATH}"

    async def close(self) -> None:
        """Stop; may be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            await server.close_all_connections()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family)
    sock.setblocking(False)
    return sock


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise BadRequestError(
            f"the certificate cannot be used: {error.strerror or error}",
            hint="give PEM files with --certfile and --keyfile",
        ) from error
    return context
