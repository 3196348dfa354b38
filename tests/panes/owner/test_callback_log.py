"""What a viewer's input makes the owner's callbacks say, in the log of the owner's server."""

from __future__ import annotations

import logging

import pytest

from jupyter_peer.panes.owner.publish import SharePane
from tests.panes.kernel.test_widgets import make, view
from tests.panes.kernels import Sent
from tests.panes.widget_cells import turn
from tests.peers.nodes import Node, two_nodes

TRACEBACK = ["\x1b[31mValueError\x1b[0m Traceback", "cell 3, line 1", "ValueError: too\rmuch"]
ERROR = {"ename": "ValueError", "evalue": "too much", "traceback": TRACEBACK}


async def moved(ada: Node, bob: Node, cell: str = "cell") -> Sent:
    """Let bob move a slider of a pane; return what reached the kernel."""
    make(ada.kernel, "slider", value=0, min=0, max=100, _view_name="View")
    view(ada.kernel, "slider", cell)
    watch = await bob.watcher.open(ada.id, "loss")
    await turn(watch, "slider", value=5)
    return ada.kernel.sent[-1]


@pytest.mark.parametrize("kind", ["cell", "notebook"])
async def test_prints_and_errors_of_callbacks_reach_the_owner_with_their_traceback(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jupyter_peer.panes")
    async with two_nodes() as (ada, bob):
        # Viewers get no traceback of this pane; its owner does.
        pane = SharePane("loss", "", "k1", {kind: "cell"}, tracebacks=False)
        await ada.publisher.share(pane, with_=[bob.id], grant="interact")
        cell = "cell"
        if kind == "notebook":
            cell = "run"
            ada.publisher.cells.present_cell("k1", "loss", cell)
        ada.kernel.write("of the cell\n", parent=cell)
        sent = await moved(ada, bob, cell)
        ada.kernel.write("moved\n[W] forged line\n", parent=sent.msg_id)
        ada.kernel.say("error", ERROR, parent=sent.msg_id)
    assert "of the cell" not in caplog.text
    said = [record for record in caplog.records if "callback" in record.getMessage()]
    assert [record.levelname for record in said] == ["INFO", "WARNING"]
    assert "    moved\n    [W] forged line" in said[0].getMessage()
    error = said[1].getMessage()
    assert "ValueError Traceback" in error
    assert "cell 3, line 1" in error
    assert "\x1b" not in error
    assert "\r" not in error


async def test_what_an_output_widget_captures_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "jupyter_peer.panes")
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, grant="interact")
        sent = await moved(ada, bob)
        make(ada.kernel, "out", "OutputModel", msg_id=sent.msg_id, outputs=[])
        ada.kernel.write("shown\n", parent=sent.msg_id)
    assert "shown" not in caplog.text
