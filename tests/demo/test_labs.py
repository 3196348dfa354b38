import sys
from pathlib import Path

import pytest

from jupyter_peer.demo.labs import Lab
from jupyter_peer.errors import NoServerError


@pytest.fixture
def broken_lab(tmp_path, monkeypatch):
    """A server whose program writes two lines and ends."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho first\necho last words\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return Lab(tmp_path / "ada", "ada")


async def test_a_server_that_ends_is_told_with_its_last_words(broken_lab: Lab):
    with pytest.raises(NoServerError, match=r"ada's JupyterLab has ended(?s:.*)\| last words"):
        await broken_lab.start()
    await broken_lab.stop()
    await broken_lab.stop()


async def test_a_server_that_was_never_started_can_be_stopped(tmp_path: Path):
    lab = Lab(tmp_path / "ada", "ada")
    assert lab.last_words() == ""
    await lab.stop()
