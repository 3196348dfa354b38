"""How a new guest link is shown."""

from __future__ import annotations

import pytest

from jupyter_peer.server_client.results.links import Link


def shown(url):
    return Link(url, id="1234", expires=4e9, pane="loss", grant="view").to_text()


@pytest.mark.parametrize(
    "url", ["http://localhost:8888/jupyter-peer/s/1#x", "http://127.0.0.1:9797/s/1#x"]
)
def test_a_link_that_only_this_machine_can_open_says_so_and_what_to_do(url):
    assert "Only browsers on this machine can open this link" in shown(url)
    assert "%peer reach network" in shown(url)


def test_a_link_that_others_can_open_has_no_such_line():
    assert "this machine" not in shown("https://relay.example/s/abc/1#x")
