"""The files of the front end, which are sent compressed.

Scripts are compressed when they are built: a wheel that held both forms would be larger, and
compressing the largest would stop the event loop for a tenth of a second. Pages are small, and are
compressed when they are read. Nothing else is sent compressed. The size of an answer that has a secret beside the input of a stranger
would reveal the secret (BREACH).
"""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

from tornado.web import RequestHandler

STATIC = Path(__file__).parent.parent / "static"


class StaticFile:
    """One file, compressed and as it is.

    Attributes:
        compressed: Its bytes in the format of gzip.
    """

    def __init__(self, compressed: bytes) -> None:
        self.compressed = compressed

    @classmethod
    def read(cls, folder: Path, name: str) -> StaticFile:
        """Read a file; of a script only the compressed form exists.

        Raises:
            FileNotFoundError: There is no such file; the front end was not built.
        """
        if name.endswith(".js"):
            return cls((folder / f"{name}.gz").read_bytes())
        return cls(gzip.compress((folder / name).read_bytes(), 9, mtime=0))

    @functools.cached_property
    def content(self) -> bytes:
        """The file as it is; few clients ask for it."""
        return gzip.decompress(self.compressed)

    def for_client(self, handler: RequestHandler) -> bytes:
        """Return the form that a client accepts, and set the headers that belong to it.

        Tornado makes the ``ETag`` from these bytes, so each form has its own.
        """
        handler.set_header("Vary", "Accept-Encoding")
        if not accepts_gzip(handler.request.headers.get("Accept-Encoding", "")):
            return self.content
        handler.set_header("Content-Encoding", "gzip")
        return self.compressed


def accepts_gzip(header: str) -> bool:
    """Return whether a client accepts gzip, by its ``Accept-Encoding`` (RFC 9110, section 12.5.3)."""
    weights: dict[str, float] = {}
    for each in header.lower().split(","):
        name, _, weight = each.replace(" ", "").partition(";q=")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            weights[name] = 0
    return weights.get("gzip", weights.get("*", 0)) > 0
