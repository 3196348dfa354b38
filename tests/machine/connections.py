"""Connections of a test that are still closing when it ends."""

from __future__ import annotations

import asyncio

from tests.machine.waiting import until


def end_connections(loop: asyncio.AbstractEventLoop) -> None:
    """Run an event loop until its connections have ended.

    A loop that is closed before that leaves sockets behind. Python warns of them when it collects
    garbage, and then another test fails. Which one depends on the speed of the machine.

    Args:
        loop: The loop of a test that is over.

    Raises:
        AssertionError: A connection stays open.
    """
    if not loop.is_closed() and _open(loop):
        loop.run_until_complete(until(lambda: not _open(loop), what="the ends of all connections"))


def _open(loop: asyncio.AbstractEventLoop) -> list[asyncio.BaseTransport]:
    """Return the sockets' transports that asyncio has not ended."""
    known = getattr(loop, "_transports", {})
    return [each for each in list(known.values()) if each._sock is not None]
