"""Other programs of a run: each writes a first line when it is ready, and ends with the run."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from jupyter_peer.errors import NotEnabledError, PeerTimeoutError

from .node import PATIENCE_S

if TYPE_CHECKING:
    import psutil

_FILES = 8192


class Program:
    """A Python program with pipes for stdin and stdout; stderr is the bench's own.

    Attributes:
        pid: Its process.
        first_line: Its first line.
    """

    def __init__(self, process: asyncio.subprocess.Process, first_line: bytes) -> None:
        self._process = process
        self.pid = process.pid
        self.first_line = first_line

    @classmethod
    async def start(cls, *arguments: str) -> Program:
        """Run Python with these arguments and wait for the first line.

        Raises:
            PeerTimeoutError: No line arrives.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C reaches only the benchmark, which then ends this program.
            start_new_session=True,
        )
        assert process.stdout is not None
        program = cls(process, b"")
        try:
            async with asyncio.timeout(PATIENCE_S):
                program.first_line = await process.stdout.readline()
        except BaseException as error:
            await program.stop()
            if isinstance(error, TimeoutError):
                raise PeerTimeoutError(f"{arguments} does not start") from None
            raise
        if not program.first_line:
            await program.stop()
            raise PeerTimeoutError(f"{arguments} has ended at once")
        return program

    async def stop(self) -> None:
        """Close its stdin, which ends the program, or end it by a signal."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        for end in (lambda: None, self._process.terminate, self._process.kill):
            if await _ends(self._process, end):
                return


async def _ends(process: asyncio.subprocess.Process, end: Callable[[], object]) -> bool:
    if process.returncode is None:
        end()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        return False
    return True


def allow_files() -> None:
    """Raise this process's limit of open files: every node of a crowd has some."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))


def watched(pid: int) -> psutil.Process:
    """Return a process whose resources are measured.

    Raises:
        NotEnabledError: psutil is not installed.
    """
    try:
        import psutil
    except ImportError as error:
        raise NotEnabledError(
            "psutil is needed to see what a process uses", hint="pip install psutil"
        ) from error
    return psutil.Process(pid)


async def until_stdin_ends(work: Callable[[], Awaitable[None]]) -> None:
    """Wait until stdin closes, then do ``work``."""
    try:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        await work()
