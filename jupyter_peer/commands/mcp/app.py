"""A pane as an MCP App: a page that a host shows beside the result of ``read_pane``.

The page draws the result and calls the tool again while it is on show; views may call tools and read
resources, but not subscribe to them (ext-apps specification of 2026-01-26). A host without MCP Apps
shows the result alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mcp.server.apps import APP_MIME_TYPE
from mcp.types import TextResourceContents

URI = "ui://jupyter-peer/pane.html"
#: Marks the tool whose results the page draws.
TOOL_META: dict[str, Any] = {"ui": {"resourceUri": URI}}


@cache
def _page() -> str:
    return Path(__file__).with_name("pane.html").read_text(encoding="utf-8")


def page() -> TextResourceContents:
    """Return the page as a resource."""
    return TextResourceContents(uri=URI, text=_page(), mime_type=APP_MIME_TYPE)
