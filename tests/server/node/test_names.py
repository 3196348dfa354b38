"""What a node is called before somebody has named it."""

from __future__ import annotations

import getpass
import socket

import pytest
from jupyter_server.auth import User
from jupyter_server.auth.identity import IdentityProvider

from jupyter_peer.server.node.names import name_in_jupyter, name_of_user
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, running, two_hubs
from tests.peers.loopback import LoopbackNetwork
from tests.server.servers import jupyter_server


@pytest.mark.parametrize(
    ("at_hub", "account", "name"),
    [
        ("ada@uni.example", "jovyan", "ada@uni.example"),
        (" ", "ada", "ada"),
        ("", "ada", "ada"),
        ("", "root", "root@laptop"),
        ("", "Jovyan", "Jovyan@laptop"),
        ("", None, "jupyter@laptop"),
        ("", "a" * 99, "a" * 64),
    ],
)
def test_it_is_called_after_its_user_and_never_after_the_machine_alone(
    at_hub, account, name, monkeypatch
):
    def no_account():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", (lambda: account) if account else no_account)
    monkeypatch.setattr(socket, "gethostname", lambda: "laptop.example")
    assert name_of_user({"JUPYTERHUB_USER": at_hub}) == name


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (User("ada", "Ada", "Ada Lovelace"), "Ada Lovelace"),
        (User("ada"), "ada"),
        (User("0f" * 16, "Anonymous Io", "Anonymous Io"), ""),
        (None, ""),
        ("old-style", ""),
    ],
)
def test_the_name_that_jupyter_drew_by_chance_is_nobodys(user, name):
    assert name_in_jupyter(user, {}) == name
    # Others may open a server that is shared with them, and the Hub knows whose it is.
    assert name_in_jupyter(user, {"JUPYTERHUB_USER": "bob"}) == ""


class Named(IdentityProvider):
    """An identity provider that knows who everybody is."""

    def get_user(self, handler):
        return User("ada", "Ada", "Ada Lovelace")


@pytest.mark.usefixtures("jp_environ")
async def test_the_name_in_jupyter_is_used_once_a_browser_comes_and_kept(tmp_path):
    provider = {"identity_provider_class": Named}
    async with jupyter_server(tmp_path, ServerApp=dict(provider)) as ada:
        before = await ada.call("GET", "identity")
        assert before["named"] is False
        assert before["node_name"] != "Ada Lovelace"
        browser = await ada.control()
        await until(lambda: ada.hub.node_name == "Ada Lovelace")
        await browser.close()
    async with jupyter_server(tmp_path, ServerApp=dict(provider)) as ada:
        assert (await ada.call("GET", "identity"))["node_name"] == "Ada Lovelace"
        browser = await ada.control()
        await browser.ask("set_name", name="ada")
        await browser.close()
        assert (ada.hub.node_name, ada.hub.is_named) == ("ada", True)
        ada.hub.propose_name("Somebody")
        assert ada.hub.node_name == "ada"


async def test_peers_hear_of_the_first_proposal_and_the_next_changes_nothing():
    async with two_hubs(is_named=False) as (ada, bob):
        ada.propose_name("Ada Lovelace")
        ada.propose_name("Somebody else")
        ada.propose_name(" \n ")
        await until(lambda: bob.peer(ada.node_id).calls_itself == "Ada Lovelace")


async def test_a_name_in_the_configuration_is_no_proposal(tmp_path):
    hub = make_hub(LoopbackNetwork(), tmp_path, "ada")
    async with running(hub):
        hub.propose_name("Ada Lovelace")
        assert (hub.node_name, hub.is_named) == ("ada", True)
