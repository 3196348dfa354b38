from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_peer.server_client import client as client_module
from jupyter_peer.server_client.client import Client
from tests.server_client.fake_server import SECRET, FakeServer


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.stop()


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    with Client(server.url, SECRET, "kernel-1") as connected:
        yield connected


@pytest.fixture
def in_kernel(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be a kernel of the scripted server."""
    monkeypatch.setenv(client_module.URL, server.url)
    monkeypatch.setenv(client_module.SECRET, SECRET)
    client_module._client_of.cache_clear()
    yield
    # Left open, its thread would look for the server for as long as the tests run.
    client_module.kernel_client().close()
    client_module._client_of.cache_clear()
