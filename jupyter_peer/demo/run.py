"""Runs the demo as a program: folders, signals, and an orderly end in every case."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import NotEnabledError, PeerError, PeerTimeoutError
from .labs import Lab
from .notebooks import CellError
from .story import ADA, BOB, Story
from .transcript import Transcript

LIMIT_S = 120.0
#: Lines of each server's log in the transcript of a failed demo.
LOG_LINES = 400
_NEEDED = ("jupyterlab", "ipykernel", "matplotlib", "numpy", "pandas")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_demo(write: Callable[[str], None], keep: bool = False) -> bool:
    """Run the demo, and return whether every step succeeded.

    Args:
        write: Receives the transcript, line by line.
        keep: Whether the servers stay up until Ctrl-C.

    Raises:
        NotEnabledError: A package that the notebooks need is not installed.
        KeyboardInterrupt: A signal stopped the demo; all its processes have ended.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NotEnabledError(
            f"the demo needs {', '.join(missing)}", hint="pip install 'jupyter-peer[demo]'"
        )
    home = Path(tempfile.mkdtemp(prefix="jupyter-peer-demo-"))
    try:
        return asyncio.run(_Demo(home, write, keep).run())
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Demo:
    def __init__(self, home: Path, write: Callable[[str], None], keep: bool) -> None:
        self._write = write
        self._keep = keep
        self._home = home
        self._passed: bool | None = None
        self._stopped = asyncio.Event()

    async def run(self) -> bool:
        labs = [Lab(self._home / name, name) for name in ("ada", "bob")]
        work = asyncio.ensure_future(self._work(*labs))
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stopped.set)
        stop = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and self._passed is None:
                raise KeyboardInterrupt
            return bool(work.result() if self._passed is None else self._passed)
        finally:
            # A second signal changes nothing, because the end takes a bounded time.
            stop.cancel()
            work.cancel()
            await asyncio.gather(stop, work, return_exceptions=True)
            await asyncio.gather(*(lab.stop() for lab in labs))

    async def _work(self, ada: Lab, bob: Lab) -> bool:
        self._write(
            "jupyter-peer demo: Ada trains a model; Bob watches it learn from his Jupyter, and "
            "asks her agent\n"
        )
        transcript = Transcript(self._write)
        story = Story(ada, bob, transcript)
        try:
            async with asyncio.timeout(LIMIT_S):
                await story.tell()
        except TimeoutError as error:
            late = (
                error
                if isinstance(error, PeerError)
                else PeerTimeoutError(f"the demo did not end within {LIMIT_S:g} s")
            )
            self._note_failure(transcript, late)
        except (PeerError, CellError) as error:
            self._note_failure(transcript, error)
        self._passed = transcript.sum_up()
        if not self._passed:
            self._explain(story, ada, bob)
        if self._keep and ada.url and bob.url:
            self._invite_in(ada, bob)
            await self._stopped.wait()
        return self._passed

    def _note_failure(self, transcript: Transcript, error: Exception) -> None:
        transcript.check("the story came to its end", False, str(error))
        if isinstance(error, CellError):
            self._write(f"\n{error.trace}")

    def _explain(self, story: Story, *labs: Lab) -> None:
        """Write the unfinished waits and the logs of both servers."""
        for what in story.waits:
            self._write(f"\nThe demo waited for {what}.")
        for lab in labs:
            self._write(f"\n{lab.name}'s log:{lab.last_words(LOG_LINES)}")

    def _invite_in(self, ada: Lab, bob: Lab) -> None:
        self._write(
            "\nBoth servers stay up. Open them side by side in two browser windows:\n"
            f"\n  ada  {ada.page(ADA)}\n  bob  {bob.page(BOB)}\n"
            "\nRun all cells of ada.ipynb, paste the invite it shows into bob.ipynb, and run that."
            "\nCtrl-C stops both."
        )
