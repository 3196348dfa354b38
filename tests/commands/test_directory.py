"""``jupyter peer directory``, as somebody who keeps one uses it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time

import pytest

from jupyter_peer.cli import main
from jupyter_peer.directory.cache import DirectoryCache
from jupyter_peer.wire.link.identity import Identity, decode_public_key
from tests.directory.office import signed
from tests.machine.waiting import until_sync

ADA, BOB = (Identity.from_seed(letter * 32) for letter in (b"a", b"b"))


class Outcome:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def directory(capsys, monkeypatch, tmp_path):
    """Run ``jupyter peer directory ...`` in a folder of its own."""
    (tmp_path / "office").mkdir()
    monkeypatch.chdir(tmp_path / "office")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))

    def directory(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        return Outcome(main(["directory", *map(str, words)]), *capsys.readouterr())

    return directory


@pytest.fixture
def key(directory):
    """Make a directory with Ada in it, signed; return its public key."""
    key = directory("init", "--name=Physics").out.strip()
    assert directory("add", ADA.public_key_b64, "--name=ada", "--groups=staff, lab").code == 0
    assert directory("sign").code == 0
    return key


def test_the_public_key_is_all_there_is_on_stdout(directory, tmp_path):
    outcome = directory("init")
    assert outcome.code == 0
    assert len(decode_public_key(outcome.out.strip())) == 32
    assert "directory.key" in outcome.err
    assert (tmp_path / "office/directory.key").stat().st_mode & 0o777 == 0o600
    again = directory("init")
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("bad_request: ")


def test_verify_says_who_is_in_it_and_until_when(directory, key):
    outcome = directory("verify")
    assert outcome.code == 0
    for words in (
        "Physics",
        "serial:    1",
        "expires",
        ADA.node_id,
        "staff, lab",
        "does not have it yet",
    ):
        assert words in outcome.out
    assert outcome.err == ""
    answer = directory("verify", "--json").json
    assert [node["name"] for node in answer["nodes"]] == ["ada"]
    assert answer["serial_seen"] is None


def test_changes_are_said_to_be_unsigned(directory, key):
    told = json.dumps({"public_key": BOB.public_key_b64, "node_name": "bob"})
    outcome = directory("add", "-", "--expires=90d", stdin=told)
    assert outcome.out.startswith(f"bob ({BOB.node_id}) is listed")
    assert "directory sign" in outcome.err
    shown = directory("verify")
    assert BOB.node_id not in shown.out
    assert "not signed yet" in shown.err
    assert directory("sign", "--ttl=1h").out.startswith("serial 2, 2 nodes, until ")
    assert BOB.node_id in directory("verify").out
    assert directory("remove", "bob").code == 0
    assert directory("sign", "--json").json["nodes"] == 1


def test_verify_says_whether_the_serial_moved(directory, key, tmp_path):
    peer = tmp_path / "data/peer"
    peer.mkdir(parents=True)
    cache = DirectoryCache(peer, decode_public_key(key))
    document = tmp_path / "office/directory.json"
    cache.save(document.read_bytes())
    assert "this machine's node has the same" in directory("verify").out
    directory("sign")
    assert "newer: this machine's node has 1" in directory("verify").out
    old = cache.path.read_bytes()
    cache.save(document.read_bytes())
    document.write_bytes(old)
    outcome = directory("verify", "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "stale"
    assert "serial 1 is older than serial 2" in outcome.err


def test_verify_refuses_what_a_server_would_refuse(directory, key, tmp_path):
    other = tmp_path / "other.json"
    for raw, code in (
        (signed(1, ADA, expires=time.time() + 60), "bad_signature"),
        (b"{}", "bad_signature"),
        (b"no directory", "malformed"),
        (b" " * (2 << 20), "too_large"),
    ):
        other.write_bytes(raw)
        outcome = directory("verify", other, f"--key={key}")
        assert outcome.code == 1
        assert outcome.err.startswith(f"{code}: ")
    missing = directory("verify", tmp_path / "missing.json", f"--key={key}")
    assert missing.err.startswith("unreachable: ")


def test_an_expired_list_is_refused(directory, key, tmp_path, monkeypatch):
    monkeypatch.setattr("jupyter_peer.commands.directory.verify.time.time", lambda: 1e12)
    outcome = directory("verify")
    assert outcome.code == 1
    assert outcome.err.startswith("stale: serial 1 expired on ")


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, ""),
        (["nonsense"], 2, "unknown command: nonsense"),
        (["add", "a", "b"], 2, "unexpected argument: b"),
        (["remove"], 2, "usage: jupyter peer directory remove NODE"),
        (["sign", "--nonsense"], 2, "unknown option: --nonsense"),
        (["verify"], 1, "lookup: there is no directory.key"),
        (["add", ADA.public_key_b64], 1, "lookup: there is no directory.key"),
        (["sign"], 1, "lookup: there is no directory.key"),
        (["sign", "--ttl=soon"], 1, "bad_request: 'soon'"),
        (["sign", "--folder=missing"], 1, "lookup: there is no folder"),
        (["add", "no key"], 1, "bad_request: this is not the public key"),
        (["verify", "ftp://x/y", "--key=x"], 1, "bad_request: directory_url cannot be"),
        (["verify", "x", "--key=x"], 1, "bad_request: --key is not a public key"),
        (["serve", "--ip=203.0.113.1"], 1, "bad_request: 203.0.113.1:9100 cannot be used"),
        (["serve", "--certfile=missing"], 1, "bad_request: the certificate cannot be used"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_and_failure_are_told(directory, words, code, complaint):
    outcome = directory(*words)
    assert outcome.code == code
    assert complaint in outcome.err


@pytest.mark.parametrize("command", ["init", "add", "remove", "sign", "serve", "verify"])
def test_every_command_has_help(directory, command):
    outcome = directory(command, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: jupyter peer directory {command}")


def test_serve_serves_until_it_is_stopped(directory, key, tmp_path):
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from jupyter_peer.cli import main; raise SystemExit(main())"),
            *("directory", "serve", "--port=0"),
        ],
        cwd=tmp_path / "office",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        outcome = directory("verify", url, f"--key={key}")
        assert outcome.code == 0
        assert ADA.node_id in outcome.out
        process.send_signal(signal.SIGTERM)
        until_sync(lambda: process.poll() is not None, 15)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
