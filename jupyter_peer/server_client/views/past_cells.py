"""The cells that this notebook has run: their source, and running one again."""

from __future__ import annotations

import ast
import contextvars
from concurrent.futures import Future
from typing import Any

from ...errors import BadRequestError, LookupFailedError
from .cell import interactive_shell


def past_cells() -> dict[int, str]:
    """Return the source of each cell that has run, by its number; empty outside of IPython."""
    history = getattr(interactive_shell(), "history_manager", None)
    sources = list(getattr(history, "input_hist_raw", ()))
    return {number: text for number, text in enumerate(sources) if number and text.strip()}


def run_again(number: int) -> Future[list[Any]]:
    """Run a past cell in the kernel's main thread, between two cells of the notebook.

    The code runs in the caller's context. What it prints and shows is the result and appears in no
    cell. A cell that awaits at its top is refused: other cells could print while it waits.

    Args:
        number: Of the cell.

    Returns:
        The texts and displays of the cell, in the end an error if it failed.

    Raises:
        LookupFailedError: No cell of this number has run.
        BadRequestError: This is no kernel, or the cell awaits.
    """
    shell = interactive_shell()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        raise BadRequestError("cells run again only in a kernel", hint="open a notebook")
    source = past_cells().get(number)
    if source is None:
        raise LookupFailedError(f"no cell {number} has run", hint="ask for the list of cells")
    try:
        tree = ast.parse(shell.transform_cell(source))
        steps = [compile(each, f"<cell {number}>", mode) for each, mode in _steps(tree)]
    except (SyntaxError, ValueError):
        raise BadRequestError(
            f"cell {number} awaits, or is no valid code", hint="choose another cell"
        ) from None
    context = contextvars.copy_context()
    done: Future[list[Any]] = Future()

    def run() -> None:
        if done.set_running_or_notify_cancel():
            done.set_result(context.run(_run, steps, shell.user_ns))

    kernel.io_loop.add_callback(run)
    return done


def _steps(tree: ast.Module) -> list[tuple[ast.Module | ast.Interactive, str]]:
    """Return what the cell does, each with the mode to compile it; its last value is shown."""
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        *rest, last = tree.body
        return [(ast.Module(rest, []), "exec"), (ast.Interactive([last]), "single")]
    return [(tree, "exec")]


def _run(steps: list[Any], namespace: dict[str, Any]) -> list[Any]:
    from IPython.utils.capture import capture_output

    failure = ""
    with capture_output() as shown:
        try:
            for step in steps:
                exec(step, namespace)  # noqa: S102 - the owner's own cell
        except BaseException as error:
            failure = f"{type(error).__name__}: {error}"
    return [*filter(None, (shown.stdout, shown.stderr)), *shown.outputs, *filter(None, (failure,))]
