"""Objects as MIME bundles, as a cell displays them."""

from __future__ import annotations

import base64
from typing import Any, cast

import msgspec

from .cell import interactive_shell


def mime_bundle(obj: object) -> dict[str, Any]:
    """Return how an object is displayed: ``data`` by MIME type and ``metadata``, plain JSON."""
    shell = interactive_shell()
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None:
        from IPython.core.formatters import DisplayFormatter

        formatter = DisplayFormatter()
    data, metadata = formatted(formatter, obj)
    encoded = msgspec.json.encode({"data": data, "metadata": metadata}, enc_hook=_encoded)
    return cast("dict[str, Any]", msgspec.json.decode(encoded))


def formatted(formatter: Any, obj: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data and metadata that a formatter makes of an object."""
    # An object that displays itself would do so in the running cell.
    itself = formatter.ipython_display_formatter
    before, itself.enabled = itself.enabled, False
    try:
        data, metadata = formatter.format(obj)
    finally:
        itself.enabled = before
    pictures = {mime: base64.b64encode(v).decode() for mime, v in data.items() if type(v) is bytes}
    return {**data, **pictures} or {"text/plain": repr(obj)}, metadata


def _encoded(value: object) -> object:
    tolist = getattr(value, "tolist", None)  # of arrays and their numbers
    return tolist() if callable(tolist) else str(value)
