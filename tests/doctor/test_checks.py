"""What each check says of servers that are set up well, badly, or not at all."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from jupyter_peer._version import __version__
from jupyter_peer.directory.refresh import DirectoryStatus
from jupyter_peer.doctor.checks.files import check_files
from jupyter_peer.doctor.checks.installation import (
    check_browser_side,
    check_server_side,
    check_versions,
)
from jupyter_peer.doctor.checks.listening import (
    check_base_url,
    check_host,
    check_listening,
    check_proxy,
)
from jupyter_peer.doctor.checks.trust import check_trust
from jupyter_peer.doctor.examine import examine
from jupyter_peer.doctor.facts import ServerFacts
from jupyter_peer.errors import StoreCorruptError
from jupyter_peer.findings import ok
from jupyter_peer.phrase import phrase
from jupyter_peer.store.store import Store

NOW = 1_760_000_000.0


def facts(**changes) -> ServerFacts:
    return ServerFacts(**{"ip": "127.0.0.1", "port": 8888, "data_dir": Path("/x"), **changes})


def statuses(findings) -> dict[str, str]:
    return {finding.check: finding.status for finding in findings}


def check_hints(findings) -> None:
    for finding in findings:
        assert finding.text.endswith(".")
        assert finding.status in ("ok", "skipped") or finding.hint


# Running them


async def test_a_check_that_hangs_or_breaks_is_a_line_and_harms_no_other(caplog):
    async def hang():
        await asyncio.Event().wait()

    def fail():
        raise ValueError("secret")

    steps = []
    findings = await examine(
        {"slow": hang, "broken": fail, "good": lambda: [ok("good", phrase("It is."))]},
        0.05,
        steps.append,
    )
    assert [step["ok"] for step in steps] == [None, None, True]
    assert steps[-1]["message"] == "3 of 3 checks are done"
    assert [(f.check, f.status) for f in findings] == [
        ("slow", "failed"),
        ("broken", "failed"),
        ("good", "ok"),
    ]
    assert "secret" not in str(findings)
    assert "secret" in caplog.text


# Listening


@pytest.mark.parametrize(
    ("changes", "jupyter", "peers"),
    [
        ({}, "ok", "warning"),
        ({"peer_listen": "0.0.0.0:9797"}, "ok", "ok"),
        ({"ip": "0.0.0.0"}, "ok", "skipped"),
        ({"ip": ""}, "ok", "skipped"),
        ({"ip": "localhost"}, "ok", "warning"),
        ({"socket": "/run/jupyter.sock"}, "warning", "warning"),
        ({"ways": ("relay",)}, "ok", "skipped"),
        ({"ways": ("lan",)}, "ok", "warning"),
        ({"advertised": ("wss://a.example/peer-ws",)}, "ok", "skipped"),
        ({"enable_direct": False}, "ok", "skipped"),
    ],
    ids=str,
)
def test_where_it_listens(changes, jupyter, peers):
    findings = check_listening(facts(**changes))
    assert statuses(findings) == {"jupyter": jupyter, "peer-listen": peers}
    check_hints(findings)


def test_behind_a_proxy_through_which_browsers_come_no_port_is_missed():
    at_a_proxy = facts(learned=("ws://localhost:8888/peer-ws", "wss://a.example/peer-ws"))
    listening = [each for each in check_listening(at_a_proxy) if each.check == "peer-listen"]
    assert [each.status for each in listening] == ["skipped"]
    assert "wss://a.example/peer-ws" in listening[0].text
    at_home = facts(learned=("ws://localhost:8888/peer-ws", "ws://127.0.0.1:8888/peer-ws"))
    assert statuses(check_listening(at_home))["peer-listen"] == "warning"


def test_which_names_jupyter_answers_to():
    for changes, words in (
        ({}, "allow_remote_access is False"),
        ({"allow_remote_access": True}, "any host name"),
        ({"ip": "0.0.0.0"}, "any host name"),
    ):
        [finding] = check_host(facts(**changes))
        assert words in finding.text


@pytest.mark.parametrize(
    ("address", "more", "status"),
    [
        ("wss://a.example/ada/peer-ws", {}, "ok"),
        ("wss://a.example/peer-ws", {}, "warning"),
        ("ws://a.example:9797/peer-ws", {"peer_listen": "0.0.0.0:9797"}, "ok"),
        ("wss://a.example/bob/peer-ws", {"peer_listen": "0.0.0.0:9797"}, "warning"),
    ],
)
def test_an_address_without_the_base_url_is_noticed(address, more, status):
    findings = check_base_url(facts(base_url="/ada/", advertised=(address,), **more))
    assert [(f.subject, f.status) for f in findings] == [(address, status)]
    check_hints(findings)


def test_without_advertised_addresses_the_path_is_told():
    [finding] = check_base_url(facts(base_url="/ada/"))
    assert "/ada/peer-ws" in finding.text


def test_proxies_are_seen():
    assert statuses(check_proxy(facts())) == {"proxy": "ok"}
    [hub] = check_proxy(facts(hub_prefix="/user/ada/"))
    assert "JupyterHub" in hub.text
    [way_out] = check_proxy(facts(proxies=("https_proxy",)))
    assert way_out.status == "warning"
    tls, open_lan = check_proxy(facts(learned=("wss://a.example/peer-ws",), trust_mode="open-lan"))
    assert (tls.status, open_lan.status) == ("ok", "warning")


# The data directory


@pytest.fixture
def data_dir(tmp_path):
    path = tmp_path / "peer"
    path.mkdir(mode=0o700)
    (path / "identity.key").touch(mode=0o600)
    return path


def test_a_data_directory_as_it_should_be(data_dir):
    findings = check_files(data_dir, damage=list)
    assert statuses(findings) == {"data-dir": "ok", "disk": "ok", "store": "ok"}


def test_one_that_is_not_there_yet_is_no_failure(tmp_path):
    assert statuses(check_files(tmp_path / "missing")) == {"data-dir": "ok"}


@pytest.mark.parametrize(
    ("mode", "key", "status", "words"),
    [
        (0o755, 0o600, "warning", "list"),
        (0o770, 0o600, "failed", "can write to"),
        (0o700, 0o644, "failed", "pose as this node"),
    ],
)
def test_files_that_others_can_get_at_are_told(data_dir, mode, key, status, words):
    (data_dir / "identity.key").chmod(key)
    data_dir.chmod(mode)
    finding, *_ = check_files(data_dir)
    assert finding.status == status
    assert words in finding.text
    assert finding.hint.startswith("chmod ")


def test_a_second_directory_is_told(data_dir):
    assert "another server" in str(check_files(data_dir, is_fallback=True)).lower()


@pytest.mark.parametrize(("free", "status"), [(1 << 20, "failed"), (50 << 20, "warning")])
def test_a_full_disk_is_told(data_dir, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    [finding] = [f for f in check_files(data_dir) if f.check == "disk"]
    assert (finding.status, finding.data) == (status, {"free_bytes": free})


def test_a_damaged_database_is_told(data_dir):
    def unreadable():
        raise StoreCorruptError

    [wrong] = [f for f in check_files(data_dir, damage=lambda: ["row 7"]) if f.check == "store"]
    assert "row 7" in wrong.text
    [broken] = [f for f in check_files(data_dir, damage=unreadable) if f.check == "store"]
    assert broken.data == {"code": "store_corrupt"}


def test_a_store_finds_damage_in_its_own_file(tmp_path):
    store = Store.open(tmp_path / "peer.sqlite")
    assert store.damage() == []
    for number in range(500):
        store.add_audit("x", None, {"n": "y" * 200}, float(number))
    store.close()
    path = tmp_path / "peer.sqlite"
    store = Store.open(path)
    # a disk that goes bad while the server runs; at its start the store looks by itself
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    try:
        [finding] = [f for f in check_files(tmp_path, damage=store.damage) if f.check == "store"]
        assert finding.status == "failed"
    finally:
        store.close()


# Trust


def test_open_lan_is_a_warning():
    [finding] = check_trust("open-lan", None, NOW)
    assert finding.status == "warning"


ERROR = {"code": "unreachable", "message": "it cannot be fetched", "hint": "check it"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "failed"),
        ({"error": ERROR}, "failed"),
        ({"serial": 1, "expires": NOW - 1}, "failed"),
        ({"serial": 1, "expires": NOW + 60, "error": ERROR}, "warning"),
        ({"serial": 1, "expires": NOW + 60}, "ok"),
    ],
    ids=str,
)
def test_how_it_stands_with_the_directory(status, expected):
    findings = check_trust("directory", DirectoryStatus(url="https://d.example", **status), NOW)
    assert statuses(findings)["directory"] == expected
    check_hints(findings)
    assert ("it cannot be fetched" in str(findings)) == ("error" in status)


@pytest.mark.parametrize(
    ("left", "words"),
    [(90.0, "2 minutes"), (7200.0, "2 hours"), (30 * 86400.0, "30 days"), (1e300, "11574 days")],
)
def test_how_long_the_directory_is_good_for_is_told_in_fitting_words(left, words):
    status = DirectoryStatus(url="https://d.example", serial=1, expires=NOW + left, members=1)
    finding = check_trust("directory", status, NOW)[1]
    assert f"(serial 1, members: 1) expires in {words}." in finding.text


# What is installed


def test_versions_are_told():
    [finding] = check_versions()
    assert finding.data["versions"]["jupyter-peer"] == __version__
    assert "Python" in finding.text


def test_the_sidebar_is_found_missing_outdated_or_broken(tmp_path):
    assert check_browser_side([tmp_path])[0].status == "failed"
    package = tmp_path / "jupyter-peer/package.json"
    package.parent.mkdir()
    for content, status in (
        (json.dumps({"version": __version__}), "ok"),
        ('{"version": "0.0.0"}', "warning"),
        ("{}", "failed"),
        ("[]", "failed"),
        ("{", "failed"),
    ):
        package.write_text(content)
        [finding] = check_browser_side([tmp_path / "missing", tmp_path])
        assert finding.status == status, content


def test_the_extension_is_on_off_or_not_configured(tmp_path):
    assert check_server_side([tmp_path])[0].status == "failed"
    strong, weak = tmp_path / "strong", tmp_path / "weak"
    for folder, is_on in ((strong, False), (weak, True)):
        config = folder / "jupyter_server_config.d/jupyter_peer.json"
        config.parent.mkdir(parents=True)
        config.write_text(
            json.dumps({"ServerApp": {"jpserver_extensions": {"jupyter_peer": is_on}}})
        )
        (config.parent / "a.json").write_text("{")
    assert check_server_side([weak])[0].status == "ok"
    assert check_server_side([strong, weak])[0].status == "failed"
