"""What a server takes from the JupyterHub that has started it; a real Hub is in ``tests/jupyterhub``."""

from __future__ import annotations

import pytest

from jupyter_peer.server.node.jupyterhub import address_at_hub, folder_at_hub, name_at_hub
from tests.server.servers import jupyter_server


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        (
            {
                "JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ada/",
                "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
            },
            "wss://hub.example/user/ada/peer-ws",
        ),
        (
            {
                "JUPYTERHUB_PUBLIC_URL": "https://ada.hub.example:8443",
                "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/gpu/",
            },
            "wss://ada.hub.example:8443/user/ada/gpu/peer-ws",
        ),
        ({"JUPYTERHUB_PUBLIC_URL": "http://hub/u/a"}, "ws://hub/u/a/peer-ws"),
        ({"JUPYTERHUB_PUBLIC_URL": "http://hub"}, "ws://hub/peer-ws"),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}, None),
        (
            {"JUPYTERHUB_PUBLIC_URL": "http://127.0.0.1:8000/user/ada/"},
            "ws://127.0.0.1:8000/user/ada/peer-ws",
        ),
        ({"JUPYTERHUB_PUBLIC_URL": "http://0.0.0.0:8000/user/ada/"}, None),
        ({"JUPYTERHUB_PUBLIC_URL": "ftp://hub.example"}, None),
        ({"JUPYTERHUB_PUBLIC_URL": "http://[::1"}, None),
        ({"JUPYTERHUB_PUBLIC_URL": "", "JUPYTERHUB_SERVICE_PREFIX": ""}, None),
    ],
)
def test_the_public_url_that_a_hub_gives_its_server_is_an_address(environment, address):
    assert address_at_hub(environment) == address


@pytest.mark.parametrize(
    ("user", "server", "name"),
    [
        ("ada@uni.example", "", "ada@uni.example"),
        ("ada", "gpu", "ada-gpu"),
        ("ada", " ", "ada"),
        (" ", "gpu", ""),
    ],
)
def test_a_server_is_called_after_its_user_and_a_named_one_after_both(user, server, name):
    environment = {"JUPYTERHUB_USER": user, "JUPYTERHUB_SERVER_NAME": server}
    assert name_at_hub(environment) == name
    assert name_at_hub({}) == ""


def test_each_named_server_has_a_folder_of_its_own_that_leads_nowhere_else():
    names = ["", "gpu", "2", "..", "a/b", "a b", "A", "ü", "x" * 300, "y" * 300]
    folders = [folder_at_hub({"JUPYTERHUB_SERVER_NAME": name}) for name in names]
    assert folders[:4] == ["peer", "peer-server-gpu", "peer-server-2", "peer-server-.."]
    assert len(set(folders)) == len(names)
    assert all("/" not in each and len(each) < 120 for each in folders)
    assert folder_at_hub({}) == "peer"


@pytest.mark.usefixtures("jp_environ")
async def test_named_servers_keep_their_identities_whatever_the_order_of_their_starts(
    tmp_path, monkeypatch
):
    seen = []
    for order in (["", "gpu"], ["gpu", ""]):
        ids = {}
        for name in order:
            monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", name)
            async with jupyter_server(tmp_path) as server:
                ids[name] = server.hub.node_id
        seen.append(ids)
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == 2


@pytest.mark.usefixtures("jp_environ")
async def test_a_guest_link_leads_to_the_hubs_address_before_any_page_is_opened(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    async with jupyter_server(tmp_path, "/user/ada/") as ada:
        ada.hub.store.put_pane("loss", "Loss", 1.0)
        made = await ada.call("POST", "links", {"pane": "loss"})
        assert made["link"].startswith("https://hub.example/user/ada/jupyter-peer/s/")
