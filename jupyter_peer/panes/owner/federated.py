"""Packs a library of widgets that only extends JupyterLab into one AMD module.

JupyterLab loads such a library by module federation: an entry, and chunks that the entry loads by
their addresses. The frame of a pane can load nothing. With all chunks run before it, an entry has
nothing to load either (webpack's ``chunkLoadingGlobal``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: The module of the page of panes that runs what is packed here: ``viewer/widgets/federation.ts``.
FEDERATION = "@jupyter-peer/federation"
MAX_CHUNKS = 512
_MAX_PACKAGE = 1024 * 1024
_ENTRY = re.compile(r"(?:\./)?static/(remoteEntry[\w.-]*\.js)")
#: webpack's and rspack's form of a chunk, after comments.
_CHUNK = re.compile(
    rb"""\s*(?:/\*.*?\*/\s*)*(?:["']use strict["'];\s*)?\(+(?:self|globalThis)[.[]["']?(?:webpack|rspack)Chunk""",
    re.DOTALL,
)
_HEAD = 4096


class Extension(NamedTuple):
    """An extension of JupyterLab.

    Attributes:
        name: That of its package.
        folder: That of its code.
        entry: The file of the container.
        exposed: The module with its plugins.
        style: The module with its style sheets, if it has one.
        needs: Packages that it does not contain.
        chunks: The files that its entry would load.
        size: Bytes of all its code.
    """

    name: str
    folder: Path
    entry: str
    exposed: str
    style: str | None
    needs: frozenset[str]
    chunks: tuple[Path, ...]
    size: int

    def code(self, named: Iterable[str]) -> bytes:
        """Return one AMD module with all its code.

        Args:
            named: Modules that the page can ask for.
        """
        chunks = b",".join(_function(file.read_bytes()) for file in self.chunks)
        name = json.dumps(self.name).encode()
        entry = (self.folder / self.entry).read_bytes() + b"\n;return _JUPYTERLAB[%s];" % name
        needs = sorted(self.needs.intersection(named) - {self.name})
        facts = {
            "name": self.name,
            "extension": self.exposed,
            "style": self.style,
            "needs": needs,
        }
        return (
            b"define(%s, (federation, ...found) =>"
            b" federation.load({...%s, found, chunks: [%s], entry: %s}));"
        ) % (
            json.dumps([FEDERATION, *needs]).encode(),
            json.dumps(facts).encode(),
            chunks,
            _function(entry),
        )


def read_extension(name: str, folder: Path) -> Extension | None:
    """Return the extension in a folder; None if there is none with plugins.

    Args:
        name: Of its package.
        folder: With its ``package.json``.
    """
    facts = _facts(folder / "package.json")
    build, packages = facts.get("_build"), facts.get("sharedPackages")
    if not isinstance(build, dict):
        return None
    entry = _ENTRY.fullmatch(str(build.get("load")))
    exposed, style = build.get("extension"), build.get("style")
    if entry is None or not isinstance(exposed, str):
        return None
    code = folder / "static"
    if not (code / entry[1]).is_file():
        return None
    needs = frozenset(
        package
        for package, how in (packages if isinstance(packages, dict) else {}).items()
        if isinstance(how, dict) and how.get("bundled") is False
    )
    chunks = tuple(_chunks(code))
    return Extension(
        name,
        code,
        entry[1],
        exposed,
        style if isinstance(style, str) else None,
        needs,
        chunks,
        sum(file.stat().st_size for file in (code / entry[1], *chunks)),
    )


def _chunks(folder: Path) -> Iterator[Path]:
    for count, file in enumerate(sorted(folder.glob("*.js"))):
        if count >= MAX_CHUNKS:
            return
        with file.open("rb") as opened:
            if _CHUNK.match(opened.read(_HEAD)):
                yield file


def _facts(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_PACKAGE:
            return {}
        facts = json.loads(file.read_bytes())["jupyterlab"]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _function(code: bytes) -> bytes:
    return b"() => {%s\n}" % code
