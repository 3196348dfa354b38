"""What a pane draws, in a real browser, as JupyterLab draws it."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.machine.needs import missing
from tests.ui.conftest import PageErrors
from tests.ui.framed import STATIC, FramedPane, display

ROW = b"\x20\xa0\xff" * 40
BMP = (
    b"BM"
    + struct.pack("<IHHI", 54 + 2400, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 40, 20, 1, 24, 0, 2400, 2835, 2835, 0, 0)
    + ROW * 20
)
VEGA = {
    "data": {"values": [{"a": 1}]},
    "mark": "bar",
    "encoding": {"y": {"field": "a", "type": "quantitative"}},
}
PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R>>endobj
4 0 obj<</Length 28>>stream
1 0 0 rg 20 20 100 50 re f
endstream endobj
trailer<</Root 1 0 R>>"""


@pytest.fixture
def pane(page: Page) -> FramedPane:
    if not (STATIC / "math.js.gz").exists():
        missing("the page for panes was not built: make package")
    return FramedPane(page)


@pytest.mark.parametrize(
    "text",
    [
        r"\begin{eqnarray} a &=& b \\ c &=& d \end{eqnarray}",
        r"\begin{multline} a + b \\ + c \end{multline}",
        r"\begin{alignat}{2} x &= 1 &\quad y &= 2 \end{alignat}",
        r"\begin{split} a &= b \\ c &= d \end{split}",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{equation}\label{e} E = mc^2 \end{equation}",
        r"\begin{gather*} a \\ b \end{gather*}",
        r"\begin{align} a &= b \tag{1} \\ c &= d \end{align}",
        r"\begin{flalign} a &= b \end{flalign}",
        r"\begin{xalignat}{2} a &= b & c &= d \end{xalignat}",
        r"\begin{CD} A @>a>> B \end{CD}",
        r"\begin{cases} 1 & x \\ 2 & y \end{cases}",
        r"\begin{smallmatrix} 1 & 2 \end{smallmatrix}",
        r"$\displaystyle \ce{H2O}, \bbox[yellow]{x}, \unicode{x263A}$",
        r"$$\boldsymbol{\alpha} \operatorname*{argmax}_x \xrightarrow[a]{b} \cancel{x} \mathfrak{g}$$",
        r"\[ \begin{bmatrix} 1 \end{bmatrix} \] and \( x \)",
    ],
)
def test_each_formula_is_typeset_without_an_error_or_a_scroll_bar(
    pane: FramedPane, text: str
) -> None:
    pane.show([display({"text/latex": text})])
    formulas = pane.inside.locator("#pane mjx-container")
    expect(formulas.first).to_be_visible()
    expect(pane.inside.locator("[data-mml-node=merror], mjx-merror")).to_have_count(0)
    scrolls = "node => [...node.querySelectorAll('*')].some(n => n.scrollHeight > n.clientHeight + 1 && ['auto', 'scroll'].includes(getComputedStyle(n).overflowY))"
    assert not pane.inside.locator("#pane").evaluate(scrolls)


def test_macros_labels_and_escaped_dollars_go_on_from_output_to_output(
    pane: FramedPane, shoot: Callable[..., None]
) -> None:
    first = [
        display({"text/latex": r"$\newcommand{\RR}{\mathbb{R}} x \in \RR$"}),
        display({"text/latex": r"\begin{equation}\label{e} E = mc^2 \end{equation}"}),
    ]
    pane.show(
        [
            *first,
            display({"text/latex": r"$y \in \RR$"}),
            display({"text/latex": r"costs \$5 and $x$, by $\eqref{e}$"}),
        ]
    )
    expect(pane.inside.locator("mjx-container")).to_have_count(5)
    assert "ℝ" in (pane.inside.locator("mjx-container").nth(2).text_content() or "ℝ")
    expect(pane.inside.locator("#pane")).to_contain_text("costs $5 and")
    # Drawn again a label is the same, not one too many.
    pane.show(first[::-1])
    expect(pane.inside.locator("mjx-container")).to_have_count(2)
    expect(pane.inside.locator("[data-mml-node=merror]")).to_have_count(0)
    shoot("labels")


def test_formulas_are_typeset_in_html_tables_and_markdown(
    pane: FramedPane, shoot: Callable[..., None]
) -> None:
    pane.show(
        [
            display(
                {
                    "text/html": r"<table class='dataframe'><thead><tr><th>$\alpha$</th></tr></thead></table>"
                }
            ),
            display({"text/html": r"<div>$\sqrt{2}$ and $$\int_0^1 x\,dx$$ and \(y\)</div>"}),
            display({"text/markdown": "a $x_1$, *em*, for \\$5\n\n$$\n\\frac12\n$$\n"}),
            display({"text/html": "<pre>$x$</pre><code>$y$</code> none"}),
        ]
    )
    expect(pane.inside.locator("th mjx-container")).to_be_visible()
    expect(pane.inside.locator("mjx-container")).to_have_count(6)
    expect(pane.inside.locator("#pane")).to_contain_text("for $5")
    shoot("formulas")


