"""The page in which a peer's pane is drawn: ``{base_url}jupyter-peer/viewer/...``.

A browser frames it with ``sandbox="allow-scripts"``, so that it has an origin of its own, and
exchanges messages with it. Its policy decides what a peer's script may do; the frame's own
attribute repeats it. The page holds no secret, but only logged-in users receive it, like everything
else of this server.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from ...sockets.frame_policy import FRAME_HEADERS, PARTS
from ..rest.base import AUTH_RESOURCE

STATIC = Path(__file__).parents[2] / "static"

_FILES = {"": ("viewer.html", "text/html; charset=utf-8")} | {
    f"{part}.js": (f"{part}.js", "text/javascript; charset=utf-8") for part in PARTS
}


class ViewerHandler(JupyterHandler):
    """The page, and the code that the front end passes to it for what not every pane has."""

    auth_resource = AUTH_RESOURCE

    @web.authenticated
    @authorized
    async def get(self, name: str | None = None) -> None:
        """Serve one of the files.

        Raises:
            HTTPError: There is no such file, or the front end was not built.
        """
        if (name or "") not in _FILES:
            raise web.HTTPError(404)
        filename, content_type = _FILES[name or ""]
        try:
            content = (STATIC / filename).read_bytes()
        except FileNotFoundError:
            raise web.HTTPError(404, "the page for panes was not built: run `make setup`") from None
        self.set_header("Content-Type", content_type)
        # Regardless of the settings for other pages.
        for header, value in FRAME_HEADERS.items():
            self.set_header(header, value)
        # Tornado's ETag of the content tells the browser whether it has changed.
        self.set_header("Cache-Control", "private, no-cache")
        await self.finish(content)
