"""Answers that are more than text: what an agent gives is shown at the asker."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest

from jupyter_peer.errors import AgentFailedError, AnswerTooLongError
from jupyter_peer.server_client.agents.displays import MAX_DISPLAY
from jupyter_peer.server_client.results.answers import AnswerDisplay
from jupyter_peer.wire.payloads.agents import DISPLAYS, MAX_DISPLAYS
from tests.agents.servers import kernel, run, servers

pytestmark = pytest.mark.usefixtures("jp_environ")

PNG = b"\x89PNG\r\n" + bytes(range(256))
SCRIPT = "<script>window.pwned = 1</script>"


class Picture:
    def _repr_png_(self):
        return PNG

    def __repr__(self):
        return "a picture"


class Page:
    def _repr_html_(self):
        return SCRIPT

    def __repr__(self):
        return "a page"


@contextlib.asynccontextmanager
async def ada_and_bob(path, **settings):
    async with (
        servers(path, "ada", "bob", **settings) as (ada, bob),
        kernel(ada) as adas,
        kernel(bob) as bobs,
    ):
        await run(adas.agent_on)
        yield adas, bobs, ada, bob


def mixed(turn):
    yield "first "
    yield "second\n"
    yield Picture()
    yield "third"


async def mixed_async(turn):
    for piece in mixed(turn):
        yield piece


@pytest.mark.parametrize("agent", [mixed, mixed_async])
async def test_texts_and_displays_come_in_their_order(tmp_path, agent):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, bob):
        await run(adas.agent, agent, name="helper")
        answer = await run(bobs.ask, "ada", "?")
        first, picture, last = answer.parts
        assert (first, picture, last) == ("first second\n", "a picture\n", "third")
        assert base64.b64decode(picture.output["data"]["image/png"]) == PNG
        assert answer == "first second\na picture\nthird"
        html = answer._repr_mimebundle_()["text/html"]
        assert 'src="data:image/png;base64,' in html
        pieces = await run(lambda: list(bobs.ask_stream("ada", "?")))
        assert [type(piece) for piece in pieces].count(AnswerDisplay) == 1
        assert "".join(pieces) == answer
        body = {"peer_id": "ada", "prompt": "?"}
        assert (await bob.call("POST", "ask-peer", body))["answer"] == answer


@pytest.mark.parametrize("given", [Picture(), 42, {"epoch": 7}])
async def test_a_value_is_returned_as_a_cell_would_show_it(tmp_path, given):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: given, name="helper")
        (part,) = (await run(bobs.ask, "ada", "?")).parts
        assert part.output["data"]["text/plain"] == repr(given)


async def test_html_of_a_stranger_is_never_part_of_the_readers_page(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: Page(), name="helper")
        answer = await run(bobs.ask, "ada", "?")
        assert answer.parts[0].output["data"]["text/html"] == SCRIPT
        assert "<script" not in answer._repr_mimebundle_()["text/html"]


async def test_what_cannot_be_displayed_says_so_to_the_asker_and_to_its_owner(tmp_path, caplog):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: object(), name="helper")
        with pytest.raises(AgentFailedError, match="gave a object, which cannot be displayed"):
            await run(bobs.ask, "ada", "?")
    assert "gave a object, which cannot be displayed" in caplog.text


class Heavy:
    def __init__(self, size):
        self._size = size

    def _repr_png_(self):
        return bytes(self._size)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([Heavy(MAX_DISPLAY)], "has 11 MiB, and may have 8"),
        ([Heavy(MAX_DISPLAY // 2)] * 4, "at most 32 things of 16 MiB"),
        ([Picture()] * (MAX_DISPLAYS + 1), "at most 32 things of 16 MiB"),
    ],
)
async def test_an_answer_shows_a_bounded_number_of_things_of_bounded_size(tmp_path, given, why):
    async with ada_and_bob(tmp_path) as (adas, bobs, _, _):
        await run(adas.agent, lambda turn: iter(given), name="helper")
        with pytest.raises(AnswerTooLongError, match=why):
            await run(bobs.ask, "ada", "?")


async def test_an_older_asker_receives_the_plain_text(tmp_path):
    async with ada_and_bob(tmp_path) as (adas, bobs, ada, _):
        await run(adas.agent, lambda turn: Picture(), name="helper")
        known = ada.hub.capabilities_of
        ada.hub.capabilities_of = lambda node: [c for c in known(node) if c != DISPLAYS]
        answer = await run(bobs.ask, "ada", "?")
        assert answer.parts == ["a picture"]


async def test_a_picture_passes_through_an_agent_that_asks_another(tmp_path):
    async with (
        servers(tmp_path, "ada", "bob", "cy", allow_remote_agent=True) as (ada, bob, cy),
        kernel(ada) as a,
        kernel(bob) as b,
        kernel(cy) as c,
    ):
        await run(c.agent, lambda turn: Picture(), name="helper")
        for middle in (
            lambda turn: turn.ask("cy", turn.prompt),
            lambda turn: b.ask_stream("cy", turn.prompt),
        ):
            await run(b.agent, middle, name="middle")
            (picture,) = (await run(a.ask, "bob", "?")).parts
            assert base64.b64decode(picture.output["data"]["image/png"]) == PNG
            assert json.dumps(picture.to_json())
