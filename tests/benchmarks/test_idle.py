"""What is timed as the start of a server is what a start does."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

from benchmarks.idle import SERVER, timed
from jupyter_peer.app import PeerExtension
from jupyter_peer.errors import NoServerError


def imported(source: str) -> set[str]:
    """Return the modules of this package that a function or program imports in any case."""
    body = ast.parse(textwrap.dedent(source)).body
    if isinstance(body[0], ast.AsyncFunctionDef):
        body = body[0].body
    names = {f"jupyter_peer.{each.module}" for each in body if isinstance(each, ast.ImportFrom)}
    for each in body:
        if isinstance(each, ast.Import):
            names |= {alias.name for alias in each.names}
    return {name for name in names if name.startswith("jupyter_peer.")}


def test_all_that_a_starting_node_imports_is_timed():
    needed = imported(inspect.getsource(PeerExtension._start_node))
    assert len(needed) > 5
    assert needed <= imported(SERVER)


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
