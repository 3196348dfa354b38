"""A traceback quotes lines of the owner's source: a pane can be shared without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.machine.waiting import until
from tests.panes.kernel.test_widgets import change, make, view
from tests.panes.widget_cells import PATIENCE, notebook
from tests.peers.nodes import two_nodes

ERROR = {"ename": "ValueError", "evalue": "too large", "traceback": ["----> 1 fit(secret_line)"]}


@pytest.mark.parametrize("tracebacks", [True, False])
async def test_an_error_shows_lines_of_source_unless_the_owner_says_no(tracebacks: bool) -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, tracebacks=tracebacks)
        make(ada.kernel, "out", "OutputModel", outputs=[], msg_id="")
        make(
            ada.kernel, "old", "OutputModel", outputs=[{"output_type": "error", **ERROR}], msg_id=""
        )
        view(ada.kernel, "out")
        view(ada.kernel, "old")
        live = await bob.watcher.open(ada.id, "loss")
        change(ada.kernel, "out", msg_id="cell")
        ada.kernel.say("error", ERROR)
        change(ada.kernel, "out", msg_id="")
        ada.kernel.say("error", ERROR)
        ada.kernel.show("the end")

        def shown() -> str:
            return json.dumps(live.state.held())

        await until(lambda: "the end" in shown())
        await until(lambda: shown().count("too large") >= 3)
        assert ("secret_line" in shown()) is tracebacks
        assert "ValueError" in shown()
        await live.close()
        late = await bob.watcher.open(ada.id, "loss")
        assert ("secret_line" in json.dumps(late.state.held())) is tracebacks


async def test_a_pane_that_is_shared_again_keeps_what_its_owner_chose() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob, tracebacks=False, other_widgets="all")
        await ada.share(tracebacks=None, other_widgets=None)
        assert ada.publisher.mine()[0]["other_widgets"] == "all"
        ada.kernel.say("error", ERROR)
        live = await bob.watcher.open(ada.id, "loss")
        await until(lambda: "too large" in json.dumps(live.state.held()))
        assert "secret_line" not in json.dumps(live.state.held())
        await ada.share(tracebacks=True)
        ada.kernel.say("error", ERROR)
        await until(lambda: "secret_line" in json.dumps(live.state.held()))


async def test_without_tracebacks_a_real_kernel_shows_the_error_alone() -> None:
    async with two_nodes() as (ada, bob), notebook(ada.hub, ada.publisher) as book:
        share: Any = ada.publisher.share

        async def without(pane: Any, **options: Any) -> Any:
            return await share(replace(pane, tracebacks=False), **options)

        book.publisher.share = without  # type: ignore[method-assign]
        await book.show("hidden_name = 1\nraise ValueError('told')  # hidden remark", [bob.id])
        watch = await bob.watcher.open(ada.id, "w")
        await until(lambda: watch.state.outputs.outputs, timeout=PATIENCE)
        (error,) = watch.state.outputs.outputs
        assert error["traceback"] == ["ValueError: told"]
