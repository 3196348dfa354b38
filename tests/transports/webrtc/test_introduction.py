"""An offer proves who sends it, to one node and for one connection."""

from __future__ import annotations

import msgspec
import pytest

from jupyter_peer.errors import PeerError
from jupyter_peer.transports.webrtc.introduction import introduce, introduced
from jupyter_peer.transports.webrtc.sdp import Description
from tests.transports.webrtc.test_sdp import OFFER
from tests.wire.makers import ADA, BOB, EVE

PLAIN = Description.from_sdp("offer", OFFER)


def test_an_introduction_survives_the_way_and_names_the_sender():
    sent = introduce(PLAIN, ADA, BOB.node_id)
    got = Description.from_sdp("offer", sent.to_sdp())
    assert introduced(got, BOB.node_id) == ADA.node_id
    assert introduced(PLAIN, BOB.node_id) is None


def test_candidates_that_the_receiver_leaves_out_do_not_matter():
    sent = introduce(PLAIN, ADA, BOB.node_id)
    got = msgspec.structs.replace(sent, candidates=[])
    assert introduced(got, BOB.node_id) == ADA.node_id


@pytest.mark.parametrize(
    "change",
    [
        {"ufrag": "zzzz"},
        {"password": "p" * 22},
        {"fingerprints": [("sha-256", ":".join(["CD"] * 32))]},
        {"fingerprints": [*PLAIN.fingerprints, ("sha-384", ":".join(["CD"] * 48))]},
        {"introduction": introduce(PLAIN, ADA, EVE.node_id).introduction},
        {
            "introduction": EVE.public_key_b64
            + str(introduce(PLAIN, ADA, BOB.node_id).introduction)[44:]
        },
        {"introduction": f"{ADA.public_key_b64} {'A' * 86}=="},
    ],
)
def test_an_introduction_that_was_changed_or_is_for_another_is_refused(change):
    sent = introduce(PLAIN, ADA, BOB.node_id)
    with pytest.raises(PeerError):
        introduced(msgspec.structs.replace(sent, **change), BOB.node_id)


@pytest.mark.parametrize("line", ["", "x", "A" * 44, f"{ADA.public_key_b64} x"])
def test_a_line_that_is_no_introduction_is_malformed(line):
    text = OFFER + f"a=x-jupyter-peer-introduction:{line}\r\n"
    with pytest.raises(PeerError):
        Description.from_sdp("offer", text)
