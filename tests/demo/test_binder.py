"""The environment of Binder, built and used as repo2docker does it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.needs import missing

ROOT = Path(__file__).resolve().parents[2]
BUILD_TIMEOUT_S = 400


def environment_text():
    return (ROOT / "binder" / "environment.yml").read_text()


def test_the_environment_has_versions_that_the_package_supports():
    (minor,) = re.findall(r"^  - python=3\.(\d+)$", environment_text(), re.M)
    assert 11 <= int(minor) <= 14
    (node,) = re.findall(r"^  - nodejs=(\d+)$", environment_text(), re.M)
    assert int(node) >= 20


def test_the_build_runs_by_itself():
    script = ROOT / "binder" / "postBuild"
    assert script.read_text().startswith("#!/bin/bash\n")
    assert os.access(script, os.X_OK)


@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_the_image_builds_from_a_clone_and_has_what_its_notebooks_need(tmp_path):
    npm = shutil.which("npm")
    if npm is None:
        missing("no npm on this machine: install Node.js 20 or later")
    clone = tmp_path / "repository"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for file in filter(None, files):
        if (ROOT / file).exists():
            (clone / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, clone / file)
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=100)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    outside["PATH"] = f"{environment / 'bin'}{os.pathsep}{outside['PATH']}"
    outside["HOME"] = str(tmp_path)

    def run(*command):
        done = subprocess.run(
            [str(word) for word in command],
            cwd=clone,
            env=outside,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    told = run(clone / "binder" / "postBuild")
    assert re.search(r"jupyter_peer.*OK", told)
    assert not (clone / "labextension" / "node_modules").exists()
    # The installed package, not the folder of the clone, as a kernel of the image imports it.
    program = (
        "import jupyter_peer.demo.second_node, jupyter_peer.demo.screen, ipylab; print('all there')"
    )
    assert "all there" in run(environment / "bin" / "python", "-P", "-c", program)
    assert "binder" in run(
        environment / "bin" / "jupyter", "lab", "workspaces", "export", "default"
    )
