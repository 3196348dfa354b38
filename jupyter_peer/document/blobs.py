"""Extracts large strings from JSON into buffers, and puts them back.

A string in a JSON value that is longer than a bound is replaced by ``{"$buffer": sha256hex}`` and
its UTF-8 bytes travel unchanged: no escaping, one copy of repeated strings, and the other
side may keep them by their hash. A real object with ``$buffer`` or ``$object`` as its only
key is written ``{"$object": {...}}``, so that every JSON value is restored exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ..errors import MalformedError
from ..wire.link.json_bounds import has_parts

REFERENCE = "$buffer"
LITERAL = "$object"
EXTRACT_OVER = 4096

Blob = bytes | bytearray | memoryview


def blob_hash(blob: Blob) -> str:
    """Return the hex SHA-256 that names a blob."""
    return hashlib.sha256(blob).hexdigest()


def extract_strings(value: Any, over: int = EXTRACT_OVER) -> tuple[Any, dict[str, bytes]]:
    """Return the value with references instead of long strings, and these strings by hash.

    The value itself is not changed; parts without long strings are shared with the result.

    Args:
        value: A JSON value (dicts, lists, strings, numbers, booleans, None).
        over: Strings of more characters than this are extracted.

    Raises:
        MalformedError: The value is nested too deeply to be walked.
    """
    blobs: dict[str, bytes] = {}
    try:
        return _extract(value, over, blobs), blobs
    except RecursionError:
        raise MalformedError("the value is nested too deeply") from None


def _extract(value: Any, over: int, blobs: dict[str, bytes]) -> Any:
    if isinstance(value, str):
        if len(value) <= over:
            return value
        # Kernels may emit lone surrogates, which have no UTF-8 and which no program can show.
        blob = value.encode("utf-8", "replace")
        name = blob_hash(blob)
        blobs[name] = blob
        return {REFERENCE: name}
    if isinstance(value, list):
        return [_extract(item, over, blobs) for item in value]
    if isinstance(value, dict):
        extracted = {key: _extract(item, over, blobs) for key, item in value.items()}
        return {LITERAL: extracted} if _is_marked(value) else extracted
    return value


def inline_strings(value: Any, blobs: Mapping[str, Blob | str]) -> Any:
    """Return the value with strings instead of references.

    Args:
        value: What :func:`extract_strings` made.
        blobs: The strings by hash, as UTF-8, or as ``str`` if they were kept.

    Raises:
        MalformedError: A reference names no blob, a blob is not UTF-8, a marked object is not of
            the form :func:`extract_strings` writes, or the value is nested too deeply.
    """
    texts: dict[str, str] = {}
    try:
        return _inline(value, blobs, texts)
    except RecursionError:
        raise MalformedError("the value is nested too deeply") from None


def _inline(value: Any, blobs: Mapping[str, Blob | str], texts: dict[str, str]) -> Any:
    if isinstance(value, list):
        if not has_parts(value):
            return value
        return [_inline(item, blobs, texts) for item in value]
    if not isinstance(value, dict):
        return value
    if not _is_marked(value):
        return {key: _inline(item, blobs, texts) for key, item in value.items()}
    if LITERAL in value:
        real = value[LITERAL]
        if not isinstance(real, dict) or not _is_marked(real):
            raise MalformedError(f"{LITERAL} must hold an object with the only key it protects")
        return {key: _inline(item, blobs, texts) for key, item in real.items()}
    name = value[REFERENCE]
    if not isinstance(name, str) or name not in blobs:
        raise MalformedError("a reference names a buffer that is not in the message")
    if name not in texts:
        blob = blobs[name]
        try:
            texts[name] = blob if isinstance(blob, str) else str(blob, "utf-8")
        except UnicodeDecodeError:
            raise MalformedError("a buffer in place of a string is not UTF-8") from None
    return texts[name]


def _is_marked(value: dict[str, Any]) -> bool:
    return len(value) == 1 and (REFERENCE in value or LITERAL in value)
