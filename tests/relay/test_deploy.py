"""The files by which operators run a relay: the options in them are options there are."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.machine.certificates import make_certificate
from tests.machine.ports import free_port
from tests.relay.nodes import RawNode
from tests.relay.process import relay_process

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "jupyter-peer-relay.service").read_text()
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
#: Packages of the relay, as ``import`` calls them.
MODULES = {"jupyter_core", "msgspec", "nacl", "nats", "tornado", "traitlets"}

# Lists what a relay has imported once it serves, and ends.
IMPORTS = """
import asyncio, sys
from jupyter_peer.commands.relay import RelayCommand
from jupyter_peer.relay import program

async def serve():
    async with program.serving(program.Options(port=0)):
        import jupyter_peer.relay.backends.nats
        print(*sorted(sys.modules))

asyncio.run(serve())
"""


def environment_options() -> list[list[str]]:
    """Return the options of each line of relay.env, those in comments too."""
    lines = re.findall(r"^#?RELAY_OPTIONS=(.*)$", (DEPLOY / "relay.env").read_text(), re.M)
    return [shlex.split(line) for line in lines]


def container_options() -> list[str]:
    (line,) = re.findall(r"^ENTRYPOINT (\[.*\])$", CONTAINERFILE, re.M)
    program, command, *options = json.loads(line)
    assert (program, command) == ("jupyter-peer", "relay")
    return options


@pytest.mark.parametrize(
    "options", [environment_options()[-1], container_options()], ids=["unit", "container"]
)
async def test_a_relay_starts_as_the_files_say_without_a_home_and_serves(options, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/nonexistent/config")
    at_a_free_port = [option for option in options if not option.startswith("--port")]
    assert len(at_a_free_port) == len(options) - 1
    port = free_port()
    with relay_process(*at_a_free_port, f"--name=127.0.0.1:{port}", port=port):
        url = f"ws://127.0.0.1:{port}"
        ada, bob = await RawNode.connect(url), await RawNode.connect(url)
        ada.send(bob, b"x")
        assert bytes((await bob.frame()).payload) == b"x"
        ada.close()
        bob.close()


def test_each_option_of_the_unit_is_set_in_the_file_that_the_unit_names():
    # An option in ExecStart would be stronger than one in the file.
    (command,) = re.findall(r"^ExecStart=\S+/jupyter-peer relay(.*)$", UNIT, re.M)
    assert command.split() == ["$RELAY_OPTIONS"]
    assert re.findall(r"^EnvironmentFile=-(.*)$", UNIT, re.M) == ["/etc/jupyter-peer/relay.env"]
    assert len(environment_options()) == 3
    for options in environment_options():
        names = {option.partition("=")[0] for option in options}
        assert names <= {"--name", "--ip", "--port", "--certfile", "--keyfile"}


def test_the_files_of_the_unit_in_comments_are_those_that_it_loads():
    loaded = set(re.findall(r"^#LoadCredential=(\S+?):", UNIT, re.M))
    read = re.findall(r"/run/credentials/jupyter-peer-relay\.service/(\S+)", UNIT)
    read += [
        Path(option.partition("=")[2]).name
        for options in environment_options()
        for option in options
        if "/run/credentials/jupyter-peer-relay.service/" in option
    ]
    assert set(read) == loaded == {"cert.pem", "key.pem"}


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
def test_the_health_check_of_the_container_succeeds_while_the_relay_serves(is_tls, tmp_path):
    (check,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", CONTAINERFILE, re.M)
    python, script, port_of_image = json.loads(check)
    assert (python, port_of_image) == ("python", "9000")
    assert f"deploy/{Path(script).name} " in CONTAINERFILE
    port, options = free_port(), ["--name=relay.example"]
    if is_tls:
        certificate, key = make_certificate(tmp_path, "relay.example")
        options += [f"--certfile={certificate}", f"--keyfile={key}"]

    def exit_code() -> int:
        checked = [sys.executable, DEPLOY / Path(script).name, str(port)]
        return subprocess.run(checked, capture_output=True, timeout=30, check=False).returncode

    with relay_process(*options, port=port):
        assert exit_code() == 0
    assert exit_code() != 0


def test_the_image_has_no_history_and_no_environment_of_the_checkout():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "**/.venv*", "**/node_modules"} <= set(ignored)


def test_a_relay_imports_what_its_requirements_name_and_nothing_of_a_server():
    run = [sys.executable, "-c", IMPORTS]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(run, capture_output=True, text=True, check=True, env=environment)
    modules = set(done.stdout.split())
    installed = {
        name.partition(".")[0] for name in modules if not name.startswith(("_", "jupyter_peer"))
    }
    brought_along = {"platformdirs", "typing_extensions", "cffi"}
    assert installed - sys.stdlib_module_names - brought_along == MODULES
    rooms = {name.split(".")[1] for name in modules if name.startswith("jupyter_peer.")}
    assert not rooms & {"agents", "app", "doctor", "hub", "kernel", "panes", "server", "store"}


def test_the_requirements_of_a_relay_are_requirements_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = {*project["dependencies"], *project["optional-dependencies"]["cluster"]}
    lines = (DEPLOY / "relay-requirements.txt").read_text().splitlines()
    listed = {line.partition("#")[0].strip() for line in lines} - {""}
    assert listed <= known
    assert len(listed) == len(MODULES)
