"""QR codes of links and invites (ISO/IEC 18004), as SVG and as characters of a terminal."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from ..wire.invite import PREFIX

if TYPE_CHECKING:
    from segno import QRCode

# Contains the beginning of invites, so that a search for invites finds their drawings too.
_INVITE = f"{PREFIX}qr"
#: The drawing of an invite, where it stands in HTML.
INVITE_QR = re.compile(rf'<svg[^>]* class="{re.escape(_INVITE)}".*?</svg>', re.DOTALL)


def qr_svg(text: str) -> str:
    """Return a text as the SVG of a QR code, black on white."""
    return _svg(_code(text))


def invite_qr(text: str) -> str | None:
    """Return an invite as the SVG of a QR code; None when it is too long for one."""
    from segno import DataOverflowError

    try:
        return _svg(_code(text), svgclass=_INVITE)
    except DataOverflowError:
        return None


def qr_blocks(text: str) -> str:
    """Return a text as a QR code for a terminal with light characters on a dark ground."""
    drawn = io.StringIO()
    _code(text).terminal(drawn, border=2, compact=True)
    return drawn.getvalue().rstrip("\n")


def _code(text: str) -> QRCode:
    # Imported only when a code is drawn.
    import segno

    return segno.make(text, error="m", micro=False)


def _svg(code: QRCode, svgclass: str = "segno") -> str:
    drawn = io.BytesIO()
    code.save(
        drawn,
        kind="svg",
        scale=4,
        border=4,
        light="#fff",
        xmldecl=False,
        svgns=True,
        svgclass=svgclass,
    )
    return drawn.getvalue().decode().rstrip()
