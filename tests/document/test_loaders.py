"""What of the outputs of other cells goes with a pane: code of libraries, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_peer.document import loaders
from jupyter_peer.document.loaders import Loaders, loader_of

PLOTLY = "  <script>\nwindow.PlotlyConfig = {};\n/** plotly.js */ newPlot();\n</script>\n"
ITABLES = """<script>
function injectCSS(base64CSS) {}
</script><div style="x"><noscript>This is the <code>init_notebook_mode</code> cell</noscript></div>
"""
TAGS = """<link rel="stylesheet" href="https://cdn.example/a.css">
<script src="https://cdn.example/a@1.2/b.js"></script>"""
CONFIG = "require.config({paths: {d3: 'https://d3js.org/d3.v7.min'}});"


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"text/html": PLOTLY}, "text/html"),
        ({"text/html": [PLOTLY]}, "text/html"),
        ({"text/html": ITABLES, "text/plain": "<HTML>"}, "text/html"),
        ({"text/html": TAGS}, "text/html"),
        ({"application/javascript": CONFIG}, "application/javascript"),
        (
            {"application/javascript": "load()", "application/vnd.bokehjs_load.v0+json": "x"},
            "application/javascript",
        ),
        (
            {"application/javascript": "load()", "application/vnd.holoviews_load.v0+json": "x"},
            "application/javascript",
        ),
    ],
)
def test_what_loads_a_library_is_kept(data: dict[str, Any], kept: str) -> None:
    loader = loader_of(data)
    assert loader is not None
    assert next(iter(loader)) == kept
    assert loader[kept] == "".join(data[kept])
    # The next node on the way knows it too.
    assert loader_of(loader) == loader


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text/plain": "secret"},
        {"text/html": "<b>secret</b>"},
        {"text/html": "<script>let secret = 1</script>"},
        {"text/html": f"<p>secret</p>{PLOTLY}"},
        {"text/html": f"{PLOTLY}<p>secret</p>"},
        {"text/html": PLOTLY.replace("/**", "'<div id=1>secret'/**")},
        {"text/html": f"{TAGS} secret"},
        {"text/html": TAGS.replace("></script>", ">secret</script>")},
        {"text/html": "<script src='http://192.168.0.1/?secret'></script>"},
        {"application/javascript": "let secret = 1"},
        {"application/javascript": f"{CONFIG} let secret = 1"},
        {"application/javascript": "require.config({a: secret()})"},
        {"application/vnd.bokehjs_load.v0+json": "load()"},
        {"application/javascript": 5, "application/vnd.bokehjs_load.v0+json": "x"},
    ],
)
def test_nothing_that_a_cell_computed_is_kept(data: dict[str, Any]) -> None:
    assert loader_of(data) is None


def test_each_is_kept_once_and_all_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Loaders()
    kept.add([{"text/html": PLOTLY}, {"text/html": TAGS}, {"text/html": PLOTLY}])
    assert kept.bundles() == [{"text/html": PLOTLY}, {"text/html": TAGS}]
    monkeypatch.setattr(loaders, "MAX_LOADERS", 3)
    kept.add({"text/html": TAGS.replace("1.2", str(n))} for n in range(5))
    assert len(kept.bundles()) == 3
    monkeypatch.setattr(loaders, "MAX_BYTES", 2 * len(PLOTLY))
    kept.add([{"text/html": PLOTLY}])
    assert kept.bundles()[-1] == {"text/html": PLOTLY}
    assert sum(len(each["text/html"]) for each in kept.bundles()) <= 2 * len(PLOTLY)
