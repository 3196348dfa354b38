"""``jupyter peer doctor``, with a server and without."""

from __future__ import annotations

import json
import shutil

import pytest

from jupyter_peer.cli import main
from tests.jupyter_process import JupyterProcess


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def doctor(capsys, monkeypatch, tmp_path):
    """Run ``jupyter peer doctor ...`` as a user without servers."""
    for name in ("JUPYTER_PEER_URL", "JUPYTER_PEER_SECRET"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG", "RUNTIME", "DATA"):
        (tmp_path / name.lower()).mkdir()
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))

    def doctor(*words):
        capsys.readouterr()
        return Outcome(main(["doctor", *words]), *capsys.readouterr())

    return doctor


@pytest.fixture(scope="module")
def ada(tmp_path_factory):
    home = tmp_path_factory.mktemp("ada")
    process = JupyterProcess(home, "ada", tmp_path_factory.mktemp("runtime"))
    yield process
    process.stop()


def test_without_a_server_it_looks_at_what_is_installed(doctor):
    outcome = doctor()
    assert outcome.code == 1
    assert "No Jupyter server with jupyter-peer runs here" in outcome.out
    for check in ("versions", "extension", "sidebar", "data-dir"):
        assert f" {check}" in outcome.out
    assert "is not there yet" in outcome.out
    found = json.loads(doctor("--json").out)
    assert {"server", "versions", "extension", "data-dir"} <= {
        f["check"] for f in found["findings"]
    }
    assert found["peer"] is None


def test_without_a_server_nothing_can_be_said_of_a_peer(doctor):
    for words in (["ada"], ["--pid=1"], ["--url=http://127.0.0.1:9/"]):
        outcome = doctor(*words)
        assert outcome.code == 1
        assert outcome.err.startswith("no_server: ")
        assert outcome.out == ""


def test_an_extension_that_is_switched_off_is_told(doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "no")
    config = tmp_path / "config/jupyter_server_config.json"
    config.write_text('{"ServerApp": {"jpserver_extensions": {"jupyter_peer": false}}}')
    assert "switches it off" in doctor().out


def test_a_running_server_does_the_checks(doctor, ada, tmp_path):
    shutil.copy(ada.runtime_file, tmp_path / "runtime")
    outcome = doctor()
    assert outcome.code == 0, outcome.out
    assert "address ws://127.0.0.1:" in outcome.out
    assert "%peer" not in outcome.out
    assert "jupyter peer invite" in outcome.out
    found = json.loads(doctor("--json").out)
    assert found["took_s"] > 0
    assert {f["status"] for f in found["findings"]} <= {"ok", "warning", "skipped"}
    unknown = doctor("nobody")
    assert unknown.code == 1
    assert unknown.err.startswith("unknown_peer: ")


def test_a_server_that_does_not_answer_is_no_missing_server(doctor, ada, tmp_path):
    told = json.loads(ada.runtime_file.read_text())
    (tmp_path / "runtime" / ada.runtime_file.name).write_text(
        json.dumps({**told, "url": "http://127.0.0.1:9/"})
    )
    outcome = doctor()
    assert outcome.code == 1
    assert outcome.err.startswith("no_server: ")
