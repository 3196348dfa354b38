"""What other cells of a kernel loaded into the page, at the viewers of a pane."""

from __future__ import annotations

from jupyter_peer.panes.viewer.watch import Watch
from tests.peers.nodes import two_nodes

LOADER = {"application/javascript": "load()", "application/vnd.bokehjs_load.v0+json": "load()"}
KEPT = LOADER | {"application/vnd.bokehjs_load.v0+json": ""}
SECRET = {"text/html": "<script>let secret = 1</script>"}


def loaded(watch: Watch) -> object:
    state = watch.state
    return state.past.document(state.outputs.outputs, state.widgets).get("loaders")


async def test_a_viewer_gets_what_other_cells_loaded_and_nothing_else_of_them() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, loaders=[SECRET, LOADER, LOADER])
        watch = await bob.watcher.open(ada.id, "loss")
        assert loaded(watch) == [KEPT]
        assert watch.state.outputs.outputs == []


async def test_what_a_kernel_loaded_is_remembered_for_its_other_panes_and_for_no_other_kernel() -> (
    None
):
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, loaders=[LOADER])
        await ada.share("second", to=bob, cell="other")
        await ada.share("third", to=bob, kernel="k2")
        assert loaded(await bob.watcher.open(ada.id, "second")) == [KEPT]
        assert loaded(await bob.watcher.open(ada.id, "third")) is None
