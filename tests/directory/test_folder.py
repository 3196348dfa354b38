"""The folder from which a directory is published."""

from __future__ import annotations

import json
import os

import pytest

from jupyter_peer.directory.folder import DirectoryFolder, member_from
from jupyter_peer.errors import (
    BadRequestError,
    BadSignatureError,
    BusyError,
    LookupFailedError,
    MalformedError,
    StoreError,
)
from jupyter_peer.files.file_lock import try_lock
from jupyter_peer.wire.directory import Directory
from tests.directory.office import ADA, BOB, member_of

NOW = 1_760_000_000.0


@pytest.fixture
def folder(tmp_path):
    folder = DirectoryFolder(tmp_path / "office")
    folder.make("Physics", lambda: os.urandom(32))
    return folder


def test_the_key_is_readable_for_its_owner_alone_and_never_replaced(folder):
    path = folder.path / "directory.key"
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(BadRequestError, match="already"):
        folder.make("Physics", lambda: os.urandom(32))
    assert path.read_bytes() == before


def test_changes_are_published_by_signing_and_not_before(folder):
    assert folder.add(member_of(ADA, name="ada"))
    assert folder.published() is None
    assert folder.sign(NOW).serial == 1
    assert folder.draft() is None
    assert folder.add(member_of(BOB))
    assert not folder.add(member_of(BOB, name="bob"))
    folder.remove("ada")
    assert set(folder.published().members) == {ADA.node_id}
    signed = folder.sign(NOW + 1)
    assert (signed.serial, signed.expires, signed.name) == (2, NOW + 1, "Physics")
    assert folder.published().members[BOB.node_id].name == "bob"
    assert set(folder.published().members) == {BOB.node_id}


def test_signing_again_gives_a_higher_serial(folder):
    serials = [folder.sign(NOW).serial for _ in range(3)]
    assert serials == [1, 2, 3]
    raw = folder.published_path.read_bytes()
    assert Directory.from_bytes(raw, folder.key().public_key).serial == 3


def test_a_lost_draft_does_not_turn_the_serial_back(folder):
    folder.sign(NOW)
    folder.sign(NOW)
    folder.add(member_of(ADA))
    draft = folder.path / "directory.draft.json"
    draft.write_text(json.dumps({**json.loads(draft.read_text()), "serial": 0}))
    assert folder.sign(NOW).serial == 3


def test_a_published_file_that_somebody_changed_is_not_signed_on(folder):
    folder.add(member_of(ADA))
    folder.sign(NOW)
    raw = folder.published_path.read_bytes().replace(b'"serial": 1', b'"serial": 9')
    folder.published_path.write_bytes(raw)
    with pytest.raises(BadSignatureError):
        folder.sign(NOW)
    assert folder.published_path.read_bytes() == raw


def test_a_damaged_draft_is_refused_and_kept(folder):
    draft = folder.path / "directory.draft.json"
    draft.write_text("{")
    for change in (lambda: folder.add(member_of(ADA)), lambda: folder.sign(NOW)):
        with pytest.raises(MalformedError):
            change()
    assert draft.read_text() == "{"


@pytest.mark.parametrize("text", ["ada", "ADA", ADA.node_id, ADA.node_id[:6]])
def test_a_node_is_removed_by_any_of_its_names(folder, text):
    folder.add(member_of(ADA, name="Ada"))
    folder.add(member_of(BOB))
    assert folder.remove(text).id == ADA.node_id


def test_a_node_that_is_not_meant_for_certain_is_not_removed(folder):
    folder.add(member_of(ADA, name="same"))
    folder.add(member_of(BOB, name="same"))
    for text, words in (("same", "more than one"), ("nobody", "nobody"), ("", "''"), (" ", "' '")):
        with pytest.raises(LookupFailedError, match=words):
            folder.remove(text)
    assert set(folder.draft().members) == {ADA.node_id, BOB.node_id}


def test_where_nothing_is_it_says_so(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        folder = DirectoryFolder(path)
        for change in (
            folder.key,
            lambda folder=folder: folder.add(member_of(ADA)),
            lambda folder=folder: folder.sign(NOW),
        ):
            with pytest.raises(LookupFailedError, match="there is no"):
                change()
    assert not list(tmp_path.glob("*.json"))


def test_two_commands_do_not_change_it_at_once(folder):
    with (folder.path / "directory.lock").open("w") as other:
        assert try_lock(other.fileno())
        with pytest.raises(BusyError):
            folder.add(member_of(ADA))
    assert folder.add(member_of(ADA))


def test_a_disk_that_is_full_leaves_what_was_there(folder, monkeypatch):
    folder.add(member_of(ADA))
    folder.sign(NOW)
    before = folder.published_path.read_bytes()

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jupyter_peer.directory.folder.replace_file", full)
    for change in (lambda: folder.add(member_of(BOB)), lambda: folder.sign(NOW)):
        with pytest.raises(StoreError, match="No space left"):
            change()
    assert folder.published_path.read_bytes() == before


# The entry of a node


def test_a_node_is_given_by_its_key_or_by_what_id_prints():
    member = member_from(ADA.public_key_b64 + "\n", name="ada", groups=("b", "a", "b"))
    assert (member.id, member.name, member.groups) == (ADA.node_id, "ada", ("b", "a"))
    told = json.dumps({"public_key": ADA.public_key_b64, "node_name": "ada's laptop", "x": 1})
    assert member_from(told).name == "ada's laptop"
    assert member_from(told, name="ada").name == "ada"


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        (ADA.node_id, {}),
        ("jpeer1:AAAA", {}),
        ("{}", {}),
        ('{"public_key": 7}', {}),
        (ADA.public_key_b64, {"name": "n" * 65}),
        (ADA.public_key_b64, {"groups": ("a group",)}),
        (ADA.public_key_b64, {"groups": tuple(f"g{i}" for i in range(40))}),
        (ADA.public_key_b64, {"expires": float("inf")}),
    ],
)
def test_what_is_no_node_is_refused(text, settings):
    with pytest.raises(BadRequestError):
        member_from(text, **settings)
