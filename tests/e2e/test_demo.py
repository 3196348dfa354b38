"""``jupyter peer demo`` as a newcomer runs it: real servers, real kernels, and nothing left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.machine.waiting import until_sync

TIMEOUT_S = 90.0


class Demo:
    """A running demo and everything it has started so far."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._output = folder / "output.txt"
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        # What a server of the test run would hand on.
        environment = {k: v for k, v in environment.items() if not k.startswith("JUPYTER_PEER_")}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "peer", "demo", *options],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started: dict[int, psutil.Process] = {}

    @property
    def transcript(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until the transcript has a text, taking note of the processes meanwhile."""
        until_sync(lambda: self._has(text), TIMEOUT_S, f"{text!r} in the transcript")

    def _has(self, text: str) -> bool:
        for process in psutil.Process(self._process.pid).children(recursive=True):
            self._started.setdefault(process.pid, process)
        assert self._process.poll() is None or text in self.transcript, self.transcript
        return text in self.transcript

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the demo alone."""
        self._process.send_signal(number)

    def code(self) -> int:
        """Wait until it ends and return its exit code."""
        return self._process.wait(30)

    def check_nothing_is_left(self) -> None:
        """Check that all processes and files are gone."""
        assert self._started
        _, alive = psutil.wait_procs(list(self._started.values()), timeout=10)
        assert alive == []
        # Folders alone: Python tries where it can write by files of its own, and may be killed then.
        assert [path for path in self.temporary.iterdir() if path.is_dir()] == []

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[type]:
    """Start a demo with options."""
    started: list[Demo] = []

    def start(*options: str) -> Demo:
        started.append(Demo(tmp_path, *options))
        return started[-1]

    yield start
    for running in started:
        running.end()


def test_every_step_arrives_and_with_keep_both_servers_stay_up(demo):
    running = demo("--keep")
    running.wait_for("Ctrl-C stops both.")
    told = running.transcript
    assert "FAIL" not in told
    passed, total, seconds = re.search(r"(\d+) of (\d+) checks passed in ([\d.]+) s", told).groups()
    assert passed == total
    assert int(total) >= 12
    assert float(seconds) > 0
    assert re.search(r"answers by her agent.* later:\n.*epochs are done\. Best \w+: [\d.]+", told)
    pages = re.findall(r"^  (?:ada|bob)  (http://127\.0\.0\.1:\S+token=\S+)$", told, re.MULTILINE)
    assert len(pages) == 2
    for page in pages:
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert answer.status == 200
    running.send(signal.SIGINT)
    assert running.code() == 0
    running.check_nothing_is_left()


def test_a_signal_in_the_middle_ends_everything(demo):
    running = demo()
    running.wait_for("makes an invite")
    running.send(signal.SIGTERM)
    running.send(signal.SIGTERM)
    assert running.code() not in (0, 1, 2)
    running.check_nothing_is_left()
