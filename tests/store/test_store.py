from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jupyter_peer.errors import (
    BadRequestError,
    BlockedError,
    InviteExpiredError,
    InviteRevokedError,
    InviteUnknownError,
    InviteUsedError,
    KeyChangedError,
    LookupFailedError,
    PeerError,
    RefusedError,
    StoreError,
    UnknownPaneError,
    UnknownPeerError,
)
from jupyter_peer.store import store as store_module
from jupyter_peer.store.store import AuditRecord, InviteRecord, PaneRecord, PeerRecord, Store
from jupyter_peer.wire.invite import token_hash

from .store_worker import peer_of


def add_invite(store: Store, token: str = "token", id: str = "00000001") -> None:
    store.add_invite(id, token_hash(token), created=1.0, expires=100.0, note="for Ada")


# Invites


def test_an_invite_is_listed_with_everything_but_its_token(store: Store, path: Path) -> None:
    add_invite(store, "the-secret-token")
    assert store.invites(2.0) == [
        InviteRecord(id="00000001", created=1.0, expires=100.0, note="for Ada", status="open")
    ]
    store.close()
    for file in path.parent.iterdir():
        assert b"the-secret-token" not in file.read_bytes()


def test_invites_are_listed_newest_first(store: Store) -> None:
    for number in (1, 3, 2):
        store.add_invite(f"{number}", f"{number}", created=float(number), expires=9.0)
    assert [invite.id for invite in store.invites(0.0)] == ["3", "2", "1"]


def test_redeeming_stores_the_peer_as_trusted_and_names_it_in_the_invite(store: Store) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    assert store.peer("ada") == msgspec.structs.replace(peer_of("ada"), trusted=True)
    (invite,) = store.invites(6.0)
    assert (invite.status, invite.used_by, invite.used_at) == ("used", "ada", 5.0)


def test_an_invite_works_for_one_node_only(store: Store) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    with pytest.raises(InviteUsedError):
        store.redeem_invite("token", peer_of("eve"), 5.0)
    assert store.peer("eve") is None


def test_the_node_that_used_an_invite_may_present_it_again(store: Store) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    store.update_peer("ada", alias="Ada")
    store.redeem_invite("token", peer_of("ada"), 500.0)
    assert store.peers() == [
        msgspec.structs.replace(peer_of("ada"), trusted=True, alias="Ada"),
    ]
    assert store.invites(5.0)[0].used_at == 5.0


def test_a_forgotten_node_does_not_come_back_with_the_invite_it_used(store: Store) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    store.delete_peer("ada")
    with pytest.raises(InviteUsedError):
        store.redeem_invite("token", peer_of("ada"), 6.0)
    assert store.peers() == []


def test_a_node_that_lost_its_trust_does_not_regain_it_with_the_invite_it_used(
    store: Store,
) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    store.update_peer("ada", trusted=False)
    with pytest.raises(InviteUsedError):
        store.redeem_invite("token", peer_of("ada"), 6.0)


def test_a_blocked_node_cannot_redeem_and_leaves_the_invite_open(store: Store) -> None:
    store.put_peer(msgspec.structs.replace(peer_of("eve"), blocked=True))
    add_invite(store)
    with pytest.raises(BlockedError):
        store.redeem_invite("token", peer_of("eve"), 5.0)
    assert store.invites(5.0)[0].status == "open"
    store.redeem_invite("token", peer_of("ada"), 5.0)


def test_a_node_id_with_another_key_cannot_redeem_and_leaves_the_invite_open(
    store: Store,
) -> None:
    store.put_peer(peer_of("ada"))
    add_invite(store)
    with pytest.raises(KeyChangedError):
        store.redeem_invite(
            "token", msgspec.structs.replace(peer_of("ada"), public_key="another"), 5.0
        )
    assert store.invites(5.0)[0].status == "open"


def test_pairing_again_keeps_what_the_user_said_about_a_peer(store: Store) -> None:
    known = PeerRecord(
        node_id="ada",
        public_key="key of ada",
        node_name="old",
        alias="Ada",
        addresses=["ws://a/"],
        capabilities=["agents"],
        added=1.0,
        last_seen=2.0,
        origin="open-lan",
    )
    store.put_peer(known)
    add_invite(store)
    store.redeem_invite(
        "token", msgspec.structs.replace(peer_of("ada"), node_name="new", added=5.0), 5.0
    )
    assert store.peer("ada") == msgspec.structs.replace(
        known, node_name="new", trusted=True, origin="invite"
    )


@pytest.mark.parametrize("now", [100.0, 100.1, 1e12, float("inf"), float("nan")])
def test_an_invite_ends_at_its_expiry(store: Store, now: float) -> None:
    add_invite(store)
    with pytest.raises(InviteExpiredError):
        store.redeem_invite("token", peer_of("ada"), now)
    assert store.peers() == []
    assert store.invites(now)[0].status == "expired"
    store.redeem_invite("token", peer_of("ada"), 99.9)


