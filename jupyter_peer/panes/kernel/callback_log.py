"""Writes to the server's log what callbacks of the owner print or raise because of a viewer's input.

No page of the owner has sent the input, so no cell of the owner's notebook shows this output.
"""

from __future__ import annotations

import logging
import textwrap

from ...document.plain_text import clean, to_text
from .channels.listener import TapMessage

log = logging.getLogger(__name__)

_LEVELS = {"stream": logging.INFO, "error": logging.WARNING}


def log_output(message: TapMessage) -> None:
    """Write a print or an error of a callback to the log, whose pace bounds the number of lines.

    Args:
        message: The message that the kernel published because of a viewer's input.
    """
    level = _LEVELS.get(message.msg_type)
    if level is None:
        return
    text = clean(to_text(message.content | {"output_type": message.msg_type}))
    # Indented, so that no text of a viewer looks like a line of the log.
    text = textwrap.indent(text.rstrip("\n"), "    ", lambda line: True)
    log.log(level, "a viewer's input made a callback of a widget say:\n%s", text)
