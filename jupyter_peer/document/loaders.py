"""Outputs that load a library into a page, for all cells after them.

``bokeh.io.output_notebook``, ``holoviews.extension``, ``plotly.offline.init_notebook_mode``,
``itables.init_notebook_mode`` and ``require.config`` print such outputs. What a later cell shows is
nothing without them, so they go with a pane of a later cell. An output goes only if it is of a form
known here, which holds code of a library and nothing that a cell has computed.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

MAX_LOADERS = 16
#: As text; a request of a kernel to its server has at most 10 MiB.
MAX_BYTES = 9 * 1024 * 1024

HTML, JAVASCRIPT = "text/html", "application/javascript"
#: bokeh, holoviews and panel mark theirs.
_MARKED = re.compile(r"application/vnd\.[a-z]+_load\.v\d+\+json")
_ADDRESS = r"""\s(?:src|href)=["']https://[\w./@:+-]+["']"""
_HTML_FORMS = tuple(
    re.compile(form)
    for form in (
        # plotly: alone in its output. A figure begins with the `div` that it fills.
        r"\s*<script[^>]*>\s*window\.PlotlyConfig\b(?![\s\S]*<div id=)[\s\S]*</script>\s*",
        # itables: its code, and a note for notebooks that are not trusted.
        r"\s*<script>\s*function injectCSS[\s\S]*<code>init_notebook_mode</code>[\s\S]*</div>\s*",
        # Addresses alone.
        rf"(?:\s*<(?:script|link)\b[^<>]*{_ADDRESS}[^<>]*>(?:\s*</script>)?)+\s*",
    )
)
_REQUIRE_CONFIG = re.compile(
    r"""[\s;]*(?:window\.)?require(?:js)?\.config\(\s*\{[\w\s'":,/.{}\[\]@~-]*\}\s*\)[\s;]*"""
)


def loader_of(data: Mapping[str, Any]) -> Json | None:
    """Return the part of a MIME bundle that loads a library; None for all other outputs.

    Args:
        data: MIME type -> content, as in an output.
    """
    html, script = _text(data.get(HTML)), _text(data.get(JAVASCRIPT))
    marks = [mime for mime in data if _MARKED.fullmatch(mime)]
    if script and (marks or _REQUIRE_CONFIG.fullmatch(script)):
        # Beside the mark, the bundle has the same code once more.
        return {JAVASCRIPT: script} | dict.fromkeys(marks[:1], "")
    if html and any(form.fullmatch(html) for form in _HTML_FORMS):
        return {HTML: html}
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


class Loaders:
    """The loaders of one kernel, each once, in the order in which they came."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Json] = OrderedDict()
        self._bytes = 0

    def add(self, bundles: Iterable[Mapping[str, Any]]) -> None:
        """Keep those MIME bundles that are loaders; beyond the bounds the oldest go."""
        for data in bundles:
            loader = loader_of(data)
            if loader is None:
                continue
            text = "".join(loader.values())
            name = hashlib.sha256(text.encode("utf-8", "replace")).digest()
            if name not in self._kept and len(text) <= MAX_BYTES:
                self._kept[name] = loader
                self._bytes += len(text)
            while self._bytes > MAX_BYTES or len(self._kept) > MAX_LOADERS:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= sum(map(len, gone.values()))

    def bundles(self) -> list[Json]:
        """Return the MIME bundles."""
        return list(self._kept.values())


#: Those of this process, where it is a kernel.
OWN = Loaders()
