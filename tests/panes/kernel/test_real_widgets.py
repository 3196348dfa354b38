"""Widgets of real kernels in panes, seen and used by viewers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_peer.errors import NotGrantedError, PaneEndedError
from jupyter_peer.panes.viewer.watch import PaneWatcher
from tests.machine.waiting import until
from tests.panes.widget_cells import (
    PATIENCE,
    SLIDER,
    Notebook,
    models,
    notebook,
    only,
    printed,
    send,
    shown,
    turn,
    value,
)
from tests.peers.hubs import make_hub, pair, running
from tests.peers.nodes import relay_nodes, two_nodes
from tests.relay.nodes import relay

PLOT = """
import matplotlib
matplotlib.use("agg")
import io, matplotlib.figure, ipywidgets as w
from IPython.display import display
def draw(n):
    figure = matplotlib.figure.Figure(figsize=(1, 1))
    figure.subplots().plot(range(n + 2))
    data = io.BytesIO()
    figure.savefig(data)
    return data.getvalue()
slider, image = w.IntSlider(), w.Image(value=draw(0))
slider.observe(lambda change: setattr(image, "value", draw(change.new)), "value")
display(slider, image)
"""


async def test_a_viewer_uses_widgets_until_the_owner_says_no() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(SLIDER, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        await turn(watch, slider, value=7)
        await until(lambda: value(watch) == 7, timeout=PATIENCE)
        await until(lambda: printed(watch) == "now 7\n", timeout=PATIENCE)
        # The kernel goes on as with its own page, and what it says is seen too.
        await book.run("slider.value = 9")
        await until(lambda: value(watch) == 9, timeout=PATIENCE)
        await until(lambda: printed(watch) == "now 7\nnow 9\n", timeout=PATIENCE)
        # The slider of the owner ends at 1000.
        with pytest.raises(NotGrantedError):
            await turn(watch, slider, value=1001)
        await turn(watch, slider, value=1000)
        await until(lambda: value(watch) == 1000, timeout=PATIENCE)
        # Layouts and styles belong to what is shown, and widgets that are not shown do not.
        names = {model["model_name"] for model in watch.state.widgets.document()["state"].values()}
        assert {"LayoutModel", "SliderStyleModel", "VBoxModel"} <= names
        await book.run("hidden = w.IntSlider()")
        assert len(models(watch.state, "IntSliderModel")) == 1

        # Revoked in the middle of a drag: nothing later reaches the kernel.
        await book.run("seen = []; slider.observe(lambda change: seen.append(change.new), 'value')")
        ada.publisher.grant("w", bob.id, "view")
        await until(lambda: watch.info["grant"] == "view")
        for number in range(1, 20):
            with pytest.raises(NotGrantedError):
                await turn(watch, slider, value=number)
        await book.run("assert seen == [], seen")
        await book.run("slider.close()")
        await until(lambda: only(watch.state, "IntSliderModel") is None, timeout=PATIENCE)


async def test_a_drag_of_a_thousand_moves_on_a_busy_kernel_ends_at_the_last() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(SLIDER, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        await book.run(
            "seen = []; slider.observe(lambda change: seen.append(change.new), 'value')\n"
            "import pathlib, tempfile, time\n"
            "gate = pathlib.Path(tempfile.mkdtemp()) / 'open'"
        )
        gate = await book.tell("str(gate)")
        begun = Path(gate).with_name("begun")
        busy = book.send(
            f"pathlib.Path({str(begun)!r}).touch()\n"
            "until = time.monotonic() + 100\n"
            "while not gate.exists() and time.monotonic() < until: time.sleep(0.01)"
        )
        # Moves that came before the cell would have reached the kernel one by one.
        await until(begun.exists, timeout=PATIENCE)
        for number in range(1, 1001):
            await turn(watch, slider, value=number)
        # The hubs are as quick as ever while the kernel is not.
        await asyncio.wait_for(bob.hub.ping(ada.id), PATIENCE)
        await asyncio.to_thread(Path(gate).touch)
        await book.finished(busy)
        await until(lambda: value(watch) == 1000, timeout=PATIENCE)
        await until(lambda: printed(watch).endswith("now 1000\n"), timeout=PATIENCE)
        await book.run("assert seen[-1] == 1000 and len(seen) <= 2, seen")


async def test_a_widget_made_before_the_share_works_too() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.run(SLIDER.replace("display(", "box = ("))
        await book.run("label = w.IntText(); link = w.jslink((slider, 'value'), (label, 'value'))")
        await book.show("display(box, label)", [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        # The link, which nothing refers to, belongs to the two that it links.
        assert len(models(watch.state, "LinkModel")) == 1
        await turn(watch, slider, value=3)
        await until(lambda: printed(watch) == "now 3\n", timeout=PATIENCE)


async def test_kernels_that_know_no_control_comm_are_asked_for_each_widget() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.run(SLIDER.replace("display(", "box = ("))
        await book.run(
            "import comm; comm.get_comm_manager().unregister_target('jupyter.widget.control', None)"
        )
        await book.show("display(box)", [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        await turn(watch, slider, value=3)
        await until(lambda: printed(watch) == "now 3\n", timeout=PATIENCE)


async def test_kernels_that_do_not_echo_are_echoed_for() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.run("import os; os.environ['JUPYTER_WIDGETS_ECHO'] = '0'")
        await book.show(SLIDER, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        await turn(watch, slider, value=3)
        await until(lambda: printed(watch) == "now 3\n", timeout=PATIENCE)
        await until(lambda: value(watch) == 3, timeout=PATIENCE)


async def test_interact_draws_anew_for_who_moves_its_slider() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show("import ipywidgets as w\nw.interact(lambda n: n * n, n=(0, 9));", [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)

        def result() -> object:
            found = only(watch.state, "OutputModel")
            outputs = [] if found is None else found[1]["outputs"]
            return [output.get("data", {}).get("text/plain") for output in outputs]

        await until(lambda: result() == ["16"], timeout=PATIENCE)
        await turn(watch, slider, value=5)
        await until(lambda: result() == ["25"], timeout=PATIENCE)
        # Its output is in the widget, and so not in the cell.
        assert len(watch.state.outputs) == 1


async def until_told(book: Notebook, expression: str, told: str) -> None:
    """Wait until the kernel has taken what was written to it."""
    async with asyncio.timeout(PATIENCE):
        while await book.tell(expression) != told:
            pass


@pytest.mark.parametrize("code", [SLIDER, SLIDER.replace("with out:", "out.clear_output(wait=True)\n    with out:")])  # fmt: skip
async def test_what_a_viewers_input_printed_stands_in_the_owners_output_widget(code: str) -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(code, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        for number in (3, 4, 5):
            await turn(watch, slider, value=number)
            # The same as the viewer sees, before the kernel takes the viewer's next input.
            await until(lambda n=number: printed(watch).endswith(f"now {n}\n"), timeout=PATIENCE)
        await until_told(book, "''.join(each['text'] for each in out.outputs)", printed(watch))
        assert await book.tell("out.msg_id") == ""
        assert printed(watch) == ("now 5\n" if "clear" in code else "now 3\nnow 4\nnow 5\n")


async def test_an_error_of_a_callback_stands_in_the_owners_output_widget() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(SLIDER.replace('print("now", change.new)', "1 / 0"), [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        await turn(watch, await shown(watch), value=3)
        await until(lambda: only(watch.state, "OutputModel")[1]["outputs"], timeout=PATIENCE)
        await until(lambda: value(watch) == 3, timeout=PATIENCE)
        await until_told(book, "[each['ename'] for each in out.outputs]", "['ZeroDivisionError']")


async def test_a_plot_follows_the_slider_of_a_viewer() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(PLOT, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)

        def picture() -> str | None:
            found = [
                model
                for model in watch.state.widgets.document()["state"].values()
                if model["model_name"] == "ImageModel"
            ]
            return found[0]["buffers"][0]["data"] if found else None

        first = await until(picture, timeout=PATIENCE)
        await turn(watch, slider, value=5)
        await until(lambda: picture() not in (None, first), timeout=PATIENCE)


async def test_what_a_callback_prints_or_raises_stands_in_the_pane() -> None:
    code = SLIDER.replace("with out:", "if True:") + "\nbutton = w.Button(); display(button)"
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(code, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        await turn(watch, await shown(watch), value=3)

        def streams() -> str:
            return "".join(each.get("text", "") for each in watch.state.outputs.outputs)

        await until(lambda: "now 3\n" in streams(), timeout=PATIENCE)
        await book.run("button.on_click(lambda button: print('clicked'))")
        click = {"method": "custom", "content": {"event": "click"}}
        await send(watch, await shown(watch, "ButtonModel"), click)
        await until(lambda: "clicked\n" in streams(), timeout=PATIENCE)
        # What the owner does elsewhere with the same widgets is not of this pane.
        await book.run("slider.value = 77; print('private')")
        await until(lambda: value(watch) == 77, timeout=PATIENCE)
        assert "private" not in streams()


async def test_two_viewers_and_a_page_of_the_owners_end_with_the_same(tmp_path) -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        eve_hub = make_hub(ada.hub.network, tmp_path, "eve")
        async with running(eve_hub):
            await pair(ada.hub, eve_hub)
            eve = PaneWatcher(eve_hub)
            await book.show(SLIDER, [bob.id, eve_hub.node_id])
            bobs = await bob.watcher.open(ada.id, "w")
            eves = await eve.open(ada.id, "w")
            slider = await shown(bobs)
            await shown(eves)
            page = book.client.session.msg
            for number in range(1, 30):
                content = {"method": "update", "state": {"value": 100 + number}}
                await asyncio.gather(
                    turn(bobs, slider, value=200 + number), turn(eves, slider, value=300 + number)
                )
                message = page("comm_msg", {"comm_id": slider, "data": content})
                book.client.shell_channel.send(message)
            # The kernel has taken what its page sent, and what waited for the end of earlier inputs.
            await book.run("final = 'done'")
            inputs = ada.publisher._panes["w"].source.kernel.inputs
            await until(lambda: not inputs and inputs._sent is None, timeout=PATIENCE)
            final = int(await book.tell("slider.value"))
            assert final in (129, 229, 329)
            await until(lambda: value(bobs) == value(eves) == final, timeout=PATIENCE)
            await eve.close()


async def test_a_cut_link_and_a_restarted_kernel_lose_nothing_that_was_seen() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        await book.show(SLIDER, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        await turn(watch, slider, value=3)
        await until(lambda: printed(watch) == "now 3\n", timeout=PATIENCE)
        for number in range(4, 8):
            ada.cut()
            await book.run(f"slider.value = {number}")
            await until(lambda number=number: value(watch) == number, timeout=PATIENCE)
        await until(lambda: watch.info["status"] == "live")
        await turn(watch, slider, value=9)
        expected = "".join(f"now {number}\n" for number in (3, 4, 5, 6, 7, 9))
        await until(lambda: printed(watch) == expected, timeout=PATIENCE)
        await book.manager.restart_kernel(now=True)
        await until(lambda: watch.info["status"] == "ended", timeout=PATIENCE)
        assert value(watch) == 9
        with pytest.raises(PaneEndedError):
            await turn(watch, slider, value=10)
        # Shared again, it begins anew with the widgets of the new kernel.
        await book.client.wait_for_ready(timeout=PATIENCE)
        await book.show(SLIDER, [bob.id])
        await until(lambda: watch.info["status"] == "live", timeout=PATIENCE)
        await until(lambda: (only(watch.state, "IntSliderModel") or [slider])[0] != slider)
        assert value(watch) == 0


async def test_widgets_are_used_over_a_relay_too() -> None:
    async with (
        relay() as url,
        relay_nodes(url, url) as (ada, bob),
        notebook(ada.hub, ada.publisher) as book,
    ):
        await book.show(SLIDER, [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        slider = await shown(watch)
        assert watch.info["path"] == "relay"
        for number in range(1, 101):
            await turn(watch, slider, value=number)
        await until(lambda: printed(watch).endswith("now 100\n"), timeout=PATIENCE)
        await until(lambda: value(watch) == 100, timeout=PATIENCE)
