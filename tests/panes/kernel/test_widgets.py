"""Which widgets a pane has, with a kernel that tests play."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from jupyter_peer.document.widgets import VIEW_MIME
from jupyter_peer.panes.kernel import comms as comms_module
from jupyter_peer.panes.kernel.kernel_widgets import KernelWidgets
from jupyter_peer.panes.kernel.source import PaneSource
from jupyter_peer.panes.owner import widgets as pane_widgets
from jupyter_peer.panes.state import PaneCursor
from jupyter_peer.wire.payloads.panes import check_messages
from tests.machine.waiting import until
from tests.panes.kernels import FakeTap
from tests.panes.messages import json_values
from tests.peers.nodes import texts, two_nodes

Json = dict[str, Any]


class Pane:
    """One pane of a played kernel, without a node around it."""

    def __init__(self, source: Json | None = None) -> None:
        self.kernel = FakeTap()
        self.widgets = KernelWidgets(self.kernel)
        self.source = PaneSource(
            source or {"cell": "cell"}, self.widgets, lambda: None, lambda: None
        )
        self.detach = self.widgets.attach(self.source.widgets)
        self.kernel.subscribe(self.source)

    @property
    def models(self) -> Json:
        return {
            model_id: model["state"]
            for model_id, model in self.source.state.widgets.document()["state"].items()
        }

    @property
    def texts(self) -> list[str]:
        return [
            output.get("text") or output["data"]["text/plain"]
            for output in self.source.state.outputs.outputs
        ]


def make(kernel: FakeTap, model_id: str, name: str = "IntSliderModel", **state: Any) -> None:
    """Let the kernel make a widget."""
    paths = [[key] for key, value in state.items() if isinstance(value, bytes)]
    kept = {key: value for key, value in state.items() if not isinstance(value, bytes)}
    module = "@jupyter-widgets/" + ("output" if name == "OutputModel" else "controls")
    kernel.say(
        "comm_open",
        {
            "comm_id": model_id,
            "target_name": "jupyter.widget",
            "data": {
                "state": {"_model_name": name, "_model_module": module, **kept},
                "buffer_paths": paths,
            },
        },
        buffers=[value for value in state.values() if isinstance(value, bytes)],
    )


def change(kernel: FakeTap, model_id: str, parent: str = "x", echo: bool = False, **state: Any):
    """Let the kernel change a widget."""
    method = "echo_update" if echo else "update"
    data = {"method": method, "state": state, "buffer_paths": []}
    kernel.say("comm_msg", {"comm_id": model_id, "data": data}, parent)


def view(kernel: FakeTap, model_id: str, parent: str = "cell", **more: Any) -> None:
    """Let the kernel show a widget."""
    data = {"text/plain": f"<{model_id}>", VIEW_MIME: {"model_id": model_id}}
    kernel.say("display_data", {"data": data, "metadata": {}, **more}, parent)


def test_a_pane_has_what_it_shows_and_all_that_refers_to() -> None:
    pane = Pane()
    make(pane.kernel, "layout", "LayoutModel")
    make(pane.kernel, "slider", layout="IPY_MODEL_layout", value=3)
    make(pane.kernel, "other")
    make(pane.kernel, "box", "VBoxModel", children=["IPY_MODEL_slider"])
    assert pane.models == {}
    view(pane.kernel, "box")
    # Whatever is referred to comes first, and all before the output that shows it.
    assert list(pane.models) == ["layout", "slider", "box"]
    messages = pane.source.state.held()[1]["messages"]
    assert [message["msg_type"] for message in messages] == ["comm_open"] * 3 + ["display_data"]
    # What is put in later comes in, and what is taken out goes.
    change(pane.kernel, "box", children=["IPY_MODEL_other"])
    assert set(pane.models) == {"other", "box"}
    pane.kernel.say("clear_output", {"wait": False})
    assert pane.models == {}


def test_what_is_typed_or_uploaded_for_the_kernel_is_not_shown() -> None:
    pane = Pane()
    make(pane.kernel, "password", "PasswordModel", value="secret one", description="p")
    file = {"name": "salaries.csv", "content": None}
    make(pane.kernel, "upload", "FileUploadModel", value=[file])
    for name in ("password", "upload"):
        view(pane.kernel, name)
    change(pane.kernel, "password", value="secret two", description="q")
    data = {"method": "update", "state": {"value": [file]}}
    data["buffer_paths"] = [["value", 0, "content"]]
    pane.kernel.say("comm_msg", {"comm_id": "upload", "data": data}, "x", [b"secret three"])
    shown = str(pane.source.state.held())
    assert "secret" not in shown
    assert "salaries" not in shown
    assert "c2VjcmV0" not in shown
    assert pane.models["password"]["description"] == "q"
    assert pane.models["password"]["value"] == ""
    assert pane.models["upload"]["value"] == []


def test_links_belong_to_the_pane_that_has_both_ends() -> None:
    pane = Pane()
    for name in ("a", "b", "c"):
        make(pane.kernel, name)
    for name, ends in (("ab", "ab"), ("ac", "ac")):
        source, target = ([f"IPY_MODEL_{end}", "value"] for end in ends)
        make(pane.kernel, name, "LinkModel", source=source, target=target)
    view(pane.kernel, "a")
    view(pane.kernel, "b")
    assert set(pane.models) == {"a", "b", "ab"}


def test_a_closed_widget_is_gone_and_is_not_asked_for() -> None:
    pane = Pane()
    make(pane.kernel, "slider")
    view(pane.kernel, "slider")
    pane.kernel.say("comm_close", {"comm_id": "slider", "data": {}})
    assert pane.models == {}
    assert pane.kernel.sent == []
    make(pane.kernel, "slider", value=4)
    assert pane.models["slider"]["value"] == 4


def test_a_widget_made_before_is_asked_for() -> None:
    pane = Pane()
    view(pane.kernel, "box")
    asked = pane.kernel.sent
    assert [message.msg_type for message in asked] == ["comm_open", "comm_msg"]
    assert asked[1].content["data"] == {"method": "request_states"}
    states = {
        "box": {"model_name": "VBoxModel", "state": {"children": ["IPY_MODEL_i"]}},
        "i": {"model_name": "ImageModel", "state": {"_model_name": "ImageModel"}},
        "nobody's": {"state": {}},
        "broken": None,
    }
    data = {"method": "update_states", "states": states, "buffer_paths": [["i", "state", "value"]]}
    answer = {"comm_id": asked[0].content["comm_id"], "data": data}
    pane.kernel.say("comm_msg", answer, asked[1].msg_id, buffers=[b"\1\2\3"])
    pane.kernel.idle(asked[1].msg_id)
    assert set(pane.models) == {"box", "i"}
    document = pane.source.state.widgets.document()
    assert document["state"]["i"]["buffers"][0]["data"] == "AQID"
    assert pane.kernel.sent[-1].msg_type == "comm_close"


def test_a_kernel_that_has_no_such_widget_is_asked_once() -> None:
    pane = Pane()
    view(pane.kernel, "gone")
    for _ in range(4):
        for message in list(pane.kernel.sent):
            pane.kernel.idle(message.msg_id)
    asked = [message for message in pane.kernel.sent if message.content["comm_id"] == "gone"]
    assert [message.content["data"]["method"] for message in asked] == ["request_state"]
    before = len(pane.kernel.sent)
    view(pane.kernel, "gone")
    make(pane.kernel, "else")
    assert len(pane.kernel.sent) == before
    assert pane.texts == ["<gone>", "<gone>"]


async def test_an_output_widget_captures_what_belongs_to_it() -> None:
    pane = Pane()
    make(pane.kernel, "out", "OutputModel", outputs=[], msg_id="")
    view(pane.kernel, "out")

    def captured() -> list[Any]:
        return [
            output.get("text") or output["data"]["text/plain"]
            for output in pane.models["out"]["outputs"]
        ]

    change(pane.kernel, "out", msg_id="cell")
    pane.kernel.write("in")
    pane.kernel.show("shown", "d")
    change(pane.kernel, "out", msg_id="")
    pane.kernel.write("outside")
    assert pane.texts == ["<out>", "outside"]
    await until(lambda: captured() == ["in", "shown"])
    # That a page has captured the same is no news, and what it captures late does no harm.
    change(pane.kernel, "out", echo=True, outputs=[])
    assert captured() == ["in", "shown"]
    display = {"data": {"text/plain": "new"}, "metadata": {}, "transient": {"display_id": "d"}}
    pane.kernel.say("update_display_data", display, "elsewhere")
    await until(lambda: captured() == ["in", "new"])
    pane.kernel.show("newer", "d", "elsewhere")
    await until(lambda: captured() == ["in", "newer"])
    change(pane.kernel, "out", outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}])
    assert captured() == ["x"]
    # The id of the owner's message is no business of viewers.
    assert pane.models["out"]["msg_id"] == ""
    # A widget shown in it belongs to the pane.
    make(pane.kernel, "inner")
    change(pane.kernel, "out", msg_id="cell")
    view(pane.kernel, "inner")
    await until(lambda: "inner" in pane.models)


async def test_the_newest_capture_counts_and_the_one_before_goes_on_after_it() -> None:
    pane = Pane()
    for name in ("one", "two"):
        make(pane.kernel, name, "OutputModel", outputs=[], msg_id="")
        view(pane.kernel, name)
    change(pane.kernel, "one", msg_id="cell")
    change(pane.kernel, "two", msg_id="cell")
    pane.kernel.write("2")
    change(pane.kernel, "two", msg_id="")
    pane.kernel.write("1")
    await until(lambda: pane.models["one"]["outputs"] and pane.models["two"]["outputs"])
    assert pane.models["one"]["outputs"][0]["text"] == "1"
    assert pane.models["two"]["outputs"][0]["text"] == "2"


def test_widgets_that_are_too_large_are_left_out_and_the_pane_goes_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(pane_widgets, "MAX_WEIGHT", 10_000)
    pane = Pane()
    make(pane.kernel, "slider", value=3)
    view(pane.kernel, "slider")
    change(pane.kernel, "slider", value="x" * 20_000)
    assert pane.models == {}
    assert pane.texts[0] == "<slider>"
    assert pane.texts[1].startswith("[left out: the widgets")
    change(pane.kernel, "slider", value="y" * 20_000)
    pane.kernel.write("on")
    assert len(pane.texts) == 3
    # What is shown next may fit.
    make(pane.kernel, "small", value=1)
    pane.kernel.say("clear_output", {"wait": True})
    view(pane.kernel, "small")
    assert set(pane.models) == {"small"}
    # A large value in place of a large one fits.
    for letter in "abc":
        change(pane.kernel, "small", value=letter * 7_000)
    assert pane.models["small"]["value"] == "c" * 7_000
    # And so does a large widget in place of one.
    make(pane.kernel, "next", value="d" * 7_000)
    pane.kernel.say("clear_output", {"wait": True})
    view(pane.kernel, "next")
    assert set(pane.models) == {"next"}
    assert pane.texts == ["<next>"]


def test_too_many_models_are_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(pane_widgets, "MAX_MODELS", 10)
    pane = Pane()
    for number in range(10):
        make(pane.kernel, f"m{number}")
    make(pane.kernel, "box", children=[f"IPY_MODEL_m{number}" for number in range(10)])
    view(pane.kernel, "box")
    assert pane.models == {}
    assert "[left out: the widgets" in pane.texts[0]


def test_widgets_no_pane_has_are_forgotten_before_they_are_too_many(monkeypatch: Any) -> None:
    from jupyter_peer.panes.kernel import kernel_widgets

    monkeypatch.setattr(kernel_widgets, "MAX_MODELS", 100)
    pane = Pane()
    make(pane.kernel, "kept", value=1)
    view(pane.kernel, "kept")
    for number in range(1_000):
        make(pane.kernel, f"m{number}", "OutputModel", outputs=[], msg_id="")
    assert len(pane.widgets._models) <= 101
    assert len(pane.widgets.captures._lists) <= 101
    assert set(pane.models) == {"kept"}
    # One that was forgotten is asked for when it is shown.
    view(pane.kernel, "m0")
    assert pane.kernel.sent[-1].content["data"] == {"method": "request_states"}


def test_circles_of_references_end() -> None:
    pane = Pane()
    make(pane.kernel, "a", to="IPY_MODEL_b")
    make(pane.kernel, "b", to=["IPY_MODEL_a", "IPY_MODEL_b"])
    view(pane.kernel, "a")
    assert set(pane.models) == {"a", "b"}


def test_a_shared_display_has_widgets_too() -> None:
    pane = Pane({"display": "d"})
    make(pane.kernel, "a")
    make(pane.kernel, "b")
    shown = {"transient": {"display_id": "d"}}
    view(pane.kernel, "a", "any", **shown)
    assert set(pane.models) == {"a"}
    view(pane.kernel, "b", "any", **shown)
    assert set(pane.models) == {"b"}
    assert pane.texts == ["<b>"]


def test_when_the_last_pane_is_gone_nothing_is_kept_or_listened_to() -> None:
    pane = Pane()
    make(pane.kernel, "a")
    pane.detach()
    pane.detach()
    assert [type(each) for each in pane.kernel.listeners] == [PaneSource]
    assert pane.widgets.get("a") is None


async def test_a_peer_that_knows_no_widgets_gets_outputs_alone() -> None:
    async with two_nodes() as (ada, bob):
        ada.hub._peers.get(bob.id).record.capabilities.remove("pane-widgets")
        await ada.share(to=bob)
        make(ada.kernel, "early")
        view(ada.kernel, "early")
        watch = await bob.watcher.open(ada.id, "loss")
        make(ada.kernel, "late")
        view(ada.kernel, "late")
        await until(lambda: texts(watch) == ["<early>", "<late>"])
        change(ada.kernel, "late", value=1)
        await until(lambda: watch.state.rev == ada.publisher.mine()[0]["rev"])
        assert len(watch.state.widgets) == 0
        assert watch.info["status"] == "live"


async def test_large_buffers_are_sent_once_a_link() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        picture = b"\1" * 300_000
        make(ada.kernel, "one", "ImageModel", value=picture)
        make(ada.kernel, "two", "ImageModel", value=picture)
        view(ada.kernel, "one")
        watch = await bob.watcher.open(ada.id, "loss")
        view(ada.kernel, "two")
        await until(lambda: "two" in watch.state.widgets)
        sent = ada.hub.metrics()[bob.id]["bytes_out"]
        assert 400_000 < sent < 600_000
        models = watch.state.widgets.document()["state"]
        assert models["one"]["buffers"] == models["two"]["buffers"]


async def test_an_owner_that_sends_models_without_end_is_not_followed() -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        watch = await bob.watcher.open(ada.id, "loss")
        epoch = watch.state.epoch
        for step in range(100):
            opened = [
                {
                    "msg_type": "comm_open",
                    "content": {"comm_id": f"{step}-{n}", "data": {"state": {"v": n}}},
                }
                for n in range(50)
            ]
            update = {"pane": "loss", "epoch": epoch, "prev": step, "rev": step + 1}
            ada.hub.send(bob.id, "pane_update", update | {"messages": opened}, stream="pane/loss")
            await until(lambda: not ada.hub.queued(bob.id))
        await until(lambda: watch.info["status"] == "withdrawn", timeout=20)
        assert len(watch.state.widgets) == 0
        assert await bob.hub.ping(ada.id) < 5


@pytest.mark.parametrize(
    "widgets",
    [
        {"state": {"m": {}}},
        {"state": []},
        {"version_major": 3},
        {"state": {"m": {"model_name": 1}}},
        {"state": {"m" * 300: {}}},
    ],
)
async def test_an_owner_whose_widgets_are_rubbish_is_asked_anew(widgets: Json) -> None:
    async with two_nodes() as (ada, bob):
        await ada.share(to=bob)
        ada.kernel.write("before")
        watch = await bob.watcher.open(ada.id, "loss")
        step = {"pane": "loss", "epoch": watch.state.epoch, "rev": 99, "outputs": []}
        ada.hub.send(bob.id, "pane_update", step | {"widgets": widgets}, stream="pane/loss")
        ada.kernel.write("after")
        await until(lambda: texts(watch) == ["beforeafter"])
        assert watch.info["status"] == "live"


@given(
    st.sampled_from(["comm_open", "comm_msg", "comm_close", "status"]),
    st.dictionaries(
        st.sampled_from(["comm_id", "target_name", "data", "x"]),
        json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "method": st.sampled_from(["update", "echo_update", "custom", "update_states"]),
                "state": json_values | st.dictionaries(st.text(max_size=3), json_values),
                "states": json_values
                | st.dictionaries(
                    st.text(max_size=3), st.fixed_dictionaries({"state": json_values})
                ),
                "buffer_paths": json_values
                | st.lists(st.lists(st.text(max_size=3) | st.integers(), max_size=3)),
                "content": json_values,
            },
        ),
    ).map(lambda content: {"comm_id": "m", "target_name": "jupyter.widget"} | content),
    st.lists(st.binary(max_size=4), max_size=3),
)
def test_whatever_a_kernel_says_of_widgets_becomes_what_peers_accept(
    msg_type: str, content: Json, buffers: list[bytes]
) -> None:
    told = comms_module.read(msg_type, content, buffers)
    pane = Pane()
    make(pane.kernel, "m")
    view(pane.kernel, "m")
    pane.kernel.say(msg_type, content, "cell", buffers)
    delta = PaneCursor(pane.source.state, epoch=pane.source.state.epoch, rev=0).next()
    assert delta is not None
    if delta.messages is not None:
        assert check_messages(delta.messages)
    if told is not None and msg_type in ("comm_open", "comm_close"):
        check_messages([{"msg_type": msg_type, "content": told[0], "buffers": told[1]}])


@pytest.mark.parametrize("depth", [45, 3000])
def test_states_that_are_too_deep_are_left_out(depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    pane = Pane()
    make(pane.kernel, "m", value=deep, other=1)
    view(pane.kernel, "m")
    assert pane.models["m"]["value"] is None
    assert pane.models["m"]["other"] == 1
