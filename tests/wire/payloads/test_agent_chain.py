"""The way of a question, signed hop by hop."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from jupyter_peer.errors import AgentLoopError, BadChainError, MalformedError, PeerError
from jupyter_peer.wire.link.identity import Identity
from jupyter_peer.wire.payloads.agent_chain import (
    MAX_HOPS,
    Chain,
    Hop,
    begin_chain,
    check_chain,
    extend_chain,
    read_chain,
)
from jupyter_peer.wire.payloads.agents import AgentRequest
from jupyter_peer.wire.payloads.hub import convert
from tests.wire.by_hand import HandError, check_chain as check_by_hand
from tests.wire.makers import ADA, BOB, EVE, json_values

CY = Identity.from_seed(b"c" * 32)
ROOT = bytes(range(32))
TO_BOB = begin_chain(ADA, ROOT, BOB.node_id)
TO_CY = extend_chain(TO_BOB, BOB, CY.node_id)


def as_came(chain: Chain) -> Chain:
    fields: dict[str, Any] = chain.fields()
    return read_chain(
        fields["origin_chain"],
        fields["chain_root"],
        msgspec.convert(fields["chain_proof"], list[Hop]),
    )


def test_a_chain_leads_from_the_first_asker_to_whom_it_was_signed_for():
    check_chain(as_came(TO_BOB), ADA.node_id, BOB.node_id)
    check_chain(as_came(TO_CY), BOB.node_id, CY.node_id)
    assert TO_CY.nodes == (ADA.node_id, BOB.node_id)


def _swapped(chain: Chain, **changes: Any) -> Chain:
    return msgspec.structs.replace(chain, **changes)


def _signed_by(identity: Identity, chain: Chain, at: int) -> Chain:
    """Replace one hop by one that another node signed over the same bytes."""
    before = Chain(chain.nodes[:at], chain.root, chain.proof[:at])
    following = chain.nodes[at + 1] if at + 1 < len(chain.nodes) else CY.node_id
    forged = extend_chain(before, identity, following).proof[-1]
    return _swapped(chain, proof=(*chain.proof[:at], forged, *chain.proof[at + 1 :]))


FORGED: dict[str, tuple[Chain, Identity, Identity]] = {
    "somebody is cut out of the middle": (
        Chain(
            (ADA.node_id, CY.node_id),
            ROOT,
            (TO_CY.proof[0], extend_chain(TO_CY, CY, EVE.node_id).proof[-1]),
        ),
        CY,
        EVE,
    ),
    "the beginning is cut off": (
        Chain((BOB.node_id,), ROOT, (TO_CY.proof[1],)),
        BOB,
        CY,
    ),
    "a part is shown to another node": (TO_BOB, ADA, EVE),
    "a part is shown by another node": (TO_BOB, EVE, BOB),
    "it has another root": (_swapped(TO_CY, root=bytes(32)), BOB, CY),
    "the hops have changed places": (
        Chain((BOB.node_id, ADA.node_id), ROOT, TO_CY.proof[::-1]),
        ADA,
        CY,
    ),
    "somebody is named who did not take part": (_signed_by(EVE, TO_CY, 0), BOB, CY),
    "the last hop is somebody else's": (_signed_by(EVE, TO_CY, 1), BOB, CY),
    "another's key stands beside a good signature": (
        _swapped(
            TO_BOB, proof=(msgspec.structs.replace(TO_BOB.proof[0], public_key=EVE.public_key_b64),)
        ),
        ADA,
        BOB,
    ),
    "a part of another question is put in": (
        _swapped(TO_CY, proof=(begin_chain(ADA, bytes(32), BOB.node_id).proof[0], TO_CY.proof[1])),
        BOB,
        CY,
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_cut_or_replayed_chain_is_refused_by_both_programs(case):
    chain, sender, asked = FORGED[case]
    with pytest.raises(BadChainError):
        check_chain(as_came(chain), sender.node_id, asked.node_id)
    with pytest.raises(HandError):
        check_by_hand(chain.fields(), sender.node_id, asked.node_id)


def test_a_chain_does_not_lead_back():
    for node in (ADA, BOB):
        with pytest.raises(AgentLoopError):
            extend_chain(TO_BOB, BOB, node.node_id)


@pytest.mark.parametrize(
    "change",
    [
        {"origin_chain": []},
        {"origin_chain": [ADA.node_id] * 2},
        {"origin_chain": ["A" * 16]},
        {"origin_chain": [ADA.node_id, BOB.node_id]},
        {"chain_root": "0" * 63 + "g"},
        {"chain_root": "A" * 64},
        {"chain_root": "0" * 62},
        {"chain_proof": []},
        {"chain_proof": [{"public_key": ADA.public_key_b64, "sig": "x" * 87}]},
        {"chain_proof": [{"public_key": "x", "sig": "A" * 88}]},
        {"request_id": "0" * 31},
        {"request_id": "A" * 32},
        {"agent": "no spaces"},
        {"agent": ""},
        {"prompt": "x" * (1024 * 1024 + 1)},
        {"prompt": 1},
        {"deadline": None},
    ],
)
def test_a_request_of_another_form_is_malformed(change):
    data = {
        "request_id": "0" * 32,
        "prompt": "?",
        "deadline": 1.0,
        **TO_BOB.fields(),
        **change,
    }
    with pytest.raises(MalformedError):
        convert(data, AgentRequest).chain()


def test_a_longer_chain_than_any_is_malformed():
    ids = [Identity.from_seed(bytes([n]) * 32).node_id for n in range(MAX_HOPS + 1)]
    with pytest.raises(MalformedError):
        read_chain(ids, ROOT.hex(), list(TO_BOB.proof) * (MAX_HOPS + 1))


@settings(max_examples=60)
@given(st.data())
def test_a_chain_that_was_changed_anywhere_is_never_taken(data):
    fields: Any = extend_chain(TO_CY, CY, EVE.node_id).fields()
    place = data.draw(st.sampled_from(("origin_chain", "chain_root", "chain_proof")))
    if place == "chain_root":
        at = data.draw(st.integers(0, 63))
        fields[place] = _flipped(fields[place], at, "0123456789abcdef", data)
    elif place == "origin_chain":
        number, at = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 15))
        alphabet = "abcdefghijklmnopqrstuvwxyz234567"
        fields[place][number] = _flipped(fields[place][number], at, alphabet, data)
    else:
        hop = fields[place][data.draw(st.integers(0, 2))]
        key = data.draw(st.sampled_from(("public_key", "sig")))
        # the last characters before the padding hold bits that belong to no byte
        at = data.draw(st.integers(0, 40))
        hop[key] = _flipped(hop[key], at, "ABCDEFGHIJKLMNOP0123456789+/", data)
    with pytest.raises((BadChainError, MalformedError)):
        check_chain(
            read_chain(
                fields["origin_chain"],
                fields["chain_root"],
                msgspec.convert(fields["chain_proof"], list[Hop]),
            ),
            CY.node_id,
            EVE.node_id,
        )


def _flipped(text: str, at: int, alphabet: str, data: Any) -> str:
    other = data.draw(st.sampled_from([char for char in alphabet if char != text[at]]))
    return text[:at] + other + text[at + 1 :]


@given(
    st.dictionaries(
        st.sampled_from([*AgentRequest.__struct_fields__, "more"]), json_values, max_size=8
    )
)
def test_any_request_raises_nothing_but_peer_errors(changes):
    good = {"request_id": "0" * 32, "prompt": "?", "deadline": 1.0, **TO_BOB.fields()}
    with contextlib.suppress(PeerError):
        request = convert({**good, **changes}, AgentRequest)
        check_chain(request.chain(), ADA.node_id, BOB.node_id)
