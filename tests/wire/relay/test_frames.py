from __future__ import annotations

import base64
import contextlib
import json
import os

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import (
    BadIdentityError,
    BadSignatureError,
    MalformedError,
    PeerError,
    ProtocolError,
    WrongNodeError,
)
from jupyter_peer.wire.addresses import LOBBY_PATH, RELAY_PATH
from jupyter_peer.wire.link.identity import Identity, verify
from jupyter_peer.wire.relay.frames import (
    CLOSE,
    DATA,
    HEAD_BYTES,
    Admission,
    Registration,
    RelayFrame,
    Undeliverable,
    close_frame,
    proof_bytes,
    read_notice,
    refusal_text,
)

ADA, BOB = Identity.from_seed(bytes(32)), Identity.from_seed(b"\x01" * 32)
LINK = bytes(range(8))


@given(st.sampled_from([DATA, CLOSE]), st.binary(max_size=100), st.integers(0, 255))
def test_frames_arrive_as_they_are(kind, payload, ttl):
    frame = RelayFrame(kind, BOB.node_id, ADA.node_id, LINK, payload, ttl)
    data = frame.to_bytes()
    assert data[:3] == bytes((1, kind, ttl))
    assert data[3:19] == BOB.node_id.encode()
    assert data[19:35] == ADA.node_id.encode()
    assert data[35:43] == LINK
    assert data[HEAD_BYTES:] == payload
    again = RelayFrame.from_bytes(data)
    assert (again.kind, again.dst, again.src, again.link, again.ttl) == (
        kind, BOB.node_id, ADA.node_id, LINK, ttl,
    )  # fmt: skip
    assert bytes(again.payload) == payload


@given(st.binary(max_size=80))
def test_any_bytes_are_a_frame_or_malformed(data):
    try:
        frame = RelayFrame.from_bytes(data)
    except MalformedError:
        return
    assert frame.to_bytes() == data


@given(st.text(max_size=200))
def test_any_text_is_a_notice_or_an_error(text):
    with contextlib.suppress(PeerError):
        read_notice(text)


def test_a_close_says_why_in_a_few_letters():
    data = close_frame(BOB.node_id.encode(), ADA.node_id.encode(), LINK, "overflow")
    frame = RelayFrame.from_bytes(data)
    assert (frame.kind, frame.reason) == (CLOSE, "overflow")
    data = close_frame(BOB.node_id.encode(), ADA.node_id.encode(), LINK, "x" * 100)
    assert len(RelayFrame.from_bytes(data).reason) == 64
    assert RelayFrame(DATA, BOB.node_id, ADA.node_id, LINK, b"text").reason == "closed"


def test_notices_are_read():
    notice = Undeliverable(BOB.node_id, LINK)
    assert read_notice(notice.to_text()) == notice
    assert read_notice('{"something_new": 1}') is None
    for text in ("", "[]", '{"undeliverable": "x"}', json.dumps({"undeliverable": BOB.node_id})):
        with pytest.raises(MalformedError):
            read_notice(text)
    with pytest.raises(BadIdentityError):
        read_notice(refusal_text(BadIdentityError()))


def register(admission: Admission, registration: Registration, **facts: object) -> None:
    text: str | None = registration.begin()
    while text is not None:
        answer = admission.receive(text)
        text = registration.receive(
            admission.registered(max_frame=99, **facts) if answer is None else answer
        )


def test_a_node_proves_its_id():
    admission, registration = Admission(os.urandom(32)), Registration(ADA)
    register(admission, registration)
    assert admission.node_id == ADA.node_id
    assert admission.public_key == ADA.public_key
    assert registration.is_registered
    assert registration.max_frame == 99
    with pytest.raises(ProtocolError):
        registration.receive("{}")
    with pytest.raises(ProtocolError):
        admission.receive(registration.begin())


@pytest.mark.parametrize(("said", "meant"), [(256, 256), (0, 0), (-1, 0), ("many", 0), (None, 0)])
def test_a_relay_says_how_many_may_join_a_group_or_has_none(said, meant):
    registration = Registration(ADA)
    register(Admission(os.urandom(32)), registration, max_members=said)
    assert registration.max_members == meant
    before = Registration(ADA)
    register(Admission(os.urandom(32)), before)
    assert before.max_members == 0


def test_the_proof_is_a_signature_over_label_and_challenge():
    admission, registration = Admission(bytes(32)), Registration(ADA)
    challenge = json.loads(str(admission.receive(registration.begin())))["challenge"]
    assert challenge == "00" * 32
    answer = json.loads(str(registration.receive(json.dumps({"challenge": challenge}))))
    signature = base64.b64decode(answer["sig"])
    verify(ADA.public_key, signature, b"jupyter-peer/1 relay " + challenge.encode())
    assert proof_bytes(challenge) == b"jupyter-peer/1 relay " + challenge.encode()


def test_a_proof_is_good_for_its_challenge_and_its_node_only():
    registration = Registration(ADA)
    begin = registration.begin()
    proof = str(registration.receive(json.dumps({"challenge": "ab" * 32})))
    other = Admission(os.urandom(32))
    other.receive(begin)
    with pytest.raises(BadSignatureError):
        other.receive(proof)
    swapped = Admission(os.urandom(32))
    swapped.receive(Registration(BOB).begin())
    with pytest.raises(BadIdentityError):
        swapped.receive(proof)


def test_a_challenge_that_names_another_relay_is_not_signed():
    challenge = Admission(os.urandom(32), host="relay.example").challenge
    assert challenge.endswith("@relay.example")
    registration = Registration(ADA, host="evil.example")
    registration.begin()
    with pytest.raises(WrongNodeError) as refused:
        registration.receive(json.dumps({"challenge": challenge}))
    assert "relay.example" in refused.value.message
    registration = Registration(ADA, host="Relay.Example")
    registration.begin()
    assert registration.receive(json.dumps({"challenge": challenge})) is not None


@pytest.mark.parametrize("host", ["relay.example", "192.0.2.1:9000", "[2001:db8::1]:9000"])
def test_a_challenge_that_names_no_relay_is_signed_on_this_machine_only(host):
    challenge = json.dumps({"challenge": Admission(os.urandom(32)).challenge})
    registration = Registration(ADA, host=host)
    registration.begin()
    with pytest.raises(WrongNodeError, match="does not name itself") as refused:
        registration.receive(challenge)
    assert f"--name={host}" in refused.value.hint
    for here in ("127.0.0.1:9000", "localhost:9000", "[::1]:9000"):
        registration = Registration(ADA, host=here)
        registration.begin()
        assert registration.receive(challenge) is not None


def test_a_proof_for_the_relay_is_no_proof_for_the_lobby():
    for at, elsewhere in ((RELAY_PATH, LOBBY_PATH), (LOBBY_PATH, RELAY_PATH)):
        admission, registration = Admission(bytes(32), door=elsewhere), Registration(ADA, door=at)
        proof = registration.receive(str(admission.receive(registration.begin())))
        with pytest.raises(BadSignatureError):
            admission.receive(str(proof))


@given(st.text(max_size=100))
def test_both_sides_refuse_what_is_no_step_of_the_registration(text):
    admission, registration = Admission(bytes(32)), Registration(ADA)
    registration.begin()
    for receive in (admission.receive, registration.receive):
        with pytest.raises(PeerError):
            receive(text)
    assert admission.node_id is None
    assert not registration.is_registered
