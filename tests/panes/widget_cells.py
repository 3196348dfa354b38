"""A real kernel whose cells with widgets are shared, and what viewers see of them."""

from __future__ import annotations

import ast
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from jupyter_peer.control.rows.panes import InputParams
from jupyter_peer.hub.hub import PeerHub
from jupyter_peer.panes.kernel.channels.listener import TapMessage
from jupyter_peer.panes.kernel.channels.taps import KernelTaps
from jupyter_peer.panes.owner.publish import PanePublisher, SharePane
from jupyter_peer.panes.state import PaneState
from jupyter_peer.panes.viewer.watch import Watch
from tests.machine.waiting import until
from tests.panes.real_kernels import kernel

Json = dict[str, Any]
KERNEL = "real"
#: Starting a kernel and importing ipywidgets and matplotlib takes long on a busy machine.
PATIENCE = 30.0

SLIDER = """
import ipywidgets as w
from IPython.display import display
slider = w.IntSlider(description="n", max=1000)
out = w.Output()
def changed(change):
    with out:
        print("now", change.new)
slider.observe(changed, "value")
display(w.VBox([slider, out]))
"""


class _Ends:
    """Listens for the ends of cells."""

    def __init__(self) -> None:
        self.cells: set[str] = set()

    def wants(self, msg_type: str, parent_id: str) -> bool:
        return msg_type == "status"

    def on_message(self, message: TapMessage) -> None:
        if message.content["execution_state"] == "idle":
            self.cells.add(message.parent_id)

    def on_end(self, reason: str) -> None: ...


class Notebook:
    """The owner's notebook: runs cells, and shares them."""

    def __init__(self, publisher: PanePublisher, manager: Any, client: Any) -> None:
        self.publisher = publisher
        self.manager = manager
        self.client = client

    async def run(self, code: str) -> str:
        """Run a cell and wait for its end; return its id."""
        return await self.finished(self.send(code))

    def send(self, code: str) -> str:
        """Send a cell to the kernel; return its id."""
        request = self.request(code)
        self.client.shell_channel.send(request)
        return str(request["header"]["msg_id"])

    def request(self, code: str) -> Json:
        """Return a message that runs a cell.

        After an error in a cell that stops on errors a kernel drops the cells that come in the next
        moment, even if they were sent after it had answered.
        """
        content = {"code": code, "stop_on_error": False}
        return dict(self.client.session.msg("execute_request", content))

    async def finished(self, msg_id: str) -> str:
        """Wait for the end of a cell, which must not fail."""
        reply = await self.ended(msg_id)
        assert reply["status"] == "ok", reply
        return msg_id

    async def ended(self, msg_id: str) -> Json:
        """Wait for the end of a cell; return the reply's content."""
        while True:
            reply = await self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == msg_id:
                return dict(reply["content"])

    async def heard(self) -> None:
        """Wait until the node has heard all that the kernel has said so far."""
        ends = _Ends()
        unsubscribe = self.publisher.kernels.tap(KERNEL).subscribe(ends)
        try:
            last = await self.run("pass")
            await until(lambda: last in ends.cells, PATIENCE)
        finally:
            unsubscribe()

    async def tell(self, expression: str) -> str:
        """Return an expression's value as text."""
        told = {"told": f"str({expression})"}
        asked = self.client.execute("", silent=True, user_expressions=told)
        while True:
            reply = await self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"]["msg_id"] == asked:
                data = reply["content"]["user_expressions"]["told"]["data"]
                return str(ast.literal_eval(data["text/plain"]))

    async def show(self, code: str, to: list[str], name: str = "w", grant: str = "interact") -> str:
        """Run a cell whose output is a pane; return its id, without waiting for its end."""
        request = self.request(code)
        msg_id = str(request["header"]["msg_id"])
        await self.publisher.share(
            SharePane(name, "", KERNEL, {"cell": msg_id}), with_=to, grant=grant
        )
        self.client.shell_channel.send(request)
        return msg_id


@contextlib.asynccontextmanager
async def notebook(hub: PeerHub, publisher: PanePublisher) -> AsyncIterator[Notebook]:
    """Yield a notebook with a real kernel, whose panes the node shares."""
    async with kernel() as (manager, client):
        taps = KernelTaps(lambda kernel_id: manager if kernel_id == KERNEL else None)
        publisher.kernels.tap = taps
        try:
            yield Notebook(publisher, manager, client)
        finally:
            taps.close()


def models(state: PaneState, name: str) -> list[tuple[str, Json]]:
    """Return id and state of the pane's models of a name."""
    found = state.widgets.document()["state"]
    return [
        (model_id, model["state"])
        for model_id, model in found.items()
        if model["model_name"] == name
    ]


def only(state: PaneState, name: str) -> tuple[str, Json] | None:
    """Return the one model of a name, None while there is none."""
    found = models(state, name)
    assert len(found) < 2, found
    return found[0] if found else None


def value(watch: Watch, name: str = "IntSliderModel", key: str = "value") -> Any:
    """Return a key of the one model of a name."""
    found = only(watch.state, name)
    return None if found is None else found[1].get(key)


def printed(watch: Watch) -> str:
    """Return the text in the pane's ``Output`` widget."""
    found = only(watch.state, "OutputModel")
    outputs = [] if found is None else found[1]["outputs"]
    return "".join(output.get("text", "") for output in outputs)


async def shown(watch: Watch, name: str = "IntSliderModel") -> str:
    """Wait for a model and return its id."""
    found = await until(lambda: only(watch.state, name), timeout=PATIENCE)
    return found[0]


async def turn(watch: Watch, model_id: str, id: str | None = None, **state: Any) -> None:
    """Set keys of a widget as a viewer does."""
    await send(watch, model_id, {"method": "update", "state": state}, id)


async def send(
    watch: Watch, model_id: str, data: Json, id: str | None = None, buffers: list[str] | None = None
) -> None:
    """Send anything to a widget as a viewer does."""
    message: Json = {"msg_type": "comm_msg", "content": {"comm_id": model_id, "data": data}}
    if buffers:
        message["buffers"] = buffers
    params = msgspec.convert({"watch": 1, "message": message}, InputParams)
    await watch.input(params.message, id or uuid.uuid4().hex)
