"""A process of its own that works on a store, so that tests can race and kill it.

``python -m tests.store.store_worker COMMAND ...`` with one of the functions below as COMMAND.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_peer.errors import PeerError
from jupyter_peer.files.data_dir import load_or_make_identity, open_data_dir
from jupyter_peer.store.store import LinkRecord, PeerRecord, Store
from jupyter_peer.wire.invite import token_hash

State = tuple[Any, ...]


def peer_of(node_id: str) -> PeerRecord:
    return PeerRecord(node_id=node_id, public_key=f"key of {node_id}", added=3.0)


def link_of(id: str) -> LinkRecord:
    return LinkRecord(
        id=id,
        secret_hash=token_hash(id),
        pane="loss",
        grant="view",
        created=1.0,
        expires=100.0,
        max_guests=20,
    )


def fill(store: Store) -> None:
    """Store one of everything, for the operations below to change."""
    store.add_invite("00000001", token_hash("first"), 1.0, 100.0)
    store.add_invite("00000002", token_hash("second"), 1.0, 100.0)
    store.redeem_invite("second", peer_of("bob"), 2.0)
    store.put_pane("loss", "Loss", 1.0)
    store.set_grant("loss", "bob", "view")
    store.add_link(link_of("a1"))
    store.set_askers("helper", ["bob"])
    store.set_setting("node_name", "old")
    store.add_audit("paired", "bob", {"by": "invite"}, 2.0)


def state_of(store: Store) -> State:
    """Return all that a store holds, to be compared."""
    return (
        store.peers(),
        store.invites(5.0),
        store.panes(),
        store.links(),
        store.askers(),
        store.setting("node_name"),
        store.audit(100),
    )


OPERATIONS: dict[str, Callable[[Store], object]] = {
    "redeem": lambda store: store.redeem_invite("first", peer_of("ada"), 5.0),
    "revoke": lambda store: store.revoke_invite("00000001", 5.0),
    "invite": lambda store: store.add_invite("00000003", token_hash("third"), 5.0, 100.0),
    "update": lambda store: store.update_peer("bob", alias="Bob", addresses=["ws://b/"]),
    "forget": lambda store: store.delete_peer("bob"),
    "grant": lambda store: store.set_grant("loss", "bob", "interact"),
    "unshare": lambda store: store.delete_pane("loss"),
    "askers": lambda store: store.set_askers("helper", ["ada", "cy"]),
    "link": lambda store: store.add_link(link_of("a2")),
    "unlink": lambda store: store.delete_link("a1"),
    "setting": lambda store: store.set_setting("node_name", "new"),
    "audit": lambda store: store.add_audit("asked", "bob", {}, 5.0),
}


def redeem(database: str, node_id: str) -> None:
    """Redeem each token that comes on stdin; answer ``ok`` or the code of the error."""
    store = Store.open(Path(database))
    print("ready", flush=True)
    for line in sys.stdin:
        print(_outcome(store, line.strip(), node_id), flush=True)


def _outcome(store: Store, token: str, node_id: str) -> str:
    try:
        store.redeem_invite(token, peer_of(node_id), 5.0)
    except PeerError as error:
        return error.code
    return "ok"


def redeem_all(database: str, first: str) -> None:
    """Redeem token after token, each as another node, and say each number once it is done."""
    store = Store.open(Path(database))
    for number in range(int(first), 10_000):
        store.redeem_invite(f"token {number}", peer_of(f"node{number}"), 5.0)
        print(number, flush=True)


def operate(database: str, operation: str) -> None:
    """Do one operation on an existing store."""
    store = Store.open(Path(database))
    OPERATIONS[operation](store)
    store.close()


def make(database: str) -> None:
    """Make a store with one setting in it."""
    store = Store.open(Path(database))
    store.set_setting("node_name", "made")
    store.close()


def identity(path: str) -> None:
    """Load or make an identity and say its node id."""
    print("ready", flush=True)
    sys.stdin.readline()
    print(load_or_make_identity(Path(path), lambda: os.urandom(32)).node_id, flush=True)


def hold(base: str) -> None:
    """Hold a data directory until stdin ends."""
    data_dir = open_data_dir(Path(base))
    print(data_dir.path, flush=True)
    sys.stdin.read()


def sweep(template: str, operation: str) -> None:
    """Do an operation again and again, killed one instruction of SQLite later each time.

    Checks after each death that the store is as it was before or as it should be after. Says how
    many deaths there were and how many of them came too late to matter.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "peer.sqlite"

        def restored() -> Path:
            for leftover in Path(scratch).iterdir():
                leftover.unlink()
            shutil.copy(template, path)
            return path

        store = Store.open(restored())
        before = state_of(store)
        OPERATIONS[operation](store)
        after = state_of(store)
        store.close()
        assert before != after
        deaths = late = 0
        while _dies(restored(), operation, deaths + 1):
            deaths += 1
            store = Store.open(path)
            state = state_of(store)
            assert state in (before, after), (operation, deaths, state)
            late += state == after
            store.close()
        print(deaths, late)


def _dies(path: Path, operation: str, instructions: int) -> bool:
    child = os.fork()
    if child == 0:
        store = Store.open(path)
        left = instructions

        def count() -> int:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0

        database: sqlite3.Connection = store._database
        database.set_progress_handler(count, 1)
        OPERATIONS[operation](store)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status != 0


if __name__ == "__main__":
    commands = (redeem, redeem_all, operate, make, identity, hold, sweep)
    {command.__name__: command for command in commands}[sys.argv[1]](*sys.argv[2:])