def test_a_revoked_invite_is_worthless(store: Store) -> None:
    add_invite(store)
    store.revoke_invite("00000001", 2.0)
    store.revoke_invite("00000001", 3.0)
    with pytest.raises(InviteRevokedError):
        store.redeem_invite("token", peer_of("ada"), 4.0)
    assert store.invites(4.0)[0].status == "revoked"
    assert store.peers() == []


def test_revoking_a_used_invite_leaves_it_used(store: Store) -> None:
    add_invite(store)
    store.redeem_invite("token", peer_of("ada"), 5.0)
    store.revoke_invite("00000001", 6.0)
    assert store.invites(7.0)[0].status == "used"


def test_what_is_unknown_is_said_to_be_unknown(store: Store) -> None:
    add_invite(store)
    with pytest.raises(LookupFailedError):
        store.revoke_invite("ffffffff", 2.0)
    for token in ("", "Token", "00000001", token_hash("token"), "\ud800", "x" * 100_000):
        with pytest.raises(InviteUnknownError):
            store.redeem_invite(token, peer_of("ada"), 2.0)


def test_an_id_or_token_is_not_taken_twice(store: Store) -> None:
    add_invite(store)
    with pytest.raises(StoreError):
        add_invite(store, token="other")
    with pytest.raises(StoreError):
        add_invite(store, id="00000002")
    assert len(store.invites(2.0)) == 1


def test_invites_long_ended_are_dropped(store: Store) -> None:
    add_invite(store)
    month = store_module.CLOSED_INVITES_KEPT_S
    store.add_invite("00000002", "2", created=100.0 + month, expires=1e9)
    assert len(store.invites(2.0)) == 2
    store.add_invite("00000003", "3", created=100.1 + month, expires=1e9)
    assert {invite.id for invite in store.invites(2.0)} == {"00000002", "00000003"}


# Peers


def test_a_peer_comes_back_as_it_was_put(store: Store, path: Path) -> None:
    peer = PeerRecord(
        node_id="a" * 16,
        public_key="k",
        node_name='Ada\'s "box"\0\n☃',
        alias="ada",
        trusted=True,
        blocked=True,
        addresses=["ws://1/", "ws://2/"],
        capabilities=["pane-buffers"],
        added=1.25,
        last_seen=2.5,
        origin="directory",
    )
    store.put_peer(peer)
    store.close()
    again = Store.open(path)
    assert again.peers() == [peer] == [again.peer("a" * 16)]
    again.close()


def test_single_fields_of_a_peer_change(store: Store) -> None:
    store.put_peer(peer_of("ada"))
    changed = store.update_peer("ada", alias="Ada", last_seen=9.0, addresses=["ws://a/"])
    assert changed == store.peer("ada")
    assert (changed.alias, changed.last_seen, changed.addresses) == ("Ada", 9.0, ["ws://a/"])
    assert changed.public_key == "key of ada"
    assert store.update_peer("ada", alias=None).alias is None


def test_a_peer_that_is_unknown_cannot_change(store: Store) -> None:
    with pytest.raises(UnknownPeerError):
        store.update_peer("ada", alias="Ada")
    assert store.peer("ada") is None


def test_fields_that_a_peer_does_not_have_cannot_change(store: Store) -> None:
    store.put_peer(peer_of("ada"))
    for fields in ({"node_id": "eve"}, {"no_such_field": 1}):
        with pytest.raises(TypeError):
            store.update_peer("ada", **fields)
    assert store.peers() == [peer_of("ada")]


@pytest.mark.parametrize(
    "fields",
    [
        {"alias": 5},
        {"addresses": "ws://a/"},
        {"addresses": [b"ws://a/"]},
        {"trusted": "yes"},
        {"origin": "elsewhere"},
        {"last_seen": "yesterday"},
        {"node_name": "\ud800"},
        {"last_seen": 10**400},
    ],
)
def test_what_could_not_be_read_back_is_not_written(store: Store, fields: dict[str, Any]) -> None:
    store.put_peer(peer_of("ada"))
    with pytest.raises(BadRequestError):
        store.update_peer("ada", **fields)
    assert store.peers() == [peer_of("ada")]


def test_forgetting_a_peer_takes_its_grants_along(store: Store) -> None:
    for node_id in ("ada", "bob"):
        store.put_peer(peer_of(node_id))
    for pane in ("loss", "map"):
        store.put_pane(pane, pane, 1.0)
        store.set_grant(pane, "ada", "view")
        store.set_grant(pane, "bob", "interact")
    assert store.delete_peer("ada")
    assert not store.delete_peer("ada")
    assert [pane.grants for pane in store.panes()] == [{"bob": "interact"}] * 2
    assert store.peers() == [peer_of("bob")]


