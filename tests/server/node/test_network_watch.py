"""A machine that comes into another network."""

from __future__ import annotations

import asyncio

from jupyter_peer.server.node.network_watch import NetworkWatch
from jupyter_peer.transports.lan.interfaces import Interfaces
from tests.machine.waiting import until

HOME = Interfaces(((2, "192.168.1.2", 24),))
AWAY = Interfaces(((2, "10.1.2.3", 8),))
AGAIN = Interfaces(((3, "10.1.2.3", 8),))


async def test_each_change_is_told_once_and_a_failure_is_not_the_end(caplog):
    told: list[Interfaces] = []
    now: Interfaces | None = HOME

    looks = 0

    def interfaces() -> Interfaces:
        nonlocal looks
        looks += 1
        if now is None:
            raise OSError("not now")
        return now

    async def on_change() -> None:
        told.append(now)
        if now == AWAY:
            raise RuntimeError("it failed")

    watch = NetworkWatch(on_change, interfaces=interfaces, poll_s=0.001)
    before = asyncio.all_tasks()
    watch.start()
    await until(lambda: looks > 3)
    assert told == []
    for now in (AWAY, None, AGAIN, HOME):
        if now is None:
            await until(lambda seen=looks: looks > seen + 3)
        else:
            await until(lambda expected=now: told and told[-1] == expected)
    assert told == [AWAY, AGAIN, HOME]
    assert "failed" in caplog.text
    await watch.close()
    await watch.close()
    assert asyncio.all_tasks() == before
