"""No circle of imports in the package: a reader can start at the bottom and never turns round."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import jupyter_peer

PACKAGE = Path(jupyter_peer.__file__).parent
NAME = PACKAGE.name


def module_name(path: Path) -> str:
    parts = (NAME, *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name: str, path: Path, source: str, modules: set[str]) -> set[str]:
    """Return the modules that one imports: at its top, in functions, and for the type checker."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in modules else base)
    return (found & modules) - {name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return circles of imports, each by its modules, until none is left."""
    left = {name: set(targets) for name, targets in graph.items()}
    found = []
    while (circle := circle_of(left)) is not None:
        found.append(sorted(set(circle)))
        # the sorter lists a circle against the direction of its imports
        left[circle[1]].discard(circle[0])
    return found


def circle_of(graph: dict[str, set[str]]) -> list[str] | None:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return None


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = set(MODULES)
    graph = {name: imports(name, path, path.read_text(), modules) for name, path in MODULES.items()}
    assert circles(graph) == []


def test_an_import_counts_wherever_it_is_written() -> None:
    source = """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from .b import B
def f():
    from .. import q
    import p.q.c
"""
    modules = {"p", "p.q", "p.q.a", "p.q.b", "p.q.c"}
    assert imports("p.q.a", Path("a.py"), source, modules) == {"p.q.b", "p.q.c", "p.q"}


def test_a_circle_is_found_whatever_else_there_is() -> None:
    graph = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": {"e"}, "e": {"d"}}
    assert sorted(circles(graph)) == [["a", "b", "c"], ["d", "e"]]
