"""``jupyter peer doctor``, with a server and without."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import threading

import pytest

from jupyter_peer.cli import main
from tests.machine.jupyter_process import JupyterProcess


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def doctor(capsys, monkeypatch, tmp_path):
    """Run ``jupyter peer doctor ...`` as a user without servers."""
    for name in ("JUPYTER_PEER_URL", "JUPYTER_PEER_SECRET_FILE"):
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
    assert "No Jupyter server runs here" in outcome.out
    for check in ("Versions", "Server extension", "JupyterLab panel", "Data directory"):
        assert f" {check}" in outcome.out
    assert "does not exist yet" in outcome.out
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
    assert "disables the extension" in doctor().out


def test_a_running_server_does_the_checks(doctor, ada, tmp_path):
    shutil.copy(ada.runtime_file, tmp_path / "runtime")
    outcome = doctor()
    assert outcome.code == 0, outcome.out
    assert "Address ws://127.0.0.1:" in outcome.out
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


# Servers without a node


def written_down(tmp_path, url, pid, token="t"):
    path = tmp_path / "runtime" / f"jpserver-{pid}.json"
    path.write_text(json.dumps({"url": url, "pid": pid, "token": token, "x": 1}))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"{}", "runs without jupyter-peer"),
        (403, b"{}", "asks for a login"),
        (500, b"x", "does not answer"),
        (200, b"{}", "could not write its runtime file"),
        (503, b"[", "could not start"),
        (503, b'{"code": "data_dir", "message": "\\u001b[2J"}', "could not start"),
    ],
)
def test_whatever_it_answers_is_told(doctor, tmp_path, status, body, words):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Say nothing."""

    asked = []
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        written_down(tmp_path, f"http://127.0.0.1:{server.server_port}/", os.getpid())
        try:
            outcome = doctor()
        finally:
            server.shutdown()
            thread.join()
    assert words in outcome.out
    assert "\x1b" not in outcome.out
    assert asked == ["token t"]


def test_files_of_servers_that_are_gone_or_damaged_are_passed_over(doctor, tmp_path):
    written_down(tmp_path, "http://127.0.0.1:9/", 2**22 + 1)
    (tmp_path / "runtime/jpserver-1.json").write_text("{")
    written_down(tmp_path, "file:///etc/passwd", os.getpid())
    assert "No Jupyter server runs here" in doctor().out


def test_one_that_does_not_answer_is_told(doctor, tmp_path):
    written_down(tmp_path, "http://127.0.0.1:9/", os.getpid())
    assert "runs, and does not answer" in doctor().out
