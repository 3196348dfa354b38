"""Guest links in the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from jupyter_peer.errors import BadRequestError, StoreError, UnknownPaneError
from jupyter_peer.store import schema
from jupyter_peer.store.records import LinkRecord
from jupyter_peer.store.store import Store

LINK = LinkRecord(
    id="a1",
    secret_hash="0" * 64,
    pane="loss",
    grant="view",
    created=10.0,
    expires=100.0,
    max_guests=20,
)


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path)
    store.put_pane("loss", "Loss", 1.0)
    yield store
    store.close()


def test_a_link_is_there_again_after_a_restart(store: Store, path: Path) -> None:
    store.add_link(LINK)
    store.close()
    again = Store.open(path)
    assert again.links() == [LINK]
    assert again.link("a1") == LINK
    assert again.link("a2") is None
    again.close()


def test_a_link_goes_with_its_pane_and_not_with_its_new_title(store: Store) -> None:
    store.add_link(LINK)
    store.put_pane("loss", "Another title", 2.0)
    assert store.links() == [LINK]
    store.delete_pane("loss")
    assert store.links() == []


def test_a_link_of_no_pane_or_of_an_id_that_is_taken_is_refused(store: Store) -> None:
    with pytest.raises(UnknownPaneError):
        store.add_link(msgspec.structs.replace(LINK, pane="nope"))
    store.add_link(LINK)
    with pytest.raises(StoreError):
        store.add_link(LINK)
    with pytest.raises(BadRequestError):
        store.add_link(msgspec.structs.replace(LINK, id="a2", grant="all"))
    assert store.links() == [LINK]


def test_a_new_link_drops_those_that_have_expired(store: Store) -> None:
    store.add_link(LINK)
    newer = msgspec.structs.replace(LINK, id="a2", created=100.0, expires=200.0)
    store.add_link(newer)
    assert store.links() == [newer]


def test_a_stopped_link_is_gone(store: Store) -> None:
    store.add_link(LINK)
    assert store.delete_link("a1")
    assert not store.delete_link("a1")
    assert store.links() == []


def test_a_store_of_before_there_were_links_is_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", schema.STEPS[:2])
        schema.open_database(path).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO panes VALUES ('loss', 'Loss', 1.0)")
    database.close()
    store = Store.open(path)
    store.add_link(LINK)
    assert store.links() == [LINK]
    store.close()
