"""The operation table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import msgspec
import pytest

import jupyter_peer
from jupyter_peer.control.operation import Operation
from jupyter_peer.control.rows import (
    agents,
    chat,
    invites,
    links,
    lobby,
    node,
    panes,
    peers,
    reach,
    turns,
)
from jupyter_peer.control.table import OPERATIONS

SUBJECTS = (node, reach, invites, peers, panes, links, lobby, chat, agents, turns)
SERVER = Path(jupyter_peer.__file__).parent / "server"


def rows_with_rest():
    return [row for row in OPERATIONS.values() if row.rest]


def in_path(path):
    return set(re.findall(r"\{(\w+)\}", path))


def fields(struct):
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def test_no_two_rows_have_the_same_name_or_the_same_route():
    rows = [
        row for module in SUBJECTS for row in vars(module).values() if isinstance(row, Operation)
    ]
    assert len(rows) == len(OPERATIONS) == len({row.name for row in rows})
    routes = [(row.method, row.path) for row in rows_with_rest()]
    assert len(routes) == len(set(routes))


def test_every_row_is_served_by_exactly_one_method():
    served = []
    for path in SERVER.rglob("*.py"):
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(each, ast.Call) and getattr(each.func, "id", None) == "serves":
                (row,) = each.args
                served.append(row.attr if isinstance(row, ast.Attribute) else row.id)
    assert sorted(served) == sorted(name.upper() for name in OPERATIONS)


def test_every_row_helps_in_one_sentence():
    for row in OPERATIONS.values():
        assert re.fullmatch(r"[A-Z][^\n]{8,78}\.", row.help), row.name


def test_names_in_a_path_or_a_query_are_parameters_of_the_operation():
    for row in rows_with_rest():
        assert in_path(row.path) | set(row.query) <= set(fields(row.params)), row.name
        assert not row.query or row.method == "GET", row.name


def test_a_get_or_delete_can_say_all_that_its_operation_needs():
    for row in rows_with_rest():
        if row.method in ("GET", "DELETE"):
            needed = {name for name, field in fields(row.params).items() if field.required}
            assert needed <= in_path(row.path) | set(row.query), row.name


def test_a_body_of_another_shape_fills_the_parameters():
    for row in rows_with_rest():
        if row.body is not None:
            needed = {name for name, field in fields(row.params).items() if field.required}
            assert needed <= set(row.body.__struct_fields__) <= set(row.params.__struct_fields__)


def test_what_only_looks_may_be_repeated_and_keeps_no_server_alive():
    for row in rows_with_rest():
        if row.method == "GET":
            assert row.is_repeatable, row.name
            assert row.is_activity == (row is node.DOCTOR), row.name
    acts = {row.name for row in OPERATIONS.values() if row.is_activity}
    assert {"pair", "share", "grant", "ask", "chat", "approve"} <= acts
    # Programs open panes again and acknowledge changes without a person.
    assert not acts & {"open", "ack", "close", "ping", "turn_write"}


def test_a_peer_is_renamed_in_a_body_by_the_table_alone():
    read = agents.ASK.read_rest({"peer_id": "ada", "prompt": "?", "turn": 3, "stream": True})
    assert read == agents.AskParams(peer="ada", prompt="?")


@pytest.mark.parametrize("row", OPERATIONS.values(), ids=lambda row: row.name)
def test_parameters_of_any_row_are_refused_without_their_values(row):
    secret = "a secret\x00"
    for name in fields(row.params):
        with pytest.raises(jupyter_peer.errors.BadRequestError) as refused:
            row.read({name: {secret: [secret]}})
        assert secret not in refused.value.message
        assert refused.value.hint.startswith(f"{row.name} takes ")
