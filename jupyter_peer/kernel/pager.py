"""Shows what goes to IPython's pager in the cell, so that a pane has it too.

``len?`` and ``%prun`` hand their text to the front end in the reply to the cell. The reply reaches
only the page that ran it. JupyterLab shows the text below the outputs of the cell; a display looks the
same there, and reaches everybody.
"""

from __future__ import annotations

from typing import Any

from IPython.core import page

#: Before the hook of a kernel, whose priority is 99.
_PRIORITY = 90


def show_pages_in_cells(shell: Any) -> None:
    """Display the pages of all cells of an IPython shell from now on; may be called twice."""
    if all(priority != _PRIORITY for priority, _ in shell.hooks.show_in_pager):
        as_hook: Any = page.as_hook
        shell.set_hook("show_in_pager", as_hook(page.display_page), _PRIORITY)
