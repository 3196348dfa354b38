"""Finds the code of widget libraries in the environment of the owner.

A library of widgets installs one AMD module per package, in ``nbextensions/NAME/index.js`` below a
folder of Jupyter. Pages without JupyterLab (voila, exports of ipywidgets) load widgets the same way.
A library without one is packed from its extension of JupyterLab, see :mod:`.federated`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jupyter_core.paths import jupyter_path

from .federated import Extension, read_extension

#: Modules whose place is remembered; at this number all are forgotten.
MAX_REMEMBERED = 256


def installed_folders() -> list[Path]:
    """Return the folders with the code of widget libraries, in their order of precedence."""
    kinds = ("nbextensions", "labextensions")
    return [Path(folder) for kind in kinds for folder in jupyter_path(kind)]


class Bundle(NamedTuple):
    """The AMD module of a library.

    Attributes:
        file: Where it is.
        size: Bytes of its code.
    """

    file: Path
    size: int

    @property
    def folder(self) -> Path:
        return self.file.parent

    def code(self, named: Iterable[str] = ()) -> bytes:
        return self.file.read_bytes()


Found = Bundle | Extension | None


def find_module(name: str, folders: Iterable[Path]) -> Found:
    """Return the code of a module; None if no folder has it.

    Args:
        name: A name of the form :data:`.ModuleName`, which cannot leave the folder.
        folders: The folders to search.
    """
    for folder in folders:
        for place in _places(name):
            file = folder / place / "index.js"
            if file.is_file():
                return Bundle(file, file.stat().st_size)
        extension = read_extension(name, folder / name)
        if extension is not None:
            return extension
    return None


def _places(name: str) -> Iterable[str]:
    # The bundle of `@bokeh/jupyter_bokeh` is in the folder `jupyter_bokeh`.
    return dict.fromkeys((name, name.rpartition("/")[2]))


class InstalledModules:
    """The modules in some folders, each searched for again only when its files have changed.

    A search reads an extension's ``package.json`` and the head of each of its chunks. Whether they have
    changed shows in the times of a few files and folders, so a package that is installed, updated or
    removed meanwhile counts at once. May be called by several threads.

    Args:
        folders: Returns the folders, in their order of precedence.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._found: dict[str, tuple[list[object], Found]] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Found:
        """Return what :func:`find_module` returns."""
        folders = list(self._folders())
        with self._lock:
            # Taken first: what changes during the search changes the state of the next one.
            state = list(_state(name, folders))
            known = self._found.get(name)
            if known is not None and known[0] == state:
                return known[1]
            found = find_module(name, folders)
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[name] = (state, found)
            return found


def _state(name: str, folders: Iterable[Path]) -> Iterator[object]:
    """Yield what changes when another code of a module is installed."""
    for folder in folders:
        yield folder
        files = [folder / place / "index.js" for place in _places(name)]
        for path in (*files, folder / name / "package.json", folder / name / "static"):
            try:
                status = path.stat()
            except (OSError, ValueError):  # a name with a null byte
                yield None
            else:
                yield status.st_mtime_ns, status.st_size, status.st_ino
