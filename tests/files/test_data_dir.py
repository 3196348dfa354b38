from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jupyter_peer.errors import DataDirError, KeyFileError
from jupyter_peer.files import data_dir as data_dir_module
from jupyter_peer.files.data_dir import load_or_make_identity, open_data_dir
from jupyter_peer.wire.link.identity import Identity

from ..store.store_processes import BOUND_S, deaths, hear, say, worker

SEED = bytes(range(32))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "jupyter" / "peer"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "identity.key"


@pytest.fixture
def open_umask() -> Iterator[None]:
    old = os.umask(0)
    yield
    os.umask(old)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def never() -> bytes:
    raise AssertionError("no new identity is wanted here")


# The directory


@pytest.mark.usefixtures("open_umask")
def test_a_missing_directory_is_made_for_its_owner_alone(base: Path) -> None:
    held = open_data_dir(base)
    assert held.path == base
    assert not held.fallback
    assert mode_of(base) == 0o700
    assert mode_of(base / "lock") == 0o600
    held.close()


def test_a_directory_that_is_taken_gives_a_sibling_and_says_so(
    base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        first = open_data_dir(base)
        assert caplog.text == ""
        second = open_data_dir(base)
        third = open_data_dir(base)
    assert (second.path, second.fallback) == (base.with_name("peer-2"), True)
    assert third.path == base.with_name("peer-3")
    assert str(base) in caplog.text
    assert "peer-2" in caplog.text
    first.close()
    again = open_data_dir(base)
    assert again.path == base
    for held in (again, second, third):
        held.close()


def test_closing_twice_lets_go_once(base: Path) -> None:
    first = open_data_dir(base)
    first.close()
    second = open_data_dir(base)
    first.close()
    third = open_data_dir(base)
    assert third.fallback
    second.close()
    third.close()


def test_another_process_holds_its_directory_until_it_is_killed(base: Path) -> None:
    with worker("hold", base) as process:
        assert hear(process) == str(base)
        held = open_data_dir(base)
        assert held.fallback
        held.close()
        process.kill()
        process.wait(BOUND_S)
        held = open_data_dir(base)
        assert not held.fallback
        held.close()


def test_a_child_process_does_not_keep_the_directory(base: Path) -> None:
    held = open_data_dir(base)
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", "input()"], os.environ)
    try:
        held.close()
        again = open_data_dir(base)
        assert not again.fallback
        again.close()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702, 0o1777])
def test_a_directory_that_others_can_write_is_refused(base: Path, mode: int) -> None:
    base.mkdir(parents=True)
    base.chmod(mode)
    with pytest.raises(DataDirError, match="other users can write") as caught:
        open_data_dir(base)
    assert "chmod 700" in caught.value.hint
    assert list(base.iterdir()) == []
    assert mode_of(base) == mode


def test_a_sibling_that_others_can_write_is_refused_too(base: Path) -> None:
    held = open_data_dir(base)
    sibling = base.with_name("peer-2")
    sibling.mkdir()
    sibling.chmod(0o777)
    with pytest.raises(DataDirError):
        open_data_dir(base)
    held.close()


