"""The blocks, settings, commands and links of README and docs are those of the program."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_peer.app import PeerExtension
from jupyter_peer.cli import PeerApp
from jupyter_peer.commands.application import TerminalCommand
from jupyter_peer.kernel.magics import keep_questions, unfold_share
from jupyter_peer.server.http.routes import ROUTES
from jupyter_peer.server_client.command_table.line import parse, split
from jupyter_peer.server_client.command_table.table import COMMANDS

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SPECIFICATIONS = sorted((ROOT / "jupyter_peer").rglob("SPEC.md"))
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HOP = re.compile(r"^\| \d+ \| `([^`]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
_ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)


def blocks(language):
    """Return the code blocks of a language on all pages, each once."""
    found = [
        text
        for page in PAGES
        for kind, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind == language
    ]
    assert found
    return list(dict.fromkeys(found))


def section(title, page=REFERENCE):
    return re.split(r"^#{2,3} ", page.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [*PAGES, *SPECIFICATIONS], ids=lambda page: str(page.relative_to(ROOT))
)
def test_each_link_leads_to_a_page_and_a_heading_of_it(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def called(text):
    """The words in backquotes of the first column of a table."""
    return [word for row in _ROW.findall(text) for word in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("source", blocks("python"), ids=lambda text: text[:20])
def test_each_cell_of_it_runs_as_it_stands(source):
    manager = TransformerManager()
    manager.cleanup_transforms += [unfold_share, keep_questions]
    code = manager.transform_cell(source)
    compile(code, "page.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for line in source.splitlines():
        if line.startswith(("%peer ", "%%peer ")):
            parse(split(line.partition(" ")[2]))


def test_each_command_within_a_sentence_is_understood():
    """One word alone names a command; the reference writes usages."""
    pages = [page for page in PAGES if page.parent.name != "reference"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    commands = set(re.findall(r"`%%?peer ([^`]+)`", text))
    assert len(commands) > 30
    for command in commands:
        if " " in command:
            parse(split(command))
        else:
            assert command == "--help" or command in COMMANDS


@pytest.mark.parametrize(
    "line",
    [
        line.partition("  #")[0]
        for block in blocks("bash")
        for line in block.replace("\\\n", "").splitlines()
        if line.startswith("jupyter")
    ],
)
def test_each_command_line_of_it_is_understood(line):
    words = shlex.split(line)
    for word in words:
        if word.startswith("--PeerExtension."):
            assert PeerExtension.class_traits(config=True)[word[16:].partition("=")[0]]
    if words[1] != "peer":
        return
    app = PeerApp()
    try:
        app.parse_command_line(words[2:])
        while isinstance(app.subapp, TerminalCommand):
            inner = app.subapp
            needed = [word for word in inner.words.split() if not word.startswith("[")]
            assert inner.subapp is not None or len(inner.extra_args) >= len(needed)
            app = inner
    finally:
        type(app).clear_instance()


def test_its_settings_are_those_there_are():
    own = set(PeerExtension.class_own_traits(config=True))
    for cls in PeerExtension.mro():
        if cls.__module__.startswith("jupyter_peer.") and hasattr(cls, "class_own_traits"):
            own |= set(cls.class_own_traits(config=True))
    assert set(called(section("Configuration"))) == own


def test_its_routes_are_served():
    api = [re.compile(path) for path, _ in ROUTES]
    page = (ROOT / "docs" / "reference" / "operations.md").read_text(encoding="utf-8")
    asked = [re.match(r"([A-Z]+) ([^ ?]+)", text) for text in called(section("REST", page))]
    assert len(asked) > 20
    for method, path in (match.groups() for match in asked if match):
        url = "/jupyter-peer/api/" + re.sub(r"\{\w+\}", "one", path)
        handler = next(cls for known, cls in zip(api, ROUTES, strict=True) if known.fullmatch(url))[
            1
        ]
        assert method.lower() in vars(handler), (method, path)


def _definitions(path):
    """Return the dotted names of all functions and classes that a Python file defines."""

    def below(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield prefix + child.name
                yield from below(child, f"{prefix}{child.name}.")

    return set(below(ast.parse(path.read_text(encoding="utf-8")), ""))


def _is_in_typescript(path, name):
    """Whether a TypeScript file defines a function, or a class with a method."""
    text = path.read_text(encoding="utf-8")
    owner, _, method = name.rpartition(".")
    if not owner:
        return f"function {method}(" in text
    _, found, body = text.partition(f"class {owner} ")
    return bool(found and re.search(rf"^  (private )?(async )?{method}\(", body, re.MULTILINE))


@pytest.mark.parametrize("hop", [match[1] for match in _HOP.finditer(ARCHITECTURE)])
def test_each_hop_of_a_walk_is_in_the_code(hop):
    file, _, name = hop.partition(":")
    if file.endswith(".py"):
        assert name in _definitions(ROOT / "jupyter_peer" / file)
    else:
        assert _is_in_typescript(ROOT / "labextension" / file, name)


def test_each_walk_numbers_its_hops_and_gives_a_reason_for_each():
    walks = ARCHITECTURE.split("\n### ")[1:]
    assert len(walks) == 5
    for walk in walks:
        rows = [line for line in walk.splitlines() if re.match(r"\| \d", line)]
        assert len(rows) > 10
        assert [row.split(" | ")[0] for row in rows] == [f"| {n + 1}" for n in range(len(rows))]
        assert all(_HOP.fullmatch(row) for row in rows)


def test_a_hub_on_kubernetes_is_configured_as_any_other():
    page = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
    ((_, python),) = [each for each in _BLOCK.findall(page) if each[0] == "python"]
    ((_, text),) = [each for each in _BLOCK.findall(page) if each[0] == "yaml"]
    chart = yaml.safe_load(text)
    public = f"c.JupyterHub.public_url = {json.dumps(chart['hub']['config']['JupyterHub']['public_url'])}"
    assert python.split("\n\n", 1) == [
        f"# jupyterhub_config.py\n{public}",
        chart["hub"]["extraConfig"]["peers"],
    ]


def test_the_decisions_stand_on_one_page():
    assert not (ROOT / "docs" / "design").exists()
    decisions = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", decisions, re.MULTILINE)
    assert len(headings) == len(set(headings)) > 10
