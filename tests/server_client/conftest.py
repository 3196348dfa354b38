from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
def secret_file(tmp_path: Path) -> Path:
    """Return the file that a kernel of the scripted server has its secret in."""
    path = tmp_path / "kernel.secret"
    path.write_text(SECRET)
    return path


@pytest.fixture
def in_kernel(
    server: FakeServer, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let this process be a kernel of the scripted server."""
    monkeypatch.setenv(client_module.URL, server.url)
    monkeypatch.setenv(client_module.SECRET_FILE, str(secret_file))
    client_module._client_of.cache_clear()
    yield
    # Left open, its thread would look for the server for as long as the tests run.
    client_module.kernel_client().close()
    client_module._client_of.cache_clear()
