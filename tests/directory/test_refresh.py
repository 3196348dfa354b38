"""What a node believes of a directory, whatever its source does."""

from __future__ import annotations

import pytest

from jupyter_peer.directory.cache import DirectoryCache
from jupyter_peer.directory.refresh import DirectoryRefresher
from jupyter_peer.errors import BadSignatureError, PeerError, StaleError, UnreachableError
from jupyter_peer.wire.link.identity import Identity
from tests.directory.office import ADA, BOB, OFFICE, GivenSource, signed
from tests.machine.waiting import until

NOW = 1_760_000_000.0
EVE = Identity.from_seed(b"e" * 32)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source():
    return GivenSource(signed(7, ADA, BOB, expires=NOW + 60))


@pytest.fixture
def make(tmp_path, source, clock):
    """Make a refresher on the data directory of the test, as after a restart."""

    def make(key: bytes = OFFICE.public_key, **settings) -> DirectoryRefresher:
        settings.setdefault("jitter", lambda: 1.0)
        return DirectoryRefresher(
            source, key, DirectoryCache(tmp_path, key), clock=clock, **settings
        )

    return make


def who(refresher: DirectoryRefresher, now: float = NOW) -> set[str]:
    current = refresher.current
    return {
        name
        for name, node in (("ada", ADA), ("bob", BOB), ("eve", EVE))
        if current is not None and current.is_member(node.node_id, node.public_key_b64, now)
    }


async def test_nobody_is_a_member_before_the_directory_was_seen(make, source):
    source.raw = None
    refresher = make()
    with pytest.raises(UnreachableError):
        await refresher.refresh()
    assert who(refresher) == set()
    assert refresher.status().error["code"] == "unreachable"


async def test_a_newer_version_replaces_the_one_before(make, source):
    refresher = make()
    await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}
    source.raw = signed(8, ADA, expires=NOW + 60)
    await refresher.refresh()
    assert who(refresher) == {"ada"}
    status = refresher.status()
    assert (status.serial, status.members, status.error) == (8, 1, None)


async def test_an_unchanged_document_is_not_sent_again(make, source):
    refresher = make()
    await refresher.refresh()
    await refresher.refresh()
    assert source.asked[0] is None
    assert source.asked[1] is not None
    assert who(refresher) == {"ada", "bob"}


async def test_without_its_source_it_holds_until_it_expires_also_after_a_restart(
    make, source, clock
):
    await make().refresh()
    source.raw = None
    refresher = make()
    assert who(refresher) == {"ada", "bob"}
    with pytest.raises(UnreachableError):
        await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}
    clock.now = NOW + 60
    assert who(refresher, clock.now) == set()


async def test_a_rolled_back_serial_is_refused_also_after_a_restart(make, source):
    old = source.raw
    refresher = make()
    source.raw = signed(8, ADA, expires=NOW + 60)
    await refresher.refresh()
    source.raw = old
    for again in (refresher, make()):
        with pytest.raises(StaleError, match="serial 7"):
            await again.refresh()
        assert who(again) == {"ada"}


async def test_a_rollback_is_refused_even_when_what_was_kept_has_expired(make, source, clock):
    source.raw = signed(8, ADA, expires=NOW + 1)
    await make().refresh()
    clock.now = NOW + 2
    source.raw = signed(7, ADA, BOB, expires=NOW + 60)
    refresher = make()
    with pytest.raises(StaleError, match="serial 7"):
        await refresher.refresh()
    assert who(refresher, clock.now) == set()


async def test_two_versions_of_one_serial_are_not_both_believed(make, source):
    refresher = make()
    await refresher.refresh()
    source.raw = signed(7, ADA, EVE, expires=NOW + 60)
    with pytest.raises(StaleError, match="two different versions"):
        await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}


async def test_another_key_changes_nothing(make, source):
    refresher = make()
    await refresher.refresh()
    source.raw = signed(9, EVE, expires=NOW + 60, key=EVE)
    with pytest.raises(BadSignatureError):
        await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}


async def test_an_expired_version_lets_in_nobody_and_supersedes_the_one_before(make, source, clock):
    refresher = make()
    await refresher.refresh()
    source.raw = signed(8, ADA, expires=NOW - 1)
    with pytest.raises(StaleError, match="expired"):
        await refresher.refresh()
    assert who(refresher) == set()
    assert refresher.status().serial == 8


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff" * 100, b"[" * 10_000])
async def test_rubbish_changes_nothing(make, source, raw):
    refresher = make()
    await refresher.refresh()
    source.raw = raw
    with pytest.raises(PeerError):
        await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}