def test_formulas_in_labels_of_widgets_are_typeset(pane: FramedPane) -> None:
    controls = {"model_module": "@jupyter-widgets/controls", "model_module_version": "2.0.0"}
    label = {
        "_model_module": "@jupyter-widgets/controls",
        "_model_name": "LabelModel",
        "_view_module": "@jupyter-widgets/controls",
        "_view_name": "LabelView",
        "value": r"$\alpha$",
    }
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}}
    pane.show(
        [display(view | {"text/plain": "Label()"})],
        widgets={"state": {"a": {**controls, "model_name": "LabelModel", "state": label}}},
    )
    expect(pane.inside.locator(".widget-label mjx-container")).to_be_visible(timeout=15_000)


def test_only_code_and_formulas_in_markdown_ask_for_code_that_draws_them(pane: FramedPane) -> None:
    pane.show([display({"text/html": "<b>bold</b>"}), display({"text/plain": "plain $"})])
    assert pane.asked == []
    pane.show(
        [display({"text/markdown": "```python\nreturn 1  # one\n```\n\n```unknown\nreturn\n```"})]
    )
    coloured = pane.inside.locator("code.language-python span[class]")
    expect(coloured.get_by_text("return")).to_have_css("font-weight", "700")
    expect(coloured.get_by_text("# one")).to_have_css("font-style", "italic")
    expect(pane.inside.locator("code.language-unknown")).to_have_text("return\n")
    assert pane.asked == ["code"]


def test_what_other_cells_loaded_runs_one_after_the_other_and_only_for_scripts(
    pane: FramedPane,
) -> None:
    # The first waits a moment, as that of panel does to give older code a head start.
    slow = "setTimeout(() => { window.order = (window.order ?? '') + 'first '; }, 100)"
    quick = "window.order = (window.order ?? '') + 'second '"
    mark = {"application/vnd.bokehjs_load.v0+json": ""}
    loaders = [{"application/javascript": code} | mark for code in (slow, quick)]
    pane.show([display({"text/html": "<b>no script</b>"})], widgets={"loaders": loaders})
    assert pane.inside.evaluate("window.order") is None
    reads = "<p id='seen'></p><script>seen.textContent = window.order</script>"
    pane.show([display({"text/html": reads})], widgets={"loaders": loaders})
    expect(pane.inside.locator("#seen")).to_have_text("first second")


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        ({"image/bmp": base64.b64encode(BMP).decode()}, "img"),
        ({"text/javascript": "element.append('ran')"}, "text=ran"),
        ({"text/vnd.mermaid": "graph TD; A-->B;"}, "svg .node >> nth=0"),
        ({"application/vnd.vegalite.v5+json": VEGA}, ".figure canvas, .figure svg"),
        ({"application/vnd.vegalite.v6+json": VEGA}, ".figure canvas, .figure svg"),
        ({"application/vnd.vegalite.v6.json": json.dumps(VEGA)}, ".figure canvas, .figure svg"),
        ({"application/vnd.vega.v5+json": {"width": 20, "height": 20, "axes": [], "marks": [{"type": "rect", "encode": {"enter": {"width": {"value": 9}, "height": {"value": 9}, "fill": {"value": "red"}}}}]}}, ".figure canvas, .figure svg"),
        ({"application/pdf": base64.b64encode(PDF).decode()}, "canvas.page"),
        ({"application/vnd.plotly.v1+json": {"data": [{"type": "bar", "y": [1, 2]}], "layout": {}}}, ".main-svg >> nth=0"),
        ({"application/geo+json": {"type": "Point", "coordinates": [1, 2]}}, ".figure canvas, .figure svg"),
    ],
)  # fmt: skip
def test_each_kind_that_jupyterlab_draws_is_drawn_from_the_own_server(
    pane: FramedPane, data: dict[str, Any], seen: str, shoot: Callable[..., None]
) -> None:
    mime = next(iter(data))
    pane.show([display(data | {"text/plain": "its plain text"})])
    expect(pane.inside.locator("#pane").locator(seen).first).to_be_visible(timeout=30_000)
    expect(pane.inside.locator("#pane")).not_to_contain_text("its plain text")
    expect(pane.inside.locator("#pane")).not_to_contain_text("could not")
    shoot(mime.replace("/", "-"))


