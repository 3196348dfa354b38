"""The files by which operators run a relay: the options in them are options there are."""

from __future__ import annotations

import json
import re
import shlex
import socket
from pathlib import Path

import pytest

from tests.relay.nodes import RawNode
from tests.relay.process import relay_process

DEPLOY = Path(__file__).parents[2] / "deploy"


def unit_options() -> list[str]:
    text = (DEPLOY / "jupyter-peer-relay.service").read_text()
    (line,) = re.findall(r"^ExecStart=\S+/jupyter-peer relay (.*)$", text, re.M)
    return shlex.split(line)


def container_options() -> list[str]:
    text = (DEPLOY / "Containerfile").read_text()
    (line,) = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.M)
    program, command, *options = json.loads(line)
    assert (program, command) == ("jupyter-peer", "relay")
    return options


@pytest.mark.parametrize(
    "options", [unit_options(), container_options()], ids=["unit", "container"]
)
async def test_a_relay_starts_as_the_files_say_without_a_home_and_serves(options, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/nonexistent/config")
    at_a_free_port = [option for option in options if not option.startswith("--port")]
    assert len(at_a_free_port) == len(options) - 1
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with relay_process(*at_a_free_port, f"--name=127.0.0.1:{port}", port=port):
        url = f"ws://127.0.0.1:{port}"
        ada, bob = await RawNode.connect(url), await RawNode.connect(url)
        ada.send(bob, b"x")
        assert bytes((await bob.frame()).payload) == b"x"
        ada.close()
        bob.close()
