"""Converts a pane or an answer to text and pictures of MCP."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterable
from typing import Any

from mcp.types import ImageContent

from ...document.plain_text import clean, to_text
from ...errors import BadRequestError
from ...server_client.client import AsyncClient
from ...server_client.results.results import peer_title
from .models import PaneContent

MAX_TEXT = 100_000
MAX_PICTURES = 8
MAX_PICTURE_BYTES = 5 * 1024 * 1024
#: The name of this node as the owner of a pane.
ME = "me"
_PICTURES = ("image/png", "image/jpeg")

Json = dict[str, Any]


async def read_pane(
    me: AsyncClient, peer: str, name: str, tail: int | None, max_chars: int
) -> tuple[PaneContent, list[ImageContent]]:
    """Return the current content of a pane.

    Args:
        me: Client of the node.
        peer: Its owner by any name, or ``me``.
        name: Name of the pane.
        tail: Keep this many last lines; None for all.
        max_chars: Keep this many last characters.

    Raises:
        PeerError: It cannot be read.
    """
    facts, outputs = await (_own(me, name) if peer == ME else _offered(me, peer, name))
    whole = "\n".join(to_text(output) for output in outputs)
    text, cut = _end_of(whole, tail, max_chars)
    cut += facts.pop("truncated")
    pictures = pictures_of(outputs)
    content = PaneContent(
        name=name,
        text=text,
        notice=f"the first {cut} characters of its text are left out" if cut else "",
        pictures=len(pictures),
        **facts,
    )
    return content, pictures


def pictures_of(outputs: Iterable[Json]) -> list[ImageContent]:
    """Return the last pictures of outputs."""
    found = [picture for output in outputs if (picture := _picture(output)) is not None]
    return found[-MAX_PICTURES:]


def age(since: object) -> float:
    """Return the seconds since a time, which is epoch seconds."""
    return round(max(0.0, time.time() - since), 1) if isinstance(since, int | float) else 0.0


async def _own(me: AsyncClient, name: str) -> tuple[Json, list[Json]]:
    outputs = await me.read(name)
    mine = {pane["name"]: pane for pane in (await me.panes()).mine}
    facts = mine.get(name, {})
    return {
        "peer": ME,
        "title": clean(facts.get("title") or name),
        "status": facts.get("status", "live"),
        "age_s": age(facts.get("since")),
        "truncated": 0,
    }, outputs


async def _offered(me: AsyncClient, peer: str, name: str) -> tuple[Json, list[Json]]:
    if not peer:
        raise BadRequestError("the peer is missing", hint="call list_panes for the panes")
    view = await me.open(f"{peer}/{name}")
    try:
        info, outputs = view.info, view.outputs
    finally:
        await view.close()
    return {
        "peer": peer_title(info.get("owner") or {"node_name": peer}),
        "title": clean(info.get("title") or name),
        "status": info.get("status", "live"),
        "age_s": age(info.get("since")),
        "truncated": int(info.get("truncated") or 0),
    }, outputs


def _end_of(text: str, tail: int | None, max_chars: int) -> tuple[str, int]:
    """Return the end of a text, and how many characters were left out before it."""
    end = text
    if tail is not None:
        end = "".join(end.splitlines(keepends=True)[-tail:])
    end = end[-max_chars:]
    return end, len(text) - len(end)


def _picture(output: Json) -> ImageContent | None:
    data = output.get("data")
    for mime in _PICTURES:
        encoded = data.get(mime) if isinstance(data, dict) else None
        if isinstance(encoded, str) and len(encoded) < MAX_PICTURE_BYTES * 4 / 3:
            packed = "".join(encoded.split())
            try:
                base64.b64decode(packed, validate=True)
            except (binascii.Error, ValueError):
                return None
            return ImageContent(type="image", data=packed, mime_type=mime)
    return None
