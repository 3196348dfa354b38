"""Who may ask an agent, in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from jupyter_peer.errors import BadRequestError, StoreCorruptError
from jupyter_peer.store.store import Store

from .store_worker import peer_of


def test_the_askers_of_an_agent_are_there_again_after_a_restart(store: Store, path: Path) -> None:
    store.set_askers("helper", ["bob", "cy", "bob"])
    store.set_askers("silent", [])
    store.close()
    again = Store.open(path)
    assert again.askers() == {"helper": {"bob", "cy"}, "silent": frozenset()}
    again.set_askers("helper", ["dan"])
    again.set_askers("silent", None)
    assert again.askers() == {"helper": {"dan"}}
    again.close()


def test_a_forgotten_peer_may_not_ask_when_it_comes_back(store: Store) -> None:
    store.put_peer(peer_of("bob"))
    store.set_askers("helper", ["bob"])
    store.delete_peer("bob")
    store.put_peer(peer_of("bob"))
    assert store.askers() == {"helper": frozenset()}


def test_what_is_no_name_is_not_stored(store: Store) -> None:
    with pytest.raises(BadRequestError):
        store.set_askers("helper", [3])  # type: ignore[list-item]
    assert store.askers() == {}


def test_a_damaged_row_shows_when_the_store_is_opened(store: Store, path: Path) -> None:
    store.set_askers("helper", ["bob"])
    store.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE askers SET node_id = x'00'")
    database.close()
    with pytest.raises(StoreCorruptError):
        Store.open(path)
