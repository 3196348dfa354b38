"""What the frame in which a pane is drawn may do: run scripts, and nothing that leaves the page."""

from __future__ import annotations

#: Code that the page around passes to the frame when a pane needs it.
PARTS = ("widgets", "math", "plotly", "vega", "mermaid", "pdf")

#: Scripts in a peer's outputs run. The page can load nothing, connect to nothing, and frame nothing
#: that has an address. ``frame-src`` also stops framed documents from navigating, which would be a
#: request like any other.
FRAME_POLICY = "; ".join(
    (
        "sandbox allow-scripts",
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "media-src data: blob:",
        "font-src data:",
        "connect-src 'none'",
        "worker-src 'none'",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)

#: Stops what no policy covers: ``preconnect``, ``dns-prefetch`` and whatever else would open a
#: connection, in frames below too. Chromium 156 enforces it; a browser that does not know
#: it ignores it. Without ``webrtc=allow`` Chromium 156 ends the process of a page that makes a peer
#: connection, and JupyterLab's page may share this process.
FRAME_CONNECTIONS = "();webrtc=allow"

FRAME_HEADERS = {
    "Content-Security-Policy": FRAME_POLICY,
    "Connection-Allowlist": FRAME_CONNECTIONS,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
}
