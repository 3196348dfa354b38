from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from jupyter_peer.kernel.panel.panel import PeerPanel
from jupyter_peer.server_client.client import Client
from tests.server_client.conftest import client, in_kernel, secret_file, server

__all__ = ["client", "in_kernel", "secret_file", "server"]


@pytest.fixture
def open_panel(client: Client) -> Iterator[Callable[[], PeerPanel]]:
    """What ``%peer panel`` does, in the loop of the test."""
    shown: list[PeerPanel] = []

    def opened() -> PeerPanel:
        shown.append(PeerPanel(client))
        return shown[-1]

    yield opened
    for panel in shown:
        panel.close()