# Panes


def test_a_pane_is_listed_with_its_grants(store: Store) -> None:
    store.put_pane("map", "Map", 2.0)
    store.put_pane("loss", "Loss", 1.0)
    store.set_grant("loss", "ada", "view")
    store.set_grant("loss", "bob", "view")
    store.set_grant("loss", "ada", "interact")
    assert store.panes() == [
        PaneRecord(
            name="loss", title="Loss", created=1.0, grants={"ada": "interact", "bob": "view"}
        ),
        PaneRecord(name="map", title="Map", created=2.0),
    ]
    store.set_grant("loss", "ada", None)
    store.set_grant("loss", "ada", None)
    assert store.panes()[0].grants == {"bob": "view"}


def test_sharing_a_pane_again_keeps_its_grants(store: Store) -> None:
    store.put_pane("loss", "Loss", 1.0)
    store.set_grant("loss", "ada", "view")
    store.put_pane("loss", "Validation loss", 2.0)
    assert store.panes() == [
        PaneRecord(name="loss", title="Validation loss", created=2.0, grants={"ada": "view"})
    ]


def test_a_deleted_pane_leaves_no_grants_for_a_later_one_of_its_name(store: Store) -> None:
    store.put_pane("loss", "Loss", 1.0)
    store.set_grant("loss", "ada", "interact")
    assert store.delete_pane("loss")
    assert not store.delete_pane("loss")
    store.put_pane("loss", "Loss", 2.0)
    assert store.panes()[0].grants == {}


def test_a_grant_needs_a_pane_and_a_known_level(store: Store) -> None:
    with pytest.raises(UnknownPaneError, match="shares no pane '"):
        store.set_grant("loss", "ada", "view")
    with pytest.raises(UnknownPaneError):
        store.set_grant("loss", "ada", None)
    store.put_pane("loss", "Loss", 1.0)
    for grant in ("run", "", "VIEW", 1, b"view"):
        with pytest.raises(BadRequestError):
            store.set_grant("loss", "ada", grant)  # type: ignore[arg-type]
    assert store.panes()[0].grants == {}


# Settings and audit log


def test_a_setting_is_kept(store: Store, path: Path) -> None:
    assert store.setting("node_name") is None
    store.set_setting("node_name", "one")
    store.set_setting("node_name", "two")
    store.close()
    again = Store.open(path)
    assert again.setting("node_name") == "two"
    again.close()


def test_the_audit_log_is_newest_first_and_as_long_as_asked_for(store: Store) -> None:
    for number in range(5):
        store.add_audit("asked", "ada", {"number": number, "☃": [None, 1.5]}, at=1.0)
    assert [entry.detail["number"] for entry in store.audit(3)] == [4, 3, 2]
    assert store.audit(1) == [
        AuditRecord(at=1.0, kind="asked", peer="ada", detail={"number": 4, "☃": [None, 1.5]})
    ]
    assert len(store.audit(10**30)) == 5
    assert store.audit(0) == store.audit(-1) == []


def test_the_audit_log_keeps_only_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "AUDIT_KEPT", 10)
    for number in range(25):
        store.add_audit("asked", None, {"number": number}, at=float(number))
    monkeypatch.undo()
    assert [entry.detail["number"] for entry in store.audit(100)] == list(range(24, 14, -1))


def test_a_large_detail_does_not_grow_the_audit_log(store: Store) -> None:
    store.add_audit("asked", "ada", {"text": "x" * 1_000_000}, at=1.0)
    assert set(store.audit(1)[0].detail) == {"too_large"}


@pytest.mark.parametrize("detail", [{"x": object()}, {"x": float("nan")}, {"x": b""}, [1]])
def test_a_detail_that_is_not_json_is_refused(store: Store, detail: Any) -> None:
    with pytest.raises(BadRequestError):
        store.add_audit("asked", "ada", detail, at=1.0)
    assert store.audit(10) == []


# Use


def test_closing_twice_is_fine_and_later_use_is_an_error(store: Store) -> None:
    store.close()
    store.close()
    for use in (store.peers, store.panes, lambda: store.put_peer(peer_of("ada"))):
        with pytest.raises(StoreError):
            use()


def test_a_failed_change_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(StoreError):
        store.put_peer(msgspec.structs.replace(peer_of("ada"), added=float("nan")))
    store.put_peer(peer_of("bob"))
    assert store.peers() == [peer_of("bob")]


