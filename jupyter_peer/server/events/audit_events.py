"""Emits each entry of the audit log as an event of Jupyter, which operators can collect."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ...store.records import AuditRecord
from ...store.store import Store

log = logging.getLogger(__name__)

_SCHEMAS = Path(__file__).resolve().parent
_ID = "https://events.jupyter.org/jupyter_peer/{}/v1"


def emit_audit(store: Store, event_logger: Any) -> Callable[[], None]:
    """Emit each new entry of an audit log; return a function that stops this.

    Args:
        store: Has the audit log.
        event_logger: The ``EventLogger`` of Jupyter's server.
    """
    for path in sorted(_SCHEMAS.glob("*.yaml")):
        # Another node of this process may have registered it.
        if _ID.format(path.stem) not in event_logger.schemas:
            event_logger.register_event_schema(path)

    def emit(record: AuditRecord) -> None:
        try:
            event_logger.emit(
                schema_id=_ID.format(subject_of(record.kind)), data=msgspec.to_builtins(record)
            )
        except Exception:
            # A failing handler of an operator must not stop the operation itself.
            log.exception("an event of the audit log cannot be emitted")

    end: Callable[[], None] = store.audited.connect(emit)
    return end


def subject_of(kind: str) -> str:
    """Return the schema of a kind of entry: ``agent``, ``pane`` or ``node``."""
    for subject in ("agent", "pane"):
        if kind.startswith(subject):
            return subject
    return "node"
