"""Two nodes with panes: real hubs over loopback, kernels that tests play."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.panes.owner.publish import PanePublisher, SharePane
from jupyter_peer.panes.viewer.watch import PaneWatcher, Watch
from tests.hubs import two_hubs
from tests.panes.kernels import FakeTap, FakeTaps
from tests.waiting import until


class Node:
    """One hub with its panes."""

    def __init__(self, hub: PeerHub, **options: Any) -> None:
        self.hub = hub
        self.taps = FakeTaps("k1", "k2")
        self.publisher = PanePublisher(hub, self.taps, **options)
        self.watcher = PaneWatcher(hub)

    @property
    def id(self) -> str:
        return self.hub.node_id

    @property
    def kernel(self) -> FakeTap:
        return self.taps.taps["k1"]

    async def share(
        self,
        name: str = "loss",
        *,
        to: Node | None = None,
        kernel: str = "k1",
        cell: str = "cell",
        display: str | None = None,
        title: str = "",
        grant: str = "view",
    ) -> Any:
        source = {"cell": cell} if display is None else {"display": display}
        return await self.publisher.share(
            SharePane(name, title, kernel, source),
            with_=[to.id] if to is not None else [],
            grant=grant,
        )

    def cut(self) -> None:
        """Cut all links; the hubs connect again by themselves."""
        self.hub.network.cut()  # type: ignore[attr-defined]

    async def close(self) -> None:
        await self.watcher.close()
        await self.publisher.close()


@contextlib.asynccontextmanager
async def two_nodes(**options: Any) -> AsyncIterator[tuple[Node, Node]]:
    """Yield ada and bob, paired."""
    async with two_hubs() as (ada_hub, bob_hub):
        ada, bob = Node(ada_hub, **options), Node(bob_hub, **options)
        # The link was up before the panes were there to hear of it.
        await until(lambda: bob_hub.peer(ada.id).status == "connected")
        try:
            yield ada, bob
        finally:
            await bob.close()
            await ada.close()


def texts(watch: Watch) -> list[str]:
    """Return what a pane shows, one text an output."""
    return [
        output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        for output in watch.state.outputs.outputs
    ]
