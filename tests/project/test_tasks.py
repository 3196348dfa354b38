"""No task fails unseen: whoever cannot await one starts it where its failure is logged."""

from __future__ import annotations

import ast

from tests.project.test_imports import MODULES

STARTS = {"create_task", "ensure_future"}
# they look at the result of their task themselves
EXCEPT = {"jupyter_peer.primitives.background", "jupyter_peer.panes.viewer.replica"}


def unawaited(source: str) -> list[int]:
    """Return the lines that start a task in a function that cannot await it."""
    found: list[int] = []

    def look(node: ast.AST, can_await: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            can_await = isinstance(node, ast.AsyncFunctionDef)
        elif isinstance(node, ast.Call) and not can_await:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in STARTS:
                found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            look(child, can_await)

    look(ast.parse(source), False)
    return found


def test_no_function_starts_a_task_that_it_cannot_await() -> None:
    found = {
        name: lines
        for name, path in MODULES.items()
        if name not in EXCEPT and (lines := unawaited(path.read_text()))
    }
    assert found == {}


def test_a_start_is_found_wherever_it_is_written() -> None:
    source = """
import asyncio
async def f():
    await asyncio.create_task(g())
    def later():
        asyncio.ensure_future(g())
class C:
    def __init__(self):
        self.task = asyncio.get_running_loop().create_task(g())
"""
    assert unawaited(source) == [6, 9]
