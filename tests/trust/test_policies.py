"""One contract for every trust policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from jupyter_peer.errors import (
    BadRequestError,
    BlockedError,
    InviteExpiredError,
    InviteUsedError,
    NotTrustedError,
    PeerError,
    RefusedError,
    to_wire,
)
from jupyter_peer.store.store import PeerRecord, Store
from jupyter_peer.trust.base import Applicant, CombinedPolicy, TrustPolicy, Verdict
from jupyter_peer.trust.directory import DirectoryPolicy
from jupyter_peer.trust.invites import InvitePolicy
from jupyter_peer.trust.modes import policy_for
from jupyter_peer.trust.open_lan import OpenLanPolicy
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.invite import token_hash
from jupyter_peer.wire.link.identity import Identity

NOW = 50.0
STRANGER = Applicant(
    node_id="strangerstranger",
    public_key="key of stranger",
    node_name="Eve",
    address="203.0.113.7",
    transport="direct",
)
INVITED = msgspec.structs.replace(STRANGER, node_id="adaadaadaadaadaa", token="the-token")
COLLEAGUE_KEY = Identity.from_seed(b"c" * 32)
COLLEAGUE = msgspec.structs.replace(
    STRANGER,
    node_id=COLLEAGUE_KEY.node_id,
    public_key=COLLEAGUE_KEY.public_key_b64,
    transport="relay",
)
DIRECTORY = Directory(
    serial=1,
    expires=NOW + 10.0,
    members=[Member(id=COLLEAGUE.node_id, pk=COLLEAGUE.public_key)],
)
NEIGHBOUR = msgspec.structs.replace(STRANGER, node_id="bobbobbobbobbobb", address="192.168.1.9")


class Case(NamedTuple):
    """A policy, whom it lets in, and which of those stay trusted."""

    make: Callable[[Store], TrustPolicy]
    welcome: tuple[Applicant, ...]


class Closed(TrustPolicy):
    """Lets nobody in, for a reason of its own."""

    name = "closed"

    def __init__(self, error: PeerError) -> None:
        self.error = error

    def verdict(self, applicant: Applicant, now: float) -> Verdict:
        return Verdict.refuse(self.error)


def directory_mode(store: Store) -> TrustPolicy:
    return policy_for(
        "directory", store, more={"directory": lambda: DirectoryPolicy(lambda: DIRECTORY)}
    )


CASES = {
    "invite": Case(InvitePolicy, (INVITED,)),
    "open-lan alone": Case(lambda store: OpenLanPolicy(), (NEIGHBOUR,)),
    "manual": Case(lambda store: policy_for("manual", store), (INVITED,)),
    "open-lan": Case(lambda store: policy_for("open-lan", store), (INVITED, NEIGHBOUR)),
    "directory alone": Case(lambda store: DirectoryPolicy(lambda: DIRECTORY), (COLLEAGUE,)),
    "directory": Case(directory_mode, (INVITED, COLLEAGUE)),
    "a mode of one's own": Case(
        lambda store: policy_for("none", store, more={"none": lambda: Closed(NotTrustedError())}),
        (INVITED,),
    ),
    "combined": Case(
        lambda store: CombinedPolicy([OpenLanPolicy(), InvitePolicy(store)]), (INVITED, NEIGHBOUR)
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "peer.sqlite")
    store.add_invite("00000001", token_hash("the-token"), created=1.0, expires=100.0)
    yield store
    store.close()


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def policy(case: Case, store: Store) -> TrustPolicy:
    return case.make(store)


def check_refusal(verdict: Verdict) -> None:
    assert not verdict.accepted
    assert not verdict.remember
    assert isinstance(verdict.error, PeerError)


def test_it_has_a_name(policy: TrustPolicy) -> None:
    assert policy.name


def test_it_lets_in_whom_it_should(case: Case, policy: TrustPolicy) -> None:
    for applicant in case.welcome:
        verdict = policy.verdict(applicant, NOW)
        assert verdict.accepted
        assert verdict.error is None


def test_it_says_which_policy_let_the_applicant_in(case: Case, policy: TrustPolicy) -> None:
    for applicant in case.welcome:
        origin = policy.verdict(applicant, NOW).origin
        # The record accepts only origins it knows.
        msgspec.convert(
            {"node_id": "a", "public_key": "k", "added": 1.0, "origin": origin}, PeerRecord
        )
        expected = "directory" if applicant is COLLEAGUE else "open-lan"
        assert origin == ("invite" if applicant.token else expected)


def test_it_remembers_only_those_with_an_invite(case: Case, policy: TrustPolicy) -> None:
    for applicant in case.welcome:
        verdict = policy.verdict(applicant, NOW)
        assert verdict.remember == (applicant.token is not None)


def test_it_stands_by_those_alone_whom_its_directory_lists(policy: TrustPolicy) -> None:
    is_directory = "directory" in policy.name
    key = (COLLEAGUE.node_id, COLLEAGUE.public_key)
    assert policy.stands_by(*key, NOW) == is_directory
    assert not policy.stands_by(*key, NOW + 10.0)
    for applicant in (STRANGER, INVITED, NEIGHBOUR):
        assert not policy.stands_by(applicant.node_id, applicant.public_key, NOW)


def test_it_refuses_a_stranger_and_changes_nothing(policy: TrustPolicy, store: Store) -> None:
    verdict = policy.verdict(STRANGER, NOW)
    check_refusal(verdict)
    assert isinstance(verdict.error, NotTrustedError)
    assert store.peers() == []
    assert store.invites(NOW)[0].status == "open"


def test_it_refuses_a_wrong_token_without_repeating_it(policy: TrustPolicy, store: Store) -> None:
    applicant = msgspec.structs.replace(STRANGER, token="a-guessed-token")
    verdict = policy.verdict(applicant, NOW)
    check_refusal(verdict)
    assert "a-guessed-token" not in repr(to_wire(verdict.error or Exception()))
    assert "a-guessed-token" not in repr(applicant) + repr(verdict)
    assert store.invites(NOW)[0].status == "open"


def test_it_tells_an_applicant_nothing_about_this_machine_when_the_store_fails(
    policy: TrustPolicy, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    verdict = policy.verdict(INVITED, NOW)
    check_refusal(verdict)
    assert isinstance(verdict.error, RefusedError)
    assert str(store.path) not in repr(to_wire(verdict.error))
    assert "the-token" not in caplog.text


anything = st.text(max_size=40) | st.text(st.characters(categories=["Cs", "Cc", "L"]), max_size=5)
addresses = (
    anything | st.ip_addresses().map(str) | st.sampled_from(["[", "[::1", "1:2:3", "//", "@"])
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    applicant=st.builds(
        Applicant,
        node_id=anything | st.just(COLLEAGUE.node_id),
        public_key=anything | st.just(COLLEAGUE.public_key),
        node_name=anything,
        token=st.none() | anything | st.just("the-token"),
        address=st.none() | addresses,
        transport=st.sampled_from(["loopback", "lan", "direct", "webrtc", "relay", "new"]),
    ),
    now=st.floats(),
)
def test_it_decides_about_anybody_without_raising(
    policy: TrustPolicy, applicant: Applicant, now: float
) -> None:
    is_expected = policy.expects(applicant.node_id, now)
    verdict = policy.verdict(applicant, now)
    if verdict.accepted:
        assert verdict.error is None
        assert verdict.origin
        # who is let in over a lobby must have been worth an answer there
        assert is_expected or verdict.origin != "directory"
    else:
        check_refusal(verdict)


# Invites under every mode


@pytest.mark.parametrize("mode", ["manual", "open-lan"])
def test_an_invite_works_under_every_mode_and_stores_the_peer(mode: str, store: Store) -> None:
    assert policy_for(mode, store).verdict(INVITED, NOW).accepted
    assert store.peers() == [
        PeerRecord(
            node_id=INVITED.node_id,
            public_key=INVITED.public_key,
            node_name="Eve",
            trusted=True,
            added=NOW,
            last_seen=NOW,
            origin="invite",
        )
    ]


@pytest.mark.parametrize("mode", ["manual", "open-lan"])
def test_a_refused_invite_is_told_apart(mode: str, store: Store) -> None:
    policy = policy_for(mode, store)
    assert isinstance(policy.verdict(INVITED, 100.0).error, InviteExpiredError)
    assert policy.verdict(INVITED, NOW).accepted
    assert policy.verdict(INVITED, NOW).accepted
    thief = msgspec.structs.replace(INVITED, node_id="thiefthiefthieft")
    assert isinstance(policy.verdict(thief, NOW).error, InviteUsedError)


def test_a_blocked_node_is_not_let_in_by_an_invite(store: Store) -> None:
    store.put_peer(
        PeerRecord(node_id=INVITED.node_id, public_key=INVITED.public_key, blocked=True, added=1.0)
    )
    assert isinstance(InvitePolicy(store).verdict(INVITED, NOW).error, BlockedError)


def test_a_neighbour_is_let_in_by_open_lan_even_if_its_invite_is_worth_nothing(
    store: Store,
) -> None:
    neighbour = msgspec.structs.replace(NEIGHBOUR, token="worthless")
    assert policy_for("open-lan", store).verdict(neighbour, NOW).origin == "open-lan"


# Modes and combinations


def test_an_unknown_mode_is_refused_with_the_known_ones(store: Store) -> None:
    for mode in ("", "Manual", "open", "directory"):
        with pytest.raises(BadRequestError, match="manual, open-lan"):
            policy_for(mode, store)


def test_only_the_mode_asked_for_is_made(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def never() -> TrustPolicy:
        raise AssertionError("this mode was not asked for")

    with caplog.at_level(logging.WARNING):
        policy_for("manual", store, more={"directory": never})
        assert caplog.text == ""
        policy_for("open-lan", store, more={"directory": never})
        assert "without asking you" in caplog.text


def test_the_most_telling_refusal_is_given() -> None:
    plain, last, expired = NotTrustedError("first"), NotTrustedError("last"), InviteExpiredError()

    def error_of(*errors: PeerError) -> PeerError | None:
        return CombinedPolicy([Closed(error) for error in errors]).verdict(STRANGER, NOW).error

    assert error_of(plain, last) is last
    assert error_of(plain, expired, last) is expired
    assert error_of(expired, last) is expired
    with pytest.raises(ValueError, match="at least one"):
        CombinedPolicy([])
