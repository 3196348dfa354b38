"""The page of guest links: one static file, the same wherever it is served (wire/SPEC.md section 11).

Relay, peer port and Jupyter's port serve it. A request for it reveals no guest link: the page's
script reads id and secret, and a browser does not send the fragment. The file has two roles. As the
page, it may only run its own script and connect to the host that served it. With ``?frame`` it is
the frame that draws a pane: the pane's scripts run there, in an origin of their own and without a
network. ``?widgets``, ``?math`` and so on return code that only some panes need; the page passes it
to the frame.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping

import msgspec
from tornado.web import RequestHandler

from .frame_policy import FRAME_HEADERS, PARTS
from .static_files import STATIC, StaticFile

_INLINE = re.compile(rb"<(script|style)>(.*?)</\1>", re.DOTALL)
_FRAMED = {"X-Frame-Options": "SAMEORIGIN", **FRAME_HEADERS}
_HTML, _SCRIPT = "text/html; charset=utf-8", "text/javascript; charset=utf-8"


class Served(msgspec.Struct, frozen=True):
    """One response: its file and its headers."""

    file: StaticFile
    headers: Mapping[str, str]


class GuestPage:
    """The files of the guest page, which are read once.

    Attributes:
        digest: Hex SHA-256 of the page, for people to compare.
    """

    def __init__(self) -> None:
        page = StaticFile.read(STATIC, "guest.html")
        self.digest = hashlib.sha256(page.content).hexdigest()
        self._served = {
            "": _served(page, _HTML, {"X-Frame-Options": "DENY", **_own_policy(page.content)}),
            "frame": _served(page, _HTML, _FRAMED),
        }

    def get(self, query: str) -> Served | None:
        """Return the response to a query; None for an unknown query."""
        if query in PARTS and query not in self._served:
            code = StaticFile.read(STATIC, f"{query}.js")
            self._served[query] = _served(code, _SCRIPT, _FRAMED)
        return self._served.get(query)


@functools.cache
def guest_page() -> GuestPage | None:
    """Return the guest page; None in a checkout whose front end was not built."""
    try:
        return GuestPage()
    except FileNotFoundError:
        return None


def _served(file: StaticFile, content_type: str, headers: Mapping[str, str]) -> Served:
    return Served(
        file,
        {
            "Content-Type": content_type,
            "Cache-Control": "no-cache",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-DNS-Prefetch-Control": "off",
            "X-Robots-Tag": "noindex, nofollow",
            "Cross-Origin-Opener-Policy": "same-origin",
            **headers,
        },
    )


def _own_policy(page: bytes) -> dict[str, str]:
    """Return the policy of the page itself: its own script and style, by their hashes."""
    sources: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
        sources[kind].append(f"'sha256-{digest}'")
    return {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                f"script-src {' '.join(sources[b'script'])}",
                f"style-src {' '.join(sources[b'style'])}",
                "connect-src 'self'",
                "frame-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )
    }


class GuestPageHandler(RequestHandler):
    """Serves the page at every path below ``/s/``, whether or not a guest link has that path."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    def get(self, path: str = "") -> None:
        """Serve the page, its frame, or the code for widgets."""
        page = guest_page()
        served = page.get(self.request.query) if page is not None else None
        if served is None:
            self.set_status(404)
            self.finish()
            return
        for name, value in served.headers.items():
            self.set_header(name, value)
        # Tornado answers a HEAD request with the headers alone.
        self.finish(served.file.for_client(self))

    head = get


def is_same_origin(origin: str, host: str) -> bool:
    """Return whether the host of a request has served the page that has this origin."""
    scheme, separator, place = origin.lower().partition("://")
    return bool(separator) and scheme in ("http", "https") and place == host.lower()
