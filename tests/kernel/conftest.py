from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_peer.kernel.client import Client
from tests.kernel.fake_server import SECRET, FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.stop()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client(server.url, SECRET, "kernel-1") as connected:
        yield connected
