"""Death at any moment, and two processes at one moment."""

from __future__ import annotations

import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from jupyter_peer.store.store import Store
from jupyter_peer.wire.invite import token_hash

from .store_processes import BOUND_S, deaths, hear, say, worker
from .store_worker import OPERATIONS, fill, state_of


@pytest.fixture
def template(path: Path) -> Path:
    """A filled store that was closed properly."""
    store = Store.open(path)
    fill(store)
    store.close()
    return path


def test_of_two_processes_at_one_instant_one_redeems(path: Path) -> None:
    rounds = 40
    store = Store.open(path)
    with ExitStack() as stack:
        ada, eve = (stack.enter_context(worker("redeem", path, name)) for name in ("ada", "eve"))
        assert hear(ada) == hear(eve) == "ready"
        answers = []
        for number in range(rounds):
            store.add_invite(f"{number}", token_hash(f"token {number}"), 1.0, 100.0)
            first, second = (ada, eve) if number % 2 else (eve, ada)
            say(first, f"token {number}")
            say(second, f"token {number}")
            answers.append((hear(ada), hear(eve)))
    assert set(answers) <= {("ok", "invite_used"), ("invite_used", "ok")}
    used_by = {invite.id: invite.used_by for invite in store.invites(5.0)}
    assert used_by == {
        f"{number}": "ada" if answer[0] == "ok" else "eve" for number, answer in enumerate(answers)
    }
    store.close()


def test_many_processes_make_one_store(path: Path) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(worker("redeem", path, f"n{n}")) for n in range(4)]
        assert [hear(node) for node in nodes] == ["ready"] * 4
        store = Store.open(path)
        store.add_invite("1", token_hash("token"), 1.0, 100.0)
        for node in nodes:
            say(node, "token")
        assert sorted(hear(node) for node in nodes) == ["invite_used"] * 3 + ["ok"]
        store.close()
    assert {file.name for file in path.parent.iterdir()} <= {
        "peer.sqlite",
        "peer.sqlite-wal",
        "peer.sqlite-shm",
    }


def test_a_server_killed_while_it_redeems_loses_nothing_and_redeems_nothing_twice(
    path: Path,
) -> None:
    store = Store.open(path)
    for number in range(400):
        store.add_invite(f"{number}", token_hash(f"token {number}"), 1.0, 100.0)
    store.close()
    done = -1
    for acknowledged in (1, 2, 3, 5, 8, 13, 21, 34):
        with worker("redeem_all", path, done + 1) as process:
            for _ in range(acknowledged):
                done = int(hear(process))
            process.send_signal(signal.SIGKILL)
            process.wait(BOUND_S)
            assert process.stdout is not None
            # What was said between the last line read here and the death.
            done = max([done, *(int(line) for line in process.stdout if line.endswith("\n"))])
        store = Store.open(path)
        used = {int(i.id): i.used_by for i in store.invites(5.0) if i.status == "used"}
        assert {peer.node_id for peer in store.peers() if peer.trusted} == set(used.values())
        # One redemption may be on the disk whose acknowledgement died with the process.
        assert len(used) - 1 in (done, done + 1)
        assert used == {number: f"node{number}" for number in range(len(used))}
        assert len(store.invites(5.0)) == 400
        done = len(used) - 1
        store.close()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_death_at_any_instruction_leaves_all_or_nothing_of_a_change(
    template: Path, operation: str
) -> None:
    with worker("sweep", template, operation) as process:
        output, _ = process.communicate(timeout=BOUND_S)
    assert process.returncode == 0
    deaths, late = map(int, output.split())
    assert deaths >= 10
    assert late < deaths


def test_death_at_any_write_leaves_all_or_nothing_of_a_redemption(
    template: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "reference.sqlite"
    shutil.copy(template, reference)
    store = Store.open(reference)
    before = state_of(store)
    OPERATIONS["redeem"](store)
    after = state_of(store)
    store.close()
    kinds = ("pwrite64", "fdatasync", "ftruncate", "unlink")
    counts = {"before": 0, "after": 0}
    for path in deaths(kinds, tmp_path, "peer.sqlite", "operate", "redeem", template=template):
        store = Store.open(path)
        state = state_of(store)
        store.close()
        assert state in (before, after)
        counts["before" if state == before else "after"] += 1
    assert min(counts.values()) >= 5


def test_death_at_any_moment_of_making_a_store_does_not_get_in_the_way_of_the_next(
    tmp_path: Path,
) -> None:
    for path in deaths(("fdatasync", "fsync", "link", "unlink"), tmp_path, "peer.sqlite", "make"):
        store = Store.open(path)
        assert store.peers() == []
        store.set_setting("node_name", "made")
        store.close()
        assert [file.name for file in path.parent.iterdir()] == ["peer.sqlite"]
