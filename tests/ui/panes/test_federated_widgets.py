"""Widgets of libraries that only extend JupyterLab, drawn where there is no JupyterLab."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_core.paths import jupyter_path
from playwright.sync_api import Page, expect

from tests.machine.needs import missing, needs_module
from tests.ui.conftest import PageErrors
from tests.ui.framed import STATIC, FramedPane, display

VIEW = "application/vnd.jupyter.widget-view+json"

#: What webpack writes: a container, whose modules lie in a chunk that it would load by its address.
ENTRY = """var _JUPYTERLAB;
(() => {
  const name = "made-for-lab", modules = {}, scope = {};
  const take = ([, found]) => Object.assign(modules, found);
  self.webpackChunkmade = self.webpackChunkmade || [];
  self.webpackChunkmade.forEach(take);
  (_JUPYTERLAB = typeof _JUPYTERLAB === "undefined" ? {} : _JUPYTERLAB)[name] = {
    init: given => { Object.assign(scope, given); },
    get: async module => {
      const [version] = Object.keys(scope["@jupyter-widgets/base"]);
      const base = (await scope["@jupyter-widgets/base"][version].get())();
      const exports = modules[module](base);
      return () => exports;
    },
  };
})();"""
CHUNK = """"use strict";
(self.webpackChunkmade = self.webpackChunkmade || []).push([[1], {
  "./extension": base => {
    class MadeModel extends base.DOMWidgetModel {}
    class MadeView extends base.DOMWidgetView {
      render() { this.el.className = "made"; this.el.textContent = `made with ${this.model.get("value")}`; }
    }
    const activate = (app, registry) => registry.registerWidget({
      name: "made-for-lab", version: "1.0.0", exports: async () => ({ MadeModel, MadeView }),
    });
    return { default: { id: "made", requires: [base.IJupyterWidgetRegistry], autoStart: true, activate } };
  },
  "./style": () => {
    document.head.append(Object.assign(document.createElement("style"), { textContent: ".made { color: rgb(1, 2, 3) }" }));
    return {};
  },
}]);"""


@pytest.fixture(autouse=True)
def built() -> None:
    if not (STATIC / "widgets.js.gz").exists():
        missing("the page for panes was not built: make package")


def model(name: str, module: str, **state: Any) -> dict[str, Any]:
    whole = {
        "_model_name": f"{name}Model",
        "_model_module": module,
        "_view_name": f"{name}View",
        "_view_module": module,
    } | state
    facts = {"model_name": f"{name}Model", "model_module": module, "model_module_version": "1.0.0"}
    return facts | {"state": whole}


def test_an_extension_is_drawn_from_its_chunks_with_the_packages_of_the_page(
    page: Page, tmp_path: Path
) -> None:
    code = tmp_path / "made-for-lab" / "static"
    code.mkdir(parents=True)
    build = {"load": "static/remoteEntry.1.js", "extension": "./extension", "style": "./style"}
    (code.parent / "package.json").write_text(json.dumps({"jupyterlab": {"_build": build}}))
    (code / "remoteEntry.1.js").write_text(ENTRY)
    (code / "1.js").write_text(CHUNK)
    pane = FramedPane(page, folders=[tmp_path])
    pane.show(
        [display({VIEW: {"model_id": "a"}, "text/plain": "Made()"})],
        widgets={"state": {"a": model("Made", "made-for-lab", value=7)}},
    )
    made = pane.inside.get_by_text("made with 7")
    expect(made).to_be_visible()
    expect(made).to_have_css("color", "rgb(1, 2, 3)")
    assert pane.asked == ["widgets", "made-for-lab"]


def circles() -> Any:
    import bqplot

    x, y = bqplot.LinearScale(), bqplot.LinearScale()
    bars = bqplot.Bars(x=[1, 2, 3], y=[2, 3, 1], scales={"x": x, "y": y})
    return bqplot.Figure(marks=[bars], axes=[bqplot.Axis(scale=x)])


def chart() -> Any:
    import ipyleaflet

    circle = ipyleaflet.Circle(location=(52, 10), radius=90000, color="red")
    return ipyleaflet.Map(layers=[circle], center=(52, 10), zoom=6)


#: A widget with code of its own, which begins when it is told to.
SLOW = """export default {
  async initialize({ model }) { await new Promise(go => { window[model.get("called")] = go; }); },
  render({ model, el }) {
    const show = () => { el.textContent = `${model.get("called")} is at ${model.get("at")}`; };
    model.on("change:at", show);
    show();
  },
};"""
#: What waits for a time waits for none.
IMPATIENT = """() => {
  AbortSignal.timeout = () => {
    const controller = new AbortController();
    setTimeout(() => { controller.abort(); window.isOver = true; });
    return controller.signal;
  };
}"""


def test_a_widget_that_begins_slowly_misses_nothing_and_one_that_ends_before_is_no_failure(
    page: Page,
) -> None:
    pane = FramedPane(page)
    inside = pane.inside
    inside.evaluate(IMPATIENT)

    def slow(name: str) -> dict[str, Any]:
        return model("Any", "anywidget", _esm=SLOW, _anywidget_id="slow", called=name, at=1)

    outputs = [display({VIEW: {"model_id": "a"}, "text/plain": "Slow()"})]
    both = {"a": slow("slow"), "b": slow("ending")}
    pane.show(outputs, widgets={"state": both})
    inside.wait_for_function("window.slow && window.ending && window.isOver")
    update = {"method": "update", "state": {"at": 7}}
    said = {"msg_type": "comm_msg", "content": {"comm_id": "a", "data": update}}
    closed = {"msg_type": "comm_close", "content": {"comm_id": "b", "data": {}}}
    pane.step({"epoch": "0" * 16, "rev": 2, "messages": [said, closed]})
    inside.evaluate("() => { window.slow(); window.ending(); }")
    expect(inside.get_by_text("slow is at 7")).to_be_visible()
    expect(inside.locator(".note")).to_have_count(0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # as the libraries are imported
@pytest.mark.parametrize(
    ("library", "make", "seen"),
    [("bqplot", circles, ".bqplot .bar"), ("ipyleaflet", chart, ".leaflet-container path")],
)
def test_real_extensions_of_jupyterlab_are_drawn_without_their_bundles(
    page: Page, page_errors: PageErrors, library: str, make: Any, seen: str
) -> None:
    needs_module(library)
    embed = importlib.import_module("ipywidgets.embed")
    widget = make()
    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    pane = FramedPane(page, folders=folders)
    pane.show(
        [display({VIEW: {"model_id": widget.model_id}, "text/plain": library})],
        widgets={"state": embed.dependency_state([widget], drop_defaults=False)},
    )
    expect(pane.inside.locator(seen).first).to_be_visible(timeout=30_000)
    page_errors.allow()


def test_every_widget_of_ipywidgets_is_drawn(page: Page, page_errors: PageErrors) -> None:
    needs_module("ipywidgets")
    import ipywidgets

    embed = importlib.import_module("ipywidgets.embed")
    needed: dict[str, dict[str, Any]] = {
        "GridspecLayout": {"n_rows": 1, "n_columns": 1},
        "SelectionSlider": {"options": ["a", "b"]},
        "SelectionRangeSlider": {"options": ["a", "b"]},
    }
    classes = {
        name: each
        for name, each in sorted(vars(ipywidgets).items())
        if isinstance(each, type)
        and issubclass(each, ipywidgets.DOMWidget)
        and name != "interactive"
    }
    made = [each(**needed.get(name, {})) for name, each in classes.items()]
    widgets = [each for each in made if getattr(each, "_view_name", None)]
    box = ipywidgets.VBox(widgets)
    pane = FramedPane(page)
    pane.show(
        [display({VIEW: {"model_id": box.model_id}, "text/plain": "all"})],
        widgets={"state": embed.dependency_state([box], drop_defaults=False)},
    )
    expect(pane.inside.locator(".peer-widget > .widget-vbox > *")).to_have_count(
        len(widgets), timeout=30_000
    )
    assert len(widgets) > 50
    expect(pane.inside.get_by_text("error")).to_have_count(0)
    expect(pane.inside.locator(".note")).to_have_count(0)
    # A sound or a film without content.
    page_errors[:] = [each for each in page_errors if "RANGE_NOT_SATISFIABLE" not in each]
