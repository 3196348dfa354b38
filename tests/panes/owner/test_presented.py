"""A whole notebook as one pane: what is in it, in which order, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.errors import UnknownPaneError
from jupyter_peer.panes.kernel import notebook_source
from jupyter_peer.panes.owner.publish import SharePane
from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import make, view
from tests.panes.kernels import display
from tests.peers.guests import open_link
from tests.peers.nodes import Node, two_nodes


async def presented(ada: Node, **fields: Any) -> None:
    await ada.publisher.share(SharePane("class", "", "k1", {"notebook": "presents"}, **fields))


def run(ada: Node, cell: str) -> None:
    ada.publisher.cells.present_cell("k1", "class", cell)


def shown(ada: Node) -> list[str]:
    """What the pane shows; a line between two cells is ``-``."""
    texts = []
    for output in ada.publisher.outputs("class"):
        data = output.get("data", {})
        is_line = data.get("text/html") == "<hr>"
        texts.append("-" if is_line else output.get("text") or data.get("text/plain"))
    return texts


async def test_cells_are_shown_in_the_order_of_their_runs_with_a_line_between() -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        run(ada, "one")
        ada.kernel.write("1\n", parent="one")
        run(ada, "two")
        ada.kernel.write("2\n", parent="two")
        ada.kernel.show("plot", parent="two")
        assert shown(ada) == ["1\n", "-", "2\n", "plot"]


async def test_what_a_cell_showed_before_the_server_heard_of_it_is_not_lost() -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        ada.kernel.write("early\n", parent="one")
        run(ada, "one")
        ada.kernel.write("late\n", parent="one")
        assert shown(ada) == ["early\nlate\n"]


async def test_the_cell_that_presents_and_what_no_person_runs_are_not_shown() -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        run(ada, "presents")
        run(ada, "one")
        ada.kernel.write("the pane is shared\n", parent="presents")
        ada.kernel.write("a secret variable\n", parent="inspector")
        ada.kernel.write("1\n", parent="one")
        assert shown(ada) == ["1\n"]


async def test_its_owner_sees_whether_a_cell_or_a_page_presents() -> None:
    async with two_nodes() as (ada, _):
        for source, by in (("presents", "kernel"), (notebook_source.PAGE, "page")):
            await ada.publisher.share(SharePane("class", "", "k1", {"notebook": source}))
            assert ada.publisher.mine()[0]["presented_by"] == by
        run(ada, "one")
        ada.kernel.write("1\n", parent="one")
        assert shown(ada) == ["1\n"]


@pytest.mark.parametrize("wait", [True, False])
async def test_clearing_in_a_cell_clears_that_cell_alone(wait: bool) -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        for cell in ("one", "two", "three"):
            run(ada, cell)
            ada.kernel.show(cell, display_id=f"d-{cell}", parent=cell)
        ada.kernel.say("clear_output", {"wait": wait}, "two")
        expected = ["one", "-", "two", "-", "three"] if wait else ["one", "-", "three"]
        assert shown(ada) == expected
        ada.kernel.write("new\n", parent="two")
        assert shown(ada) == ["one", "-", "three", "-", "new\n"]
        # A display keeps its id, wherever it stands now.
        ada.kernel.say("update_display_data", display("newer", "d-three"), "four")
        assert shown(ada) == ["one", "-", "newer", "-", "new\n"]


async def test_clearing_the_first_cell_leaves_no_line_at_the_top() -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        for cell in ("one", "two"):
            run(ada, cell)
            ada.kernel.write(f"{cell}\n", parent=cell)
        ada.kernel.say("clear_output", {"wait": False}, "one")
        assert shown(ada) == ["two\n"]


async def test_a_class_that_goes_on_for_long_keeps_the_newest_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook_source, "MAX_CELLS", 3)
    async with two_nodes() as (ada, _):
        await presented(ada)
        for number in range(5):
            run(ada, f"c{number}")
            ada.kernel.write(f"{number}\n", parent=f"c{number}")
        assert shown(ada) == ["2\n", "-", "3\n", "-", "4\n"]


async def test_a_guest_follows_the_class_and_its_widgets() -> None:
    async with two_nodes() as (ada, _):
        await presented(ada)
        guest = await open_link(ada.hub, ada.hub.guests.mint("class", grant="interact"))
        await guest.got("pane_offer")
        guest.say("pane_open", {"pane": "class"})
        await guest.got("pane_snapshot")
        run(ada, "one")
        make(ada.kernel, "slider", value=0, min=0, max=100, _view_name="View")
        view(ada.kernel, "slider", parent="one")
        update = await guest.got("pane_update")
        assert "slider" in str(update.data)
        data = {"method": "update", "state": {"value": 3}}
        message = {"msg_type": "comm_msg", "content": {"comm_id": "slider", "data": data}}
        answer = await guest.ask("pane_input", {"pane": "class", "message": message})
        assert answer.type == "pane_input"
        await until(lambda: ada.kernel.sent)


async def test_a_pane_that_is_not_presented_takes_no_cells() -> None:
    async with two_nodes() as (ada, _):
        await ada.share()
        await presented(ada)
        for kernel, name in (("k1", "loss"), ("k2", "class"), ("k1", "nope")):
            with pytest.raises(UnknownPaneError):
                ada.publisher.cells.present_cell(kernel, name, "one")
        ada.publisher.unshare("class")
        with pytest.raises(UnknownPaneError):
            run(ada, "one")
