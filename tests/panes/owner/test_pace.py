"""Slow viewers, cut links, and what is missing afterwards: nothing."""

from __future__ import annotations

import asyncio
import random

import pytest

from jupyter_peer.panes.owner.delivery import LOW_WATER
from tests.machine.waiting import until
from tests.peers.nodes import Node, texts, two_nodes


def _links(node: Node):
    return node.hub.network.links


async def test_a_slow_viewer_ends_in_the_newest_state_in_bounded_memory() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        for link in _links(ada):
            link.stop_reading()
        most = 0
        for number in range(10_000):
            ada.kernel.say("clear_output", {"wait": True})
            ada.kernel.show(f"plot {number} " + "x" * 3000)
            if number % 10 == 0:
                await asyncio.sleep(0)
                most = max(most, ada.hub.queued(bob.id))
        assert most < LOW_WATER + 64 * 1024
        for link in _links(ada):
            link.go_on_reading()
        await until(lambda: texts(watch) == ["plot 9999 " + "x" * 3000])
        await until(lambda: watch.state.rev == ada.publisher.mine()[0]["rev"])


async def test_a_slow_viewer_loses_no_text() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        for link in _links(ada):
            link.stop_reading()
        for number in range(20_000):
            ada.kernel.write(f"line {number}\n")
            if number % 100 == 0:
                await asyncio.sleep(0)
        for link in _links(ada):
            link.go_on_reading()
        await until(
            lambda: texts(watch) == ["".join(f"line {number}\n" for number in range(20_000))]
        )
        assert watch.info["truncated"] == 0


async def test_text_over_the_bound_is_cut_and_said_to_be() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        for number in range(30):
            ada.kernel.write(chr(ord("a") + number % 26) * 100_000)
            await asyncio.sleep(0)
        await until(lambda: watch.info["truncated"] == 3_000_000 - 1024 * 1024)
        await until(lambda: watch.state.rev == 30)
        (text,) = texts(watch)
        assert len(text) == 1024 * 1024


async def test_one_slow_pane_does_not_delay_another() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share("big", to=bob)
        await ada.share("small", to=bob, cell="small")
        big = await bob.watcher.open(ada.id, "big")
        small = await bob.watcher.open(ada.id, "small")
        ada.kernel.show("x" * 20_000_000)
        await until(lambda: ada.hub.queued(bob.id) > 1_000_000 or len(texts(big)) == 1)
        ada.kernel.write("quick", parent="small")
        await until(lambda: texts(small) == ["quick"])
        await until(lambda: len(texts(big)) == 1)


@pytest.mark.parametrize("seed", range(12))
async def test_any_interleaving_over_real_hubs_ends_with_the_owners_state(seed: int) -> None:
    rng = random.Random(seed)
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        revs: list[tuple[str, int]] = []
        watch.subscribe(lambda: revs.append((watch.state.epoch, watch.state.rev)))
        cell = "cell"
        for number in range(200):
            action = rng.random()
            if action < 0.3:
                ada.kernel.write(f"{number} ", parent=cell, name=rng.choice(["stdout", "stderr"]))
            elif action < 0.5:
                ada.kernel.show(f"{number}" * rng.choice([1, 3000]), rng.choice("ab"), parent=cell)
            elif action < 0.7:
                content = {
                    "data": {"text/plain": str(number) * rng.choice([1, 4000])},
                    "metadata": {},
                    "transient": {"display_id": rng.choice("ab")},
                }
                ada.kernel.say("update_display_data", content, parent="any")
            elif action < 0.78:
                ada.kernel.say("clear_output", {"wait": rng.random() < 0.5}, parent=cell)
            elif action < 0.82:
                ada.cut()
                if rng.random() < 0.7:
                    await until(lambda: watch.info["status"] != "last seen")
            elif action < 0.84:
                cell = f"cell {number}"
                await ada.share(cell=cell)
            elif action < 0.86:
                bob.watcher._caches.clear()
            elif action < 0.88:
                ada.publisher.grant("loss", bob.id, None)
                ada.publisher.grant("loss", bob.id, "view")
            else:
                for _ in range(rng.randrange(8)):
                    await asyncio.sleep(0)
        state = ada.publisher._panes["loss"].state
        await until(
            lambda: (watch.state.epoch, watch.state.rev) == (state.epoch, state.rev), timeout=10
        )
        assert watch.state.outputs.state() == state.outputs.state()
        await until(lambda: watch.info["status"] == "live")
        lives: dict[str, int] = {}
        for epoch, rev in revs:
            assert rev >= lives.get(epoch, 0)
            lives[epoch] = rev
