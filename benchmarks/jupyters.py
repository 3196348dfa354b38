"""Two paired people with real Jupyter servers and kernels, whose notebooks run the measurements."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_peer.demo.labs import Lab
from jupyter_peer.demo.notebooks import Cell, NotebookKernel, Said
from jupyter_peer.errors import NotEnabledError
from jupyter_peer.server.control.runtime_file import RunningServer, runtime_file

from .node import PATIENCE_S
from .processes import watched

if TYPE_CHECKING:
    from collections.abc import Callable

# No page is needed, and a server without JupyterLab starts faster.
_PROGRAM = "jupyter_server"
_NOTHING_ELSE = [
    *(
        f"--ServerApp.jpserver_extensions={name}=False"
        for name in ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook_shim")
    ),
    "--ServerApp.jpserver_extensions=jupyter_peer=True",
]
_NEEDED = ("ipykernel",)
_MARK = "bench:"
_BEGIN = """
import json, time
import jupyter_peer as peer
me = peer.client()
def answer(value):
    print("bench:" + json.dumps(value), flush=True)
"""


class Person:
    """One person.

    Args:
        home: Folder for their files.
        name: Their name.
        options: Further words of their server's command line.

    Attributes:
        lab: The server.
        listeners: Receive each message of the kernel, as a browser does.
    """

    def __init__(self, home: Path, name: str, *options: str) -> None:
        self.name = name
        self.lab = Lab(home / name, name, *_NOTHING_ELSE, *options, program=_PROGRAM)
        self.listeners: list[Callable[[Said], None]] = []
        self._home = home / name
        self._kernel: NotebookKernel | None = None
        self._numbers = itertools.count(1)
        self._printed: dict[str, str] = {}

    async def start_kernel(self) -> None:
        """Start a kernel at the running server, and connect a client to it."""
        (self.lab.folder / "bench.ipynb").write_text(
            json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        )
        kernel_id = await self.lab.open_notebook("bench.ipynb")
        self._kernel = NotebookKernel(self.lab, kernel_id, self._on_said)
        await self._kernel.start()
        await self.run(_BEGIN)

    async def run(self, source: str) -> Any:
        """Run a cell in the notebook and return its ``answer``; None without one.

        Raises:
            CellError: The cell raised an exception.
            PeerTimeoutError: The cell took too long.
        """
        assert self._kernel is not None
        tag = f"{next(self._numbers)}"
        await self._kernel.run(Cell(tag, tag, source), PATIENCE_S)
        printed = self._printed.pop(tag, "")
        return json.loads(printed.rpartition(_MARK)[2]) if _MARK in printed else None

    async def say(self, type: str, content: dict[str, Any]) -> None:
        """Send a message without a reply on the kernel's shell channel, as a page does."""
        assert self._kernel is not None
        await self._kernel.say(type, content)

    def _on_said(self, said: Said) -> None:
        if said.type == "stream" and said.content["name"] == "stdout":
            self._printed[said.tag] = self._printed.get(said.tag, "") + said.content["text"]
        for listener in list(self.listeners):
            listener(said)

    def running(self) -> RunningServer:
        """Return the runtime file of the server."""
        (path,) = (self._home / "runtime").glob(runtime_file(Path(), 0).name.replace("0", "*"))
        return msgspec.json.decode(path.read_bytes(), type=RunningServer)

    def memory(self) -> Callable[[], int]:
        """Return the process of the server, for its resident bytes.

        Raises:
            NotEnabledError: psutil is not installed.
        """
        server = watched(self.running().pid)
        return lambda: int(server.memory_info().rss)

    async def stop(self) -> None:
        """Stop kernel and server; may be called twice."""
        if self._kernel is not None:
            self._kernel.close()
        await self.lab.stop()


class Jupyters(msgspec.Struct, frozen=True):
    """Ada, who owns the panes, and Bob, who watches."""

    ada: Person
    bob: Person

    async def pair(self) -> None:
        """Let Bob redeem an invite of Ada."""
        invite = await self.ada.run("answer(me.invite().text)")
        await self.bob.run(f"ada = me.pair({invite!r})")

    async def part(self) -> None:
        """Let them forget each other."""
        await self.bob.run("me.forget('ada')")
        await self.ada.run("me.forget('bob')")


async def start_jupyters(stack: AsyncExitStack, folder: Path, *options: str) -> Jupyters:
    """Start both servers, not paired yet.

    Args:
        stack: Stops them.
        folder: Folder for their files.
        options: Further words of both command lines.

    Raises:
        NotEnabledError: ipykernel is not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NotEnabledError(
            f"real servers need {', '.join(missing)}", hint="pip install 'jupyter-peer[demo]'"
        )
    both = Jupyters(Person(folder, "ada", *options), Person(folder, "bob", *options))
    for person in (both.ada, both.bob):
        stack.push_async_callback(person.stop)
    await asyncio.gather(both.ada.lab.start(), both.bob.lab.start())
    # One after the other: kernels that start at once may get the same port.
    await both.ada.start_kernel()
    await both.bob.start_kernel()
    return both
