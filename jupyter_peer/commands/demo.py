"""The demo."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Bool

from .application import FAILED, TerminalCommand
from .terminal import tell


class DemoCommand(TerminalCommand):
    """Runs the demo."""

    name = "jupyter-peer-demo"
    description = (
        "Start two JupyterLabs on this machine, pair them, and run a notebook in each: Ada trains a "
        "model, shares its loss curve and metrics, and has an agent that answers; Bob watches and "
        "asks; Ada takes it all back. Prints what happens and when, checks every step, and removes "
        "everything at the end. "
        "Exit code 0 means that every step arrived."
    )
    examples = """
        jupyter peer demo
        jupyter peer demo --keep          # and look at both in a browser
    """

    keep = Bool(False, help="Whether both servers stay up until Ctrl-C.").tag(config=True)

    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "keep": (
            {"DemoCommand": {"keep": True}},
            "Leave both servers up and print their URLs; Ctrl-C stops them.",
        ),
        **TerminalCommand.flags,
    }

    def run(self) -> None:
        """Run it."""
        from ..demo.run import run_demo

        if not run_demo(tell, self.keep):
            raise SystemExit(FAILED)
