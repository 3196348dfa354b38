"""The notebook guide: what it tells of variables, and that nobody's code runs for a peer."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_peer.errors import BadNameError, LookupFailedError
from jupyter_peer.server_client.agents.guide.secret_words import is_secret_name, is_secret_text
from jupyter_peer.server_client.agents.guide.values import HIDDEN
from jupyter_peer.server_client.agents.guide.variables import Variables
from tests.agents.model_server import model_server
from tests.agents.servers import kernel, run, servers
from tests.machine.needs import needs_module

pytestmark = pytest.mark.usefixtures("jp_environ")


def _sprung(*args):
    pytest.fail("ran code of the value")


def trapped():
    """A value that notices when anything of it or its class runs."""

    class Trap(type):
        __getattribute__ = __repr__ = __instancecheck__ = __subclasscheck__ = _sprung

    class Trapped(metaclass=Trap):
        __repr__ = __str__ = __len__ = __iter__ = __getattribute__ = __eq__ = __format__ = _sprung
        __hash__ = None

    return Trapped()


class Loud(str):
    __slots__ = ()
    __repr__ = __str__ = _sprung


def described(value, name="it"):
    return Variables(lambda: {name: value}).describe(name)


def test_the_list_has_names_types_and_sizes_and_no_values():
    known = Variables(
        lambda: {
            "losses": [0.5, 0.25],
            "x": np.zeros((3, 4), "float32"),
            "df": pd.DataFrame({"a": [1, 2]}),
            "title": "a run",
            "epochs": 40,
            "api_key": "12345",
            "_hidden": 1,
            "np": np,
            "run": lambda: None,
            "Loud": Loud,
            "In": [""],
        }
    )
    assert known.list().splitlines() == [
        "losses: list (2 items)",
        "x: numpy.ndarray (3 x 4, float32)",
        "df: pandas.DataFrame (2 x 1)",
        "title: str (5 characters)",
        "epochs: int",
        f"api_key: str; {HIDDEN}",
    ]
    assert Variables(dict).list() == "The notebook has no variables."


def objects(*values):
    """Make an array of objects without a look into them, as older versions of pandas take."""
    array = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return array


def test_a_frame_is_described_by_its_columns():
    frame = pd.DataFrame(
        {"loss": [0.5, 0.25, None], "name": objects("a", "b", trapped()), "password": list("xyz")}
    )
    assert described(frame).splitlines() == [
        "it: pandas.DataFrame (3 x 3)",
        "  'loss': float64; min 0.25, mean 0.375, max 0.5, 1 missing; begins 0.5, 0.25, nan",
        "  'name': object; begins 'a', 'b', <tests.trapped.<locals>.Trapped>",
        f"  'password': {HIDDEN}",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.25, "0.25"),
        (np.float64(0.25), "np.float64(0.25)"),
        ({"lr": 0.1, "token": "abc", "runs": [1, (2, [3])]}, f"{{'lr': 0.1, 'token': {HIDDEN}, 'runs': [1, (…)]}}"),
        (np.arange(4), "min 0, mean 1.5, max 3; begins 0, 1, 2, 3"),
        (pd.Series([2, 1]), "int64; min 1, mean 1.5, max 2; begins 2, 1"),
        (pd.Series(["a"], dtype="category"), "category; begins 'a'"),
        (np.array([np.nan]), "only missing values; begins nan"),
        (np.array([]), "empty"),
        (10**1000, "int of 3322 bits"),
        (b"abc", "bytes of 3 bytes"),
        ("x" * 1000, f"'{'x' * 400}'… (1,000 characters)"),
        ("https://ada:pass@example.org", HIDDEN),
        (list(range(1000)), f"[{', '.join(map(str, range(20)))}, … 980 more]"),
        (np.ma.masked_array([1]), "<numpy.MaskedArray>"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_known_values_are_written_and_bounded(value, said):
    assert described(value).splitlines()[1:] == [f"  {said}"]


def test_a_large_value_makes_a_bounded_text_and_no_computation(monkeypatch):
    wide = pd.DataFrame([["y" * 10_000] * 300], columns=["c" * 5000 + str(n) for n in range(300)])
    assert "and 260 more columns" in described(wide)
    assert len(described(wide)) < 100_000
    deep = nested = []
    for _ in range(100_000):
        nested.append([])
        nested = nested[0]
    assert described(deep).endswith("  [[[…]]]")
    assert "min" not in described(np.broadcast_to(np.int8(1), (10**9,)))


def test_no_code_of_a_values_own_class_runs():
    it = trapped()
    for value in (it, [it], {"a": it}, pd.Series(objects(it), dtype=object), Loud("a")):
        described(value)
    assert described(Loud("a")).splitlines()[1] == "  <tests.Loud>"
    assert "Trapped" in Variables(lambda: {"it": it}).list()


def test_a_variable_is_found_by_its_exact_name_alone():
    known = Variables(lambda: {"df": 1, "sys": sys, "_": 2})
    for name in ("DF", "df.a", "df ", "sys", "_", "__import__('os')", ""):
        with pytest.raises(LookupFailedError):
            known.describe(name)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_pass",
        "pwd",
        "api_key",
        "apiKey",
        "APIKEY",
        "OPENAI_KEY",
        "secret",
        "hf_tokens",
        "authHeader",
        "keys",
    ],
)
def test_names_of_secrets_are_known(name):
    assert is_secret_name(name)


def test_the_same_secrets_are_known_as_in_the_page_that_shares_an_output():
    cases = json.loads((Path(__file__).parents[1] / "vectors" / "secrets.json").read_text())
    assert [name for name in cases["secret_names"] if not is_secret_name(name)] == []
    assert [name for name in cases["plain_names"] if is_secret_name(name)] == []
    assert [text for text in cases["secret_texts"] if not is_secret_text(f"it is {text}")] == []
    assert [text for text in cases["plain_texts"] if is_secret_text(f"it is {text}")] == []


@contextlib.asynccontextmanager
async def ada_and_bob(path, mode="read-only", **guide):
    """Yield Ada's server and Bob's client; Ada has switched the guide on."""
    settings = {"agent_turns_a_minute": 100}
    async with (
        servers(path, "ada", "bob", **settings) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.guide, **guide)
        await run(adas.agent_on, "guide", mode)
        yield ada, adas, bob, bobs


async def test_without_a_model_it_describes_what_the_question_names(tmp_path):
    namespace = {"losses": [0.5, 0.25], "df": pd.DataFrame({"a": [1, 2]}), "a": 3, "token": "abc"}
    async with ada_and_bob(tmp_path, variables=namespace) as (ada, adas, _, bobs):
        assert "No pane is shared with bob." in await run(bobs.ask, "ada", "hello")
        shown = [{"output_type": "stream", "name": "stdout", "text": "step 39"}]
        browser = await ada.control()
        for name, allowed in (("metrics", ["bob"]), ("private", [])):
            await browser.ask("post", name=name, outputs=shown, **{"with": allowed})
        await browser.close()
        about = await run(bobs.ask, "ada", "What is a loss? And df, losses[0], __import__('os')")
        assert "df: pandas.DataFrame (2 x 1)\n  'a': int64; min 1" in about
        assert "losses: list (2 items)\n  [0.5, 0.25]" in about
        assert "\na: int" not in about
        assert "\na: int\n  3" in await run(bobs.ask, "ada", "and `a`?")
        everything = await run(bobs.ask, "ada", "what is there?")
        assert "token: str; hidden" in everything
        assert "metrics" in everything
        assert "private" not in everything
        assert "pane metrics:\nstep 39" in await run(bobs.ask, "ada", "show metrics and private")
        assert "not allowed me to run" in await run(bobs.ask, "ada", "run cell 1")
        namespace["later"] = 1
        assert "later: int" in await run(bobs.ask, "ada", "what is there now?")
        used = [
            e["detail"]
            for e in (await ada.call("GET", "audit"))["audit"]
            if e["kind"] == "agent_tool"
        ]
        assert {(each["tool"], each["decision"]) for each in used} >= {
            ("describe", "read-only"),
            ("list_variables", "read-only"),
        }
        tools = (await run(adas.agents)).agents[0]["tools"]
        assert all(each["read_only"] for each in tools)


async def test_cells_are_told_of_only_if_the_owner_said_so_and_run_only_with_a_yes(
    tmp_path, monkeypatch
):
    from jupyter_peer.server_client.agents.guide import guide

    monkeypatch.setattr(guide, "past_cells", lambda: {3: "fit()", 4: "k = 'ghp_" + "a" * 20})
    async with ada_and_bob(tmp_path, "ask", variables={}, cells=True) as (_, adas, _, bobs):
        listed = await run(bobs.ask, "ada", "which cells are there?")
        assert "[3] fit()" in listed
        assert "ghp_" not in listed
        assert "Cell 3 did not run: no browser is open" in await run(bobs.ask, "ada", "run cell 3")
        await run(adas.agent_on, mode="read-only")
        assert "not allowed me to run" in await run(bobs.ask, "ada", "run cell 3")


async def test_with_a_model_the_model_gets_the_same_tools(tmp_path):
    needs_module("pydantic_ai", "agents")
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from jupyter_peer.server_client.agents.agent_loop import agent_loop

    async with model_server() as model:
        client = AsyncOpenAI(base_url=model.url, api_key="none", max_retries=0)
        chat = OpenAIChatModel("fake", provider=OpenAIProvider(openai_client=client))
        model.reply = lambda messages: (
            messages[-1]["content"]
            if messages[-1]["role"] == "tool"
            else [("describe", {"name": "losses"})]
        )
        guide = {"variables": {"losses": [0.5]}, "cells": True, "model": chat}
        async with ada_and_bob(tmp_path, **guide) as (_, _, _, bobs):
            assert "[0.5]" in await run(bobs.ask, "ada", "which losses?")
        await run(agent_loop().submit(client.close()).result)
        offered = {each["function"]["name"] for each in model.asked[0]["tools"]}
        assert offered == {"list_variables", "describe", "list_panes", "read_pane", "list_cells"}


async def test_a_name_that_cannot_be_used_is_refused(tmp_path):
    async with servers(tmp_path, "ada") as (ada,), kernel(ada) as adas:
        with pytest.raises(BadNameError):
            await run(adas.guide, name="the guide")
