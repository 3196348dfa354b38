"""A relay as a program of the bench: ``python -m benchmarks.broker [NATS_URL]``.

It runs the same program as ``jupyter peer relay``, on a free port, and ends when its stdin closes.
"""

from __future__ import annotations

import asyncio
import sys

from jupyter_peer.relay.program import Options, serving

from .processes import allow_files, until_stdin_ends


async def _serve(nats: tuple[str, ...]) -> None:
    async with serving(Options(ip="127.0.0.1", port=0, nats=nats)) as urls:
        sys.stdout.write(urls[0] + "\n")
        sys.stdout.flush()

        async def nothing() -> None:
            """Do nothing: ``serving`` handles the rest."""

        await until_stdin_ends(nothing)


if __name__ == "__main__":
    allow_files()
    asyncio.run(_serve(tuple(sys.argv[1:])))
