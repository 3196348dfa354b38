"""Panes that begin with what a notebook's cell has shown, and go on when it runs again."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.errors import KernelGoneError
from jupyter_peer.panes.kernel import hearing
from jupyter_peer.panes.kernel.channels.taps import KernelTaps
from jupyter_peer.panes.kernel.hearing import Hearing
from jupyter_peer.panes.owner.publish import SharePane
from tests.machine.waiting import until
from tests.panes.kernels import FakeTap
from tests.peers.nodes import Node, texts, two_nodes

BEFORE = [{"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}]


def cell_pane(**change: Any) -> SharePane:
    fields: dict[str, Any] = {"cell_id": "c1", "source": {"cell": "run-1"}, "outputs": BEFORE}
    return SharePane("loss", "", "k1", **(fields | change))


def shown(node: Node) -> list[str]:
    return [output["text"] for output in node.publisher.outputs("loss")]


async def test_a_pane_begins_with_the_outputs_that_are_there_and_goes_on() -> None:
    async with two_nodes() as (ada, bob):
        await ada.publisher.share(cell_pane(), with_=[bob.id])
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        assert texts(watch) == ["1\n2\n"]
        ada.kernel.write("3\n", parent="run-1")
        await until(lambda: texts(watch) == ["1\n2\n3\n"])


async def test_messages_between_the_outputs_and_the_pane_are_told_once() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.kernels.hear("k1")
        ada.kernel.write("2\n", parent="run-1", msg_id="m2")
        ada.kernel.write("3\n", parent="run-1", msg_id="m3")
        await ada.publisher.share(cell_pane(known=["m1", "m2", "m4"]))
        # The page may be ahead of the server.
        ada.kernel.write("4\n", parent="run-1", msg_id="m4")
        ada.kernel.write("5\n", parent="run-1", msg_id="m5")
        assert shown(ada) == ["1\n2\n3\n5\n"]


async def test_a_cell_that_runs_again_begins_anew_with_all_it_has_said_meanwhile() -> None:
    async with two_nodes() as (ada, bob):
        await ada.publisher.share(cell_pane(), with_=[bob.id])
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")
        ada.kernel.write("new 1\n", parent="run-2")
        ada.publisher.cells.run_again("k1", "c1", "run-2")
        ada.kernel.write("new 2\n", parent="run-2")
        ada.kernel.write("old\n", parent="run-1")
        await until(lambda: texts(watch) == ["new 1\nnew 2\n"])


async def test_another_cell_or_kernel_that_runs_changes_nothing() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(cell_pane())
        for kernel_id, cell_id in (("k1", "c2"), ("k2", "c1")):
            ada.publisher.cells.run_again(kernel_id, cell_id, "run-2")
        assert shown(ada) == ["1\n2\n"]


async def test_the_cell_of_a_copy_of_the_notebook_is_not_shared() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(cell_pane(path="work/a.ipynb"))
        ada.kernel.write("private\n", parent="run-2")
        ada.publisher.cells.run_again("k1", "c1", "run-2", "work/a-Copy1.ipynb")
        assert shown(ada) == ["1\n2\n"]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("work/a.ipynb", "work/b.ipynb", "work/b.ipynb"),
        ("work", "old/work", "old/work/a.ipynb"),
        ("wor", "x", "work/a.ipynb"),
        ("work/a.ipy", "x", "work/a.ipynb"),
    ],
)
async def test_a_pane_stays_with_its_cell_when_the_notebook_moves(
    before: str, after: str, path: str
) -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(cell_pane(path="work/a.ipynb"))
        told: list[None] = []
        ada.publisher.subscribe(lambda: told.append(None))
        ada.publisher.cells.notebook_moved(before, after)
        (mine,) = ada.publisher.mine()
        assert mine["path"] == path
        assert bool(told) == (path != "work/a.ipynb")


async def test_a_later_update_finds_the_display_of_an_output_that_was_there() -> None:
    async with two_nodes() as (ada, _):
        plot = {
            "output_type": "display_data",
            "data": {"text/plain": "a plot"},
            "metadata": {},
            "transient": {"display_id": "d"},
        }
        await ada.publisher.share(cell_pane(outputs=[plot]))
        ada.kernel.say(
            "update_display_data",
            {"data": {"text/plain": "better"}, "metadata": {}, "transient": {"display_id": "d"}},
            parent="elsewhere",
        )
        (output,) = ada.publisher.outputs("loss")
        assert output["data"] == {"text/plain": "better"}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"name": name, "text": text}


def picture(text: str) -> dict[str, Any]:
    return {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": "d"}}


async def test_one_output_of_a_cell_is_shared_by_its_place_and_goes_on_there() -> None:
    async with two_nodes() as (ada, bob):
        there = [
            {"output_type": "stream", **stream("epoch 1\n")},
            {"output_type": "display_data", **picture("plot 1")},
            {"output_type": "stream", **stream("secret\n")},
        ]
        await ada.publisher.share(cell_pane(outputs=there, output=1), with_=[bob.id])
        await until(bob.watcher.offered)
        watch = await bob.watcher.open(ada.id, "loss")

        def watched() -> list[str]:
            return [each["data"]["text/plain"] for each in watch.state.outputs.outputs]

        assert watched() == ["plot 1"]
        (mine,) = ada.publisher.mine()
        assert (mine["cell_id"], mine["output"]) == ("c1", 1)

        ada.kernel.say("update_display_data", picture("plot 2"), parent="elsewhere")
        ada.kernel.say("stream", stream("more\n"), parent="run-1")
        await until(lambda: watched() == ["plot 2"])

        ada.publisher.cells.run_again("k1", "c1", "run-2")
        ada.kernel.say("stream", stream("epoch "), parent="run-2")
        ada.kernel.say("stream", stream("3\n"), parent="run-2")
        ada.kernel.say("display_data", picture("plot 3"), parent="run-2")
        ada.kernel.say("stream", stream("secret\n"), parent="run-2")
        ada.kernel.say("display_data", picture("plot 4"), parent="run-2")
        await until(lambda: watched() == ["plot 4"])
        assert "secret" not in str(watch.state.held())
        assert "epoch" not in str(watch.state.held())


async def test_one_output_that_is_cleared_stays_until_another_comes_into_its_place() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(cell_pane(outputs=[], output=1))

        def say(*texts: str) -> list[str]:
            for text in texts:
                ada.kernel.say("stream", stream(text, name=text), parent="run-1")
            return shown(ada)

        assert say("one", "two", "three") == ["two"]
        ada.kernel.say("clear_output", {"wait": True}, parent="run-1")
        assert say("four") == ["two"]
        assert say("five") == ["five"]
        ada.kernel.say("clear_output", {"wait": False}, parent="run-1")
        assert shown(ada) == []


async def test_the_owner_is_told_that_a_shared_cell_has_failed_and_that_it_goes_again() -> None:
    async with two_nodes() as (ada, _):
        told: list[bool] = []
        await ada.publisher.share(cell_pane())
        ada.publisher.subscribe(lambda: told.append(ada.publisher.mine()[0]["failed"]))
        error = {"ename": "E", "evalue": "", "traceback": []}
        ada.kernel.say("error", error, parent="run-1")
        ada.publisher.cells.run_again("k1", "c1", "run-2")
        ada.kernel.write("well\n", parent="run-2")
        assert told == [True, False]


async def test_outputs_that_are_no_outputs_are_left_out() -> None:
    async with two_nodes() as (ada, _):
        odd = [{}, {"output_type": 3}, {"output_type": "display_data"}, *BEFORE]
        await ada.publisher.share(cell_pane(outputs=odd))
        assert shown(ada) == ["1\n2\n"]


async def test_a_pane_without_a_notebooks_cell_does_not_go_on_listening_to_all() -> None:
    async with two_nodes() as (ada, _):
        await ada.publisher.share(cell_pane(cell_id=None))
        assert not any(isinstance(each, Hearing) for each in ada.kernel.listeners)
        await ada.publisher.share(cell_pane())
        assert any(isinstance(each, Hearing) for each in ada.kernel.listeners)
        ada.publisher.unshare("loss")
        assert not any(isinstance(each, Hearing) for each in ada.kernel.listeners)


async def test_a_kernel_that_cannot_be_listened_to_is_not_remembered() -> None:
    async with two_nodes() as (ada, _):
        ada.kernel.error = KernelGoneError()
        with pytest.raises(KernelGoneError):
            await ada.publisher.kernels.hear("k1")
        assert ada.kernel.listeners == []


def test_the_oldest_cells_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MAX_CELLS", 2)
    monkeypatch.setattr(hearing, "MAX_BYTES", 20_000)
    tap = FakeTap()
    heard = Hearing(tap.subscribe)
    end = heard.begin()
    for cell in ("a", "b", "a", "c"):
        tap.write("x", parent=cell)
    assert [len(heard.of(cell)) for cell in ("a", "b", "c")] == [2, 0, 1]
    tap.write("x" * 19_000, parent="d")
    assert [len(heard.of(cell)) for cell in ("a", "c", "d")] == [0, 0, 1]
    end()
    end()
    assert heard.of("d") == []
    assert tap.listeners == []


async def test_no_secret_comes_with_the_outputs_of_a_page() -> None:
    secret = "s3cret-of-this-node-0123456789"
    tap = KernelTaps(lambda _: object(), lambda: [secret])("k1")
    said = {"output_type": "stream", "name": "stdout", "text": f"it is {secret}"}
    assert secret not in str(tap.masked(said, "run-1"))
    shown = {"output_type": "display_data", "data": {"text/html": secret}, "metadata": {}}
    assert secret not in str(tap.masked(shown, "run-1"))
    lines = {"output_type": "stream", "name": "stdout", "text": ["it is " + secret[:9], secret[9:]]}
    assert secret not in str(tap.masked(lines, "run-1"))
