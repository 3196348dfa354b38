"""A second Jupyter on this machine that acts by itself, for somebody who tries jupyter-peer alone.

The visitor's notebook starts it with one line. It runs ``ada.ipynb`` as Ada would, cell by cell, in
a server of its own: Ada invites, shares, trains, answers, and takes her panes back. A thread of its
own drives it, so it goes on while a cell of the visitor's notebook waits.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import PeerError
from ..primitives import background
from ..server_client.bridge import wait
from ..server_client.connection import LoopThread
from .labs import Lab
from .notebooks import CellError, NotebookKernel, Said, find_notebook, read_cells

log = logging.getLogger(__name__)

NOTEBOOK = "ada.ipynb"
#: Ada waits for the visitor in the background, so she can wait for somebody who reads.
PATIENCE_S = 1800
#: Enough epochs to open both panes, read, and ask.
EPOCHS = 60
INVITE_TIMEOUT_S = 60.0
_INVITE = re.compile(r"jpeer1:[\w-]+")
#: Receives the MIME bundle of what Ada sees, and its place: 0 for the first thing that she showed.
OnShown = Callable[[int, Mapping[str, str]], None]


class SecondNode:
    """Ada's Jupyter: started at once, stopped by :meth:`stop` or with this process.

    Args:
        on_shown: Receives the outputs of Ada's training and their changes. Called in another thread.
        parameters: Values for the parameters of her notebook, besides the defaults for a visitor.
        program: The server to run. By default it has no pages, because nobody opens them.

    Raises:
        NoServerError: The second server does not start; the message has the end of its log.
    """

    def __init__(
        self,
        on_shown: OnShown | None = None,
        parameters: Mapping[str, Any] | None = None,
        program: str = "jupyter_server",
    ) -> None:
        self._on_shown = on_shown
        self._parameters = {"EPOCHS": EPOCHS, "PATIENCE": PATIENCE_S, **(parameters or {})}
        self._home = Path(tempfile.mkdtemp(prefix="jupyter-peer-ada-"))
        self._lab = Lab(self._home / "ada", "ada", program=program)
        self._thread = LoopThread("jupyter-peer-ada")
        self._places: list[str] = []
        self._kernel: NotebookKernel | None = None
        self._acting: asyncio.Task[None] | None = None
        self._invite: asyncio.Future[str] | None = None
        #: What Ada does, in words.
        self.doing = "starts her Jupyter"
        atexit.register(self.stop)
        try:
            wait(self._thread, self._start())
        except BaseException:
            self.stop()
            raise

    @property
    def node_id(self) -> str:
        """The id of her node."""
        return self._lab.node_id

    def __repr__(self) -> str:
        """Return Ada's node, address and activity."""
        return f"<Ada's node {self.node_id} at {self._lab.url}: she {self.doing}>"

    def invite(self) -> str:
        """Return the invite that Ada's notebook has made.

        Raises:
            PeerTimeoutError: Her notebook has made none in time.
        """
        return wait(self._thread, self._wait_for_invite())

    def stop(self) -> None:
        """End her notebook and her server, and delete their files; may be called twice."""
        if not self._home.exists():
            return
        atexit.unregister(self.stop)
        with contextlib.suppress(PeerError):
            self._thread.submit(self._stop()).result()
        self._thread.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    async def _start(self) -> None:
        self._invite = asyncio.get_running_loop().create_future()
        await self._lab.start()
        (self._lab.folder / NOTEBOOK).write_bytes(find_notebook(NOTEBOOK).read_bytes())
        kernel_id = await self._lab.open_notebook(NOTEBOOK)
        self._kernel = NotebookKernel(self._lab, kernel_id, self._on_said)
        await self._kernel.start()
        self._acting = background.start(self._act(self._kernel), "running ada's notebook")

    async def _act(self, kernel: NotebookKernel) -> None:
        """Run her notebook from top to end, as she would."""
        limit = self._parameters["PATIENCE"] + 60.0
        try:
            for cell in read_cells(find_notebook(NOTEBOOK), self._parameters):
                self.doing = f"runs the cell {cell.tag!r}" if cell.tag else self.doing
                await kernel.run(cell, limit)
            self.doing = "has run her notebook to its end"
        except (CellError, PeerError) as error:
            self.doing = f"stopped: {error}"
            log.info("ada's notebook stopped: %s", error)
            if self._invite is not None and not self._invite.done():
                self._invite.set_exception(error)

    async def _wait_for_invite(self) -> str:
        assert self._invite is not None
        async with asyncio.timeout(INVITE_TIMEOUT_S):
            return await asyncio.shield(self._invite)

    def _on_said(self, said: Said) -> None:
        if said.tag == "invite" and self._invite is not None and not self._invite.done():
            found = _INVITE.search(said.data.get("text/plain", ""))
            if found:
                self._invite.set_result(found[0])
        elif said.tag == "train" and said.data and self._on_shown is not None:
            name = str(said.content.get("transient", {}).get("display_id", ""))
            if name not in self._places:
                self._places.append(name)
            self._on_shown(self._places.index(name), said.data)

    async def _stop(self) -> None:
        if self._acting is not None:
            self._acting.cancel()
            await asyncio.gather(self._acting, return_exceptions=True)
        if self._kernel is not None:
            self._kernel.close()
        await self._lab.stop()
