"""The lobby's messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.errors import (
    BadNameError,
    MalformedError,
    PeerError,
    RoomRefusedError,
    TooLargeError,
    UnsupportedError,
)
from jupyter_peer.wire.relay import lobby
from tests.wire.makers import ADA, BOB, json_objects, json_values

CARD = lobby.NodeCard(node_id=ADA.node_id, node_name="Ada", addresses=["ws://h:1/peer-ws"])

REQUESTS = [
    lobby.Register(id=1, addresses=["ws://h:1/peer-ws"], node_name="Ada", capabilities=["panes"]),
    lobby.Leave(id=2),
    lobby.Who(id=3),
    lobby.ListRooms(id=4),
    lobby.CreateRoom(id=5, name="class.1", visibility="unlisted", join_policy="open"),
    lobby.JoinRoom(id=6, name="class.1", token="t"),
    lobby.LeaveRoom(id=7, name="class.1"),
    lobby.Signal(id=8, to=BOB.node_id, kind="offer", sdp="v=0"),
]
NOTICES = [
    lobby.Registered(id=1, node_id=ADA.node_id, listed=True, rooms=["class.1"], grace_s=30.0),
    lobby.Presence(nodes=[CARD]),
    lobby.Rooms(
        id=4,
        rooms=[lobby.RoomCard(name="class.1", visibility="public", join_policy="open", members=3)],
    ),
    lobby.RoomInfo(
        id=5, name="class.1", visibility="public", join_policy="open", members=[CARD], token="t"
    ),
    lobby.PeerJoining(room="class.1", peer=CARD),
    lobby.PeerLeaving(room="class.1", node_id=ADA.node_id),
    lobby.Left(id=7, room="class.1"),
    lobby.Signalled(sender=ADA.node_id, kind="answer", sdp="v=0"),
    lobby.Done(id=8),
    lobby.Refusal(id=9, code="room_refused", message="no", hint="ask"),
]


def kind(message: Any) -> str:
    return str(json.loads(message.to_text())["type"])


@pytest.mark.parametrize("request_", REQUESTS, ids=kind)
def test_a_request_is_read_as_it_was_written(request_: lobby.Request) -> None:
    assert lobby.read_request(request_.to_text()) == request_


@pytest.mark.parametrize("notice", NOTICES, ids=kind)
def test_a_notice_is_read_as_it_was_written(notice: lobby.Notice) -> None:
    assert lobby.read_notice(notice.to_text()) == notice


def test_the_messages_have_the_names_and_fields_of_the_specification() -> None:
    assert [kind(request) for request in REQUESTS] == [
        *("register", "leave", "who", "list_rooms"),
        *("create_room", "join_room", "leave_room", "signal"),
    ]
    assert [kind(notice) for notice in NOTICES] == [
        *("registered", "presence", "rooms", "room_info", "peer_joining"),
        *("peer_leaving", "left", "signal", "done", "error"),
    ]
    told = json.loads(NOTICES[7].to_text())
    assert told["from"] == ADA.node_id


def test_what_a_later_version_adds_is_ignored() -> None:
    fields = json.loads(REQUESTS[5].to_text()) | {"colour": {"deep": [1]}}
    assert lobby.read_request(json.dumps(fields)) == REQUESTS[5]
    assert lobby.read_notice('{"type":"weather","sky":"blue"}') is None


def test_a_node_is_listed_when_it_registers_and_says_nothing_else() -> None:
    registered = lobby.read_request('{"type":"register","addresses":[]}')
    assert isinstance(registered, lobby.Register)
    assert registered.listed


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", MalformedError),
        ("[]", MalformedError),
        ("{}", MalformedError),
        ('{"type":7}', MalformedError),
        ('{"type":"dance"}', UnsupportedError),
        ('{"type":"register"}', MalformedError),
        ('{"type":"register","addresses":[""]}', MalformedError),
        ('{"type":"register","addresses":' + json.dumps(["a"] * 17) + "}", MalformedError),
        ('{"type":"register","addresses":' + json.dumps(["a" * 500] * 5) + "}", MalformedError),
        ('{"type":"who","id":-1}', MalformedError),
        ('{"type":"who","id":1.5}', MalformedError),
        ('{"type":"create_room","name":"x","visibility":"public"}', MalformedError),
        (
            '{"type":"create_room","name":"x","visibility":"public","join_policy":"magic"}',
            MalformedError,
        ),
        ('{"type":"join_room","name":"' + "x" * 65 + '"}', MalformedError),
        ('{"type":"signal","to":"me","kind":"offer","sdp":"v=0"}', MalformedError),
        (
            '{"type":"signal","to":"' + BOB.node_id + '","kind":"bye","sdp":"v=0"}',
            MalformedError,
        ),
        ('{"type":"who","pad":"' + "x" * lobby.MAX_REQUEST + '"}', TooLargeError),
        ('{"type":"who","pad":"' + "\u20ac" * (lobby.MAX_REQUEST // 2) + '"}', TooLargeError),
        ('{"type":"who","pad":' + "[" * 20_000 + "]" * 20_000 + "}", MalformedError),
    ],
)
def test_a_request_that_does_not_fit_is_refused(text: str, error: type[PeerError]) -> None:
    with pytest.raises(error) as refused:
        lobby.read_request(text)
    assert len(refused.value.message) < 300


def test_an_offer_of_the_largest_size_fits_into_a_request() -> None:
    offer = lobby.Signal(to=BOB.node_id, kind="offer", sdp="\n" * (lobby.MAX_SDP // 2))
    assert lobby.read_request(offer.to_text()) == offer


def test_a_full_room_of_talkative_members_fits_into_one_notice() -> None:
    card = lobby.NodeCard(
        node_id=ADA.node_id,
        node_name="\N{GRINNING FACE}" * 64,
        capabilities=["c" * 64] * 4,
        addresses=["a" * 128] * 16,
        away=True,
    )
    room = lobby.RoomInfo(
        name="x" * 64,
        visibility="public",
        join_policy="open",
        members=[card] * lobby.MAX_MEMBERS,
    )
    assert lobby.read_notice(room.to_text()) == room


def outcome(read: Callable[[str], Any], text: str) -> Any:
    """Return the message in a text, or the error it is refused with."""
    try:
        return read(text)
    except PeerError as error:
        return error


@given(json_objects | json_values)
def test_whatever_json_comes_is_read_or_refused(value: Any) -> None:
    text = json.dumps(value)
    for read in (lobby.read_request, lobby.read_notice):
        got = outcome(read, text)
        assert got is None or isinstance(got, PeerError) or got.to_text()
    lobby.request_id(text)


@given(st.sampled_from(REQUESTS + NOTICES), json_objects)
def test_a_message_with_any_fields_exchanged_is_read_or_refused(message: Any, other: Any) -> None:
    fields = json.loads(message.to_text())
    mixed = fields | dict(zip(fields, other.values(), strict=False)) | {"type": fields["type"]}
    for read in (lobby.read_request, lobby.read_notice):
        assert len(str(outcome(read, json.dumps(mixed)))) < 20_000


@given(st.text(max_size=80))
def test_a_room_name_is_plain_letters_or_refused(name: str) -> None:
    try:
        assert lobby.check_room_name(name) == name
    except BadNameError:
        return
    assert name.isascii()
    assert name[0].isalnum()
    assert len(name) <= 64


def test_an_error_goes_over_the_wire_with_its_code_and_words() -> None:
    error = RoomRefusedError("this room asks for a token", hint="ask")
    told = lobby.read_notice(lobby.Refusal.of(error, 4).to_text())
    assert isinstance(told, lobby.Refusal)
    assert told.id == 4
    assert isinstance(told.error, RoomRefusedError)
    assert (told.error.message, told.error.hint) == (error.message, error.hint)


def test_a_card_shows_nothing_that_does_not_print() -> None:
    card = lobby.NodeCard(node_id=ADA.node_id, node_name="A\x1b[2Jda", addresses=["ws://a", "b\n"])
    assert lobby.printable(card).node_name == "A[2Jda"
    assert lobby.printable(card).addresses == ["ws://a"]


def test_a_rooms_token_is_words_of_a_command_whatever_its_bytes() -> None:
    assert lobby.make_token(b"\xfb" * 16) == "fb" * 16
    with pytest.raises(ValueError, match="16 bytes"):
        lobby.make_token(b"short")
