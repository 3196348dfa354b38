"""Long strings by reference: each is sent once over a link while both ends keep it.

The owner records which strings it has sent to a viewer, and the viewer keeps the strings. Both forget
them by the same rule (:class:`BufferCache`), so the owner knows the strings to which it may refer. They
can still disagree, because messages of different panes overtake each other. The viewer then requests
the missing strings with ``pane_buffers``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..document.blobs import (
    EXTRACT_OVER,
    LITERAL,
    REFERENCE,
    Blob,
    extract_strings,
    inline_strings,
)
from ..errors import MalformedError
from ..wire.link.json_bounds import has_parts
from ..wire.payloads.panes import MAX_BUFFERS

Json = dict[str, Any]

CACHE_BYTES = 32 * 1024 * 1024
_FIELDS = ("messages", "outputs", "widgets")


class BufferCache:
    """The strings that both ends of a link keep: the last used ones, up to a number of bytes.

    Both ends apply the same rule. The strings of a message are added in the order of their hashes,
    and each becomes the newest. After each, the oldest are removed until the rest fits. A string
    that alone is too large is not kept.

    Args:
        max_bytes: Bytes of all strings in UTF-8.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[int, str | None]] = OrderedDict()
        self._bytes = 0

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def text(self, name: str) -> str:
        """Return a kept string.

        Raises:
            KeyError: The string is not kept here, or only its size is.
        """
        text = self._kept[name][1]
        if text is None:
            raise KeyError(name)
        return text

    def size(self, name: str) -> int:
        """Return the bytes of a kept string.

        Raises:
            KeyError: The string is not kept.
        """
        return self._kept[name][0]

    def put(self, sizes: Mapping[str, int], texts: Mapping[str, str] | None = None) -> None:
        """Add the strings to which one message refers.

        Args:
            sizes: Hash -> bytes.
            texts: Hash -> the string, at the viewer's end, which keeps them.
        """
        for name in sorted(sizes):
            size = sizes[name]
            before = self._kept.pop(name, None)
            if before is not None:
                self._bytes -= before[0]
            if size > self._max_bytes:
                continue
            self._kept[name] = (size, texts[name] if texts is not None else None)
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, (oldest, _) = self._kept.popitem(last=False)
                self._bytes -= oldest


class Packed(NamedTuple):
    """A payload with its long strings beside it, by hash."""

    data: Json
    blobs: dict[str, bytes]


def pack(data: Json) -> Packed:
    """Extract the long strings from the ``messages``, ``outputs`` and ``widgets`` of a payload.

    Hashing is most of the work, so a payload of many megabytes is packed in a thread.
    """
    over = EXTRACT_OVER
    while True:
        packed = dict(data)
        blobs: dict[str, bytes] = {}
        for field in _FIELDS:
            if field in data:
                packed[field], extracted = extract_strings(data[field], over)
                blobs |= extracted
        if len(blobs) <= MAX_BUFFERS:
            return Packed(packed, blobs)
        # There are thousands of them: the shorter ones stay plain text.
        over *= 2


class References(NamedTuple):
    """The references in a payload.

    Attributes:
        names: Hashes of strings.
        is_plain: Whether the payload has no references and no marked keys, so it is not unpacked.
    """

    names: frozenset[str]
    is_plain: bool


def references(data: Json) -> References:
    """Return the references in a payload.

    Raises:
        MalformedError: The payload is nested too deeply, or refers to more than 256 strings.
    """
    try:
        marks = {mark for field in _FIELDS for mark in _references(data.get(field))}
    except RecursionError:
        raise MalformedError("the payload is nested too deeply") from None
    names = frozenset(mark for mark in marks if mark is not None)
    if len(names) > MAX_BUFFERS:
        raise MalformedError("the payload refers to too many buffers")
    return References(names, is_plain=not marks)


def _references(value: Any) -> Iterator[str | None]:
    """Yield the hash of each reference, and None for each object with a marked key."""
    if isinstance(value, list):
        if has_parts(value):
            for item in value:
                if isinstance(item, dict | list):
                    yield from _references(item)
    elif isinstance(value, dict):
        if len(value) == 1:
            if isinstance(name := value.get(REFERENCE), str):
                yield name
                return
            if LITERAL in value or REFERENCE in value:
                yield None
                value = value[LITERAL] if isinstance(value.get(LITERAL), dict) else value
        for item in value.values():
            if isinstance(item, dict | list):
                yield from _references(item)


class Arrived:
    """The buffers of one message, and those kept from earlier messages.

    Args:
        names: ``data["buffers"]``, which the hub has verified against the buffers.
        buffers: The buffers.
        cache: The strings that this end keeps.

    Raises:
        MalformedError: The numbers of names and buffers differ.
    """

    def __init__(self, names: Any, buffers: Sequence[Blob], cache: BufferCache) -> None:
        if not buffers:
            names = []
        if not isinstance(names, list) or len(names) != len(buffers):
            raise MalformedError("the message does not list the buffers that came with it")
        self._came: dict[str, Blob] = dict(zip(names, buffers, strict=True))
        self._cache = cache

    def add(self, blobs: Mapping[str, Blob]) -> None:
        """Add the strings that were requested afterwards."""
        self._came |= blobs

    def missing(self, references: References) -> list[str]:
        """Return the hashes of the strings that neither came nor are kept."""
        return sorted(
            name for name in references.names if name not in self._came and name not in self._cache
        )

    def unpack(self, data: Json, references: References) -> Json:
        """Put the strings back into a payload and keep them.

        Args:
            data: The payload.
            references: Its references; no string of them may be missing.

        Raises:
            MalformedError: A buffer is not UTF-8, or the references are malformed.
        """
        if references.is_plain:
            return data
        texts: dict[str, str] = {}
        sizes: dict[str, int] = {}
        for name in references.names:
            if name in self._came:
                try:
                    texts[name] = str(self._came[name], "utf-8")
                except UnicodeDecodeError:
                    raise MalformedError("a buffer that stands for a string is not UTF-8") from None
                sizes[name] = len(self._came[name])
            else:
                texts[name], sizes[name] = self._cache.text(name), self._cache.size(name)
        unpacked = dict(data)
        for field in _FIELDS:
            if field in data:
                unpacked[field] = inline_strings(data[field], texts)
        self._cache.put(sizes, texts)
        return unpacked
