"""Follows notebooks that get another path, so that panes stay with their cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: The event of Jupyter's server about its files (``event_schemas/contents_service/v1.yaml``).
_SCHEMA = "https://events.jupyter.org/jupyter_server/contents_service/v1"


def follow_moves(event_logger: Any, on_move: Callable[[str, str], None]) -> Callable[[], None]:
    """Report each file or folder that is renamed or moved; return a function that stops this.

    Args:
        event_logger: The ``EventLogger`` of Jupyter's server.
        on_move: Takes the earlier path and the new one, both without a slash at their ends.
    """

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        if data.get("action") == "rename":
            on_move(str(data.get("source_path", "")).strip("/"), str(data["path"]).strip("/"))

    event_logger.add_listener(schema_id=_SCHEMA, listener=listen)
    return lambda: event_logger.remove_listener(schema_id=_SCHEMA, listener=listen)
