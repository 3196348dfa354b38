"""The handshake, and everything that can be done to its frames."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import (
    BlockedError,
    InviteUsedError,
    PeerError,
    RefusedError,
    StoreCorruptError,
)
from jupyter_peer.wire.link.envelope import canonical_bytes, to_text
from jupyter_peer.wire.link.frames import CREDIT, batch_digest, batch_frame, batch_part
from jupyter_peer.wire.link.handshake import MAX_FRAME, Acceptor, Dialer
from tests.wire.makers import (
    ADA,
    BOB,
    EVE,
    NOW,
    TOKEN,
    an_item,
    an_offer,
    b64,
    canonical,
    cross,
    json_objects,
    shake_hands,
    stamps,
)

FRAMES = ("hello", "hello_ack", "auth", "auth_result")
UNSEALED = {"x25519": b"", "allow_unsealed": True}


class Drop(Enum):
    """Stands for "without that field"; named alike in every process, as the ids of tests must be."""

    DROP = "dropped"


DROP = Drop.DROP

Change = Callable[[Any], Any]


def sides(
    dialer: dict[str, Any] | None = None, acceptor: dict[str, Any] | None = None, **dial: Any
) -> tuple[Dialer, Acceptor]:
    """Return ada, who dials bob with an invite, and bob; keywords change their offers."""
    expected: dict[str, Any] = {
        "expect": BOB.node_id,
        "expect_key": BOB.public_key_b64,
        "token": TOKEN,
        **dial,
    }
    return (
        Dialer(an_offer(ADA, **(dialer or {})), **expected),
        Acceptor(an_offer(BOB, **(acceptor or {}))),
    )


def run(dialer: Dialer, acceptor: Acceptor, changes: dict[str, Change] | None = None) -> list[Any]:
    """Carry the frames of a handshake, changed on the way; return them as they were sent."""
    change = {name: (changes or {}).get(name, lambda frame: frame) for name in FRAMES}
    frames = [dialer.hello()]
    frames.append(acceptor.on_hello(change["hello"](frames[0])))
    frames.append(dialer.on_hello_ack(change["hello_ack"](frames[1])))
    assert acceptor.on_auth(change["auth"](frames[2])) == TOKEN
    frames.append(acceptor.accept())
    dialer.on_auth_result(change["auth_result"](frames[3]))
    return frames


def code_of(*args: Any, **kwargs: Any) -> str:
    """Return the code with which a handshake fails; "ok" when it does not."""
    try:
        run(*args, **kwargs)
    except PeerError as error:
        return error.code
    return "ok"


def edited(path: str, value: Any) -> Change:
    """Return a change of one field of a text frame; its signature stays as it was."""

    def change(frame: str) -> str:
        fields = json.loads(frame)
        inner = fields
        *parents, name = path.split(".")
        for parent in parents:
            inner = inner[parent]
        if value is DROP:
            del inner[name]
        else:
            inner[name] = value
        return json.dumps(fields)

    return change


def meddle(side: Dialer | Acceptor, type: str, **changes: Any) -> None:
    """Let a side that holds its key sign and send something else in one of its frames.

    ``type_``, ``src`` and ``re`` replace those fields, everything else goes into the payload.
    """

    def envelope(kind: str, data: dict[str, Any], re: str | None) -> tuple[bytes, bytes]:
        msg_id, ts = side._offer.stamp()
        side._sent_id = msg_id
        identity = side._offer.identity
        fields = {"type": kind, "msg_id": msg_id, "re": re, "src": identity.node_id, "ts": ts}
        if kind == type:
            data = dict(data)
            for name, value in changes.items():
                if name in ("type_", "src", "re", "ts"):
                    fields[name.rstrip("_")] = value
                elif value is DROP:
                    data.pop(name)
                else:
                    data[name] = value
        raw = canonical_bytes(data=data, **fields)
        return raw, identity.sign(raw)

    side._envelope = envelope


# What goes well.


def test_both_sides_know_each_other_and_speak_sealed():
    dialer, acceptor = sides()
    frames = run(dialer, acceptor)
    assert [isinstance(frame, str) for frame in frames] == [True, True, False, False]
    assert dialer.peer is not None
    assert acceptor.peer is not None
    assert (dialer.peer.node_id, dialer.peer.public_key) == (BOB.node_id, BOB.public_key_b64)
    assert (acceptor.peer.node_id, acceptor.peer.node_name) == (ADA.node_id, "ada")
    assert dialer.session == acceptor.session
    assert len(dialer.session or "") == 64
    ada, bob = dialer.channel(), acceptor.channel()
    assert ada.is_sealed
    assert bob.is_sealed
    ada.put(an_item({"n": 1}))
    bob.put(an_item({"n": 2}, identity=BOB))
    to_ada, to_bob = cross(ada, bob)
    assert (to_ada[0].data, to_bob[0].data) == ({"n": 2}, {"n": 1})


def test_a_token_is_sent_sealed_only_and_to_the_right_node_only():
    dialer, acceptor = sides()
    frames = run(dialer, acceptor)
    assert not any(TOKEN.encode() in str(frame).encode() for frame in frames)
    assert shake_hands(*sides(token=None)) is None


def test_whoever_answers_is_taken_when_nobody_is_expected():
    assert code_of(*sides(expect=None, expect_key=None)) == "ok"


def test_every_session_has_its_own_name():
    first, second = sides(), sides(dialer={"nonce": "f" * 32})
    run(*first)
    run(*second)
    assert first[0].session != second[0].session


def test_a_session_to_take_over_from_is_named_in_auth():
    dialer, acceptor = sides(replaces="5" * 64)
    run(dialer, acceptor)
    assert acceptor.replaces == "5" * 64


def test_names_and_capabilities_of_the_other_side_are_made_fit_to_show():
    dialer, acceptor = sides(
        acceptor={
            "node_name": "b\x1b[31mob\u202e\ud800" + "x" * 100,
            "capabilities": ["panes", "\ud800", "a\nb", "é"],
        }
    )
    run(dialer, acceptor)
    assert dialer.peer is not None
    assert dialer.peer.node_name == ("b[31mob" + "x" * 100)[:64]
    assert dialer.peer.capabilities == ["panes"]


def test_another_spelling_of_a_key_is_the_same_key():
    # the last character before the padding holds two bits that no byte uses
    spelled = BOB.public_key_b64[:-2]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = spelled + letters[letters.index(BOB.public_key_b64[-2]) + 1] + "="
    dialer, acceptor = sides()
    meddle(acceptor, "hello_ack", public_key=other)
    run(dialer, acceptor)
    assert dialer.peer is not None
    assert dialer.peer.public_key == BOB.public_key_b64


@pytest.mark.parametrize("name", FRAMES)
def test_unknown_keys_are_ignored_everywhere(name):
    dialer, acceptor = sides()
    meddle(dialer if name in ("hello", "auth") else acceptor, name, later={"a": 1})
    assert code_of(dialer, acceptor) == "ok"


# What somebody in between can change. Without a key he can alter and drop fields.

TAMPERED = [
    ("hello", "v", 2, "malformed"),
    ("hello", "v", DROP, "malformed"),
    ("hello", "type", "hellu", "protocol"),
    ("hello", "type", "hello_ack", "protocol"),
    ("hello", "type", DROP, "malformed"),
    ("hello", "msg_id", "f" * 32, "bad_signature"),
    ("hello", "msg_id", DROP, "malformed"),
    ("hello", "re", "f" * 32, "bad_signature"),
    ("hello", "src", EVE.node_id, "bad_identity"),
    ("hello", "src", DROP, "malformed"),
    ("hello", "ts", NOW + 1, "bad_signature"),
    ("hello", "ts", DROP, "malformed"),
    ("hello", "data", {}, "malformed"),
    ("hello", "data", DROP, "malformed"),
    ("hello", "data.public_key", EVE.public_key_b64, "bad_identity"),
    ("hello", "data.public_key", DROP, "malformed"),
    ("hello", "data.node_name", "mallory", "bad_signature"),
    ("hello", "data.node_name", DROP, "bad_signature"),
    ("hello", "data.capabilities", ["agents"], "bad_signature"),
    ("hello", "data.capabilities", DROP, "bad_signature"),
    ("hello", "data.nonce", "f" * 32, "bad_signature"),
    ("hello", "data.nonce", DROP, "malformed"),
    ("hello", "data.seal", None, "bad_signature"),
    ("hello", "data.seal", DROP, "bad_signature"),
    ("hello", "data.seal", {}, "malformed"),
    ("hello", "data.seal.x25519", b64(b"m" * 32), "bad_signature"),
    ("hello", "data.more", 1, "bad_signature"),
    ("hello", "sig", b64(bytes(64)), "bad_signature"),
    ("hello", "sig", "", "malformed"),
    ("hello", "sig", DROP, "malformed"),
    ("hello", "dst", EVE.node_id, "ok"),
    ("hello", "dst", DROP, "ok"),
    ("hello", "ttl", 1, "ok"),
    ("hello_ack", "v", 2, "malformed"),
    ("hello_ack", "type", "hello", "protocol"),
    ("hello_ack", "type", "auth_result", "bad_signature"),
    ("hello_ack", "msg_id", "f" * 32, "bad_signature"),
    ("hello_ack", "re", "f" * 32, "bad_signature"),
    ("hello_ack", "re", DROP, "bad_signature"),
    ("hello_ack", "src", EVE.node_id, "bad_identity"),
    ("hello_ack", "ts", NOW + 1, "bad_signature"),
    ("hello_ack", "data.public_key", EVE.public_key_b64, "bad_identity"),
    ("hello_ack", "data.public_key", DROP, "malformed"),
    ("hello_ack", "data.node_name", "mallory", "bad_signature"),
    ("hello_ack", "data.capabilities", [], "bad_signature"),
    ("hello_ack", "data.nonce", "f" * 32, "bad_signature"),
    ("hello_ack", "data.nonce", DROP, "malformed"),
    ("hello_ack", "data.echo", "f" * 32, "bad_signature"),
    ("hello_ack", "data.echo", DROP, "malformed"),
    ("hello_ack", "data.seal", None, "bad_signature"),
    ("hello_ack", "data.seal", DROP, "bad_signature"),
    ("hello_ack", "data.seal.x25519", b64(b"m" * 32), "bad_signature"),
    ("hello_ack", "data.seal.x25519", DROP, "malformed"),
    ("hello_ack", "data.seal.hello", "f" * 64, "bad_signature"),
    ("hello_ack", "data.seal.hello", DROP, "malformed"),
    ("hello_ack", "sig", b64(bytes(64)), "bad_signature"),
    ("hello_ack", "dst", None, "ok"),
    ("hello_ack", "ttl", 0, "ok"),
]


@pytest.mark.parametrize(("name", "path", "value", "code"), TAMPERED)
def test_a_frame_that_was_changed_on_the_way_is_refused(name, path, value, code):
    assert code_of(*sides(), {name: edited(path, value)}) == code


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name, path, _, code in TAMPERED if path.startswith("data.seal")],
)
def test_sealing_cannot_be_stripped_even_where_unsealed_peers_are_allowed(name, path):
    both = {"allow_unsealed": True}
    codes = {code_of(*sides(both, both), {name: edited(path, value)}) for value in (None, DROP)}
    assert codes <= {"bad_signature", "malformed"}


@pytest.mark.parametrize("name", ["auth", "auth_result"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda frame: frame[:-1] + bytes((frame[-1] ^ 1,)), "seal_broken"),
        (lambda frame: bytes((frame[0] ^ 128,)) + frame[1:], "seal_broken"),
        (lambda frame: frame[:-1], "seal_broken"),
        (lambda frame: frame + b"\0", "seal_broken"),
        (lambda frame: b"", "seal_broken"),
        (lambda frame: bytes(len(frame)), "seal_broken"),
        (lambda frame: bytes(MAX_FRAME + 1), "too_large"),
        (lambda frame: to_text(canonical({}), bytes(64)), "protocol"),
    ],
)
def test_a_sealed_frame_that_was_changed_on_the_way_is_refused(name, change, code):
    assert code_of(*sides(), {name: change}) == code


# The same on an unsealed link, where all four frames are plain.


def unsealed_sides(**changes: Any) -> tuple[Dialer, Acceptor]:
    return sides({**UNSEALED, **changes}, {**UNSEALED, **changes})


@pytest.mark.parametrize(
    ("name", "path", "value", "code"),
    [
        ("hello", "data.nonce", "f" * 32, "bad_signature"),
        ("hello_ack", "data.echo", "f" * 32, "bad_signature"),
        ("hello", "data.seal", {"x25519": b64(b"m" * 32)}, "bad_signature"),
        ("hello_ack", "data.seal", {"x25519": b64(b"m" * 32), "hello": "f" * 64}, "bad_signature"),
        ("auth", "type", "hello", "bad_signature"),
        ("auth", "src", EVE.node_id, "bad_signature"),
        ("auth", "ts", NOW + 1, "bad_signature"),
        ("auth", "data.echo", "f" * 32, "bad_signature"),
        ("auth", "data.echo", DROP, "bad_signature"),
        ("auth", "data.token", "B" * 22, "bad_signature"),
        ("auth", "data.token", DROP, "bad_signature"),
        ("auth", "sig", b64(bytes(64)), "bad_signature"),
        ("auth", "sig", DROP, "malformed"),
        ("auth", "v", 2, "malformed"),
        ("auth_result", "data.ok", False, "bad_signature"),
        ("auth_result", "data", {}, "bad_signature"),
        ("auth_result", "re", None, "bad_signature"),
        ("auth_result", "src", ADA.node_id, "bad_signature"),
        ("auth_result", "sig", DROP, "malformed"),
        ("auth_result", "ttl", 3, "ok"),
    ],
)
def test_an_unsealed_frame_that_was_changed_on_the_way_is_refused(name, path, value, code):
    assert code_of(*unsealed_sides(), {name: edited(path, value)}) == code


@pytest.mark.parametrize(
    ("dialer", "acceptor", "code"),
    [
        ({}, {}, "ok"),
        (UNSEALED, UNSEALED, "ok"),
        (UNSEALED, {"allow_unsealed": True}, "ok"),
        ({"allow_unsealed": True}, UNSEALED, "ok"),
        ({"allow_unsealed": True}, {"allow_unsealed": True}, "ok"),
        (UNSEALED, {}, "unsealed_refused"),
        ({}, UNSEALED, "unsealed_refused"),
        ({}, {"x25519": b""}, "unsealed_refused"),
    ],
)
def test_unsealed_links_are_made_only_when_both_sides_allow_it(dialer, acceptor, code):
    pair = sides(dialer, acceptor)
    assert code_of(*pair) == code
    if code == "ok":
        is_sealed = "x25519" not in dialer and "x25519" not in acceptor
        assert pair[0].channel().is_sealed == pair[1].channel().is_sealed == is_sealed


@pytest.mark.parametrize("late", [0, 1])
def test_an_unsealed_handshake_of_another_time_is_stale(late):
    offers = [{**UNSEALED}, {**UNSEALED}]
    offers[late]["stamp"] = stamps(9, NOW + 700)
    assert code_of(*sides(*offers)) == "stale"


# What the other side, which holds its own key, can sign.


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("hello", {"nonce": "F" * 32}, "malformed"),
        ("hello", {"nonce": "0" * 31}, "malformed"),
        ("hello", {"nonce": "\ud800" * 32}, "malformed"),
        ("hello", {"public_key": EVE.public_key_b64}, "bad_identity"),
        ("hello", {"public_key": "x" * 44}, "malformed"),
        ("hello", {"src": EVE.node_id}, "bad_identity"),
        ("hello", {"seal": {"x25519": b64(bytes(32))}}, "malformed"),
        ("hello", {"seal": {"x25519": "A" * 44}}, "malformed"),
        ("hello", {"seal": "yes"}, "malformed"),
        ("hello", {"seal": DROP}, "unsealed_refused"),
        ("hello", {"type_": "auth"}, "protocol"),
        ("hello", {"\ud800": 1}, "malformed"),
        ("hello", {"node_name": 5}, "malformed"),
        ("hello", {"node_name": "x" * 257}, "malformed"),
        ("hello", {"capabilities": ["x"] * 65}, "malformed"),
        ("hello", {"more": "x" * MAX_FRAME}, "too_large"),
        ("hello_ack", {"echo": "f" * 32}, "bad_echo"),
        ("hello_ack", {"echo": "\ud800" * 32}, "bad_echo"),
        ("hello_ack", {"nonce": "g" * 32}, "malformed"),
        ("hello_ack", {"src": EVE.node_id}, "bad_identity"),
        ("hello_ack", {"seal": DROP}, "unsealed_refused"),
        ("hello_ack", {"seal": {"x25519": b64(b"m" * 32), "hello": "f" * 64}}, "bad_echo"),
        ("hello_ack", {"type_": "auth"}, "protocol"),
        ("hello_ack", {"more": "x" * MAX_FRAME}, "too_large"),
        ("auth", {"echo": "f" * 32}, "bad_echo"),
        ("auth", {"echo": "\ud800" * 32}, "bad_echo"),
        ("auth", {"echo": DROP}, "malformed"),
        ("auth", {"session": "f" * 64}, "bad_session"),
        ("auth", {"session": DROP}, "bad_session"),
        ("auth", {"session": "f" * 65}, "malformed"),
        ("auth", {"token": "x" * 129}, "malformed"),
        ("auth", {"token": 1}, "malformed"),
        ("auth", {"src": EVE.node_id}, "bad_identity"),
        ("auth", {"type_": "auth_result"}, "protocol"),
        ("auth", {"type_": "note"}, "protocol"),
        ("auth", {"more": "x" * MAX_FRAME}, "too_large"),
        ("auth_result", {"session": "f" * 64}, "bad_session"),
        ("auth_result", {"session": DROP}, "bad_session"),
        ("auth_result", {"ok": 1}, "malformed"),
        ("auth_result", {"ok": DROP}, "malformed"),
        ("auth_result", {"src": EVE.node_id}, "bad_identity"),
        ("auth_result", {"type_": "auth"}, "protocol"),
        ("auth_result", {"re": "f" * 32}, "bad_echo"),
        ("auth_result", {"re": None}, "ok"),
        ("auth_result", {"more": "x" * MAX_FRAME}, "too_large"),
    ],
    ids=str,
)
def test_a_frame_that_breaks_the_protocol_is_refused_however_it_is_signed(name, changes, code):
    dialer, acceptor = sides()
    meddle(dialer if name in ("hello", "auth") else acceptor, name, **changes)
    assert code_of(dialer, acceptor) == code


def test_the_keys_are_bound_to_all_of_both_introductions():
    dialer, acceptor = sides()
    ack = json.loads(acceptor.on_hello(dialer.hello()))
    # the same key exchange, only introduced otherwise and signed anew
    ack["data"]["node_name"] = "bobby"
    names = ("type", "msg_id", "re", "src", "ts", "data")
    raw = canonical_bytes(**{name: ack[name] for name in names})
    auth = dialer.on_hello_ack(to_text(raw, BOB.sign(raw)))
    with pytest.raises(PeerError) as caught:
        acceptor.on_auth(auth)
    assert caught.value.code == "seal_broken"


@pytest.mark.parametrize("sealed_by", ["batch", "credit", "empty"])
def test_sealed_frames_of_other_kinds_have_no_place_in_a_handshake(sealed_by):
    dialer, acceptor = sides()
    dialer.on_hello_ack(acceptor.on_hello(dialer.hello()))
    raw = canonical({})
    inner = {
        "batch": batch_frame(ADA.sign(batch_digest([raw])), [batch_part(raw, ())]),
        "credit": bytes((CREDIT,)) + bytes(8),
        "empty": b"",
    }[sealed_by]
    assert dialer._sealer is not None
    dialer._sealer._counter = 0
    with pytest.raises(PeerError) as caught:
        acceptor.on_auth(dialer._sealer.seal(inner))
    assert caught.value.code == "protocol"


# Other nodes, other sessions.


def test_a_wrong_node_that_answers_gets_no_token():
    dialer = Dialer(an_offer(ADA), expect=BOB.node_id, token=TOKEN)
    impostor = Acceptor(an_offer(EVE))
    with pytest.raises(PeerError) as caught:
        dialer.on_hello_ack(impostor.on_hello(dialer.hello()))
    assert caught.value.code == "wrong_node"
    assert caught.value.data["node_id"] == EVE.node_id


def test_a_known_node_with_another_key_is_refused():
    assert code_of(*sides(expect=None, expect_key=EVE.public_key_b64)) == "key_changed"


def test_a_node_does_not_connect_with_itself():
    assert code_of(Dialer(an_offer(ADA)), Acceptor(an_offer(ADA))) == "own_node"


@pytest.mark.parametrize("is_sealed", [True, False])
def test_reflected_frames_are_refused(is_sealed):
    offer = {} if is_sealed else UNSEALED
    dialer, acceptor = sides(offer, offer)
    hello = dialer.hello()

    def code(step: Callable[[Any], Any], frame: Any) -> str:
        with pytest.raises(PeerError) as caught:
            step(frame)
        return caught.value.code

    assert code(sides(offer, offer)[0].on_hello_ack, hello) == "protocol"
    assert code(Acceptor(an_offer(ADA, **offer)).on_hello, hello) == "own_node"
    ack = acceptor.on_hello(hello)
    assert code(sides(offer, offer)[1].on_hello, ack) == "protocol"
    auth = dialer.on_hello_ack(ack)
    assert code(dialer.on_auth_result, auth) == ("seal_broken" if is_sealed else "bad_signature")
    acceptor.on_auth(auth)
    result = acceptor.accept()
    assert code(acceptor.on_auth, result) == ("seal_broken" if is_sealed else "bad_signature")


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("is_sealed", [True, False])
def test_a_frame_of_another_session_of_the_same_nodes_is_refused(name, is_sealed):
    offer = {} if is_sealed else UNSEALED
    recorded = dict(zip(FRAMES, run(*sides(offer, offer)), strict=True))
    fresh = sides(
        {**offer, "nonce": "1" * 32, "stamp": stamps(7)},
        {**offer, "nonce": "2" * 32, "stamp": stamps(8)},
    )
    code = code_of(*fresh, {name: lambda frame: recorded[name]})
    if name in ("hello", "hello_ack"):
        # an old hello is answered, but the answer is for the one who sent it
        assert code == "bad_echo"
    elif is_sealed:
        assert code == "seal_broken"
    else:
        assert code == "bad_echo"


def test_whoever_replays_a_hello_cannot_go_on():
    recorded = run(*sides())
    _, acceptor = sides(acceptor={"nonce": "2" * 32, "x25519": b"n" * 32})
    acceptor.on_hello(recorded[0])
    with pytest.raises(PeerError) as caught:
        acceptor.on_auth(recorded[2])
    assert caught.value.code == "seal_broken"


@pytest.mark.parametrize(
    ("step", "frame"),
    [
        ("on_auth", "hello"),
        ("on_auth", b"x" * 40),
        ("on_hello", b"x" * 40),
        ("on_hello_ack", b"x" * 40),
        ("on_auth_result", b"x" * 40),
        ("on_auth_result", "hello"),
    ],
)
def test_a_step_out_of_turn_raises_nothing_but_peer_errors(step, frame):
    dialer, acceptor = sides()
    frame = dialer.hello() if frame == "hello" else frame
    side = acceptor if step in ("on_hello", "on_auth") else dialer
    with pytest.raises(PeerError):
        getattr(side, step)(frame)


# Refusals.


@pytest.mark.parametrize("is_sealed", [True, False])
@pytest.mark.parametrize("error", [BlockedError(), InviteUsedError(), RefusedError("not today")])
def test_the_reason_of_a_refusal_arrives(error, is_sealed):
    offer = {} if is_sealed else UNSEALED
    dialer, acceptor = sides(offer, offer)
    auth = dialer.on_hello_ack(acceptor.on_hello(dialer.hello()))
    acceptor.on_auth(auth)
    with pytest.raises(type(error), match=error.message) as caught:
        dialer.on_auth_result(acceptor.refuse(error))
    assert caught.value.code == error.code


def test_a_refusal_before_the_introduction_arrives():
    dialer, acceptor = sides()
    with pytest.raises(BlockedError):
        dialer.on_hello_ack(acceptor.refuse(BlockedError()))


def test_a_refusal_in_the_name_of_a_known_node_must_be_signed_by_it():
    dialer, _ = sides()
    with pytest.raises(PeerError) as caught:
        dialer.on_hello_ack(Acceptor(an_offer(EVE)).refuse(BlockedError()))
    assert caught.value.code == "bad_signature"


def test_nobody_accepts_before_he_knows_who_is_there():
    dialer, acceptor = sides()
    with pytest.raises(PeerError) as caught:
        dialer.on_hello_ack(acceptor.accept())
    assert caught.value.code == "protocol"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("store_corrupt", "refused"),
        ("no_server", "refused"),
        ("timeout", "refused"),
        ("unheard_of", "refused"),
        ("stale", "stale"),
        (None, "refused"),
    ],
)
def test_a_refusal_cannot_pose_as_a_failure_of_this_side(code, expected):
    dialer, acceptor = sides()
    meddle(acceptor, "auth_result", code=code, reason="run\x1b]0;this\x07" + "x" * 1000)
    auth = dialer.on_hello_ack(acceptor.on_hello(dialer.hello()))
    acceptor.on_auth(auth)
    with pytest.raises(PeerError) as caught:
        dialer.on_auth_result(acceptor.refuse(StoreCorruptError()))
    assert caught.value.code == expected
    assert caught.value.message.startswith("run ]0;this x")
    assert len(caught.value.message) == 500


# Anything at all.


@given(
    st.text(st.characters(exclude_categories=[])) | st.binary(max_size=100),
    st.sampled_from(FRAMES),
    st.booleans(),
)
def test_any_frame_raises_nothing_but_peer_errors(frame, name, is_sealed):
    offer = {} if is_sealed else UNSEALED
    with pytest.raises(PeerError):
        run(*sides(offer, offer), {name: lambda right: frame})


@given(
    st.sampled_from(FRAMES),
    st.sampled_from(["public_key", "node_name", "capabilities", "nonce", "echo", "seal", "token"])
    | st.sampled_from(["session", "ok", "code", "reason", "replaces"]),
    json_objects,
    st.booleans(),
)
def test_any_signed_payload_raises_nothing_but_peer_errors(name, field, value, is_sealed):
    offer = {} if is_sealed else UNSEALED
    dialer, acceptor = sides(offer, offer)
    side = dialer if name in ("hello", "auth") else acceptor
    for payload in (value, *value.values()):
        meddle(side, name, **{field: payload})
        with contextlib.suppress(PeerError, AssertionError):
            run(dialer, acceptor)
