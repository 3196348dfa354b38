"""The page in which a peer's pane is drawn: ``{base_url}jupyter-peer/viewer/...``.

A browser frames it with ``sandbox="allow-scripts"``, so that it has an origin of its own, and
exchanges messages with it. Its policy decides what a peer's script may do; the frame's own
attribute repeats it. The page holds no secret, but only logged-in users receive it, like everything
else of this server.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from ...sockets.frame_policy import PARTS, SITES, headers_for
from ...sockets.static_files import STATIC, StaticFile
from ..rest.base import AUTH_RESOURCE

#: Among the settings of the web application.
SITES_SETTING = "jupyter_peer_pane_sites"

_FILES = {"": ("viewer.html", "text/html; charset=utf-8")} | {
    f"{part}.js": (f"{part}.js", "text/javascript; charset=utf-8") for part in PARTS
}


class ViewerHandler(JupyterHandler):
    """The page, and the code for some panes that the front end passes to it."""

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
            file = StaticFile.read(STATIC, filename)
        except FileNotFoundError:
            raise web.HTTPError(404, "the page for panes was not built: run `make setup`") from None
        self.set_header("Content-Type", content_type)
        # Regardless of the settings for other pages.
        for header, value in self._frame_headers().items():
            self.set_header(header, value)
        # Tornado's ETag of the content tells the browser whether it has changed.
        self.set_header("Cache-Control", "private, no-cache")
        await self.finish(file.for_client(self))

    def _frame_headers(self) -> dict[str, str]:
        """Return the policy, which allows the sites that the viewer has chosen.

        Raises:
            HTTPError: A site is not known, or the administrator allows none.
        """
        sites = [site for site in self.get_query_argument("sites", "").split(",") if site]
        if sites and not self.settings.get(SITES_SETTING, False):
            raise web.HTTPError(
                403, "panes may load from no site: c.PeerExtension.allow_pane_sites"
            )
        try:
            return headers_for(sites)
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from None


def announce_sites(settings: dict[str, Any], is_allowed: bool) -> None:
    """Pass the sites from which panes may load to JupyterLab's page and to the handler."""
    settings[SITES_SETTING] = is_allowed
    page = settings.setdefault("page_config_data", {})
    page["peerPaneSites"] = json.dumps(SITES if is_allowed else ())
