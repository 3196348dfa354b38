"""Whom the trust mode ``directory`` lets in, and whom not."""

from __future__ import annotations

import pytest

from jupyter_peer.errors import KeyChangedError, NotTrustedError
from jupyter_peer.trust.base import Applicant
from jupyter_peer.trust.directory import DirectoryPolicy
from jupyter_peer.wire.directory import Directory, Member
from jupyter_peer.wire.link.identity import Identity

NOW = 1_760_000_000.0
ADA, BOB, EVE = (Identity.from_seed(letter * 32) for letter in (b"a", b"b", b"e"))


def member(identity, **fields):
    return Member(id=identity.node_id, pk=identity.public_key_b64, **fields)


DIRECTORY = Directory(
    serial=1,
    expires=NOW + 60,
    members=[member(ADA, groups=("staff",)), member(BOB, expires=NOW + 30)],
)


def applicant(identity, key=None):
    return Applicant(
        node_id=identity.node_id,
        public_key=(key or identity).public_key_b64,
        address="203.0.113.7",
        transport="relay",
    )


def test_a_member_is_let_in_from_anywhere_and_not_remembered():
    verdict = DirectoryPolicy(lambda: DIRECTORY).verdict(applicant(ADA), NOW)
    assert verdict.accepted
    assert verdict.origin == "directory"
    assert not verdict.remember


@pytest.mark.parametrize(
    ("who", "directory", "now"),
    [
        (EVE, DIRECTORY, NOW),
        (BOB, DIRECTORY, NOW + 30),
        (ADA, DIRECTORY, NOW + 60),
        (ADA, DIRECTORY, float("nan")),
        (ADA, None, NOW),
        (ADA, Directory(serial=2, expires=NOW + 60), NOW),
    ],
    ids=["unlisted", "membership over", "expired", "no clock", "never fetched", "empty"],
)
def test_everybody_else_is_refused(who, directory, now):
    policy = DirectoryPolicy(lambda: directory)
    verdict = policy.verdict(applicant(who), now)
    assert not verdict.accepted
    assert isinstance(verdict.error, NotTrustedError)
    assert not policy.stands_by(who.node_id, who.public_key_b64, now)


def test_a_listed_node_with_another_key_is_refused():
    verdict = DirectoryPolicy(lambda: DIRECTORY).verdict(applicant(ADA, EVE), NOW)
    assert isinstance(verdict.error, KeyChangedError)


def test_groups_narrow_it_down():
    policy = DirectoryPolicy(lambda: DIRECTORY, ["students", "staff"])
    assert policy.verdict(applicant(ADA), NOW).accepted
    assert not policy.verdict(applicant(BOB), NOW).accepted
    assert policy.stands_by(ADA.node_id, ADA.public_key_b64, NOW)
    assert not policy.stands_by(BOB.node_id, BOB.public_key_b64, NOW)


def test_members_alone_are_worth_an_answer_before_they_have_proven_anything():
    policy = DirectoryPolicy(lambda: DIRECTORY)
    assert [policy.expects(who.node_id, NOW) for who in (ADA, BOB, EVE)] == [True, True, False]
    assert not policy.expects(ADA.node_id, NOW + 60)
    assert not DirectoryPolicy(lambda: None).expects(ADA.node_id, NOW)
    staff = DirectoryPolicy(lambda: DIRECTORY, ["staff"])
    assert [staff.expects(who.node_id, NOW) for who in (ADA, BOB)] == [True, False]


def test_it_asks_the_version_that_is_in_force_each_time():
    versions = [DIRECTORY]
    policy = DirectoryPolicy(lambda: versions[-1])
    assert policy.verdict(applicant(ADA), NOW).accepted
    versions.append(Directory(serial=2, expires=NOW + 60))
    assert not policy.verdict(applicant(ADA), NOW).accepted


def test_members_that_are_found_are_welcome_from_anywhere_and_others_are_not():
    policy = DirectoryPolicy(lambda: DIRECTORY)
    for source in ("lan", "lobby"):
        assert policy.is_welcoming(source, ADA.node_id, NOW)
        assert not policy.is_welcoming(source, EVE.node_id, NOW)
        assert not policy.is_welcoming(source, ADA.node_id, NOW + 60)
        assert not policy.is_welcoming(source, BOB.node_id, NOW + 30)
    staff = DirectoryPolicy(lambda: DIRECTORY, groups=["staff"])
    assert [staff.is_welcoming("lan", who.node_id, NOW) for who in (ADA, BOB)] == [True, False]
    assert not DirectoryPolicy(lambda: None).is_welcoming("lan", ADA.node_id, NOW)
