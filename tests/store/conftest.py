from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_peer.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "peer.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path)
    yield store
    store.close()
