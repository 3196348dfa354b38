"""The demo's notebooks as files: clean, and with the tags that the demo goes by."""

import ast
import json
import time
from datetime import datetime

import pytest

from jupyter_peer.demo.notebooks import find_notebook, read_cells
from jupyter_peer.demo.story import text_to_ada

NOTEBOOKS = ("ada.ipynb", "bob.ipynb")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name):
    notebook = json.loads(find_notebook(name).read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_is_introduced(name):
    cells = json.loads(find_notebook(name).read_text())["cells"]
    assert cells[0]["cell_type"] == "markdown"
    assert sum(cell["cell_type"] == "markdown" for cell in cells) >= len(cells) // 3


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        (
            "ada.ipynb",
            {"parameters", "invite", "paired", "agent-on", "share", "train", "heard"}
            | {"revoke", "unshare"},
        ),
        (
            "bob.ipynb",
            {"parameters", "pair", "open-metrics", "follow", "ask", "chat", "follow-on", "gone"},
        ),
    ],
)
def test_the_cells_the_demo_looks_at_are_tagged(name, tags):
    assert tags <= {cell.tag for cell in read_cells(find_notebook(name), {})}


def test_parameters_are_set_after_the_notebooks_own():
    cells = read_cells(find_notebook("bob.ipynb"), {"INVITE": "jpeer1:'x'", "PATIENCE": 3})
    at = [cell.tag for cell in cells].index("parameters")
    values = {}
    for cell in cells[at : at + 2]:
        exec(cell.source, values)
    assert values["INVITE"] == "jpeer1:'x'"
    assert values["PATIENCE"] == 3


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_code_is_python_and_names_no_machine(name):
    for cell in read_cells(find_notebook(name), {}):
        ast.parse("\n".join(line for line in cell.source.splitlines() if line[:1] != "%"))
        assert "127.0.0.1" not in cell.source


def test_bobs_words_to_ada_are_found_in_his_cells():
    cells = {cell.tag: cell for cell in read_cells(find_notebook("bob.ipynb"), {})}
    assert text_to_ada(cells["ask"]).endswith("?")
    assert text_to_ada(cells["chat"])
    assert text_to_ada(cells["pair"]) == ""


class View:
    """A view whose pane is taken back just when a wait for an update has ended."""

    name, rev = "loss", 7

    def __init__(self, moment):
        self.moment = moment
        self.status = "live"
        self.is_new = moment == "after an update"

    @property
    def outputs(self):
        return [{"data": {"image/png": "AAAA"}}]

    def wait_for_update(self, timeout):
        newer, self.is_new = self.is_new, False
        if self.status == "live" and self.moment == "after a wait in vain":
            self.take_back()
        return newer

    def take_back(self):
        self.status, self.is_new = "withdrawn", True


@pytest.mark.parametrize("moment", ["after a wait in vain", "after an update"])
def test_bob_reports_a_pane_that_is_taken_back_at_any_moment(moment):
    cell = next(cell for cell in read_cells(find_notebook("bob.ipynb"), {}) if cell.tag == "follow")
    view, printed = View(moment), []

    def show(line, flush):
        printed.append(line)
        if view.status == "live":
            view.take_back()  # while the kernel was busy with the line

    names = {
        "loss": view,
        "metrics": View("never"),
        "print": show,
        "PATIENCE": 5,
        "time": time,
        "datetime": datetime,
    }
    source = cell.source.replace("follow(lambda: metrics.rev >= 4)", "").replace(", metrics]", "]")
    exec(f"{source}\nfollow(lambda: False)", names)
    assert printed[-1].endswith("withdrawn")
    assert names["open_views"] == []
