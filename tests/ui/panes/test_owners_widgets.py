"""Widgets of many libraries, drawn by the code that their owner has installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.machine.needs import needs_module
from tests.machine.waiting import until_sync
from tests.ui.conftest import PageErrors
from tests.ui.kernels import Kernel, running_kernel
from tests.ui.lab import Lab
from tests.ui.panes.test_panes import content, open_tab

IPYMPL = """%%peer share ipympl --with bob --grant interact
%matplotlib ipympl
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(4, 3))
line, = ax.plot([1, 3, 2])
plt.show()"""

BQPLOT = """%%peer share bqplot --with bob --grant interact
import bqplot, numpy as np
x, y = bqplot.LinearScale(), bqplot.LinearScale()
bars = bqplot.Bars(x=[1, 2, 3], y=[2, 3, 1], scales={"x": x, "y": y})
axes = [bqplot.Axis(scale=x), bqplot.Axis(scale=y, orientation="vertical")]
bqplot.Figure(marks=[bars], axes=axes, title="bars")"""

IPYCANVAS = """%%peer share ipycanvas --with bob
import ipycanvas
canvas = ipycanvas.Canvas(width=200, height=100)
canvas.fill_style = "red"
canvas.fill_rect(20, 20, 50, 50)
canvas"""

IPYLEAFLET = """%%peer share ipyleaflet --with bob --grant interact
import ipyleaflet
chart = ipyleaflet.Map(center=(52, 10), zoom=5)
chart.add(ipyleaflet.Circle(location=(52, 10), radius=90000, color="red"))
chart"""

IPYDATAGRID = """%%peer share ipydatagrid --with bob --grant interact
import ipydatagrid, pandas as pd
grid = ipydatagrid.DataGrid(pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")}))
grid"""

BOKEH = """%%peer share jupyter_bokeh --with bob --grant interact
from bokeh.plotting import figure
from bokeh.io import output_notebook
from bokeh.resources import INLINE
from jupyter_bokeh import BokehModel
output_notebook(INLINE)
plot = figure(height=200, width=300)
plot.line([1, 2, 3], [3, 1, 2])
BokehModel(plot)"""

FIGURE = """%%peer share plotly --with bob --grant interact
import plotly.graph_objects as go
fw = go.FigureWidget(go.Bar(x=list("abc"), y=[2, 3, 1]), layout=dict(height=260, title="bars"))
fw"""


@pytest.fixture(scope="module")
def kernel(ada: Lab, bob: Lab) -> Iterator[Kernel]:
    with running_kernel(ada) as kernel:
        yield kernel


WIDGETS = {
    "ipympl": (IPYMPL, ".jupyter-matplotlib canvas >> nth=0"),
    "bqplot": (BQPLOT, ".bqplot .bar >> nth=0"),
    "ipycanvas": (IPYCANVAS, "canvas"),
    "ipyleaflet": (IPYLEAFLET, ".leaflet-container path"),
    "ipydatagrid": (IPYDATAGRID, ".lm-DataGrid canvas >> nth=0"),
    "jupyter_bokeh": (BOKEH, ".bk-Figure"),
    "plotly": (FIGURE, ".main-svg >> nth=0"),
}
#: A blocked tile of a map is an error to the browser.
BLOCKED = "Content Security Policy"


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_is_drawn_by_the_code_that_its_owner_has_installed(
    bob: Lab,
    kernel: Kernel,
    open_lab: Callable[..., Page],
    shoot: Callable[..., None],
    page_errors: PageErrors,
    name: str,
) -> None:
    needs_module(name)
    cell, seen = WIDGETS[name]
    kernel.run(cell)
    inside = content(open_tab(open_lab(bob), bob, name))
    expect(inside.locator(seen).first).to_be_visible(timeout=30_000)
    expect(inside.locator("#pane .note")).to_have_count(0)
    shoot(name)
    page_errors[:] = [each for each in page_errors if BLOCKED not in each]


def test_a_canvas_shows_what_was_drawn_before_and_after_it_was_shown(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    needs_module("ipycanvas")
    kernel.run(IPYCANVAS.replace("share ipycanvas", "share drawing"))
    inside = content(open_tab(open_lab(bob), bob, "drawing"))
    colour = "node => [...node.getContext('2d').getImageData(30, 30, 1, 1).data].join()"
    canvas = inside.locator("canvas")
    expect(canvas).to_be_visible(timeout=30_000)
    until_sync(lambda: canvas.evaluate(colour) == "255,0,0,255")
    kernel.run("canvas.fill_style = 'blue'; canvas.fill_rect(20, 20, 50, 50)")
    until_sync(lambda: canvas.evaluate(colour) == "0,0,255,255")


def test_a_plot_of_matplotlib_follows_its_owner_and_who_may_use_it(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    needs_module("ipympl")
    kernel.run(IPYMPL.replace("share ipympl", "share plot"))
    page = open_lab(bob)
    inside = content(open_tab(page, bob, "plot"))
    canvas = inside.locator(".jupyter-matplotlib canvas").first
    expect(canvas).to_be_visible(timeout=30_000)
    picture = "node => node.toDataURL()"
    until_sync(lambda: len(canvas.evaluate(picture)) > 5000)
    before = canvas.evaluate(picture)
    kernel.run("line.set_ydata([3, 1, 3]); fig.canvas.draw_idle()")
    until_sync(lambda: canvas.evaluate(picture) != before, timeout=20)
    kernel.run("pressed = []; fig.canvas.mpl_connect('button_press_event', pressed.append)")
    canvas.click(force=True)
    for _ in range(20):
        kernel.run("import time; time.sleep(0.1)")
    kernel.run("assert pressed")


def test_a_figure_of_plotly_is_drawn_as_its_owner_changed_it_live_and_late(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page]
) -> None:
    needs_module("plotly")
    kernel.run(FIGURE.replace("share plotly", "share figure"))
    page = open_lab(bob)
    view = open_tab(page, bob, "figure")
    title = content(view).locator(".gtitle")
    expect(title).to_have_text("bars", timeout=30_000)
    kernel.run(
        "with fw.batch_update():\n    fw.data[0].y = [5, 1, 4]; fw.layout.title.text = 'updated'"
    )
    bars = "nodes => nodes.map(node => Math.round(node.getBBox().height / 10))"
    expect(title).to_have_text("updated", timeout=30_000)

    def drawn(inside: FrameLocator) -> bool:
        heights = inside.locator(".bars .point path").evaluate_all(bars)
        return len(heights) == 3 and bool(heights[0] > heights[2] > heights[1])

    # The title may be drawn before the bars.
    until_sync(lambda: drawn(content(view)))
    page.evaluate("window.jupyterapp.commands.execute('application:close')")
    expect(view).to_have_count(0)
    late = content(open_tab(page, bob, "figure"))
    expect(late.locator(".gtitle")).to_have_text("updated", timeout=30_000)
    until_sync(lambda: drawn(late))
    expect(late.locator(".note")).to_have_count(0)


# As altair writes it: one script after the other, and the chart when all are there.
CHART = """<div class="chart"></div><script>
const chart = document.currentScript.previousElementSibling;
const load = name => new Promise((resolve, reject) => {
  const script = document.createElement('script');
  Object.assign(script, { src: `https://cdn.jsdelivr.net/npm/${name}`, onload: resolve, onerror: reject });
  document.head.append(script);
});
const spec = { mark: 'bar', data: { values: [{ a: 1 }, { a: 2 }] }, encoding: { y: { field: 'a' } } };
load('vega@6?noext').then(() => load('vega-lite@6.4.1?noext')).then(() => load('vega-embed@7?noext'))
  .then(() => vegaEmbed(chart, spec, { mode: 'vega-lite' }), () => chart.append('not loaded'));
</script>"""


def test_libraries_of_public_sites_that_a_pane_has_itself_are_not_loaded_from_there(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], page_errors: PageErrors
) -> None:
    needs_module("plotly")
    # Chromium logs what the policy of the pane stops.
    page_errors.allow()
    kernel.run(
        "%%peer share sites --with bob\n"
        "import plotly.graph_objects as go\nfrom IPython.display import HTML, display\n"
        "bars = go.Figure(go.Bar(y=[1, 2]))\n"
        "display(HTML(bars.to_html(include_plotlyjs='cdn', full_html=False)))\n"
        "display(HTML('<script type=module>import \"https://cdn.plot.ly/plotly-3.0.1.min\"</script>'))\n"
        f"display(HTML({CHART!r}))"
    )
    view = open_tab(open_lab(bob), bob, "sites")
    inside = content(view)
    expect(inside.locator(".bars .point")).to_have_count(2, timeout=30_000)
    expect(inside.locator(".chart.vega-embed :is(svg, canvas)").first).to_be_visible(timeout=30_000)
    expect(inside.locator(".note")).to_have_count(0)
    expect(view).not_to_contain_text("wants to load")


def test_what_an_earlier_cell_loaded_is_there_for_the_pane_of_a_later_one(
    bob: Lab, kernel: Kernel, open_lab: Callable[..., Page], shoot: Callable[..., None]
) -> None:
    needs_module("bokeh")
    kernel.run(
        "from bokeh.plotting import figure, show, output_notebook\n"
        "from bokeh.resources import INLINE\noutput_notebook(INLINE)"
    )
    kernel.run(
        "%%peer share later --with bob\n"
        "p = figure(height=220, width=400); p.line([1, 2, 3], [3, 1, 2]); show(p)"
    )
    view = open_tab(open_lab(bob), bob, "later")
    inside = content(view)
    expect(inside.locator(".bk-Figure")).to_be_visible(timeout=30_000)
    expect(inside.get_by_text("BokehJS")).to_have_count(0)
    expect(inside.locator(".note")).to_have_count(0)
    shoot("later")
    expect(inside.locator("#pane")).to_have_attribute("data-empty", "")
