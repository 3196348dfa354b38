"""The second process of a measurement: ``python -m benchmarks.partner FOLDER``.

It writes its addresses to stdout as one JSON object, and ends when its stdin closes. So it never
outlives the benchmark.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from .answers import Answers
from .crowd import Crowd
from .guests import Guests
from .node import start_node
from .processes import allow_files, until_stdin_ends
from .raw import RawServer
from .viewers import Viewers


class Whereabouts(msgspec.Struct, frozen=True):
    """The addresses of a partner.

    Attributes:
        sealed: Invite to its node with sealed links.
        plain: Invite to its node with the plain JSON wire.
        raw_port: Port of its raw WebSockets.
    """

    sealed: str
    plain: str
    raw_port: int


async def _serve(folder: Path) -> None:
    sealed = await start_node(folder, "partner")
    plain = await start_node(folder, "plain-partner", sealed=False)
    raw = RawServer()
    crowd = Crowd(folder, sealed.hub)
    guests = Guests(folder, sealed.hub)
    viewers = Viewers(folder, sealed.hub)
    for node in (sealed, plain):
        Answers(node.hub)
    whereabouts = Whereabouts(sealed.invite(), plain.invite(), raw.port)
    sys.stdout.write(msgspec.json.encode(whereabouts).decode() + "\n")
    sys.stdout.flush()

    async def close() -> None:
        await raw.close()
        for each in (viewers, crowd, guests, sealed, plain):
            await each.close()

    await until_stdin_ends(close)


if __name__ == "__main__":
    allow_files()
    asyncio.run(_serve(Path(sys.argv[1])))
