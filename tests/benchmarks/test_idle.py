"""What is timed as the start of a server is what a start does."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from benchmarks.idle import SERVER, timed
from jupyter_peer.app import PeerExtension
from jupyter_peer.errors import NoServerError


def test_all_that_a_starting_node_imports_is_timed():
    start = ast.parse(textwrap.dedent(inspect.getsource(PeerExtension._start_node)))
    needed = {f"jupyter_peer.{each.module}" for each in ast.walk(start) if is_import(each)}
    assert needed
    assert needed <= {
        alias.name
        for each in ast.parse(SERVER).body
        if isinstance(each, ast.Import)
        for alias in each.names
    }


def is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom)


async def test_modules_are_compiled_once_also_where_bytecode_may_not_be_written(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    program = "import jupyter_peer.errors\nprint('some text')\nprint(0.25)"
    assert await timed(program, tmp_path) == 0.25
    (compiled,) = tmp_path.rglob("errors*.pyc")
    before = compiled.stat().st_mtime_ns
    await timed(program, tmp_path)
    assert compiled.stat().st_mtime_ns == before


async def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(NoServerError, match="no_such_module"):
        await timed("import no_such_module", tmp_path)
