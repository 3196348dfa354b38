import asyncio

import pytest

from jupyter_peer.demo.run import run_demo
from jupyter_peer.demo.story import together
from jupyter_peer.demo.transcript import Transcript
from jupyter_peer.errors import NotEnabledError


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
        await asyncio.wait_for(together(waits(), fails()), 5)
    assert ended.is_set()


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotEnabledError, match="jupyterlab") as raised:
        run_demo(print)
    assert raised.value.hint == "pip install 'jupyter-peer[demo]'"
