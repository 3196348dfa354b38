"""What a peer calls itself never decides who is meant."""

from __future__ import annotations

import sqlite3

import pytest

from jupyter_peer.errors import AmbiguousPeerError, BadNameError, UnknownPeerError
from jupyter_peer.hub.peers.names import local_name, skeleton, visible
from jupyter_peer.store import schema
from tests.machine.waiting import until
from tests.peers.hubs import make_hub, pair, running
from tests.peers.loopback import LoopbackNetwork

ID = "wzo2xq7rkd4hmtcj"
OTHER_ID = "alix5nbv3yqefgus"


@pytest.mark.parametrize(
    ("announced", "taken", "expected"),
    [
        ("ada", ["bob"], "ada"),
        ("Ada Lovelace", [], "Ada Lovelace"),
        ("Zoë", [], "Zoë"),
        ("Ада", [], "Ада"),
        ("田中 Ken", [], "田中 Ken"),
        ("アリス", [], "アリス"),
        ("박 Ji", [], "박 Ji"),
        # taken, whatever the case and however it is written
        ("ada", ["ada"], "ada-2"),
        ("ADA", ["ada"], "ADA-2"),
        ("ada", ["ada", "ada-2"], "ada-3"),
        ("аdа", ["ada"], f"peer-{ID[:6]}"),
        ("асе", ["ace"], "асе-2"),
        ("ɑdɑ", ["ada"], "ɑdɑ-2"),
        ("a1ice", ["alice"], "a1ice-2"),
        ("aIice", ["alice"], "aIice-2"),
        ("b0b", ["bob"], "b0b-2"),
        ("ａｄａ", ["ada"], "ａｄａ-2"),
        ("𝐚𝐝𝐚", ["ada"], "𝐚𝐝𝐚-2"),
        ("a d a", ["ada"], "a d a-2"),
        ("ada–1", ["ada-1"], "ada–1-2"),
        # the beginning of another: people type so little
        ("ali", ["alice"], "ali-2"),
        ("alice", ["ali"], "alice"),
        ("alix", [OTHER_ID], "alix-2"),
        ("al", [OTHER_ID], "al"),
        # like a node id
        ("christopherjones", [], "christopherjones-2"),
        (OTHER_ID.upper(), [], f"{OTHER_ID.upper()}-2"),
        # nothing to see, or what hides
        ("", [], f"peer-{ID[:6]}"),
        (" \n\t", [], f"peer-{ID[:6]}"),
        ("\u3164\u115f", [], f"peer-{ID[:6]}"),
        ("…!", [], f"peer-{ID[:6]}"),
        ("a\u202eda\u2066", [], "ada"),
        ("a\x1b[31mda", [], "a[31mda"),
        ("ada\u3164", ["ada"], "ada-2"),
        ("a\u034fda\ufe0f", ["ada"], "ada-2"),
        ("ada  \u00a0x", [], "ada x"),
        ("a" + "\u0335" * 40, [], "a\u0335\u0335"),
        ("pаypal", [], f"peer-{ID[:6]}"),
    ],
)
def test_a_peer_gets_a_name_that_is_its_own_and_unique_to_the_eye(announced, taken, expected):
    assert local_name(announced, ID, taken) == expected


def test_a_numbered_name_is_not_longer_than_others():
    name = local_name("a" * 64, ID, ["a" * 64])
    assert (len(name), name[-2:]) == (64, "-2")


def test_a_local_name_is_as_it_is_shown():
    for announced in ("a\u202eda", "\u3164", "x" * 100, "аdа", " b  c "):
        name = local_name(announced, ID, [])
        assert visible(name) == name


def test_names_that_look_different_have_different_skeletons():
    names = ["ada", "adam", "bob", "eve", "mallory", "Ада Л.", "ken", "zoe", "node-1", "node-2"]
    assert len({skeleton(name) for name in names}) == len(names)


