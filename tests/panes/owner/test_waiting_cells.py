"""Panes of cells that wait for what their owner types: ``input()`` and ``getpass()``."""

from __future__ import annotations

from jupyter_peer.document.outputs import OutputList
from jupyter_peer.panes.owner.publish import SharePane
from tests.machine.waiting import until
from tests.panes.test_guests import minted, opened
from tests.peers.nodes import Node, texts, two_nodes

NOTE = "[this cell waits for its owner to answer: Name?]"


def wait(node: Node, prompt: str | None, cell: str = "cell") -> None:
    node.publisher.cells.wait_for_owner("k1", cell, prompt)


async def test_viewers_see_live_and_late_that_a_cell_waits_until_it_has_its_answer() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("hello\n")
        wait(ada, "Name? ")
        await until(lambda: texts(watch) == ["hello\n", NOTE])
        guest = await opened(ada, minted(ada))
        shown = guest.snapshot["outputs"]  # type: ignore[attr-defined]
        assert shown[1]["data"] == {"text/plain": NOTE}
        wait(ada, None)
        ada.kernel.write("dear ada\n")
        await until(lambda: texts(watch) == ["hello\ndear ada\n"])
        update = await guest.got("pane_update")
        assert [output["text"] for output in update.data["outputs"]] == ["hello\ndear ada\n"]
        assert ada.publisher.outputs("loss") == watch.state.outputs.outputs


async def test_a_cell_that_was_interrupted_waits_no_longer() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        wait(ada, "Name? ")
        ada.kernel.idle("another cell")
        assert len(ada.publisher.outputs("loss")) == 1
        ada.kernel.idle("cell")
        assert ada.publisher.outputs("loss") == []


async def test_what_another_cell_or_kernel_asks_is_not_shown() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        wait(ada, "Password: ", cell="another")
        ada.publisher.cells.wait_for_owner("k2", "cell", "Password: ")
        assert ada.publisher.outputs("loss") == []


async def test_a_presented_notebook_shows_which_cell_waits() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(presented())
        for cell in ("one", "two"):
            ada.publisher.cells.present_cell("k1", "loss", cell)
        ada.kernel.write("1\n", parent="one")
        wait(ada, "Name? ", cell="two")
        # A thread of another cell goes on meanwhile.
        ada.kernel.write("2\n", parent="one")
        assert NOTE in texts_of(ada)
        wait(ada, None, cell="two")
        ada.kernel.write("3\n", parent="two")
        ada.kernel.say("clear_output", {"wait": False}, parent="one")
        assert texts_of(ada) == ["3\n"]


def texts_of(node: Node) -> list[str]:
    outputs = node.publisher.outputs("loss")
    return [each.get("text") or each["data"]["text/plain"] for each in outputs]


def presented() -> SharePane:
    return SharePane("loss", "", "k1", {"notebook": "presenter"})


def test_a_note_leaves_no_trace_in_the_outputs() -> None:
    outputs = OutputList(max_weight=10_000)
    shown = {"data": {"text/plain": "x"}, "metadata": {}}
    outputs.apply("display_data", shown | {"transient": {"display_id": "a"}})
    outputs.apply("clear_output", {"wait": True})
    before, weight = outputs.state(), outputs.weight
    assert outputs.put_note("1")
    outputs.apply("update_display_data", shown | {"transient": {"display_id": "a"}})
    assert outputs.put_note("2")
    assert [each["data"]["text/plain"] for each in outputs.outputs] == ["x", "2"]
    assert outputs.put_note(None)
    assert (outputs.state(), outputs.weight) == (before, weight)
    assert not outputs.put_note(None)
