"""Lists in the settings, in each form in which people write them."""

from __future__ import annotations

import pytest
from traitlets.config import Config
from traitlets.config.loader import DeferredConfigList, DeferredConfigString, LazyConfigValue

from jupyter_peer.app import PeerExtension


def value_of(written):
    config = Config()
    config.PeerExtension.advertised_addresses = written
    return PeerExtension(config=config).advertised_addresses


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (DeferredConfigString("a:1"), ["a:1"]),
        (DeferredConfigString('["a:1"]'), ["a:1"]),
        (DeferredConfigString("['a:1', 'b:2']"), ["a:1", "b:2"]),
        (DeferredConfigString(""), []),
        (DeferredConfigString("[]"), []),
        (DeferredConfigString("[::1]:9797"), ["[::1]:9797"]),
        (DeferredConfigString("[1]"), ["[1]"]),
        (DeferredConfigString("7"), ["7"]),
        (DeferredConfigList(["a:1", "b:2"]), ["a:1", "b:2"]),
        (DeferredConfigList(['["a:1", "b:2"]']), ["a:1", "b:2"]),
        (["a:1"], ["a:1"]),
    ],
    ids=str,
)
def test_a_list_is_read_in_every_form(written, expected):
    assert value_of(written) == expected


def test_a_configuration_file_can_add_to_it():
    lazy = LazyConfigValue()
    lazy.append("a:1")
    assert value_of(lazy) == ["a:1"]
