"""No module of the package imports itself by way of others, not even for types."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import jupyter_peer

ROOT = Path(jupyter_peer.__file__).parent


def name_of(path):
    parts = (ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in ROOT.rglob("*.py")}


def imports_of(name):
    """The modules that one imports anywhere in it; ``TYPE_CHECKING`` and functions count."""
    path, found = MODULES[name], set()
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{whole}.{alias.name}"
                found.add(inner if inner in MODULES else whole)
    return (found & MODULES.keys()) - {name}


@pytest.mark.parametrize("room", ["control", "doctor", "panes", "relay", "server", "server_client"])
def test_no_circle_leads_through_a_room(room):
    graph = {name: imports_of(name) for name in MODULES if f".{room}." in f"{name}."}
    graph = {name: found & graph.keys() for name, found in graph.items()}
    assert graph
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
