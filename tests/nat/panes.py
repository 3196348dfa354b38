"""A pane that grows line by line, watched in a notebook on the other side of the lab."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.e2e.people import Notebook
from tests.machine.waiting import until
from tests.nat.people import MEET_S, LabPerson

# Counts until a file appears, so that the test says how long the pane lives.
_OWNER = """%%peer share count --with {viewer}
import pathlib, time
n = 0
while not pathlib.Path({end!r}).exists():
    print(n, flush=True)
    n += 1
    time.sleep(0.02)
print("END", n, flush=True)
"""
_VIEWER = """import pathlib
import jupyter_peer as peer
view = peer.client().open({pane!r})
revisions, text = [], ""
while "END" not in text:
    assert view.wait_for_update(timeout=90), "nothing comes any more"
    revisions.append(view.rev)
    text = "".join(each["text"] for each in view.outputs if each["output_type"] == "stream")
    pathlib.Path({seen!r}).write_text(str(text.count(chr(10))))
lines = text.splitlines()
count = int(lines[-1].split()[1])
# Each line is there once. A revision may be read twice: the next may come between waiting and reading.
whole = lines == [str(n) for n in range(count)] + [f"END {{count}}"]
print("whole" if whole else "broken", "in order" if revisions == sorted(revisions) else "backwards")
print(len(lines))
"""
_TIMEOUT_S = 120.0


class CountingPane:
    """What a viewer has seen of it, while it runs."""

    def __init__(self, seen: Path) -> None:
        self._seen = seen

    def lines(self) -> int:
        """Return how many lines the viewer's notebook shows."""
        with contextlib.suppress(OSError, ValueError):
            return int(self._seen.read_text())
        return 0

    async def grows(self) -> None:
        """Wait until the viewer sees more than now."""
        before = self.lines()
        await until(
            lambda: self.lines() > before + 5, 2 * MEET_S, f"more than {before} lines to be seen"
        )


@contextlib.asynccontextmanager
async def counting_pane(
    owner: LabPerson, viewer: LabPerson, files: Path
) -> AsyncIterator[CountingPane]:
    """Run a pane while the body lasts; afterwards every line was seen once, and in order."""
    end, seen = files / "end", files / "seen"
    async with owner.notebook() as owners, viewer.notebook() as viewers:
        sharing = asyncio.ensure_future(
            _run(owners, _OWNER.format(viewer=viewer.name, end=str(end)))
        )
        watching = None
        try:
            await until(
                lambda: viewer.peer_call("GET", "panes")["offered"], MEET_S, "the pane's offer"
            )
            pane = f"{owner.name}/count"
            watching = asyncio.ensure_future(
                _run(viewers, _VIEWER.format(pane=pane, seen=str(seen)))
            )
            counting = CountingPane(seen)
            await counting.grows()
            yield counting
            await counting.grows()
        finally:
            end.write_text("now")
            results = await asyncio.gather(
                *filter(None, (sharing, watching)), return_exceptions=True
            )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    assert "whole in order" in results[1], results[1]


async def _run(notebook: Notebook, source: str) -> str:
    return await notebook.run(source, _TIMEOUT_S)