async def test_a_kept_file_that_somebody_changed_is_not_believed(make, tmp_path, source, caplog):
    await make().refresh()
    [kept] = tmp_path.glob("directory-*.json")
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(signed(9, EVE, expires=NOW + 60, key=EVE))
    assert who(make()) == set()
    assert "cannot be used" in caplog.text
    kept.write_bytes(b"\0" * (2 << 20))
    assert who(make()) == set()


async def test_what_is_kept_belongs_to_one_key(make, source):
    await make().refresh()
    assert who(make(EVE.public_key)) == set()
    assert who(make()) == {"ada", "bob"}


async def test_a_disk_that_is_full_is_a_warning(make, source, monkeypatch, caplog):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jupyter_peer.directory.cache.replace_file", full)
    refresher = make()
    await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}
    assert "No space left" in caplog.text


# Running


async def test_it_looks_again_and_again_and_tells_of_it(make, source):
    told = []

    async def tell() -> None:
        told.append(who(refresher))

    refresher = make(interval_s=0.01, on_change=tell)
    refresher.start()
    try:
        await until(lambda: {"ada", "bob"} in told)
        source.raw = signed(8, BOB, expires=NOW + 60)
        await until(lambda: {"bob"} in told)
    finally:
        await refresher.close()
    asked = len(source.asked)
    await refresher.close()
    assert len(source.asked) == asked


async def test_it_goes_on_after_failures(make, source, caplog):
    source.raw = None
    refresher = make(interval_s=0.02)
    refresher.start()
    try:
        await until(lambda: refresher.status().error)
        source.raw = signed(8, ADA, expires=NOW + 60)
        await until(lambda: who(refresher) == {"ada"})
    finally:
        await refresher.close()
    assert "cannot be fetched" in caplog.text


async def test_it_tells_when_a_membership_ends_by_itself(make, source, clock):
    told = []

    async def tell() -> None:
        told.append(who(refresher, clock.now))

    source.raw = signed(7, ADA, expires=NOW + 0.05)
    refresher = make(interval_s=3600.0, on_change=tell)
    refresher.start()
    try:
        await until(lambda: told == [{"ada"}])
        clock.now = NOW + 1
        await until(lambda: told == [{"ada"}, set()])
    finally:
        await refresher.close()


async def test_a_listener_that_fails_does_not_end_it(make, source, caplog):
    async def fail() -> None:
        raise ValueError("a mistake")

    refresher = make(interval_s=0.01, on_change=fail)
    refresher.start()
    try:
        await until(lambda: len(source.asked) > 2)
    finally:
        await refresher.close()
    assert "applying a change of the directory failed" in caplog.text


# Several programs that keep it in one place.


async def test_what_another_program_has_seen_counts_here_too(make, source):
    here, there = make(), make()
    await here.refresh()
    source.raw = signed(8, ADA, expires=NOW + 60)
    await there.refresh()
    source.raw = signed(7, ADA, BOB, expires=NOW + 60)
    assert (await here.refresh()).serial == 8
    assert who(here) == {"ada"}
    source.raw = signed(6, EVE, expires=NOW + 60)
    with pytest.raises(StaleError, match="serial 6, but serial 8 is known"):
        await here.refresh()


async def test_an_older_version_is_never_put_in_place_of_a_newer_one(tmp_path):
    slow, quick = (DirectoryCache(tmp_path, OFFICE.public_key) for _ in range(2))
    newer, older = (signed(serial, ADA, expires=NOW + 60) for serial in (8, 7))
    assert quick.save(newer).serial == 8
    assert slow.save(older).serial == 8
    rival = signed(8, EVE, expires=NOW + 60)
    assert list(slow.save(rival).members) == [ADA.node_id]
    assert slow.path.read_bytes() == newer
    assert slow.news() is None
    assert quick.save(signed(9, ADA, expires=NOW + 60)).serial == 9
    assert slow.news().serial == 9


async def test_a_lock_that_is_never_given_back_costs_the_memory_and_not_the_directory(
    make, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("jupyter_peer.directory.cache._LOCK_TRIES", 2)
    refresher = make()
    other = DirectoryCache(tmp_path, OFFICE.public_key)
    with other._locked():
        await refresher.refresh()
    assert who(refresher) == {"ada", "bob"}
    assert "another program holds its lock" in caplog.text
    assert not other.path.exists()
