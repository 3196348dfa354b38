"""The page in which panes are drawn, alone in a browser: no JupyterLab, no server."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page, Route

from jupyter_peer.panes.owner.installed import find_module, installed_folders
from jupyter_peer.panes.owner.modules import with_pictures
from jupyter_peer.server.http.viewer_page import PARTS, STATIC
from jupyter_peer.sockets.frame_policy import FRAME_POLICY
from jupyter_peer.sockets.static_files import StaticFile

Json = dict[str, Any]

_ORIGIN = "http://panes.example"
# What JupyterLab's view of a pane does: see PaneFrame and PaneView.
_FRONT = """<!doctype html><html><body style="margin:0">
<iframe sandbox="allow-scripts" src="/viewer/" style="width:100%;height:100vh;border:0"></iframe>
<script>
window.heard = [];
window.asked = [];
window.addEventListener('message', ({ source, data }) => {
  if (data !== 'jupyter-peer:ready') return;
  const { port1, port2 } = new MessageChannel();
  window.port = port1;
  port1.onmessage = async ({ data }) => {
    window.heard.push(data);
    if (data.type === 'need') {
      window.asked.push(data.part);
      const code = await (await fetch(`/viewer/${data.part}.js`)).text();
      port1.postMessage({ type: 'part', part: data.part, code });
    } else if (data.type === 'module') {
      window.asked.push(data.name);
      const answer = await fetch(`/module/${data.name}`);
      const code = answer.ok ? await answer.text() : null;
      port1.postMessage({ type: 'module', name: data.name, code, why: 'not installed' });
    }
  };
  source.postMessage({ type: 'jupyter-peer:port', words: WORDS }, '*', [port2]);
});
</script></body></html>"""
WORDS = {
    "blocked": "blocked: %1",
    "local": "not sent: %1",
    "cut": "%1 characters before this",
    "left": "%1 characters after this",
    "failed": "a script failed: %1",
    "scriptError": "Javascript Error: %1",
    "refused": "refused: %1",
    "noRenderer": "%1 cannot be shown; this is its plain text",
    "noRendererAlone": "%1 cannot be shown here",
    "notDrawn": "%1 could not be shown; this is its plain text",
    "notDrawnAlone": "%1 could not be shown",
    "noModule": "no module %1: %2",
    "noWidgets": "no widgets",
    "readOnly": "look only",
    "widgetUnknown": "no widget %1",
    "nothing": "nothing yet",
    "invisible": "nothing can be seen",
}


class FramedPane:
    """A pane in a page.

    Args:
        page: A page of the browser.
        light: Whether the theme is light.
        variables: Of the theme.
        folders: Those with the code of widgets; None for all that are installed.
    """

    def __init__(
        self,
        page: Page,
        *,
        light: bool = True,
        variables: dict[str, str] | None = None,
        folders: list[Path] | None = None,
    ) -> None:
        self.page = page
        self._folders = installed_folders() if folders is None else folders
        self._named: set[str] = set()
        self._revs = itertools.count(1)
        self._epoch = "0" * 16
        page.route(f"{_ORIGIN}/**", self._serve)
        page.goto(f"{_ORIGIN}/")
        page.wait_for_function("window.port !== undefined")
        self.tell({"type": "theme", "light": light, "variables": variables or {}})
        self.tell({"type": "grant", "interact": True})

    @property
    def inside(self) -> Frame:
        """The frame with the content."""
        return self.page.main_frame.child_frames[0].child_frames[0]

    @property
    def asked(self) -> list[str]:
        """The parts and modules that the frame has asked for, in their order."""
        asked: list[str] = self.page.evaluate("window.asked")
        return asked

    def tell(self, message: Json) -> None:
        """Send the frame a message."""
        self.page.evaluate("message => window.port.postMessage(message)", message)

    def show(self, outputs: list[Json], **state: Any) -> None:
        """Show a whole state, and wait until it is drawn."""
        rev = next(self._revs)
        models = state.get("widgets", {}).get("state", {})
        self._named.update(each["model_module"] for each in models.values())
        step = {"epoch": self._epoch, "rev": rev, "outputs": outputs, **state}
        self.step(step | {"rev": rev})

    def step(self, step: Json) -> None:
        """Show a step as the server sends it, and wait until it is drawn."""
        self.tell({"type": "step", "step": step})
        self.page.wait_for_function(
            "rev => window.heard.some(each => each.type === 'shown' && each.rev >= rev)",
            arg=step["rev"],
        )

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(_ORIGIN)
        headers = {"Content-Security-Policy": FRAME_POLICY}
        names = {"/viewer/": "viewer.html"} | {f"/viewer/{part}.js": f"{part}.js" for part in PARTS}
        if path == "/":
            front = _FRONT.replace("WORDS", repr(WORDS))
            route.fulfill(body=front, content_type="text/html")
        elif path.startswith("/module/"):
            found = find_module(path.removeprefix("/module/"), self._folders)
            if found is None:
                route.fulfill(status=404)
            else:
                route.fulfill(body=with_pictures(found.code(self._named), found.folder))
        elif path in names:
            kind = "text/html" if path == "/viewer/" else "text/javascript"
            route.fulfill(
                body=StaticFile.read(STATIC, names[path]).content,
                content_type=kind,
                headers=headers,
            )
        else:
            route.fulfill(status=404)


def display(data: Json, **metadata: Any) -> Json:
    """Return a display as nbformat has it."""
    return {"output_type": "display_data", "data": data, "metadata": metadata}
