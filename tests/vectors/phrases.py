"""Collects the sentences of the server where translators of the page find them.

``python -m tests.vectors.phrases`` writes ``labextension/src/phrases.ts``: the template of each
:func:`jupyter_peer.phrase.phrase`, and the messages and hints of errors without parameters. The
page receives a template from the server and translates it; the file only lets tools that extract
texts see all of them. What a malformed frame is, is for those who debug, so translators are spared
:exc:`.WireError`. ``tests/control/test_generated.py`` checks that the file is fresh.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from jupyter_peer.errors import WireError
from jupyter_peer.phrase import as_phrase, phrase
from tests.vectors.failures import errors

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "labextension" / "src" / "phrases.ts"
#: Parts whose texts stay in a terminal, a notebook's kernel or a relay.
_ELSEWHERE = ("cli.py", "commands", "demo", "kernel", "relay", "server_client")
_HEAD = """\
import { TranslationBundle } from '@jupyterlab/translation';

/**
 * The sentences that the server sends as phrases, so that translators reach them.
 *
 * The page does not call this: the server sends a template, and `phraseText` translates it. Written by
 * `python -m tests.vectors.phrases` from the server's source.
 */
export function phrases(trans: TranslationBundle): string[] {
  // prettier-ignore
  return [
"""
_FOOT = """\
  ];
}
"""


def page() -> str:
    """Return the text of the file."""
    rows = [f"    trans.__({json.dumps(each, ensure_ascii=False)}),\n" for each in templates()]
    return "".join((_HEAD, *rows, _FOOT)).replace(",\n  ];", "\n  ];")


def templates() -> list[str]:
    """Return what the server may send as a template, sorted."""
    package = _ROOT / "jupyter_peer"
    found = {as_phrase(cls.advice).for_page.template for cls in errors() if cls.advice}
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0] not in _ELSEWHERE:
            found.update(each for call in _calls(path) for each in _templates(call))
    return sorted(found)


def _calls(path: Path) -> Iterator[ast.Call]:
    """Yield the calls in a file, without phrases that name a command: the page shows the other one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    commands = [
        call.func.value
        for call in found
        if isinstance(call.func, ast.Attribute) and call.func.attr == "on_page"
    ]
    return (call for call in found if call not in commands)


def _templates(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name == "phrase":
        yield _template(call)
    elif name in _ERRORS:
        hints = [each.value for each in call.keywords if each.arg == "hint"]
        for text in (*call.args[:1], *hints):
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                yield phrase(text.value).template


def _template(call: ast.Call) -> str:
    """Return the template of a call of ``phrase``.

    Raises:
        ValueError: The text is no literal, or its parameters are not those of the call.
    """
    text = call.args[0]
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        raise ValueError(f"line {call.lineno}: a phrase needs a literal")
    names = {name for _, name, _, _ in Formatter().parse(text.value) if name is not None}
    given = {each.arg for each in call.keywords}
    if not call.keywords:
        return phrase(text.value).template
    if None not in given and names != given:
        raise ValueError(f"line {call.lineno}: the parameters are {names}, not {given}")
    return phrase(text.value, **dict.fromkeys(names, 0)).template


_ERRORS = {cls.__name__ for cls in errors() - errors(WireError)}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
