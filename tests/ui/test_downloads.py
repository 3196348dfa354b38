"""The forwarder that counts what a viewer's browser downloads."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

from tests.ui.downloads import forwarded


def test_a_forwarder_counts_what_comes_and_closes_every_connection_at_its_end():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        lab: Any = SimpleNamespace(url=url)
        with forwarded(lab) as forwarder:
            assert lab.url.endswith(f":{forwarder.port}")
            browser = socket.create_connection(("127.0.0.1", forwarder.port), 10)
            browser.sendall(b"GET")
            jupyter, _ = server.accept()
            jupyter.settimeout(10)
            assert jupyter.recv(3) == b"GET"
            jupyter.sendall(b"a page")
            assert browser.recv(6) == b"a page"
            assert forwarder.received == 6
        with browser, jupyter:
            assert (browser.recv(1), jupyter.recv(1)) == (b"", b"")
        assert lab.url == url