def test_an_isolated_output_leaves_the_others_as_they_are(
    pane: FramedPane, shoot: Callable[..., None]
) -> None:
    html = (
        "<style>body{background:#fde} p,pre{font-size:30px !important}</style><p>isolated</p>"
        "<a href='#far'>down</a> <a href='https://paper.example/x'>paper</a>"
        "<div style='height:3000px'></div><p id='far'>far away</p><a href='#'>up</a>"
    )
    pane.show(
        [
            {"output_type": "stream", "name": "stdout", "text": "some text before\n"},
            display({"text/html": html}, **{"text/html": {"isolated": True}}),
            display({"text/markdown": "*stressed*"}, isolated=True),
        ]
    )
    expect(pane.inside.frame_locator("iframe.isolated >> nth=1").locator("em")).to_be_visible()
    frame = pane.inside.frame_locator("iframe.isolated >> nth=0")
    expect(frame.get_by_text("isolated")).to_be_visible()
    assert pane.inside.locator("iframe.isolated").first.bounding_box()["height"] > 30
    size = "node => getComputedStyle(node).fontSize"
    assert pane.inside.locator("pre.stream").evaluate(size) != "30px"
    shoot("isolated")
    frame.get_by_role("link", name="down").click()
    expect(frame.get_by_text("far away")).to_be_in_viewport()
    frame.get_by_role("link", name="up").click()
    expect(frame.get_by_text("isolated")).to_be_in_viewport()
    frame.get_by_role("link", name="paper").click()
    pane.page.wait_for_function(
        "window.heard.some(({ type, url }) => type === 'link' && url === 'https://paper.example/x')"
    )
    expect(frame.get_by_text("isolated")).to_be_visible()


def test_what_leaves_nothing_to_see_says_so_and_a_bar_is_something(pane: FramedPane) -> None:
    pane.show([display({"text/html": "<div id='root'></div>"})])
    # A while later, for a script may still draw.
    expect(pane.inside.locator("#pane")).to_have_attribute(
        "data-empty", re.compile("can be seen"), timeout=15_000
    )
    pane.show([display({"text/html": "<progress value='0.5'></progress>"})])
    expect(pane.inside.locator("#pane")).to_have_attribute("data-empty", "")


def test_a_file_beside_the_owners_notebook_is_named_as_such(
    pane: FramedPane, page_errors: PageErrors
) -> None:
    page_errors.allow()
    pane.show([display({"text/html": "<img src='plots/loss.png'>"})])
    expect(pane.inside.locator(".note")).to_have_text("not sent: plots/loss.png")


#: Another pane that sends a pane all that the page around would send it, without end.
FORGER = """<script>
const forge = () => {
  const outer = parent.frames[0];
  for (const target of [outer, outer.frames[0]].filter(Boolean)) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => parent.postMessage({ stolen: data }, '*');
    const step = { epoch: '1'.repeat(16), rev: 1, outputs: [{ output_type: 'stream', name: 'stdout', text: 'forged' }] };
    port1.postMessage({ type: 'step', step });
    target.postMessage({ type: 'jupyter-peer:port', words: {} }, '*', [port2]);
    target.postMessage({ type: 'step', step }, '*');
  }
  parent.postMessage({ forged: true }, '*');
};
setInterval(() => { for (let n = 0; n < 20; n++) forge(); });
</script>"""


def test_a_pane_listens_to_the_page_around_and_not_to_another_pane(
    pane: FramedPane, page_errors: PageErrors
) -> None:
    pane.page.evaluate(
        """forger => {
          window.stolen = [];
          window.forged = 0;
          addEventListener('message', ({ data }) => {
            if (data?.stolen) window.stolen.push(data.stolen);
            if (data?.forged) window.forged += 1;
          });
          const frame = document.createElement('iframe');
          frame.setAttribute('sandbox', 'allow-scripts');
          frame.srcdoc = forger;
          document.body.append(frame);
        }""",
        FORGER,
    )
    pane.page.wait_for_function("window.forged > 20")
    pane.page.evaluate(
        "() => { window.port = undefined; const [frame] = document.querySelectorAll('iframe'); frame.src = frame.src; }"
    )
    pane.page.wait_for_function("window.port !== undefined")
    forged = pane.page.evaluate("window.forged")
    pane.page.wait_for_function("before => window.forged > before + 100", arg=forged)
    pane.show([display({"text/plain": "mine"})])
    expect(pane.inside.locator("#pane")).to_have_text("mine")
    assert pane.page.evaluate("window.stolen") == []
    page_errors.allow()


def test_a_long_line_ends_where_the_page_does(pane: FramedPane) -> None:
    line = "word " * 200
    stream = {"output_type": "stream", "name": "stdout", "text": line}
    pane.show([stream, display({"text/plain": line})])
    widths = pane.inside.locator("pre").evaluate_all("nodes => nodes.map(n => n.clientWidth)")
    assert widths[0] == widths[1]
    assert pane.inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