async def test_a_rename_is_shown_and_changes_nothing(tmp_path):
    network = LoopbackNetwork()
    ada, bob, mallory = (make_hub(network, tmp_path, name) for name in ("ada", "alice", "mallory"))
    async with running(ada, bob, mallory):
        await pair(ada, bob)
        await pair(ada, mallory)
        mallory.set_node_name("ali")
        await until(lambda: ada.peer(mallory.node_id).calls_itself == "ali")
        info = ada.peer(mallory.node_id)
        assert (info.node_name, info.label) == ("mallory", "mallory")
        assert ada.find_peer("ali").node_id == bob.node_id
        assert ada.find_peer("mallory").node_id == mallory.node_id
        # nor when it comes back
        network.cut()
        await until(lambda: ada.peer(mallory.node_id).since not in (None, info.since))
        assert ada.peer(mallory.node_id).node_name == "mallory"
        mallory.set_node_name("mallory")
        await until(lambda: ada.peer(mallory.node_id).calls_itself is None)


async def test_a_new_peer_does_not_get_what_was_typed_for_another(tmp_path):
    network = LoopbackNetwork()
    ada, bob, mallory = (make_hub(network, tmp_path, name) for name in ("ada", "alice", "ali"))
    async with running(ada, bob, mallory):
        await pair(ada, bob)
        await pair(ada, mallory)
        with pytest.raises(AmbiguousPeerError):
            ada.find_peer("ali")
        assert ada.find_peer("alice").node_id == bob.node_id
        assert ada.find_peer("ali-2").node_id == mallory.node_id
        assert ada.peer(mallory.node_id).calls_itself == "ali"


async def test_a_name_that_begins_with_a_node_id_is_not_found_by_that_id(tmp_path):
    network = LoopbackNetwork()
    ada, mallory = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, OTHER_ID)
    async with running(ada, mallory):
        await pair(ada, mallory)
        with pytest.raises(UnknownPeerError):
            ada.find_peer(OTHER_ID)


async def test_a_local_name_outlives_a_restart_a_new_pairing_and_its_alias(tmp_path):
    network = LoopbackNetwork()
    ada, bob = make_hub(network, tmp_path, "ada"), make_hub(network, tmp_path, "bob")
    async with running(ada, bob):
        await pair(ada, bob)
        bob.set_node_name("rob")
        await until(lambda: ada.peer(bob.node_id).calls_itself == "rob")
        ada.set_alias(bob.node_id, "Bobby")
        await pair(ada, bob)
        ada.set_alias(bob.node_id, None)
        assert ada.peer(bob.node_id).node_name == "bob"
    ada = make_hub(network, tmp_path, "ada")
    async with running(ada):
        assert ada.peer(bob.node_id).node_name == "bob"
        assert ada.find_peer("bob").node_id == bob.node_id


async def test_peers_of_an_older_store_get_unique_names(tmp_path, monkeypatch):
    network = LoopbackNetwork()
    monkeypatch.setattr(schema, "STEPS", schema.STEPS[:1])
    schema.open_database(tmp_path / "ada.sqlite").close()
    row = "INSERT INTO peers VALUES (?, ?, ?, NULL, 1, 0, '[]', '[]', ?, NULL, 'invite')"
    with sqlite3.connect(tmp_path / "ada.sqlite") as database:
        database.execute(row, (ID, "k", "bob", 2.0))
        database.execute(row, (OTHER_ID, "k", "bob", 1.0))
    database.close()
    monkeypatch.undo()
    for _ in range(2):
        ada = make_hub(network, tmp_path, "ada")
        async with running(ada):
            assert ada.peer(OTHER_ID).node_name == "bob"
            assert ada.peer(ID).node_name == "bob-2"


@pytest.mark.parametrize(
    "alias", ["bob", "BOB", "b0b", "bоb", ID, "a\u3164b", "a\u202eb", "\u2800", "", "x" * 65]
)
async def test_an_alias_that_hides_or_is_taken_is_refused(tmp_path, alias):
    network = LoopbackNetwork()
    ada, bob, cy = (make_hub(network, tmp_path, name) for name in ("ada", "bob", "carl"))
    async with running(ada, bob, cy):
        await pair(ada, bob)
        await pair(ada, cy)
        with pytest.raises(BadNameError) as refused:
            ada.set_alias(cy.node_id, alias)
        assert refused.value.hint
        assert ada.set_alias(bob.node_id, "Bob").alias == "Bob"
