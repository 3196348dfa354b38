"""One person alone: the second node, and the notebook that starts it."""

from __future__ import annotations

import asyncio
import contextlib

import psutil
import pytest
from ipywidgets import HTML, Image

from jupyter_peer.demo import second_node
from jupyter_peer.demo.labs import Lab
from jupyter_peer.demo.notebooks import NotebookKernel, find_notebook, read_cells
from jupyter_peer.demo.screen import Screen
from jupyter_peer.demo.second_node import SecondNode
from jupyter_peer.errors import NoServerError
from tests.machine.waiting import until

NOTEBOOK = "alone.ipynb"


class Visit:
    """What the kernel of a visitor says, by the tag of the cell that it belongs to."""

    def __init__(self):
        self.said = {}

    def hear(self, said):
        self.said.setdefault(said.tag, []).append(said)

    def text(self, tag):
        """Return all that a cell printed and showed as text."""
        return "\n".join(
            said.content.get("text", "") + said.data.get("text/plain", "")
            for said in self.said.get(tag, ())
        )


@contextlib.asynccontextmanager
async def visitor(folder):
    """Yield a kernel of a visitor's Jupyter and what it says."""
    lab, visit = Lab(folder / "bob", "bob", program="jupyter_server"), Visit()
    try:
        await lab.start()
        (lab.folder / NOTEBOOK).write_bytes(find_notebook(NOTEBOOK).read_bytes())
        kernel = NotebookKernel(lab, await lab.open_notebook(NOTEBOOK), visit.hear)
        with contextlib.closing(kernel):
            await kernel.start()
            yield kernel, visit
    finally:
        await lab.stop()


def servers_of_ada():
    """Return the processes of second nodes that run now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any("jupyter-peer-ada-" in word for word in process.cmdline()):
                found.append(process)
    return found


@pytest.mark.timeout(240)
async def test_a_visitor_who_runs_the_notebook_alone_watches_asks_and_leaves_nothing(tmp_path):
    before = {process.pid for process in servers_of_ada()}
    async with visitor(tmp_path) as (kernel, visit):
        for cell in read_cells(find_notebook(NOTEBOOK), {}):
            await kernel.run(cell, 100)
        assert "ada" in visit.text("pair")
        assert "loss" in visit.text("offered")
        assert visit.text("follow").count("live revision") == 5
        assert "Best accuracy: 0." in visit.text("ask")
        assert "loss is withdrawn" in visit.text("gone")
        # her screen has changed with her training
        assert [said for said in visit.said["start"] if said.type == "comm_open"]
        await until(lambda: {process.pid for process in servers_of_ada()} == before, 20)


async def test_a_second_node_that_cannot_start_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(second_node.tempfile, "mkdtemp", lambda prefix: str(tmp_path / prefix))
    with pytest.raises(NoServerError, match="has ended"):
        await asyncio.to_thread(SecondNode, program="a_module_that_is_missing")
    assert not list(tmp_path.iterdir())


def test_a_screen_keeps_each_output_in_its_place():
    screen = Screen()
    assert "Nothing is shown yet" in screen.children[0].value
    screen.show(0, {"image/png": "AAAA", "text/plain": "<Figure>"})
    screen.show(1, {"text/html": "<table>", "text/plain": "a table"})
    picture, table = screen.children[1:]
    assert isinstance(picture, Image)
    assert isinstance(table, HTML)
    screen.show(0, {"image/png": "BBBB"})
    screen.show(1, {"text/plain": "1 < 2"})
    assert screen.children[1:] == (picture, table)
    assert picture.value == b"\x04\x10A"
    assert table.value == "<pre>1 < 2</pre>"
    screen.show(0, {"text/plain": "none"})
    assert isinstance(screen.children[1], HTML)


def test_a_screen_without_a_second_half_of_the_window_is_shown_by_its_cell(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert screen.open() is screen