def redeem_at_once(stores: list[Store], token: str) -> dict[str, PeerError | None]:
    """Redeem one token with a thread for each store; returns what each node got."""
    barrier = threading.Barrier(len(stores), timeout=5)
    outcomes: dict[str, PeerError | None] = {}

    def redeem(store: Store, node_id: str) -> None:
        barrier.wait()
        try:
            store.redeem_invite(token, peer_of(node_id), 5.0)
        except PeerError as error:
            outcomes[node_id] = error
        else:
            outcomes[node_id] = None

    threads = [
        threading.Thread(target=redeem, args=(store, f"{token} {number}"))
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


@pytest.mark.parametrize("shared", [True, False], ids=["one store", "a store each"])
def test_of_many_threads_one_redeems(path: Path, shared: bool) -> None:
    main = Store.open(path)
    stores = [main if shared else Store.open(path) for _ in range(8)]
    winners = set()
    for number in range(10):
        main.add_invite(f"{number}", token_hash(f"{number}"), 1.0, 100.0)
        outcomes = redeem_at_once(stores, f"{number}")
        (winner,) = (node_id for node_id, error in outcomes.items() if error is None)
        winners.add(winner)
        errors = [error for error in outcomes.values() if error is not None]
        assert [type(error) for error in errors] == [InviteUsedError] * (len(stores) - 1)
    assert {peer.node_id for peer in main.peers()} == winners
    for store in {main, *stores}:
        store.close()


texts = st.text(max_size=20)
times = st.floats(allow_nan=False, allow_infinity=False)
peers = st.builds(
    PeerRecord,
    node_id=texts,
    public_key=texts,
    node_name=texts,
    alias=st.none() | texts,
    trusted=st.booleans(),
    blocked=st.booleans(),
    addresses=st.lists(texts, max_size=3),
    capabilities=st.lists(texts, max_size=3),
    added=times,
    last_seen=st.none() | times,
    origin=st.sampled_from(["invite", "open-lan", "directory"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(peer=peers)
def test_every_peer_comes_back_unchanged(store: Store, peer: PeerRecord) -> None:
    store.put_peer(peer)
    assert store.peer(peer.node_id) == peer
    store.delete_peer(peer.node_id)


class InviteLife(RuleBasedStateMachine):
    """Invites against a model that says in the fewest words what they promise."""

    nodes = st.sampled_from(["ada", "bob", "eve"])
    numbers = st.integers(0, 2)

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open(self.directory / f"{len(list(self.directory.iterdir()))}.sqlite")
        self.now = 0.0
        self.expiry: dict[int, float] = {}
        self.revoked: set[int] = set()
        self.users: dict[int, str] = {}
        self.trusted: set[str] = set()
        self.blocked: set[str] = set()

    directory: Path

    @rule(number=numbers, life=st.floats(0, 20))
    def mint(self, number: int, life: float) -> None:
        if number not in self.expiry:
            self.expiry[number] = self.now + life
            self.store.add_invite(
                f"{number}", token_hash(f"{number}"), self.now, self.expiry[number]
            )

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(number=numbers)
    def revoke(self, number: int) -> None:
        if number in self.expiry:
            self.store.revoke_invite(f"{number}", self.now)
            self.revoked.add(number)

    @rule(node_id=nodes)
    def forget(self, node_id: str) -> None:
        self.store.delete_peer(node_id)
        self.trusted.discard(node_id)
        self.blocked.discard(node_id)

    @rule(node_id=nodes)
    def block(self, node_id: str) -> None:
        if self.store.peer(node_id) is not None:
            self.store.update_peer(node_id, blocked=True)
            self.blocked.add(node_id)

    @rule(number=numbers, node_id=nodes)
    def redeem(self, number: int, node_id: str) -> None:
        is_open = (
            number in self.expiry
            and number not in self.users
            and number not in self.revoked
            and self.now < self.expiry[number]
        )
        is_repeated = self.users.get(number) == node_id and node_id in self.trusted
        try:
            self.store.redeem_invite(f"{number}", peer_of(node_id), self.now)
        except RefusedError:
            assert node_id in self.blocked or not (is_open or is_repeated)
        else:
            assert node_id not in self.blocked
            assert is_open or is_repeated
            self.users.setdefault(number, node_id)
            self.trusted.add(node_id)

    @invariant()
    def the_store_agrees(self) -> None:
        assert {peer.node_id for peer in self.store.peers() if peer.trusted} == self.trusted
        used = {int(i.id): i.used_by for i in self.store.invites(self.now) if i.status == "used"}
        assert used == self.users

    def teardown(self) -> None:
        self.store.close()


def test_invites_keep_their_promises_in_any_order_of_events(tmp_path: Path) -> None:
    class InviteLifeHere(InviteLife):
        directory = tmp_path

    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        InviteLifeHere, settings=settings(max_examples=40, stateful_step_count=30)
    )
