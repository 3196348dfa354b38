"""Widgets of a peer's pane from Python."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.document.widgets import VIEW_MIME
from jupyter_peer.errors import BadRequestError, NotConnectedError, NotGrantedError
from jupyter_peer.server_client.client import Client
from tests.machine.waiting import until_sync
from tests.server_client.fake_server import FakeServer, state

Json = dict[str, Any]


def model(**values: Any) -> Json:
    return {
        "model_name": "IntSliderModel",
        "model_module": "m",
        "model_module_version": "",
        "state": {"_model_name": "IntSliderModel", "_model_module": "m", **values},
    }


WIDGETS: Json = {
    "version_major": 2,
    "version_minor": 0,
    "state": {
        "s1": model(description="rate", value=1),
        "b1": model(description="Run"),
        "b2": model(description="Run"),
        "x": model(),
    },
}


@pytest.fixture(autouse=True)
def widgets(server: FakeServer) -> None:
    server.answers["open"] = {
        "watch": 7,
        "info": {"status": "live"},
        "state": state() | {"widgets": WIDGETS},
    }
    server.answers["input"] = {}


def message(model_id: str, data: Json, buffers: list[str] | None = None) -> Json:
    told: Json = {"msg_type": "comm_msg", "content": {"comm_id": model_id, "data": data}}
    return told if buffers is None else told | {"buffers": buffers}


def update(buffers: tuple[str, ...] = (), paths: tuple[Any, ...] = (), **values: Any) -> Json:
    data = {"method": "update", "state": values, "buffer_paths": list(paths)}
    return message("s1", data, list(buffers))


def test_a_view_has_the_widgets_and_what_becomes_of_them(
    client: Client, server: FakeServer
) -> None:
    # A view that is opened before the socket is up is opened once more when it is.
    client.ready()
    view = client.open("bob/loss")
    assert view.widgets == WIDGETS
    view.widgets["state"].clear()
    server.push(
        "pane",
        {"watch": 7, "prev": 0, "rev": 1, "epoch": "0" * 16, "messages": [update(value=2)]},
    )
    assert view.wait_for_update(timeout=5)
    assert view.widgets["state"]["s1"]["state"]["value"] == 2
    assert view.widgets["state"]["s1"]["state"]["description"] == "rate"
    assert view.outputs == []
    until_sync(lambda: server.ops().count("ack") == 1)
    server.push("pane", {"watch": 7, "rev": 2, "epoch": "0" * 16, "outputs": [], "widgets": {}})
    assert view.wait_for_update(timeout=5)
    assert view.widgets["state"] == {}


def test_a_widget_is_set_by_its_description_or_its_id(client: Client, server: FakeServer) -> None:
    view = client.open("bob/loss")
    view.set("rate", value=5, min=0)
    view.set("s1", value=b"\1\2\3", min=1)
    view.send("s1", {"value": 6})
    view.click("b2")
    view.say("x", {"any": "thing"})
    asked = [params for op, params in server.asked if op == "input"]
    assert all(params["watch"] == 7 for params in asked)
    assert [params["message"] for params in asked] == [
        update(value=5, min=0),
        update(buffers=("AQID",), paths=(["value"],), min=1),
        update(value=6),
        message("b2", {"method": "custom", "content": {"event": "click"}}),
        message("x", {"method": "custom", "content": {"any": "thing"}}),
    ]


def test_a_widget_that_is_not_there_or_not_alone_is_refused_with_what_there_is(
    client: Client, server: FakeServer
) -> None:
    view = client.open("bob/loss")
    with pytest.raises(BadRequestError) as caught:
        view.set("speed", value=1)
    assert "Run, rate" in caught.value.hint
    with pytest.raises(BadRequestError) as caught:
        view.click("Run")
    assert "b1, b2" in caught.value.hint
    assert "input" not in server.ops()


def test_why_the_owner_takes_nothing_is_said(client: Client, server: FakeServer) -> None:
    server.answers["input"] = NotGrantedError("the pane is shared with you to view")
    view = client.open("bob/loss")
    with pytest.raises(NotGrantedError, match="to view"):
        view.set("rate", value=1)
    view.close()
    with pytest.raises(NotConnectedError):
        view.set("rate", value=1)


def _of(name: str, **values: Any) -> Json:
    return model(**values) | {"state": {"_model_name": name, **values}}


def test_a_view_shows_what_its_widgets_capture_and_their_pictures(
    client: Client, server: FakeServer
) -> None:
    captured = [{"output_type": "stream", "name": "stdout", "text": "now <7>"}, "rubbish", {}]
    picture = {"path": ["value"], "encoding": "base64", "data": "AQID"}
    models = {
        "box": _of("VBoxModel", children=["IPY_MODEL_out", "IPY_MODEL_box", 3, "IPY_MODEL_image"]),
        "out": _of("OutputModel", outputs=captured),
        "image": _of("ImageModel", format="png") | {"buffers": [picture]},
        "hidden": _of("OutputModel", outputs=[{"output_type": "stream", "text": "elsewhere"}]),
    }
    data = {"text/plain": "VBox()", VIEW_MIME: {"model_id": "box"}}
    shown = {"output_type": "display_data", "data": data, "metadata": {}}
    server.answers["open"] = {
        "watch": 7,
        "info": {"status": "live"},
        "state": state(shown) | {"widgets": {"state": models}},
    }
    view = client.open("bob/loss")
    bundle = view._repr_mimebundle_()
    assert "now &lt;7&gt;" in bundle["text/html"]
    assert "data:image/png;base64,AQID" in bundle["text/html"]
    assert "now <7>" in bundle["text/plain"]
    assert "elsewhere" not in bundle["text/plain"] + bundle["text/html"]
    assert view.outputs == [shown]


async def test_the_twin_has_the_same_as_coroutines(client: Client, server: FakeServer) -> None:
    view = await client.aio.open("bob/loss")
    await view.set("rate", value=5)
    await view.click("b1")
    await view.close()
    assert server.ops().count("input") == 2
