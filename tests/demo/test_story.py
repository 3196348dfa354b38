import asyncio
import socket

import pytest

from jupyter_peer.demo.notebooks import NotebookKernel
from jupyter_peer.demo.run import LOG_LINES, run_demo
from jupyter_peer.demo.story import Story, together
from jupyter_peer.demo.transcript import Transcript
from jupyter_peer.errors import KernelGoneError, NoServerError, NotEnabledError, PeerTimeoutError
from tests.machine.waiting import PATIENCE_S


def test_a_transcript_passes_only_if_every_check_does():
    lines = []
    transcript = Transcript(lines.append)
    transcript.say("ada", "shares")
    transcript.check("one", True)
    assert transcript.sum_up()
    transcript.check("two", False, "seen instead")
    assert not transcript.sum_up()
    assert lines[0].endswith("s  ada   shares")
    assert "  FAIL  two (seen instead)" in lines
    assert lines[-1].startswith("\n1 of 2 checks passed")


def test_a_transcript_without_checks_has_not_passed():
    assert not Transcript(lambda line: None).sum_up()


async def test_when_one_fails_the_others_are_ended():
    ended = asyncio.Event()

    async def fails():
        raise ValueError("first")

    async def waits():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ValueError, match="first"):
        await asyncio.wait_for(together(waits(), fails()), PATIENCE_S)
    assert ended.is_set()


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotEnabledError, match="jupyterlab") as raised:
        run_demo(print)
    assert raised.value.hint == "pip install 'jupyter-peer[demo]'"


class FakeLab:
    """A server that never starts, or starts and says nothing."""

    def __init__(self, name):
        self.name, self.url = name, ""

    async def start(self):
        if self.name == "ada":
            raise NoServerError("ada's JupyterLab has ended")
        await asyncio.Event().wait()

    async def stop(self):
        """Nothing runs."""

    def last_words(self, lines=15):
        return f"\n    | the last {lines} lines of {self.name}"


def test_a_failed_demo_says_what_it_waited_for_and_shows_both_logs(monkeypatch):
    monkeypatch.setattr("jupyter_peer.demo.run.Lab", lambda home, name: FakeLab(name))
    lines = []
    assert not run_demo(lines.append)
    told = "\n".join(lines)
    assert "FAIL  the story came to its end (ada's JupyterLab has ended" in told
    assert "The demo waited for both JupyterLabs to start." in told
    for name in ("ada", "bob"):
        assert f"{name}'s log:\n    | the last {LOG_LINES} lines of {name}" in told


async def test_what_does_not_happen_is_named_and_stays_listed():
    story = Story(FakeLab("ada"), FakeLab("bob"), Transcript(lambda line: None))
    with pytest.raises(PeerTimeoutError, match="waited 0 s for bob to see it") as raised:
        await story._expect(asyncio.Event().wait(), "bob to see it", 0)
    assert raised.value.hint
    assert story.waits == ["bob to see it"]
    assert await story._expect(asyncio.sleep(0, "seen"), "it", 5) == "seen"
    assert story.waits == ["bob to see it"]


async def test_a_kernel_answers_before_the_next_one_is_started(monkeypatch, tmp_path):
    happened = []

    class Ready(FakeLab):
        def __init__(self, name):
            super().__init__(name)
            self.folder, self.node_id = tmp_path, name

        async def start(self):
            """It runs."""

        async def open_notebook(self, notebook):
            happened.append(f"{self.name} opens")
            return notebook

    class Kernel:
        def __init__(self, lab, kernel_id, on_said):
            self.owner = lab.name

        async def start(self):
            await asyncio.sleep(0)
            happened.append(f"{self.owner} answers")
            if self.owner == "bob":
                raise KernelGoneError("enough")

        def close(self):
            happened.append(f"{self.owner} is closed")

    monkeypatch.setattr("jupyter_peer.demo.story.NotebookKernel", Kernel)
    story = Story(Ready("ada"), Ready("bob"), Transcript(lambda line: None))
    with pytest.raises(KernelGoneError, match="enough"):
        await story.tell()
    assert happened[:4] == ["ada opens", "ada answers", "bob opens", "bob answers"]
    assert happened[4:] == ["ada is closed", "bob is closed"]
    assert story.waits == ["bob's kernel to answer"]


async def test_a_kernel_that_cannot_be_reached_is_an_error_of_the_demo(monkeypatch):
    lab = FakeLab("ada")
    lab.authorization = dict
    kernel = NotebookKernel(lab, "kernel", lambda said: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        lab.url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    with pytest.raises(KernelGoneError, match="ada's notebook cannot be reached") as raised:
        await kernel.start()
    assert raised.value.hint == "the log of ada's server says why"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lab.url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        monkeypatch.setattr("jupyter_peer.demo.notebooks.READY_TIMEOUT_S", 0.1)
        with pytest.raises(PeerTimeoutError, match=r"does not answer within 0\.1 s"):
            await kernel.start()
