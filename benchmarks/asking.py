"""U7: what an asker waits for beside the agent itself, with real Jupyter servers and kernels."""

from __future__ import annotations

from .figures import Figure, Goal, figure, percentile
from .links import RAW, echo_time
from .node import PATIENCE_S
from .workbench import Workbench

#: Questions of one round. A node answers no more than 20 of one peer in a minute.
_QUESTIONS = 4
_AGENT = """
import asyncio
stopped = []

@me.agent(name="bench")
async def bench(turn):
    try:
        yield repr(time.monotonic())
        await asyncio.Event().wait()
    finally:
        stopped.append(time.monotonic())

def stops(count, patience):
    until = time.monotonic() + patience
    while len(stopped) < count and time.monotonic() < until:
        time.sleep(0.01)
    answer([stopped.pop(0) for _ in range(count)])

me.agent_on("bench")
"""
# All processes of a machine share this clock.
_ASK = """
def ask(count):
    first, stop = [], []
    for number in range(count):
        stream = me.ask_stream("ada", f"question {number}", agent="bench")
        written = float(next(stream))
        first.append(time.monotonic() - written)
        stop.append(time.monotonic())
        stream.close()
    answer([first, stop])
"""


async def ask_agent(bench: Workbench) -> list[Figure]:
    """U7: from the agent's first piece to the asker, and from the asker's stop to the agent.

    Beside a round trip of 64 B of a raw WebSocket, which has neither servers nor kernels between.
    """
    wire = await bench.wire()
    both = await bench.jupyters()
    await both.ada.run(_AGENT)
    await both.bob.run(_ASK)
    count = bench.pick(_QUESTIONS, 2)
    first: list[float] = []
    stop: list[float] = []
    raw: list[float] = []
    for number in range(bench.rounds):
        bench.step(f"asks, round {number + 1} of {bench.rounds}", number / bench.rounds)
        late, asked = await both.bob.run(f"ask({count})")
        ended = await both.ada.run(f"stops({count}, {PATIENCE_S})")
        first += late
        stop += [end - at for at, end in zip(asked, ended, strict=True)]
        raw.append(await echo_time(wire.echo, b"x" * 64, bench.pick(100, 10)))
    await both.ada.run("me.agent_off()")
    figures = []
    for title, times, most_ms in (
        ("U7 first piece after the agent's own", first, 300.0),
        ("U7 stop to the agent's end", stop, 200.0),
    ):
        for share, name in ((0.5, "p50"), (0.95, "p95")):
            ours, link = percentile(times, share) * 1e3, percentile(raw, 0.5) * 1e3
            goal = Goal(most_ms, unit="ms")
            figures.append(figure(f"{title}, {name}", "ms", ours, link, RAW, goal))
    return figures
