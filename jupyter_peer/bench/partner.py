"""The second process of a measurement: ``python -m jupyter_peer.bench.partner FOLDER``.

It says on stdout where it can be reached, one JSON object, and ends when its stdin is closed, so it
never outlives the bench.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

import msgspec

from .answers import Answers
from .crowd import Crowd
from .node import start_node
from .owner import Owner
from .raw import RawServer

_FILES = 8192


class Whereabouts(msgspec.Struct, frozen=True):
    """How to reach a partner.

    Attributes:
        sealed: Invite to its node.
        plain: Invite to its node that speaks the plain JSON wire.
        raw_port: Of its raw WebSockets.
    """

    sealed: str
    plain: str
    raw_port: int


async def _serve(folder: Path) -> None:
    sealed = await start_node(folder, "partner")
    plain = await start_node(folder, "plain-partner", sealed=False)
    raw = RawServer()
    crowd = Crowd(folder, sealed.hub)
    owner = Owner(folder, sealed.hub)
    for node in (sealed, plain):
        Answers(node.hub)
    whereabouts = Whereabouts(sealed.invite(), plain.invite(), raw.port)
    sys.stdout.write(msgspec.json.encode(whereabouts).decode() + "\n")
    sys.stdout.flush()
    try:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        await raw.close()
        await crowd.close()
        await owner.close()
        for node in (sealed, plain):
            await node.close()


def _allow_files() -> None:
    """Let this process open as many files as it may: every node of a crowd has some."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, wanted), most))


if __name__ == "__main__":
    _allow_files()
    asyncio.run(_serve(Path(sys.argv[1])))
