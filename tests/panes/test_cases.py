"""Notebooks that are hard to show elsewhere, with a real kernel: what viewers get, live and late."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from jupyter_peer.document.plain_text import to_text
from jupyter_peer.panes.state import PaneState
from jupyter_peer.panes.viewer.watch import Watch
from tests.machine.needs import needs_module
from tests.machine.waiting import until
from tests.panes.cases import case
from tests.panes.widget_cells import PATIENCE, Notebook, notebook, only, printed, shown, turn
from tests.peers.nodes import Node, nodes

Json = dict[str, Any]


class Shown(NamedTuple):
    """A notebook that was run; Bob has watched from the beginning, Carol opened the pane then."""

    ada: Node
    book: Notebook
    live: Watch
    late: Watch

    async def settled(self) -> None:
        """Wait until both have all that the kernel has said so far."""
        await self.book.heard()
        state = self.ada.publisher._panes["w"].state
        await until(lambda: self.live.state.rev == state.rev == self.late.state.rev, PATIENCE)


@contextlib.asynccontextmanager
async def run(name: str, *modules: str, grant: str = "view") -> AsyncIterator[Shown]:
    """Run a notebook of :mod:`tests.panes.cases`."""
    for module in modules:
        needs_module(module)
    cells = case(name)
    async with (
        nodes("ada", "bob", "carol") as (ada, bob, carol),
        notebook(ada.hub, ada.publisher) as book,
    ):
        for code in cells.before:
            await book.run(code)
        shared = await book.show(cells.shared, [bob.id, carol.id], grant=grant)
        live = await bob.watcher.open(ada.id, "w")
        await book.ended(shared)
        for code in cells.after:
            await book.run(code)
        # What the node hears after Carol has opened it reaches her as it reaches Bob.
        await book.heard()
        late = await carol.watcher.open(ada.id, "w")
        seen = Shown(ada, book, live, late)
        await seen.settled()
        yield seen


def content(state: PaneState) -> tuple[Any, Any]:
    """Return what a pane shows: outputs, and the states of widgets."""
    return state.outputs.outputs, state.widgets.document()["state"]


def closed(watch: Watch) -> set[str]:
    return set(watch.state.past.closed)


async def test_who_comes_late_sees_no_more_of_a_closed_widget_than_who_was_there() -> None:
    async with run("closed_widget_seen_late") as seen:
        assert content(seen.live.state) == content(seen.late.state)
        stays, gone, end = seen.live.state.outputs.outputs
        view = "application/vnd.jupyter.widget-view+json"
        assert closed(seen.live) >= closed(seen.late) == {gone["data"][view]["model_id"]}
        assert stays["data"][view]["model_id"] in seen.late.state.widgets
        assert end["text"] == "end\n"


async def test_a_figure_is_as_its_owner_changed_it_for_who_comes_late_too() -> None:
    async with run("figurewidget", "plotly") as seen:
        assert content(seen.live.state) == content(seen.late.state)
        (figure,) = [
            model["state"]
            for model in seen.late.state.widgets.document()["state"].values()
            if "_widget_data" in model["state"]
        ]
        assert figure["_widget_data"][0]["y"] == [5, 1, 4]
        assert figure["_widget_layout"]["title"]["text"] == "updated"
        assert figure["_widget_layout"]["height"] == 260


async def test_what_a_viewer_caused_is_written_to_the_owners_output_widget() -> None:
    async with run("owner_output_stale", grant="interact") as seen:
        slider = await shown(seen.live)
        await turn(seen.live, slider, value=15)
        await until(lambda: printed(seen.live) == "n is 15\n", PATIENCE)

        async def owners_text() -> bool:
            return "n is 15" in await seen.book.tell("list(out.outputs)")

        await until(owners_text, PATIENCE)
        assert await seen.book.tell("s.value") == "15"
        await seen.settled()
        assert content(seen.live.state) == content(seen.late.state)


async def test_the_steps_of_a_page_that_only_shows_a_play_do_not_reach_the_kernel() -> None:
    async with run("play_runs_twice", grant="interact") as seen:
        await seen.book.run("play.playing = True")
        await until(
            lambda: (only(seen.live.state, "PlayModel") or ("", {}))[1].get("playing"), PATIENCE
        )
        play = (only(seen.live.state, "PlayModel") or ("", {}))[0]
        for step in range(1, 5):
            await turn(seen.live, play, value=step)
        assert await seen.book.tell("len(log)") == "0"


async def test_the_same_display_id_in_another_cell_changes_the_display() -> None:
    async with run("display_id_elsewhere") as seen:
        assert content(seen.live.state) == content(seen.late.state)
        display, _ = seen.late.state.outputs.outputs
        assert display["data"]["text/plain"] == "'shown again elsewhere'"


async def test_of_a_long_value_the_start_is_shown_and_of_an_error_its_name_and_frames() -> None:
    async with run("text_cut_unsaid") as seen:
        assert content(seen.live.state) == content(seen.late.state)
        value, error = map(to_text, seen.late.state.outputs.outputs)
        assert value.startswith("BEGIN xxx")
        assert "left out here" in value
        assert "ValueError" in error
        assert "HEAD yyy" in error
        assert "raise ValueError" in error
        assert len(error) < 200_000


async def test_a_widget_that_sends_commands_sends_them_to_who_comes_late_too() -> None:
    async with run("commands") as seen:
        assert content(seen.live.state) == content(seen.late.state)
        said = seen.late.state.past.document([], seen.late.state.widgets)["said"]
        states = [each["message"]["content"]["data"].get("state") for each in said]
        assert [state for state in states if state] == [{"command": 1}, {"command": 0}] * 2
        assert said[-1]["message"]["content"]["data"]["content"] == {"draw": "a line"}


async def test_commands_to_a_widget_that_is_not_shown_yet_are_seen_once_it_is() -> None:
    async with run("commands_before_shown") as seen:
        for watch in (seen.live, seen.late):
            said = watch.state.past.document([], watch.state.widgets)["said"]
            messages = [each["message"] for each in said]
            drawn = [each["content"]["data"]["content"]["draw"] for each in messages]
            assert drawn == ["a line", "a circle"]
            assert [each["buffers"] for each in messages] == [["MTI="], []]


async def test_a_model_that_speaks_for_all_widgets_tells_a_pane_of_those_it_shows_alone() -> None:
    async with run("speaks_for_all") as seen:
        for watch in (seen.live, seen.late):
            said = watch.state.past.document([], watch.state.widgets)["said"]
            drawn = [each["message"]["content"]["data"]["content"].get("draw") for each in said]
            assert [each for each in drawn if each] == ["shown", "again", "still shown"]


@pytest.mark.parametrize(
    "name",
    ["note_wiped", "math_in_html", "svg_namespace", "isolated", "terminal", "latex_environments"],
)
async def test_what_a_cell_shows_reaches_viewers_unchanged(name: str) -> None:
    async with run(name) as seen:
        owner = seen.ada.publisher._panes["w"].state
        assert content(seen.live.state) == content(seen.late.state) == content(owner)
        assert owner.outputs.outputs
