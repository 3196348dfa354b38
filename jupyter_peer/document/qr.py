"""QR codes of links and invites, as SVG."""

from __future__ import annotations

import io


def qr_svg(text: str) -> str:
    """Return a text as the SVG of a QR code (ISO/IEC 18004), black on white."""
    # Only who shows one pays for the import.
    import segno

    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", scale=4, border=4, light="#fff", xmldecl=False, svgns=True
    )
    return drawn.getvalue().decode()
