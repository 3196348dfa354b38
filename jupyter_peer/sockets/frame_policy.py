"""The policy of the frame that draws a pane: scripts may run, and nothing may leave the page."""

from __future__ import annotations

from collections.abc import Iterable

#: Code that the page around passes to the frame when a pane needs it.
PARTS = ("widgets", "math", "plotly", "vega", "mermaid", "pdf", "code", "icons")

#: Public sites for scripts, styles, fonts and map tiles, with all names below them. A viewer can let
#: a pane load from these and from no others.
SITES = (
    "basemaps.cartocdn.com",
    "cdn.bokeh.org",
    "cdn.datatables.net",
    "cdn.holoviz.org",
    "cdn.jsdelivr.net",
    "cdn.plot.ly",
    "cdn.pydata.org",
    "cdnjs.cloudflare.com",
    "code.jquery.com",
    "d3js.org",
    "fonts.googleapis.com",
    "fonts.gstatic.com",
    "maxcdn.bootstrapcdn.com",
    "netdna.bootstrapcdn.com",
    "server.arcgisonline.com",
    "stackpath.bootstrapcdn.com",
    "tile.openstreetmap.org",
    "tile.opentopomap.org",
    "unpkg.com",
)

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

#: What may come from a site: nothing that is asked by a script, and no frame.
_FROM_SITES = ("script-src", "style-src", "img-src", "font-src")


def headers_for(sites: Iterable[str]) -> dict[str, str]:
    """Return the headers of a page that may load scripts and data from these sites.

    Args:
        sites: Names from :data:`SITES`.

    Raises:
        ValueError: A site is not in :data:`SITES`.
    """
    chosen = sorted(set(sites))
    if unknown := set(chosen).difference(SITES):
        raise ValueError(f"panes may not load from {min(unknown)}")
    if not chosen:
        return FRAME_HEADERS
    origins = [origin for site in chosen for origin in (f"https://{site}", f"https://*.{site}")]
    parts = [
        f"{part} {' '.join(origins)}" if part.partition(" ")[0] in _FROM_SITES else part
        for part in FRAME_POLICY.split("; ")
    ]
    patterns = " ".join(f'"{origin}/*"' for origin in origins)
    return FRAME_HEADERS | {
        "Content-Security-Policy": "; ".join(parts),
        "Connection-Allowlist": f"({patterns});webrtc=allow",
    }
