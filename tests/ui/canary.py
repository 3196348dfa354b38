"""A web server that remembers every request: whoever gets out is seen here."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Each way out that a script may try; ``to(name)`` is the address that tells of it. In an inline handler the
#: names of the document and the element come before those of the window: ``open`` and ``URL`` are others there.
WAYS = """
const to = name => `${CANARY}/${MARK}-${name}`;
const put = html => document.body.insertAdjacentHTML('beforeend', html);
const WAYS = {
  fetch: () => fetch(to('fetch'), { mode: 'no-cors' }),
  xhr: () => { const r = new XMLHttpRequest(); r.open('GET', to('xhr')); r.send(); },
  beacon: () => navigator.sendBeacon(to('beacon'), 'x'),
  websocket: () => new WebSocket(to('websocket').replace('http', 'ws')),
  eventsource: () => new EventSource(to('eventsource')),
  image: () => { new Image().src = to('image'); },
  script: () => { const s = document.createElement('script'); s.src = to('script'); document.head.append(s); },
  stylesheet: () => put(`<link rel="stylesheet" href="${to('stylesheet')}">`),
  cssimport: () => put(`<style>@import url("${to('cssimport')}");</style>`),
  background: () => put(`<div style="height:9px;background:url('${to('background')}')">x</div>`),
  font: () => put(`<style>@font-face{font-family:f;src:url("${to('font')}")}</style><p style="font-family:f">x</p>`),
  video: () => put(`<video src="${to('video')}" autoplay muted preload="auto"></video>`),
  object: () => put(`<object data="${to('object')}"></object>`),
  iframe: () => put(`<iframe src="${to('iframe')}"></iframe>`),
  svgimage: () => put(`<svg width="9" height="9"><image width="9" height="9" href="${to('svgimage')}"/></svg>`),
  import: () => import(to('import')).catch(() => 0),
  prefetch: () => put(`<link rel="prefetch" href="${to('prefetch')}">`),
  preload: () => put(`<link rel="preload" as="image" href="${to('preload')}">`),
  worker: () => new Worker(window.URL.createObjectURL(new Blob([`fetch('${to('worker')}', {mode: 'no-cors'})`]))),
  popup: () => { window.open(to('popup')); },
  blank: () => { const a = document.createElement('a'); a.href = to('blank'); a.target = '_blank'; a.dispatchEvent(new MouseEvent('click')); },
  audio: () => put(`<audio src="${to('audio')}" autoplay preload="auto"></audio>`),
  embed: () => put(`<embed src="${to('embed')}">`),
  inputimage: () => put(`<input type="image" src="${to('inputimage')}">`),
  listimage: () => put(`<ul style="list-style-image:url('${to('listimage')}')"><li>x</li></ul>`),
  modulepreload: () => put(`<link rel="modulepreload" href="${to('modulepreload')}">`),
  dataworker: () => new Worker(`data:text/javascript,fetch('${to('dataworker')}', {mode: 'no-cors'})`),
  sharedworker: () => new SharedWorker(window.URL.createObjectURL(new Blob([`fetch('${to('sharedworker')}', {mode: 'no-cors'})`]))),
  serviceworker: () => navigator.serviceWorker.register(to('serviceworker')).catch(() => 0),
  below: () => put(`<iframe srcdoc="<script>fetch('${to('below')}', {mode: 'no-cors'})<\\/script>"></iframe>`),
  ping: () => { put(`<a href="#ping" ping="${to('ping')}">x</a>`); document.body.lastElementChild.click(); },
  form: () => { put(`<form action="${to('form')}" method="post" target="_blank"><input name="a"></form>`); document.body.lastElementChild.submit(); },
};
// Each of these leaves the page, where it is let.
const LEAVING = {
  location: () => { location.href = to('location'); },
  top: () => { top.location.href = to('top'); },
  parent: () => { parent.location.href = to('parent'); },
  self: () => { put(`<form action="${to('self')}"></form>`); document.body.lastElementChild.submit(); },
  anchor: () => { const a = document.createElement('a'); a.href = to('anchor'); document.body.append(a); a.click(); },
  refresh: () => put(`<meta http-equiv="refresh" content="0;url=${to('refresh')}">`),
  nested: () => put(`<iframe srcdoc="<script>location.href='${to('nested')}'<\\/script>"></iframe>`),
};
const tries = async ways => {
  for (const way of Object.values(ways)) {
    // One that the browser leaves without an answer must not keep the others from trying.
    try { await Promise.race([way(), new Promise(go => setTimeout(go, 2000))]); } catch {}
  }
};
"""

#: What makes a browser look up a name or open a connection without a request. Each has a name of its own, which
#: the log of the browser's network shows; ``PORT`` is one of ``listener``.
HINTS = """
const put = html => document.body.insertAdjacentHTML('beforeend', html);
const at = name => `http://${MARK}-${name}.localhost:${PORT}`;
const hint = (rel, href) => `<link rel="${rel}" href="${href}">`;
const made = (rel, href) => {
  const link = document.createElement('link');
  document.head.append(link);
  Object.assign(link, { rel, href });
};
const HINTS = {
  preconnect: () => put(hint('preconnect', at('preconnect'))),
  madepreconnect: () => made('preconnect', at('madepreconnect')),
  lookup: () => put(hint('dns-prefetch', `http://${MARK}-lookup.example`)),
  madelookup: () => made('dns-prefetch', `http://${MARK}-madelookup.example`),
  nested: () => {
    const frame = document.createElement('iframe');
    frame.srcdoc = hint('preconnect', at('nested'));
    document.body.append(frame);
  },
  rules: () => {
    const script = document.createElement('script');
    script.type = 'speculationrules';
    const list = { source: 'list', urls: [`${at('rules')}/`], eagerness: 'immediate' };
    script.textContent = JSON.stringify({ prefetch: [list], prerender: [list] });
    document.head.append(script);
  },
};
for (const way of Object.values(HINTS)) {
  try { way(); } catch {}
}
"""

#: What a script may try to read or do where it is; each gives what it got, or throws.
GRABS = """
const GRABS = {
  parentDocument: () => parent.document.title,
  topDocument: () => top.document.body.innerHTML.length,
  app: () => typeof top.jupyterapp.commands,
  topAddress: () => top.location.href,
  config: () => top.document.getElementById('jupyter-config-data').textContent.length,
  cookies: () => document.cookie,
  storage: () => localStorage.length,
  session: () => sessionStorage.length,
  databases: () => indexedDB.open('x').readyState,
  frameElement: () => frameElement.outerHTML,
  api: async () => (await fetch(`${JUPYTER}/api/contents`, { credentials: 'include' })).status,
  apiXhr: () => { const r = new XMLHttpRequest(); r.open('GET', `${JUPYTER}/api/status`, false); r.send(); return r.status; },
  socket: () => new Promise((yes, no) => { const s = new WebSocket(`${JUPYTER.replace('http', 'ws')}/jupyter-peer/ws`); s.onopen = () => yes('open'); s.onerror = no; }),
  clipboard: () => navigator.clipboard.readText(),
  webrtc: () => new RTCPeerConnection().connectionState,
  caches: async () => (await caches.keys()).length,
  cookieStore: async () => (await cookieStore.getAll()).length,
  frames: () => Array.from({ length: top.length }, (_, n) => top[n].document.title).join(),
  serviceWorker: async () => (await navigator.serviceWorker.getRegistrations()).length,
};
const grab = async () => {
  const got = {};
  for (const [name, way] of Object.entries(GRABS)) {
    try {
      got[name] = await Promise.race([
        Promise.resolve().then(way),
        new Promise((_, no) => setTimeout(no, 1000)),
      ]) ?? null;
    } catch {}
  }
  return got;
};
"""


@contextlib.contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """Yield a TCP port and the connections to it, which are closed at once and never read."""
    connections: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, address = server.accept()
                    connections.append(address)
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], connections
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


class Canary:
    """The running server.

    Attributes:
        url: Without a trailing slash.
        heard: Paths that were asked for.
        pages: What it serves as HTML, by path.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.pages: dict[str, str] = {}
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                page = canary.pages.get(path)
                # A request with a body keeps its connection as it is until that was read.
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if page is None:
                    canary.heard.append(path[1:])
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write((page or "").encode())

            do_POST = do_GET  # noqa: N815 - as the standard library names it

            def log_message(self, format: str, *args: object) -> None:
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def heard_of(self, mark: str) -> set[str]:
        """Return the ways out that were heard of under a mark."""
        return {path[len(mark) + 1 :] for path in self.heard if path.startswith(f"{mark}-")}

    @contextlib.contextmanager
    def running(self) -> Iterator[Canary]:
        """Serve until the end."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)
