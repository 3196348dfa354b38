"""Writes what follows from the tables of operations and commands: golden shapes and the reference.

``python -m tests.vectors.operations`` writes ``operations.json`` beside it, and ``operations.md`` and
``commands.md`` in ``docs/reference``; ``tests/control/test_generated.py`` checks that all are fresh. The
browser's tests check ``labextension/src/shapes.ts`` against the JSON: its types are TypeScript's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from jupyter_peer.cli import PeerApp
from jupyter_peer.control.operation import Operation
from jupyter_peer.control.table import EVENTS, OPERATIONS
from jupyter_peer.server_client.command_table.table import COMMANDS

GOLDEN = Path(__file__).resolve().parent / "operations.json"
_REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
OPERATIONS_PAGE, COMMANDS_PAGE = _REFERENCE / "operations.md", _REFERENCE / "commands.md"

_PLAIN: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.NoneType: "null",
    inspect.AnyType: "unknown",
}

Struct = type[msgspec.Struct]
Object = inspect.StructType | inspect.DataclassType
_OBJECTS = (inspect.StructType, inspect.DataclassType)


def typescript(kind: inspect.Type) -> str:
    """Return a type as TypeScript writes it; structs by their names."""
    if type(kind) in _PLAIN:
        return _PLAIN[type(kind)]
    if isinstance(kind, inspect.Metadata):
        return typescript(kind.type)
    if isinstance(kind, inspect.LiteralType):
        return " | ".join(json.dumps(value) for value in kind.values)
    if isinstance(kind, inspect.UnionType):
        return " | ".join(typescript(each) for each in kind.types)
    if isinstance(kind, inspect.ListType):
        return f"Array<{typescript(kind.item_type)}>"
    if isinstance(kind, inspect.DictType):
        return f"Record<{typescript(kind.key_type)}, {typescript(kind.value_type)}>"
    assert isinstance(kind, _OBJECTS), kind
    return kind.cls.__name__


def structs(kinds: Iterable[inspect.Type]) -> dict[str, Object]:
    """Return all structs that the types consist of, by name."""
    found: dict[str, Object] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, inspect.Metadata):
            waiting.append(kind.type)
        elif isinstance(kind, inspect.UnionType):
            waiting += kind.types
        elif isinstance(kind, inspect.ListType):
            waiting.append(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            waiting.append(kind.value_type)
        elif isinstance(kind, _OBJECTS) and kind.cls.__name__ not in found:
            found[kind.cls.__name__] = kind
            waiting += [field.type for field in kind.fields]
    return dict(sorted(found.items()))


def fields(kind: Object, is_sent: bool) -> dict[str, str]:
    """Return the fields of a struct and their types; ``?`` ends the name of one that may miss.

    Args:
        kind: The struct.
        is_sent: Whether the server sends it. It writes defaults too, unless the struct omits them.
    """
    tag_field = getattr(kind, "tag_field", None)
    tag = {} if tag_field is None else {tag_field: json.dumps(kind.tag)}
    return tag | {
        field.encode_name + "?" * _may_miss(kind, field, is_sent): typescript(field.type)
        for field in kind.fields
    }


def _may_miss(kind: Object, field: inspect.Field, is_sent: bool) -> bool:
    is_unset = {field.default, field.default_factory} == {msgspec.NODEFAULT}
    omits = is_unset or (
        isinstance(kind, inspect.StructType) and kind.cls.__struct_config__.omit_defaults
    )
    return not field.required and (omits or not is_sent)


def golden() -> dict[str, Any]:
    """Return the content of the golden file."""
    rows = OPERATIONS.values()
    received = [row.params for row in rows] + [row.body for row in rows if row.body]
    sent = [row.result for row in rows] + [row.progress for row in rows if row.progress]
    return {
        "operations": {row.name: _facts(row) for row in rows},
        "events": {name: struct.__name__ for name, struct in EVENTS.items()},
        "received": _all_fields(received, is_sent=False),
        "sent": _all_fields([*sent, *EVENTS.values()], is_sent=True),
    }


def _facts(row: Operation[Any, Any]) -> dict[str, Any]:
    flags = ("is_repeatable", "is_activity", "ends_unawaited")
    facts: dict[str, Any] = {"params": row.params.__name__, "result": row.result.__name__}
    if row.progress is not None:
        facts["progress"] = row.progress.__name__
    if row.rest:
        facts["rest"] = row.rest
    return facts | {flag: getattr(row, flag) for flag in flags}


def _all_fields(shapes: Iterable[Struct], *, is_sent: bool) -> dict[str, dict[str, str]]:
    found = structs(inspect.type_info(shape) for shape in shapes)
    return {name: fields(kind, is_sent) for name, kind in found.items()}


def commands() -> str:
    """Return the page of the commands."""
    rows = [
        (
            _cell(f"{row.magic} {row.name} {row.usage}".rstrip()),
            ", ".join(f"`{word}`" for word in (row.name, row.also) if word)
            if row.in_terminal
            else "",
            row.description,
        )
        for row in COMMANDS.values()
    ]
    programs = [
        (f"`jupyter peer {name}`", summary)
        for name, (_, summary) in PeerApp.subcommands.items()
        if name not in COMMANDS and name not in {row.also for row in COMMANDS.values()}
    ]
    return "\n".join(
        [
            "# Commands",
            "",
            "<!-- Written by `python -m tests.vectors.operations`. Do not edit. -->",
            "",
            "A command is the same in a notebook and in a terminal. The second column names it after",
            "`jupyter peer`; the others need a notebook. Each has `--help`.",
            "",
            *_table(("In a notebook", "In a terminal", ""), rows),
            "",
            "## Programs of the terminal",
            "",
            *_table(("Command", ""), programs),
            "",
        ]
    )


def _cell(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def reference() -> str:
    """Return the page of the operations."""
    rest = [
        (
            f"`{row.rest}`",
            _code(_body(row)),
            _code(_outcome(row)),
            row.help,
        )
        for row in OPERATIONS.values()
        if row.rest
    ]
    ops = [
        (f"`{row.name}`", _code(_names(row.params)), _code(_names(row.result, True)), row.help)
        for row in OPERATIONS.values()
    ]
    events = [(f"`{name}`", _code(_names(struct, True))) for name, struct in EVENTS.items()]
    return "\n".join(
        [
            "# Operations",
            "",
            "<!-- Written by `python -m tests.vectors.operations`. Do not edit. -->",
            "",
            "The server offers its operations over REST and over the control socket. `?` marks what may",
            "be left out. Every error is `{code, message, hint}`.",
            "",
            "## REST",
            "",
            "Below `{base_url}jupyter-peer/api/`, with Jupyter's login and XSRF check. A refused request",
            "is answered with a 4xx status and the error as its body.",
            "",
            *_table(("Request", "Body", "Answer", ""), rest),
            "",
            "## Control socket",
            "",
            "`{base_url}jupyter-peer/ws`. A request is `{id, op, params}`; its answer is",
            "`{id, result}` or `{id, error}`, after any number of `{id, progress}`.",
            "",
            *_table(("`op`", "`params`", "`result`", ""), ops),
            "",
            "An event is `{event, data}`.",
            "",
            *_table(("`event`", "`data`"), events),
            "",
            "## Shapes",
            "",
            "Types are TypeScript's. Times are epoch seconds.",
            "",
            *_table(("", ""), _shapes(golden()["sent"])),
            "",
        ]
    )


def _shapes(structs: Mapping[str, Mapping[str, str]]) -> Iterable[tuple[str, ...]]:
    """Return the structs inside of results and events, field by field."""
    shown = {type_ for types in structs.values() for type_ in types.values()}
    words = set(re.findall(r"\w+", " ".join(shown)))
    for name in sorted(words & structs.keys()):
        types = ", ".join(f"{field}: {kind}" for field, kind in structs[name].items())
        yield f"`{name}`", _code(types.replace("|", "\\|"))


def _names(struct: Struct, is_sent: bool = False, without: Iterable[str] = ()) -> str:
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    return ", ".join(
        f"{name}: {type_}" if re.search(r"Model|Finding", type_) else name
        for name, type_ in fields(kind, is_sent).items()
        if name.removesuffix("?") not in without
    ).replace("|", "\\|")


def _body(row: Operation[Any, Any]) -> str | None:
    if row.method in ("GET", "DELETE"):
        return None
    in_path = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    return _names(row.body or row.params, without=in_path)


def _outcome(row: Operation[Any, Any]) -> str:
    names = _names(row.result, True)
    if not row.is_outcome:
        return names
    name, colon, kind = names.partition(":")
    return f"ok, {name}?{colon}{kind}, error?: ErrorModel"


def _code(names: str | None) -> str:
    return "" if names is None else f"`{{{names}}}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def golden_text() -> str:
    """Return the golden file as text."""
    return json.dumps(golden(), indent=1) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(golden_text(), encoding="utf-8")
    OPERATIONS_PAGE.write_text(reference(), encoding="utf-8")
    COMMANDS_PAGE.write_text(commands(), encoding="utf-8")
