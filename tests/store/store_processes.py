"""Starting, racing and killing processes that run ``store_worker``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from ..machine.needs import missing, needs_program

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-m", "tests.store.store_worker")
BOUND_S = 60


@contextmanager
def worker(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*WORKER, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def deaths(
    kinds: tuple[str, ...], directory: Path, name: str, *command: str, template: Path | None = None
) -> Iterator[Path]:
    """Kill a worker at each of its system calls of these kinds, each time with a file of its own.

    The signal comes as the call is entered. Yields the file that each of them worked on, which is
    a copy of the template, if there is one; the last of each kind is one that was left to finish.
    """
    if sys.platform != "linux":
        missing("strace is a program of Linux")

    def die(kind: str, number: int) -> tuple[Path, bool]:
        path = directory / f"{kind}-{number}" / name
        path.parent.mkdir()
        if template is not None:
            shutil.copy(template, path)
        return path, _killed_at_system_call(kind, number, command[0], path, *command[1:])

    # Each has files of its own, so two die at a time.
    with ThreadPoolExecutor(2) as pool:
        for kind in kinds:
            dying = deque(pool.submit(die, kind, number) for number in (1, 2))
            for number in range(3, 102):
                path, was_killed = dying.popleft().result()
                yield path
                if not was_killed:
                    break
                dying.append(pool.submit(die, kind, number))
            wait(dying)
            assert number > 3, f"the worker makes no {kind} at all"


def _killed_at_system_call(kind: str, number: int, *arguments: object) -> bool:
    strace = [needs_program("strace"), "-f", "-qq", "-o", os.devnull, "-e", f"trace={kind}"]
    result = subprocess.run(
        [*strace, "-e", f"inject={kind}:signal=KILL:when={number}", *WORKER, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    if "ptrace" in result.stderr and "not permitted" in result.stderr:
        missing("no right to trace processes on this machine")
    assert result.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), result.stderr
    return result.returncode != 0
