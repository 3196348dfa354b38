"""A relay's memory of its directory: an older version stays refused over restarts and by all brokers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from jupyter_peer.errors import BadRequestError
from jupyter_peer.relay.program import Options, serving
from jupyter_peer.wire.link.identity import Identity
from tests.directory.office import OFFICE, signed
from tests.machine.waiting import until
from tests.relay.lobby.test_entry import RawGuest
from tests.relay.process import relay_process

ROOM = {"type": "create_room", "visibility": "unlisted", "join_policy": "directory"}


def asked_of(document: Path) -> tuple[str, str]:
    return f"--directory-url={document.as_uri()}", f"--directory-key={OFFICE.public_key_b64}"


async def may_enter(url: str, identity: Identity) -> bool:
    """Return whether the lobby lets a node make a room for members."""
    guest = await RawGuest.enter(url, identity=identity)
    answer = await guest.ask({**ROOM, "name": f"r{os.urandom(4).hex()}"})
    guest.socket.close()
    return bool(answer["type"] == "room_info")


@pytest.mark.parametrize("option", ["--data-dir", "JUPYTER_DATA_DIR"])
async def test_a_rolled_back_directory_is_refused_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    ada, eve = (Identity.from_seed(os.urandom(32)) for _ in range(2))
    document, kept = tmp_path / "directory.json", tmp_path / "kept"
    options = asked_of(document)
    if option.startswith("--"):
        options = (*options, f"{option}={kept}")
    else:
        monkeypatch.setenv(option, str(kept))
    document.write_bytes(signed(8, ada, expires=4e9))
    with relay_process(*options) as relay:
        await until(lambda: may_enter(relay.url, ada), 15)
        assert not await may_enter(relay.url, eve)
        code, _ = await asyncio.to_thread(relay.terminate)
        assert code == 0
    document.write_bytes(signed(7, ada, eve, expires=4e9))
    with relay_process(*options) as relay:
        await until(lambda: "serial 7, but serial 8 is known" in relay.said(), 15)
        assert not await may_enter(relay.url, eve)
        assert await may_enter(relay.url, ada)
    document.unlink()
    with relay_process(*options) as relay:
        assert await may_enter(relay.url, ada)


async def test_brokers_that_share_the_folder_share_what_they_have_seen(tmp_path: Path) -> None:
    ada, eve = (Identity.from_seed(os.urandom(32)) for _ in range(2))
    fresh, stale = tmp_path / "fresh.json", tmp_path / "stale.json"
    fresh.write_bytes(signed(8, ada, expires=4e9))
    stale.write_bytes(signed(7, ada, eve, expires=4e9))

    def broker(document: Path) -> Any:
        return serving(
            Options(
                port=0,
                directory_url=document.as_uri(),
                directory_key=OFFICE.public_key_b64,
                data_dir=tmp_path / "kept",
            )
        )

    async with broker(fresh) as (one,):
        await until(lambda: may_enter(one, ada))
        async with broker(stale) as (other,):
            assert await may_enter(other, ada)
            assert not await may_enter(other, eve)


async def test_a_folder_that_cannot_be_used_is_said_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = Options(
        port=0,
        directory_url=(tmp_path / "d.json").as_uri(),
        directory_key=OFFICE.public_key_b64,
        data_dir=tmp_path / "file" / "below",
        must_keep=True,
    )
    with pytest.raises(BadRequestError, match="data directory"):
        async with serving(options):
            pass