def test_a_directory_of_another_user_is_refused(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.mkdir(parents=True, mode=0o700)
    owner = os.geteuid() + 1
    monkeypatch.setattr(data_dir_module.os, "geteuid", lambda: owner)
    with pytest.raises(DataDirError, match="another user"):
        open_data_dir(base)


def test_a_file_in_the_place_of_the_directory_is_an_error_of_ours(base: Path) -> None:
    base.parent.mkdir()
    base.write_text("a file")
    with pytest.raises(DataDirError, match="cannot be used"):
        open_data_dir(base)
    assert base.read_text() == "a file"


def test_a_lock_that_is_a_link_is_not_followed(base: Path, tmp_path: Path) -> None:
    base.mkdir(parents=True, mode=0o700)
    (base / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataDirError):
        open_data_dir(base)
    assert not (tmp_path / "elsewhere").exists()


def test_siblings_have_an_end(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_dir_module, "MAX_SIBLINGS", 2)
    with ExitStack() as stack:
        for _ in range(2):
            stack.callback(open_data_dir(base).close)
        with pytest.raises(DataDirError, match="in use"):
            open_data_dir(base)


# The identity


@pytest.mark.usefixtures("open_umask")
def test_an_identity_is_made_once_and_stays(key: Path) -> None:
    made = load_or_make_identity(key, lambda: SEED)
    assert made.node_id == Identity.from_seed(SEED).node_id
    assert mode_of(key) == 0o600
    assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    loaded = load_or_make_identity(key, never)
    assert loaded.node_id == made.node_id
    assert loaded.sign(b"x") == made.sign(b"x")
    assert [file.name for file in key.parent.iterdir()] == ["identity.key"]


def test_a_key_that_others_could_read_is_closed_to_them_with_a_warning(
    key: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_or_make_identity(key, lambda: SEED)
    key.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        load_or_make_identity(key, never)
    assert mode_of(key) == 0o600
    assert "644" in caplog.text
    caplog.clear()
    load_or_make_identity(key, never)
    assert caplog.text == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda pem: b"",
        lambda pem: pem[: len(pem) // 2],
        lambda pem: b"\xff" + pem[1:],
        lambda pem: pem.replace(b"PRIVATE", b"PUBLIC"),
        lambda pem: b"x" * 1_000_000,
    ],
    ids=["empty", "cut off", "altered", "public", "large"],
)
def test_a_damaged_key_is_refused_and_left_as_it_is(
    key: Path, damage: Callable[[bytes], bytes]
) -> None:
    load_or_make_identity(key, lambda: SEED)
    content = damage(key.read_bytes())
    key.write_bytes(content)
    with pytest.raises(KeyFileError) as caught:
        load_or_make_identity(key, never)
    assert str(key) in caught.value.message
    assert key.read_bytes() == content


def test_a_key_file_that_is_a_link_or_a_directory_is_refused(tmp_path: Path) -> None:
    load_or_make_identity(tmp_path / "real", lambda: SEED)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "directory").mkdir()
    for name in ("link", "dangling", "directory"):
        with pytest.raises(KeyFileError):
            load_or_make_identity(tmp_path / name, never)
    assert not (tmp_path / "nowhere").exists()


def test_a_key_in_a_directory_that_is_missing_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        load_or_make_identity(tmp_path / "missing" / "identity.key", lambda: SEED)


def test_no_key_shows_in_logs_or_errors(key: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        load_or_make_identity(key, lambda: SEED)
        key.chmod(0o666)
        load_or_make_identity(key, never)
    secret = key.read_text().splitlines()[1]
    key.write_text(key.read_text().replace("END", "end"))
    with pytest.raises(KeyFileError) as caught:
        load_or_make_identity(key, never)
    assert secret not in caplog.text
    assert secret not in str(caught.value)


def test_many_processes_make_one_identity(key: Path) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(worker("identity", key)) for _ in range(4)]
        assert [hear(node) for node in nodes] == ["ready"] * 4
        for node in nodes:
            say(node, "go")
        (node_id,) = {hear(node) for node in nodes}
    assert load_or_make_identity(key, never).node_id == node_id
    assert [file.name for file in key.parent.iterdir()] == ["identity.key"]


def test_a_file_system_without_hard_links_will_do(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    made = load_or_make_identity(key, lambda: SEED)
    assert load_or_make_identity(key, never).node_id == made.node_id
    assert [file.name for file in key.parent.iterdir()] == ["identity.key"]


def test_death_at_any_moment_of_making_an_identity_leaves_it_whole_or_absent(
    tmp_path: Path,
) -> None:
    for key in deaths(("fsync", "link", "unlink"), tmp_path, "identity.key", "identity"):
        load_or_make_identity(key, never if key.exists() else lambda: SEED)
        load_or_make_identity(key, never)
        assert [file.name for file in key.parent.iterdir()] == ["identity.key"]
